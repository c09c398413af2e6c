"""How devices speak, whom bridges speak for, and what arrives, as people see and change it."""

import re

import pytest
from playwright.sync_api import expect

from tests.dashboards.conftest import DESK, Window
from tests.dashboards.stage import Stage, heard_reading

pytestmark = pytest.mark.browser


def test_what_arrives_stands_with_what_was_understood_and_whose_it_is(window: Window, stage: Stage) -> None:
    page = window.open("/devices/pi-0107/live", size=DESK)
    understood = page.locator("ul.cards > li.ok")

    expect(understood).to_contain_text("understood")
    expect(understood.get_by_role("row").nth(1)).to_contain_text("4.56 °C")
    expect(understood.get_by_role("row").nth(2)).to_contain_text("open")
    expect(understood.get_by_role("row").nth(3)).to_contain_text("probe unplugged")
    expect(understood.get_by_role("row").nth(1).get_by_role("link", name="ILR 1")).to_have_attribute(
        "href", "/points/point-24"
    )


def test_why_something_was_refused_is_said(window: Window) -> None:
    page = window.open("/devices/pi-0107/live", size=DESK)

    expect(page.locator("ul.cards > li.hot")).to_contain_text("It cannot be read. it is no JSON")
    partly = page.locator("ul.cards > li.warn")
    expect(partly).to_contain_text("understood in part")
    expect(partly).to_contain_text("The bridge speaks for no device with this hardware")
    expect(partly.get_by_role("link", name="Enrol it")).to_have_attribute(
        "href", "/devices/pi-0107/speech?hardware=0x00158d0000000002"
    )


def test_what_comes_while_one_looks_stands_on_top(window: Window, stage: Stage) -> None:
    page = window.open("/devices/pi-0107/live")
    new = {**stage.heard[0], "number": 9, "readings": [heard_reading("0x00158d0000000001", 5.25)]}
    stage.heard.append(new)

    expect(page.locator("ul.cards > li").first).to_contain_text("5.25 °C")
    assert page.locator("ul.cards > li").count() == 5
    page.get_by_role("button", name="Pause").click()
    stage.heard.append({**new, "number": 10})
    page.wait_for_timeout(2_000)
    assert page.locator("ul.cards > li").count() == 5


def test_nothing_yet_says_what_to_do(window: Window, stage: Stage) -> None:
    stage.heard = []
    page = window.open("/devices/pi-0107/live", language="hi")

    expect(page.get_by_text("अभी कुछ नहीं आया।")).to_be_visible()


def test_a_gate_that_does_not_answer_is_told(window: Window, stage: Stage) -> None:
    stage.problems["/devices/pi-0107/heard"] = (503, {"detail": "the gate does not answer now"})
    page = window.open("/devices/pi-0107/live")

    expect(page.get_by_role("alert")).to_be_visible()


def test_a_dialect_offers_its_topics_and_is_saved(window: Window, stage: Stage) -> None:
    page = window.open("/devices/pi-0105/speech", size=DESK)
    page.get_by_label("Dialect").select_option("tasmota")
    page.get_by_label("Name of its hardware").fill("kitchen")
    page.get_by_role("button", name="tele/kitchen/SENSOR").click()
    expect(page.get_by_label("Topics it publishes to")).to_have_value("tele/kitchen/SENSOR\nstat/kitchen/STATUS8")
    page.get_by_label("DS18B20-0000000000A2").select_option("ambient")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    assert stage.told("POST", "/devices/pi-0105/speech") == {
        "dialect": "tasmota",
        "hardware_id": "kitchen",
        "topics": ["tele/kitchen/SENSOR", "stat/kitchen/STATUS8"],
        "probes": {"DS18B20-0000000000A2": "ambient"},
        "mapping": None,
        "zone": "",
    }


def test_topics_nobody_wrote_follow_the_dialect(window: Window, stage: Stage) -> None:
    page = window.open("/devices/pi-0105/speech", size=DESK)
    page.get_by_label("Dialect").select_option("tasmota")
    page.get_by_label("Name of its hardware").fill("kitchen")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()

    assert stage.told("POST", "/devices/pi-0105/speech")["topics"] is None


def test_why_it_was_not_saved_is_said_and_what_was_typed_stays(window: Window, stage: Stage) -> None:
    stage.problems["/devices/pi-0105/speech"] = (409, {"detail": "'a/#' means topics of the device pi-0103 too"})
    page = window.open("/devices/pi-0105/speech", size=DESK)
    page.get_by_label("Topics it publishes to").fill("a/#")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert")).to_contain_text("means topics of the device pi-0103 too")
    page.reload()
    expect(page.get_by_label("Topics it publishes to")).to_have_value("a/#")


def test_unknown_hardware_is_enrolled_behind_its_bridge(window: Window, stage: Stage) -> None:
    page = window.open("/devices/pi-0107/speech", size=DESK)
    page.get_by_role("button", name=re.compile("Enrol it.*0x00158d0000000002")).click()
    expect(page.get_by_label("Name of the device")).to_have_value("0x00158d0000000002")
    page.get_by_label("Stands at").select_option("point-3")
    page.locator("form.card").get_by_role("button", name="Enrol it").click()

    expect(page.get_by_role("status")).to_contain_text("0x00158d0000000002 is enrolled")
    assert stage.told("POST", "/devices/pi-0107/speaks-for") == {
        "device_id": "0x00158d0000000002",
        "hardware_id": "0x00158d0000000002",
        "storage_point_id": "point-3",
    }
    expect(page.get_by_text("No unknown hardware was heard lately.")).to_be_visible()


def test_a_bridge_stops_speaking_for_a_device_once_asked_twice(window: Window, stage: Stage) -> None:
    page = window.open("/devices/pi-0107/speech", size=DESK)
    page.get_by_role("button", name="Speak for it no more").click()
    expect(page.get_by_text("Readings of pi-0109 that come by this bridge are refused from now on.")).to_be_visible()
    page.get_by_role("button", name="Yes, no more").click()

    expect(page.get_by_text("It speaks for no device yet.")).to_be_visible()


def test_a_refused_message_of_unknown_hardware_leads_to_enrolling_it(window: Window, stage: Stage) -> None:
    stage.refusals[3] |= {"device_id": "pi-0107", "hardware_id": "0x00158d0000000002"}
    page = window.open("/refusals", size=DESK)
    page.get_by_role("link", name=re.compile("Enrol it.*0x00158d0000000002")).click()

    expect(page.get_by_label("Name of the device")).to_have_value("0x00158d0000000002")


def test_a_device_of_another_dialect_is_enrolled_with_its_hardwares_name(window: Window, stage: Stage) -> None:
    page = window.open("/devices/new", size=DESK)
    page.locator("#device-id").fill("plug-1")
    page.get_by_label("Dialect").select_option("tasmota")
    page.get_by_label("Name of its hardware").fill("kitchen")
    page.get_by_role("button", name="Enrol it").click()

    expect(page.get_by_text("plug-1.kTq-invented-8w")).to_be_visible()
    expect(page.get_by_role("link", name="See what arrives")).to_have_attribute("href", "/devices/plug-1/live")
    told = stage.told("POST", "/devices")
    assert (told["kind"], told["speech"]) == ("logger", {"dialect": "tasmota", "hardware_id": "kitchen"})


@pytest.mark.parametrize(
    ("language", "rows"),
    [
        ("en", ["The room", "31.20 °C", "Door", "open", "Mains power", "no power", "Humidity", "61 %", "2.95 V"]),
        ("hi", ["कमरा", "31.20 °C", "दरवाज़ा", "खुला", "बिजली", "बिजली नहीं", "नमी", "61 %", "2.95 वोल्ट"]),
    ],
)
def test_a_point_shows_door_power_and_room_in_words(window: Window, language: str, rows: list[str]) -> None:
    page = window.open("/points/point-0", language=language)
    shown = re.sub(r"\s+", " ", page.locator(".channels").inner_text())

    for word in rows:
        assert word in shown
    assert "10.40" not in shown  # the product's only probe is the page's headline


def test_whoever_may_not_change_devices_sees_no_way_to(window: Window, stage: Stage) -> None:
    stage.permissions = ["devices.read", "readings.read", "points.read"]
    page = window.open("/devices/pi-0107", size=DESK)

    expect(page.get_by_role("link", name="See what arrives")).to_be_visible()
    assert page.get_by_role("link", name="How it speaks").count() == 0
