"""What a reading promises: an integer, made from the decimal text, half away from zero."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldchain.readings import NotANumber, celsius, centidegrees, centidegrees_of_float, is_possible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4.56", 456),
        ("8.005", 801),
        ("8.0049999", 800),
        ("-0.5", -50),
        ("-0.495", -50),
        ("-0.4949", -49),
        ("-0.004", 0),
        ("1e1", 1000),
        ("85.000", 8500),
        ("2.675", 268),  # as a float this is 2.67499999…
    ],
)
def test_text_becomes_hundredths_half_away_from_zero(text, expected):
    assert centidegrees(text) == expected


@pytest.mark.parametrize("text", ["", "warm", "nan", "inf", "-Infinity", "4,5", "1e999999999", "1e999999"])
def test_what_is_no_finite_number_is_refused(text):
    with pytest.raises(NotANumber):
        centidegrees(text)


@given(st.decimals(-100, 150, places=3))
def test_the_fast_path_agrees_with_the_text_or_says_that_it_cannot_tell(number):
    assert centidegrees_of_float(float(number)) in (None, centidegrees(number))


def test_a_half_is_left_to_the_text():
    assert centidegrees_of_float(8.005) is None
    assert centidegrees_of_float(4.56) == 456


def test_a_probe_measures_from_minus_100_to_150_degrees():
    assert is_possible(-100_00)
    assert is_possible(150_00)
    assert not is_possible(-100_01)
    assert not is_possible(150_01)


def test_hundredths_are_shown_as_degrees():
    assert Decimal(str(celsius(456))) == Decimal("4.56")
