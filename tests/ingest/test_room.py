"""The whole room in one loop beside a real broker: what it does while nothing can be made durable."""

import asyncio
import time
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from coldchain.clock import MINUTE, now
from coldchain.data_dir import DataDir
from coldchain.journal.sqlite import SqliteJournal
from coldchain.sqlite import open_to_write
from ingest.main import serve
from ingest.space import Space
from tests.helpers_house import Client
from tests.helpers_ingest import PI, beats, enrolled, mosquitto, numbers, sent, tell_settings

pytestmark = [pytest.mark.servers, pytest.mark.anyio]


@pytest.fixture
def data_dir(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    data_dir.root.mkdir()
    tell_settings(data_dir, enrolled(PI))
    return data_dir


@pytest.fixture
def broker(tmp_path):
    with mosquitto(tmp_path / "broker") as running:
        yield running


@asynccontextmanager
async def room(data_dir, broker, used):
    """The gate's room, and its counters."""
    journal = SqliteJournal(data_dir.root)
    url = f"mqtt://127.0.0.1:{broker.port}"
    serving = asyncio.create_task(serve(data_dir, journal, url, space=lambda: Space(used[0], 0)))
    transport = httpx.AsyncHTTPTransport(uds=str(data_dir.gate_socket))
    async with httpx.AsyncClient(transport=transport) as desk:

        async def counters():
            return (await desk.get("http://gate/metrics.json")).json()

        await until(data_dir.gate_socket.exists)
        try:
            yield counters
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
            journal.close()


async def until(holds: Callable[[], object], within_s: float = 15) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def send(broker, *seqs):
    def published():
        with Client(broker.port) as device:
            for seq in seqs:
                message = sent(seq, 4.5, begin=now() - 10_000 * MINUTE)
                assert device.publish(message.topic, message.payload)

    await asyncio.to_thread(published)


async def test_on_a_full_disk_nothing_is_acknowledged_no_heart_beats_and_nothing_is_lost(data_dir, broker):
    used = [0.5]
    async with room(data_dir, broker, used) as counters:
        await until(lambda: beats(data_dir))
        used[0] = 0.95
        await send(broker, 1, 2, 3)
        end = time.monotonic() + 10
        while not (told := await counters())["is_stuck"]:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)

        assert (told["acknowledged"], numbers(data_dir)) == (0, [])
        assert "95% full" in told["trouble"]
        used[0] = 0.5
        await until(lambda: len(numbers(data_dir)) == 3)
        await asyncio.sleep(0.2)

        assert (await counters())["acknowledged"] == 3
        assert (await counters())["is_stuck"] is False


async def test_what_waited_on_a_full_disk_comes_again_to_the_gate_that_follows(data_dir, broker):
    used = [0.5]
    async with room(data_dir, broker, used):
        await until(lambda: beats(data_dir))
        used[0] = 0.95
        await send(broker, 1, 2, 3)
        await asyncio.sleep(0.3)
    assert numbers(data_dir) == []

    async with room(data_dir, broker, [0.5]):
        await until(lambda: len(numbers(data_dir)) == 3)


async def test_while_another_holds_the_file_the_batch_waits_and_is_then_kept(data_dir, broker):
    async with room(data_dir, broker, [0.5]) as counters:
        await until(lambda: beats(data_dir))
        holder = open_to_write(data_dir.gate)
        holder.execute("BEGIN IMMEDIATE")
        await send(broker, 1)
        await asyncio.sleep(0.5)
        assert (await counters())["acknowledged"] == 0
        holder.execute("ROLLBACK")
        holder.close()

        await until(lambda: numbers(data_dir) == [(PI, 1)])


async def test_books_that_have_told_nothing_yet_are_waited_for(tmp_path, broker):
    data_dir = DataDir(tmp_path / "late")
    data_dir.root.mkdir()
    async with room(data_dir, broker, [0.5]) as counters:
        await until(lambda: beats(data_dir))
        await send(broker, 1)
        await asyncio.sleep(0.3)
        assert (await counters())["acknowledged"] == 0
        await asyncio.to_thread(tell_settings, data_dir, enrolled(PI))

        await until(lambda: numbers(data_dir) == [(PI, 1)])
