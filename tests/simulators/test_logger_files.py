"""A logger's file, whatever its maker called the columns."""

from zoneinfo import ZoneInfo

import pytest

from coldchain.clock import HOUR, MINUTE, instant
from coldchain.readings import Reading
from simulators.logger_files import BadFile, Wishes, parse

INDIA = ZoneInfo("Asia/Kolkata")
NEW_YEAR = instant("2026-01-01T00:00:00Z")


def readings(text: str, **wishes) -> list[tuple[str, int, int | None]]:
    file = parse(text.encode(), "file.csv", Wishes(**wishes))
    return [(r.channel, r.measured_at - NEW_YEAR, r.centidegrees) for r in file.readings]


def test_our_own_form():
    text = "sensor,measured_at,celsius\ntvc,2026-01-01T00:00:00Z,4.5\npi-1:top,1767225660,4.56\n"

    assert readings(text) == [("tvc", 0, 450), ("top", MINUTE, 456)]


def test_rows_come_out_in_order_of_time():
    text = "time,temp\n2026-01-01T01:00:00Z,5\n2026-01-01T00:00:00Z,4\n"

    assert readings(text) == [("tvc", 0, 400), ("tvc", HOUR, 500)]


def test_a_windows_logger_with_preamble_semicolons_and_decimal_commas():
    text = (
        "Logger;TL-20\r\nSerial;00417\r\nStart;x\r\n\r\n"
        "No.;Date;Time;Temperature (°C);Humidity (%)\r\n"
        "1;01.01.2026;05:30:00;4,5;61\r\n2;01.01.2026;05:45:00;-0,5;60\r\n"
    )

    file = parse(text.encode("cp1252"), "file.csv", Wishes(zone=INDIA))

    assert [(r.channel, r.measured_at - NEW_YEAR, r.centidegrees) for r in file.readings] == [
        ("tvc", 0, 450),
        ("tvc", 15 * MINUTE, -50),
    ]
    assert file.interval() == 15 * MINUTE
    assert file.guesses == (
        "time: 'Date' and 'Time'",
        "temperatures: 'Temperature (°C)' as tvc",
        "dates are read as day/month/year",
    )


def test_a_preamble_that_speaks_of_time_is_no_header():
    text = "Start time,01/01/2026 00:00\nLogger,TL-20\nTime,Temp (C)\n2026-01-01T00:00:00Z,4.5\n"

    assert readings(text) == [("tvc", 0, 450)]


def test_several_temperatures_are_several_channels():
    text = "Timestamp,Probe 1 (°C),Probe 2 (°C),Battery (V)\n2026-01-01 00:00:00,4.5,5.5,3.1\n"

    assert readings(text) == [("probe-1", 0, 450), ("probe-2", 0, 550)]


def test_columns_can_be_told():
    text = "when,a,b\n2026-01-01T00:00:00Z,4.5,5.5\n"

    assert readings(text, time_column="when", columns={"b": "tvc"}) == [("tvc", 0, 550)]


def test_without_a_header():
    assert readings("2026-01-01T00:00:00Z,4.5\n2026-01-01T00:01:00Z,4.6\n") == [("tvc", 0, 450), ("tvc", MINUTE, 460)]


def test_unix_seconds_and_milliseconds():
    assert readings("ts,temp\n1767225600,4\n1767225660000,5\n") == [("tvc", 0, 400), ("tvc", MINUTE, 500)]


@pytest.mark.parametrize(
    ("cell", "at"),
    [
        ("2026-01-01 05:30", 0),
        ("01/01/2026 05:30:00 AM", 0),
        ("1-1-26 5:30", 0),
        ("01/01/2026 05:30 PM", 12 * HOUR),
        ("2026/01/01 05:30", 0),
        ("01/01/2026 12:30 AM", -5 * HOUR),
    ],
)
def test_dates_as_people_write_them(cell, at):
    assert readings(f"Date Time,temp\n{cell},4\n", zone=INDIA) == [("tvc", at, 400)]


def test_a_day_beyond_twelve_tells_the_order_for_the_whole_file():
    american = "Time,temp\n01/02/2026 00:00,4\n01/13/2026 00:00,4\n"
    european = "Time,temp\n01/02/2026 00:00,4\n13/02/2026 00:00,4\n"

    assert readings(american)[0][1] == instant("2026-01-02") - NEW_YEAR
    assert readings(european)[0][1] == instant("2026-02-01") - NEW_YEAR
    assert readings("Time,temp\n01/02/2026 00:00,4\n", order="month-first")[0][1] == instant("2026-01-02") - NEW_YEAR


def test_fahrenheit_becomes_celsius():
    assert readings("time,Temp (°F)\n1767225600,40.1\n") == [("tvc", 0, 450)]


def test_faults_stay_faults():
    text = "time,temp\n1767225600,---\n1767225660,fault:unplugged\n1767225720,\n1767225780,999\n"

    assert parse(text.encode(), "f").readings == (
        Reading("tvc", NEW_YEAR, None, "unreadable"),
        Reading("tvc", NEW_YEAR + MINUTE, None, "unplugged"),
        Reading("tvc", NEW_YEAR + 3 * MINUTE, None, "range"),
    )


def test_tabs_utf16_and_hindi_headers():
    text = "समय\tतापमान\n2026-01-01T00:00:00Z\t4.5\n"

    assert parse(text.encode("utf-16"), "f").readings == (Reading("tvc", NEW_YEAR, 450),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "file.csv:1: is empty"),
        ("time,temp\n", "file.csv:1: holds no reading"),
        ("time,temp\n1767225600,4\nyesterday,4\n", "file.csv:3: 'yesterday' is no instant"),
        ("time,temp\n1767225600,4\n1767225660,warm\n", "file.csv:3: 'warm' is no temperature"),
        ("time,temp\n32/13/2026 00:00,4\n", "file.csv:2: '32/13/2026 00:00' is no instant"),
        ("a,b\nx,y\n", "file.csv:1: no header names a time and a temperature"),
        ("time,humidity\n1767225600,4\n", "file.csv:1: no column looks like a temperature"),
        ("sensor,measured_at,celsius\na-1:t,1767225600,4\nb-1:t,1767225600,4\n", "several devices (a-1, b-1)"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text, told):
    with pytest.raises(BadFile) as why:
        readings(text)

    assert told in str(why.value)


def test_a_column_that_is_not_there_is_told():
    with pytest.raises(BadFile, match=r"no column 'x'; there are time, temp"):
        readings("time,temp\n1767225600,4\n", columns={"x": "tvc"})


def test_two_columns_cannot_be_one_channel():
    with pytest.raises(BadFile, match=r"several columns would be the channel 'temp'"):
        readings("time,temp (a),temp (b)\n1767225600,4,5\n")
