"""The load for the benchmark, and its log."""

import asyncio
import json
import socket
import subprocess
from collections.abc import Iterator
from itertools import pairwise

import pytest

from coldchain.clock import MINUTE, SECOND
from coldchain.readings import Reading
from coldchain.senml import encode
from simulators.accounts import Account
from simulators.load import BadLoad, BrokerGone, Log, Plan, messages, press
from tests.tales import NEW_YEAR

ACCOUNT = Account("dev-1", "secret")
PLAN = Plan(messages=20, readings=10, begin=NEW_YEAR)


def test_a_plan_gives_the_same_bytes_each_time():
    assert messages(ACCOUNT, PLAN) == messages(ACCOUNT, PLAN)


def test_devices_differ():
    assert messages(ACCOUNT, PLAN)[0].readings != messages(Account("dev-2", ""), PLAN)[0].readings


def test_another_plan_has_another_outbox():
    plans = [PLAN, Plan(messages=20, readings=1, begin=NEW_YEAR), Plan(messages=20, readings=10, begin=NEW_YEAR + 1)]

    assert len({json.loads(messages(ACCOUNT, plan)[0].payload)[0]["vs"] for plan in plans}) == 3


def test_its_packs_are_what_the_agent_would_write():
    message = messages(ACCOUNT, PLAN)[0]
    outbox_id = json.loads(message.payload)[0]["vs"]
    readings = [Reading("tvc", at, value) for at, value in message.readings]

    assert message.payload == encode("dev-1", outbox_id, 1, readings)


def test_times_are_ragged_and_values_walk_in_sixteenths():
    readings = [reading for message in messages(ACCOUNT, PLAN) for reading in message.readings]
    spacings = [later[0] - earlier[0] for earlier, later in pairwise(readings)]
    positive = [spacing for spacing in spacings if spacing > 0]

    assert {spacing % SECOND for spacing in positive} != {0}
    assert all(MINUTE - 2 * SECOND <= spacing <= MINUTE + 2 * SECOND for spacing in positive)
    assert all(350 <= value <= 650 for _, value in readings)
    assert len({value for _, value in readings}) > 3


def test_one_message_in_a_hundred_comes_twice():
    told = messages(ACCOUNT, Plan(messages=2000, readings=1))
    repeats = len(told) - len({message.payload for message in told})

    assert 5 <= repeats <= 40


def test_a_log_counts_each_reading_once():
    log = Log()
    for message in [*messages(ACCOUNT, PLAN), *messages(ACCOUNT, PLAN)]:
        log.note(ACCOUNT, message)

    assert log.readings == 200


def test_a_log_can_be_kept_as_a_file(tmp_path):
    log = Log()
    log.note(ACCOUNT, messages(ACCOUNT, Plan(messages=1, readings=1, begin=NEW_YEAR, ragged=0))[0])

    log.write(tmp_path / "sent.csv")

    header, row = (tmp_path / "sent.csv").read_text().splitlines()
    assert header == "sensor,measured_at,celsius"
    assert row.startswith("dev-1:tvc,1767225600.000,")


def test_an_impossible_plan_is_refused():
    with pytest.raises(BadLoad):
        Plan(messages=1, interval=SECOND, ragged=SECOND)


@pytest.fixture
def broker(tmp_path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    with subprocess.Popen(["mosquitto", "-c", str(configuration)], stderr=subprocess.DEVNULL) as process:
        try:
            yield f"mqtt://127.0.0.1:{port}"
        finally:
            process.terminate()


async def until_reachable(url: str) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    raise TimeoutError(url)


@pytest.mark.servers
def test_a_broker_takes_it_all(broker):
    async def tale():
        await until_reachable(broker)
        log = Log()
        accounts = [Account(f"dev-{number}", "x") for number in range(10)]
        return log, await press(broker, accounts, Plan(messages=50, readings=20, begin=NEW_YEAR), log)

    log, report = asyncio.run(tale())

    assert log.messages == report.messages >= 500
    assert log.readings == 10 * 50 * 20


@pytest.mark.servers
def test_a_rate_is_kept(broker):
    async def tale():
        await until_reachable(broker)
        plan = Plan(messages=20, readings=1, begin=NEW_YEAR, repeats=0.0)
        return await press(broker, [Account(f"dev-{n}", "x") for n in range(5)], plan, Log(), rate=100)

    report = asyncio.run(tale())

    assert 0.9 <= report.seconds <= 3.0


@pytest.mark.servers
def test_a_broker_that_is_not_there_is_told():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"mqtt://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(BrokerGone, match="cannot be reached"):
            asyncio.run(press(url, [ACCOUNT], PLAN, Log()))
