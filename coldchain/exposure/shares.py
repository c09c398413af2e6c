"""Shares: how a stretch of time divides into in range, below, above, and unknown.

In range is what no rule in force calls out, at once and whatever the rule's duration: of several limits on one side
the tightest divides (a refrigerator's warnings: above 8.0, below 2.0 °C).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coldchain.exposure.held import Exposure
from coldchain.rules import Rule


@dataclass(frozen=True, slots=True)
class Shares:
    """In ms; together they are the whole stretch."""

    in_range: int = 0
    below: int = 0
    above: int = 0
    unknown: int = 0

    @property
    def whole(self) -> int:
        return self.in_range + self.below + self.above + self.unknown

    def __add__(self, other: "Shares") -> "Shares":
        return Shares(
            self.in_range + other.in_range,
            self.below + other.below,
            self.above + other.above,
            self.unknown + other.unknown,
        )


def shares_of(exposure: Exposure, rules: Sequence[Rule]) -> Shares:
    """By the rules of temperatures that were in force."""
    ends = [end for end in (exposure.lowest, exposure.highest) if end is not None]
    out = [rule for rule in rules if any(rule.is_out(end) for end in ends)]
    if not out:
        return Shares(exposure.known, unknown=exposure.unknown)
    below = above = 0
    for value, held in exposure.held.items():
        if any(rule.is_upper and rule.is_out(value) for rule in out):
            above += held
        elif any(rule.is_out(value) for rule in out):
            below += held
    return Shares(exposure.known - below - above, below, above, exposure.unknown)


def worst_of(shares: Iterable[Shares]) -> Shares:
    """Of several probes' over one stretch, those of the probe that was in range for the shortest time.

    Of equals the one that is known to have been out for longest.
    """
    return min(shares, key=lambda one: (one.in_range, -one.below - one.above))
