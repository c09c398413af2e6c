"""MQTT, as the gate hears it: batches of messages that the broker keeps until we acknowledge them, and our answers.

gmqtt reads in the loop itself, without a thread, and leaves each PUBACK to us (see `_Client`), which this gate is built
on: fixed client id, persistent session, QoS 1. MQTT 3.1.1, which every broker speaks.

One loop connects, and connects again (`stay_connected`). When more waits than memory should hold, nothing more is read;
if that lasts, the gate hangs up until it has caught up. The broker keeps the rest.
"""

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import gmqtt
from gmqtt.mqtt.constants import MQTTv311
from gmqtt.mqtt.handler import MQTTConnectError
from gmqtt.storage import PersistentStorage

from coldchain.clock import Clock
from coldchain.errors import Refused
from coldchain.topics import MQTT_ROOT, of_mqtt_topic
from ingest.gate import Message

CLIENT_ID = "coldchain-gate"
USER = "coldchain-gate"
SUBSCRIPTIONS = (f"{MQTT_ROOT}/+/readings", f"{MQTT_ROOT}/+/status")

MOST_IN_BATCH = 500
LINGER_S = 0.005
LONGEST_LINGER_S = 0.020

BUSY_FROM = 8
REST_S = 0.050
GLANCE_S = 0.002
"""After a batch of so many the gate reads only now and then, and then all that has come: to be woken for every message
costs as much as to read it."""

LONGEST_REST_S = 0.5
"""Then reading goes on even if the batch is not durable yet: the broker's word that it is alive must be heard."""

MOST_WAITING = 20_000
MOST_BYTES_WAITING = 16 * 1024 * 1024
PATIENCE_S = 15.0
"""So long nothing is read before the gate hangs up; well below what the keepalive allows."""

KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 10.0
PARTING_S = 2.0
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 2.0

REFUSED_FROM = 0x80
"""Codes of a SUBACK from here on are refusals (MQTT 3.1.1, section 3.9.3)."""

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


Hear = Callable[[int | None, str | bytes, bytes, bool, bool], None]
"""A message's number (None of QoS 0), topic, payload, whether it is sent again, whether it was retained."""


class _Client(gmqtt.Client):  # type: ignore[misc]  # gmqtt has no types
    """gmqtt for one connection, otherwise in two things: we say when a PUBACK goes, and who connects again is `Line`.

    gmqtt's own way to hold a PUBACK back, a task a message, does not tell the message's number, by which a repeated
    delivery is known; so its step for QoS 1 is taken here. What is written within one turn of the loop goes out as one.
    """

    def __init__(self, name: str, hear: Hear) -> None:
        self.unconfirmed = PersistentStorage()
        super().__init__(name, clean_session=False, persistent_storage=self.unconfirmed, logger=_library_log)
        self._package_handler._handle_qos_1_publish_packet = self._hear_once
        self._hear = hear
        self._cork: _Cork | None = None
        self.on_message = self._hear_unnumbered

    async def reconnect(self, delay: bool = False) -> None:
        """Not by itself."""

    async def connect_within(self, broker: Broker) -> None:
        """Raises OSError, TimeoutError and MQTTConnectError."""
        context = ssl.create_default_context() if broker.is_encrypted else False
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await self.connect(broker.host, broker.port, ssl=context, keepalive=KEEPALIVE_S, version=MQTTv311)

    async def _create_connection(self, *arguments: Any, **more: Any) -> Any:
        connection = await super()._create_connection(*arguments, **more)
        protocol = connection._protocol
        self._cork = protocol._transport = _Cork(protocol._transport)
        return connection

    def acknowledge(self, number: int) -> None:
        self._package_handler._send_puback(number)

    def hear_nothing(self) -> None:
        """Until `hear_on`; a few more may come that were read already."""
        if self._connection is not None:
            self._connection._transport.pause_reading()

    def hear_on(self) -> None:
        if self._connection is not None and not self._connection.is_closing():
            self._connection._transport.resume_reading()

    async def part(self) -> None:
        """Disconnect, by force where the broker does not take our word."""
        if self._connection is None:
            return
        transport = self._connection._transport
        if self._cork is not None:
            self._cork.pull()
        try:
            async with asyncio.timeout(PARTING_S):
                await self.disconnect()
        except TimeoutError:
            transport.abort()

    def _hear_once(self, number: int, payload: bytes, topic: str | bytes, properties: dict[str, Any]) -> None:
        self._hear(number, topic, payload, bool(properties["dup"]), bool(properties["retain"]))

    def _hear_unnumbered(self, _: Any, topic: str | bytes, payload: bytes, __: int, properties: dict[str, Any]) -> None:
        self._hear(None, topic, payload, False, bool(properties["retain"]))


class _Cork:
    """A transport that gathers what is written in one turn of the loop, and writes it in one piece."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._gathered: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._is_pulled = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._gathered and not self._is_pulled:
            self._loop.call_soon(self._pour)
        self._gathered.append(data)
        if self._is_pulled:
            self._pour()

    def pull(self) -> None:
        """From now on everything goes out at once."""
        self._is_pulled = True
        self._pour()

    def _pour(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered and not self._transport.is_closing():
            self._transport.write(b"".join(gathered))


class Line:
    """The connection to one broker, however often it is made anew. All methods belong to the loop's thread."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._client: _Client | None = None
        self._number = 0  # of the connection: what an earlier one carried cannot be acknowledged on this one
        self._further: dict[str, None] = {}  # filters beyond our own, in the order in which they were asked for
        self._queue: deque[Message] = deque()
        self._bytes_waiting = 0
        self._bell = asyncio.Event()
        self._ended = asyncio.Event()
        self._made = asyncio.Event()
        self._impatience: asyncio.TimerHandle | None = None  # runs while nothing is read, since too much waits
        self._resting: asyncio.TimerHandle | None = None  # runs while nothing is read, since much comes at once
        self._rested_at = 0.0
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
        """What is heard, for ever; a batch waits some 50 ms at most to fill."""
        is_busy = False
        while True:
            if is_busy:
                await self._glance()
            else:
                await self._bell.wait()
                await self._linger()
            self._bell.clear()
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), MOST_IN_BATCH))]
            self._bytes_waiting -= sum([len(message.payload) for message in batch])
            is_busy = self._rest(is_busy, len(batch))
            if self._impatience is not None and not self._is_crowded(share=0.5):
                self._hear_on()
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

    def subscribe(self, filters: Iterable[str]) -> None:
        """Hear these topics too (MQTT filters), now and on every later connection."""
        new = [one for one in filters if one not in self._further]
        self._further.update(dict.fromkeys(new))
        if new and self._client is not None and self.is_connected:
            self._client.subscribe(_subscriptions(new))

    def unsubscribe(self, filters: Iterable[str]) -> None:
        """Hear them no more; the broker would go on for as long as our session lasts."""
        old = [one for one in filters if one in self._further]
        for one in old:
            del self._further[one]
        if old and self._client is not None and self.is_connected:
            self._client.unsubscribe(old)

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """PUBACK; what came on an earlier connection is left, the broker sends it again."""
        client = self._client
        if client is None or not self.is_connected:
            return
        for message in batch:
            if message.mid is not None and message.connection == self._number:
                client.acknowledge(message.mid)
                self.acknowledged += 1

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """While there is a connection; else it is left, and said again when there is occasion."""
        if self._client is not None and self.is_connected:
            with suppress(OverflowError):  # 65,535 are under way: the broker takes nothing, and is left soon
                self._client.publish(topic, payload, qos=qos, retain=retain)

    async def all_taken(self, within_s: float = 1.0) -> None:
        """Until the broker has confirmed all that was published, the connection has ended, or so long."""
        client = self._client
        if client is None or not self.is_connected:
            return
        waiting = [asyncio.create_task(client.unconfirmed.wait_empty()), asyncio.create_task(self._ended.wait())]
        try:
            await asyncio.wait(waiting, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    def _rest(self, was_busy: bool, heard: int) -> bool:
        """Whether to read nothing for a while, since so much comes; not for long, whatever becomes of the batch."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        is_busy = heard >= BUSY_FROM
        if is_busy and self._impatience is None and self._client is not None:
            self._client.hear_nothing()
            self._rested_at = self._loop.time()
            self._resting = self._loop.call_later(LONGEST_REST_S, self._read_on)
        elif was_busy:
            self._read_on()
        return is_busy

    def _read_on(self) -> None:
        self._resting = None
        if self._impatience is None and self._client is not None:
            self._client.hear_on()

    async def _glance(self) -> None:
        """Read what has come during the rest."""
        await asyncio.sleep(max(0.0, self._rested_at + REST_S - self._loop.time()))
        self._read_on()
        await asyncio.sleep(GLANCE_S)

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
        self._ended.clear()
        client = self._client = self._new_client(self._number)
        try:
            if await self._has_answered(client):
                unanswered = self._loop.call_later(CONNECT_TIMEOUT_S, self._give_up, self._number)
                await self._ended.wait()
                unanswered.cancel()
        finally:
            self.is_connected = False
            self._client = None
            self._number += 1  # what this one may still deliver is not wanted
            self._be_patient()
            await client.part()

    async def _has_answered(self, client: _Client) -> bool:
        """Whether the broker took us; where it hangs up instead of answering, its end is not waited for."""
        connecting = asyncio.create_task(client.connect_within(self._broker))
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait((connecting, ended), return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                await connecting
                return True
        except MQTTConnectError as why:
            self._tell(f"the broker at {self._broker} refuses the gate: {why}")
        except TimeoutError:
            self._tell(f"the broker at {self._broker} does not answer within {CONNECT_TIMEOUT_S:.0f} s")
        except (OSError, ValueError) as why:
            self._tell(f"the broker at {self._broker} does not answer: {why}")
        finally:
            for one in (connecting, ended):
                one.cancel()
            await asyncio.wait((connecting, ended))
        return False

    def _give_up(self, number: int) -> None:
        if number == self._number and not self.is_connected:
            self._tell(f"the broker at {self._broker} does not say whether the gate may hear")
            self._ended.set()

    def _new_client(self, number: int) -> _Client:
        credentials = self._broker.credentials()

        def hear(mid: int | None, topic: str | bytes, payload: bytes, is_again: bool, is_retained: bool) -> None:
            self._hear(number, mid, topic, payload, is_again, is_retained)

        def on_connect(client: _Client, *_: Any) -> None:
            client.subscribe(_subscriptions(SUBSCRIPTIONS))

        def on_subscribe(client: _Client, _: int, codes: Sequence[int], __: Any) -> None:
            self._subscribed(number, client, codes)

        def on_disconnect(*_: Any) -> None:
            self._disconnected(number)

        client = _Client(client_id(credentials), hear)
        if credentials is not None:
            client.set_auth_credentials(*credentials)
        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_disconnect = on_disconnect
        return client

    def _hear(
        self, number: int, mid: int | None, topic: str | bytes, payload: bytes, is_again: bool, is_retained: bool
    ) -> None:
        if number != self._number:
            return  # of a connection that is no more: the broker will send it again
        if isinstance(topic, bytes):  # no UTF-8
            if mid is not None and self._client is not None:
                self._client.acknowledge(mid)  # no device's record has such a topic: nobody would ever do it
            return
        device_id, leaf, text = _named(topic)
        self._queue.append(Message(device_id, leaf, text, payload, self._clock(), is_retained, mid, is_again, number))
        self._bytes_waiting += len(payload)
        self._bell.set()
        if self._is_crowded():
            self._hear_nothing()

    # When more waits than memory should hold

    def _is_crowded(self, share: float = 1.0) -> bool:
        return len(self._queue) >= share * MOST_WAITING or self._bytes_waiting >= share * MOST_BYTES_WAITING

    def _hear_nothing(self) -> None:
        if self._client is not None:
            self._client.hear_nothing()
        if self._impatience is None:
            self._impatience = self._loop.call_later(PATIENCE_S, self._hang_up)

    def _hear_on(self) -> None:
        self._be_patient()
        if self._client is not None:
            self._client.hear_on()

    def _be_patient(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

    def _hang_up(self) -> None:
        """Stay away until what waits is taken."""
        self._impatience = None
        self._ended.set()
        if self._queue:
            self._caught_up.clear()
            self._tell(f"{len(self._queue):,} messages wait: the gate hears no more until it has caught up")

    # What the client tells

    def _subscribed(self, number: int, client: _Client, codes: Sequence[int]) -> None:
        if number != self._number:
            return
        refused = any(code >= REFUSED_FROM for code in codes)
        if self.is_connected:
            if refused:
                self._tell(f"the broker at {self._broker} lets the gate hear nothing of some foreign topics")
            return
        if refused:
            self._tell(f"the broker at {self._broker} lets the gate hear nothing: its access list refuses our topics")
            self._ended.set()
            return
        self.is_connected = True
        self.connections += 1
        self._made.set()
        self._tell(f"connected to the broker at {self._broker}")
        if self._further:
            client.subscribe(_subscriptions(self._further))

    def _disconnected(self, number: int) -> None:
        if number != self._number:
            return
        if self.is_connected:
            self._tell(f"lost the broker at {self._broker}")
        self.is_connected = False
        self._ended.set()

    def _tell(self, what: str) -> None:
        """Once a change: a broker that stays away is not told of every second."""
        if what != self._told:
            self._told = what
            log.info("%s", what)


def _named(topic: str) -> tuple[str, str, str]:
    """Device id, leaf and topic; the first two are empty where the topic is not of our own making.

    What our session still hears of a topic that nobody has any more is for the gate to refuse, and to keep.
    """
    named = of_mqtt_topic(topic)
    return ("", "", topic) if named is None else (*named, topic)


def _subscriptions(filters: Iterable[str]) -> list[gmqtt.Subscription]:
    return [gmqtt.Subscription(one, qos=1) for one in filters]


def _is_failure(record: logging.LogRecord) -> bool:
    """Of what gmqtt logs, only what went wrong in the handling of a packet: of connections we tell ourselves."""
    return record.levelno >= logging.ERROR and record.exc_info is not None


logging.getLogger("gmqtt").setLevel(logging.ERROR)
_library_log = logging.getLogger("gmqtt.client")
_library_log.addFilter(_is_failure)


@asynccontextmanager
async def listen(broker: Broker, clock: Clock, further: Iterable[str] = ()) -> AsyncIterator[Line]:
    """A line to the broker, kept up while the block runs, whether the broker is there yet or not.

    `further`: what is to be heard beside our own topics, from the first connection on.
    """
    line = Line(broker, clock)
    line.subscribe(further)
    staying = asyncio.create_task(line.stay_connected(), name="mqtt")
    try:
        yield line
    finally:
        staying.cancel()
        with suppress(asyncio.CancelledError):
            await staying
