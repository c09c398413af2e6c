"""The beat: when to measure. A grid on the clock that runs since the machine's start, so that nothing can drift.

Beats that were missed while the machine slept are skipped: ten readings in one second tell less than one.
"""

from dataclasses import dataclass

from coldchain.clock import SECOND

LATE = SECOND
"""A beat that begins later than this, in ms, is dated by its beginning and no longer by the grid."""


@dataclass(frozen=True, slots=True)
class Beat:
    """`interval` in ms; instants in ms since the machine's start."""

    interval: int

    def after(self, uptime: int) -> int:
        """The first beat after the instant, aligned to the interval."""
        return (uptime // self.interval + 1) * self.interval

    def began(self, due: int, uptime: int) -> int:
        """The instant that readings of the beat due then are dated by, when it begins at `uptime`."""
        return due if uptime - due <= LATE else uptime
