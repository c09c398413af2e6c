"""A tally: time out of range added up, inside a sliding window or since a start (transport indicators, WHO PQS TR07).

A reading that is out counts until the next reading, never over a gap. The interval starts at the first reading that
counts in the sum, alarms when the sum is full, and ends when the sum inside the window is no longer full. Without a
window it stays open to the end and does not arm again.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from coldchain.judgement.interval import Interval
from coldchain.judgement.timeline import Stretch
from coldchain.rules import Rule


class Piece(NamedTuple):
    """A reading out: its instant (ms UTC), the known and the unknown ms after it, its value or the worst of several."""

    at: int
    known: int
    unknown: int
    value: int

    @property
    def until(self) -> int:
        return self.at + self.known


@dataclass(frozen=True, slots=True)
class Tally:
    """`pieces` are the readings out still inside the window, `held` their known time in ms, uncut by the window's edge.

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
        return self.last_out is None and not self.held and self.alarmed_at is None

    def counted_until(self, at: int, value: int, longest_known: int) -> "Tally":
        """With the time since the last reading added, if it was out, and what left the window taken away."""
        if self.last_out is None:
            return self._without_what_left(at)
        elapsed = at - self.last_at
        known = elapsed if elapsed <= longest_known else 0
        unknown = elapsed if not known and self.rule.is_out(value) else 0
        piece = Piece(self.last_at, known, unknown, self.last_out)
        counted = replace(
            self,
            pieces=self._with(piece),
            held=self.held + known,
            out=self.out + known,
            unknown=self.unknown + unknown,
        )
        return counted._without_what_left(at)

    def inside(self, at: int) -> int:
        """The sum in ms inside the window that ends at the instant."""
        if self.rule.window is None:
            return self.held
        edge = at - self.rule.window
        cut = next((edge - piece.at for piece in self.pieces if piece.until > edge), 0)
        return self.held - max(0, cut)

    def full_at_earliest(self) -> int:
        """When the sum is full if the sensor is out from its last reading on; what leaves the window meanwhile counts.

        While time that counted leaves the window as fast as new time comes, the sum stands still.
        """
        at, missing = self.last_at, self.rule.duration - self.inside(self.last_at)
        window = self.rule.window
        if window is None:
            return at + max(0, missing)
        for piece in self.pieces:
            leaves_from, leaves_until = piece.at + window, piece.until + window
            if leaves_from - at >= missing:
                break
            missing -= max(0, leaves_from - at)
            at = max(at, leaves_until)
        return at + max(0, missing)

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

    def _with(self, piece: Piece) -> tuple[Piece, ...]:
        """The pieces and one more; without a window nothing ever leaves, so that one piece can stand for all."""
        if self.rule.window is not None or not self.pieces:
            return (*self.pieces, piece)
        first = self.pieces[0]
        if not first.known and first.at < piece.at:
            return (piece,)  # a reading that did not count stands before the start
        worst = self.rule.worse(first.value, piece.value)
        return (Piece(first.at, first.known + piece.known, first.unknown + piece.unknown, worst),)

    def _without_what_left(self, at: int) -> "Tally":
        if self.rule.window is None or not self.pieces:
            return self
        edge = at - self.rule.window
        gone = next((n for n, piece in enumerate(self.pieces) if piece.until > edge), len(self.pieces))
        left = sum(piece.known for piece in self.pieces[:gone])
        while 0 < gone < len(self.pieces) and self.pieces[gone - 1].at == self.pieces[gone].at:
            gone -= 1  # another reading of the very instant that the sum now starts at
        return replace(self, pieces=self.pieces[gone:], held=self.held - left) if gone or left else self


def begun_by(at: int, value: int, rule: Rule, stretch: Stretch) -> Tally:
    return Tally(rule, stretch.rule_set, stretch.rule_version, stretch.stay, last_at=at, last_out=value)


def step(tally: Tally, at: int, value: int, longest_known: int) -> tuple[Tally | None, Interval | None]:
    """Fold the next reading, in time order, into the tally; give back an interval that it ends.

    None where nothing is left in the sum and the reading is in range.
    """
    tally = tally.counted_until(at, value, longest_known)
    is_full = tally.inside(at) >= tally.rule.duration
    ended = None
    if is_full and tally.alarmed_at is None:
        tally = _alarmed(tally, at)
    elif not is_full and tally.alarmed_at is not None:
        ended = tally.interval(ended_at=at)
        tally = replace(tally, started_at=None, alarmed_at=None, extreme=0, out=0, unknown=0)
    return _reading_noted(tally, at, value), ended


def _alarmed(tally: Tally, at: int) -> Tally:
    """The interval starts at the first reading that counts; what was out before it is no part of it."""
    started_at = next(piece.at for piece in tally.pieces if piece.known)
    pieces = [piece for piece in tally.pieces if piece.at >= started_at]
    extreme = pieces[0].value
    for piece in pieces[1:]:
        extreme = tally.rule.worse(extreme, piece.value)
    unknown = sum(piece.unknown for piece in pieces)
    return replace(tally, started_at=started_at, alarmed_at=at, extreme=extreme, out=tally.held, unknown=unknown)


def _reading_noted(tally: Tally, at: int, value: int) -> Tally | None:
    if not tally.rule.is_out(value):
        tally = replace(tally, last_at=at, last_out=None)
        return None if tally.is_idle else tally
    extreme = tally.rule.worse(tally.extreme, value) if tally.alarmed_at is not None else tally.extreme
    return replace(tally, last_at=at, last_out=value, extreme=extreme)
