"""The line to a real broker: batches, PUBACK only when told, answers, and coming back whatever befalls the broker."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import asynccontextmanager

import pytest

from coldchain.clock import now
from ingest.mqtt import BadBrokerAddress, Broker, listen
from tests.helpers_house import Client
from tests.helpers_ingest import OTHER, PI, Mosquitto, mosquitto

READINGS = f"coldchain/v1/{PI}/readings"

LARGE = b"." * 40_000
READ_ALREADY = 30
"""So many large messages may have been read from the network when the gate asks for no more."""

servers = pytest.mark.servers


@pytest.fixture
def broker(tmp_path):
    with mosquitto(tmp_path / "broker") as running:
        yield running


@asynccontextmanager
async def hearing(running: Mosquitto, tmp_path):
    """A line to the broker and a way to take the next batches from it."""
    async with listen(Broker(f"mqtt://127.0.0.1:{running.port}", tmp_path / "none"), now) as line:
        batches = line.batches()

        async def payloads(number: int, *, acknowledging: bool = True) -> list[bytes]:
            heard: list[bytes] = []
            while len(heard) < number:
                batch = await asyncio.wait_for(anext(batches), 20)
                if acknowledging:
                    line.acknowledge(batch)
                heard += [message.payload for message in batch]
            return heard

        yield line, payloads
        await batches.aclose()


async def until(holds: Callable[[], object], within_s: float = 10) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def publish(running: Mosquitto, *payloads: bytes, topic: str = READINGS, retain: bool = False) -> None:
    def published() -> None:
        with Client(running.port) as device:
            for payload in payloads:
                assert device.publish(topic, payload, retain=retain)

    await asyncio.to_thread(published)


# Addresses


@pytest.mark.parametrize(
    ("url", "host", "port", "credentials"),
    [
        ("mqtt://127.0.0.1:1884", "127.0.0.1", 1884, None),
        ("mqtt://broker", "broker", 1883, None),
        ("mqtts://broker", "broker", 8883, None),
        ("mqtt://u:p@broker", "broker", 1883, ("u", "p")),
        ("mqtt://u%40x:p%3A%2F@broker:1", "broker", 1, ("u@x", "p:/")),
        ("mqtt://[::1]:1885", "::1", 1885, None),
    ],
)
def test_an_address_names_host_port_and_who_we_are(tmp_path, url, host, port, credentials):
    broker = Broker(url, tmp_path / "none")

    assert (broker.host, broker.port, broker.credentials()) == (host, port, credentials)


def test_without_a_user_the_gate_is_itself_with_the_password_that_the_books_made(tmp_path):
    broker = Broker("mqtt://broker", tmp_path / "gate.password")
    (tmp_path / "gate.password").write_text("s3cret\n")

    assert broker.credentials() == ("coldchain-gate", "s3cret")
    assert "s3cret" not in str(broker)


@pytest.mark.parametrize("url", ["", "broker", "http://broker", "mqtt://", "mqtt://broker:x", "mqtt://broker:99999"])
def test_what_is_no_address_is_told_without_repeating_it(tmp_path, url):
    with pytest.raises(BadBrokerAddress, match="must look like"):
        Broker(url, tmp_path / "none")


# A real broker


@servers
@pytest.mark.anyio
async def test_messages_come_in_batches_in_their_order(broker, tmp_path):
    async with hearing(broker, tmp_path) as (line, payloads):
        await until(lambda: line.is_connected)
        sent = [f"{number}".encode() for number in range(300)]
        publishing = asyncio.create_task(publish(broker, *sent))

        assert await payloads(300) == sent
        await publishing
        assert line.acknowledged == 300


@servers
@pytest.mark.anyio
async def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(broker, tmp_path):
    async with hearing(broker, tmp_path) as (line, payloads):
        await until(lambda: line.is_connected)
        await publish(broker, b"kept")
        await payloads(1)
        await publish(broker, b"held")
        await payloads(1, acknowledging=False)
        await until(lambda: line.acknowledged == 1)
    async with hearing(broker, tmp_path) as (_, payloads):
        assert await payloads(1) == [b"held"]


@servers
@pytest.mark.anyio
async def test_what_was_sent_while_the_gate_was_away_waits_for_it(broker, tmp_path):
    async with hearing(broker, tmp_path) as (line, _):
        await until(lambda: line.is_connected)
    await publish(broker, b"1", b"2")
    async with hearing(broker, tmp_path) as (_, payloads):
        assert await payloads(2) == [b"1", b"2"]


@servers
@pytest.mark.anyio
async def test_a_broker_that_is_not_there_yet_is_waited_for(tmp_path):
    late = Mosquitto(tmp_path / "broker")
    async with hearing(late, tmp_path) as (line, payloads):
        await asyncio.sleep(0.5)
        assert not line.is_connected
        await asyncio.to_thread(late.start)
        try:
            await until(lambda: line.is_connected)
            await publish(late, b"1")

            assert await payloads(1) == [b"1"]
        finally:
            late.stop()


@servers
@pytest.mark.anyio
async def test_the_line_comes_back_after_the_broker_was_killed_even_if_it_forgot_everything(broker, tmp_path):
    async with hearing(broker, tmp_path) as (line, payloads):
        await until(lambda: line.is_connected)
        for number in range(3):
            made = line.connections
            await asyncio.to_thread(broker.kill, forgets=number > 0)
            await until(lambda: not line.is_connected)
            await asyncio.to_thread(broker.start)
            await until(lambda made=made: line.connections > made)  # type: ignore[misc]
            await publish(broker, f"{number}".encode())

            assert await payloads(1) == [f"{number}".encode()]


@servers
@pytest.mark.anyio
async def test_what_an_earlier_connection_carried_is_not_acknowledged_on_the_next(broker, tmp_path):
    """The number may belong to another message by then, which nobody has kept yet."""
    async with hearing(broker, tmp_path) as (line, _):
        await until(lambda: line.is_connected)
        batches = line.batches()
        await publish(broker, b"old")
        old = await asyncio.wait_for(anext(batches), 10)
        await asyncio.to_thread(broker.kill, forgets=True)
        await until(lambda: not line.is_connected)
        await asyncio.to_thread(broker.start)
        await until(lambda: line.is_connected)
        await publish(broker, b"new")
        new = await asyncio.wait_for(anext(batches), 10)

        line.acknowledge(old)
        assert (old[0].mid, line.acknowledged) == (new[0].mid, 0)
        line.acknowledge(new)
        assert line.acknowledged == 1
        await batches.aclose()


@servers
@pytest.mark.anyio
async def test_a_retained_status_comes_again_on_every_connection_and_says_that_it_is_old(broker, tmp_path):
    await publish(broker, b'{"state":"online"}', topic=f"coldchain/v1/{PI}/status", retain=True)
    for _ in range(2):
        async with listen(Broker(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "none"), now) as line:
            batches = line.batches()
            [status] = await asyncio.wait_for(anext(batches), 10)
            line.acknowledge([status])
            await batches.aclose()

        assert (status.device_id, status.leaf, status.retained) == (PI, "status", True)


@servers
@pytest.mark.anyio
async def test_answers_reach_the_device(broker, tmp_path):
    async with hearing(broker, tmp_path) as (line, _):
        await until(lambda: line.is_connected)
        with Client(broker.port, name="device", persistent=True) as device:
            await asyncio.to_thread(device.subscribe, f"coldchain/v1/{PI}/ack", f"coldchain/v1/{PI}/config")
            line.publish(f"coldchain/v1/{PI}/ack", b"{}")
            line.publish(f"coldchain/v1/{PI}/config", b'{"interval_s":60}', retain=True)
            line.publish(f"coldchain/v1/{OTHER}/ack", b"not mine")

            await until(lambda: len(device.seen) >= 2)

        assert device.payloads() == [b"{}", b'{"interval_s":60}']


@servers
@pytest.mark.anyio
async def test_more_than_memory_should_hold_waits_at_the_broker(broker, tmp_path, monkeypatch):
    monkeypatch.setattr("ingest.mqtt.MOST_WAITING", 50)
    sent = [b"%d" % number + LARGE for number in range(400)]
    async with hearing(broker, tmp_path) as (line, payloads):
        await until(lambda: line.is_connected)
        publishing = asyncio.create_task(publish(broker, *sent))
        await until(lambda: line.waiting >= 50)
        await asyncio.sleep(0.5)
        assert line.waiting < 50 + READ_ALREADY

        assert await payloads(400) == sent
        await publishing
        assert line.connections == 1


@servers
@pytest.mark.anyio
async def test_a_gate_that_cannot_keep_up_for_long_hangs_up_and_hears_the_rest_later(broker, tmp_path, monkeypatch):
    monkeypatch.setattr("ingest.mqtt.MOST_WAITING", 50)
    monkeypatch.setattr("ingest.mqtt.PATIENCE_S", 0.2)
    sent = [b"%d" % number + LARGE for number in range(200)]
    async with hearing(broker, tmp_path) as (line, payloads):
        await until(lambda: line.is_connected)
        await publish(broker, *sent)
        await until(lambda: not line.is_connected)
        assert 50 <= line.waiting < 50 + READ_ALREADY

        heard: list[bytes] = []
        while set(heard) != set(sent):
            heard += await payloads(1)
        await until(lambda: line.connections == 2)


@servers
@pytest.mark.anyio
async def test_further_topics_are_heard_from_when_they_are_asked_for_and_on_every_later_connection(broker, tmp_path):
    async with hearing(broker, tmp_path) as (line, _):
        batches = line.batches()
        await until(lambda: line.is_connected)
        line.subscribe(["tele/+/SENSOR"])
        line.subscribe(["tele/+/SENSOR", "other/#"])
        await asyncio.sleep(0.2)
        await publish(broker, b"1", topic="tele/plug/SENSOR")
        [first] = await asyncio.wait_for(anext(batches), 10)
        line.acknowledge([first])
        made = line.connections
        await asyncio.to_thread(broker.kill, forgets=True)
        await until(lambda: not line.is_connected)
        await asyncio.to_thread(broker.start)
        await until(lambda: line.connections > made)
        await asyncio.sleep(0.2)
        await publish(broker, b"2", topic="other/room")
        [second] = await asyncio.wait_for(anext(batches), 10)
        line.acknowledge([second])

        line.unsubscribe(["tele/+/SENSOR", "never/asked"])
        await asyncio.sleep(0.2)
        await publish(broker, b"unheard", topic="tele/plug/SENSOR")
        await publish(broker, b"3", topic="other/room")
        [third] = await asyncio.wait_for(anext(batches), 10)
        await batches.aclose()

    assert [(one.topic, one.payload, one.leaf) for one in (first, second, third)] == [
        ("tele/plug/SENSOR", b"1", ""),
        ("other/room", b"2", ""),
        ("other/room", b"3", ""),
    ]


@servers
@pytest.mark.anyio
async def test_what_an_earlier_session_still_hears_is_for_the_gate_to_judge(broker, tmp_path):
    """As when it still has a subscription of which the books no longer know: what waited there is not thrown away."""
    async with listen(Broker(f"mqtt://127.0.0.1:{broker.port}", tmp_path / "none"), now) as line:
        await until(lambda: line.is_connected)
        line.subscribe(["old/#"])
        await asyncio.sleep(0.2)
    async with hearing(broker, tmp_path) as (line, payloads):
        await until(lambda: line.is_connected)
        await publish(broker, b"old", topic="old/topic")
        await publish(broker, b"new")

        assert await payloads(2) == [b"old", b"new"]


@servers
@pytest.mark.anyio
async def test_a_broker_that_stands_still_is_left(broker, tmp_path, monkeypatch):
    monkeypatch.setattr("ingest.mqtt.CONNECT_TIMEOUT_S", 0.3)
    monkeypatch.setattr("ingest.mqtt.PARTING_S", 0.2)
    assert broker.process is not None
    broker.process.send_signal(signal.SIGSTOP)
    async with hearing(broker, tmp_path) as (line, payloads):
        await asyncio.sleep(1.5)
        assert not line.is_connected
        broker.process.send_signal(signal.SIGCONT)
        await until(lambda: line.is_connected)
        await publish(broker, b"1")

        assert await payloads(1) == [b"1"]


@servers
@pytest.mark.anyio
async def test_a_broker_that_refuses_the_gate_is_told_once_and_tried_again(tmp_path, caplog):
    caplog.set_level("INFO")
    with mosquitto(tmp_path / "broker", allows="false") as closed:
        async with listen(Broker(f"mqtt://a:b@127.0.0.1:{closed.port}", tmp_path / "none"), now) as line:
            await until(lambda: "refuses" in caplog.text)
            await asyncio.sleep(1.5)  # a few more attempts

    assert not line.is_connected
    assert caplog.text.count("not authorised") == 1
    assert caplog.text.count("a:b") == 0
