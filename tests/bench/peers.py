"""What one could reach at best, measured in the same run: each limit beside the figure that it bounds."""

import logging
import multiprocessing
import os
import resource
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from coldchain.clock import MINUTE
from coldchain.judgement import AT_REST, fold
from coldchain.judgement.timeline import always
from coldchain.rules import rule_set
from ingest.senml import Record
from simulators.accounts import Account
from simulators.load import Plan, messages
from stream.columns import pack, unpack
from tests.helpers_ingest import mosquitto

MESSAGES = 20_000
_PLAN = Plan(messages=200, readings=60, begin=1_767_225_600_000)


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cost_us(deed: Callable[[], Any], units: int, rounds: int = 5) -> float:
    """CPU of one unit, the median of some rounds."""
    spent = []
    for _ in range(rounds):
        before = cpu_s()
        deed()
        spent.append(cpu_s() - before)
    return 1e6 * sorted(spent)[rounds // 2] / units


def decode_us() -> float:
    """msgspec alone, typed, a reading of a pack of 60."""
    decoder = msgspec.json.Decoder(list[Record])
    bodies = [message.payload for message in messages(Account("peer", ""), _PLAN)]
    return cost_us(lambda: [decoder.decode(body) for body in bodies], 60 * len(bodies))


def fold_us() -> float:
    """The pure fold alone, a reading in range, in packs of 60."""
    timeline = always(rule_set("refrigerator"), MINUTE, "tvc")
    told = [message.readings for message in messages(Account("peer", ""), _PLAN)]
    columns = [([at for at, _ in readings], [value for _, value in readings]) for readings in told]
    return cost_us(lambda: [fold(AT_REST, at, value, timeline) for at, value in columns], 60 * len(columns))


def block_us() -> tuple[float, float, float]:
    """A reading packed into a block of 256, unpacked again, and its bytes."""
    readings = [one for message in messages(Account("peer", ""), _PLAN) for one in message.readings][:256]
    readings.sort()
    instants, values = [at for at, _ in readings], [value for _, value in readings]
    body = pack(instants, values)
    times = 200
    packing = cost_us(lambda: [pack(instants, values) for _ in range(times)], 256 * times)
    unpacking = cost_us(lambda: [unpack(body) for _ in range(times)], 256 * times)
    return packing, unpacking, len(body) / 256


def commit_ms(folder: str | None, commits: int = 200) -> tuple[float, float]:
    """SQLite with synchronous FULL on this disk: 100 small rows a commit; median and 99th percentile."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        connection = sqlite3.connect(Path(own) / "peer.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, body BLOB)")
        took = []
        for _ in range(commits):
            begun = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO rows (body) VALUES (?)", [(b"x" * 100,)] * 100)
            connection.execute("COMMIT")
            took.append(1e3 * (time.perf_counter() - begun))
        connection.close()
    took.sort()
    return took[len(took) // 2], took[int(0.99 * len(took))]


def subscriber_us(library: str) -> float:
    """A bare subscriber of that library that acknowledges by itself: CPU a message of QoS 1."""
    context = multiprocessing.get_context("spawn")
    os.environ["PATH"] += ":/usr/sbin"
    with tempfile.TemporaryDirectory() as folder, mosquitto(Path(folder) / "broker") as broker:
        told: multiprocessing.Queue[float] = context.Queue()
        subscriber = context.Process(target=_SUBSCRIBERS[library], args=(broker.port, told))
        subscriber.start()
        told.get(timeout=30)  # it has subscribed
        _publish(broker.port)
        spent = told.get(timeout=60)
        subscriber.join(10)
    return 1e6 * spent / MESSAGES


def _publish(port: int) -> None:
    import asyncio

    from simulators.load import connect

    async def published() -> None:
        line = await connect(f"mqtt://127.0.0.1:{port}", Account("peer", ""))
        for _ in range(MESSAGES):
            await line.publish("peer/readings", b"x" * 150, 200)
        await line.drained()
        line.close()

    asyncio.run(published())


def _hear_by_paho(port: int, told: Any) -> None:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2, client_id="paho")
    heard = [0]

    def on_message(*_: Any) -> None:
        heard[0] += 1

    client.on_message = on_message
    client.on_subscribe = lambda *_: told.put(0.0)
    client.connect("127.0.0.1", port)
    client.subscribe("peer/readings", 1)
    begun = 0.0
    while heard[0] < MESSAGES:
        client.loop(0.5)
        begun = begun or (cpu_s() if heard[0] else 0.0)
    told.put(cpu_s() - begun)


def _hear_by_gmqtt(port: int, told: Any) -> None:
    import asyncio

    import gmqtt
    from gmqtt.mqtt.constants import MQTTv311

    async def hear() -> None:
        done = asyncio.Event()
        heard = [0]
        begun = [0.0]

        async def on_message(*_: Any) -> int:
            heard[0] += 1
            begun[0] = begun[0] or cpu_s()
            if heard[0] == MESSAGES:
                done.set()
            return 0

        logging.getLogger("gmqtt").setLevel(logging.CRITICAL)
        client = gmqtt.Client("gmqtt", optimistic_acknowledgement=False)
        client.on_message = on_message
        client.on_subscribe = lambda *_: told.put(0.0)
        await client.connect("127.0.0.1", port, version=MQTTv311)
        client.subscribe("peer/readings", qos=1)
        await done.wait()
        told.put(cpu_s() - begun[0])
        await client.disconnect()

    asyncio.run(hear())


_SUBSCRIBERS = {"paho": _hear_by_paho, "gmqtt": _hear_by_gmqtt}
