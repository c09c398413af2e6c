"""What is judged by what: moves, versions and declared intervals, each from its instant."""

from dataclasses import replace

from coldchain.clock import HOUR, MINUTE
from coldchain.judgement import ALWAYS, Stretch, Timeline, difference
from coldchain.judgement import judge as judge_columns
from coldchain.rules import Rule
from tests.tales import FRZE, HEAT, QUARTER, every, hour, story

HOT = replace(HEAT, duration=HOUR)
SUM = Rule("HEAT", ">", 800, "cumulative", HOUR, "alarm")


def stretch(since, *rules, stay="ilr", version=1, interval=QUARTER):
    return Stretch(since, rules, interval, stay, "tale", version)


NOBODY = Stretch(hour(4), (), QUARTER)


def judge(told, *stretches):
    return judge_columns([at for at, _ in told], [value for _, value in told], Timeline(stretches))


def hot(begin, end, celsius=9.0):
    return every(QUARTER, hour(begin), hour(end), celsius)


def test_a_run_is_judged_to_its_end_by_the_version_at_its_first_reading_out():
    milder = replace(HOT, limit=1000, duration=9 * HOUR)
    [interval] = judge(
        story(*hot(0, 5), (hour(5.25), 5.0)), stretch(ALWAYS, HOT), stretch(hour(0.5), milder, version=2)
    )

    assert (interval.rule_version, interval.alarmed_at, interval.ended_at) == (1, hour(1), hour(5.25))


def test_the_reading_that_ends_a_run_may_begin_one_of_the_new_version():
    stricter = replace(HOT, limit=500, duration=0)
    old, new = judge(
        story(*hot(0, 2), (hour(2.25), 6.0)), stretch(ALWAYS, HOT), stretch(hour(0.5), stricter, version=2)
    )

    assert (old.ended_at, new.started_at, new.rule_version) == (hour(2.25), hour(2.25), 2)


def test_a_retired_rule_judges_its_run_to_the_end_and_begins_none():
    told = story(*hot(0, 2), (hour(2.25), 5.0), *hot(3, 6))

    for after in ((), (FRZE,)):
        [interval] = judge(told, stretch(ALWAYS, HOT), stretch(hour(0.5), *after, version=2))
        assert (interval.started_at, interval.ended_at, interval.cut) == (hour(0), hour(2.25), False)


def test_a_rule_may_become_cumulative():
    told = story(*hot(0, 2), (hour(2.25), 5.0), *hot(3, 3.5), (hour(3.75), 5.0), *hot(4, 4.5))
    run, tally = judge(told, stretch(ALWAYS, HOT), stretch(hour(2.5), SUM, version=2))

    assert (run.started_at, run.ended_at) == (hour(0), hour(2.25))
    assert (tally.started_at, tally.alarmed_at, tally.ended_at) == (hour(3), hour(4.25), None)


def test_a_move_cuts_the_run():
    before, after = judge(story(*hot(0, 8)), stretch(ALWAYS, HOT), stretch(hour(4), HOT, stay="other"))

    assert (before.started_at, before.ended_at, before.cut, before.out) == (hour(0), None, True, 225 * MINUTE)
    assert (after.started_at, after.alarmed_at, after.stay) == (hour(4), hour(5), "other")


def test_between_two_placements_nobody_is_judged():
    [interval] = judge(story(*hot(0, 8)), stretch(ALWAYS, HOT), NOBODY)

    assert (interval.cut, interval.ended_at) == (True, None)


def test_from_not_yet_placed_to_nobody_is_a_move_too():
    [interval] = judge(story(*hot(0, 8)), stretch(ALWAYS, HOT, stay=None), NOBODY)

    assert interval.cut


def test_the_interval_declared_for_the_later_reading_decides_what_a_gap_is():
    told = story(*hot(0, 1), *every(HOUR, hour(2), hour(6), 9.0))
    [interval] = judge(told, stretch(ALWAYS, HOT), stretch(hour(2), HOT, interval=HOUR))

    assert (interval.out, interval.unknown) == (6 * HOUR, 0)


def test_where_two_timelines_differ():
    one = Timeline((stretch(ALWAYS, HOT), stretch(hour(4), HOT, stay="other"), stretch(hour(8), HOT)))
    other = Timeline((stretch(ALWAYS, HOT), stretch(hour(5), HOT, stay="other"), stretch(hour(8), HOT)))

    assert difference(one, other) == (hour(4), hour(5))
    assert difference(one, Timeline((stretch(ALWAYS, HOT), stretch(hour(4), HOT, stay="other")))) == (hour(8), None)
    assert difference(one, one) is None
