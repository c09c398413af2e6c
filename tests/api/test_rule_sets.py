"""Rules as data: read by all who may, edited by few, previewed before, and each excursion names the version it met."""

from typing import Any

import pytest

from api.rule_preview import Proposal, preview
from api.scoped import points_in
from coldchain.clock import DAY, HOUR, MINUTE, iso
from coldchain.rules import built_in
from tests.api.conftest import START, Person, World

CLASSES = [
    "carrier",
    "freezer",
    "refrigerator",
    "transport-1",
    "transport-2",
    "ultra-cold",
    "walk-in-cooler",
    "walk-in-freezer",
]


def rule(code: str = "HEAT", **more: Any) -> dict[str, Any]:
    return {"code": code, "operator": ">", "limit_c": 8.0, "duration_s": 36000, **more}


SOONER = rule(duration_s=3600)
DOOR = {"code": "DOOR", "quantity": "door", "operator": ">", "limit": 0, "duration_s": 60}


def every_five(celsius: float, since: int, until: int) -> list[tuple[int, float]]:
    return [(at, celsius) for at in range(since, until, 5 * MINUTE)]


@pytest.fixture
def block(world: World) -> str:
    return world.place("Rampur")


@pytest.fixture
def point(world: World, block: str) -> str:
    """Five hours of heat, long over."""
    point_id = world.point("ILR 1", block)
    world.device("pi-1", point_id)
    world.hear("pi-1", *every_five(9.5, START - 20 * HOUR, START - 15 * HOUR), (START - 15 * HOUR, 5.0))
    return point_id


@pytest.fixture
def manager(world: World, block: str) -> Person:
    """May edit rules in Rampur, and not those of the whole programme."""
    return world.user("a.manager", "programme-manager", block)


@pytest.fixture
def handler(world: World, block: str) -> Person:
    return world.user("a.handler", "cold-chain-handler", block)


def versions(person: Person, name: str) -> list[Any]:
    return [one for one in person.get("/rule-sets")["items"] if one["name"] == name]


# What is in force


def test_every_class_ships_its_rules_with_their_sources(boss: Person):
    items = boss.get("/rule-sets")["items"]
    fridge = {one["code"]: one for one in items[CLASSES.index("refrigerator")]["rules"]}

    assert [one["storage_class"] for one in items] == CLASSES
    assert all(one["in_force"] and one["since"] is one["until"] is one["set_by"] is None for one in items)
    assert [len(one["rules"]) for one in items] == [len(built_in()[name].rules) for name in CLASSES]
    heat, door = fridge["HEAT"], fridge["DOOR"]
    assert (heat["quantity"], heat["limit_c"], heat["limit"], heat["duration_s"]) == ("temperature", 8.0, None, 36000)
    assert (door["quantity"], door["limit_c"], door["limit"], door["duration_s"]) == ("door", None, 0, 300.001)
    assert "E006" in heat["source"]
    assert heat["verified"] == "V"


def test_a_vaccinator_learns_of_no_rules(world: World):
    world.user("v", "vaccinator").get("/rule-sets", 403)


# Edits


def test_an_edit_of_a_class_is_its_next_version_from_now_on(world: World, boss: Person):
    put = boss.post("/rule-sets/carrier/versions", {"rules": [rule(source="an order", verified="P"), DOOR]}, 201)
    before, after = versions(boss, "carrier")

    assert after == put
    assert (before["until"], before["in_force"]) == (iso(START), False)
    assert (after["version"], after["since"], after["until"], after["in_force"]) == (2, iso(START), None, True)
    assert (after["set_by"], after["known_at"], after["storage_point"]) == ("the.boss", iso(START), None)
    assert [(one["code"], one["limit_c"], one["limit"]) for one in after["rules"]] == [
        ("HEAT", 8.0, None),
        ("DOOR", None, 0),
    ]
    assert (after["rules"][0]["source"], after["rules"][0]["verified"]) == ("an order", "P")


def test_an_edit_may_be_dated_back_or_ahead(boss: Person):
    boss.post("/rule-sets/carrier/versions", {"rules": [rule()], "from": iso(START + DAY)}, 201)
    boss.post("/rule-sets/carrier/versions", {"rules": [rule()], "from": iso(START - 31 * DAY)}, 201)

    assert [(one["version"], one["in_force"]) for one in versions(boss, "carrier")] == [
        (1, False),
        (3, True),
        (2, False),
    ]
    refused = boss.post("/rule-sets/carrier/versions", {"rules": [rule()], "from": iso(START - 32 * DAY)}, 422)
    assert refused["type"].endswith("bad-rule-set")
    assert boss.post("/rule-sets/carrier/versions", {"rules": [rule()], "from": iso(START + DAY)}, 409)
    boss.post("/rule-sets/carrier/versions", {"rules": [rule()], "from": "soon"}, 422)


def test_an_edit_dated_back_has_the_judge_judge_anew_and_the_excursion_name_its_version(
    world: World, boss: Person, point: str
):
    assert [one["rule"] for one in boss.get("/excursions")["items"]] == ["HEAT-WARN"]
    boss.post("/rule-sets/refrigerator/versions", {"rules": [SOONER], "from": iso(START - DAY)}, 201)
    world.settle()
    [heat] = boss.get("/excursions")["items"]
    [incident] = boss.get("/incidents")["items"]

    assert (heat["rule"], heat["rule_set"], heat["rule_version"]) == ("HEAT", "refrigerator", 2)
    assert (heat["started_at"], heat["alarmed_at"]) == (iso(START - 20 * HOUR), iso(START - 19 * HOUR))
    assert (incident["severity"], incident["state"]) == ("alarm", "ended")
    [told] = boss.get(f"/incidents/{incident['id']}")["intervals"][-1:]
    assert {one["rule_version"] for one in boss.get(f"/incidents/{incident['id']}")["intervals"]} >= {2}
    assert told["rule_set"] == "refrigerator"


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([], "rules"),
        ([rule(operator="=")], "operator must be one of"),
        ([rule(), rule()], "a code stands twice"),
        ([rule(limit_c=None)], "limit_c must be a number"),
        ([rule(limit=1)], "limit_c must be a number"),
        ([rule(limit_c=250)], "between -200 and 200"),
        ([rule(duration_s=-1)], "duration_s"),
        ([rule(window_s=3600)], "window_s belongs to mode"),
        ([rule(mode="cumulative", window_s=60)], "can never be full"),
        ([rule(mode="cumulative", duration_s=0)], "a sum of nothing"),
        ([rule(mode="sometimes")], "mode must be one of"),
        ([rule(quantity="humidity")], "quantity must be one of"),
        ([rule(severity="panic")], "severity must be one of"),
        ([rule(code="<img>")], "a code has"),
        ([rule(colour="red")], "colour"),
        ([{**DOOR, "limit": 1}], "one state of a switch"),
        ([{**DOOR, "quantity": "power"}], None),
        ([rule(f"H{number}") for number in range(41)], "rules"),
        ("HEAT", "rules"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(boss: Person, rules: Any, why: str | None):
    for path in ("/rule-sets/carrier/versions", "/rule-sets/carrier/preview"):
        if why is None:
            boss.post("/rule-sets/carrier/preview", {"rules": rules})
            continue
        refused = boss.post(path, {"rules": rules}, 422)
        assert why in refused["detail"]
    assert len(versions(boss, "carrier")) == 1


def test_a_class_that_nobody_knows_is_not_found(boss: Person):
    boss.post("/rule-sets/cupboard/versions", {"rules": [rule()]}, 404)
    boss.post("/rule-sets/cupboard/preview", {"rules": [rule()]}, 404)


def test_decimals_are_taken_as_they_are_written(boss: Person):
    put = boss.post("/rule-sets/carrier/versions", {"rules": [rule(limit_c=7.995, duration_s=300.001)]}, 201)

    assert (put["rules"][0]["limit_c"], put["rules"][0]["duration_s"]) == (8.0, 300.001)


# Who may


def test_a_classs_rules_are_the_whole_programmes(manager: Person, handler: Person, point: str):
    for person in (manager, handler):
        refused = person.post("/rule-sets/refrigerator/versions", {"rules": [rule()]}, 403)
        assert refused["type"].endswith("forbidden")
        assert [one["may_edit"] for one in versions(person, "refrigerator")] == [False]
    manager.post("/rule-sets/refrigerator/preview", {"rules": [rule()]})
    handler.post("/rule-sets/refrigerator/preview", {"rules": [rule()]}, 403)


def test_a_points_own_rules_are_edited_by_whoever_manages_its_place(
    world: World, manager: Person, handler: Person, point: str
):
    elsewhere = world.user("other.manager", "programme-manager", world.place("Pipri"))
    for path in ("rules", "rules/class-again", "rules/preview"):
        body = {} if path.endswith("again") else {"rules": [rule()]}
        handler.post(f"/storage-points/{point}/{path}", body, 403)
        elsewhere.post(f"/storage-points/{point}/{path}", body, 404)
        manager.post(f"/storage-points/nowhere/{path}", body, 404)
    manager.post(f"/storage-points/{point}/rules", {"rules": [rule()]}, 201)

    assert [one["set_by"] for one in versions(manager, f"point/{point}")] == ["a.manager"]
    assert [one["set_by"] for one in versions(handler, f"point/{point}")] == [None]
    assert versions(elsewhere, f"point/{point}") == []
    assert [one["may_edit"] for person in (manager, handler) for one in versions(person, f"point/{point}")] == [
        True,
        False,
    ]
    assert [person.get(f"/storage-points/{point}")["rules"]["may_edit"] for person in (manager, handler)] == [
        True,
        False,
    ]


# Rules of one point


def test_an_override_applies_to_its_point_alone(world: World, boss: Person, block: str, point: str):
    other = world.point("ILR 2", block)
    world.device("pi-2", other)
    put = boss.post(f"/storage-points/{point}/rules", {"rules": [SOONER], "from": iso(START - DAY)}, 201)
    world.hear("pi-2", *every_five(9.5, START - 20 * HOUR, START - 15 * HOUR), (START - 15 * HOUR, 5.0))
    items = boss.get("/excursions")["items"]

    assert (put["name"], put["version"]) == (f"point/{point}", 1)
    assert put["storage_point"] == {"id": point, "name": "ILR 1"}
    assert {(one["storage_point_id"], one["rule"], one["rule_set"]) for one in items} == {
        (point, "HEAT", f"point/{point}"),
        (other, "HEAT-WARN", "refrigerator"),
    }


def test_the_point_follows_its_class_again_from_an_instant_on(world: World, boss: Person, point: str):
    boss.post(f"/storage-points/{point}/rules", {"rules": [rule(limit_c=9.0)], "from": iso(START - DAY)}, 201)
    assert boss.get(f"/storage-points/{point}")["limits"]["heat_c"] == 9.0
    back = boss.post(f"/storage-points/{point}/rules/class-again", {"from": iso(START - HOUR)}, 201)

    assert (back["version"], back["is_class_again"], back["rules"], back["set_by"]) == (2, True, [], "the.boss")
    assert boss.get(f"/storage-points/{point}")["limits"]["heat_c"] == 8.0
    again = boss.post(f"/storage-points/{point}/rules/class-again", {}, 409)
    assert again["type"].endswith("class-followed")


def test_the_wall_shows_a_points_own_limits(world: World, boss: Person, point: str):
    boss.post(f"/storage-points/{point}/rules", {"rules": [rule(limit_c=25.0)]}, 201)
    [row] = boss.get("/wall")["items"]

    assert row["band"]["high_c"] == 25.0


# Previews


def test_a_preview_tells_what_the_last_thirty_days_would_have_given(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(9.0, START - 14 * HOUR, START - 12 * HOUR), (START - 12 * HOUR, 5.0))
    told = boss.post("/rule-sets/refrigerator/preview", {"rules": [SOONER]})
    [one] = told["items"]

    assert (told["from"], told["to"], told["left"]) == (iso(START - 30 * DAY), iso(START), 0)
    assert (told["now"], told["proposed"]) == ({"alarms": 0, "warnings": 2}, {"alarms": 2, "warnings": 0})
    assert one["storage_point"]["name"] == "ILR 1"
    assert (one["now"]["warnings"], one["proposed"]["alarms"]) == (2, 2)
    assert one["proposed"]["minutes_out"] == 420.0
    newest = one["proposed"]["intervals"][0]
    assert (newest["rule"], newest["started_at"], newest["ended_at"]) == (
        "HEAT",
        iso(START - 14 * HOUR),
        iso(START - 12 * HOUR),
    )
    assert newest["extreme_c"] == 9.0
    assert len(boss.get("/rule-sets")["items"]) == len(CLASSES)  # nothing was changed


def test_a_preview_says_what_saving_would_bring(world: World, boss: Person, point: str):
    """The same intervals as the judge finds once the rules are in force, dated back."""
    [told] = boss.post("/rule-sets/refrigerator/preview", {"rules": [SOONER, rule("WARM", limit_c=5.0)]})["items"]
    boss.post(
        "/rule-sets/refrigerator/versions",
        {"rules": [SOONER, rule("WARM", limit_c=5.0)], "from": iso(START - 30 * DAY)},
        201,
    )
    world.settle()
    found = boss.get("/excursions")["items"]

    keys = ("rule", "started_at", "alarmed_at", "ended_at", "extreme_c", "minutes_out", "proven")
    assert [[one[key] for key in keys] for one in reversed(told["proposed"]["intervals"])] == [
        [one[key] for key in keys] for one in found
    ]


def test_todays_rules_are_those_of_today_whatever_is_to_come(world: World, boss: Person, point: str):
    boss.post("/rule-sets/refrigerator/versions", {"rules": [rule(limit_c=30.0)], "from": iso(START + DAY)}, 201)
    world.settle()
    told = boss.post("/rule-sets/refrigerator/preview", {"rules": [SOONER]})

    assert told["now"] == {"alarms": 0, "warnings": 1}


def test_what_a_sensor_measured_elsewhere_is_no_matter_of_the_point(world: World, boss: Person, point: str):
    """Hot at ILR 1, then moved to ILR 2, and hot there."""
    other = world.point("ILR 2")
    boss.post("/devices/pi-1/placements", {"storage_point_id": other, "from": iso(START - 10 * HOUR)}, 201)
    world.hear("pi-1", *every_five(9.5, START - 3 * HOUR, START))
    told = boss.post("/rule-sets/refrigerator/preview", {"rules": [SOONER]})["items"]

    assert {one["storage_point"]["name"]: one["proposed"]["alarms"] for one in told} == {"ILR 1": 1, "ILR 2": 1}


def test_a_preview_of_a_class_leaves_points_with_their_own_rules_as_they_are(world: World, boss: Person, point: str):
    boss.post(f"/storage-points/{point}/rules", {"rules": [SOONER]}, 201)
    world.settle()
    [told] = boss.post("/rule-sets/refrigerator/preview", {"rules": [rule(limit_c=30.0)]})["items"]

    assert told["has_own_rules"] is True
    assert told["now"] == told["proposed"]
    assert told["proposed"]["alarms"] == 1


def test_a_preview_of_one_point_tells_also_what_its_class_would_give(world: World, boss: Person, point: str):
    boss.post(f"/storage-points/{point}/rules", {"rules": [SOONER]}, 201)
    world.settle()
    stricter = boss.post(f"/storage-points/{point}/rules/preview", {"rules": [rule(duration_s=0), DOOR]})
    of_class = boss.post(f"/storage-points/{point}/rules/preview", {})

    assert (stricter["now"], stricter["proposed"]["alarms"]) == ({"alarms": 1, "warnings": 0}, 1)
    assert of_class["proposed"] == {"alarms": 0, "warnings": 1}


def test_a_preview_holds_the_points_alone_that_the_asker_may_see(
    world: World, boss: Person, manager: Person, point: str
):
    hidden = world.point("ILR 9", world.place("Pipri"))
    seen = manager.post("/rule-sets/refrigerator/preview", {"rules": [rule()]})["items"]
    every = boss.post("/rule-sets/refrigerator/preview", {"rules": [rule()]})["items"]

    assert [one["storage_point"]["id"] for one in seen] == [point]
    assert {one["storage_point"]["id"] for one in every} == {point, hidden}


def test_the_freezers_rules_are_previewed_at_freezer_compartments_of_other_points(world: World, boss: Person):
    point = world.point("ILR with a freezer")
    plain = world.point("ILR")
    world.device("pi-3", point)
    world.device("pi-4", plain)
    for device in ("pi-3", "pi-4"):
        world.hear(device, *every_five(-12.0, START - 5 * HOUR, START), channel="tfrz" if device == "pi-3" else "tvc")
    [told] = boss.post("/rule-sets/freezer/preview", {"rules": [rule(limit_c=-10.0)]})["items"]

    assert told["storage_point"]["id"] == point
    assert (told["now"]["alarms"], told["proposed"]["alarms"]) == (1, 0)


def test_doors_and_power_are_previewed_without_a_temperature(world: World, boss: Person, point: str):
    switches = [(at, 1.0) for at in range(START - 3 * HOUR, START - 2 * HOUR, 5 * MINUTE)]
    world.hear("pi-1", *switches, (START - 2 * HOUR, 0.0), channel="door", unit="bool")
    told = boss.post(f"/storage-points/{point}/rules/preview", {"rules": [{**DOOR, "duration_s": 7200}]})

    assert (told["now"], told["proposed"]) == ({"alarms": 1, "warnings": 1}, {"alarms": 0, "warnings": 0})
    [door, _] = told["items"][0]["now"]["intervals"]
    assert (door["kind"], door["extreme_c"], door["minutes_out"]) == ("door", None, 60.0)


def test_a_preview_that_takes_too_long_says_how_many_points_are_left(world: World, point: str):
    world.point("ILR 2")
    world.point("ILR 3")
    with world.books.read() as shelf:
        points = points_in(shelf, ["/"])
    proposal = Proposal("refrigerator", built_in()["refrigerator"])
    told = preview(world.history, proposal, points, START, patience_s=0.0)

    assert ([one.point.name for one in told.compared], told.left) == (["ILR 1"], 2)


def test_before_the_judge_has_made_its_file_a_preview_is_empty(world: World, boss: Person):
    world.data_dir.stream.rename(world.data_dir.stream.with_suffix(".away"))
    world.point("ILR 1")
    told = boss.post("/rule-sets/refrigerator/preview", {"rules": [rule()]})

    assert [(one["now"]["alarms"], one["proposed"]["alarms"]) for one in told["items"]] == [(0, 0)]


# What runs


def test_what_is_out_is_shown_with_its_timer_then_warns_then_alarms_then_ends(world: World, boss: Person):
    """Nothing but the timer while it is only out; an incident from the warning on."""
    point = world.point("ILR 1")
    world.device("pi-1", point)
    seen = []
    for until in (0.5, 2, 11):
        world.hear("pi-1", *every_five(9.5, START - 12 * HOUR, START - round((12 - until) * HOUR) + 1))
        told = boss.get(f"/storage-points/{point}")
        timers = {one["rule"]: one for one in told["going_on"]}
        row = boss.get("/wall")["items"][0]
        seen.append((row["state"], row["severity"], timers["HEAT"]["state"], timers["HEAT-WARN"]["state"]))
        assert row["incident"] is None or until > 0.5
        assert (timers["HEAT"]["started_at"], timers["HEAT"]["minutes_out"]) == (iso(START - 12 * HOUR), until * 60)
        assert timers["HEAT"]["full_at"] == iso(START - 2 * HOUR)
    world.hear("pi-1", (START, 5.0))

    assert seen == [
        ("hot", "out", "out", "out"),
        ("hot", "warning", "out", "warning"),
        ("hot", "alarm", "alarm", "warning"),
    ]
    assert boss.get(f"/storage-points/{point}")["going_on"] == []
    assert boss.get("/wall")["items"][0]["state"] == "ok"


def test_a_running_sum_is_shown_and_does_not_colour_a_sensor_that_is_back_in_range(world: World, boss: Person):
    point = world.point("Box 1", storage_class="transport-2")
    world.device("pi-1", point)
    world.hear("pi-1", *every_five(12.0, START - 12 * HOUR, START - 2 * HOUR), (START - 2 * HOUR, 12.0))
    out = boss.get("/wall")["items"][0]
    world.hear("pi-1", (START - 2 * HOUR + 5 * MINUTE, 5.0), (START, 5.0))
    [timer] = boss.get(f"/storage-points/{point}")["going_on"]
    row = boss.get("/wall")["items"][0]

    assert (out["state"], out["severity"], out["minutes_summed"]) == ("hot", "out", 600.0)
    assert out["alarm_at"] == iso(START + 8 * HOUR)
    assert (row["state"], row["minutes_summed"]) == ("ok", None)
    assert (timer["rule"], timer["mode"], timer["is_out"], timer["state"]) == ("HEAT-10", "cumulative", False, "out")
    assert (timer["minutes_out"], timer["duration_s"], timer["window_s"]) == (605.0, 72000, None)
    assert timer["full_at"] == iso(START + 9 * HOUR + 55 * MINUTE)


def test_a_timer_stays_behind_when_its_sensor_is_moved(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(9.5, START - 3 * HOUR, START))
    other = world.point("ILR 2")
    assert boss.get(f"/storage-points/{point}")["going_on"]
    boss.post("/devices/pi-1/placements", {"storage_point_id": other}, 201)
    world.settle()

    assert boss.get(f"/storage-points/{other}")["going_on"] == []


def test_doors_and_power_run_timers_too(world: World, boss: Person, point: str):
    world.hear("pi-1", *[(at, 1.0) for at in range(START - 10 * MINUTE, START, MINUTE)], channel="door", unit="bool")
    [timer] = boss.get(f"/storage-points/{point}")["going_on"]

    assert (timer["rule"], timer["kind"], timer["state"], timer["limit_c"]) == ("DOOR", "door", "alarm", None)


def test_a_point_names_the_rules_that_judge_it(boss: Person, point: str):
    told = boss.get(f"/storage-points/{point}")["rules"]
    assert told == {"name": "refrigerator", "version": 1, "own": False, "may_edit": True}
    boss.post(f"/storage-points/{point}/rules", {"rules": [rule()]}, 201)
    told = boss.get(f"/storage-points/{point}")["rules"]
    assert told == {"name": f"point/{point}", "version": 1, "own": True, "may_edit": True}


# Doors and power in the lists


def test_an_open_door_and_a_power_cut_are_told_as_such(world: World, boss: Person, point: str):
    for channel, state in (("door", 1.0), ("mains", 0.0)):
        told = [(at, state) for at in range(START - 2 * HOUR, START + 1, 5 * MINUTE)]
        world.hear("pi-1", *told, channel=channel, unit="bool")
    items = {one["rule"]: one for one in boss.get("/excursions")["items"]}
    kinds = {one["kind"]: one for one in boss.get("/incidents")["items"]}

    assert (items["DOOR"]["kind"], items["DOOR"]["extreme_c"], items["DOOR"]["severity"]) == ("door", None, "alarm")
    assert (items["POWR-WARN"]["kind"], items["POWR-WARN"]["extreme_c"]) == ("power", None)
    assert items["HEAT-WARN"]["extreme_c"] == 9.5
    assert (kinds["door"]["severity"], kinds["power"]["severity"]) == ("alarm", "warning")
    [row] = boss.get("/wall")["items"]
    assert (row["state"], row["incident"]["kind"]) == ("power", "power")
    full = boss.get(f"/incidents/{kinds['door']['id']}")
    assert [one["facts"]["extreme_c"] for one in full["revisions"]] == [None]


def test_a_door_that_stands_open_is_to_be_watched_though_the_temperature_is_in_range(world: World, boss: Person):
    point = world.point("ILR 1")
    world.device("pi-1", point)
    world.hear("pi-1", *every_five(5.0, START - HOUR, START + 1))
    told = [(at, 1.0) for at in range(START - 20 * MINUTE, START + 1, MINUTE)]
    world.hear("pi-1", *told, channel="door", unit="bool")
    [row] = boss.get("/wall")["items"]

    assert (row["state"], row["since"], row["limit_c"]) == ("watch", iso(START - 20 * MINUTE), None)
    assert row["incident"]["kind"] == "door"


# What a lost sensor leaves


def test_what_a_lost_sensor_leaves_open_is_closed_by_a_person_with_a_reason(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(9.5, START - 2 * HOUR, START))
    [incident] = boss.get("/incidents", state="open")["items"]
    path = f"/incidents/{incident['id']}"
    assert boss.get(path)["closable"] is False
    boss.post("/devices/pi-1/end", {})
    world.settle()
    left_open = boss.get(path)
    boss.post(f"{path}/close", {"reason": " "}, 422)
    closed = boss.post(f"{path}/close", {"reason": "The logger was taken to be calibrated."})

    assert (left_open["state"], left_open["closable"]) == ("open", True)
    assert (closed["state"], closed["closed_at"], closed["closable"]) == ("ended", iso(START), False)
    assert [(one["kind"], one["by"], one["text"]) for one in closed["notes"]] == [
        ("closed", "the.boss", "The logger was taken to be calibrated.")
    ]
    [interval] = [one for one in closed["intervals"] if one["rule"] == "HEAT-WARN"]
    assert (interval["ended_at"], interval["closed_at"]) == (None, iso(START))
    [listed] = [one for one in boss.get("/excursions")["items"] if one["incident_id"] == incident["id"]]
    assert listed["closed_at"] == iso(START)
