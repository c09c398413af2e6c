"""Excursions and incidents: what people act on."""

from typing import Any

import pytest

from coldchain.clock import HOUR, MINUTE
from tests.api.conftest import START, Person, World


def every_five(celsius: float, since: int, until: int) -> list[tuple[int, float]]:
    return [(at, celsius) for at in range(since, until, 5 * MINUTE)]


@pytest.fixture
def point(world: World) -> str:
    """Twelve hours of heat, then in range; and a frost that goes on."""
    point_id = world.point("ILR 1")
    world.device("pi-1", point_id)
    world.hear("pi-1", *every_five(9.5, START - 20 * HOUR, START - 8 * HOUR))
    world.hear("pi-1", (START - 8 * HOUR, 5.0))
    world.hear("pi-1", *every_five(-1.0, START - 2 * HOUR, START + 1))
    return point_id


def rules(items: list[Any]) -> list[str]:
    return [item["rule"] for item in items]


def test_an_excursion_tells_what_the_judge_found(boss: Person, point: str):
    items = boss.everything("/excursions", limit=1)
    heat = next(item for item in items if item["rule"] == "HEAT")

    assert sorted(rules(items)) == ["FRZE", "FRZE-WARN", "HEAT", "HEAT-WARN"]
    assert {key: heat[key] for key in heat if key not in ("id", "incident_id")} == {
        "device_id": "pi-1",
        "sensor": "tvc",
        "storage_point_id": point,
        "rule": "HEAT",
        "kind": "heat",
        "rule_set": "refrigerator",
        "rule_version": 1,
        "severity": "alarm",
        "started_at": "2026-01-02T04:00:00Z",
        "alarmed_at": "2026-01-02T14:00:00Z",
        "ended_at": "2026-01-02T16:00:00Z",
        "extreme_c": 9.5,
        "minutes_out": 720.0,
        "minutes_unknown": 0.0,
        "proven": True,
        "cut": False,
        "closed_at": None,
        "withdrawn_at": None,
    }
    frost = next(item for item in items if item["rule"] == "FRZE")
    assert (frost["ended_at"], frost["extreme_c"]) == (None, -1.0)


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (START - 24 * HOUR, START - 20 * HOUR, []),
        (START - 24 * HOUR, START - 20 * HOUR + 1, ["HEAT", "HEAT-WARN"]),
        (START - 8 * HOUR + 1, START - 3 * HOUR, []),
        (START - HOUR, START + HOUR, ["FRZE", "FRZE-WARN"]),
        (None, START - 10 * HOUR, ["HEAT", "HEAT-WARN"]),
        (START - 9 * HOUR, None, ["FRZE", "FRZE-WARN", "HEAT", "HEAT-WARN"]),
    ],
)
def test_a_window_finds_what_touches_it(
    boss: Person, point: str, since: int | None, until: int | None, found: list[str]
):
    asked = {key: value for key, value in (("from", since), ("to", until)) if value is not None}

    assert sorted(rules(boss.get("/excursions", **asked)["items"])) == found


def test_excursions_are_filtered_by_point_and_device(world: World, boss: Person, point: str):
    other = world.point("ILR 2")

    assert len(boss.get("/excursions", storage_point=point, device="pi-1")["items"]) == 4
    assert boss.get("/excursions", storage_point=other)["items"] == []
    assert boss.get("/excursions", device="pi-2")["items"] == []


def test_what_late_readings_refute_is_withdrawn_and_shown_only_when_asked_for(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(5.0, START - 20 * HOUR + MINUTE, START - 8 * HOUR))

    assert sorted(rules(boss.get("/excursions")["items"])) == ["FRZE", "FRZE-WARN"]
    withdrawn = [one for one in boss.get("/excursions", withdrawn="true")["items"] if one["withdrawn_at"]]
    assert sorted(rules(withdrawn)) == ["HEAT", "HEAT-WARN"]
    assert [one["state"] for one in boss.get("/incidents", state="withdrawn")["items"]] == ["withdrawn"]


def test_an_incident_gathers_what_overlaps(boss: Person, point: str):
    frost, heat = boss.get("/incidents")["items"]

    assert (frost["kind"], frost["state"], frost["severity"], frost["ended_at"]) == ("frost", "open", "alarm", None)
    assert (heat["kind"], heat["state"], heat["ended_at"]) == ("heat", "ended", "2026-01-02T16:00:00Z")
    assert [one["id"] for one in heat["storage_points"]] == [point]
    full = boss.get(f"/incidents/{heat['id']}")
    assert sorted(rules(full["intervals"])) == ["HEAT", "HEAT-WARN"]
    assert {one["what"] for one in full["revisions"]} >= {"opened", "closed"}
    assert full["notes"] == []


def test_incidents_come_in_pages_newest_first(boss: Person, point: str):
    items = boss.everything("/incidents", limit=1)

    assert [one["kind"] for one in items] == ["frost", "heat"]
    assert [one["kind"] for one in boss.everything("/incidents", limit=1, state=["open", "ended"])] == ["frost", "heat"]
    assert [one["kind"] for one in boss.get("/incidents", state="open")["items"]] == ["frost"]
    boss.get("/incidents", 422, state="lost")


def test_acknowledging_wants_a_comment(boss: Person, point: str):
    [frost] = boss.get("/incidents", state="open")["items"]
    for body in ({}, {"comment": ""}, {"comment": "   "}):
        boss.post(f"/incidents/{frost['id']}/acknowledge", body, 422)
    assert boss.get(f"/incidents/{frost['id']}")["state"] == "open"

    told = boss.post(f"/incidents/{frost['id']}/acknowledge", {"comment": "The thermostat froze; turned up."})
    assert (told["state"], told["acknowledged_by"]) == ("acknowledged", "the.boss")
    assert [(one["kind"], one["by"], one["text"]) for one in told["notes"]] == [
        ("seen", "the.boss", "The thermostat froze; turned up.")
    ]
    [row] = boss.get("/wall")["items"]
    assert (row["incident"]["state"], row["incident"]["acknowledged_by"]) == ("acknowledged", "the.boss")


def test_notes_are_added_and_stay(boss: Person, point: str):
    [frost] = boss.get("/incidents", state="open")["items"]
    told = boss.post(f"/incidents/{frost['id']}/notes", {"kind": "acted", "text": "Moved the vaccines."}, 201)

    assert [one["text"] for one in told["notes"]] == ["Moved the vaccines."]
    boss.post(f"/incidents/{frost['id']}/notes", {"kind": "seen", "text": "x"}, 422)
    boss.post(f"/incidents/{frost['id']}/notes", {"kind": "acted", "text": " "}, 422)


def test_an_incident_is_not_closed_while_it_goes_on(boss: Person, point: str):
    [frost] = boss.get("/incidents", state="open")["items"]

    assert boss.post(f"/incidents/{frost['id']}/close", {"reason": "enough"}, 422)["type"].endswith("still-going-on")


def test_a_body_with_an_unknown_key_is_told(boss: Person, point: str):
    [frost] = boss.get("/incidents", state="open")["items"]
    problem = boss.post(f"/incidents/{frost['id']}/acknowledge", {"comment": "x", "coment": "y"}, 422)

    assert problem["errors"] == [{"where": "body.coment", "detail": "Extra inputs are not permitted"}]
