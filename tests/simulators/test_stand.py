"""A fridge where it stands: its room, its current, its users, its probe and its mishaps."""

from coldchain.clock import DAY, HOUR, MINUTE, SECOND, instant
from simulators.doors import Habits, openings
from simulators.fridge import DEEP_FREEZER, ILR, TIRED_ILR
from simulators.power import HAMLET, TOWN, VILLAGE, Supply, cuts, feeder
from simulators.spans import Spans, spans
from simulators.stand import Mishap, Stand, Standing, quantised
from simulators.weather import Weather

MONDAY = instant("2026-06-01T00:00:00+05:30")
WEEK = 7 * DAY


def stand(**given) -> Stand:
    return Stand(7, given.pop("make", ILR), Weather(7), **given)


def story(of: Stand, begin: int, end: int, every: int = 5 * MINUTE) -> list[tuple[int, int | None]]:
    standing = Standing(of, begin - DAY, end)
    told = []
    for at in range(begin, end, every):
        standing.advance(at)
        told.append((at, standing.measure(at).centidegrees))
    return told


def test_the_same_stand_tells_the_same_story():
    one = stand(supply=Supply(feeder(3, VILLAGE)), habits=Habits(4))

    assert story(one, MONDAY, MONDAY + 2 * DAY) == story(one, MONDAY, MONDAY + 2 * DAY)


def test_another_seed_tells_another():
    assert story(stand(), MONDAY, MONDAY + DAY) != story(Stand(8, ILR, Weather(8)), MONDAY, MONDAY + DAY)


def test_how_often_one_looks_changes_nothing():
    often, seldom = story(stand(), MONDAY, MONDAY + DAY, MINUTE), story(stand(), MONDAY, MONDAY + DAY, HOUR)

    assert set(seldom) <= set(often)


def test_a_well_kept_week_stays_in_range():
    told = story(stand(habits=Habits(4)), MONDAY, MONDAY + WEEK)

    assert all(value is not None and 200 <= value <= 800 for _, value in told)


def test_a_reading_is_a_sixteenth_of_a_degree():
    told = story(stand(), MONDAY, MONDAY + DAY)

    assert all(value is not None and quantised(value / 100) == value for _, value in told)
    assert [quantised(c) for c in (4.0625, 0.125, -0.125, -0.5, 4.5625)] == [406, 13, -13, -50, 456]


def test_a_power_cut_warms_a_tired_fridge_and_spares_a_lined_one():
    cut = Mishap("power", MONDAY + 10 * HOUR, MONDAY + 14 * HOUR)
    tired = dict(story(stand(make=TIRED_ILR).with_mishaps(cut), MONDAY, MONDAY + DAY))
    lined = dict(story(stand().with_mishaps(cut), MONDAY, MONDAY + DAY))

    assert (tired[MONDAY + 14 * HOUR] or 0) > 800
    assert (lined[MONDAY + 14 * HOUR] or 0) < 600
    assert (tired[MONDAY + 20 * HOUR] or 0) < 700


def test_a_probe_that_fell_out_reads_the_room():
    out = Mishap("probe-out", MONDAY + 9 * HOUR, MONDAY + 11 * HOUR)
    told = dict(story(stand(make=DEEP_FREEZER).with_mishaps(out), MONDAY, MONDAY + DAY))

    assert (told[MONDAY + 10 * HOUR] or 0) > 2000
    assert (told[MONDAY + 8 * HOUR] or 0) < -1500
    assert (told[MONDAY + 12 * HOUR] or 0) < -1500


def test_an_unplugged_probe_measures_nothing():
    standing = Standing(
        stand().with_mishaps(Mishap("unplugged", MONDAY + HOUR, MONDAY + 2 * HOUR)), MONDAY, MONDAY + DAY
    )
    standing.advance(MONDAY + HOUR)

    assert standing.measure(MONDAY + HOUR) == (None, "unplugged")
    assert standing.measure(MONDAY + 2 * HOUR).fault is None


def test_a_lid_left_open_warms_it_in_summer():
    open_lid = Mishap("lid", MONDAY + 9 * HOUR, MONDAY + 12 * HOUR, amount=1.0)
    told = dict(story(stand(make=TIRED_ILR).with_mishaps(open_lid), MONDAY, MONDAY + DAY))

    assert (told[MONDAY + 10 * HOUR] or 0) > 900


def test_a_mishap_ends():
    low = Mishap("thermostat", MONDAY, MONDAY + 6 * HOUR, amount=-4.0)
    told = dict(story(stand().with_mishaps(low), MONDAY, MONDAY + 2 * DAY))

    assert (told[MONDAY + 5 * HOUR] or 0) <= -50
    assert (told[MONDAY + 40 * HOUR] or 0) > 200


def test_doors_open_in_working_hours_and_never_on_sunday():
    doors = openings(Habits(4), MONDAY, MONDAY + WEEK)
    hours = [((since - MONDAY) % DAY) / HOUR for since, _ in doors]

    assert len(hours) > 30
    assert all(8 <= hour <= 17 for hour in hours)
    assert not any(since >= MONDAY + 6 * DAY for since, _ in doors)


def test_sessions_open_it_more_often():
    days = [sum(1 for _ in openings(Habits(4), MONDAY + n * DAY, MONDAY + (n + 1) * DAY)) for n in range(6)]

    assert min(days[2], days[5]) > max(days[0], days[1], days[3], days[4])


def test_a_feeder_takes_all_that_hang_on_it():
    line = feeder(3, VILLAGE)
    one, other = Supply(line, own=feeder(10, TOWN)), Supply(line, own=feeder(11, TOWN))
    common = cuts(Supply(line), MONDAY, MONDAY + WEEK)

    for supply in (one, other):
        own = cuts(supply, MONDAY, MONDAY + WEEK)
        assert all(since in own and until - 1 in own for since, until in common)


def test_the_further_from_the_town_the_longer_in_the_dark():
    dark = [
        sum(cuts(Supply(feeder(seed, pattern)), MONDAY, MONDAY + 4 * WEEK).total() for seed in range(5))
        for pattern in (TOWN, VILLAGE, HAMLET)
    ]

    assert dark == sorted(dark)
    assert dark[2] < 5 * 4 * WEEK // 3


def test_a_generator_keeps_cuts_short():
    away = cuts(Supply(feeder(3, VILLAGE), generator=40 * SECOND), MONDAY, MONDAY + WEEK)

    assert list(away)
    assert all(until - since <= 40 * SECOND for since, until in away)


def test_a_week_is_cut_the_same_wherever_one_begins_to_look():
    line = Supply(feeder(3, VILLAGE))
    whole = cuts(line, MONDAY, MONDAY + WEEK)
    part = cuts(line, MONDAY + 2 * DAY + HOUR, MONDAY + 5 * DAY)

    for at in range(MONDAY + 2 * DAY + HOUR, MONDAY + 5 * DAY, 7 * MINUTE):
        assert (at in whole) == (at in part)


def test_the_afternoon_is_warmer_than_the_night_and_june_than_january():
    weather = Weather(1, moods=0.0)
    january = instant("2026-01-01T00:00:00+05:30")

    assert weather.ambient(MONDAY + 15 * HOUR) > weather.ambient(MONDAY + 4 * HOUR) + 4
    assert weather.ambient(MONDAY) > weather.ambient(january) + 6


def test_spans_that_touch_are_one():
    assert spans([(5, 7), (1, 3), (3, 4), (6, 9), (11, 11)]) == Spans((1, 4, 5, 9))
    assert [at in Spans((1, 4, 5, 9)) for at in (0, 1, 3, 4, 5, 8, 9)] == [False, True, True, False, True, True, False]
