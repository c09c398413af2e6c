"""An exposure: for how long a sensor held each temperature in a stretch of time, and how long nobody knows.

All that is asked of a stay follows from it: minutes beyond any limit, the life that a vial monitor has used, the mean
kinetic temperature. So none of them is kept, and a new limit or better kinetics hold for the past too.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import sub

from coldchain.rules import Rule

Promises = Sequence[tuple[int, int]]
"""From which instant (ms UTC) on, in order of time, which interval (ms) between readings was declared.

The first holds before it, too.
"""


@dataclass(frozen=True, slots=True)
class Exposure:
    """`held`: ms by temperature in centidegrees; one that was measured but held for no known time stands with 0.

    `unknown`: ms of which no reading tells.
    """

    held: Mapping[int, int] = field(default_factory=dict)
    unknown: int = 0

    @property
    def known(self) -> int:
        return sum(self.held.values())

    @property
    def lowest(self) -> int | None:
        return min(self.held, default=None)

    @property
    def highest(self) -> int | None:
        return max(self.held, default=None)

    def beyond(self, rule: Rule) -> int:
        """Known ms beyond the rule's limit."""
        return sum(held for value, held in self.held.items() if rule.is_out(value))


NOTHING = Exposure()


def added(exposures: Iterable[Exposure]) -> Exposure:
    """Of stretches that do not overlap, the exposure of all together."""
    held: dict[int, int] = {}
    unknown = 0
    for one in exposures:
        unknown += one.unknown
        for value, ms in one.held.items():
            held[value] = held.get(value, 0) + ms
    return Exposure(held, unknown)


def longest_known_at(promises: Promises, at: int) -> int:
    """How long a gap that ends at the instant may be, in ms, to be known time."""
    place = bisect_right(promises, at, key=lambda promise: promise[0]) - 1
    return 2 * promises[max(0, place)][1]


def longest_promised(promises: Promises) -> int:
    """A gap of more ms than this is unknown time, whenever it is."""
    return 2 * max(interval for _, interval in promises)


def exposure_of(instants: Sequence[int], values: Sequence[int], since: int, until: int, promises: Promises) -> Exposure:
    """The exposure of [since, until), from a sensor's readings in order of instant, then value.

    A reading holds until the next one, unless that is further away than twice the interval declared at the next one:
    then the whole gap is unknown. The newest reading of all holds for twice the interval. Of readings outside the
    stretch only those matter that are no further away than the longest gap that can be known, and the newest of all.
    """
    begin, end = bisect_left(instants, since), bisect_left(instants, until)
    held = dict.fromkeys(values[begin:end], 0)
    unknown = 0 if begin else max(0, min(until, instants[0] if instants else until) - since)
    if end - begin > 1:
        unknown += _add_inside(held, instants[begin:end], values[begin:end], promises)
    for number in {begin - 1, end - 1} - {-1}:
        known_until, over_at = _reach(instants, number, promises)
        first, last = max(since, instants[number]), min(until, over_at)
        known = max(0, min(known_until, last) - first)
        if known:
            held[values[number]] = held.get(values[number], 0) + known
        unknown += max(0, last - first) - known
    return Exposure(held, unknown)


def _reach(instants: Sequence[int], number: int, promises: Promises) -> tuple[int, int]:
    """Until when a reading's value is known to have held, and when its time is over."""
    at = instants[number]
    if number + 1 == len(instants):
        return at + longest_known_at(promises, at), _FOREVER
    following = instants[number + 1]
    return (following if following - at <= longest_known_at(promises, following) else at), following


def _add_inside(held: dict[int, int], instants: Sequence[int], values: Sequence[int], promises: Promises) -> int:
    """Add the time between readings, each to the value that held; gives the ms that are unknown."""
    gaps = list(map(sub, instants[1:], instants))
    shortest = _shortest_known(promises, instants[0], instants[-1])
    if max(gaps) <= shortest:
        for value, gap in zip(values, gaps):  # noqa: B905  (the last value holds beyond)
            held[value] += gap
        return 0
    unknown = 0
    for value, gap, following in zip(values, gaps, instants[1:]):  # noqa: B905  (as above)
        if gap <= shortest or gap <= longest_known_at(promises, following):
            held[value] += gap
        else:
            unknown += gap
    return unknown


def _shortest_known(promises: Promises, first: int, last: int) -> int:
    """A gap of no more ms than this is known time, wherever it ends in [first, last]."""
    return min(longest_known_at(promises, first), *(2 * ms for at, ms in promises if first <= at <= last), _FOREVER)


_FOREVER = 1 << 62
