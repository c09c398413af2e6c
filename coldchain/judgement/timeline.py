"""A timeline: what a sensor is judged by, and when: where it stood, which rules held, how often it promised to speak.

Made from the dated facts of the books (`coldchain/facts.py`); a reading belongs to the stretch its instant is in.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from coldchain.rules import Rule, RuleSet

ALWAYS = -(1 << 62)
"""The instant before all others."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `since` (ms UTC) until the next stretch, one thing holds. Without a rule set nothing is judged.

    `stay` names the placement; `interval` is the declared time between readings in ms: beyond twice of it a gap
    is unknown time.
    """

    since: int
    rules: tuple[Rule, ...]
    interval: int
    stay: str | None = None
    rule_set: str = ""
    rule_version: int = 0

    @property
    def is_judged(self) -> bool:
        """Whether the sensor's readings are evidence of anything here; if so, an empty set retires every rule."""
        return self.rule_set != ""

    @property
    def longest_known(self) -> int:
        return 2 * self.interval

    def says_the_same_as(self, other: "Stretch") -> bool:
        """Whether a reading would be judged alike in both, whenever they begin."""
        return replace(other, since=self.since) == self


@dataclass(frozen=True, slots=True)
class Timeline:
    """Stretches in order of time; the first begins `ALWAYS`."""

    stretches: tuple[Stretch, ...]
    _since: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_since", tuple(stretch.since for stretch in self.stretches))

    def number_at(self, instant: int) -> int:
        """Which stretch holds at the instant."""
        return bisect_right(self._since, instant) - 1

    def at(self, instant: int) -> Stretch:
        return self.stretches[self.number_at(instant)]

    def pieces(self, instants: Sequence[int]) -> list[tuple[Stretch, int, int]]:
        """Cuts sorted instants where the stretch changes: (stretch, first index, index after the last)."""
        if not instants:
            return []
        if len(self.stretches) == 1 or self.number_at(instants[0]) == self.number_at(instants[-1]):
            return [(self.at(instants[0]), 0, len(instants))]
        pieces = []
        begin = 0
        while begin < len(instants):
            number = self.number_at(instants[begin])
            following = self._since[number + 1 : number + 2]
            end = bisect_left(instants, following[0], begin) if following else len(instants)
            pieces.append((self.stretches[number], begin, end))
            begin = end
        return pieces


def difference(one: Timeline, other: Timeline) -> tuple[int, int | None] | None:
    """From which instant until which (None: for ever) two timelines judge differently; None where they never do."""
    edges = sorted({stretch.since for timeline in (one, other) for stretch in timeline.stretches})
    differing = [n for n, edge in enumerate(edges) if not one.at(edge).says_the_same_as(other.at(edge))]
    if not differing:
        return None
    after = edges[differing[-1] + 1 : differing[-1] + 2]
    return edges[differing[0]], after[0] if after else None


def always(rules: RuleSet, interval: int, channel: str, stay: str | None = None) -> Timeline:
    """The timeline of a temperature sensor that only ever stood in one place under one set of rules."""
    return Timeline((Stretch(ALWAYS, rules.watching(channel), interval, stay, rules.name, rules.version),))
