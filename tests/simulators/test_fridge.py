"""A fridge that behaves like a fridge."""

import time
from itertools import pairwise

import pytest

from simulators import fridge
from simulators.fridge import DEEP_FREEZER, HOUSEHOLD, ILR, TIRED_ILR, WALK_IN_COOLER, Make, Model, State

MAKES = [ILR, TIRED_ILR, HOUSEHOLD, DEEP_FREEZER, WALK_IN_COOLER]


def run(make: Make, hours: float, state: State | None = None, **given) -> list[State]:
    model = Model(make, 60.0)
    ambient = given.pop("ambient", 32.0)
    states = [state or fridge.settled(model)]
    for _ in range(round(hours * 60)):
        states.append(fridge.step(model, states[-1], ambient, **given))
    return states


def hours_until(make: Make, celsius: float, ambient: float) -> float:
    """How long the air stays below so many degrees when the power goes."""
    states = run(make, 60, run(make, 24, ambient=ambient)[-1], ambient=ambient, is_powered=False)
    return next(number for number, state in enumerate(states) if state.air > celsius) / 60


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.name)
@pytest.mark.parametrize("ambient", [15.0, 25.0, 35.0, 43.0])
def test_with_power_it_stays_around_its_set_point(make, ambient):
    for state in run(make, 48, ambient=ambient)[12 * 60 :]:
        assert abs(state.air - make.set_point) < 2 * make.hysteresis + 0.6


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.name)
def test_the_compressor_rests_and_works_in_turn(make):
    running = [state.is_running for state in run(make, 48)]
    turns = sum(one != other for one, other in pairwise(running))

    assert turns >= 8
    assert 0.05 < sum(running) / len(running) < 0.7


def test_an_ice_lined_refrigerator_holds_for_a_day_without_power():
    assert 20 <= hours_until(ILR, 8.0, ambient=35.0) <= 48
    assert hours_until(ILR, 8.0, ambient=43.0) < hours_until(ILR, 8.0, ambient=30.0)


def test_without_its_lining_it_holds_less_than_two_hours():
    assert 0.3 <= hours_until(TIRED_ILR, 8.0, ambient=32.0) <= 2


def test_a_household_refrigerator_holds_less_than_an_hour():
    assert 0.1 <= hours_until(HOUSEHOLD, 8.0, ambient=25.0) <= 1.0


def test_a_deep_freezer_stays_frozen_for_hours():
    assert 2 <= hours_until(DEEP_FREEZER, -15.0, ambient=32.0) <= 8


def test_a_walk_in_cooler_without_power_warms_within_hours():
    assert 0.5 <= hours_until(WALK_IN_COOLER, 8.0, ambient=32.0) <= 6


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.name)
def test_without_power_it_warms_steadily_and_never_beyond_the_room(make):
    states = run(make, 24 * 20, ambient=30.0, is_powered=False)[30:]  # once the air has met the load
    airs = [state.air for state in states]

    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(airs))
    assert max(airs) <= 30.0 + 1e-6
    assert airs[-1] > (28.0 if make is not DEEP_FREEZER else -2.0)


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.name)
def test_in_a_colder_room_a_fridge_that_is_off_cools_down_to_the_room_at_most(make):
    model = Model(make, 60.0)
    begin = State(25.0, fridge.heat_at(model, 25.0))

    airs = [state.air for state in run(make, 24 * 20, begin, ambient=10.0, is_powered=False)]

    assert min(airs) >= 10.0 - 1e-6
    assert max(airs) <= 25.0


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.name)
def test_the_heat_that_came_in_is_the_heat_that_is_there(make):
    model = Model(make, 60.0)
    states = run(make, 12, ambient=32.0, is_powered=False)
    came_in = 0.0
    for before, after in pairwise(states):
        load = (fridge.load_celsius(model, before.heat) + fridge.load_celsius(model, after.heat)) / 2
        came_in += 60 * (make.walls * (32.0 - load) + make.lid * (32.0 - (before.air + after.air) / 2))

    stored = make.air * (states[-1].air - states[0].air) + states[-1].heat - states[0].heat

    assert stored == pytest.approx(came_in, rel=0.02)


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.name)
def test_long_steps_tell_the_same_story_as_short_ones(make):
    short, long = Model(make, 30.0), Model(make, 150.0)
    one = other = fridge.settled(short)
    for _ in range(5 * 4 * 24):
        one = fridge.step(short, one, 32.0, is_powered=False)
    for _ in range(4 * 24):
        other = fridge.step(long, other, 32.0, is_powered=False)

    assert one.air == pytest.approx(other.air, abs=0.1)


@pytest.mark.parametrize("make", MAKES, ids=lambda make: make.name)
@pytest.mark.parametrize("celsius", [-25.0, -1.0, 0.0, 3.6, 4.4, 5.5, 30.0])
def test_heat_and_temperature_are_each_others_inverse(make, celsius):
    model = Model(make, 60.0)

    assert fridge.load_celsius(model, fridge.heat_at(model, celsius)) == pytest.approx(celsius)


def test_a_thermostat_stuck_low_freezes_the_vaccine_within_hours():
    airs = [state.air for state in run(ILR, 12, set_point=-4.0)]

    below = next(number for number, air in enumerate(airs) if air <= -0.5)
    assert 0.5 * 60 < below < 5 * 60
    assert min(airs) > -6.0


def test_a_weak_compressor_cannot_keep_up_in_the_heat():
    assert run(TIRED_ILR, 48, ambient=40.0, vigour=0.15)[-1].air > 8.0
    assert run(TIRED_ILR, 48, ambient=40.0)[-1].air < 6.5


def test_an_open_lid_lets_the_warmth_in():
    shut, ajar = run(ILR, 0.1)[-1], run(ILR, 0.1, open_share=1.0)[-1]

    assert 0.5 < ajar.air - shut.air < 8.0


def test_a_step_is_cheap():
    model = Model(ILR, 60.0)
    state = fridge.settled(model)
    begun = time.process_time()
    for _ in range(20_000):
        state = fridge.step(model, state, 32.0)

    assert (time.process_time() - begun) / 20_000 < 5e-6
