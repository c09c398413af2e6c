"""What a storage point was exposed to, and its time in range: exact, by the place's days, unknown never safe."""

import random
from dataclasses import replace
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.exposures import first_day, instant_of, next_day, periods
from api.instants import BadWindow
from coldchain.clock import DAY, HOUR, MINUTE, instant, iso
from coldchain.exposure import exposure_of
from coldchain.exposure.held import added
from registry import devices, placements, places, rule_sets
from tests.api.conftest import START, Person, World

INDIA = ZoneInfo("Asia/Kolkata")
MIDNIGHT = instant("2026-01-01T00:00:00+05:30")


def every_five(celsius: float, since: int, until: int) -> list[tuple[int, float]]:
    return [(at, celsius) for at in range(since, until, 5 * MINUTE)]


@pytest.fixture
def point(world: World) -> str:
    point_id = world.point("ILR 1")
    world.device("pi-1", point_id)
    return point_id


def exposure(boss: Person, point: str, since: int, until: int) -> Any:
    return boss.get(f"/storage-points/{point}/exposure", since=since, until=until)


def time_in_range(boss: Person, point: str, **query: Any) -> Any:
    return boss.get(f"/storage-points/{point}/time-in-range", **query)


def beyond(told: Any) -> dict[str, float]:
    return {f"{one['operator']}{one['limit_c']:g}": one["minutes"] for one in told["limits"]}


def test_a_stay_tells_minutes_beyond_each_limit_and_what_nobody_knows(world: World, boss: Person, point: str):
    world.hear(
        "pi-1",
        *every_five(5.0, START - 10 * HOUR, START - 5 * HOUR),
        *every_five(9.0, START - 5 * HOUR, START - 4 * HOUR),
        *every_five(-0.5, START - 4 * HOUR, START - 3 * HOUR),
        *every_five(5.0, START - HOUR, START + 1),
    )
    told = exposure(boss, point, START - 10 * HOUR, START)

    assert beyond(told) == {"<=-0.5": 55.0, "<2": 55.0, ">8": 60.0}
    assert told["unknown_minutes"] == 125.0
    assert told["known_minutes"] == 600 - 125
    assert (told["min_c"], told["max_c"]) == (-0.5, 9.0)
    assert told["mean_kinetic_c"] > 5
    assert told["from"] == iso(START - 10 * HOUR)
    assert [one["type"] for one in told["vvm"]] == ["VVM2", "VVM7", "VVM11", "VVM14", "VVM30", "VVM250"]


def test_the_share_of_a_vials_life_is_that_of_the_specification(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(37.0, START - 48 * HOUR, START + 1))
    told = exposure(boss, point, START - 48 * HOUR, START)
    lives = {one["type"]: one for one in told["vvm"]}

    assert lives["VVM2"]["share_of_life"] == 1.0
    assert lives["VVM2"]["percent"] == 100.0
    assert lives["VVM14"]["share_of_life"] == round(2 / 14, 6)
    assert lives["VVM250"]["verified"] == "R"
    assert told["mean_kinetic_c"] == 37.0
    assert "prediction" in told["note"]


def test_the_stays_of_any_tiling_add_up(world: World, boss: Person, point: str):
    dice = random.Random(5)
    world.hear(
        "pi-1",
        *[
            (at + dice.randrange(999), dice.randrange(-200, 1200) / 100)
            for at in range(START - 3 * DAY, START, 5 * MINUTE)
            if dice.random() < 0.9
        ],
    )
    cuts = sorted({START - 3 * DAY, START, *(START - dice.randrange(3 * DAY) for _ in range(6))})
    whole = exposure(boss, point, cuts[0], cuts[-1])
    tiles = [exposure(boss, point, since, until) for since, until in pairwise(cuts)]

    for key in ("known_minutes", "unknown_minutes"):
        assert sum(one[key] for one in tiles) == pytest.approx(whole[key], abs=1e-3)
    for name, minutes in beyond(whole).items():
        assert sum(beyond(one)[name] for one in tiles) == pytest.approx(minutes, abs=1e-3)
    for number, vvm in enumerate(whole["vvm"]):
        parts = sum(one["vvm"][number]["share_of_life"] for one in tiles)
        assert parts == pytest.approx(vvm["share_of_life"], abs=1e-5)


def test_a_single_millisecond_can_be_asked_for(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(9.0, START - HOUR, START + 1))

    assert beyond(exposure(boss, point, START - HOUR + 7, START - HOUR + 8))[">8"] == round(1 / 60_000, 5)


def test_what_is_to_come_is_neither_known_nor_unknown(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(5.0, START - HOUR, START + 1))
    told = exposure(boss, point, START - HOUR, START + DAY)

    assert told["to"] == iso(START)
    assert (told["known_minutes"], told["unknown_minutes"]) == (60.0, 0.0)
    assert exposure(boss, point, START + HOUR, START + DAY)["known_minutes"] == 0


def test_the_last_seven_days_unless_told_otherwise(world: World, boss: Person, point: str):
    told = boss.get(f"/storage-points/{point}/exposure")

    assert told["from"] == iso(START + 1 - 7 * DAY)
    assert told["unknown_minutes"] == pytest.approx(7 * 1440, abs=0.001)


def test_a_point_that_nobody_measures_is_unknown(world: World, boss: Person):
    told = exposure(boss, world.point("ILR 9"), START - DAY, START)

    assert (told["known_minutes"], told["unknown_minutes"]) == (0.0, 1440.0)
    assert told["mean_kinetic_c"] is None is told["min_c"]
    assert told["limits"] == told["sensors"] == []


def test_of_two_probes_each_figure_is_that_of_the_worse(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(9.0, START - HOUR, START + 1), channel="top")
    world.hear("pi-1", *every_five(1.0, START - HOUR, START - 30 * MINUTE), channel="floor")
    told = exposure(boss, point, START - HOUR, START)

    assert beyond(told) == {"<=-0.5": 0.0, "<2": 35.0, ">8": 60.0}
    assert told["unknown_minutes"] == 25.0
    assert told["known_minutes"] == 35.0
    assert (told["min_c"], told["max_c"], told["mean_kinetic_c"]) == (1.0, 9.0, 9.0)
    assert [one["sensor"] for one in told["sensors"]] == ["floor", "top"]
    assert beyond(told["sensors"][0])[">8"] == 0.0


def test_a_fridge_whose_device_is_replaced_has_one_exposure(world: World, boss: Person, point: str):
    """What the first device measured there counts to the moment it goes; what it measures elsewhere does not."""
    other = world.point("ILR 2")
    world.device("pi-2")
    with world.written() as shelf:
        placements.place(shelf, "pi-1", other, START, since=START - 5 * HOUR)
        placements.place(shelf, "pi-2", point, START, since=START - 5 * HOUR)
    world.hear("pi-1", *every_five(9.0, START - 10 * HOUR, START + 1))
    world.hear("pi-2", *every_five(10.0, START - 10 * HOUR, START - HOUR), *every_five(5.0, START - HOUR, START + 1))
    told = exposure(boss, point, START - 8 * HOUR, START)

    assert beyond(told)[">8"] == 3 * 60 + 4 * 60
    assert [(one["device_id"], one["stays"]) for one in told["sensors"]] == [
        ("pi-1", [{"from": iso(START - 8 * HOUR), "to": iso(START - 5 * HOUR)}]),
        ("pi-2", [{"from": iso(START - 5 * HOUR), "to": iso(START)}]),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_two_devices_that_change_places_again_and_again_leave_each_point_its_own(
    world: World, boss: Person, point: str, seed: int
):
    dice = random.Random(seed)
    points = [point, world.point("ILR 2")]
    world.device("pi-2", points[1])
    begin = START - 3 * DAY
    moves = sorted(begin + dice.randrange(3 * DAY) for _ in range(5))
    with world.written() as shelf:
        for number, at in enumerate(moves, 1):
            for home in (0, 1):
                placements.place(shelf, f"pi-{home + 1}", points[(home + number) % 2], START, since=at)
    told: dict[str, list[tuple[int, int]]] = {}
    for device in ("pi-1", "pi-2"):
        told[device] = [
            (at, dice.randrange(-100, 1200)) for at in range(begin, START, 5 * MINUTE) if dice.random() < 0.9
        ]
        world.hear(device, *[(at, value / 100) for at, value in told[device]])
    world.judge.add_up()
    for where in (0, 1):
        stays = [
            (f"pi-{(where + number) % 2 + 1}", since, until)
            for number, (since, until) in enumerate(pairwise([begin, *moves, START]))
        ]
        expected = added(
            exposure_of(
                [at for at, _ in told[device]],
                [value for _, value in told[device]],
                since,
                until,
                ((begin, 5 * MINUTE),),
            )
            for device, since, until in stays
        )
        shown = exposure(boss, points[where], begin, START)

        assert shown["unknown_minutes"] == pytest.approx(expected.unknown / MINUTE, abs=1e-4)
        hot = sum(ms for value, ms in expected.held.items() if value > 800)
        assert beyond(shown)[">8"] == pytest.approx(hot / MINUTE, abs=1e-4)
        assert (shown["min_c"], shown["max_c"]) == (min(expected.held) / 100, max(expected.held) / 100)


def test_time_without_any_probe_is_unknown(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(5.0, START - 10 * HOUR, START + 1))
    with world.written() as shelf:
        placements.take_away(shelf, "pi-1", START - HOUR)

    assert exposure(boss, point, START - 2 * HOUR, START)["unknown_minutes"] == 60.0


def test_a_freezer_compartment_is_told_of_and_speaks_for_no_vaccine(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(5.0, START - HOUR, START + 1))
    world.hear("pi-1", *every_five(-18.0, START - HOUR, START + 1), channel="tfrz")
    told = exposure(boss, point, START - HOUR, START)

    assert (told["min_c"], told["max_c"]) == (5.0, 5.0)
    assert {one["sensor"]: one["counts"] for one in told["sensors"]} == {"tfrz": False, "tvc": True}
    assert time_in_range(boss, point, since=START - HOUR, until=START)["whole"]["in_range_pct"] == 100.0


def test_in_a_freezer_its_compartment_is_all_there_is(world: World, boss: Person):
    point = world.point("DF 1", storage_class="freezer")
    world.device("pi-1", point)
    world.hear("pi-1", *every_five(-18.0, START - HOUR, START + 1), channel="tfrz")
    told = exposure(boss, point, START - HOUR, START)

    assert told["max_c"] == -18.0
    assert beyond(told) == {">-15": 0.0}


def test_ambient_probes_and_doors_are_no_exposure(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(40.0, START - HOUR, START + 1), channel="tamb")

    assert exposure(boss, point, START - HOUR, START)["sensors"] == []


def test_a_longer_declared_interval_makes_a_gap_known(world: World, boss: Person, point: str):
    world.hear("pi-1", (START - 2 * HOUR, 9.0), (START - HOUR, 9.0), (START, 9.0))
    assert exposure(boss, point, START - 2 * HOUR, START)["unknown_minutes"] == 120.0
    with world.written() as shelf:
        devices.declare(shelf, "pi-1", 30 * MINUTE, START - 3 * HOUR, START)
    world.settle()

    assert exposure(boss, point, START - 2 * HOUR, START)["unknown_minutes"] == 0.0


def test_a_year_costs_little_once_days_have_their_totals(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(9.0, START - 20 * DAY, START + 1))
    before = exposure(boss, point, START - 400 * DAY, START)
    while world.judge.add_up():
        pass

    assert exposure(boss, point, START - 400 * DAY, START) == before
    assert beyond(before)[">8"] == 20 * 1440


# Time in range


def test_days_are_the_places(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(5.0, MIDNIGHT, MIDNIGHT + DAY), *every_five(9.0, MIDNIGHT + DAY, START + 1))
    told = time_in_range(boss, point, since=MIDNIGHT, until=START)

    assert told["zone"] == "Asia/Kolkata"
    assert [(one["label"], one["in_range_pct"], one["above_pct"]) for one in told["items"]] == [
        ("2026-01-01", 100.0, 0.0),
        ("2026-01-02", 0.0, 100.0),
        ("2026-01-03", 0.0, 100.0),
    ]
    assert told["items"][0]["from"] == "2025-12-31T18:30:00Z"
    assert told["limits"] == [
        {"operator": "<=", "limit_c": -0.5},
        {"operator": "<", "limit_c": 2.0},
        {"operator": ">", "limit_c": 8.0},
    ]


def test_the_current_day_is_partial_and_says_so(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(5.0, MIDNIGHT, START + 1))
    told = time_in_range(boss, point, since=MIDNIGHT, until=START + 9 * DAY)

    assert [one["partial"] for one in told["items"]] == [False, False, True]
    assert told["items"][-1]["to"] == iso(START)
    assert told["items"][-1]["in_range_minutes"] == (START - MIDNIGHT - 2 * DAY) / MINUTE


def test_a_window_that_cuts_a_day_makes_it_partial(world: World, boss: Person, point: str):
    told = time_in_range(boss, point, since=MIDNIGHT + HOUR, until=MIDNIGHT + DAY)

    assert [(one["from"], one["partial"]) for one in told["items"]] == [(iso(MIDNIGHT + HOUR), True)]


def test_unknown_time_is_not_in_range(world: World, boss: Person, point: str):
    world.hear(
        "pi-1",
        *every_five(5.0, MIDNIGHT + 12 * HOUR, MIDNIGHT + 18 * HOUR),
        *every_five(1.0, MIDNIGHT + 18 * HOUR, MIDNIGHT + DAY + HOUR),
    )
    [day] = time_in_range(boss, point, since=MIDNIGHT, until=MIDNIGHT + DAY)["items"]

    assert (day["in_range_pct"], day["below_pct"], day["above_pct"], day["unknown_pct"]) == (25.0, 25.0, 0.0, 50.0)
    assert (day["min_c"], day["max_c"]) == (1.0, 5.0)


def test_a_moment_out_never_shows_as_nothing(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(5.0, MIDNIGHT, MIDNIGHT + DAY + HOUR), (MIDNIGHT + HOUR - 2000, 9.0))
    [day] = time_in_range(boss, point, since=MIDNIGHT, until=MIDNIGHT + DAY)["items"]

    assert (day["in_range_pct"], day["above_pct"]) == (99.9, 0.1)


@pytest.mark.parametrize(
    ("by", "labels"),
    [
        ("week", ["2025-W52", "2026-W01"]),
        ("month", ["2025-12", "2026-01"]),
    ],
)
def test_weeks_and_months_sum_up_their_days(world: World, boss: Person, point: str, by: str, labels: list[str]):
    dice = random.Random(3)
    world.hear(
        "pi-1",
        *[
            (at, dice.choice((1.0, 5.0, 9.0)))
            for at in range(START - 9 * DAY, START, 7 * MINUTE)
            if dice.random() < 0.9
        ],
    )
    days = time_in_range(boss, point, since=START - 8 * DAY, until=START)
    told = time_in_range(boss, point, since=START - 8 * DAY, until=START, by=by)

    assert [one["label"] for one in told["items"]] == labels
    assert told["whole"] == days["whole"]
    for one in told["items"]:
        inside = [day for day in days["items"] if one["from"] <= day["from"] < one["to"]]
        for key in ("in_range_minutes", "below_minutes", "above_minutes", "unknown_minutes"):
            assert sum(day[key] for day in inside) == pytest.approx(one[key], abs=1e-3)


def test_without_a_window_there_are_whole_periods_up_to_now(world: World, boss: Person, point: str):
    days, weeks, months = (time_in_range(boss, point, by=by)["items"] for by in ("day", "week", "month"))

    assert (len(days), days[-1]["label"]) == (35, "2026-01-03")
    assert (len(weeks), weeks[-1]["label"]) == (13, "2026-W01")
    assert (months[0]["label"], months[-1]["label"]) == ("2025-01", "2026-01")
    assert [one["partial"] for one in days] == [False] * 34 + [True]


def test_each_time_is_judged_by_the_rules_then_in_force(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(9.0, MIDNIGHT, START + 1))
    with world.written() as shelf:
        known = rule_sets.in_force_at(shelf, "refrigerator", START).rules
        wider = tuple(rule for rule in known if rule.limit != 800)
        rule_sets.put_in_force(shelf, "refrigerator", wider, MIDNIGHT + DAY, START)
    told = time_in_range(boss, point, since=MIDNIGHT, until=MIDNIGHT + 2 * DAY)

    assert [one["above_pct"] for one in told["items"]] == [100.0, 0.0]


def test_of_two_probes_the_one_least_in_range_speaks_for_the_day(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(5.0, MIDNIGHT, MIDNIGHT + DAY + HOUR), channel="top")
    world.hear("pi-1", *every_five(1.0, MIDNIGHT, MIDNIGHT + DAY + HOUR), channel="floor")
    [day] = time_in_range(boss, point, since=MIDNIGHT, until=MIDNIGHT + DAY)["items"]

    assert (day["in_range_pct"], day["below_pct"]) == (0.0, 100.0)


def test_each_probe_is_measured_by_the_rules_that_watch_it(world: World, boss: Person, point: str):
    with world.written() as shelf:
        known = rule_sets.in_force_at(shelf, "refrigerator", START).rules
        only_left = tuple(replace(rule, sensor="left") for rule in known)
        rule_sets.put_in_force(shelf, "refrigerator", only_left, MIDNIGHT - DAY, START)
    world.hear("pi-1", *every_five(9.0, MIDNIGHT, MIDNIGHT + DAY + HOUR), channel="right")
    world.hear("pi-1", *every_five(5.0, MIDNIGHT, MIDNIGHT + DAY + HOUR), channel="left")
    [day] = time_in_range(boss, point, since=MIDNIGHT, until=MIDNIGHT + DAY)["items"]

    assert (day["in_range_pct"], day["max_c"]) == (100.0, 9.0)


# Who may ask, and what is refused


def test_whoever_may_not_see_the_point_learns_nothing(world: World, point: str):
    stranger = world.user("a.stranger", "cold-chain-handler", world.place("PHC elsewhere"))
    for what in ("exposure", "time-in-range"):
        there, nowhere = (stranger.get(f"/storage-points/{one}/{what}", 404) for one in (point, "nobody"))
        assert there["detail"].replace(point, "nobody") == nowhere["detail"]
        assert world.http.get(f"/api/v1/storage-points/{point}/{what}").status_code == 401


@pytest.mark.parametrize("what", ["exposure", "time-in-range"])
def test_odd_windows_are_refused(boss: Person, point: str, what: str):
    path = f"/storage-points/{point}/{what}"

    assert boss.get(path, 422, since="yesterday")["type"].endswith("bad-query-instant")
    assert boss.get(path, 422, since=START, until=START - 1)["type"].endswith("bad-window")
    assert boss.get(path, since=START, until=START)["unknown_minutes" if what == "exposure" else "items"] in (0.0, [])


def test_ten_thousand_days_are_too_many_for_one_answer(boss: Person, point: str):
    path = f"/storage-points/{point}/time-in-range"

    assert "by month" in boss.get(path, 422, since="1990-01-01T00:00:00Z")["detail"]
    assert boss.get(path, since="1990-01-01T00:00:00Z", by="month")["items"] != []
    assert boss.get(path, 422, by="fortnight")["errors"]


def test_all_of_time_can_be_asked_for(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(5.0, START - DAY, START + 1))
    told = boss.get(f"/storage-points/{point}/exposure", since="0001-01-01T00:00:00Z")

    assert told["known_minutes"] == 1440.0


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Europe/Berlin", "Pacific/Apia", "UTC"])
def test_periods_tile_the_window_in_any_zone(zone: str):
    """Over a change of summer time, and over a day that never was (Apia, 30 December 2011)."""
    at = ZoneInfo(zone)
    since, until = instant("2011-01-01T05:00:00Z"), instant("2012-12-03T05:00:00Z")
    for by in ("day", "week", "month"):
        told = periods(by, at, since, until)
        assert [one.until for one in told[:-1]] == [one.since for one in told[1:]]
        assert (told[0].since, told[-1].until) == (since, until)
        assert len({one.label for one in told}) == len(told)


def test_too_many_periods_are_refused():
    with pytest.raises(BadWindow):
        periods("day", INDIA, 0, START)


def test_months_go_on_over_the_year():
    first = first_day("month", INDIA, START, 13)

    assert first.isoformat() == "2024-12-01"
    assert next_day("month", first).isoformat() == "2025-01-01"
    assert instant_of(first_day("day", INDIA, START), INDIA) == MIDNIGHT + 2 * DAY


def test_a_place_in_another_zone_has_its_own_days(world: World, boss: Person):
    with world.written() as shelf:
        place = places.add(
            shelf, "block", {"en": "Elsewhere", "hi": "कहीं और"}, world.top, zone="Europe/Berlin"
        ).place_id
    point = world.point("ILR 7", place)
    world.device("pi-7", point)
    world.hear("pi-7", *every_five(5.0, START - 3 * DAY, START + 1))
    told = time_in_range(boss, point, since="2025-12-31T23:00:00Z", until="2026-01-01T23:00:00Z")

    assert [(one["label"], one["partial"], one["in_range_pct"]) for one in told["items"]] == [
        ("2026-01-01", False, 100.0)
    ]
