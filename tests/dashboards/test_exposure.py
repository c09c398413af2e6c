"""A storage point's time in range and what its vaccine went through: to be read by anybody, on any screen."""

import re

import pytest
from playwright.sync_api import Page, expect

from api import models
from coldchain.clock import DAY
from tests.dashboards import stage as invented
from tests.dashboards.conftest import DESK, Window, settled
from tests.dashboards.stage import Stage
from tests.dashboards.test_words import latin_words

pytestmark = pytest.mark.browser

SMALL = (360, 740)


def test_the_stage_says_what_the_desk_would_say() -> None:
    for by in ("day", "week", "month"):
        models.TimeInRange.model_validate(invented.time_in_range(by), extra="forbid")
    models.PointExposure.model_validate(invented.exposure(0, DAY), extra="forbid")


def asked_for(stage: Stage, what: str) -> int:
    return sum(path.endswith(what) for _, path, _ in stage.asked)


def pressed(page: Page, name: str) -> None:
    page.locator(".time-in-range").get_by_role("button", name=name).click()
    settled(page)


def test_every_day_of_five_weeks_has_its_number(window: Window) -> None:
    page = window.open("/points/point-0")
    days = page.locator(".days .one")

    expect(days).to_have_count(35)
    expect(days.last).to_contain_text("so far")
    expect(page.locator(".days .one.hot").last).to_contain_text(re.compile(r"too hot 13\.4.%"))
    expect(page.locator(".days .one.hot b").last).to_have_text("86.6")
    expect(page.locator(".time-in-range .legend")).to_contain_text(re.compile(r"unknown 4\.3.%"))


def test_the_first_day_stands_under_its_weekday(window: Window) -> None:
    page = window.open("/points/point-0", size=DESK)
    columns = page.evaluate(
        """() => {
          const left = (node) => Math.round(node.getBoundingClientRect().left);
          const cells = [...document.querySelectorAll('.days .one')];
          const heads = [...document.querySelectorAll('.days .weekday')].map(left);
          return cells.map((cell) => heads.indexOf(left(cell)));
        }"""
    )

    assert columns == [(columns[0] + n) % 7 for n in range(35)]
    assert page.evaluate("(new Date().getUTCDay() + 6) % 7") in (columns[-1], (columns[-1] - 1) % 7)


def test_a_day_out_of_range_has_a_mark_and_not_a_colour_alone(window: Window) -> None:
    page = window.open("/points/point-0")

    for cell in page.locator(".days .one.hot, .days .one.cold").all():
        expect(cell.locator(".mark")).to_have_text(re.compile("[▲▼]"))


@pytest.mark.parametrize(("name", "when"), [("Weeks", r"\d+ \w+ to \d+ \w+"), ("Months", r"\w{3,} 20\d\d")])
def test_weeks_and_months_are_asked_for_when_wanted(window: Window, stage: Stage, name: str, when: str) -> None:
    page = window.open("/points/point-0")
    assert asked_for(stage, "/time-in-range") == 1
    pressed(page, name)

    assert asked_for(stage, "/time-in-range") == 2
    expect(page.locator(".longer li")).to_have_count(13)
    expect(page.locator(".longer li").first).to_contain_text("so far")
    expect(page.locator(".longer .when").last).to_have_text(re.compile(when))


def test_all_of_it_can_be_read_as_a_table(window: Window) -> None:
    page = window.open("/points/point-0")
    page.get_by_text("As a table").click()
    table = page.locator(".time-in-range table")

    expect(table.locator("tbody tr")).to_have_count(35)
    expect(table.locator("tbody tr").first).to_contain_text("so far")
    assert table.locator("tbody tr").nth(2).locator("td").all_inner_texts()[1] == "13.4\u00a0%"


def test_what_nobody_measured_is_said_and_not_drawn_as_well(window: Window) -> None:
    page = window.open("/points/point-0")

    expect(page.locator(".days .one.silent").first.locator(".hatch")).to_have_count(1)
    assert page.locator(".days .one.silent b").all_inner_texts() == ["52.5", "0"]


def test_exposure_is_asked_for_when_opened(window: Window, stage: Stage) -> None:
    page = window.open("/points/point-0")
    assert asked_for(stage, "/exposure") == 0
    page.get_by_text("Heat and frost over time").click()
    settled(page)
    opened = page.locator("details.card[open]")

    expect(opened).to_contain_text("3 h 12 min")
    expect(opened).to_contain_text(re.compile(r"−0\.5.°C or less"))
    expect(opened.locator("tbody tr").nth(0)).to_contain_text(re.compile(r"VVM2\s*4\.34.%"))
    expect(opened.locator("tbody tr").nth(2)).to_contain_text("not checked yet")


def test_a_vvm_at_its_end_point_is_called_so(window: Window) -> None:
    page = window.open("/points/point-0")
    page.get_by_text("Heat and frost over time").click()
    settled(page)
    assert page.get_by_text("at its end point").count() == 0
    page.locator("details.card").get_by_role("button", name="Year").click()
    settled(page)

    expect(page.get_by_text("at its end point")).to_have_count(1)


@pytest.mark.parametrize("language", ["en", "hi"])
def test_nothing_leaves_a_small_phone(window: Window, language: str) -> None:
    page = window.open("/points/point-0", size=SMALL, language=language)
    page.locator(".time-in-range summary").click()
    page.locator("details.card > summary").click()
    settled(page)

    assert page.locator("details.card .table-box").evaluate("(box) => box.scrollWidth <= box.clientWidth")
    for number in range(3):
        page.locator(".time-in-range .segments button").nth(number).click()
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= SMALL[0]
    if language == "hi":
        assert latin_words(page) == set()


def test_what_cannot_be_told_says_why_and_is_asked_again(window: Window, stage: Stage) -> None:
    stage.problems["/storage-points/point-0/time-in-range"] = (500, {"detail": "broken"})
    page = window.open("/points/point-0")
    expect(page.locator(".time-in-range [role=alert]")).to_have_count(1)
    stage.problems.clear()
    page.locator(".time-in-range").get_by_role("button", name="Try again").click()

    expect(page.locator(".days .one")).to_have_count(35)
