"""The lanes: which pack goes next. What happens now goes first; what gathered while nobody listened fills the rest.

A small window bounds what is under way without the server's word, so that a slow link is never stuffed; each lane has
its own, so that old packs cannot keep an alarm waiting.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from coldchain.ranges import Ranges

PATIENCE_S = 30.0
"""How long the server may take for an answer before a pack is sent again; twice as long each time, up to LONGEST_S."""

LONGEST_S = 900.0

PacksAfter = Callable[[int, int], list[int]]
"""The lowest numbers of waiting packs above this one, at most so many."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A pack under way. `at` in seconds of a steady clock; `uptime` (ms) when it first went in this connection."""

    uptime: int
    at: float
    attempts: int = 1

    @property
    def again_at(self) -> float:
        return self.at + min(PATIENCE_S * float(1 << min(self.attempts - 1, 10)), LONGEST_S)


class Lanes:
    """One connection's packs under way; nothing of it is kept, since the outbox knows what the server has."""

    def __init__(self, window: int, jitter_s: float, dice: Callable[[], float] = random.random) -> None:
        self._window = window
        self._jitter_s = jitter_s
        self._dice = dice
        self._under_way: dict[int, Sending] = {}
        self._live_after = 0
        self._backlog_from = 0.0
        self._heard_at = float("-inf")

    def begin(self, newest: int, now: float) -> None:
        """A connection begins, or the numbers do. The newest pack, and what follows it, is live; the rest is backlog.

        The backlog waits a little, each gateway as its dice say: after an outage they all come back at once.
        """
        self._under_way.clear()
        self._live_after = newest - 1
        self._backlog_from = now + self._jitter_s * self._dice()
        self._heard_at = float("-inf")

    def due(self, packs_after: PacksAfter, now: float) -> list[int]:
        """What to send now, in this order."""
        live_again = [seq for seq in self._due_again(now) if self._is_live(seq)]
        live = self._fresh(packs_after, self._live_after, self._room(now, only_live=True))
        if now < self._backlog_from:
            return [*live_again, *live]
        backlog_again = [seq for seq in self._due_again(now) if not self._is_live(seq)]
        room = self._room(now, only_live=False) - len(live)
        backlog = [seq for seq in self._fresh(packs_after, -1, room) if not self._is_live(seq)]
        return [*live_again, *live, *backlog_again, *backlog]

    def sent(self, seq: int, now: float, uptime: int) -> None:
        before = self._under_way.get(seq)
        first = before.uptime if before else uptime
        self._under_way[seq] = Sending(first, now, before.attempts + 1 if before else 1)

    def forget(self, seq: int) -> None:
        """It did not go, or it is no longer there."""
        self._under_way.pop(seq, None)

    def acknowledged(self, durable: Ranges, now: float) -> None:
        self._heard_at = now
        for seq in [seq for seq in self._under_way if seq in durable]:
            del self._under_way[seq]

    def first_sent(self, durable: Ranges, since: int) -> int | None:
        """The uptime at which the latest of these packs, numbered `since` or above, first went; None where none did."""
        went = [sending.uptime for seq, sending in self._under_way.items() if seq >= since and seq in durable]
        return max(went, default=None)

    def _is_live(self, seq: int) -> bool:
        return seq > self._live_after

    def _due_again(self, now: float) -> Iterable[int]:
        return sorted(seq for seq, sending in self._under_way.items() if now >= sending.again_at)

    def _room(self, now: float, *, only_live: bool) -> int:
        holding = [seq for seq, sending in self._under_way.items() if self._holds_a_place(sending, now)]
        return self._window - sum(1 for seq in holding if self._is_live(seq) or not only_live)

    def _holds_a_place(self, sending: Sending, now: float) -> bool:
        """A pack that the server passes over, while it answers to others, must not block the rest for ever."""
        return now - sending.at < PATIENCE_S or self._heard_at <= sending.at

    def _fresh(self, packs_after: PacksAfter, after: int, room: int) -> list[int]:
        if room <= 0:
            return []
        under_way = sum(1 for seq in self._under_way if seq > after)
        waiting = packs_after(after, room + under_way)
        return [seq for seq in waiting if seq not in self._under_way][:room]
