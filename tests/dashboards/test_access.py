"""Anybody can use it: axe finds nothing serious, keys do what fingers do, and what is pressed is large enough."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboards import stage as invented
from tests.dashboards.conftest import DESK, PAGES, PHONE, Scheme, Window
from tests.dashboards.stage import Stage

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "dashboards" / "web" / "node_modules" / "axe-core" / "axe.min.js"

SMALL = """(least) => {
  const kinds = 'button, select, input:not([type=hidden]), textarea, nav a, .btn, .row > a, .cards > li > a';
  const small = [];
  for (const node of document.querySelectorAll(kinds)) {
    if (node.closest('.hidden, .skip') || node.matches('.hidden')) continue;
    const { width, height } = (node.matches('[type=checkbox]') ? node.closest('label') : node).getBoundingClientRect();
    const isSmall = height < least - 0.5 || width < least - 0.5;
    if (width && isSmall) small.push(`${node.outerHTML.slice(0, 80)} ${width}x${height}`);
  }
  return small;
}"""

CONTRAST = """(selector) => {
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const lightness = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map((part) => linear(Number(part) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.querySelectorAll(selector)].map((node) => {
    const both = [lightness(getComputedStyle(node).color), lightness(ground(node))];
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  });
}"""


def serious(page: Page) -> list[str]:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in dashboards/web")
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE.read_text("utf-8") + "; undefined")
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical", "moderate")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESK, "dark")])
def test_axe_finds_nothing(window: Window, path: str, size: tuple[int, int], scheme: Scheme) -> None:
    page = window.open(path, size=size, scheme=scheme)

    assert serious(page) == []


def test_axe_finds_nothing_where_one_signs_in_or_has_no_line(window: Window, stage: Stage) -> None:
    for scheme in ("light", "dark"):
        assert serious(window.open("/", signed_in=False, scheme=scheme)) == []
    for scheme in ("light", "dark"):
        page = window.open("/", scheme=scheme)
        page.wait_for_selector(".dot.live")
        stage.cut()
        page.wait_for_selector(".bar")
        assert serious(page) == []
        stage.deaf = False


def test_axe_finds_nothing_in_what_pressing_brings_up(window: Window) -> None:
    page = window.open("/", language="hi")
    page.get_by_role("button", name="स्वीकार करें").first.click()
    assert serious(page) == []

    page = window.open("/devices/new")
    page.locator("#device-id").fill("pi-0500")
    page.get_by_role("button", name="Enrol it").click()
    page.wait_for_selector(".qr")
    assert serious(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_nothing_that_is_pressed_is_smaller_than_3_rem(window: Window, path: str) -> None:
    page = window.open(path)

    assert page.evaluate(SMALL, 48) == []


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_the_phone(window: Window, path: str) -> None:
    page = window.open(path, size=(360, 740), language="hi")

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_numbers_that_matter_stand_out_seven_to_one(window: Window, scheme: Scheme) -> None:
    page = window.open("/", scheme=scheme)
    assert min(page.evaluate(CONTRAST, ".row .val, .sum b")) >= 7

    for point in ("point-0", "point-1", "point-3", "point-22"):
        page = window.open(f"/points/{point}", scheme=scheme)
        assert min(page.evaluate(CONTRAST, ".lead .big, .facts b")) >= 7


def test_the_keyboard_reaches_everything_in_the_order_of_the_page(window: Window) -> None:
    page = window.open("/", size=DESK)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 12)"))

    assert reached[:5] == ["हिन्दी", "Wall", "Excursions", "Devices", "More"]
    assert reached[6].startswith("ILR 1")
    assert reached[7].startswith("Acknowledge")


def test_what_has_the_focus_is_seen(window: Window) -> None:
    page = window.open("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")

    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_going_to_a_page_puts_the_focus_on_its_title(window: Window) -> None:
    page = window.open("/")
    page.locator('a[href="/points/point-0"]').click()

    expect(page.locator("h1")).to_have_text("ILR 2")
    expect(page.locator("h1")).to_be_focused()


def test_the_chart_is_read_by_arrow_keys_and_by_finger(window: Window) -> None:
    page = window.open("/points/point-0")
    plot = page.locator(".plot")
    plot.wait_for()
    page.wait_for_selector(".u-over")
    plot.focus()
    page.keyboard.press("End")
    expect(page.locator(".read")).to_contain_text("10.3 °C")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".read b")).to_contain_text("°C")

    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
    expect(page.locator(".read b")).to_contain_text("°C")


def test_people_who_ask_for_no_motion_get_none(window: Window, stage: Stage) -> None:
    page = window.open("/")
    page.wait_for_selector(".dot.live")
    changed = {**invented.row(20, "fault", "ILR 1"), "fault": "unplugged", "celsius": None}
    stage.tell("row", changed)
    page.wait_for_selector(".row.fresh")

    assert page.locator(".row.fresh").evaluate("(node) => getComputedStyle(node).animationName") == "none"
