"""A value becomes hundredths of a degree exactly as its digits say, or a fault; anything else cannot be read."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldchain.readings import HIGHEST, LOWEST, POWER_ON, RANGE, UNPLUGGED, UNREADABLE
from ingest.dialects.values import NOT_AVAILABLE, SIGNALS, Value, hundredths_of, temperature, unit_of
from ingest.refusals import Unreadable

digits = st.decimals(-500, 500, places=6)


def by_hand(number: Decimal, unit: str) -> int:
    """Long decimals, rounded once."""
    with localcontext() as exact:
        exact.prec = 60
        celsius = {"C": number, "F": (number - 32) * 5 / 9, "K": number - Decimal("273.15")}[unit]
        return int((celsius * 100).quantize(Decimal(1), ROUND_HALF_UP))


@given(number=digits, unit=st.sampled_from("CFK"), is_text=st.booleans(), mark=st.sampled_from(".,"))
def test_a_number_is_rounded_once_half_away_from_zero(number, unit, is_text, mark):
    value = temperature(str(number).replace(".", mark) if is_text else number, unit, where="it")

    hundredths = by_hand(number, unit)
    if hundredths in SIGNALS:
        assert value == Value(None, SIGNALS[hundredths])
    else:
        assert value == (Value(hundredths) if LOWEST <= hundredths <= HIGHEST else Value(None, RANGE))


@pytest.mark.parametrize(
    ("raw", "unit", "hundredths"),
    [
        ("4.565", "C", 457),
        ("-4.565", "C", -457),
        ("4.5649999999999999999999999999999999", "C", 456),
        ("36.2", "F", 233),
        ("32.009", "F", 1),  # 0.005 °C exactly
        ("31.991", "F", -1),
        (Decimal("277.65"), "K", 450),
        ("4,5", "C", 450),
        ("+4.5 °C", "F", 450),
        ("40.1°F", "C", 450),
        (".5", "C", 50),
        ("4.", "C", 400),
        ("4.5e0", "C", 450),
        (Decimal("1e-400"), "C", 0),
        (5, "C", 500),
    ],
)
def test_what_devices_write(raw, unit, hundredths):
    assert temperature(raw, unit, where="it") == Value(hundredths)


@pytest.mark.parametrize(
    ("raw", "unit", "fault"),
    [
        (None, "C", NOT_AVAILABLE),
        ("", "C", NOT_AVAILABLE),
        ("NaN", "C", NOT_AVAILABLE),
        (Decimal("NaN"), "C", NOT_AVAILABLE),
        ("unavailable", "C", NOT_AVAILABLE),
        ("-327.68", "C", NOT_AVAILABLE),
        ("327.67", "C", UNPLUGGED),
        (Decimal(-127), "C", UNPLUGGED),
        ("-196.6", "F", UNPLUGGED),
        ("disconnected", "C", UNPLUGGED),
        ("85.0", "C", POWER_ON),
        ("185", "F", POWER_ON),
        ("error", "C", UNREADABLE),
        (Decimal("-Infinity"), "C", RANGE),
        ("150.01", "C", RANGE),
        ("-100.01", "C", RANGE),
        (Decimal("1e300"), "C", RANGE),
        (Decimal("0"), "K", RANGE),
    ],
)
def test_what_devices_say_instead_of_a_number_is_a_fault(raw, unit, fault):
    assert temperature(raw, unit, where="it") == Value(None, fault)


@pytest.mark.parametrize("near", ["84.99", "85.01", "-99.99", "150", "-100"])
def test_what_is_nearly_a_fault_is_a_reading(near):
    assert temperature(near, where="it").fault is None


@pytest.mark.parametrize(
    "rubbish",
    [True, False, [], {}, [4.5], "warm", "4.5.6", "0x12", "4 5", "4.5 bar", "1٢", "--4", "4.5e99999", "9" * 500, b"4"],
    ids=str,
)
def test_what_is_neither_cannot_be_read(rubbish):
    with pytest.raises(Unreadable, match="it "):
        temperature(rubbish, where="it")


@pytest.mark.parametrize(
    ("written", "unit"),
    [("°C", "C"), ("C", "C"), ("celsius", "C"), ("degrees Celsius", "C"), ("°F", "F"), ("fahrenheit", "F"), ("K", "K")],
)
def test_a_unit_as_people_write_it(written, unit):
    assert unit_of(written) == unit


@pytest.mark.parametrize("written", ["", "%", "V", None, 3, "cm", "metric"])
def test_what_is_no_unit_of_a_temperature(written):
    assert unit_of(written) is None


@pytest.mark.parametrize(
    ("raw", "hundredths"), [("52.6", 5260), (Decimal("0.125"), 13), ("x", None), (True, None), (Decimal("NaN"), None)]
)
def test_other_quantities_are_hundredths_or_nothing(raw, hundredths):
    assert hundredths_of(raw) == hundredths
