"""What instants promise: milliseconds UTC, and a text that says the same."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldchain.clock import YEAR_2000, BadInstant, instant, iso
from tests.tales import NEW_YEAR


def test_an_instant_is_shown_in_utc_with_milliseconds_only_where_there_are_any():
    assert iso(NEW_YEAR) == "2026-01-01T00:00:00Z"
    assert iso(NEW_YEAR + 7) == "2026-01-01T00:00:00.007Z"


@given(st.integers(YEAR_2000, 4_000_000_000_000))
def test_what_is_shown_is_read_back(at):
    assert instant(iso(at)) == at


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00Z",
        " 2026-01-01 00:00:00 ",
        "2026-01-01T05:30:00+05:30",
        "20260101T000000Z",
        "2026-01-01",
        "1767225600",
        "1767225600.0",
    ],
)
def test_people_and_loggers_write_the_same_instant_in_many_ways(text):
    assert instant(text) == NEW_YEAR


def test_a_text_without_a_zone_is_in_the_zone_that_is_meant():
    assert instant("2026-01-01T05:30:00", ZoneInfo("Asia/Kolkata")) == NEW_YEAR


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "nan", "inf", "1e300", "1767225600000"])
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(BadInstant):
        instant(text)
