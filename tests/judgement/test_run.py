"""What a consecutive rule promises."""

from dataclasses import replace

from coldchain.clock import HOUR, MINUTE
from coldchain.judgement import AT_REST, always, fold
from coldchain.rules import RuleSet
from tests.tales import FRZE, HEAT, QUARTER, every, hour, judge, minute, story


def test_ten_hours_of_heat_open_an_interval():
    [interval] = judge(story(*every(QUARTER, hour(0), hour(12), 8.1)), HEAT)

    assert (interval.started_at, interval.alarmed_at, interval.ended_at) == (hour(0), hour(10), None)
    assert (interval.extreme, interval.out, interval.unknown, interval.proven) == (810, 12 * HOUR, 0, True)


def test_the_alarm_comes_at_the_tenth_hour_and_not_a_quarter_before():
    assert judge(story(*every(QUARTER, hour(0), hour(9.75), 8.1)), HEAT) == []


def test_eight_degrees_for_ever_are_fine():
    assert judge(story(*every(QUARTER, hour(0), hour(48), 8.0)), HEAT) == []


def test_half_a_degree_below_zero_is_too_cold_and_a_hundredth_above_it_is_not():
    [interval] = judge(story(*every(QUARTER, hour(0), hour(1), -0.5)), FRZE)

    assert interval.alarmed_at == hour(1)
    assert judge(story(*every(QUARTER, hour(0), hour(9), -0.49)), FRZE) == []


def test_short_dips_never_add_up():
    dips = [*every(QUARTER, minute(0), minute(30), -0.5), (minute(45), -0.4)]
    dips += [*every(QUARTER, minute(60), minute(90), -0.5), (minute(105), -0.4)]

    assert judge(story(*dips), FRZE) == []


def test_the_first_reading_back_in_range_ends_it_and_arms_it_again():
    out = every(QUARTER, hour(0), hour(10), 9.0)
    again = every(QUARTER, hour(11), hour(21), 12.5)
    first, second = judge(story(*out, (hour(10.25), 7.9), *again), HEAT)

    assert (first.ended_at, first.out) == (hour(10.25), 10 * HOUR + 15 * MINUTE)
    assert (second.started_at, second.alarmed_at, second.ended_at, second.extreme) == (hour(11), hour(21), None, 1250)


def test_a_gap_between_two_readings_out_is_unknown_time_and_ends_nothing():
    [interval] = judge(story((hour(0), 9.0), (hour(0.25), 9.0), (hour(10), 9.0)), HEAT)

    assert (interval.started_at, interval.alarmed_at) == (hour(0), hour(10))
    assert (interval.out, interval.unknown) == (15 * MINUTE, 585 * MINUTE)
    assert not interval.proven


def test_a_gap_of_exactly_twice_the_interval_is_still_known():
    readings = every(2 * QUARTER, hour(0), hour(10), 9.0)
    [interval] = judge(story(*readings), HEAT)

    assert (interval.out, interval.unknown, interval.proven) == (10 * HOUR, 0, True)


def test_a_run_that_vanishes_into_a_gap_ends_with_what_was_known():
    out = every(QUARTER, hour(0), hour(11), 9.0)
    [interval] = judge(story(*out, (hour(20), 5.0)), HEAT)

    assert (interval.ended_at, interval.out, interval.unknown) == (hour(20), 11 * HOUR, 0)


def test_two_values_at_one_instant_both_count_the_lower_first():
    out = every(QUARTER, hour(0), hour(2), 9.0)
    [interval] = judge(story(*out, (hour(1), 7.0)), replace(HEAT, duration=HOUR))

    assert (interval.started_at, interval.alarmed_at) == (hour(1), hour(2))


def test_a_fold_in_pieces_remembers_what_a_fold_at_once_knows():
    told = story(*every(QUARTER, hour(0), hour(11), 9.0), (hour(11.25), 5.0))
    timeline = always(RuleSet("tale", 1, (HEAT,)), QUARTER, "tvc")
    memory, ended = AT_REST, []
    for at, value in told:
        memory, more = fold(memory, [at], [value], timeline)
        ended += more

    assert memory == AT_REST
    assert ended == judge(told, HEAT)
