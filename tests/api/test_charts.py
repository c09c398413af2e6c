"""The chart of a storage point: nothing extreme is lost, gaps are told, the window is summed up."""

from typing import Any

import pytest

from api.charts import chart_of, joined, merged, share_inside, without
from api.wall import Limits
from coldchain.clock import HOUR, MINUTE
from registry import placements
from stream.history import Bucket
from tests.api.conftest import START, Person, World

FRIDGE = Limits(800, -50, 200, 800)


def every_five(celsius: float, since: int, until: int) -> list[tuple[int, float]]:
    return [(at, celsius) for at in range(since, until, 5 * MINUTE)]


@pytest.fixture
def point(world: World) -> str:
    point_id = world.point("ILR 1")
    world.device("pi-1", point_id)
    return point_id


def chart(boss: Person, point: str, since: int, until: int, **query: Any) -> Any:
    return boss.get(f"/storage-points/{point}/chart", since=since, until=until, **query)


def test_each_bucket_has_its_lowest_mean_and_highest(world: World, boss: Person, point: str):
    world.hear("pi-1", (START - 60 * MINUTE, 4.0), (START - 50 * MINUTE, 5.0), (START - 20 * MINUTE, 12.34))
    told = chart(boss, point, START - HOUR, START, points=2)

    assert told["bucket_s"] == 1800
    assert told["items"] == [
        {"at": "2026-01-02T23:00:00Z", "min_c": 4.0, "mean_c": 4.5, "max_c": 5.0, "count": 2},
        {"at": "2026-01-02T23:30:00Z", "min_c": 12.34, "mean_c": 12.34, "max_c": 12.34, "count": 1},
    ]
    assert told["band"] == {"low_c": 2.0, "high_c": 8.0}
    assert told["limits"] == {"heat_c": 8.0, "frost_c": -0.5}


def test_the_extreme_survives_any_number_of_buckets(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(4.5, START - 24 * HOUR, START), (START - 7 * HOUR, 13.37))
    for points in (1, 3, 96, 400, 2000):
        told = chart(boss, point, START - 24 * HOUR, START, points=points)
        assert max(item["max_c"] for item in told["items"]) == 13.37
        assert len(told["items"]) <= points


def test_gaps_are_told_and_what_precedes_the_first_reading_is_none(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(4.5, START - 10 * HOUR, START - 6 * HOUR), *every_five(4.5, START - 5 * HOUR, START))
    told = chart(boss, point, START - 24 * HOUR, START)

    assert told["gaps"] == [{"from": "2026-01-02T17:55:00Z", "to": "2026-01-02T19:00:00Z"}]
    assert told["summary"] == {
        "time_in_range_pct": 100.0,
        "lowest_c": 4.5,
        "highest_c": 4.5,
        "unknown_minutes": 65.0,
    }


def test_a_gap_goes_on_to_now_and_not_beyond(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(4.5, START - 10 * HOUR, START - 6 * HOUR))
    told = chart(boss, point, START - 24 * HOUR, START + 24 * HOUR)

    assert told["gaps"] == [{"from": "2026-01-02T17:55:00Z", "to": "2026-01-03T00:00:00.001Z"}]


def test_time_in_range_is_a_share_of_the_known_time(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(4.5, START - 8 * HOUR, START - 6 * HOUR), *every_five(9.5, START - 6 * HOUR, START))
    told = chart(boss, point, START - 24 * HOUR, START)

    assert told["summary"]["time_in_range_pct"] == pytest.approx(25, abs=0.6)


def test_the_worst_of_two_probes_is_drawn_and_one_that_speaks_fills_the_other_s_gap(
    world: World, boss: Person, point: str
):
    world.hear("pi-1", *every_five(4.0, START - 10 * HOUR, START - 6 * HOUR))
    world.hear("pi-1", *every_five(7.0, START - 8 * HOUR, START + 1), channel="top")
    told = chart(boss, point, START - 10 * HOUR, START, points=1)

    [bucket] = told["items"]
    assert (bucket["min_c"], bucket["max_c"]) == (4.0, 7.0)
    assert told["gaps"] == []


def test_a_probe_counts_while_it_stood_there(world: World, boss: Person, point: str):
    other = world.point("ILR 2")
    world.hear(
        "pi-1", *every_five(4.0, START - 10 * HOUR, START - 5 * HOUR), *every_five(11.0, START - 5 * HOUR, START)
    )
    with world.written() as shelf:
        placements.place(shelf, "pi-1", other, START, since=START - 5 * HOUR)
    here = chart(boss, point, START - 10 * HOUR, START)
    there = chart(boss, other, START - 10 * HOUR, START)

    assert {item["max_c"] for item in here["items"]} == {4.0}
    assert {item["max_c"] for item in there["items"]} == {11.0}
    assert sum(item["count"] for item in (*here["items"], *there["items"])) == 120


def test_a_room_s_sensor_is_not_the_fridge_s(world: World, boss: Person, point: str):
    with world.written() as shelf:
        placements.place(shelf, "pi-1", point, START, channel="room", role="ambient")
    world.now = START + HOUR
    world.hear("pi-1", (START + HOUR, 4.0))
    world.hear("pi-1", (START + HOUR, 35.0), channel="room")

    assert [item["max_c"] for item in chart(boss, point, START, START + 2 * HOUR)["items"]] == [4.0]
    assert boss.get("/wall")["items"][0]["celsius"] == 4.0


def test_excursions_stand_in_it(world: World, boss: Person, point: str):
    world.hear("pi-1", *every_five(9.5, START - 12 * HOUR, START))
    told = chart(boss, point, START - 6 * HOUR, START)

    assert {one["rule"] for one in told["excursions"]} == {"HEAT", "HEAT-WARN"}


def test_an_unheard_point_has_an_empty_chart(boss: Person, point: str):
    told = chart(boss, point, START - 6 * HOUR, START)

    assert (told["items"], told["gaps"]) == ([], [])
    assert told["summary"]["time_in_range_pct"] is None


@pytest.mark.parametrize("points", [0, 2001, "x"])
def test_buckets_are_one_to_two_thousand(boss: Person, point: str, points: object):
    boss.get(f"/storage-points/{point}/chart", 422, points=points)


# The arithmetic


def test_spans_join_and_leave_out():
    assert joined([(5, 9), (0, 2), (2, 4), (8, 12)]) == [(0, 4), (5, 12)]
    assert without([(0, 10)], [(2, 3), (5, 7)]) == [(0, 2), (3, 5), (7, 10)]
    assert without([(0, 10)], [(0, 10)]) == []
    assert without([(0, 4), (6, 9)], [(3, 7)]) == [(0, 3), (7, 9)]


def test_buckets_of_two_probes_become_one():
    assert merged([[Bucket(0, 1, 2, 3, 2)], [Bucket(0, 0, 9, 9, 2), Bucket(5, 4, 4, 4, 1)]]) == [
        Bucket(0, 0, 9, 12, 4),
        Bucket(5, 4, 4, 4, 1),
    ]


def test_a_bucket_partly_outside_counts_in_part():
    assert share_inside(Bucket(0, 400, 500, 0, 1), FRIDGE) == 1
    assert share_inside(Bucket(0, 700, 900, 0, 1), FRIDGE) == 0.5
    assert share_inside(Bucket(0, 900, 900, 0, 1), FRIDGE) == 0
    assert share_inside(Bucket(0, 800, 800, 0, 1), FRIDGE) == 1


def test_a_chart_without_stays_is_empty(world: World):
    assert chart_of(world.history, [], 0, 10, 1, FRIDGE).buckets == []
