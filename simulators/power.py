"""Power: when the current is away. Rural feeders are shed by the hour, and what hangs on one goes dark together."""

from dataclasses import dataclass

from coldchain.clock import DAY, HOUR, MINUTE
from simulators import dice
from simulators.spans import Span, Spans, spans

INDIA = 19_800_000
"""Local time minus UTC in ms, all the year."""


@dataclass(frozen=True, slots=True)
class Feeder:
    """A line that several places hang on. `a_day` is how many cuts it has on a day, on average; a cut lasts between
    `shortest` and `longest` ms, more often short than long.
    """

    seed: int
    a_day: float = 1.5
    shortest: int = 8 * MINUTE
    longest: int = 5 * HOUR


@dataclass(frozen=True, slots=True)
class Supply:
    """What one place draws from: its feeder, its own fuses, and a generator that takes over after `generator` ms."""

    feeder: Feeder
    own: Feeder | None = None
    generator: int | None = None


TOWN = (0.5, 5 * MINUTE, 90 * MINUTE)
VILLAGE = (1.6, 8 * MINUTE, 5 * HOUR)
HAMLET = (2.4, 15 * MINUTE, 9 * HOUR)
"""Cuts a day, the shortest and the longest, by how far a place lies from the town."""


def feeder(seed: int, pattern: tuple[float, int, int]) -> Feeder:
    return Feeder(seed, *pattern)


def cuts(supply: Supply, since: int, until: int) -> Spans:
    """All cuts that a place feels in [since, until), ms UTC."""
    away = _on_line(supply.feeder, since, until)
    if supply.own is not None:
        away = away.with_spans(_on_line(supply.own, since, until))
    if supply.generator is not None:
        away = spans((begin, min(end, begin + supply.generator)) for begin, end in away)
    return away


def _on_line(line: Feeder, since: int, until: int) -> Spans:
    first, last = (since + INDIA) // DAY - 1, (until + INDIA) // DAY
    parts = [cut for day in range(first, last + 1) for cut in _on_day(line, day)]
    return spans((max(begin, since), min(end, until)) for begin, end in parts)


def _on_day(line: Feeder, day: int) -> list[Span]:
    seed = line.seed * 1_000_003 + day
    count = int(line.a_day) + (dice.even(seed, 0) < line.a_day % 1)
    cuts_of_day = []
    for number in range(1, count + 1):
        begin = day * DAY - INDIA + int(_hour_of_shedding(dice.even(seed, 2 * number)) * HOUR)
        length = line.shortest * (line.longest / line.shortest) ** dice.even(seed, 2 * number + 1)
        cuts_of_day.append((begin, begin + int(length)))
    return cuts_of_day


def _hour_of_shedding(chance: float) -> float:
    """Two cuts in three fall where demand peaks (12 to 16 and 18 to 22 h), the rest anywhere in the day."""
    if chance < 1 / 3:
        return chance * 72
    if chance < 2 / 3:
        return 12 + (chance - 1 / 3) * 12
    return 18 + (chance - 2 / 3) * 12
