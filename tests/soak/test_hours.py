"""An hour without a gate, and clocks that jump: a time that the test owns, on the real agent, gate, judge and books.

SEED=… plays a day again.
"""

import json
import os
import random
from collections import Counter

import pytest

from coldchain.clock import HOUR, MINUTE, SECOND
from coldchain.readings import centidegrees_of_float
from tests import oracle
from tests.soak.world import World
from tests.stream.test_judge_property import told
from tests.tales import NEW_YEAR

SEED = int(os.environ.get("SEED") or random.randrange(1_000_000))
DAYS = max(1, round(float(os.environ.get("SOAK_MINUTES") or 0) / 3))
HOT, FINE = 600, 0
"""Lifts a probe out of range, and lets it down again, in centidegrees."""


@pytest.fixture
def dice():
    print(f"SEED={SEED}")
    return random.Random(SEED)


@pytest.fixture
def world(tmp_path, dice):
    world = World(tmp_path, dice)
    yield world
    world.close()


def everything_is_judged_as_by_the_oracle(world):
    for fridge in world.fridges:
        expected = oracle.intervals(fridge.device_id, "tvc", world.history(fridge.device_id), world.facts())
        found = sorted(map(told, world.excursions(fridge.device_id)), key=lambda one: (one.started_at, one.code))
        assert found == sorted(expected, key=lambda one: (one.started_at, one.code)), fridge.device_id


def everything_was_heard_once(world):
    """What each probe gave stands in the journal or among the refusals, once: lost is nothing, twice is nothing."""
    for fridge in world.fridges:
        heard = heard_of(world, fridge.device_id)
        more = heard - Counter(fridge.probe.told)
        assert not more, f"of {fridge.device_id} {sorted(more)[:5]} count twice"
        missing = Counter(fridge.probe.told) - heard
        assert not missing, f"{fridge.device_id} lost {sorted(missing)[:5]}"


def heard_of(world, device_id):
    """The values of a device in READINGS and REFUSED, each pack once."""
    packs = {(p.outbox_id, p.seq): p.columns for p in world.packs() if p.device_id == device_id}
    values = Counter(value for columns in packs.values() for column in columns for value in column.values)
    bodies = {refusal.payload for _, refusal in world.refusals() if refusal.device_id == device_id}
    released = {(p.outbox_id, p.seq) for p in world.packs()}
    for body in bodies:
        records = json.loads(body)
        if identity_of(records) not in released:
            values.update(centidegrees_of_float(r["v"]) for r in records if r["n"] == "tvc" and "v" in r)
    return values


def identity_of(records):
    outbox_id = next(record["vs"] for record in records if record["n"] == "outbox")
    return outbox_id, next(record["v"] for record in records if record["n"] == "seq")


def test_an_hour_without_a_gate_is_our_outage_and_nobody_falls_silent(world):
    hot = world.fridges[0]
    world.pass_(10)
    hot.probe.offset = HOT
    world.pass_(20)
    last_beat = world.heartbeats()[-1]
    world.is_gate_there = False
    world.pass_(60)
    world.gate_dies()
    world.is_gate_there = True
    world.pass_(10)

    assert [(outage.since, outage.until) for outage in world.outages()] == [
        (last_beat, last_beat + 60 * MINUTE + 20_000)
    ]
    assert world.silences() == []
    assert (len(world.incidents("platform")), len(world.incidents("silence"))) == (1, 0)
    everything_was_heard_once(world)
    everything_is_judged_as_by_the_oracle(world)


def test_an_alarm_whose_time_was_full_while_the_gate_was_away_alarmed_at_the_reading_that_filled_it(world):
    hot = world.fridges[0]
    world.pass_(10)
    hot.probe.offset = HOT
    world.pass_(20)
    world.judge_dies()
    world.is_gate_there = False
    world.pass_(60)
    world.is_gate_there = True
    world.pass_(3)

    [warning] = [one for one in world.excursions(hot.device_id) if one.code == "HEAT-WARN"]
    assert warning.alarmed_at - warning.started_at == HOUR
    assert NEW_YEAR + 10 * MINUTE <= warning.started_at <= NEW_YEAR + 11 * MINUTE


def test_who_fell_silent_in_our_hour_is_found_once_we_hear_again_and_not_before(world):
    gone = world.fridges[1]
    world.pass_(10)
    world.is_gate_there = False
    gone.is_on = False
    world.pass_(60)
    assert world.silences() == []
    world.is_gate_there = True
    world.pass_(2)
    assert world.silences() == [], "three of its intervals have not passed since anybody could have heard it"

    world.pass_(3)
    assert [one.device_id for one in world.silences()] == [gone.device_id]
    everything_was_heard_once(world)


def test_a_server_whose_clock_was_behind_gives_everything_back_once_it_is_right(world):
    """An hour behind, it takes each reading for one from the future, and keeps it with that reason."""
    world.fridges[0].probe.offset = HOT
    world.pass_(30)
    world.wrong_by = -HOUR
    world.pass_(45)
    world.wrong_by = 0
    world.pass_(5)
    assert world.refusals(), "readings an hour ahead of the server are not believed"
    everything_was_heard_once(world)

    for offset, _ in world.refusals():
        assert world.gate.release(offset, "asha").released
    world.follow()
    assert Counter(v for _, v in world.history("fridge-0")) == Counter(world.fridges[0].probe.told)
    everything_is_judged_as_by_the_oracle(world)


@pytest.mark.timeout(120 + 120 * DAYS)
def test_through_a_day_of_jumping_clocks_deaths_and_silent_hours_nothing_is_lost_or_counts_twice(world, dice):
    for _ in range(30 * DAYS):
        trouble(world, dice)
        for fridge in world.fridges:
            if dice.random() < 0.15:
                fridge.probe.offset = dice.choice((HOT, FINE, FINE, -500))
        world.pass_(dice.choice((1, 3, 10, 20, 45)))
    world.wrong_by, world.is_gate_there = 0, True
    for fridge in world.fridges:
        fridge.is_on, fridge.clock.wall, fridge.clock.is_trusted = True, world.now, True
    world.pass_(40)

    everything_was_heard_once(world)
    everything_is_judged_as_by_the_oracle(world)


def trouble(world, dice):
    """One thing goes wrong, or right again."""
    fridge = dice.choice(world.fridges)
    deeds = {
        "the server's clock": lambda: setattr(world, "wrong_by", dice.choice((0, 0, -HOUR, HOUR, 7 * SECOND))),
        "the gate": lambda: setattr(world, "is_gate_there", not world.is_gate_there),
        "the gate dies": world.gate_dies,
        "the judge dies": world.judge_dies,
        "an agent dies": fridge.dies,
        "a machine's clock": lambda: setattr(fridge.clock, "wall", world.now + dice.choice((0, 0, -HOUR, HOUR, 400))),
        "a power cut": lambda: fridge.reboots(dice.choice((None, world.now)), is_trusted=dice.random() < 0.5),
        "NTP": lambda: setattr(fridge.clock, "is_trusted", True),
    }
    deeds[dice.choice(sorted(deeds))]()
