"""What ranges promise: a set of numbers, as few closed ranges as possible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldchain.ranges import Ranges, ranges_of

numbers = st.lists(st.integers(0, 30), max_size=40)
spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)).map(lambda s: (s[0], s[0] + s[1])), max_size=12)


def of(found: list[int]) -> Ranges:
    ranges = Ranges()
    for number in found:
        ranges = ranges.with_number(number)
    return ranges


@given(numbers)
def test_it_holds_what_was_put_in_and_nothing_else(found):
    ranges = of(found)

    assert [n for n in range(40) if n in ranges] == sorted(set(found))


@given(spans)
def test_ranges_neither_touch_nor_overlap(pairs):
    ranges = ranges_of(pairs)

    assert {n for a, b in pairs for n in range(a, b + 1)} == {n for a, b in ranges for n in range(a, b + 1)}
    assert all(one[1] + 1 < other[0] for one, other in zip(ranges.ranges, ranges.ranges[1:], strict=False))


@given(numbers, st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(found, random):
    shuffled = random.sample(found * 2, len(found) * 2)

    assert of(shuffled) == of(found)


def test_a_number_that_fills_a_hole_joins_its_neighbours():
    assert ranges_of([[1, 57], [59, 61]]).with_number(58).pairs() == [[1, 61]]


def test_nothing_is_in_no_ranges():
    assert 0 not in Ranges()
    assert Ranges().pairs() == []


@pytest.mark.parametrize("pairs", [[[2, 1]], [[-1, 3]], [[1]], [["1", 2]], [[1.0, 2]], [[1, 2, 3]]])
def test_what_is_no_range_is_refused(pairs):
    with pytest.raises(ValueError, match=r"range|unpack"):
        ranges_of(pairs)
