"""A Fridge-tag's file: days as it saw them, its own alarms, of some models readings; and what of it is refused."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from coldchain.clock import MINUTE
from ingest import files
from ingest.files import Damaged, DaySummary, LoggerFile
from ingest.files.logger_file import Beyond
from tests.helpers_files import END, KEY, SERIAL, day, every_five_minutes, fridge_tag, three_days
from tests.tales import hour

INDIA = ZoneInfo("Asia/Kolkata")
MIDNIGHT = datetime(2026, 1, 1)  # noqa: DTZ001  a logger's clock knows no zone


def read(text: str, zone: ZoneInfo | None = None) -> LoggerFile:
    return files.read("tag.txt", text.encode(), zone or UTC)


def test_a_fridge_tag_2_tells_days_and_no_reading():
    told = read(fridge_tag(three_days()))

    assert (told.form, told.model, told.hardware_ids) == ("fridge-tag", "Q-tag Fridge-tag 2", (SERIAL,))
    assert told.is_day_summary
    assert [one.day for one in told.days] == [date(2026, 1, 3), date(2026, 1, 2), date(2026, 1, 1)]
    assert told.days[2] == DaySummary(
        SERIAL,
        date(2026, 1, 1),
        since=hour(0),
        until=hour(24),
        low=310,
        high=640,
        mean=450,
        low_at=hour(5) + 20 * MINUTE,
        high_at=hour(14) + 45 * MINUTE,
        beyond=(Beyond("low", -50, 60, 0), Beyond("high", 800, 600, 0)),
        lost_minutes=0,
        line=told.days[2].line,
    )


def test_the_newest_day_ends_where_the_file_was_made():
    assert read(fridge_tag(three_days(), created="2026-01-03 10:30")).days[0].until == hour(58.5)


def test_the_first_day_begins_where_the_logger_was_started():
    first = fridge_tag(three_days()).replace("TS Actv: 2025-12-20 08:00", "TS Actv: 2026-01-01 09:00")

    assert read(first).days[2].since == hour(9)


def test_its_times_are_those_of_the_zone_that_is_told():
    assert read(fridge_tag(three_days()), INDIA).days[2].since == hour(-5.5)


def test_its_own_alarm_stands_beside():
    [alarm] = read(fridge_tag(three_days(hot=True))).alarms

    assert (alarm.at, alarm.side, alarm.limit, alarm.after_minutes, alarm.minutes) == (
        hour(42) + 10 * MINUTE,
        "high",
        800,
        600,
        702,
    )


def test_a_2_l_tells_readings_too():
    rows = every_five_minutes(MIDNIGHT, 3, "4.5")
    [one] = read(fridge_tag(three_days(), rows, model="Q-tag Fridge-tag 2 L")).measured

    assert (one.hardware_id, one.channel, one.interval) == (SERIAL, "tvc", 5 * MINUTE)
    assert one.measured_at == (hour(0), hour(0) + 5 * MINUTE, hour(0) + 10 * MINUTE)
    assert one.values == (450, 450, 450)


def test_a_value_that_is_none_is_a_fault_and_no_refusal():
    rows = [*every_five_minutes(MIDNIGHT, 1, "--.-"), *every_five_minutes(datetime(2026, 1, 1, 1), 1, "-327.7")]  # noqa: DTZ001
    ultra_low = fridge_tag(three_days(), rows, model="Q-tag Fridge-tag Ultra Low", outer=True)
    [one] = read(ultra_low).measured

    assert (one.values, one.faulty_at, one.faults) == ((), (hour(0), hour(1)), ("unplugged", "range"))


def test_a_day_without_its_probe_says_nothing_of_the_temperature():
    dark = day(1, date(2026, 1, 3), "---", "---", "---", lost=630).replace("05:20", "---").replace("14:45", "--:--")
    [told] = read(fridge_tag([dark])).days

    assert (told.low, told.high, told.mean, told.low_at, told.high_at, told.lost_minutes) == (*[None] * 5, 630)


def test_the_outer_probe_is_the_one_that_measures():
    [told] = read(fridge_tag([day(1, date(2026, 1, 3), lost=17, outer=True)], outer=True)).days

    assert told.lost_minutes == 17


def test_line_ends_and_a_byte_order_mark_change_nothing():
    text = fridge_tag(three_days(hot=True), every_five_minutes(MIDNIGHT, 5, "4.5"))

    assert read(text.replace("\n", "\r\n")) == read("\ufeff" + text) == read(text) == read(text.removesuffix("\n"))


SPOILT = {
    "a comma for a point": (("+3.1", "+3,1"), "is no temperature"),
    "the day first": (("Date: 2026-01-02", "Date: 02.01.2026"), "is no day"),
    "no such day": (("Date: 2026-01-02", "Date: 2026-02-30"), "is no day"),
    "no such time": (("TS Min T: 05:20", "TS Min T: 25:20"), "is no time"),
    "a day that is missing": ((" 2:\n", " 4:\n"), "where day 2 belongs"),
    "days the other way round": (("Date: 2026-01-03", "Date: 2025-12-03"), "newest day comes first"),
    "lowest above highest": (("+6.4", "+2.0"), "lies above its highest"),
    "more minutes than a day has": (("t Acc: 0", "t Acc: 9000"), "are no minutes"),
    "no minutes": (("t Acc: 0", "t Acc: -1"), "are no minutes"),
    "no serial number": ((f"Serial: {SERIAL}", "Serial: "), "is no serial number"),
    "Fahrenheit": (("Temp unit: C", "Temp unit: F"), "set the logger to C"),
    "another logger": (("Q-tag Fridge-tag 2", "Q-tag Future"), "are not known here"),
    "a clock that was never set": (("Date: 2026-01-01", "Date: 1970-01-01"), "before the year 2000"),
    "no colon": ((" PCB: ZZ0000000001", " PCB ZZ0000000001"), "is no 'key: value'"),
    "indented too deep": ((" PCB:", "    PCB:"), "indented below nothing"),
    "binary rubbish": ((" CID: 1", " CID: \x00\x01"), "no line of a logger's text"),
    "a shorter signature": ((f"\nSig: {KEY}", f"\nSig: {KEY[:-2]}"), "wrong length"),
    "half a byte of signature": ((f"\nSig: {KEY}", f"\nSig: {KEY[:-1]}"), "cut off"),
    "no signature": ((f"\nSig: {KEY}", ""), "Sig is missing"),
    "no certificate at all": ((END, ""), "Cert is missing"),
    "two files in one": ((END, END + fridge_tag(three_days())), "stands twice"),
    "a limit that is none": (("T AL: -0.5", "T AL: ---"), "a limit is"),
    "a table in another order": (("T\tOut of limits", "Out of limits\tT"), "the table of readings must begin"),
    "a reading in day-first writing": (("\t2026-01-01 00:05", "\t01/01/2026 00:05"), "is no time"),
    "a reading with a comma": (("\t4.5\n", "\t4,5\n"), "is no temperature"),
    "a reading too many cells": (("\t4.5\n", "\t4.5\tx\tx\n"), "a reading is a time"),
    "readings no minutes apart": (("Logging Interval: 5", "Logging Interval: 0"), "0 minutes apart"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_damaged_file_is_refused_with_its_line(how: str):
    whole = fridge_tag(three_days(), every_five_minutes(MIDNIGHT, 3, "4.5"), model="Q-tag Fridge-tag 2 L")
    whole = whole.replace("Q-tag Fridge-tag 2 L", "Q-tag Fridge-tag 2")
    (good, bad), reason = SPOILT[how]
    assert good in whole

    with pytest.raises(Damaged, match=rf"^tag\.txt:\d+: .*{reason}"):
        read(whole.replace(good, bad))


def test_the_line_is_the_one_that_is_damaged():
    whole = fridge_tag(three_days())
    line = whole[: whole.index("+3.1")].count("\n") + 1

    with pytest.raises(Damaged) as why:
        read(whole.replace("+3.1", "+3,1", 1))

    assert why.value.line == line


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp1252"])
def test_another_encoding_is_refused(encoding: str):
    text = fridge_tag(three_days()).replace("Example & Co.", "Exämple & Co.")

    with pytest.raises(Damaged, match=r"^tag\.txt:\d+: this is no UTF-8 text"):
        files.read("tag.txt", text.encode(encoding), UTC)
