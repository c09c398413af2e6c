"""The wall: which state a point is in, and in which order somebody should read it."""

from dataclasses import replace

import pytest

from api import models
from api.picture import Layout, Stand, arranged
from api.power import Breach, Cut
from api.wall import (
    Known,
    Limits,
    Point,
    Row,
    Spot,
    Standing,
    Unplaced,
    hang,
    limits_of,
    point_row,
    standing,
    unheard,
    worst_of,
)
from coldchain.clock import DAY, HOUR, MINUTE, instant
from coldchain.rules import rule_set
from stream.history import DeviceNow, GoingOn, SensorNow
from tests.api.conftest import START, Person, World
from tests.tales import hour

FRIDGE = limits_of("refrigerator", rule_set("refrigerator"))
FREEZER = limits_of("freezer", rule_set("freezer"))
NOW = hour(20)
BLOCK = Spot("block", {"en": "Block"}, "/top/block/")


def sensor(celsius: float = 4.5, *going_on: GoingOn, trend: float | None = 0.0, channel: str = "tvc") -> SensorNow:
    return SensorNow("pi-1", channel, "Cel", NOW, round(celsius * 100), None, None, NOW, going_on, trend, 1)


def heat(hours_ago: float, *, met: bool = False, warned: bool = False) -> tuple[GoingOn, ...]:
    started_at = NOW - round(hours_ago * HOUR)
    alarm = GoingOn(
        "HEAT", "alarm", 800, True, started_at, NOW, 10 * HOUR, started_at + 10 * HOUR if met else None, 0, 0
    )
    warning = replace(alarm, code="HEAT-WARN", severity="warning", duration=HOUR, alarmed_at=NOW if warned else None)
    return (alarm, warning)


def frost(minutes_ago: float, code: str = "FRZE") -> tuple[GoingOn, ...]:
    started_at = NOW - round(minutes_ago * MINUTE)
    warning = GoingOn("FRZE-WARN", "warning", 200, False, started_at, NOW, 30 * MINUTE, None, 0, 0)
    alarm = GoingOn("FRZE", "alarm", -50, False, started_at, NOW, HOUR, None, 0, 0)
    return (alarm, warning) if code == "FRZE" else (warning,)


def device(silent_since: int | None = None) -> DeviceNow:
    return DeviceNow("pi-1", NOW, silent_since, True, False, None, 1)


def test_in_range_is_ok():
    told = standing(sensor(4.5), device(), FRIDGE)

    assert (told.state, told.severity, told.value, told.alarm_at) == ("ok", None, 450, None)


def test_a_run_of_heat_is_hot_with_the_time_at_which_the_alarm_will_be_full():
    told = standing(sensor(10.4, *heat(3.2, warned=True)), device(), FRIDGE)

    assert (told.state, told.severity, told.limit) == ("hot", "warning", 800)
    assert told.since == NOW - round(3.2 * HOUR)
    assert told.alarm_at == told.since + 10 * HOUR
    assert told.alarmed_at is None


def test_severity_is_the_worst_that_has_been_met():
    severities = [
        standing(sensor(9, *heat(h, met=m, warned=w)), device(), FRIDGE).severity
        for h, m, w in ((0.5, False, False), (2, False, True), (11, True, True))
    ]

    assert severities == ["out", "warning", "alarm"]


def test_frost_is_cold():
    assert standing(sensor(-0.9, *frost(22)), device(), FRIDGE).state == "cold"


def test_between_two_and_half_a_degree_below_zero_only_the_warning_runs_and_it_is_to_watch():
    told = standing(sensor(1.2, *frost(10, "FRZE-WARN")), device(), FRIDGE)

    assert (told.state, told.severity, told.limit, told.alarm_at) == ("watch", "out", 200, None)


def test_within_half_a_degree_of_the_limit_and_rising_is_to_watch():
    states = [
        standing(sensor(celsius, trend=trend), device(), FRIDGE).state
        for celsius, trend in ((7.6, 0.8), (7.6, 0.0), (7.6, -0.8), (7.0, 0.8), (0.0, -0.3), (0.0, 0.3))
    ]

    assert states == ["watch", "ok", "ok", "ok", "watch", "ok"]


def test_what_reaches_a_limit_within_half_an_hour_is_to_watch():
    told = standing(sensor(6.0, trend=4.2), device(), FRIDGE)

    assert (told.state, told.limit) == ("watch", 800)
    assert told.reaches_at == NOW + round(2.0 / 4.2 * HOUR)


def test_a_silent_device_is_silent_unless_it_was_last_heard_hot():
    silent = device(silent_since=NOW + 15 * MINUTE)

    assert standing(sensor(4.5), silent, FRIDGE).state == "silent"
    assert standing(sensor(9.5, *heat(1)), silent, FRIDGE).state == "hot"
    assert standing(sensor(9.5, *heat(1)), silent, FRIDGE).silent_since == NOW + 15 * MINUTE


def test_a_reading_that_came_after_the_silence_ends_it():
    assert standing(sensor(4.5), device(silent_since=NOW - MINUTE), FRIDGE).state == "ok"


def test_a_device_that_was_never_heard_is_silent_since_the_last_reading_of_its_files():
    told = standing(replace(sensor(4.5), received_at=0), None, FRIDGE)

    assert (told.state, told.since, told.value, told.last_heard_at) == ("silent", NOW, 450, None)


def test_a_faulty_probe_is_neither_fine_nor_hot():
    told = standing(replace(sensor(), last_fault="unplugged", faulty_since=NOW - HOUR), device(), FRIDGE)

    assert (told.state, told.fault, told.since) == ("fault", "unplugged", NOW - HOUR)


def test_a_freezer_has_its_own_limits_and_no_frost():
    assert (FREEZER.heat, FREEZER.frost, FREEZER.low, FREEZER.high) == (-1500, None, -2500, -1500)
    assert (FRIDGE.heat, FRIDGE.frost, FRIDGE.low, FRIDGE.high) == (800, -50, 200, 800)
    assert standing(sensor(-22, trend=-9.0), device(), FREEZER).state == "ok"


def point(point_id: str = "p", *sensors: str, devices: tuple[str, ...] = ("pi-1",)) -> Point:
    keys = tuple(("pi-1", channel) for channel in sensors)
    return Point(point_id, f"ILR {point_id}", "refrigerator", BLOCK, devices, keys, FRIDGE)


def known(*sensors: SensorNow, silent_since: int | None = None) -> Known:
    return Known({(one.device_id, one.channel): one for one in sensors}, {"pi-1": device(silent_since)})


def test_the_worst_probe_speaks_for_its_point():
    fine, hot = sensor(4.5), sensor(9.5, *heat(1), channel="top")
    faulty = replace(sensor(channel="low"), last_fault="unplugged", faulty_since=NOW)

    assert point_row(point("p", "tvc", "top", "low"), known(fine, hot, faulty), None).standing.channel == "top"
    assert point_row(point("p", "tvc", "low"), known(fine, faulty), None).standing.state == "fault"


def test_of_probes_in_range_the_one_nearest_to_leaving_it_speaks():
    told = point_row(point("p", "tvc", "top"), known(sensor(4.5), sensor(7.2, channel="top")), None)

    assert told.standing.value == 720


def test_a_point_without_a_device_is_empty_and_one_whose_device_never_spoke_is_silent():
    assert point_row(point("p", devices=()), known(), None).standing.state == "empty"
    assert point_row(point("p"), Known({}, {}), None).standing == unheard("pi-1", None)


def row(name: str, told: Standing) -> Row:
    return Row(name, "point", "/top/", name, BLOCK, "refrigerator", told, FRIDGE, ())


def test_worst_comes_first_by_the_time_that_is_left():
    rows = [
        row("fine", Standing("ok")),
        row("empty", Standing("empty")),
        row("fault", Standing("fault", since=1)),
        row("silent", Standing("silent", since=2)),
        row("rising", Standing("watch", reaches_at=NOW + HOUR)),
        row("warned", Standing("watch", severity="warning")),
        row("later", Standing("hot", alarm_at=NOW + 6 * HOUR)),
        row("sooner", Standing("cold", alarm_at=NOW + MINUTE)),
        row("alarmed", Standing("hot", alarmed_at=NOW - HOUR)),
        row("alarmed long", Standing("cold", alarmed_at=NOW - 2 * HOUR)),
    ]
    wall = hang(rows, [], NOW)

    assert [one.name for one in wall.rows] == [
        "alarmed long", "alarmed", "sooner", "later", "warned", "rising", "silent", "fault", "fine", "empty",
    ]  # fmt: skip
    assert wall.counts() == {"act": 4, "watch": 2, "silent": 1, "fault": 1, "ok": 1}


def test_a_sensor_with_a_placement_of_its_own_leaves_its_device():
    spots = arranged(
        Layout(
            points={"a": point("a", devices=()), "b": point("b", devices=())},
            devices={"pi-1": Unplaced("pi-1", (), "/top/", FRIDGE), "pi-2": Unplaced("pi-2", (), "/top/", FRIDGE)},
            stands=(
                Stand("pi-1", "*", "a"),
                Stand("pi-1", "top", "b"),
                Stand("pi-1", "room", "a", "ambient"),
            ),
            probes={"pi-1": {"t2": "other"}},
        ),
        {
            **dict.fromkeys([("pi-1", "tvc"), ("pi-1", "top"), ("pi-1", "room"), ("pi-2", "tvc")], "Cel"),
            **dict.fromkeys([("pi-1", "tamb"), ("pi-1", "t2"), ("pi-2", "tamb")], "Cel"),
            **dict.fromkeys([("pi-1", "mains"), ("pi-1", "door"), ("pi-2", "mains")], "bool"),
        },
    )

    at = {key: spot.sensors for key, spot in spots.items()}
    assert at == {"a": (("pi-1", "tvc"),), "b": (("pi-1", "top"),), "pi-2": (("pi-2", "tvc"),)}
    assert {key: spot.mains for key, spot in spots.items() if isinstance(spot, Point)} == {
        "a": (("pi-1", "mains"),),
        "b": (),
    }


def test_without_power_a_point_in_range_needs_somebody_by_the_time_that_is_left():
    lasting = Cut(NOW - HOUR, Breach(800, NOW + HOUR, NOW + 9 * HOUR, None, 1, is_beyond=True))
    short = Cut(NOW - HOUR, Breach(800, NOW, NOW + HOUR, NOW + 2 * HOUR, 4, is_beyond=False))
    cuts = {"lasting": lasting, "short": short, "nobody knows": Cut(NOW - HOUR, None)}
    cold = Known({("pi-1", "tvc"): sensor(4.5)}, {"pi-1": device()})
    hot = Known({("pi-1", "tvc"): sensor(9.0, *heat(3))}, {"pi-1": device()})
    rows = [point_row(replace(point("p", "tvc"), name=name), cold, None, cut) for name, cut in cuts.items()]
    rows += [point_row(replace(point("p", "tvc"), name="hot"), hot, None, short)]
    rows += [point_row(replace(point("p", "tvc"), name="fine"), cold, None)]

    wall = hang(rows, (), NOW)

    assert [(row.name, row.standing.state) for row in wall.rows] == [
        ("hot", "hot"),
        ("nobody knows", "power"),
        ("short", "power"),
        ("lasting", "power"),
        ("fine", "ok"),
    ]
    assert wall.counts()["act"] == 4


def test_no_probe_no_value():
    assert worst_of([], Limits(None, None, None, None)).state == "empty"


# Over HTTP, with what the judge really says


@pytest.fixture
def block(world: World) -> str:
    return world.place("Block A")


def steady(celsius: float, hours: float = 2, until: int = START) -> list[tuple[int, float]]:
    return [(until - i * 5 * MINUTE, celsius) for i in range(round(hours * 12))]


def test_a_power_cut_shows_how_long_the_fridge_stays_cold(world: World, boss: Person, block: str):
    """Twice before the power was away for four hours, and the fridge warmed by a degree an hour."""
    world.device("pi-1", world.point("ILR 1", block))
    mains: list[tuple[int, float]] = []
    probe: list[tuple[int, float]] = []
    for cut_at in (START - 3 * DAY, START - 2 * DAY, START - HOUR):
        for minute in range(-120, 300, 5):
            at = cut_at + minute * MINUTE
            if at > START:
                continue
            is_away = 0 <= minute < 240
            mains.append((at, 0.0 if is_away else 1.0))
            probe.append((at, round(4.0 + minute / 60, 2) if is_away else 4.0))
    world.hear("pi-1", *probe)
    world.hear("pi-1", *mains, channel="mains", unit="/")

    [row] = boss.get("/wall")["items"]

    assert (row["state"], row["celsius"]) == ("power", 5.0)
    cut = row["power_cut"]
    assert instant(cut["since"]) == START - HOUR
    breach = cut["breach"]
    assert (breach["limit_c"], breach["learned_from"], breach["is_beyond"]) == (8.0, 2, True)
    assert instant(breach["likely_at"]) == pytest.approx(START + 3 * HOUR, abs=20 * MINUTE)
    assert instant(breach["earliest_at"]) < instant(breach["likely_at"])


def test_the_wall_of_a_district(world: World, boss: Person, block: str):
    ok, hot, cold, empty = (world.point(name, block) for name in ("ILR 1", "ILR 2", "ILR 3", "ILR 4"))
    for device_id, at in (("pi-ok", ok), ("pi-hot", hot), ("pi-cold", cold)):
        world.device(device_id, at)
    world.device("pi-loose")
    world.hear("pi-ok", *steady(4.46))
    world.hear("pi-hot", *steady(9.5, 3))
    world.hear("pi-cold", *steady(-0.9, 0.5))
    world.hear("pi-loose", *steady(12.0))
    wall = boss.get("/wall")
    models.Wall.model_validate(wall)

    assert [row["id"] for row in wall["items"]] == [cold, hot, ok, empty]
    assert [row["state"] for row in wall["items"]] == ["cold", "hot", "ok", "empty"]
    assert wall["counts"] == {"act": 3, "watch": 0, "silent": 0, "fault": 0, "ok": 1}
    first = wall["items"][1]
    assert (first["celsius"], first["limit_c"], first["severity"]) == (9.5, 8.0, "warning")
    assert (first["since"], first["alarm_at"]) == ("2026-01-02T21:05:00Z", "2026-01-03T07:05:00Z")
    assert first["incident"]["state"] == "open"
    assert first["place"] == {"id": block, "name": {"en": "Block A", "hi": "Block A (हि)"}}
    [loose] = wall["not_placed"]
    assert (loose["id"], loose["kind"], loose["state"], loose["place"]) == ("pi-loose", "not-placed", "hot", None)


def test_a_strip_has_the_last_24_hours_in_quarter_hours(world: World, boss: Person, block: str):
    world.device("pi-1", world.point("ILR 1", block))
    world.hear("pi-1", (START - 23 * HOUR, 4.44), (START - 23 * HOUR + MINUTE, 4.46), (START, -0.05))
    strip = boss.get("/wall")["items"][0]["strip"]

    assert (strip["from"], strip["step_s"]) == ("2026-01-02T00:15:00Z", 900)
    assert len(strip["min"]) == len(strip["max"]) == 96
    assert (strip["min"][3], strip["max"][3]) == (44, 45)
    assert (strip["min"][95], strip["max"][95]) == (-1, -1)
    assert sum(value is not None for value in strip["max"]) == 2


def test_a_strip_moves_on_and_takes_in_what_comes_late(world: World, boss: Person, block: str):
    world.device("pi-1", world.point("ILR 1", block))
    world.hear("pi-1", (START - 2 * HOUR, 4.0))
    boss.get("/wall")
    world.now += 30 * MINUTE
    world.hear("pi-1", (world.now, 5.0))
    world.hear("pi-1", (START - 3 * HOUR, 6.0))
    world.app.state.desk.picture.look()
    world.app.state.desk.picture.warm([("pi-1", "tvc")], world.now)
    strip = boss.get("/wall")["items"][0]["strip"]

    assert {i: value for i, value in enumerate(strip["max"]) if value is not None} == {81: 60, 85: 40, 95: 50}


def test_a_device_that_stops_speaking_is_silent(world: World, boss: Person, block: str):
    world.device("pi-1", world.point("ILR 1", block))
    world.hear("pi-1", *steady(4.5))
    world.beat(*range(START, START + 20 * MINUTE, 10_000))
    world.now += 20 * MINUTE
    [row] = boss.get("/wall")["items"]

    assert (row["state"], row["celsius"], row["last_heard_at"]) == ("silent", 4.5, "2026-01-03T00:00:00Z")
    assert row["incident"]["state"] == "open"


def test_a_probe_that_comes_off_is_a_fault(world: World, boss: Person, block: str):
    world.device("pi-1", world.point("ILR 1", block))
    world.hear("pi-1", *steady(4.5, until=START - HOUR))
    world.hear("pi-1", faults=((START - 30 * MINUTE, "unplugged"), (START, "unplugged")))
    [row] = boss.get("/wall")["items"]

    assert (row["state"], row["fault"], row["since"]) == ("fault", "unplugged", "2026-01-02T23:30:00Z")


def test_a_place_narrows_the_wall(world: World, boss: Person, block: str):
    world.point("ILR 1", block)
    world.point("ILR 2", world.place("Block B"))

    assert len(boss.get("/wall")["items"]) == 2
    narrowed = boss.get("/wall", place=block)
    assert [row["name"] for row in narrowed["items"]] == ["ILR 1"]
    assert narrowed["place"]["name"]["en"] == "Block A"


def test_an_empty_district_has_an_empty_wall(boss: Person):
    wall = boss.get("/wall")

    assert (wall["items"], wall["not_placed"]) == ([], [])
    assert wall["place"]["zone"] == "Asia/Kolkata"
