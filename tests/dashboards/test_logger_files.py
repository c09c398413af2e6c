"""Reading logger files in, and what loggers say themselves on the page of their storage point."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from coldchain.clock import HOUR, iso
from tests.dashboards.conftest import DESK, Window, settled
from tests.dashboards.stage import Stage, now_ms
from tests.dashboards.stage_files import TAG
from tests.dashboards.test_words import latin_words

pytestmark = pytest.mark.browser

SMALL = (360, 740)


def chosen(page: Page, *contents: tuple[str, bytes]) -> None:
    files: Any = [{"name": name, "mimeType": "text/plain", "buffer": content} for name, content in contents]
    page.locator("input[type=file]").set_input_files(files)


def test_a_file_is_read_in_where_its_logger_stood(window: Window, stage: Stage) -> None:
    page = window.open("/logger-files?point=point-4")
    chosen(page, ("june.txt", b"Device: Q-tag Fridge-tag 2 L\n"))
    page.get_by_role("button", name="Read in").click()

    result = page.get_by_role("status")
    expect(result).to_contain_text("10,653 new readings · 12 were known already · 3 without a value")
    expect(result).to_contain_text("Enrolled just now")
    expect(result).to_contain_text("Beside, not judged: 38 day summaries, 1 alarm of the logger")
    expect(result.get_by_role("link", name=TAG)).to_have_attribute("href", f"/devices/{TAG}")
    assert stage.told("POST", "/imports/readings") == "Device: Q-tag Fridge-tag 2 L\n"
    assert "point=point-4" in stage.queries


def test_several_files_are_told_one_by_one(window: Window) -> None:
    page = window.open("/logger-files")
    chosen(page, ("june.txt", b"Device: Q-tag Fridge-tag 2 L\n"), ("may.txt", b"known\n"))
    expect(page.locator("form")).to_contain_text("2 files june.txt, may.txt")
    page.get_by_role("button", name="Read in").click()

    expect(page.locator(".results .says")).to_have_count(2)
    expect(page.locator(".results .says").nth(1)).to_contain_text("Was read before. Nothing changed.")


def test_a_damaged_file_says_its_line_and_what_to_do(window: Window, stage: Stage) -> None:
    stage.problems["/imports/readings"] = (422, {"detail": "file:27: a signature is cut off, or is none"})
    page = window.open("/logger-files")
    chosen(page, ("june.txt", b"Device: Q-tag Fridge-tag 2 L\n"))
    page.get_by_role("button", name="Read in").click()

    result = page.get_by_role("status")
    expect(result).to_contain_text("Nothing of this file was taken. Copy the file from the logger once more")
    expect(result).to_contain_text("Line 27: a signature is cut off")


def test_a_logger_that_nobody_knows_says_what_is_missing(window: Window, stage: Stage) -> None:
    stage.problems["/imports/readings"] = (
        404,
        {"detail": "no device here is '99': say at which storage point it stood"},
    )
    page = window.open("/logger-files")
    chosen(page, ("june.txt", b"Device: Q-tag Fridge-tag 2 L\n"))
    page.get_by_role("button", name="Read in").click()

    expect(page.get_by_role("status")).to_contain_text("say at which storage point it stood")


def test_without_a_file_nothing_is_sent(window: Window, stage: Stage) -> None:
    page = window.open("/logger-files")
    page.get_by_role("button", name="Read in").click()

    expect(page.get_by_role("alert")).to_contain_text("Choose a file first.")
    assert not any(path == "/imports/readings" for _, path, _ in stage.asked)


def test_a_storage_point_shows_what_its_loggers_say(window: Window) -> None:
    page = window.open("/points/point-0")
    said = page.locator(".evidence li")

    expect(page.locator(".evidence")).to_contain_text("Our rules do not judge it.")
    expect(said).to_have_count(6)
    expect(said.nth(0)).to_contain_text("Alarm of the device: too hot")
    expect(said.nth(2)).to_contain_text(re.compile(r"Alarm of the logger: above 8\.0.°C for more than 10 h"))
    expect(said.nth(3)).to_contain_text(re.compile(r"3\.1.°C to 11\.2.°C"))
    expect(said.nth(3)).to_contain_text(re.compile(r"mean 4\.5.°C · above 8\.0.°C for 11 h 42 min"))
    expect(said.nth(5)).to_contain_text("no temperature")
    page.get_by_role("button", name="Show all 11").click()
    expect(said).to_have_count(11)


def test_where_no_logger_says_anything_nothing_is_shown(window: Window) -> None:
    page = window.open("/points/point-4")

    expect(page.locator(".evidence")).to_have_count(0)
    expect(page.get_by_role("link", name="Read a logger file in")).to_have_attribute(
        "href", "/logger-files?point=point-4"
    )


def test_who_may_not_read_files_in_is_not_offered_it(window: Window, stage: Stage) -> None:
    stage.permissions = [one for one in stage.permissions if one != "readings.import"]
    page = window.open("/points/point-4")
    expect(page.get_by_role("link", name="Read a logger file in")).to_have_count(0)
    page = window.open("/more")

    expect(page.get_by_role("link", name="Logger files")).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "said", "advice"),
    [
        ("en", r"read by hand; last reading 1 d 2 h ago, at 4\.5.°C", "Take the file from the logger"),
        ("hi", r"हाथ से पढ़ा जाता है; अंतिम रीडिंग 1 दिन 2 घं पहले, 4\.5.°C", "लॉगर से फ़ाइल लें"),
    ],
)
def test_a_point_that_only_files_tell_of_says_so(
    window: Window, stage: Stage, language: str, said: str, advice: str
) -> None:
    one = next(row for row in stage.wall["items"] if row["state"] == "silent")
    one |= {"last_heard_at": None, "silent_since": None, "celsius": 4.5, "measured_at": iso(now_ms() - 26 * HOUR)}
    page = window.open(f"/points/{one['id']}", language=language)

    expect(page.locator(".lead")).to_contain_text(re.compile(said))
    expect(page.locator(".do")).to_contain_text(advice)


def test_in_hindi_no_english_is_left(window: Window) -> None:
    page = window.open("/logger-files", language="hi", size=SMALL)
    chosen(page, ("june.txt", b"Device: Q-tag Fridge-tag 2 L\n"), ("may.txt", b"known\n"))
    page.get_by_role("button", name="पढ़ें").click()
    expect(page.locator(".results .says")).to_have_count(2)

    assert latin_words(page) == set()


@pytest.mark.parametrize("size", [SMALL, DESK])
@pytest.mark.parametrize("path", ["/logger-files", "/points/point-0"])
def test_nothing_is_wider_than_the_screen(window: Window, path: str, size: tuple[int, int]) -> None:
    page = window.open(path, size=size)
    settled(page)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
