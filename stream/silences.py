"""Silence: a device that should have spoken and did not, told from our own outage.

Time comes as messages. The gates' heartbeats make a clock that stands still while none comes; a device is silent when
that clock has run for three of its declared intervals without a pack. So a replay gives the same silences, and an hour
in which we were down makes nobody silent.
"""

from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from coldchain.clock import SECOND
from coldchain.events import Outage, Silence

LONGEST_BEAT = 30 * SECOND
"""A longer pause between heartbeats is our outage."""

PATIENCE = 3


@dataclass(frozen=True, slots=True)
class BeatClock:
    """`known` ms of lived time so far; `last_beat_at` ms UTC, None before the first."""

    known: int = 0
    last_beat_at: int | None = None

    def beaten(self, at: int) -> tuple["BeatClock", Outage | None]:
        """After one more heartbeat. One that is older than the last, from another gate, moves nothing."""
        if self.last_beat_at is None:
            return BeatClock(self.known, at), None
        passed = at - self.last_beat_at
        if passed <= 0:
            return self, None
        if passed > LONGEST_BEAT:
            return BeatClock(self.known, at), Outage(self.last_beat_at, at)
        return BeatClock(self.known + passed, at), None

    def shown_at(self, at: int) -> int:
        """What the clock shows at an instant after the last beat, else who spoke just before the next seems silent."""
        if self.last_beat_at is None:
            return self.known
        return self.known + min(max(at - self.last_beat_at, 0), LONGEST_BEAT)


class Hearing(msgspec.Struct, frozen=True, gc=False):
    """When a device was last heard: on the beat clock, and in ms UTC; `silent_at` while it is silent.

    Beside it, what its packs say of the device: whether it numbers them, whether we had to date them, and when the
    last pack came that nobody could date.
    """

    device_id: str
    heard: int
    last_heard_at: int
    silent_at: int | None = None
    is_numbering: bool = False
    is_dated_by_arrival: bool = False
    undated_at: int | None = None

    def fell_silent(self, clock: BeatClock, interval: int) -> tuple["Hearing", Silence] | None:
        """None while it has time left, or is silent already."""
        if self.silent_at is not None or clock.known - self.heard < PATIENCE * interval:
            return None
        silent_at = clock.last_beat_at or self.last_heard_at
        return replace(self, silent_at=silent_at), Silence(self.device_id, self.last_heard_at, silent_at)

    def spoke(self, clock: BeatClock, at: int) -> tuple["Hearing", Silence | None]:
        back = None
        if self.silent_at is not None:
            back = Silence(self.device_id, self.last_heard_at, self.silent_at, back_at=at)
        heard = replace(self, heard=clock.shown_at(at), last_heard_at=max(self.last_heard_at, at), silent_at=None)
        return heard, back

    def with_pack(self, *, is_numbering: bool, is_dated_by_arrival: bool, undated_at: int | None) -> "Hearing":
        """What the device's newest pack says of the way it sends."""
        if (is_numbering, is_dated_by_arrival, undated_at) == (self.is_numbering, self.is_dated_by_arrival, None):
            return self
        return replace(
            self,
            is_numbering=is_numbering,
            is_dated_by_arrival=is_dated_by_arrival,
            undated_at=self.undated_at if undated_at is None else undated_at,
        )
