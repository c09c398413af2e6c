"""The agent's clocks: how long the machine has been up, what it believes the time to be, and whether that is known.

A Raspberry Pi has no clock of its own: after a power cut it wakes at the hour it went to sleep. So a reading is kept
with (boot, uptime), and gets its time of day when a trusted time of that boot is known: from NTP, from a real-time
clock that the settings vouch for, or from the server's word in an acknowledgement.
"""

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from coldchain.clock import SECOND, now

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TIMESYNCD = Path("/run/systemd/timesync/synchronized")

BEFORE_US = 1_735_689_600_000
"""2025-01-01: no reading was taken before this program existed; a clock that says so has lost its battery."""

LONGEST_ROUND_TRIP = 10 * SECOND
"""The server's word is taken where it answers to something sent at most so long ago, in ms: its error is no larger."""

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


@dataclass(frozen=True, slots=True)
class Moment:
    """`uptime` in ms since this boot, asleep or awake; `wall` in ms UTC, as the machine believes."""

    boot_id: str
    uptime: int
    wall: int
    is_trusted: bool

    @property
    def offset(self) -> int:
        """What to add to an uptime of this boot to have the machine's time of day."""
        return self.wall - self.uptime


Moments = Callable[[], Moment]
"""Gives the present moment. Handed in, so that a test or the rehearsal owns the time."""


def known(at: int, boot_id: str = "rehearsal") -> Moment:
    """A moment whose time of day (ms UTC) is beyond doubt."""
    return Moment(boot_id, at, at, is_trusted=True)


def machine_clock(has_rtc: bool, is_synchronized: Callable[[], bool] | None = None) -> Moments:
    """The clocks of this machine. `has_rtc`: somebody vouches that a real-time clock keeps the time over power cuts."""
    boot_id = BOOT_ID.read_text("ascii").strip()
    synchronized = is_synchronized or kernel_is_synchronized

    def moment() -> Moment:
        wall = now()
        is_trusted = wall >= BEFORE_US and (has_rtc or synchronized())
        return Moment(boot_id, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000, wall, is_trusted)

    return moment


def kernel_is_synchronized() -> bool:
    """Whether NTP keeps the kernel's clock (adjtimex(2)); where the kernel will not say, whether timesyncd ever did.

    The kernel's word goes first: setting the clock by hand takes its flag away, but not timesyncd's file.
    """
    state = _adjtimex()
    if state is not None and state >= 0:
        return state != _TIME_ERROR
    return TIMESYNCD.exists()


def _adjtimex() -> int | None:
    call = _call()
    if call is None:
        return None
    timex = ctypes.create_string_buffer(512)  # struct timex is at most 208 bytes; zeros ask and change nothing
    return int(call(timex))


@cache
def _call() -> Callable[[Any], int] | None:
    try:
        return ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None  # no such call in this C library


def narrowed(offset: int | None, at: int, sent: int, received: int) -> int | None:
    """The boot's offset, made to agree with the server's clock `at`, read between two uptimes (all ms).

    An answer that took too long says nothing. An offset that agrees already stays as it is, so that readings do not
    jump to and fro with the moods of the network.
    """
    if not 0 <= received - sent <= LONGEST_ROUND_TRIP:
        return offset
    earliest, latest = at - received, at - sent
    if offset is None:
        return (earliest + latest) // 2
    return min(max(offset, earliest), latest)
