"""The real gate beside a real broker: whatever dies, what was called durable is in the journal, and once."""

import json
import time
from contextlib import contextmanager

import httpx
import pytest

from coldchain.answers import decode_acknowledgement, decode_refused
from coldchain.clock import MINUTE, now
from coldchain.data_dir import DataDir
from coldchain.ranges import Ranges
from tests.helpers_house import Client, wait_until
from tests.helpers_ingest import (
    OTHER,
    OUTBOX,
    PI,
    GateProcess,
    beats,
    enrolled,
    mosquitto,
    numbers,
    packs,
    refused,
    sent,
    statuses,
    tell_settings,
)

pytestmark = pytest.mark.servers

PACKS = 60


@pytest.fixture
def data_dir(tmp_path):
    data_dir = DataDir(tmp_path / "data")
    data_dir.root.mkdir()
    tell_settings(data_dir, enrolled(PI, wished_interval=5 * MINUTE), enrolled(OTHER))
    return data_dir


@pytest.fixture
def broker(tmp_path):
    with mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def gate(data_dir, broker):
    gate = GateProcess(data_dir, f"mqtt://127.0.0.1:{broker.port}")
    gate.start()
    wait_until(lambda: beats(data_dir), 20, "the first heartbeat")
    yield gate
    gate.stop()


@contextmanager
def device(broker, device_id=PI):
    """A device that hears its answers."""
    with Client(broker.port, name=device_id, persistent=True) as client:
        client.subscribe(*(f"coldchain/v1/{device_id}/{leaf}" for leaf in ("ack", "config", "refused")))
        yield client


def send(client, message):
    assert client.publish(message.topic, message.payload)


def durable(client) -> Ranges:
    told = [decode_acknowledgement(body) for body in client.payloads("/ack")]
    return told[-1].durable if told else Ranges()


def long_ago(seq, device_id=PI):
    return sent(seq, 4.5, 4.6, device_id=device_id, begin=now() - 100_000 * MINUTE)


def test_a_pack_is_acknowledged_once_it_is_in_the_journal(data_dir, broker, gate):
    with device(broker) as client:
        send(client, long_ago(1))
        wait_until(lambda: 1 in durable(client))

        assert numbers(data_dir) == [(PI, 1)]
        assert [pack.quality for pack in packs(data_dir)] == ["trusted"]


def test_a_device_is_told_what_is_wished_of_it_whenever_it_comes(data_dir, broker, gate):
    with device(broker) as client:
        wait_until(lambda: client.payloads("/config"), what="the configuration")
        assert json.loads(client.payloads("/config")[0]) == {"interval_s": 300}

        tell_settings(data_dir, enrolled(PI, 2, wished_interval=MINUTE))
        wait_until(lambda: len(client.payloads("/config")) == 2)

    assert json.loads(client.payloads("/config")[1]) == {"interval_s": 60}


def test_a_refusal_is_kept_told_and_durable(data_dir, broker, gate):
    with device(broker) as client:
        send(client, long_ago(1))
        wait_until(lambda: 1 in durable(client))
        other = long_ago(1)
        assert client.publish(other.topic, other.payload.replace(b"4.5", b"30.5"))
        wait_until(lambda: client.payloads("/refused"))

    told = decode_refused(client.payloads("/refused")[0])
    assert (told.reason, told.seq, told.outbox_id) == ("two-voices", 1, OUTBOX)
    assert [one.reason for one in refused(data_dir)] == ["two-voices"]


@pytest.mark.parametrize("point", ["gate.received", "gate.appended", "gate.acknowledged"])
def test_a_gate_that_is_killed_anywhere_loses_nothing_and_doubles_nothing(tmp_path, data_dir, broker, point):
    token = tmp_path / "token"
    gate = GateProcess(data_dir, f"mqtt://127.0.0.1:{broker.port}")
    gate.start(crash=f"{point}={token}")
    try:
        wait_until(lambda: beats(data_dir), 20, "the first heartbeat")
        with device(broker) as client:
            for seq in range(1, PACKS + 1):
                if seq == PACKS // 2:
                    token.touch()
                send(client, long_ago(seq))
                foreign = json.dumps([{"n": "tamb", "v": seq / 100}]).encode()
                assert client.publish(f"coldchain/v1/{PI}/readings", foreign)
            wait_until(gate.has_died, 20, f"the death at {point}")
            acknowledged = durable(client)
            assert acknowledged.pairs() == [] or {seq for _, seq in numbers(data_dir) if seq} >= set(
                range(1, acknowledged.pairs()[0][1] + 1)
            )

            gate.start()
            wait_until(lambda: len(packs(data_dir)) >= 2 * PACKS, 20, "all packs")
            time.sleep(0.3)
            send(client, long_ago(1))
            wait_until(lambda: durable(client).pairs() == [[1, PACKS]], 10, "the ranges")
    finally:
        gate.stop()

    numbered = sorted(pack.seq for pack in packs(data_dir) if pack.seq is not None)
    assert numbered == list(range(1, PACKS + 1))
    by_arrival = sorted(pack.columns[0].values[0] for pack in packs(data_dir) if pack.seq is None)
    assert by_arrival == list(range(1, PACKS + 1))


def test_a_killed_broker_that_forgot_everything_costs_only_a_second_sending(data_dir, broker, gate):
    with device(broker) as client:
        for seq in range(1, 21):
            send(client, long_ago(seq))
        wait_until(lambda: durable(client).pairs() == [[1, 20]])
    broker.kill(forgets=True)
    broker.start()
    with device(broker) as client:

        def all_durable() -> bool:
            for seq in range(15, 41):  # as an agent does that heard no word
                send(client, long_ago(seq))
            return durable(client).pairs() == [[1, 40]]

        wait_until(all_durable, 20, "the ranges")

    assert [seq for _, seq in numbers(data_dir)] == list(range(1, 41))


def test_a_gate_that_comes_later_hears_what_was_sent_meanwhile(data_dir, broker, gate):
    gate.stop()
    with device(broker) as client:
        for seq in range(1, 21):
            send(client, long_ago(seq))
        gate.start()
        wait_until(lambda: durable(client).pairs() == [[1, 20]], 20, "the ranges")


def test_while_the_broker_is_away_no_heartbeat_says_that_somebody_listens(data_dir, broker, gate):
    broker.kill()
    wait_until(lambda: "lost the broker" in gate_log(gate), 10)
    told = len(beats(data_dir))
    time.sleep(1)
    assert len(beats(data_dir)) == told

    broker.start()
    wait_until(lambda: len(beats(data_dir)) > told, 10, "a heartbeat after the broker came back")


def gate_log(gate):
    return " ".join(line["message"] for line in gate.log())


def test_a_status_is_kept_once_however_often_the_gate_connects(data_dir, broker, gate):
    with device(broker) as client:
        assert client.publish(f"coldchain/v1/{PI}/status", b'{"state":"online"}', retain=True)
        wait_until(lambda: statuses(data_dir))
    for _ in range(2):
        gate.stop()
        gate.start()
        with device(broker) as client:
            send(client, long_ago(1))
            wait_until(lambda client=client: 1 in durable(client), 20)  # type: ignore[misc]

    assert [one.body for one in statuses(data_dir)] == [b'{"state":"online"}']


def test_a_flood_of_one_device_keeps_no_other_waiting(data_dir, broker, gate):
    with device(broker) as quiet, Client(broker.port, name=OTHER) as bad:
        for number in range(3_000):
            bad.mqtt.publish(f"coldchain/v1/{OTHER}/readings", b"rubbish %d" % number, qos=1)
        waits = []
        for seq in range(1, 11):
            begin = time.monotonic()
            send(quiet, long_ago(seq))
            wait_until(lambda seq=seq: seq in durable(quiet), 10)  # type: ignore[misc]
            waits.append(time.monotonic() - begin)

    assert max(waits) < 2.0
    assert len([one for one in refused(data_dir) if one.reason == "unreadable"]) <= 1_000


def test_two_gates_never_write_one_file(data_dir, broker, gate):
    second = GateProcess(data_dir, gate.mqtt_url)
    second.start()
    try:
        assert second.process is not None
        assert second.process.wait(20) == 2
    finally:
        second.stop()


def test_the_gate_ends_cleanly_when_it_is_told_to(data_dir, broker, gate):
    gate.process.terminate()

    assert gate.process.wait(10) == 0
    assert not data_dir.gate_socket.exists()


def test_the_gates_counters_can_be_asked_for(data_dir, broker, gate):
    with device(broker) as client:
        send(client, long_ago(1))
        wait_until(lambda: 1 in durable(client))
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(data_dir.gate_socket))) as desk:
        told = desk.get("http://gate/metrics.json").json()

    assert (told["connected"], told["packs"], told["waiting"], told["is_stuck"]) == (1, 1, 0, False)
    assert told["acknowledged"] >= 1


def test_what_devices_say_never_stands_in_the_log(data_dir, broker, gate):
    with device(broker) as client:
        assert client.publish(f"coldchain/v1/{PI}/readings", b"Asha Rao, 98765 43210")
        wait_until(lambda: refused(data_dir))

    assert "Asha" not in gate_log(gate)
    assert "98765" not in gate_log(gate)
