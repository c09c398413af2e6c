"""A payload: the bytes of one message as text or JSON, read so strictly that no mistake passes for a temperature.

Numbers keep their decimal digits. UTF-8 alone; no key stands twice in one object; nothing is deeper than `DEEPEST`.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from coldchain.clock import SECOND, YEAR_2000
from ingest.refusals import Unreadable
from ingest.senml import LONGEST

DEEPEST = 24
MOST_INSIDE = 4_000
"""Objects and lists of one message; a device that was away for a day sends fewer."""

MOST_DIGITS = 400
"""Signs of the longest number that is read; 64-bit floats reach 309."""

_c_nan = re.compile(r"(?<=[:\[,])\s*-?nan(?=\s*[,\]}])")
"""What `printf` in C makes of no number; it is no JSON, and the devices that send it mean it."""

Table = dict[str, Any]
"""A JSON object. Its numbers are Decimal, its other values text, truth values, None, lists and tables."""


def text_of(payload: bytes) -> str:
    """The whole payload as text, without the white space around it. Raises Unreadable."""
    if len(payload) > LONGEST:
        raise Unreadable(f"it has {len(payload):,} bytes, more than {LONGEST:,}")
    try:
        text = payload.decode("utf-8-sig").strip()
    except UnicodeDecodeError as why:
        raise Unreadable(f"it is no UTF-8 text: byte {why.start} is wrong") from None
    if not text:
        raise Unreadable("it is empty")
    return text


def json_of(payload: bytes, *, most_inside: int = MOST_INSIDE) -> Any:
    """Raises Unreadable. `NaN`, `Infinity` and C's `nan` become Decimals that are no number: some devices send them."""
    text = text_of(payload)
    try:
        value = _loads(text)
    except json.JSONDecodeError as why:
        value = _with_c_nan(text, why)
    except RecursionError:
        raise Unreadable(f"it is nested deeper than {DEEPEST} levels") from None
    _check_size(value, most_inside)
    return value


def table_of(payload: bytes) -> Table:
    """Raises Unreadable, also where the JSON is no object."""
    value = json_of(payload)
    if not isinstance(value, dict):
        raise Unreadable("it is JSON, but no object")
    return value


def glance(payload: bytes) -> Any:
    """What `json_of` gives, or None where it would raise: for telling one dialect from another."""
    try:
        return json_of(payload)
    except Unreadable:
        return None


def part(table: Any, *path: str) -> Any:
    """What lies at the end of the path, None where nothing does."""
    for key in path:
        if not isinstance(table, dict):
            return None
        table = table.get(key)
    return table


def is_time(value: Any) -> bool:
    """Whether a number is so large that it can only be a Unix time."""
    return isinstance(value, Decimal) and value.is_finite() and value >= YEAR_2000 // SECOND


def shown(text: str) -> str:
    """A text of a message, fit to stand in the reason of a refusal: short, and with nothing that does not print."""
    return "".join(sign if sign.isprintable() else "·" for sign in text[:60])


def name_of(value: Any, what: str) -> str:
    """An identifier, given as text or as a number. Raises Unreadable where it is none that can be shown."""
    text = str(value).strip() if isinstance(value, str | Decimal) else ""
    if not 0 < len(text) <= 200 or not text.isprintable():
        raise Unreadable(f"{what} is missing, or no name of up to 200 printable signs")
    return text


def _loads(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_table, parse_float=_number, parse_int=_number, parse_constant=Decimal)


def _with_c_nan(text: str, why: json.JSONDecodeError) -> Any:
    """The same with what C writes put right, where that is what is wrong. Raises Unreadable."""
    put_right = _c_nan.sub("NaN", text)
    try:
        if put_right != text:
            return _loads(put_right)
    except json.JSONDecodeError as still:
        why = still
    except RecursionError:
        raise Unreadable(f"it is nested deeper than {DEEPEST} levels") from None
    raise Unreadable(f"it is no JSON: {why.msg} at sign {why.pos}")


def _table(pairs: list[tuple[str, Any]]) -> Table:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise Unreadable("a key stands twice in one object: which of the two is meant?")
    return table


def _number(digits: str) -> Decimal:
    if len(digits) > MOST_DIGITS:
        raise Unreadable(f"a number has more than {MOST_DIGITS} signs")
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise Unreadable("a number is beyond any measure") from None
    if number.adjusted() > MOST_DIGITS:
        raise Unreadable("a number is beyond any measure")
    return number


def _check_size(value: Any, most_inside: int) -> None:
    level = [value]
    count = 0
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        count += len(level)
        if count > most_inside:
            raise Unreadable(f"it holds more than {most_inside:,} objects and lists")
        if not level:
            return
    raise Unreadable(f"it is nested deeper than {DEEPEST} levels")


def _inside(value: Any) -> Iterator[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (each for each in inner if isinstance(each, dict | list))
