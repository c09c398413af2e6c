"""What dated facts promise."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldchain.judgement import ALWAYS
from registry import dated
from registry.dated import NeverHolds, Overlapping


@dataclass(frozen=True)
class Row:
    since: int
    until: int | None = None


def test_a_fact_holds_from_its_instant_and_not_at_its_end():
    row = Row(10, 20)

    assert [dated.holds(row, at) for at in (9, 10, 19, 20)] == [False, True, True, False]
    assert dated.holds(Row(ALWAYS), -1)


def test_facts_that_touch_do_not_overlap():
    assert not dated.overlap(Row(10, 20), Row(20, 30))
    assert dated.overlap(Row(10, 21), Row(20))
    dated.check_free([Row(10, 20)], Row(20), "it")
    with pytest.raises(Overlapping):
        dated.check_free([Row(10, 20)], Row(19, 25), "it")


def test_a_fact_that_ends_before_it_begins_is_refused():
    with pytest.raises(NeverHolds):
        dated.check_free([], Row(10, 10), "it")


@given(st.lists(st.integers(0, 30), unique=True, min_size=1), st.integers(0, 30))
def test_following_facts_never_overlap_whatever_the_order_they_are_told_in(instants: list[int], probe: int):
    rows: list[Row] = []
    for since in instants:
        before, until = dated.room_from(rows, since, "it")
        if before is not None:
            rows[rows.index(before)] = Row(before.since, since)
        rows.append(Row(since, until))

    held = [row for row in rows if dated.holds(row, probe)]
    begun = [since for since in instants if since <= probe]
    assert [row.since for row in held] == ([max(begun)] if begun else [])


def test_two_facts_cannot_begin_at_one_instant():
    with pytest.raises(Overlapping, match="correct that instead"):
        dated.room_from([Row(5)], 5, "it")
