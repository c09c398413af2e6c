"""A tally: time out of range added up, inside a sliding window or since a start (transport indicators, WHO PQS TR07).

A reading that is out counts until the next reading, never over a gap. The interval starts at the first reading that
counts in the sum, alarms when the sum is full, and ends when the sum inside the window is no longer full. Without a
window it stays open to the end and does not arm again.
"""

from dataclasses import dataclass, replace

from coldchain.judgement.interval import Interval
from coldchain.judgement.timeline import Stretch
from coldchain.rules import Rule

Piece = tuple[int, int, int]
"""From, until (ms UTC), and the reading (centidegrees) that held between them."""


@dataclass(frozen=True, slots=True)
class Tally:
    """`pieces` are the counted times still inside the window, `held` their sum in ms, before the window's edge is cut.

    `last_out` is the last reading if it was out (centidegrees), `last_at` its instant. The fields from `started_at` on
    are set while the sum is full; `out` and `unknown` in ms since then.
    """

    rule: Rule
    rule_set: str
    rule_version: int
    stay: str | None
    last_at: int
    last_out: int | None
    pieces: tuple[Piece, ...] = ()
    held: int = 0
    started_at: int | None = None
    alarmed_at: int | None = None
    extreme: int = 0
    out: int = 0
    unknown: int = 0

    @property
    def is_idle(self) -> bool:
        return self.last_out is None and not self.pieces and self.alarmed_at is None

    def counted_until(self, at: int, longest_known: int) -> "Tally":
        """With the time since the last reading added, if it was out, and what left the window taken away."""
        elapsed = at - self.last_at
        pieces, held, out, unknown = self.pieces, self.held, self.out, self.unknown
        if self.last_out is not None and elapsed > longest_known:
            unknown += elapsed
        elif self.last_out is not None and elapsed > 0:
            pieces, held, out = (*pieces, (self.last_at, at, self.last_out)), held + elapsed, out + elapsed
        if self.rule.window is not None:
            gone = 0
            while gone < len(pieces) and pieces[gone][1] <= at - self.rule.window:
                held -= pieces[gone][1] - pieces[gone][0]
                gone += 1
            pieces = pieces[gone:]
        return replace(self, pieces=pieces, held=held, out=out, unknown=unknown)

    def inside(self, at: int) -> int:
        """The sum in ms inside the window that ends at the instant."""
        if self.rule.window is None or not self.pieces:
            return self.held
        return self.held - max(0, at - self.rule.window - self.pieces[0][0])

    def interval(self, ended_at: int | None = None, cut: bool = False) -> Interval | None:
        if self.alarmed_at is None or self.started_at is None:
            return None
        return Interval(
            code=self.rule.code,
            rule_set=self.rule_set,
            rule_version=self.rule_version,
            severity=self.rule.severity,
            stay=self.stay,
            started_at=self.started_at,
            alarmed_at=self.alarmed_at,
            ended_at=ended_at,
            extreme=self.extreme,
            out=self.out,
            unknown=self.unknown,
            proven=True,  # only known time is ever counted
            cut=cut,
        )


def step(
    tally: Tally | None, at: int, value: int, rule: Rule, stretch: Stretch
) -> tuple[Tally | None, Interval | None]:
    """Fold one reading, in time order, into the tally; give back an interval that it ends."""
    if tally is None:
        if not rule.is_out(value):
            return None, None
        tally = Tally(rule, stretch.rule_set, stretch.rule_version, stretch.stay, last_at=at, last_out=None)
    tally = tally.counted_until(at, stretch.longest_known)
    is_full = tally.inside(at) >= tally.rule.duration
    ended = None
    if is_full and tally.alarmed_at is None:
        tally = _alarmed(tally, at)
    elif not is_full and tally.alarmed_at is not None:
        ended = tally.interval(ended_at=at)
        tally = replace(tally, started_at=None, alarmed_at=None, extreme=0, out=0, unknown=0)
    return _reading_noted(tally, at, value), ended


def _alarmed(tally: Tally, at: int) -> Tally:
    extreme = tally.pieces[0][2] if tally.pieces else tally.rule.limit
    for _, _, value in tally.pieces:
        extreme = tally.rule.worse(extreme, value)
    started_at = tally.pieces[0][0] if tally.pieces else at
    return replace(tally, started_at=started_at, alarmed_at=at, extreme=extreme, out=tally.held, unknown=0)


def _reading_noted(tally: Tally, at: int, value: int) -> Tally | None:
    if not tally.rule.is_out(value):
        tally = replace(tally, last_at=at, last_out=None)
        return None if tally.is_idle else tally
    extreme = tally.rule.worse(tally.extreme, value) if tally.alarmed_at is not None else tally.extreme
    return replace(tally, last_at=at, last_out=value, extreme=extreme)
