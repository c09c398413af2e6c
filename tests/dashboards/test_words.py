"""English and Hindi are equals: no page in Hindi shows a Latin word that is not one for everybody."""

import re

import pytest
from playwright.sync_api import Page

from tests.dashboards import stage as invented
from tests.dashboards.conftest import PAGES, Window
from tests.dashboards.stage import Stage

pytestmark = pytest.mark.browser

FOR_EVERYBODY = {"C", "VVM", "QR", "CSV", "TOML", "MQTT", "ILR", "English", "AEFI"}
"""Latin words that Hindi readers read, too; °C loses its sign when words are cut."""

VISIBLE_TEXT = """() => {
  const found = [];
  const skipped = (node) => node.closest('[translate=no], [lang=en], script, style');
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    if (node.parentElement && !skipped(node.parentElement)) found.push(node.textContent);
  for (const node of document.querySelectorAll('[aria-label], [placeholder], [title], [alt]'))
    if (node.getAttribute('translate') !== 'no')
      for (const name of ['aria-label', 'placeholder', 'title', 'alt']) found.push(node.getAttribute(name) || '');
  return found.join(' | ');
}"""


def latin_words(page: Page) -> set[str]:
    """What is written in Latin letters, but for names from the data, which are marked as such."""
    text = re.sub(r"\bpi-\d+\b", "", page.evaluate(VISIBLE_TEXT))  # in a title that is all of one piece
    return set(re.findall(r"[A-Za-z]+", text)) - FOR_EVERYBODY


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_hindi_to_its_last_word(window: Window, path: str) -> None:
    page = window.open(path, language="hi")

    assert latin_words(page) == set()
    assert re.search(r"[\u0900-\u097f]", page.title())


def test_signing_in_is_hindi(window: Window) -> None:
    page = window.open("/", language="hi", signed_in=False)
    page.get_by_label("नाम").fill("r.meena")
    page.get_by_label("पासवर्ड", exact=True).fill("wrong")
    page.get_by_role("button", name="साइन इन करें").click()
    page.wait_for_selector("[role=alert]")

    assert latin_words(page) == set()


def test_states_of_trouble_are_hindi(window: Window, stage: Stage) -> None:
    for path, status in (("/wall", 403), ("/devices", 500), ("/incidents", 404), ("/refusals", 422)):
        stage.problems[path] = (status, {"detail": "an English detail, marked as such"})
    for address in ("/", "/devices", "/excursions", "/refusals"):
        page = window.open(address, language="hi")
        page.wait_for_selector("[role=alert]")
        assert latin_words(page) == set(), address


def test_the_empty_ones_are_hindi(window: Window, stage: Stage) -> None:
    stage.empty = True
    stage.wall = invented.empty_wall()
    for address in (
        "/",
        "/devices",
        "/devices/new",
        "/excursions",
        "/excursions?view=intervals",
        "/refusals",
        "/storage-points",
    ):
        page = window.open(address, language="hi")
        assert latin_words(page) == set(), address


def test_a_lost_line_is_told_in_hindi(window: Window, stage: Stage) -> None:
    page = window.open("/", language="hi")
    page.wait_for_selector(".dot.live")
    stage.cut()
    page.wait_for_selector(".bar")

    assert latin_words(page) == set()


def test_what_pressing_brings_up_is_hindi(window: Window) -> None:
    page = window.open("/devices/new", language="hi")
    page.locator("#device-id").fill("pi-0500")
    page.get_by_role("button", name="दर्ज करें").click()
    page.wait_for_selector(".qr")
    assert latin_words(page) == set()

    page = window.open("/refusals", language="hi")
    page.get_by_role("button", name="दोबारा पढ़ें").nth(1).click()
    page.get_by_role("button", name="हाँ, दोबारा पढ़ें").click()
    page.get_by_text("अब भी इस पर भरोसा नहीं हो सकता।").wait_for()
    assert latin_words(page) == set()

    page = window.open("/imports", language="hi")
    page.locator("textarea").fill("name,storage_class,place\nILR 9,refrigerator,PHC Nowhere")
    page.get_by_role("button", name="लाएँ", exact=True).click()
    page.get_by_role("table").wait_for()
    assert latin_words(page) == set()

    page = window.open("/devices/pi-0105", language="hi")
    page.get_by_role("button", name="इस उपकरण को बंद करें").click()
    page.get_by_role("button", name="हाँ, बंद करें").wait_for()
    assert latin_words(page) == set()


def test_devanagari_digits_stand_on_every_page_that_shows_numbers(window: Window) -> None:
    for path in (
        "/",
        "/points/point-0",
        "/excursions",
        "/incidents/incident-0",
        "/devices",
        "/devices/pi-0105",
        "/refusals",
    ):
        page = window.open(path, language="hi", settings={"digits": "devanagari"})
        assert re.findall(r"[0-9]+", re.sub(r"\b(pi-\d+)\b", "", page.evaluate(VISIBLE_TEXT))) == [], path
