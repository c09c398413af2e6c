"""An instant as a device writes it: with a zone, without one, in seconds and finer; or none at all."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dialects.instants import instant, instant_in
from ingest.refusals import Unreadable

NOON = 1_772_366_400_000  # 2026-03-01T12:00:00Z
INDIA = ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.000999999Z",
        "2026-03-01 12:00:00 UTC",
        "2026-03-01T17:30:00+05:30",
        "2026-03-01 17:30:00+0530",
        "2026-03-01T17:30:00",
        "2026/03/01 17:30",
        "20260301T120000Z",
        "20260301T173000.0+0530",
        "1772366400",
        "1772366400000",
        Decimal("1772366400"),
        Decimal("1772366400.0004"),
        Decimal("1772366400000"),
        Decimal("1772366400000000"),
        Decimal("1772366400000000000"),
    ],
    ids=str,
)
def test_noon_as_devices_write_it_in_india(written):
    assert instant(written, INDIA) == NOON


@pytest.mark.parametrize(
    "written", [None, "", "N/A", "unknown", "0", Decimal(0), Decimal("5.01"), Decimal(-1), "1970-01-01T00:00:09"]
)
def test_a_device_that_does_not_know_the_time_names_none(written):
    assert instant(written, UTC) is None


@pytest.mark.parametrize(
    "rubbish",
    [
        "noon",
        "10:15",
        "2026-02-30T12:00:00Z",
        "2026-03-01",
        "2026-13-01T12:00:00",
        "2026-03-01T25:00:00",
        "0001-01-01T00:00:00+14:00x",
        True,
        Decimal("NaN"),
        Decimal("1e300"),
        "9" * 300,
    ],
    ids=str,
)
def test_what_is_no_instant_cannot_be_read(rubbish):
    with pytest.raises(Unreadable):
        instant(rubbish, UTC)


@given(st.datetimes(datetime(2000, 1, 2), datetime(2300, 1, 1)), st.sampled_from(["", "Z", "+05:30", "-11:00"]))  # noqa: DTZ001
def test_an_instant_is_what_the_calendar_says(moment, offset):
    text = moment.isoformat(timespec="milliseconds") + offset
    aware = datetime.fromisoformat(text if offset else f"{text}+05:30")

    assert instant(text, INDIA) == round(aware.timestamp() * 1000)


def test_parts_of_a_millisecond_are_rounded_in_numbers_and_dropped_in_texts():
    assert instant(Decimal("1772366400.0005"), UTC) == NOON + 1
    assert instant("2026-03-01T12:00:00.0009Z", UTC) == NOON


def test_the_time_of_a_table_stands_under_one_of_the_usual_keys():
    assert instant_in({"Timestamp": Decimal(1772366400), "id": Decimal(7)}, UTC) == NOON
    assert instant_in({"date": "2026-03-01", "time": "12:00:00"}, UTC) == NOON
    assert instant_in({"t": Decimal(1772366400), "temp": Decimal("4.5")}, UTC) == NOON
    assert instant_in({"t": Decimal("4.5")}, UTC) is None
    assert instant_in({"uptime": Decimal(99)}, UTC) is None
