"""CBOR (RFC 8949) as far as measurements need it: whole, bounded, and with the decimal digits that were meant.

A float becomes the shortest decimal that it is the nearest float of, so that 4.565 in four bytes is 4.565. Bignums,
decimal fractions (tag 4) and bigfloats (tag 5) are numbers; other tags are taken off.
"""

import struct
from decimal import Decimal
from typing import Any

from ingest.dialects.payloads import DEEPEST, MOST_DIGITS
from ingest.refusals import Unreadable
from ingest.senml import LONGEST

_INDEFINITE = 31
_BREAK = 0xFF
_FLOATS = {25: (">e", 5), 26: (">f", 9), 27: (">d", 17)}
"""How many bytes, and how many digits tell every such float from its neighbours."""

_SURE = {">e": 1, ">f": 6}
"""So many digits every such float keeps: what has no more of them is found at once, without its trailing noughts."""

_SIMPLE: dict[int, Any] = {20: False, 21: True, 22: None, 23: None}


def cbor_of(payload: bytes) -> Any:
    """The one item that the payload is. Numbers are Decimal, maps tables. Raises Unreadable."""
    if len(payload) > LONGEST:
        raise Unreadable(f"it has {len(payload):,} bytes, more than {LONGEST:,}")
    reader = _Reader(payload)
    item = reader.item(0)
    if reader.at != len(payload):
        raise Unreadable(f"{len(payload) - reader.at} bytes stand behind the end of the CBOR item")
    return item


class _Reader:
    """A place in the bytes that goes forward."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self.at = 0

    def item(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise Unreadable(f"it is nested deeper than {DEEPEST} levels")
        head = self._take(1)[0]
        major, short = head >> 5, head & 31
        if major == 7:
            return self._simple(short)
        if major in (2, 3, 4, 5) and short == _INDEFINITE:
            return self._indefinite(major, depth)
        size = self._size(short)
        if major == 0:
            return Decimal(size)
        if major == 1:
            return Decimal(-1 - size)
        if major == 2:
            return self._take(size)
        if major == 3:
            return _text(self._take(size))
        if major == 6:
            return _untagged(size, self.item(depth + 1))
        if size > len(self._payload) - self.at:
            raise Unreadable("the CBOR ends in the middle")
        if major == 4:
            return [self.item(depth + 1) for _ in range(size)]
        return _table([(self.item(depth + 1), self.item(depth + 1)) for _ in range(size)])

    def _indefinite(self, major: int, depth: int) -> Any:
        parts: list[Any] = []
        while self._peek() != _BREAK:
            if major in (2, 3) and (self._peek() >> 5 != major or self._peek() & 31 == _INDEFINITE):
                raise Unreadable("a CBOR string is made of something else")
            parts.append((self.item(depth + 1), self.item(depth + 1)) if major == 5 else self.item(depth + 1))
        self.at += 1
        if major == 2:
            return b"".join(parts)
        if major == 3:
            return "".join(parts)
        return _table(parts) if major == 5 else parts

    def _simple(self, short: int) -> Any:
        if short in _FLOATS:
            pattern, digits = _FLOATS[short]
            return _shortest(self._take(struct.calcsize(pattern)), pattern, digits)
        if short not in _SIMPLE:
            raise Unreadable("a CBOR value is of no kind that is known")
        return _SIMPLE[short]

    def _size(self, short: int) -> int:
        if short < 24:
            return short
        if short > 27:
            raise Unreadable("a CBOR item is not well-formed")
        return int.from_bytes(self._take(1 << (short - 24)), "big")

    def _take(self, size: int) -> bytes:
        taken = self._payload[self.at : self.at + size]
        if len(taken) != size:
            raise Unreadable("the CBOR ends in the middle")
        self.at += size
        return taken

    def _peek(self) -> int:
        if self.at >= len(self._payload):
            raise Unreadable("the CBOR ends in the middle")
        return self._payload[self.at]


def _shortest(encoded: bytes, pattern: str, digits: int) -> Decimal:
    number: float = struct.unpack(pattern, encoded)[0]
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124  not a number is not itself
        return Decimal(str(number))
    if pattern == ">d":
        return Decimal(repr(number))
    for precision in range(_SURE[pattern], digits):
        text = f"{number:.{precision}g}"
        if _packed(pattern, float(text)) == encoded:
            return Decimal(text)
    return Decimal(f"{number:.{digits}g}")


def _packed(pattern: str, number: float) -> bytes | None:
    try:
        return struct.pack(pattern, number)
    except OverflowError:
        return None  # rounded up beyond the largest float of this size


def _text(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        raise Unreadable("a CBOR text is no UTF-8") from None


def _table(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    if not all(isinstance(key, str) or _is_whole(key) for key, _ in pairs):
        raise Unreadable("a CBOR map has a key that is neither a text nor a whole number")
    table = dict(pairs)
    if len(table) < len(pairs):
        raise Unreadable("a key stands twice in one record: which of the two is meant?")
    return table


def _untagged(tag: int, inner: Any) -> Any:
    if tag in (2, 3) and isinstance(inner, bytes):
        if len(inner) > 64:
            raise Unreadable("a CBOR number is beyond any measure")
        number = int.from_bytes(inner, "big")
        return Decimal(number if tag == 2 else -1 - number)
    if tag in (4, 5):
        return _scaled(inner, 10 if tag == 4 else 2)
    return inner


def _scaled(inner: Any, base: int) -> Decimal:
    if not isinstance(inner, list) or len(inner) != 2 or not all(_is_whole(part) for part in inner):
        raise Unreadable("a CBOR fraction is not an exponent and a mantissa")
    exponent: Decimal = inner[0]
    mantissa: Decimal = inner[1]
    if abs(exponent) > MOST_DIGITS:
        raise Unreadable("a CBOR number is beyond any measure")
    return mantissa * Decimal(base) ** int(exponent)


def _is_whole(part: Any) -> bool:
    return isinstance(part, Decimal) and part.is_finite() and part == part.to_integral_value()
