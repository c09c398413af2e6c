"""`coldchain import` on this machine, whether the gate runs or not, and through a desk."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from coldchain.__main__ import main
from coldchain.clock import HOUR, now
from tests.api.conftest import World, open_gate, serving
from tests.api.test_logger_files import packs
from tests.helpers_files import SERIAL, every_five_minutes, fridge_tag, three_days

MIDNIGHT = datetime(2026, 1, 1)  # noqa: DTZ001  a logger's clock knows no zone
READINGS = fridge_tag(three_days(hot=True), every_five_minutes(MIDNIGHT, 3, "4.5"), model="Q-tag Fridge-tag 2 L")
SUMMARY = fridge_tag(three_days())
DEVICE = f"fridge-tag-{SERIAL}"


@pytest.fixture(autouse=True)
def _today(world: World) -> None:
    world.now = now()


@pytest.fixture
def point(world: World) -> str:
    return world.point("ILR 2")


def file(folder: Path, text: str, name: str = "tag.txt") -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


def imported(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    code = main(["import", *arguments])
    told = capsys.readouterr()
    return code, told.out.splitlines(), told.err


def test_it_works_where_nothing_runs(world: World, point: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = ("--data", str(world.data_dir.root), "--point", "ILR 2", "--zone", "UTC")
    path = file(tmp_path, READINGS)

    assert imported(capsys, path, *data) == (
        0,
        [
            f"{path}: {DEVICE} (enrolled now): 3 readings new, 0 already known, 0 without a value, "
            "2026-01-01T00:00:00Z to 2026-01-01T00:10:00Z",
            f"{path}: kept beside, not judged: 3 day summaries, 1 alarm of the logger",
        ],
        "",
    )
    assert imported(capsys, path, *data)[1] == [f"{path}: was taken before, nothing changed"]
    assert [len(pack) for pack in packs(world)] == [3]


def test_where_a_gate_runs_it_goes_through_the_gate(
    world: World, point: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = file(tmp_path, READINGS)
    with open_gate(world):
        code, told, _ = imported(capsys, path, "--data", str(world.data_dir.root), "--point", point, "--json")

    assert (code, json.loads(told[0])["devices"][0]["new"]) == (0, 3)
    assert [len(pack) for pack in packs(world)] == [3]


def test_a_damaged_file_ends_in_3_and_the_others_are_taken(
    world: World, point: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    cut, whole = file(tmp_path, READINGS[:700], "cut.txt"), file(tmp_path, SUMMARY)
    code, told, said = imported(capsys, cut, whole, "--data", str(world.data_dir.root), "--point", point)

    assert (code, told[0]) == (
        3,
        f"{whole}: {DEVICE} (enrolled now): 0 readings new, 0 already known, 0 without a value",
    )
    assert said.startswith(f"{cut}:")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--point", "ILR 99"], "no storage point is called"),
        ([], "no device here is"),
        (["--device", "nobody"], "no device 'nobody' is enrolled"),
        (["--point", "ILR 2", "--zone", "Asia/Atlantis"], "there is no time zone"),
    ],
)
def test_what_cannot_be_is_said(
    world: World, point: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
):
    code, told, said = imported(capsys, file(tmp_path, SUMMARY), "--data", str(world.data_dir.root), *arguments)

    assert (code, told) == (2, [])
    assert why in said


@pytest.fixture
def desk(world: World, point: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("COLDCHAIN_TOKEN", world.user("the.boss").token)
    with open_gate(world), serving(world.app) as url:
        yield url


def test_a_desk_may_be_anywhere(
    world: World, desk: str, point: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = file(tmp_path, READINGS)
    code, told, _ = imported(capsys, path, "--url", desk, "--point", point, "--zone", "UTC")

    assert (code, told[0].startswith(f"{path}: {DEVICE} (enrolled now): 3 readings new")) == (0, True)


def test_a_desk_tells_the_line_too(desk: str, point: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bad = file(tmp_path, SUMMARY.replace("+3.1", "+3,1"))
    code, told, said = imported(capsys, bad, "--url", desk, "--point", point)

    assert (code, told) == (3, [])
    assert said.startswith(f"{bad}:{SUMMARY[: SUMMARY.index('+3.1')].count(chr(10)) + 1}: ")


def test_a_desk_that_is_away_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str], desk: str):
    code, told, said = imported(capsys, file(tmp_path, SUMMARY), "--url", "http://127.0.0.1:9", "--zone", "UTC")

    assert (code, told) == (2, [])
    assert "the desk does not answer" in said


def test_what_the_json_of_both_ways_says_is_the_same(
    world: World, desk: str, point: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path, table = file(tmp_path, READINGS), file(tmp_path, csv(), "table.csv")
    told: list[list[dict[str, Any]]] = []
    for way in (["--url", desk], ["--data", str(world.data_dir.root)]):
        imported(capsys, path, table, *way, "--point", point, "--zone", "UTC")
        _, lines, _ = imported(capsys, path, table, *way, "--point", point, "--zone", "UTC", "--json")
        told.append([json.loads(line) for line in lines])

    assert told[0] == told[1]


def csv() -> str:
    at = (now() - 48 * HOUR) // 1000
    return "sensor,measured_at,celsius\n" + "".join(f"LT-4,{at + 300 * number},4.5\n" for number in range(3))
