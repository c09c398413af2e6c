"""A storage point: is it safe, for how long, what do I do?"""

import re

import pytest
from playwright.sync_api import expect

from tests.dashboards import stage as invented
from tests.dashboards.conftest import DESK, Window, until
from tests.dashboards.stage import Stage, now_ms

pytestmark = pytest.mark.browser

COUNTED = """() => {
  const canvas = document.querySelector('.plot canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const pixels = (r, g, b) => {
    let count = 0;
    for (let i = 0; i < data.length; i += 4)
      if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 12) count += 1;
    return count;
  };
  return {
    hot: pixels(0xb3, 0x26, 0x1e),
    cold: pixels(0x1f, 0x4f, 0xc4),
    band: pixels(0xcf, 0xe8, 0xda),
    hatched: pixels(0xe6, 0xe9, 0xec),
  };
}"""


def test_the_answer_stands_on_top_with_relative_and_absolute_time(window: Window) -> None:
    page = window.open("/points/point-0")

    lead = page.locator(".lead")
    expect(lead).to_contain_text("10.4")
    expect(lead).to_contain_text("bove 8.0 °C for 3 h 12 min")
    expect(lead).to_contain_text(re.compile(r"Alarm in 6 h 48 min, at (\d+ \w+, )?\d\d:\d\d"))


@pytest.mark.parametrize("point", ["point-0", "point-1", "point-2", "point-3", "point-4", "point-13", "point-90"])
def test_every_bad_state_says_what_to_do_in_at_most_three_steps(window: Window, point: str) -> None:
    page = window.open(f"/points/{point}")

    steps = page.locator(".do ol > li").all_inner_texts()
    assert 1 <= len(steps) <= 3
    if point != "point-90":
        assert re.search(r"Do not|does not mean safe", steps[-1])


def test_a_point_in_range_has_nothing_to_do(window: Window) -> None:
    page = window.open("/points/point-22")

    expect(page.locator(".lead")).to_contain_text("In range")
    assert page.locator(".do").count() == 0


def test_an_alarmed_one_says_to_move_the_vaccines_now(window: Window) -> None:
    page = window.open("/points/point-2")

    expect(page.locator(".do ol")).to_contain_text("Move the vaccines now")
    expect(page.locator(".do")).to_contain_text("Seen by r.meena")


def test_the_chart_shows_the_four_facts_and_the_excursions(window: Window) -> None:
    page = window.open("/points/point-0", size=DESK)

    expect(page.locator(".facts")).to_contain_text("84.6 %")
    expect(page.locator(".facts")).to_contain_text("1 h 55 min")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody")).to_contain_text("not proven: part of the time is unknown")
    expect(page.locator(".plot")).to_have_attribute("aria-label", re.compile("lowest 1.0.°C, highest 10.5.°C"))


def test_extremes_gaps_and_the_band_are_drawn(window: Window) -> None:
    """Colours of the canvas: red and blue only out of the band, the band's own, and hatching where nothing was read."""
    page = window.open("/points/point-0", size=DESK)
    page.wait_for_selector(".u-over")
    colours = page.evaluate(COUNTED)

    assert all(count > 100 for count in colours.values()), colours


def test_a_longer_window_is_asked_for_and_shown(window: Window, stage: Stage) -> None:
    page = window.open("/points/point-0")
    page.get_by_role("button", name="30 days").click()
    until(page, "!document.querySelector('[aria-busy=true]')")

    asked = [path for _, path, _ in stage.asked if path.endswith("/chart")]
    assert len(asked) == 2
    expect(page.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "true")


def test_a_live_reading_reaches_the_headline(window: Window, stage: Stage) -> None:
    page = window.open("/points/point-22")
    page.wait_for_selector(".dot.live")
    changed = {**invented.row(22, "ok", "ILR 3"), "celsius": 6.6, "point": [now_ms(), 66]}
    stage.tell("row", changed)

    expect(page.locator(".lead .big")).to_contain_text("6.6")


def test_an_unknown_point_says_so(window: Window) -> None:
    page = window.open("/points/point-777")

    expect(page.get_by_role("alert")).to_contain_text("No such storage point, or not one of yours.")
