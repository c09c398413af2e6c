"""The built window, a browser, and a way to open pages as somebody with their own settings."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from dashboards import web_files
from tests.dashboards.stage import TOKEN, Stage, playing

Scheme = Literal["light", "dark"]
PHONE = (390, 844)
DESK = (1280, 900)

PAGES = (
    "/",
    "/points/point-0",
    "/points/point-4",
    "/points/point-22",
    "/excursions",
    "/excursions?view=intervals",
    "/incidents/incident-0",
    "/incidents/incident-2",
    "/devices",
    "/devices/new",
    "/devices/pi-0105",
    "/devices/pi-0105/speech",
    "/devices/pi-0107/speech",
    "/devices/pi-0107/live",
    "/refusals",
    "/imports",
    "/logger-files",
    "/storage-points",
    "/rules",
    "/rules/refrigerator",
    "/rules/freezer?version=1",
    "/points/point-0/rules",
    "/points/point-22/rules",
    "/more",
    "/no-such-page",
)
"""Every page by an address that shows it full; signing in is the one without a token."""


@pytest.fixture(scope="session")
def built() -> Path:
    directory = web_files()
    if directory is None:
        pytest.skip("the window is not built: run npm ci && npm run build in dashboards/web")
    return directory


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def address(stage: Stage, built: Path) -> Iterator[str]:
    with playing(stage, built) as url:
        yield url


@dataclass
class Window:
    """Opens pages, each in a browser of its own."""

    browser: Browser
    stage: Stage
    address: str
    contexts: list[BrowserContext] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def context(
        self,
        *,
        language: str = "en",
        scheme: Scheme = "light",
        size: tuple[int, int] = PHONE,
        signed_in: bool = True,
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> BrowserContext:
        options = {"service_workers": "block", "reduced_motion": "reduce", "timezone_id": "America/New_York", **options}
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, **options
        )
        kept = {"settings": {"language": language, **(settings or {})}}
        if signed_in:
            kept["session"] = {"token": TOKEN, "me": self.stage.me()}
        kept["begun"] = {}
        keeping = [
            f"localStorage.setItem({json.dumps('coldchain.' + name)}, {json.dumps(json.dumps(value))})"
            for name, value in kept.items()
        ]
        once = f"if (!localStorage.getItem('coldchain.begun')) {{ {';'.join(keeping)} }}"
        context.add_init_script(once)
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        return context

    def open(self, path: str = "/", *, within: BrowserContext | None = None, **options: Any) -> Page:
        page = (within or self.context(**options)).new_page()
        page.on("pageerror", lambda error: self.errors.append(f"{path}: {error}"))
        page.on(
            "console",
            lambda said: self.errors.append(f"{path}: {said.text}") if "Content Security" in said.text else None,
        )
        page.goto(self.address + path)
        settled(page)
        return page

    def _hear(self, path: str, said: str) -> None:
        if "Content Security" in said:
            self.errors.append(f"{path}: {said}")


def until(page: Page, holds: str) -> None:
    """Wait until the expression is true. The page's own policy forbids the waiting that Playwright would do in it."""
    deadline = time.monotonic() + 15
    while not page.evaluate(holds):
        if time.monotonic() > deadline:
            raise TimeoutError(f"never became true: {holds}")
        page.wait_for_timeout(20)


def settled(page: Page) -> None:
    """The page stands: nothing is on its way any more."""
    page.wait_for_selector("h1")
    until(page, "!document.querySelector('.bone, [aria-busy=true]')")


@pytest.fixture
def window(browser: Browser, stage: Stage, address: str) -> Iterator[Window]:
    opened = Window(browser, stage, address)
    yield opened
    for context in opened.contexts:
        context.close()
    assert opened.errors == []
