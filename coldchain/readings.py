"""A reading: what one sensor measured at one instant, as an integer, or why it could not.

Temperatures are centidegrees Celsius, made once where bytes become a fact, half away from zero.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from coldchain.errors import Refused
from coldchain.quantities import CELSIUS

LOWEST = -100_00
HIGHEST = 150_00
"""What a probe can have measured at all, in centidegrees; beyond it the reading is `fault:range`."""

LONGEST = 400
"""Digits before the point that a number may have to be one; 64-bit floats reach 308."""

FAULT_PREFIX = "fault:"

# The faults that Coldchain itself tells apart. A device may name others; they are kept as they came.
UNPLUGGED = "unplugged"
POWER_ON = "power-on"
CHECKSUM = "checksum"
RANGE = "range"
UNREADABLE = "unreadable"
STUCK = "stuck"  # the same value for hours while its neighbours move

POWER_ON_VALUE = 85_00
"""What a DS18B20 gives until its first conversion, to the hundredth; no store has ever been so warm."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`centidegrees` (hundredths of `unit`) is None exactly where `fault` says why. `measured_at`: ms UTC."""

    channel: str
    measured_at: int
    centidegrees: int | None
    fault: str | None = None
    unit: str = CELSIUS


class NotANumber(Refused):
    """A temperature was written in a way that is no finite decimal number."""


def centidegrees(celsius: str | Decimal) -> int:
    """Hundredths of a degree, half away from zero, exactly as the decimal text says. Raises NotANumber."""
    try:
        value = Decimal(celsius) if isinstance(celsius, str) else celsius
        if value.adjusted() > LONGEST:
            raise ValueError("as an integer it would fill the memory")
        return int((value * 100).to_integral_value(rounding=ROUND_HALF_UP))
    except (ArithmeticError, ValueError):
        raise NotANumber(f"{str(celsius)[:40]!r} is no temperature in decimal digits") from None


def centidegrees_of_float(celsius: float) -> int | None:
    """The same from a float, or None where only its decimal text can tell on which side of the half it lies."""
    hundredfold = celsius * 100
    nearest = round(hundredfold)
    if abs(hundredfold - nearest) > 0.499999:
        return None
    return nearest


def is_possible(value: int) -> bool:
    """Whether any probe can have measured this many centidegrees."""
    return LOWEST <= value <= HIGHEST


def celsius(value: int) -> float:
    """Degrees for showing: 456 → 4.56."""
    return value / 100
