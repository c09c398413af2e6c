"""MQTT, as the gate hears it: batches of messages that the broker keeps until we acknowledge them, and our answers.

paho runs in its own thread; what it hears goes into a queue, and the loop is woken once a batch. paho can hold back the
PUBACK (`manual_ack`), which this gate is built on: fixed client id, persistent session, QoS 1. MQTT 3.1.1, which every
broker speaks.

One loop connects, and connects again (`stay_connected`). When more waits than memory should hold, nothing more is read;
if that lasts, the gate hangs up until it has caught up. The broker keeps the rest.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from coldchain.clock import Clock
from coldchain.errors import Refused
from coldchain.topics import MQTT_ROOT, of_mqtt_topic
from ingest.gate import Message

CLIENT_ID = "coldchain-gate"
USER = "coldchain-gate"
SUBSCRIPTIONS = [(f"{MQTT_ROOT}/+/readings", 1), (f"{MQTT_ROOT}/+/status", 1)]

MOST_IN_BATCH = 500
LINGER_S = 0.005
LONGEST_LINGER_S = 0.020

MOST_WAITING = 20_000
MOST_BYTES_WAITING = 64 * 1024 * 1024
PATIENCE_S = 15.0
"""So long nothing is read before the gate hangs up; well below what the keepalive allows."""

KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 10.0
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 2.0

log = logging.getLogger("ingest.mqtt")


class BadBrokerAddress(Refused):
    """A broker's URL cannot be read."""


class Broker:
    """Where a broker is. The gate's password is read when it is needed, since the books may not have made it yet."""

    def __init__(self, url: str, password_file: Path) -> None:
        """`mqtt://user:password@host:port` or `mqtts://…`; without a user, ours. Raises BadBrokerAddress."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or port == -1:
            raise BadBrokerAddress("the broker's address must look like mqtt://user:password@host:1883")
        self.is_encrypted = parts.scheme == "mqtts"
        self.host = parts.hostname
        self.port = port or (8883 if self.is_encrypted else 1883)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._password_file = password_file

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def credentials(self) -> tuple[str, str | None] | None:
        """None where the broker is to be used without any."""
        if self._user is not None:
            return self._user, self._password
        if self._password_file.exists():
            return USER, self._password_file.read_text("utf-8").strip()
        return None


def client_id(credentials: tuple[str, str | None] | None) -> str:
    """Always the same, so that our session waits for us; and known to no device, since whoever bears it hangs us up."""
    password = credentials[1] if credentials else None
    if not password:
        return CLIENT_ID
    return f"{CLIENT_ID}-{blake2b(password.encode(), digest_size=8).hexdigest()}"


class Line:
    """The connection to one broker, however often it is made anew. All methods belong to the loop's thread."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._client: Client | None = None
        self._number = 0  # of the connection: what an earlier one carried cannot be acknowledged on this one
        self._queue: deque[Message] = deque()
        self._bytes_in = 0  # paho's thread counts what comes
        self._bytes_out = 0  # the loop's thread what goes
        self._is_rung = False
        self._bell = asyncio.Event()
        self._settled = asyncio.Event()  # the attempt has come to an answer
        self._ended = asyncio.Event()
        self._made = asyncio.Event()
        self._room = threading.Event()
        self._heard_by = 0  # the connection whose messages are still wanted
        self._caught_up = asyncio.Event()
        self._caught_up.set()
        self._told = ""
        self.is_connected = False
        self.connections = 0
        self.acknowledged = 0

    @property
    def waiting(self) -> int:
        """Messages heard and not yet taken."""
        return len(self._queue)

    async def batches(self) -> AsyncGenerator[list[Message], None]:
        """What is heard, for ever; a batch waits at most 20 ms to fill."""
        while True:
            await self._bell.wait()
            await self._linger()
            self._bell.clear()
            self._is_rung = False
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), MOST_IN_BATCH))]
            self._bytes_out += sum(len(message.payload) for message in batch)
            if not self._is_crowded(share=0.5):
                self._room.set()
            if self._queue:
                self._bell.set()
            else:
                self._caught_up.set()
            if batch:
                yield batch

    async def made(self) -> AsyncIterator[None]:
        """Again whenever the connection was made; for one listener."""
        while True:
            await self._made.wait()
            self._made.clear()
            yield

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """PUBACK; what came on an earlier connection is left, the broker sends it again."""
        client = self._client
        if client is None:
            return
        for message in batch:
            if message.mid is not None and message.connection == self._number:
                client.ack(message.mid, 1)
                self.acknowledged += 1

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """QoS 1 while there is a connection; else it is left, and said again when there is occasion."""
        if self._client is not None and self._client.is_connected():
            self._client.publish(topic, payload, qos=1, retain=retain)

    async def _linger(self) -> None:
        """Let a batch fill while more comes."""
        waited = 0.0
        while waited < LONGEST_LINGER_S and len(self._queue) < MOST_IN_BATCH:
            before = len(self._queue)
            await asyncio.sleep(LINGER_S)
            waited += LINGER_S
            if len(self._queue) == before:
                return

    # Connecting, and connecting again

    async def stay_connected(self) -> None:
        """The one loop that connects: for ever, with growing pauses while nobody answers."""
        wait = FIRST_WAIT_S
        while True:
            await self._caught_up.wait()
            had = self.connections
            await self._be_connected()
            wait = FIRST_WAIT_S if self.connections > had else min(2 * wait, LONGEST_WAIT_S)
            await asyncio.sleep(wait)

    async def _be_connected(self) -> None:
        """One connection, from its beginning to its end."""
        self._number += 1
        self._settled.clear()
        self._ended.clear()
        client = self._new_client(self._number)
        try:
            await asyncio.to_thread(client.connect, self._broker.host, self._broker.port, KEEPALIVE_S)
        except (OSError, ValueError) as why:
            self._tell(f"the broker at {self._broker} does not answer: {why}")
            return
        self._client = client
        self._heard_by = self._number
        client.loop_start()
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), CONNECT_TIMEOUT_S)
            if self.is_connected:
                await self._ended.wait()
        finally:
            self.is_connected = False
            self._client = None
            self._heard_by = 0
            self._room.set()
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    def _new_client(self, number: int) -> Client:
        credentials = self._broker.credentials()
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id(credentials),
            clean_session=False,
            protocol=MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.max_inflight_messages_set(1_000)
        if credentials is not None:
            client.username_pw_set(*credentials)
        if self._broker.is_encrypted:
            client.tls_set()

        # paho calls these in its own thread

        def on_connect(_: Client, __: Any, flags: ConnectFlags, code: ReasonCode, ___: Properties | None) -> None:
            if code.is_failure:
                self._call(self._tell, f"the broker at {self._broker} refuses the gate: {code}")
            else:
                client.subscribe(SUBSCRIPTIONS)

        def on_subscribe(_: Client, __: Any, ___: int, codes: list[ReasonCode], ____: Properties | None) -> None:
            if any(code.is_failure for code in codes):
                self._call(self._tell, f"the broker at {self._broker} lets the gate hear nothing: {codes[0]}")
                client.disconnect()
            else:
                self._call(self._connected, number)

        def on_disconnect(_: Client, __: Any, ___: DisconnectFlags, code: ReasonCode, ____: Properties | None) -> None:
            self._call(self._disconnected, number, str(code))

        def on_message(_: Client, __: Any, message: MQTTMessage) -> None:
            if self._hear(message, number):
                client.disconnect()

        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_disconnect = on_disconnect
        client.on_message = on_message
        return client

    def _hear(self, heard: MQTTMessage, number: int) -> bool:
        """In paho's thread. Gives whether so much waits for so long that the gate must hang up."""
        try:
            named = of_mqtt_topic(heard.topic)
        except UnicodeDecodeError:
            named = None
        if named is None or number != self._heard_by:
            return False  # never asked for, or the broker will send it again
        device_id, leaf = named
        payload = bytes(heard.payload)
        self._queue.append(
            Message(
                device_id, leaf, heard.topic, payload, self._clock(), bool(heard.retain), heard.mid, heard.dup, number
            )
        )
        self._bytes_in += len(payload)
        if not self._is_rung:
            self._is_rung = True
            self._call(self._bell.set)
        if not self._is_crowded():
            return False
        self._room.clear()
        if not self._is_crowded() or self._room.wait(PATIENCE_S):
            return False
        self._call(self._hang_up)
        return True

    def _is_crowded(self, share: float = 1.0) -> bool:
        waiting, size = len(self._queue), self._bytes_in - self._bytes_out
        return waiting >= share * MOST_WAITING or size >= share * MOST_BYTES_WAITING

    def _call(self, what: Any, *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(what, *arguments)

    def _connected(self, number: int) -> None:
        if number != self._number:
            return
        self.is_connected = True
        self.connections += 1
        self._settled.set()
        self._made.set()
        self._tell(f"connected to the broker at {self._broker}")

    def _disconnected(self, number: int, why: str) -> None:
        if number != self._number:
            return
        if self.is_connected:
            self._tell(f"lost the broker at {self._broker}: {why}")
        self.is_connected = False
        self._settled.set()
        self._ended.set()

    def _hang_up(self) -> None:
        """Stay away until what waits is taken."""
        if self._queue:
            self._caught_up.clear()
            self._tell(f"{len(self._queue):,} messages wait: the gate hears no more until it has caught up")

    def _tell(self, what: str) -> None:
        """Once a change: a broker that stays away is not told of every second."""
        if what != self._told:
            self._told = what
            log.info("%s", what)


@asynccontextmanager
async def listen(broker: Broker, clock: Clock) -> AsyncIterator[Line]:
    """A line to the broker, kept up while the block runs, whether the broker is there yet or not."""
    line = Line(broker, clock)
    staying = asyncio.create_task(line.stay_connected(), name="mqtt")
    try:
        yield line
    finally:
        staying.cancel()
        with suppress(asyncio.CancelledError):
            await staying
