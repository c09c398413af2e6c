"""`coldchain judge` takes a logger's file as it takes a table, and says what it cannot judge."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from coldchain.__main__ import main
from tests.helpers_files import JOURNEY, SERIAL, every_five_minutes, fridge_tag, q_tag, three_days

MIDNIGHT = datetime(2026, 1, 1)  # noqa: DTZ001  a logger's clock knows no zone
HOT = [*every_five_minutes(MIDNIGHT, 121, "9.5"), *every_five_minutes(datetime(2026, 1, 1, 10, 5), 2, "5.0")]  # noqa: DTZ001


def judged(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    code = main(["judge", "--json", *arguments])
    told = capsys.readouterr()
    return code, [json.loads(line) for line in told.out.splitlines()], told.err


def written(folder: Path, text: str, name: str = "tag.txt") -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


def test_its_readings_are_judged_by_its_serial_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = written(tmp_path, fridge_tag(three_days(), HOT, model="Q-tag Fridge-tag 2 L"))
    code, intervals, told = judged(capsys, file)

    heat = next(one for one in intervals if one["rule"] == "HEAT")
    assert (code, told, heat["sensor"]) == (0, "", SERIAL)
    assert (heat["started_at"], heat["ended_at"]) == ("2026-01-01T00:00:00Z", "2026-01-01T10:05:00Z")


def test_its_times_are_those_of_the_zone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = written(tmp_path, fridge_tag(three_days(), HOT, model="Q-tag Fridge-tag 2 L"))
    _, intervals, _ = judged(capsys, file, "--zone", "Asia/Kolkata")

    assert {one["started_at"] for one in intervals} == {"2025-12-31T18:30:00Z"}


def test_its_own_interval_decides_what_a_gap_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    hourly = [row for row in HOT if row[0].minute == 0]
    file = written(tmp_path, q_tag(hourly, interval=10))
    _, intervals, _ = judged(capsys, file)

    heat = next(one for one in intervals if one["rule"] == "HEAT")
    assert (heat["sensor"], heat["proven"], heat["minutes_unknown"]) == (JOURNEY, False, 600)


def test_a_day_summary_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = written(tmp_path, fridge_tag(three_days(hot=True)))
    code = main(["judge", file])
    told = capsys.readouterr()

    assert (code, told.out, told.err) == (0, "", f"{file}: day summary, no readings\n")


def test_a_logger_that_kept_nothing_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = written(tmp_path, q_tag([]))

    assert judged(capsys, file) == (0, [], f"{file}: no readings\n")


def test_a_damaged_file_ends_in_3_and_the_others_are_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    whole = fridge_tag(three_days(), HOT, model="Q-tag Fridge-tag 2 L")
    cut = written(tmp_path, whole[: len(whole) // 2], "cut.txt")
    code, intervals, told = judged(capsys, cut, written(tmp_path, whole))

    assert code == 3
    assert {one["sensor"] for one in intervals} == {SERIAL}
    assert told.startswith(f"{cut}:")
    assert told.count("\n") == 1


def test_a_summary_beside_a_damaged_file_still_ends_in_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    summary = written(tmp_path, fridge_tag(three_days()))
    code, intervals, _ = judged(capsys, summary, written(tmp_path, "Device: Q-tag Fridge-tag 2\n", "cut.txt"))

    assert (code, intervals) == (3, [])


def test_the_same_logger_read_twice_is_one_story(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    early = written(tmp_path, fridge_tag(three_days(), HOT[:80], model="Q-tag Fridge-tag 2 L"), "early.txt")
    late = written(tmp_path, fridge_tag(three_days(), HOT[40:], model="Q-tag Fridge-tag 2 L"), "late.txt")
    all_at_once = written(tmp_path, fridge_tag(three_days(), HOT, model="Q-tag Fridge-tag 2 L"))

    assert judged(capsys, early, late) == judged(capsys, late, early, late) == judged(capsys, all_at_once)
