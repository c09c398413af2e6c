"""A phone of 2016 over 2G: six times slower, 400 kbit/s, 400 ms a round trip. When can the wall be used?"""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.dashboards.conftest import Window, settled, until

pytestmark = pytest.mark.browser

COLD, WARM = 5.0, 1.5
TRIES = 8


def slowed(context: BrowserContext) -> Page:
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    bytes_s = 400_000 / 8
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 400, "downloadThroughput": bytes_s, "uploadThroughput": bytes_s},
    )
    line.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    return page


def until_usable(page: Page, address: str) -> float:
    """Seconds until the worst row can be read and pressed."""
    began = time.monotonic()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(".row.hot .note")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return time.monotonic() - began


def best_of_some(take: Callable[[], float], *, within: float) -> float:
    """The phone is a sixth of this machine, and others may be using the rest of it: tried again after a breath."""
    took: list[float] = []
    while len(took) < TRIES and (not took or min(took) > within):
        if took:
            time.sleep(1.0)
        took.append(take())
    return min(took)


def test_the_wall_is_usable_within_5_s_at_first(window: Window) -> None:
    took = best_of_some(
        lambda: until_usable(slowed(window.context(service_workers="allow")), window.address), within=COLD
    )

    assert took <= COLD


def test_the_wall_is_usable_within_1_5_s_the_next_time(window: Window) -> None:
    context = window.context(service_workers="allow")
    first = context.new_page()
    first.goto(window.address)
    settled(first)
    until(first, "navigator.serviceWorker.ready.then((one) => Boolean(one.active))")
    until(first, "localStorage.getItem('coldchain.wall') !== null")
    first.close()

    assert best_of_some(lambda: until_usable(slowed(context), window.address), within=WARM) <= WARM
