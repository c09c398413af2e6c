"""The wall: who needs me now? Drawn by a real browser before an invented district."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from coldchain.clock import HOUR, MINUTE, iso
from tests.dashboards import stage as invented
from tests.dashboards.conftest import DESK, Window
from tests.dashboards.stage import Stage, now_ms

pytestmark = pytest.mark.browser


def line_of(page: Page, point: str) -> Any:
    return page.locator(f'.row:has(a[href="/points/{point}"])')


def live(stage: Stage, number: int, **facts: Any) -> None:
    """The desk tells of one row, as it does for every reading."""
    changed = {**invented.row(number, "ok", "ILR 1"), **facts}
    del changed["strip"]
    if changed["celsius"] is not None:
        changed["point"] = [now_ms(), round(changed["celsius"] * 10)]
    stage.tell("row", changed)


def joined(page: Page) -> None:
    page.wait_for_selector(".dot.live")


def test_who_is_needed_stands_on_top_and_what_is_fine_is_one_quiet_line(window: Window) -> None:
    page = window.open("/")

    headings = page.locator("main h2").all_inner_texts()
    assert headings == ["Act now", "Watch", "Not heard from", "Not placed", "In range", "Without a device"]
    assert "3\nneed you now" in page.locator(".sum").inner_text()
    assert page.locator(".rows.fine .note").count() == 0


def test_a_row_says_the_sentence_with_the_time_that_is_left(window: Window) -> None:
    page = window.open("/")

    expect(line_of(page, "point-0")).to_contain_text("above 8.0 °C for 3 h 12 min · alarm in 6 h 48 min")
    expect(line_of(page, "point-1")).to_contain_text("below −0.5 °C for 22 min · alarm in 38 min")
    expect(line_of(page, "point-4")).to_contain_text("last heard 4 h 05 min ago, at 4.6 °C")
    expect(line_of(page, "point-13")).to_contain_text(re.compile(r"probe unplugged since \d\d:\d\d"))
    expect(line_of(page, "point-3")).to_contain_text(
        "7.6 °C and rising 1.4 °C an hour · reaches 8.0 °C in about 17 min"
    )


def test_a_state_is_a_mark_a_word_and_a_colour(window: Window) -> None:
    page = window.open("/")

    states = {
        "point-0": ("▲", "Too hot"),
        "point-1": ("▼", "Too cold"),
        "point-3": ("◆", "Rising"),
        "point-4": ("◌", "Silent"),
        "point-13": ("✕", "Probe fault"),
    }
    colours = set()
    for point, (mark, word) in states.items():
        state = line_of(page, point).locator(".state")
        assert mark in state.inner_text()
        assert word in state.inner_text()
        colours.add(state.evaluate("(node) => getComputedStyle(node).color"))
    assert len(colours) == len(states)


def test_a_silent_and_a_faulty_one_show_no_number_and_hatching(window: Window) -> None:
    page = window.open("/")

    for point in ("point-4", "point-13"):
        assert "°C" not in line_of(page, point).locator(".val").inner_text()
        assert line_of(page, point).locator(".strip .hatch").count() == 1
    assert line_of(page, "point-0").locator(".strip .hatch").count() == 0


def test_times_are_the_places_clock_not_the_browsers(window: Window) -> None:
    page = window.open("/")

    utc = page.evaluate("new Date().toISOString().slice(11, 16)")
    hours, minutes = (int(part) for part in utc.split(":"))
    there = (hours * 60 + minutes + 330) % (24 * 60)
    expected = [f"{(there + late) % 1440 // 60:02d}:{(there + late) % 60:02d}" for late in (-1, 0)]
    updated = page.locator("header.top small").inner_text()
    assert any(f"updated {clock}" in updated for clock in expected)


def test_a_reading_changes_the_page_without_a_reload(window: Window, stage: Stage) -> None:
    page = window.open("/")
    joined(page)
    at = now_ms()

    out = {"state": "hot", "severity": "out", "limit_c": 8.0}
    live(stage, 20, **out, celsius=8.7, since=iso(at - 5 * MINUTE - 20_000), alarm_at=iso(at + 10 * HOUR))

    moved = line_of(page, "point-20")
    expect(moved).to_contain_text("above 8.0 °C for 5 min")
    expect(page.locator(".rows").first).to_contain_text("8.7")
    expect(page.locator('[aria-live="polite"]').first).to_contain_text("Too hot, above 8.0 °C for 5 min")
    expect(page.locator(".sum .hot b")).to_have_text("4")


def test_a_new_reading_in_range_moves_the_number_and_nothing_else(window: Window, stage: Stage) -> None:
    page = window.open("/")
    joined(page)
    before = page.locator(".rows.fine .who").all_inner_texts()

    live(stage, 20, celsius=6.2)

    expect(line_of(page, "point-20").locator(".val")).to_contain_text("6.2")
    assert page.locator(".rows.fine .who").all_inner_texts() == before


def test_the_order_is_by_the_time_that_is_left(window: Window, stage: Stage) -> None:
    page = window.open("/")
    joined(page)
    at = now_ms()
    out = {"state": "hot", "severity": "out", "limit_c": 8.0, "celsius": 9.0}
    for number, left in ((21, 9 * HOUR), (22, 20 * MINUTE)):
        live(stage, number, **out, since=iso(at - HOUR), alarm_at=iso(at + left))

    expect(line_of(page, "point-22")).to_contain_text("alarm in")
    expect(line_of(page, "point-21")).to_contain_text("alarm in")
    links = page.locator(".rows").first.locator("a").evaluate_all("(all) => all.map((one) => one.pathname)")
    wanted = [f"/points/point-{number}" for number in (2, 22, 1, 21)]
    assert [link for link in links if link in wanted] == wanted


def test_a_row_that_is_gone_leaves(window: Window, stage: Stage) -> None:
    page = window.open("/")
    joined(page)

    stage.tell("gone", {"id": "point-0"})

    expect(line_of(page, "point-0")).to_have_count(0)


def test_acknowledging_wants_a_comment_and_offers_some(window: Window, stage: Stage) -> None:
    page = window.open("/")
    row = line_of(page, "point-0")
    row.get_by_role("button", name="Acknowledge").click()
    row.get_by_role("button", name="Acknowledge").click()
    expect(row.get_by_role("alert")).to_contain_text("Write or pick what you saw or did")
    assert not [1 for method, path, _ in stage.asked if path.endswith("/acknowledge")]

    row.get_by_role("button", name="The lid was open; it is closed now.").click()
    row.get_by_role("button", name="Acknowledge").click()

    expect(row).to_contain_text("Seen by r.meena")
    assert stage.told("POST", "/incidents/incident-0/acknowledge") == {"comment": "The lid was open; it is closed now."}


def test_whoever_may_not_acknowledge_is_offered_nothing_to_press(window: Window, stage: Stage) -> None:
    stage.permissions = ["points.read", "readings.read"]
    page = window.open("/")

    assert page.get_by_role("button", name="Acknowledge").count() == 0


def test_when_the_line_goes_the_last_picture_stays_greyed_with_its_time(window: Window, stage: Stage) -> None:
    page = window.open("/")
    joined(page)

    stage.cut()

    expect(page.locator(".bar")).to_contain_text(re.compile(r"No line\. This is the last picture, of \d\d:\d\d"))
    expect(line_of(page, "point-0")).to_contain_text("10.4")
    assert "grayscale" in line_of(page, "point-0").evaluate("(node) => getComputedStyle(node).filter")

    stage.deaf = False
    page.get_by_role("button", name="Try again").click()

    expect(page.locator(".bar")).to_have_count(0)
    joined(page)


def test_what_happened_while_the_line_was_gone_is_fetched(window: Window, stage: Stage) -> None:
    page = window.open("/")
    joined(page)
    stage.cut()
    page.wait_for_selector(".bar")
    stage.wall = invented.calm_wall()
    stage.deaf = False

    page.get_by_role("button", name="Try again").click()

    expect(page.locator(".sum")).to_contain_text("Nothing needs you now.")


def test_an_empty_wall_tells_how_to_enrol_the_first_device(window: Window, stage: Stage) -> None:
    stage.wall = invented.empty_wall()
    page = window.open("/")

    expect(page.locator(".empty-page li")).to_have_count(3)
    page.get_by_role("link", name="Enrol the first device").click()
    expect(page.locator("h1")).to_have_text("Enrol a device")


def test_too_many_are_shown_in_portions_and_can_be_narrowed_to_a_place(window: Window, stage: Stage) -> None:
    stage.wall = invented.crowded_wall()
    page = window.open("/", size=DESK)

    assert page.locator(".row").count() < 70
    page.get_by_role("button", name="Show 30 more").click()
    expect(page.locator(".row.hot")).to_have_count(80)
    page.get_by_label("Place").select_option(label="PHC Amla")
    expect(page.locator(".sum .hot b")).to_have_text("7")


def test_a_calm_wall_says_so(window: Window, stage: Stage) -> None:
    stage.wall = invented.calm_wall()
    page = window.open("/")

    expect(page.locator(".sum")).to_contain_text("Nothing needs you now.")
    assert page.locator(".state").count() == 0


def test_a_refused_wall_says_why_and_shows_nothing(window: Window, stage: Stage) -> None:
    stage.problems["/wall"] = (403, {"detail": "no"})
    page = window.open("/")

    expect(page.get_by_role("alert")).to_contain_text("You may not see this")


def test_numbers_are_in_the_readers_digits(window: Window) -> None:
    page = window.open("/", language="hi", settings={"digits": "devanagari"})

    expect(line_of(page, "point-0")).to_contain_text("१०.४")
    expect(line_of(page, "point-0")).to_contain_text("३ घं १२ मि से ८.० °C से ऊपर · अलार्म ६ घं ४८ मि में")
    assert line_of(page, "point-1").locator(".val").inner_text().startswith("−०.९")


def test_hindi_is_one_press_away_and_stays(window: Window) -> None:
    context = window.context()
    page = window.open("/", within=context)
    page.get_by_role("button", name="हिन्दी").click()

    expect(page.locator("main h2").first).to_have_text("अभी ध्यान दें")
    assert page.locator("html").get_attribute("lang") == "hi"
    page.reload()
    expect(page.locator("main h2").first).to_have_text("अभी ध्यान दें")


def test_the_wall_is_asked_for_once_at_first(window: Window, stage: Stage) -> None:
    page = window.open("/")
    joined(page)

    assert len([1 for method, path, _ in stage.asked if path == "/wall"]) <= 2
