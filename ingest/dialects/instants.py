"""An instant as a device writes it: ISO 8601 with or without a zone, Unix seconds, milliseconds and finer, or none."""

import re
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from coldchain.clock import YEAR_2000
from ingest.dialects.payloads import MOST_DIGITS, is_time
from ingest.dialects.values import SAID_INSTEAD
from ingest.refusals import Unreadable

TIME_KEYS = (
    "time",
    "timestamp",
    "ts",
    "datetime",
    "date_time",
    "measured_at",
    "measuredat",
    "sampled_at",
    "recorded_at",
    "created_at",
    "utctime",
    "utc",
    "epoch",
    "unixtime",
    "unix_time",
    "last_seen",
    "received_at",
)
"""Keys, in small letters, that tell when it was measured; the first one that is there does."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_written = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,18})?)?)\s*(Z|UTC|GMT|[+-]\d\d:?\d\d|[+-]\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_basic = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?=\D|$)", re.ASCII)
"""ISO 8601 in its basic form, 20260301T120000Z."""

_digits = re.compile(r"\d{1,25}(?:\.\d{1,18})?", re.ASCII)

_MILLISECONDS, _MICROSECONDS, _NANOSECONDS = 10**11, 10**14, 10**17
"""From here on a Unix time counts in these; in seconds it would lie beyond the year 5000."""


def instant(raw: Any, zone: tzinfo, *, where: str = "its time") -> int | None:
    """Milliseconds UTC; None where the device names no time, or one before 2000, which it cannot know yet.

    `zone` is meant where the text names none. Parts of a millisecond are dropped in texts, rounded in numbers.
    Raises Unreadable.
    """
    if isinstance(raw, str):
        text = raw.strip()
        if text.lower() in SAID_INSTEAD:
            return None
        at = _of_number(Decimal(text)) if _digits.fullmatch(text) else _of_text(text, zone, where)
    elif raw is None:
        return None
    elif isinstance(raw, bool) or not isinstance(raw, Decimal | int):
        raise Unreadable(f"{where} is neither a number nor a text")
    else:
        at = _of_number(Decimal(raw))
    return None if at < YEAR_2000 else at


def instant_in(table: dict[str, Any], zone: tzinfo) -> int | None:
    """The instant that a table names by one of the usual keys. Raises Unreadable."""
    lower = {key.lower(): raw for key, raw in table.items()}
    day, clock = lower.get("date"), lower.get("time")
    if isinstance(day, str) and isinstance(clock, str) and len(clock) <= len("12:00:00.000"):
        return instant(f"{day} {clock}", zone, where="its date and time")
    for key in TIME_KEYS:
        if lower.get(key) is not None and not isinstance(lower[key], dict | list):
            return instant(lower[key], zone, where=f"its {key!r}")
    return instant(lower["t"], zone) if is_time(lower.get("t")) else None


def _of_number(number: Decimal) -> int:
    if not number.is_finite() or not -(10**20) < number < 10**20:
        raise Unreadable("its time lies beyond any calendar")
    for least, divisor in ((_NANOSECONDS, 1_000_000), (_MICROSECONDS, 1_000), (_MILLISECONDS, 1)):
        if number >= least:
            return int(number) // divisor
    return int((number * 1000).to_integral_value(rounding=ROUND_HALF_UP))


def _of_text(text: str, zone: tzinfo, where: str) -> int:
    found = _written.fullmatch(_basic.sub(r"\1-\2-\3T\4:\5:\6", text, count=1)) if len(text) <= MOST_DIGITS else None
    if found is None:
        raise Unreadable(f"{where} is {text[:40]!r}, which is no instant")
    year, month, day, clock, offset = found.groups()
    offset = "+00:00" if offset and offset.upper() in ("Z", "UTC", "GMT") else offset or ""
    try:
        moment = datetime.fromisoformat(f"{year}-{month}-{day}T{clock.replace(',', '.')}{offset}")
        since = (moment if moment.tzinfo else moment.replace(tzinfo=zone)) - _EPOCH
    except (ValueError, OverflowError):
        raise Unreadable(f"{where} is {text[:40]!r}, which no calendar has") from None
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
