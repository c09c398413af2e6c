"""An exposure: each temperature for as long as it held, and what nobody knows is never called safe."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from coldchain.clock import HOUR, MINUTE
from coldchain.exposure import NOTHING, Exposure, exposure_of
from coldchain.exposure.held import added
from tests.exposure.brute import stepped
from tests.tales import FRZE, HEAT, QUARTER, every, hour, minute, story

ALWAYS = ((-(1 << 62), QUARTER),)

readings = st.sets(st.tuples(st.integers(0, 60), st.integers(-3, 3)), max_size=14).map(sorted)
promises = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 6)), max_size=2, unique_by=lambda one: one[0]).flatmap(
    lambda later: st.integers(1, 6).map(lambda first: ((-(1 << 62), first), *sorted(later)))
)
edges = st.sets(st.integers(-5, 80), min_size=2, max_size=8).map(sorted)


def of(told: list[tuple[int, int]], since: int, until: int, promised=ALWAYS) -> Exposure:
    return exposure_of([at for at, _ in told], [value for _, value in told], since, until, promised)


@given(readings, promises, edges)
@settings(max_examples=400)
def test_it_is_what_stepping_through_every_millisecond_finds(told, promised, cuts):
    since, until = cuts[0], cuts[-1]

    exposure = of(told, since, until, promised)

    assert (dict(exposure.held), exposure.unknown) == stepped(told, promised, since, until)


@given(readings, promises, edges)
@settings(max_examples=400)
def test_the_exposures_of_any_tiling_add_up_to_the_whole(told, promised, cuts):
    tiles = [of(told, since, until, promised) for since, until in pairwise(cuts)]

    assert added(tiles) == of(told, cuts[0], cuts[-1], promised)


@given(readings, promises, edges)
@settings(max_examples=300)
def test_readings_further_away_than_the_longest_known_gap_do_not_matter_but_for_the_newest(told, promised, cuts):
    since, until = cuts[0], cuts[-1]
    reach = 2 * max(interval for _, interval in promised)
    near = [reading for reading in told if since - reach <= reading[0] <= until + reach]

    assert of(sorted({*near, *told[-1:]}), since, until, promised) == of(told, since, until, promised)


@given(readings, promises, edges)
def test_known_and_unknown_are_the_whole_stretch(told, promised, cuts):
    exposure = of(told, cuts[0], cuts[-1], promised)

    assert exposure.known + exposure.unknown == cuts[-1] - cuts[0]


def test_a_reading_holds_until_the_next_one():
    told = story((hour(0), 5.0), (minute(15), 9.0), (minute(30), 4.0))

    assert of(told, hour(0), minute(30)) == Exposure({500: QUARTER, 900: QUARTER})


def test_short_dips_below_freezing_make_ninety_minutes_of_a_day():
    """The worked example of a logger's handbook: no alarm, and yet an hour and a half of frost."""
    told = story(
        *every(QUARTER, minute(0), minute(30), -0.5),
        (minute(45), -0.4),
        *every(QUARTER, minute(60), minute(90), -0.5),
        (minute(105), -0.4),
    )

    assert of(told, hour(0), hour(24)).beyond(FRZE) == 90 * MINUTE


def test_a_gap_longer_than_two_intervals_is_unknown_from_its_first_moment():
    told = story((hour(0), 9.0), (minute(31), 9.0), (minute(46), 9.0))

    assert of(told, hour(0), minute(46)) == Exposure({900: QUARTER}, 31 * MINUTE)


def test_nothing_is_known_before_the_first_reading_nor_two_intervals_after_the_newest():
    exposure = of(story((hour(1), 5.0)), hour(0), hour(5))

    assert exposure == Exposure({500: 2 * QUARTER}, 5 * HOUR - 2 * QUARTER)


def test_the_limit_itself_is_in_range_above_and_out_below():
    exposure = Exposure({800: 1, 801: 2, -49: 4, -50: 8})

    assert exposure.beyond(HEAT) == 2
    assert exposure.beyond(FRZE) == 8


def test_the_extremes_hold_even_of_what_held_for_no_known_time():
    told = story((hour(0), 5.0), (minute(15), 12.0), (hour(3), 5.0))
    exposure = of(told, hour(0), hour(4))

    assert (exposure.lowest, exposure.highest) == (500, 1200)
    assert exposure.held[1200] == 0


def test_of_no_readings_all_is_unknown():
    assert of([], hour(0), hour(1)) == Exposure({}, HOUR)
    assert added([]) == NOTHING
