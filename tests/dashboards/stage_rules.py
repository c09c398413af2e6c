"""The stage's rules: those that ship, one edit of a class, one point with rules of its own, and an invented preview."""

from typing import Any

from api.routes.rule_sets import _rule_shown
from coldchain.clock import DAY, HOUR, MINUTE, iso
from coldchain.rules import built_in

Json = dict[str, Any]


def version(name: str, number: int, rules: list[Json], **facts: Any) -> Json:
    plain = {
        "storage_class": name,
        "storage_point": None,
        "name": name,
        "version": number,
        "since": None,
        "until": None,
        "in_force": True,
        "is_class_again": False,
        "known_at": iso(0),
        "set_by": None,
        "may_edit": True,
        "rules": rules,
    }
    return {**plain, **facts}


def rule_sets(at: int, point: Json) -> list[Json]:
    """At the instant; the point has rules of its own."""
    shown = {name: [_rule_shown(rule).model_dump() for rule in one.rules] for name, one in built_in().items()}
    changed_at = iso(at - 3 * DAY)
    sets = [version(name, 1, rules) for name, rules in sorted(shown.items()) if name != "freezer"]
    stricter = [{**shown["freezer"][0], "duration_s": 1800, "source": "a state's order"}, *shown["freezer"][2:]]
    own = [{**shown["refrigerator"][0], "duration_s": 7200}, *shown["refrigerator"][1:]]
    return [
        *sets,
        version("freezer", 1, shown["freezer"], until=changed_at, in_force=False),
        version("freezer", 2, stricter, since=changed_at, known_at=changed_at, set_by="r.meena"),
        version(
            f"point/{point['id']}",
            1,
            own,
            storage_class="refrigerator",
            storage_point={"id": point["id"], "name": point["name"]},
            since=changed_at,
            known_at=changed_at,
            set_by="r.meena",
        ),
    ]


def preview(at: int, points: list[Json]) -> Json:
    """The first point would have had two alarms more, the second a warning less, the others are as before."""
    heat = {
        "device_id": "pi-0100",
        "sensor": "tvc",
        "rule": "HEAT",
        "kind": "heat",
        "severity": "alarm",
        "started_at": iso(at - 5 * DAY),
        "alarmed_at": iso(at - 5 * DAY + HOUR),
        "ended_at": iso(at - 5 * DAY + 3 * HOUR),
        "extreme_c": 9.6,
        "minutes_out": 180.0,
        "minutes_unknown": 0.0,
        "proven": True,
    }
    door = {**heat, "rule": "DOOR", "kind": "door", "extreme_c": None, "minutes_out": 9.0, "started_at": iso(at - DAY)}
    none = given([])
    told = [(none, given([heat, door])), (given([{**heat, "severity": "warning"}]), none)]
    told += [(none, none)] * (len(points) - 2)
    items: list[Json] = [
        {
            "storage_point": {"id": one["id"], "name": one["name"], "place": one["place"]},
            "has_own_rules": False,
            "now": now,
            "proposed": proposed,
        }
        for one, (now, proposed) in zip(points, told, strict=False)
    ]
    return {
        "from": iso(at - 30 * DAY),
        "to": iso(at),
        "now": {key: sum(one["now"][key] for one in items) for key in ("alarms", "warnings")},
        "proposed": {key: sum(one["proposed"][key] for one in items) for key in ("alarms", "warnings")},
        "items": items,
        "left": 0 if len(points) < 3 else 2,
    }


def given(intervals: list[Json]) -> Json:
    alarms = sum(one["severity"] == "alarm" for one in intervals)
    return {
        "alarms": alarms,
        "warnings": len(intervals) - alarms,
        "minutes_out": sum(one["minutes_out"] for one in intervals),
        "intervals": intervals,
    }


def timers(at: int) -> list[Json]:
    """A stay in heat that has warned and will alarm, and a sum of time that is running."""
    run = {
        "device_id": "pi-0100",
        "sensor": "tvc",
        "rule": "HEAT",
        "kind": "heat",
        "severity": "alarm",
        "state": "out",
        "mode": "consecutive",
        "limit_c": 8.0,
        "is_out": True,
        "started_at": iso(at - 3 * HOUR - 12 * MINUTE),
        "minutes_out": 192.0,
        "minutes_unknown": 0.0,
        "duration_s": 36000.0,
        "window_s": None,
        "alarmed_at": None,
        "full_at": iso(at + 6 * HOUR + 48 * MINUTE),
        "rule_set": "refrigerator",
        "rule_version": 1,
    }
    return [
        run,
        {
            **run,
            "rule": "HEAT-WARN",
            "severity": "warning",
            "state": "warning",
            "duration_s": 3600.0,
            "alarmed_at": iso(at - 2 * HOUR - 12 * MINUTE),
        },
        {
            **run,
            "rule": "HEAT-10",
            "mode": "cumulative",
            "is_out": False,
            "limit_c": 10.0,
            "duration_s": 72000.0,
            "minutes_out": 605.0,
        },
    ]
