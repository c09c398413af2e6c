"""What becomes of excursions when the judge speaks again: plain functions, without books."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from coldchain.events import FOREVER
from coldchain.judgement import Interval
from registry.excursions import Excursion, after_verdicts, compare, is_told, reach, side_of
from tests.helpers_registry import interval, verdict
from tests.tales import FRZE, HEAT, hour, shipped


def kept(*intervals: Interval) -> list[Excursion]:
    return [Excursion("logger-1", "tvc", "heat", None, one, hour(0)) for one in intervals]


def changes(had: list[Excursion], *truth: Interval) -> tuple[list[str], list[Interval]]:
    changed, new = compare(had, truth)
    return [one.change for one in changed], new


def test_what_was_heard_before_is_no_news():
    had = kept(interval(1, 5), interval(8))

    assert changes(had, interval(1, 5), interval(8)) == ([], [])


def test_an_interval_that_nobody_had_is_new():
    assert changes(kept(interval(1, 5)), interval(1, 5), interval(8)) == ([], [interval(8)])


def test_the_first_reading_back_in_range_closes_it():
    assert changes(kept(interval(1)), interval(1, 5)) == (["closed"], [])


def test_late_readings_widen_it():
    assert changes(kept(interval(3, 5)), interval(3, 7)) == (["widened"], [])


def test_one_whose_start_moves_is_still_the_same():
    had = kept(interval(3, 5))
    [changed], new = compare(had, [interval(2, 5)])

    assert (changed.change, changed.excursion.excursion_id, new) == ("widened", had[0].excursion_id, [])


def test_what_turns_out_to_be_two_stays_one_and_begins_another():
    had = kept(interval(1, 9))
    changed, new = compare(had, [interval(1, 3), interval(5, 9)])

    assert [(one.change, one.excursion.interval) for one in changed] == [("widened", interval(1, 3))]
    assert new == [interval(5, 9)]


def test_what_turns_out_to_be_one_withdraws_the_other():
    changed, new = compare(kept(interval(1, 3), interval(5, 9)), [interval(1, 9)])

    assert sorted(one.change for one in changed) == ["widened", "withdrawn"]
    assert new == []


def test_what_is_left_of_nothing_is_withdrawn():
    assert changes(kept(interval(1, 5))) == (["withdrawn"], [])


def test_two_that_begin_at_one_instant_are_told_apart_by_their_alarms():
    first, second = interval(1, 5), replace(interval(1, 9), alarmed_at=hour(7))
    had = kept(first, second)

    assert changes(had, second, first) == ([], [])
    changed, _ = compare(had, [second])
    assert [(one.change, one.excursion.interval) for one in changed] == [("withdrawn", first)]


def test_a_verdict_is_the_whole_truth_in_its_span_and_nothing_outside_it():
    had = [interval(1, 3), interval(5, 6), interval(8)]

    assert after_verdicts(had, [verdict(since=5, until=8)]) == [interval(1, 3), interval(8)]
    assert after_verdicts(had, [verdict(interval(5, 7), since=5, until=9)]) == [interval(1, 3), interval(5, 7)]


def test_of_two_verdicts_the_later_counts():
    said = [verdict(interval(1)), verdict(interval(1, 5))]

    assert after_verdicts([], said) == [interval(1, 5)]


def test_a_stay_that_merely_goes_on_is_not_told():
    longer = replace(interval(1), out=interval(1).out * 2, extreme=1200)

    assert not is_told(interval(1), longer)
    assert is_told(interval(1), interval(1, 9))
    assert is_told(interval(1, 9), replace(interval(1, 9), extreme=1200))
    assert is_told(interval(1), replace(interval(1), stay="elsewhere"))


def test_one_that_a_move_cut_short_reaches_as_far_as_was_measured():
    cut = replace(interval(1), cut=True, out=hour(3) - hour(1))

    assert [reach(interval(1)), reach(interval(1, 5)), reach(cut)] == [FOREVER, hour(5), hour(3)]


def test_the_side_is_told_by_the_rule_and_by_its_code_where_there_is_none():
    door, power = shipped("refrigerator", "DOOR"), shipped("refrigerator", "POWR")

    assert [side_of(rule, "X") for rule in (HEAT, FRZE, door, power)] == ["heat", "frost", "door", "power"]
    codes = ("HEAT", "FRZE-WARN", "DOOR", "POWR-WARN", "X")
    assert [side_of(None, code) for code in codes] == ["heat", "frost", "door", "power", "heat"]


disjoint = st.lists(st.integers(0, 40), unique=True, max_size=10).map(
    lambda edges: [interval(a, b) for a, b in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False)]
)


@given(disjoint, disjoint)
def test_whatever_was_there_comparing_gives_the_truth_and_keeps_who_is_who(had: list[Interval], truth: list[Interval]):
    before = kept(*had)
    changed, new = compare(before, truth)
    now = {one.excursion_id: one.interval for one in before}
    for one in changed:
        if one.change == "withdrawn":
            del now[one.excursion.excursion_id]
        else:
            now[one.excursion.excursion_id] = one.excursion.interval

    assert len({one.excursion.excursion_id for one in changed}) == len(changed)
    assert sorted([*now.values(), *new], key=lambda one: one.started_at) == truth
    assert compare(kept(*truth), truth) == ([], [])
