"""The keeper tries until a batch is durable, says once that it cannot, and wakes those who follow."""

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest

from coldchain.data_dir import DataDir
from coldchain.journal.sqlite import SqliteJournal
from coldchain.topics import READINGS
from ingest.gate import Gate
from ingest.keeper import Keeper, Stuck
from ingest.refusals import NoSuchRefusal
from ingest.space import Space
from tests.helpers_ingest import PI, OwnClock, enrolled, numbers, sent, tell_settings, verdicts

pytestmark = pytest.mark.anyio


class Disk:
    def __init__(self) -> None:
        self.used = 0.5

    def __call__(self) -> Space:
        return Space(self.used, 0)


@pytest.fixture
def data_dir(tmp_path):
    data_dir = DataDir(tmp_path)
    tell_settings(data_dir, enrolled(PI))
    return data_dir


@asynccontextmanager
async def keeping(data_dir, disk):
    journal = SqliteJournal(data_dir.root)
    keeper = Keeper(Gate(data_dir, OwnClock(), space=disk), journal)
    try:
        yield keeper, journal
    finally:
        keeper.close()
        journal.close()


async def test_a_batch_waits_until_there_is_room_and_the_trouble_is_told_once(data_dir, caplog):
    caplog.set_level(logging.INFO)
    disk = Disk()
    disk.used = 0.95
    async with keeping(data_dir, disk) as (keeper, _):
        taking = asyncio.create_task(keeper.take_until_durable([sent(1, 4.5)]))
        for _ in range(5):
            with pytest.raises(Stuck):
                await keeper.beat()
            disk.used += 0.01  # the message changes, the trouble does not
        assert not taking.done()
        assert keeper.trouble is not None
        disk.used = 0.5

        outcomes = await asyncio.wait_for(taking, 10)

    assert verdicts(outcomes) == ["accepted"]
    assert keeper.trouble is None
    assert numbers(data_dir) == [(PI, 1)]
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


async def test_asking_who_a_device_is_ends_no_trouble(data_dir):
    disk = Disk()
    disk.used = 0.95
    async with keeping(data_dir, disk) as (keeper, _):
        with pytest.raises(Stuck):
            await keeper.take([sent(1, 4.5)])
        assert (await keeper.enrolled(PI)) is not None

        assert keeper.counters()["is_stuck"] is True


async def test_whoever_follows_is_woken_by_the_commit(data_dir):
    async with keeping(data_dir, Disk()) as (keeper, journal):
        following = journal.follow(READINGS, "test", 0)
        first = asyncio.ensure_future(anext(following))
        await asyncio.sleep(0)
        await keeper.take([sent(1, 4.5)])

        [entry] = await asyncio.wait_for(first, 5)
        await following.aclose()

    assert entry.item.seq == 1


async def test_a_question_that_has_no_answer_is_no_trouble(data_dir):
    async with keeping(data_dir, Disk()) as (keeper, _):
        with pytest.raises(NoSuchRefusal):
            await keeper.release(7, "asha")

        assert keeper.trouble is None
