"""Instants and pages in a request: ISO 8601, milliseconds or seconds; and the word by which a list goes on."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query

from coldchain.clock import DAY, instant
from coldchain.errors import Refused

MILLISECONDS_FROM = 10**11
"""A whole number from here on counts milliseconds, below it seconds."""

LATEST = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z
EARLIEST = -62_135_596_800_000  # 0001-01-01T00:00:00Z

_NUMBER = re.compile(r"[+-]?\d{1,17}")
_LOST_PLUS = re.compile(r" (?=\d\d:?\d\d$)")


class BadWindow(Refused):
    """A window of time was asked for that ends before it begins."""


class BadPage(Refused):
    """A page was asked for with a word that no list gave out."""


class BadQueryInstant(Refused):
    """A query names an instant that is none."""


From = Annotated[
    str | None,
    Query(
        alias="from",
        max_length=64,
        description="inclusive; ISO 8601, Unix milliseconds, or Unix seconds",
        examples=["2026-01-01T00:00:00Z"],
    ),
]
To = Annotated[
    str | None,
    Query(
        alias="to",
        max_length=64,
        description="exclusive; ISO 8601, Unix milliseconds, or Unix seconds",
        examples=["2026-01-02T00:00:00Z"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=10_000, description="how many items a page has at most")]
After = Annotated[str | None, Query(max_length=400, description="as `next` has it: where the page begins")]


def instant_of(text: str, where: str) -> int:
    """Milliseconds UTC of a query's instant. Raises BadQueryInstant."""
    text = text.strip()
    try:
        if _NUMBER.fullmatch(text):
            number = int(text)
            at = number if abs(number) >= MILLISECONDS_FROM else number * 1000
        else:
            # a plus sign that was not percent-encoded arrives as a space: 2026-01-01T00:00:00 05:30
            at = instant(_LOST_PLUS.sub("+", text))
    except (Refused, OverflowError):
        raise BadQueryInstant(
            f"{where}: {text!r} is no instant; write 2026-01-01T00:00:00Z, or Unix milliseconds or seconds"
        ) from None
    if not EARLIEST <= at <= LATEST:
        raise BadQueryInstant(f"{where}: {text!r} lies beyond the years 1 to 9999")
    return at


def window(since: str | None, until: str | None, now: int, length: int = DAY) -> tuple[int, int]:
    """The window [from, to) that was asked for; the last day where nothing was said. Raises Bad…"""
    end = now + 1 if until is None else instant_of(until, "to")
    begin = end - length if since is None else instant_of(since, "from")
    if begin > end:
        raise BadWindow("from lies after to")
    return begin, end


def open_window(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """The same for lists that hold everything unless a window is asked for."""
    begin = None if since is None else instant_of(since, "from")
    end = None if until is None else instant_of(until, "to")
    if begin is not None and end is not None and begin > end:
        raise BadWindow("from lies after to")
    return begin, end


def next_path(path: str, query: Mapping[str, object | None], last: object, *, state: Sequence[str] = ()) -> str:
    """Where the list goes on after the item with this key; repeats what was asked for."""
    asked = [(key, _as_text(value)) for key, value in query.items() if value is not None and value is not False]
    asked += [("state", one) for one in state]
    key = base64.urlsafe_b64encode(json.dumps(last, separators=(",", ":")).encode()).decode().rstrip("=")
    return f"{path}?{urlencode([*asked, ('after', key)])}"


def _as_text(value: object) -> str:
    return "true" if value is True else str(value)


def last_key(after: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """The key in an `after`, as a tuple of these kinds (None is let through). Raises BadPage."""
    if after is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise BadPage("after: take the path from `next` as it stands") from None
    fits = isinstance(key, list) and len(key) == len(kinds)
    if not fits or not all(part is None or type(part) is kind for part, kind in zip(key, kinds, strict=True)):
        raise BadPage("after: take the path from `next` as it stands")
    return tuple(key)
