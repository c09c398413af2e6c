"""What the forecast of a power cut promises: learned from the store's own cuts, with an uncertainty that holds."""

import random

import pytest

from coldchain.clock import HOUR, MINUTE
from simulators.fridge import DEEP_FREEZER, HOUSEHOLD, ILR, TIRED_ILR, Make, Model, settled, step
from stream.warming import BAND, Forecast, forecast, learn, spells_below, times_through, within

FIVE = 5 * MINUTE


def steady(rate_per_h: int, hours: float, start: int = 400) -> list[tuple[int, int]]:
    """A store that warms by so many centidegrees an hour."""
    return [(at, start + round(rate_per_h * at / HOUR)) for at in range(0, int(hours * HOUR) + 1, FIVE)]


def cut(make: Make, dice: random.Random, hours: float) -> list[tuple[int, int]]:
    """What a probe of a sixteenth of a degree tells every five minutes, the power gone and the day warm."""
    model = Model(make, 60.0)
    ambient = dice.uniform(24, 36)
    state = settled(model)
    for _ in range(dice.randrange(60, 480)):
        state = step(model, state, ambient)
    told = []
    for minute in range(int(hours * 60)):
        if minute % 5 == 0:
            told.append((minute * MINUTE, round((state.air + dice.gauss(0, 0.03)) * 16) * 625 // 100))
        state = step(model, state, ambient, is_powered=False)
    return told


def test_a_band_takes_what_it_took():
    assert times_through(steady(100, 3)) == dict.fromkeys(range(400, 700, BAND), 30 * MINUTE)


def test_where_the_power_came_back_a_band_took_so_long_at_least():
    plateau = [*steady(100, 1), *((HOUR + at, 500 + 20) for at in range(FIVE, 6 * HOUR, FIVE))]

    assert times_through(plateau)[500] == pytest.approx(6 * HOUR, abs=FIVE)


def test_three_like_cuts_foretell_the_fourth():
    told = forecast(learn([steady(100, 6)] * 3), steady(100, 1), 800)

    assert told is not None
    assert told.likely == pytest.approx(3 * HOUR, rel=0.01)
    assert told.earliest < told.likely < (told.latest or 0)
    assert (told.cuts, told.is_beyond) == (3, False)


def test_a_cut_that_runs_twice_as_fast_is_expected_to_go_on_so():
    told = forecast(learn([steady(100, 6)] * 3), steady(200, 1), 800)

    assert told is not None
    assert told.likely == pytest.approx(HOUR, rel=0.02)


def test_what_no_cut_has_reached_is_said_to_be_unknown():
    told = forecast(learn([steady(100, 2)] * 3), steady(100, 1), 800)

    assert told is not None
    assert told.is_beyond
    assert told.latest is None


def test_without_any_earlier_cut_the_present_one_tells_and_says_so():
    told = forecast(learn([]), steady(100, 2), 800)

    assert told is not None
    assert (told.cuts, told.latest, told.is_beyond) == (0, None, True)
    assert forecast(learn([]), steady(0, 2), 800) is None
    assert forecast(learn([]), [], 800) is None


def test_beyond_the_limit_no_time_is_left():
    assert forecast(learn([]), [(0, 790), (FIVE, 810)], 800) == Forecast(0, 0, 0, 0, is_beyond=False)


@pytest.mark.parametrize(("make", "limit"), [(ILR, 800), (TIRED_ILR, 800), (HOUSEHOLD, 800), (DEEP_FREEZER, -1500)])
def test_the_span_holds_in_nearly_every_cut(make: Make, limit: int):
    """Against the thermal model of the rehearsal, days and cuts of every length, at three moments of each cut."""
    dice = random.Random(make.name)
    inside = total = 0
    for _ in range(16):
        learned = learn(cut(make, dice, dice.choice((1, 2, 4, 8, 24, 48))) for _ in range(dice.randrange(1, 5)))
        now = cut(make, dice, 72)
        passed_at = next(at for at, value in now if value > limit)
        for share in (0.1, 0.4, 0.8):
            so_far = now[: max(1, int(passed_at / FIVE * share)) + 1]
            told = forecast(learned, so_far, limit)
            if told is None:
                continue
            total += 1
            left = passed_at - so_far[-1][0]
            inside += told.earliest <= left and (told.latest is None or left <= told.latest)
    assert total >= 40
    assert inside / total >= 0.85


def test_spells_without_power():
    instants = [n * FIVE for n in range(7)]

    assert spells_below(instants, [100, 0, 0, 100, 100, 0, 0], 100) == [(FIVE, 3 * FIVE), (5 * FIVE, 6 * FIVE)]
    assert spells_below(instants[:2], [100, 0], 100) == []


def test_a_warm_up_begins_with_the_reading_before_the_cut():
    told = within([0, FIVE, 2 * FIVE, 3 * FIVE], [400, 410, 420, 430], FIVE + MINUTE, 2 * FIVE)

    assert told == [(FIVE, 410), (2 * FIVE, 420)]
