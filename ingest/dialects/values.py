"""A value: what a device wrote where its temperature belongs, as hundredths of a degree Celsius, or why there is none.

Numbers may be text, with a comma, with their unit. What a device says in place of a number ("unavailable", null, 85.0
of a DS18B20 that has just started, 327.67 of an empty socket) is a fault; what is neither cannot be read.
"""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from coldchain.readings import POWER_ON, POWER_ON_VALUE, RANGE, UNPLUGGED, UNREADABLE, is_possible
from ingest.dialects.payloads import MOST_DIGITS, shown
from ingest.refusals import Unreadable

NOT_AVAILABLE = "not-available"
"""The device says itself that it has no value."""

Unit = str
"""C, F or K."""

LARGEST = 10**9
"""Beyond it nothing is told of a number but that it is out of range."""


class Value(NamedTuple):
    """`hundredths` is None exactly where `fault` says why."""

    hundredths: int | None
    fault: str | None = None


SAID_INSTEAD: dict[str, str] = {
    **dict.fromkeys(("", "-", "--", "---", "n/a", "na", "nan", "-nan", "null", "nil", "none"), NOT_AVAILABLE),
    **dict.fromkeys(("unavailable", "unknown", "not available", "not_available", "invalid"), NOT_AVAILABLE),
    **dict.fromkeys(("unplugged", "disconnected", "not connected", "no sensor", "no probe", "missing"), UNPLUGGED),
    **dict.fromkeys(("error", "err", "fail", "failed", "fault", "sensor error"), UNREADABLE),
    **dict.fromkeys(("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"), RANGE),
}
"""Texts, in small letters, that stand where a number would if there were one."""

SIGNALS: dict[int, str] = {
    POWER_ON_VALUE: POWER_ON,
    -127_00: UNPLUGGED,  # the usual DS18B20 library, whose probe is gone
    327_67: UNPLUGGED,  # 0x7fff hundredths: Dragino with nothing in the socket
    3276_70: UNPLUGGED,  # 0x7fff tenths
    -327_68: NOT_AVAILABLE,  # 0x8000 hundredths
    -3276_80: NOT_AVAILABLE,  # 0x8000 tenths
}
"""Hundredths of a degree that no fridge has, and what their devices mean by them."""

_UNITS: dict[str, Unit] = {
    **dict.fromkeys(("c", "cel", "celsius", "degc", "centigrade", "degreescelsius"), "C"),
    **dict.fromkeys(("f", "fahrenheit", "degf", "degreesfahrenheit"), "F"),
    **dict.fromkeys(("k", "kelvin"), "K"),
}
_number = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,4})?)\s*([^\d\s].*)?", re.ASCII)
_NOUGHT = Decimal("1e-9")


def unit_of(text: Any) -> Unit | None:
    """C, F or K of a unit as people write it (`°C`, `fahrenheit`), None where it is none of a temperature."""
    if not isinstance(text, str):
        return None
    return _UNITS.get(re.sub(r"[°º˚\s._]", "", text).lower())


def temperature(raw: Any, unit: Unit = "C", *, where: str, signals: dict[int, str] = SIGNALS) -> Value:
    """The temperature that `raw` says in `unit`. Raises Unreadable, which names `where` it stood."""
    if raw is None:
        return Value(None, NOT_AVAILABLE)
    if isinstance(raw, str):
        said = SAID_INSTEAD.get(raw.strip().lower())
        if said is not None:
            return Value(None, said)
        raw, unit = _written(raw, unit, where)
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise Unreadable(f"{shown(where)} holds {_kind(raw)}, where a number belongs")
    number = Decimal(raw)
    if not number.is_finite():
        return Value(None, RANGE if number.is_infinite() else NOT_AVAILABLE)
    if number.copy_abs() > LARGEST:
        return Value(None, RANGE)
    hundredths = _rounded(_celsius(_plain(number), unit) * 100)
    if hundredths in signals:
        return Value(None, signals[hundredths])
    return Value(hundredths) if is_possible(hundredths) else Value(None, RANGE)


def hundredths_of(raw: Any) -> int | None:
    """Hundredths of any other quantity, None where it is no number between ±10⁹; never raises."""
    if isinstance(raw, str):
        found = _number.fullmatch(raw.strip()) if len(raw) <= MOST_DIGITS else None
        raw = Decimal(found[1].replace(",", ".")) if found else None
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        return None
    number = Decimal(raw)
    if not number.is_finite() or number.copy_abs() > LARGEST:
        return None
    return _rounded(_plain(number) * 100)


def _written(text: str, unit: Unit, where: str) -> tuple[Decimal, Unit]:
    """A number in a text, and its unit where the text names one."""
    found = _number.fullmatch(text.strip()) if len(text) <= MOST_DIGITS else None
    named = unit_of(found[2]) if found and found[2] else unit
    if found is None or named is None:
        raise Unreadable(f"{shown(where)} says {text[:40]!r}, which is no temperature")
    return Decimal(found[1].replace(",", ".")), named


def _plain(number: Decimal) -> Fraction:
    """Exactly the number; what is nearly nothing is nothing, so that no exponent fills the memory."""
    return Fraction(0) if number.copy_abs() < _NOUGHT else Fraction(number)


def _celsius(degrees: Fraction, unit: Unit) -> Fraction:
    if unit == "F":
        return (degrees - 32) * 5 / 9
    return degrees - Fraction(27315, 100) if unit == "K" else degrees


def _rounded(number: Fraction) -> int:
    """The nearest integer, half away from zero."""
    nearest = int((2 * abs(number) + 1) // 2)
    return -nearest if number < 0 else nearest


def _kind(raw: Any) -> str:
    if isinstance(raw, bool):
        return "a truth value"
    return "a list" if isinstance(raw, list) else "an object" if isinstance(raw, dict) else "something else"
