"""What the embedded runner promises: a judge that cannot write waits, and then judges what came meanwhile."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from coldchain.journal import Entry
from coldchain.journal.sqlite import SqliteJournal
from coldchain.packs import Column, Pack
from coldchain.sqlite import open_to_write
from coldchain.topics import READINGS
from stream.history import History
from stream.judge import Judge
from stream.runners import embedded
from tests.tales import minute


def pack(at: int) -> Pack:
    return Pack("fridge-7", "0", None, at, "device", (Column("tvc", "Cel", (at,), (500,)),))


async def until(condition, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.anyio
async def test_a_file_that_cannot_be_written_keeps_the_judge_waiting_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    journal, judge = SqliteJournal(tmp_path), Judge(tmp_path / "stream.db")
    judge._connection.execute("PRAGMA busy_timeout = 10")
    monkeypatch.setattr(embedded, "FIRST_PAUSE_S", 0.02)
    await journal.append(READINGS, [("fridge-7", pack(minute(0)))])
    other = open_to_write(tmp_path / "stream.db")
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as thread:
        running = asyncio.create_task(embedded.run(judge, journal, thread))
        await until(lambda: "tried again" in caplog.text)
        await journal.append(READINGS, [("fridge-7", pack(minute(1)))])
        other.execute("ROLLBACK")
        history = History(tmp_path / "stream.db")
        await until(lambda: len(history.readings("fridge-7", minute(0), minute(9))) == 2)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    assert caplog.text.count("tried again") == 1
    journal.close()
    judge.close()
    other.close()


def test_a_mistake_of_our_own_is_loud_and_not_waited_for(tmp_path: Path):
    judge = Judge(tmp_path / "stream.db")
    judge._connection.execute("DROP TABLE devices")

    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        judge.take([Entry(1, "fridge-7", pack(minute(0)))])
    judge.close()
