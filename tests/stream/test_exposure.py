"""The exposure of a sensor: totals of days say what the readings say, whatever came late, and are never needed."""

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coldchain.clock import DAY, HOUR, MINUTE, SECOND
from coldchain.data_dir import DataDir
from coldchain.exposure import Exposure, exposure_of
from coldchain.exposure.held import added
from coldchain.facts import DEFAULT_INTERVAL, Enrolled
from coldchain.journal import Entry
from coldchain.journal.sqlite import SqliteJournal
from coldchain.judgement import ALWAYS
from coldchain.packs import Column, Pack
from coldchain.sqlite import open_to_read, open_to_write, transaction
from stream import chunks, exposure, main, rejudgement
from stream.exposure import begin_of, day_of
from stream.history import History
from stream.judge import Judge, Stuck
from tests.tales import NEW_YEAR

MIDNIGHT = begin_of(day_of(NEW_YEAR))
Readings = Sequence[tuple[int, int]]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (chunks, rejudgement):
        monkeypatch.setattr(module, "SEAL_AT", 7)
        monkeypatch.setattr(module, "TAIL_KEEPS", 12)


class House:
    """A judge that may be killed, one fridge that speaks to it, and whoever reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.judge = Judge(path)
        self.history = History(path)
        self.told: set[tuple[int, int]] = set()
        self.promises: list[tuple[int, int]] = [(ALWAYS, DEFAULT_INTERVAL)]
        self._offset = self._revision = 0

    def hear(self, *readings: tuple[int, int]) -> None:
        told = sorted(set(readings))
        self.told |= set(told)
        column = Column("tvc", "Cel", tuple(at for at, _ in told), tuple(value for _, value in told))
        self._offset += 1
        pack = Pack("fridge-7", "0", None, max(at for at, _ in told), "device", (column,))
        self.judge.take([Entry(self._offset, "fridge-7", pack)])

    def declare(self, *intervals: tuple[int, int]) -> None:
        self.promises = [(ALWAYS, DEFAULT_INTERVAL), *intervals]
        self._revision += 1
        fact = Enrolled("fridge-7", self._revision, "", "senml", intervals)
        self.judge.take(settings=[Entry(self._revision, fact.key, fact)])

    def add_up(self) -> int:
        """All of it; gives how many steps it took."""
        steps = 1
        while self.judge.add_up():
            steps += 1
        return steps

    def die(self) -> None:
        """As by kill -9: nothing is closed, what is not committed is gone."""
        self.judge._connection.close()
        self.judge = Judge(self.path)

    def days(self) -> list[int]:
        with closing(open_to_read(self.path)) as connection:
            return [day for (day,) in connection.execute("SELECT day FROM exposure_days ORDER BY day")]

    def read(self, *edges: int) -> list[Exposure]:
        return self.history.exposures("fridge-7", "tvc", edges)

    def from_readings(self, *edges: int) -> list[Exposure]:
        """The same from all readings at once."""
        told = sorted(self.told)
        instants, values = [at for at, _ in told], [value for _, value in told]
        return [exposure_of(instants, values, since, until, self.promises) for since, until in pairwise(edges)]

    def check(self, *edges: int) -> None:
        assert self.read(*edges) == self.from_readings(*edges)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "stream.db")


def walk(since: int, until: int, step: int = 5 * MINUTE, seed: int = 1) -> Readings:
    dice = random.Random(seed)
    return [(at + dice.randrange(SECOND), 450 + dice.randint(-300, 500)) for at in range(since, until, step)]


def in_packs(house: House, readings: Readings, size: int = 60) -> None:
    for begin in range(0, len(readings), size):
        house.hear(*readings[begin : begin + size])


def test_days_that_are_over_get_a_total_and_the_current_one_does_not(house: House):
    in_packs(house, walk(MIDNIGHT + HOUR, MIDNIGHT + 3 * DAY + HOUR))
    house.add_up()

    assert house.days() == [day_of(MIDNIGHT) + n for n in range(3)]


def test_a_stay_says_the_same_with_totals_and_without(house: House):
    in_packs(house, walk(MIDNIGHT + HOUR, MIDNIGHT + 4 * DAY))
    edges = (MIDNIGHT - DAY, MIDNIGHT + 7 * HOUR + 1, MIDNIGHT + 3 * DAY + 12345, MIDNIGHT + 6 * DAY)
    house.check(*edges)
    before = house.read(*edges)
    house.add_up()

    assert house.days() != []
    assert house.read(*edges) == before


def test_totals_are_what_is_read_where_there_are_any(house: House):
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 3 * DAY))
    house.add_up()
    with closing(sqlite3.connect(house.path)) as connection, connection:
        connection.execute(
            "UPDATE exposure_days SET held = ? WHERE day = ?",
            (exposure._pack(Exposure({777: DAY})), day_of(MIDNIGHT) + 1),
        )

    assert house.read(MIDNIGHT + DAY, MIDNIGHT + 2 * DAY) == [Exposure({777: DAY})]
    [stay] = house.read(MIDNIGHT + HOUR, MIDNIGHT + 2 * DAY + HOUR)
    assert stay.held[777] >= DAY


def test_what_comes_late_drops_the_totals_that_it_changes_and_no_others(house: House):
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 6 * DAY))
    house.add_up()
    before = house.days()
    house.hear((MIDNIGHT + 2 * DAY + HOUR, 3000))

    assert house.days() == [day for day in before if day != day_of(MIDNIGHT) + 2]
    house.check(MIDNIGHT, MIDNIGHT + 6 * DAY)
    house.add_up()
    assert house.days() == before
    house.check(MIDNIGHT, MIDNIGHT + 6 * DAY)


def test_what_comes_late_drops_the_totals_of_every_round(house: House):
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 3 * DAY))
    house.add_up()
    in_packs(house, walk(MIDNIGHT + 3 * DAY, MIDNIGHT + 6 * DAY))
    house.add_up()
    house.hear((MIDNIGHT + 4 * DAY + HOUR, 3000))
    house.hear((MIDNIGHT + DAY + HOUR, 3000))

    assert [day - day_of(MIDNIGHT) for day in house.days()] == [0, 2, 3]
    house.check(MIDNIGHT, MIDNIGHT + 6 * DAY)


def test_what_comes_late_just_after_midnight_changes_the_day_before_too(house: House):
    """The gap over midnight was unknown; now the evening's last reading holds into the night."""
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + DAY - 3 * MINUTE))
    in_packs(house, walk(MIDNIGHT + DAY + 20 * MINUTE, MIDNIGHT + 3 * DAY))
    house.add_up()
    [before, _] = house.read(MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)
    house.hear((MIDNIGHT + DAY + MINUTE, 500))
    [after, _] = house.read(MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)

    assert after.unknown < before.unknown
    house.check(MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)


def test_another_declared_interval_drops_the_totals_from_then_on(house: House):
    house.declare((ALWAYS, 10 * MINUTE))
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 5 * DAY, 10 * MINUTE))
    house.add_up()
    before = house.days()
    house.declare((ALWAYS, 10 * MINUTE), (MIDNIGHT + 3 * DAY + HOUR, 2 * MINUTE))

    assert house.days() == before[:3]
    house.check(MIDNIGHT, MIDNIGHT + 5 * DAY)
    house.add_up()
    assert house.days() == before
    house.check(*range(MIDNIGHT, MIDNIGHT + 6 * DAY, DAY))


def test_a_record_that_changes_nothing_about_the_interval_drops_nothing(house: House):
    house.declare((ALWAYS, 10 * MINUTE))
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 3 * DAY, 10 * MINUTE))
    house.add_up()
    before = house.days()
    house.declare((ALWAYS, 10 * MINUTE))

    assert house.days() == before != []


def test_adding_up_again_changes_nothing(house: House):
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 3 * DAY))
    house.add_up()
    with closing(open_to_read(house.path)) as connection:
        before = connection.execute("SELECT * FROM exposure_days").fetchall()
    house.die()
    house.add_up()
    with closing(open_to_read(house.path)) as connection:
        assert connection.execute("SELECT * FROM exposure_days").fetchall() == before != []


def test_it_is_done_little_by_little(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exposure, "READINGS_A_STEP", 400)
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 6 * DAY))

    assert house.add_up() >= 4
    assert len(house.days()) == 5
    house.check(MIDNIGHT, MIDNIGHT + 6 * DAY)


def test_a_day_of_very_many_readings_is_neither_added_up_nor_read_at_one_go(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exposure, "READINGS_A_STEP", 300)
    monkeypatch.setattr(exposure, "READINGS_AT_ONCE", 500)
    held: list[int] = []
    plain = exposure._readings

    def counted(*asked: Any) -> Any:
        readings = plain(*asked)
        held.append(len(readings[0]))
        return readings

    monkeypatch.setattr(exposure, "_readings", counted)
    in_packs(house, walk(MIDNIGHT - HOUR, MIDNIGHT + DAY + HOUR, 30 * SECOND))
    house.check(MIDNIGHT - HOUR, MIDNIGHT + 777, MIDNIGHT + DAY + HOUR)
    assert max(held) < 520
    held.clear()
    steps = house.add_up()

    assert steps > 9
    assert max(held) < 320
    assert house.days() == [day_of(MIDNIGHT) - 1, day_of(MIDNIGHT)]
    house.check(MIDNIGHT - HOUR, MIDNIGHT + 777, MIDNIGHT + DAY + HOUR)


def test_a_day_half_added_up_is_begun_anew_when_something_comes_late(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exposure, "READINGS_A_STEP", 300)
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + DAY + HOUR, 30 * SECOND))
    for _ in range(4):
        house.judge.add_up()
    assert house.days() == []
    house.hear((MIDNIGHT + HOUR, 3000))
    house.add_up()

    assert house.days() == [day_of(MIDNIGHT)]
    house.check(MIDNIGHT, MIDNIGHT + DAY)


def test_years_without_a_reading_cost_nothing(house: House):
    house.hear((MIDNIGHT - 9_000 * DAY, 500))
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 2 * DAY))

    assert house.add_up() == 1
    assert house.days() == [day_of(MIDNIGHT) - 9_000, day_of(MIDNIGHT)]
    house.check(MIDNIGHT - 9_001 * DAY, MIDNIGHT + 3 * DAY)


def test_a_batch_that_fails_drops_no_total(house: House, monkeypatch: pytest.MonkeyPatch):
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 3 * DAY))
    house.add_up()
    before = house.days()

    def broken(*_: object) -> None:
        raise RuntimeError("the power went away")

    with monkeypatch.context() as patched:
        patched.setattr(house.judge, "_save_hearings", broken)
        with pytest.raises(RuntimeError):
            house.hear((MIDNIGHT + DAY + HOUR, 3000))
    assert house.days() == before != []


def test_a_kill_in_the_middle_of_adding_up_leaves_no_half(house: House, tmp_path: Path):
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 4 * DAY))
    house.judge.close()
    token = tmp_path / "token"
    token.touch()
    dying = (
        "import pathlib, sys; from coldchain import crash; from stream.judge import Judge; "
        "crash.arm('judge.added-up', pathlib.Path(sys.argv[2])); Judge(pathlib.Path(sys.argv[1])).add_up()"
    )
    died = subprocess.run([sys.executable, "-c", dying, str(house.path), str(token)], check=False, timeout=60)
    house.judge = Judge(house.path)

    assert died.returncode == -signal.SIGKILL
    assert house.days() == []
    house.check(MIDNIGHT + 1, MIDNIGHT + 4 * DAY)
    house.add_up()
    assert len(house.days()) == 3
    house.check(MIDNIGHT + 1, MIDNIGHT + 4 * DAY)


def test_a_file_that_cannot_be_written_makes_totals_wait_and_the_next_round_makes_them(house: House):
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 4 * DAY))
    connection = house.judge._connection
    connection.execute("PRAGMA busy_timeout = 10")
    with closing(open_to_write(house.path)) as other, transaction(other), pytest.raises(Stuck):
        house.add_up()
    house.add_up()

    assert len(house.days()) == 3
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "verdicts are as durable as before"


def test_a_file_of_before_there_were_totals_is_read(house: House):
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 2 * DAY))
    with closing(sqlite3.connect(house.path)) as connection, connection:
        connection.execute("DROP TABLE exposure_days")

    house.check(MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)
    house.die()
    house.add_up()
    assert house.days() == [day_of(MIDNIGHT)]


def test_of_a_sensor_that_was_never_heard_all_is_unknown(house: House):
    assert house.history.exposures("nobody", "tvc", (0, 5, 7)) == [Exposure({}, 5), Exposure({}, 2)]


@pytest.mark.parametrize("number", range(8))
def test_whatever_comes_in_whatever_order_totals_are_what_the_readings_say(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
):
    if number % 2:
        monkeypatch.setattr(exposure, "READINGS_A_STEP", 150)
        monkeypatch.setattr(exposure, "READINGS_AT_ONCE", 40)
    dice = random.Random(number)
    house = House(tmp_path / "stream.db")
    all_readings = [
        reading
        for reading in walk(MIDNIGHT - 2 * HOUR, MIDNIGHT + 5 * DAY, dice.choice((3, 5, 9)) * MINUTE, number)
        if dice.random() < 0.9 or reading[0] % DAY < 4 * HOUR
    ]
    late = {reading for reading in all_readings if dice.random() < 0.2}
    waiting = sorted(late, key=lambda _: dice.random())
    in_order = [reading for reading in all_readings if reading not in late]
    while in_order or waiting:
        match dice.randrange(9):
            case 0 if waiting:
                size = dice.randrange(1, 40)
                house.hear(*waiting[:size])
                del waiting[:size]
            case 1:
                house.judge.add_up()
            case 2:
                house.die()
            case 3 if house.told:
                house.hear(*dice.sample(sorted(house.told), 3))
            case 4:
                since = dice.choice((ALWAYS, MIDNIGHT + dice.randrange(5 * DAY)))
                house.declare((since, dice.choice((2, 5, 20)) * MINUTE))
            case _ if in_order:
                size = dice.randrange(1, 120)
                house.hear(*in_order[:size])
                del in_order[:size]
    cuts = sorted({MIDNIGHT - DAY, *(MIDNIGHT + dice.randrange(6 * DAY) for _ in range(5)), MIDNIGHT + 7 * DAY})
    house.check(*cuts)
    house.add_up()
    house.check(*cuts)
    house.check(*range(MIDNIGHT, MIDNIGHT + 5 * DAY, DAY))
    assert added(house.read(*cuts)) == house.read(cuts[0], cuts[-1])[0]


@given(st.dictionaries(st.integers(-10_000, 15_000), st.integers(0, DAY // 400), max_size=400).map(Exposure))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_total_comes_back_as_it_was_kept(total: Exposure):
    assert exposure._unpack(exposure._pack(total)).held == dict(total.held)


@pytest.mark.anyio
async def test_totals_are_made_while_the_room_runs(tmp_path: Path):
    data_dir = DataDir(tmp_path)
    house = House(data_dir.stream)
    in_packs(house, walk(MIDNIGHT, MIDNIGHT + 2 * DAY))
    house.judge.close()
    journal = SqliteJournal(tmp_path)
    running = asyncio.create_task(main.serve(data_dir, journal))
    try:
        async with asyncio.timeout(10):
            while not house.days():
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        journal.close()

    assert house.days() == [day_of(MIDNIGHT)]
