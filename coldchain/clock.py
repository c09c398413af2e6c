"""Instants: integer milliseconds UTC; and the text that people and systems exchange for them (ISO 8601)."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from coldchain.errors import Refused

Clock = Callable[[], int]
"""Gives the present instant in milliseconds UTC. Handed in, so that a test owns the time."""

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

YEAR_2000 = 946_684_800_000


class BadInstant(Refused):
    """A text was given as an instant that is none."""


def now() -> int:
    """The machine's clock, in milliseconds UTC."""
    return time.time_ns() // 1_000_000


def iso(at: int) -> str:
    """`2026-01-01T00:00:00Z`, with milliseconds only where they are not zero."""
    seconds, rest = divmod(at, 1000)
    text = datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
    return f"{text}.{rest:03d}Z" if rest else f"{text}Z"


def instant(text: str, zone: tzinfo = UTC) -> int:
    """Milliseconds UTC of an ISO 8601 text or of Unix seconds; `zone` is meant where the text names none.

    Raises BadInstant.
    """
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _unix_seconds(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _unix_seconds(text: str) -> int:
    try:
        seconds = float(text)
        if not abs(seconds) < 1e11:
            raise ValueError(text)
    except ValueError:
        raise BadInstant(f"{text!r} is no instant: write 2026-01-01T00:00:00Z, or Unix seconds") from None
    return round(seconds * 1000)
