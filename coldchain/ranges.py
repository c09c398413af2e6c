"""Ranges: which sequence numbers of an outbox are durable (or lost), as few closed ranges as possible."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Range = tuple[int, int]
"""First and last number, both included."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """A set of whole numbers ≥ 0 as sorted ranges that neither touch nor overlap."""

    ranges: tuple[Range, ...] = ()

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self.ranges, (number, float("inf")))
        return place > 0 and self.ranges[place - 1][1] >= number

    def __iter__(self) -> Iterator[Range]:
        return iter(self.ranges)

    def with_range(self, first: int, last: int) -> "Ranges":
        """These and `first`…`last`."""
        if self.ranges and self.ranges[-1][0] <= first <= self.ranges[-1][1] + 1:  # the usual: the next one
            begin, end = self.ranges[-1]
            return Ranges((*self.ranges[:-1], (begin, max(end, last))))
        before = [r for r in self.ranges if r[1] + 1 < first]
        after = [r for r in self.ranges if r[0] > last + 1]
        touching = [r for r in self.ranges if r[1] + 1 >= first and r[0] <= last + 1]
        begin = min([first, *(r[0] for r in touching)])
        end = max([last, *(r[1] for r in touching)])
        return Ranges((*before, (begin, end), *after))

    def with_number(self, number: int) -> "Ranges":
        return self.with_range(number, number)

    def pairs(self) -> list[list[int]]:
        """As JSON has them: `[[1, 57], [60, 61]]`."""
        return [list(r) for r in self.ranges]


def ranges_of(pairs: Iterable[Iterable[int]]) -> Ranges:
    """From pairs in any order. Raises ValueError where one is no pair of numbers, first ≤ last."""
    ranges = Ranges()
    for pair in pairs:
        first, last = pair
        if not (isinstance(first, int) and isinstance(last, int) and 0 <= first <= last):
            raise ValueError(f"[{first}, {last}] is no range of sequence numbers")
        ranges = ranges.with_range(first, last)
    return ranges
