"""Space: how full the disk is that the gate's file lies on, and when that is too full to take more."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from coldchain.errors import Unavailable

LIMIT = 0.90
REOPENS_BELOW = 0.01
"""So much less than the limit must be used before the gate opens again, else it would open and close by the second."""

PLENTY = 20 * 1024**3
"""A tenth of a large disk is no shortage: with so many bytes free the gate stays open above the limit."""


class Space(NamedTuple):
    """`used` as a share of the whole, `free` in bytes."""

    used: float
    free: int


Measure = Callable[[], Space]


class DiskFull(Unavailable):
    """The disk is so full that the gate takes no more; devices and broker keep what they have."""


def measure(path: Path) -> Measure:
    """Measures the disk that the folder lies on."""

    def measured() -> Space:
        usage = shutil.disk_usage(path)
        available = usage.used + usage.free  # what is reserved for root is neither
        return Space(usage.used / available if available else 1.0, usage.free)

    return measured


class Guard:
    """Says whether there is room, and forgets nothing but whether there was."""

    def __init__(self, measure: Measure, limit: float = LIMIT) -> None:
        self._measure = measure
        self._limit = limit
        self.is_full = False

    def check(self) -> None:
        """Raises DiskFull."""
        space = self._measure()
        limit = self._limit - REOPENS_BELOW if self.is_full else self._limit
        self.is_full = space.used >= limit and space.free < PLENTY
        if self.is_full:
            raise DiskFull(
                f"the disk is {space.used:.0%} full, {self._limit:.0%} is the limit: nothing is acknowledged "
                "until there is room, and nothing is lost"
            )
