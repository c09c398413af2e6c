"""With no line the window opens from the phone itself, and shows the last wall, greyed, with its time."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.dashboards.conftest import Window, until
from tests.dashboards.stage import Stage

pytestmark = pytest.mark.browser


def kept(window: Window, **options: object) -> tuple[BrowserContext, Page]:
    """A phone that has seen the wall once and keeps the shell."""
    context = window.context(service_workers="allow", **options)  # type: ignore[arg-type]
    page = window.open("/", within=context)
    page.wait_for_selector(".dot.live")
    until(page, "navigator.serviceWorker.ready.then((one) => Boolean(one.active))")
    until(page, "localStorage.getItem('coldchain.wall') !== null")
    return context, page


def test_the_last_wall_opens_with_no_line(window: Window, stage: Stage) -> None:
    context, page = kept(window)
    stage.cut()
    context.set_offline(True)
    page.reload()

    expect(page.locator("h1")).to_have_text("Narmadapur district")
    expect(page.locator(".bar")).to_contain_text(re.compile(r"This is the last picture, of \d\d:\d\d"))
    expect(page.locator(".row").first).to_contain_text("below −0.5 °C")
    assert "grayscale" in page.locator(".row").first.evaluate("(node) => getComputedStyle(node).filter")


def test_other_pages_open_with_no_line_and_say_what_is_missing(window: Window, stage: Stage) -> None:
    context, page = kept(window)
    stage.cut()
    context.set_offline(True)
    page.goto(window.address + "/devices")

    expect(page.locator("h1")).to_have_text("Devices")
    expect(page.get_by_role("alert")).to_contain_text("No line to the platform")


def test_the_line_comes_back_by_itself(window: Window, stage: Stage) -> None:
    context, page = kept(window)
    context.set_offline(True)
    page.reload()
    page.wait_for_selector(".bar")

    context.set_offline(False)

    expect(page.locator(".bar")).to_have_count(0, timeout=15_000)
    expect(page.locator(".dot.live")).to_have_count(1)


def test_nothing_of_the_api_is_kept_by_the_service_worker(window: Window) -> None:
    _, page = kept(window)

    urls = page.evaluate("""caches.keys()
        .then((names) => Promise.all(names.map((name) => caches.open(name).then((one) => one.keys()))))
        .then((all) => all.flat().map((request) => new URL(request.url).pathname))""")
    assert "/" in urls
    assert not [url for url in urls if url.startswith("/api")]
