"""Rules in the window: in plain words, edited only by whoever may, and seen at work before they are put in force."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from coldchain.clock import DAY, iso
from tests.dashboards.conftest import DESK, Scheme, Window, until
from tests.dashboards.stage import Stage, full_wall, now_ms, row
from tests.dashboards.test_access import serious
from tests.dashboards.test_words import latin_words

pytestmark = pytest.mark.browser

PHONE = (360, 780)


def edited(window: Window, path: str = "/rules/freezer", **options: Any) -> Page:
    page = window.open(path, **options)
    page.get_by_role("button", name=re.compile("Edit these rules|Give it rules of its own")).click()
    return page


def test_the_rules_in_force_are_said_in_plain_words(window: Window):
    page = window.open("/rules")
    fridge = page.locator("main .cards > li").first

    expect(fridge).to_contain_text("Refrigerator")
    expect(fridge).to_contain_text("above 8.0 °C for 10 h without a break")
    expect(fridge).to_contain_text("−0.5 °C or less for 1 h without a break")
    expect(fridge).to_contain_text("door open for more than 5 min without a break")
    expect(fridge).to_contain_text("no power for more than 1 day without a break")
    expect(page.locator("main")).to_contain_text("30.0 °C or more for 10 h in all since it came here")
    expect(page.locator("main")).to_contain_text("Storage points with rules of their own")


def test_more_and_a_storage_point_lead_there(window: Window):
    page = window.open("/more")
    page.get_by_role("link", name="Rules").click()
    expect(page.locator("h1")).to_have_text("Rules")

    page = window.open("/points/point-0")
    page.get_by_role("link", name="Rules", exact=True).click()
    expect(page.locator("main")).to_contain_text("This storage point follows its class: Refrigerator")


def test_each_version_says_when_it_held_whose_it_is_and_how_sure(window: Window):
    page = window.open("/rules/freezer?version=1")
    first, second = page.locator("#v1"), page.locator("#v2")

    expect(first.locator("details")).to_have_attribute("open", "")
    expect(first).to_contain_text("past")
    expect(first).to_contain_text("How sure: proposed")
    expect(second).to_contain_text("in force now")
    second.locator("summary").click()
    expect(second).to_contain_text("Set by r.meena")
    expect(second).to_contain_text("a state's order")


def test_an_excursion_leads_to_the_version_that_judged_it(window: Window):
    page = window.open("/points/point-0", size=DESK)
    page.get_by_role("link", name="Rules, version 1").first.click()

    expect(page.locator("h1")).to_have_text("Refrigerator")
    expect(page.locator("#v1 details")).to_have_attribute("open", "")


def test_whoever_may_not_edit_sees_the_rules_and_no_button(window: Window, stage: Stage):
    stage.permissions.remove("rules.write")
    for path in ("/rules/freezer", "/points/point-22/rules"):
        page = window.open(path)
        expect(page.locator("main")).to_contain_text("In force now")
        assert page.locator("main button").count() == 0


def test_whoever_may_not_read_rules_is_not_led_there(window: Window, stage: Stage):
    stage.permissions = ["points.read", "readings.read", "incidents.read"]
    page = window.open("/points/point-0")

    assert page.get_by_role("link", name=re.compile("Rules")).count() == 0


def test_only_what_was_looked_at_is_put_in_force(window: Window, stage: Stage):
    page = edited(window)
    assert page.get_by_role("button", name="Put in force").count() == 0
    page.get_by_label("Limit, °C").first.fill("−14,5")
    page.get_by_role("button", name="See what it changes").click()
    expect(page.locator(".preview")).to_contain_text("0 → 2")
    expect(page.locator(".preview")).to_contain_text("3 storage points as before")
    expect(page.locator(".preview")).to_contain_text("2 storage points were not judged")
    page.get_by_label("Limit, °C").first.fill("-14")
    expect(page.get_by_role("status")).to_contain_text("look again")
    assert page.get_by_role("button", name="Put in force").count() == 0
    page.get_by_role("button", name="See what it changes").click()
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_role("status")).to_contain_text("In force.")

    sent = stage.told("POST", "/rule-sets/freezer/versions")
    assert (sent["rules"][0]["limit_c"], sent["rules"][0]["duration_s"]) == (-14, 1800)
    assert "from" not in sent
    first = next(body for _, path, body in stage.asked if path == "/rule-sets/freezer/preview")
    assert first["rules"][0]["limit_c"] == -14.5


def test_what_is_not_touched_is_sent_as_it_was(window: Window, stage: Stage):
    page = edited(window, "/rules/refrigerator")
    page.get_by_role("button", name="See what it changes").click()
    page.get_by_role("button", name="Put in force").click()
    page.get_by_role("status").wait_for()

    in_force = [one for one in stage._shelf("rule-sets") if one["name"] == "refrigerator"]
    assert stage.told("POST", "/rule-sets/refrigerator/versions")["rules"] == in_force[0]["rules"]


def test_a_rule_is_added_changed_and_removed(window: Window, stage: Stage):
    page = edited(window)
    page.get_by_role("button", name=re.compile("Remove this rule ?: Rule 2")).click()
    page.get_by_role("button", name="Add a rule").click()
    rule = page.locator("fieldset.rule").last
    rule.get_by_label("What is measured").select_option("temperature")
    rule.get_by_label("Limit, °C").fill("-10")
    rule.get_by_label("How time counts").select_option("cumulative")
    rule.get_by_label("For how long").last.fill("3")
    rule.get_by_label("Added up within the last").fill("24")
    rule.get_by_role("button", name="Warning").click()
    expect(rule).to_contain_text("Warning: above −10.0 °C for 3 h in all within 1 day")
    page.get_by_role("button", name="See what it changes").click()
    page.locator(".preview").wait_for()

    rules = stage.told("POST", "/rule-sets/freezer/preview")["rules"]
    assert [one["code"] for one in rules] == ["HEAT", "POWR", "POWR-WARN", "RULE-4"]
    assert rules[-1] == {
        "code": "RULE-4",
        "quantity": "temperature",
        "operator": ">",
        "limit_c": -10,
        "limit": None,
        "mode": "cumulative",
        "duration_s": 10800,
        "window_s": 86400,
        "severity": "warning",
        "sensor": "*",
        "source": "",
        "verified": "P",
    }


def test_what_is_no_number_is_told_before_anything_is_sent(window: Window, stage: Stage):
    page = edited(window)
    page.get_by_label("Limit, °C").first.fill("cold")
    page.get_by_role("button", name="See what it changes").click()

    expect(page.get_by_role("alert")).to_contain_text("as numbers")
    expect(page.get_by_label("Limit, °C").first).to_have_attribute("aria-invalid", "true")
    assert not [1 for method, _, _ in stage.asked if method == "POST"]


def test_what_the_desk_refuses_is_told_and_what_was_typed_stays(window: Window, stage: Stage):
    page = edited(window)
    stage.problems["/rule-sets/freezer/preview"] = (422, {"detail": "rules, rule 1: the limit must lie between"})
    page.get_by_label("Limit, °C").first.fill("900")
    page.get_by_role("button", name="See what it changes").click()

    expect(page.get_by_role("alert")).to_contain_text("the limit must lie between")
    page.reload()
    page.get_by_role("button", name="Edit these rules").click()
    expect(page.get_by_label("Limit, °C").first).to_have_value("900")
    page.get_by_role("button", name="Leave it as it is").click()
    until(page, "!Object.keys(localStorage).some((name) => name.includes('rules.'))")


def test_an_edit_from_an_instant_is_by_the_clock_of_the_place(window: Window, stage: Stage):
    """The browser stands in New York, the place in India."""
    page = edited(window)
    page.get_by_role("button", name="See what it changes").click()
    page.get_by_role("button", name="From an instant").click()
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_role("alert")).to_contain_text("Write from when")
    page.locator("#from").fill("2026-01-02T10:30")
    page.get_by_role("button", name="Put in force").click()
    page.get_by_role("status").wait_for()

    assert stage.told("POST", "/rule-sets/freezer/versions")["from"] == "2026-01-02T05:00:00.000Z"


def test_a_point_gets_rules_of_its_own(window: Window, stage: Stage):
    page = edited(window, "/points/point-0/rules")
    page.get_by_label("Limit, °C").first.fill("9")
    page.get_by_role("button", name="See what it changes").click()
    page.get_by_role("button", name="Put in force").click()
    page.get_by_role("status").wait_for()

    assert stage.told("POST", "/storage-points/point-0/rules/preview")["rules"][0]["limit_c"] == 9
    assert stage.told("POST", "/storage-points/point-0/rules")["rules"][0]["limit_c"] == 9


def test_it_follows_its_class_again_after_one_question_that_shows_what_follows(window: Window, stage: Stage):
    page = window.open("/points/point-22/rules")
    expect(page.locator("main")).to_contain_text("This storage point has rules of its own.")
    page.get_by_role("button", name="Follow the class again").click()
    expect(page.locator(".preview")).to_be_visible()
    page.get_by_role("button", name="Leave it as it is").click()
    assert not [1 for _, path, _ in stage.asked if path.endswith("class-again")]
    page.get_by_role("button", name="Follow the class again").click()
    page.get_by_role("button", name="Yes, follow the class").click()
    expect(page.get_by_role("status")).to_contain_text("In force.")

    assert stage.told("POST", "/storage-points/point-22/rules/class-again") == {}


def test_rules_that_nobody_knows_say_so(window: Window):
    expect(window.open("/rules/cupboard").get_by_role("alert")).to_contain_text("No such rules")


@pytest.mark.parametrize("size", [PHONE, DESK])
@pytest.mark.parametrize("language", ["en", "hi"])
def test_the_editor_and_its_preview_fit_the_screen_in_both_languages(
    window: Window, language: str, size: tuple[int, int]
):
    scheme: Scheme = "dark" if language == "hi" else "light"
    page = window.open("/rules/freezer?version=1", language=language, size=size, scheme=scheme)
    page.locator("main .card .btn").first.click()
    page.locator("button[type=submit]").click()
    page.locator(".preview").wait_for()
    page.locator("fieldset.rule details").first.locator("summary").click()
    page.locator(".editor > fieldset button").last.click()

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    low = "[...document.querySelectorAll('main button, main select, main input')].filter((e) => e.offsetHeight < 47)"
    assert page.evaluate(f"{low}.map((e) => e.outerHTML)") == []
    assert serious(page) == []
    if language == "hi":
        assert latin_words(page) == set()


# Timers, doors, and what a lost sensor leaves


def test_what_runs_is_shown_with_its_time_and_when_it_is_full(window: Window):
    page = window.open("/points/point-0")
    runs = page.locator("main")

    expect(runs).to_contain_text(re.compile("Heat alarm.*out of range.*for 3 h 1[1-3] min of 10 h · full at"))
    expect(runs).to_contain_text(re.compile("Heat warning.*warning.*3 h 1[1-3] min · since"))
    expect(runs).to_contain_text("10 h 05 min of 20 h in all · in range just now; the sum stays")


def test_a_sum_of_time_is_said_as_one(window: Window, stage: Stage):
    facts = {"celsius": 12.0, "limit_c": 10.0, "since": iso(now_ms() - 2 * DAY), "minutes_summed": 605.0}
    stage.wall["items"].insert(0, row(7, "hot", "Box 1", severity="out", **facts))
    page = window.open("/")

    expect(page.locator("main")).to_contain_text("above 10.0 °C for 10 h 05 min in all")


def test_an_open_door_is_said_and_what_to_do(window: Window, stage: Stage):
    door = {"id": "incident-0", "kind": "door", "state": "open", "acknowledged_by": None, "acknowledged_at": None}
    facts = {"since": iso(now_ms() - 12 * 60_000 - 5_000), "incident": door}
    stage.wall = full_wall(fine=3)
    stage.wall["items"].insert(0, row(7, "watch", "ILR 9", celsius=5.0, **facts))
    page = window.open("/")

    expect(page.locator("main")).to_contain_text("Door open")
    expect(page.locator("main")).to_contain_text("door open for 12 min · 5.0 °C, in range")
    expect(window.open("/points/point-7").locator(".do")).to_contain_text("Close the lid firmly.")


def test_doors_and_power_have_no_worst_temperature(window: Window, stage: Stage):
    told = json.loads(json.dumps(stage._shelf("excursions")))
    told[0] |= {"rule": "DOOR", "kind": "door", "extreme_c": None}
    told[1] |= {"rule": "POWR-WARN", "kind": "power", "extreme_c": None}
    stage.problems["/excursions"] = (200, {"items": told, "next": None})
    page = window.open("/excursions?view=intervals", size=DESK)

    expect(page.locator("tbody")).to_contain_text("Door left open")
    expect(page.locator("tbody")).to_contain_text("Power cut warning")
    assert "°C" not in page.locator("tbody").inner_text()


def test_what_a_lost_sensor_left_is_closed_with_a_reason(window: Window, stage: Stage):
    stage.closable.add("incident-0")
    page = window.open("/incidents/incident-0")
    expect(page.locator("main")).to_contain_text("its sensor is lost or was moved")
    page.get_by_role("button", name="Close the incident").click()
    expect(page.get_by_role("alert")).to_contain_text("Write why it is over first")
    page.get_by_label("Why it is over").fill("The logger was taken to be calibrated.")
    page.get_by_role("button", name="Close the incident").click()
    page.get_by_text("ended").first.wait_for()

    assert stage.told("POST", "/incidents/incident-0/close") == {"reason": "The logger was taken to be calibrated."}


def test_what_still_goes_on_has_no_button_to_close_it(window: Window):
    page = window.open("/incidents/incident-0")

    assert page.get_by_role("button", name="Close the incident").count() == 0
