"""A load: many devices that send as fast as they are let, or at a given rate, and a log of all that they sent.

Light on purpose, since it shares the machine with what it measures: packs are laid out before the clock runs, and one
event loop speaks just enough MQTT 3.1.1 (CONNECT, PUBLISH with QoS 1, PUBACK). What it logs is the oracle: after
everything is acknowledged, the platform must hold exactly that set.
"""

import asyncio
import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from coldchain.clock import MINUTE, SECOND
from coldchain.errors import Refused, Unavailable
from coldchain.senml import TRUSTED
from coldchain.topics import mqtt_topic
from simulators import dice
from simulators.accounts import Account

CHANNEL = "tvc"
WINDOW = 20
"""Messages that one device has on the way at once, not yet acknowledged by the broker."""

KEEP_ALIVE_S = 300
_SIXTEENTH_C = 0.0625


class BadLoad(Refused):
    """A load was described that cannot be sent."""


class BrokerGone(Unavailable):
    """The broker refused a device, or the connection ended."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What each device sends: `messages` of `readings` each, an `interval` (ms) apart, give or take `ragged` ms, as a
    random walk in sixteenths of a degree around `around` °C; the share `repeats` of the messages a second time.
    """

    messages: int
    readings: int = 60
    begin: int = 0
    interval: int = MINUTE
    ragged: int = SECOND
    repeats: float = 0.01
    around: float = 5.0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.messages < 1 or self.readings < 1 or self.interval <= 2 * self.ragged:
            raise BadLoad("a load has messages, readings in them, and an interval of more than twice its raggedness")


class Message(NamedTuple):
    """`readings` are (ms UTC, centidegrees)."""

    payload: bytes
    readings: tuple[tuple[int, int], ...]


def messages(account: Account, plan: Plan) -> list[Message]:
    """A device's messages in order, repeats among them. The same plan gives the same bytes."""
    seed = dice.seed_of(account.device_id) ^ plan.seed
    outbox_id = f"{dice.seed_of(f'{account.device_id}/{plan}'):016x}"  # another plan's numbers are another outbox's
    sixteenths = round((plan.around + dice.swing(seed, 0)) / _SIXTEENTH_C)
    told = []
    for number in range(plan.messages):
        readings = []
        for index in range(number * plan.readings, (number + 1) * plan.readings):
            chance = dice.even(seed, 2 * index + 1)
            sixteenths += 0 if chance < 0.5 else 1 if chance < 0.75 else -1
            if abs(sixteenths * _SIXTEENTH_C - plan.around) > 1.5:  # the walk stays in its valley
                sixteenths -= 1 if sixteenths * _SIXTEENTH_C > plan.around else -1
            at = plan.begin + index * plan.interval + round(plan.ragged * dice.swing(seed, 2 * index + 2))
            readings.append((at, (abs(sixteenths) * 25 + 2) // 4 * (1 if sixteenths >= 0 else -1)))
        message = Message(_payload(account.device_id, outbox_id, number + 1, readings), tuple(readings))
        told.append(message)
        if dice.even(seed ^ 0x5EED, number) < plan.repeats:
            told.append(message)
    return told


def _payload(device_id: str, outbox_id: str, seq: int, readings: Sequence[tuple[int, int]]) -> bytes:
    """As `coldchain.senml.encode` writes it, without its trouble."""
    base = readings[0][0] // 1000
    records = [f'{{"bn":"{device_id}:","bt":{base},"n":"outbox","vs":"{outbox_id}"}}']
    records += (f'{{"n":"seq","v":{seq}}}', f'{{"n":"clock","vs":"{TRUSTED}"}}')
    for at, value in readings:
        since = at - base * 1000
        seconds = since // 1000 if since % 1000 == 0 else since / 1000
        records.append(f'{{"n":"{CHANNEL}","t":{seconds},"u":"Cel","v":{value / 100}}}')
    return f"[{','.join(records)}]".encode()


class Log:
    """What was sent, device by device, as sets; the publisher's own word."""

    def __init__(self) -> None:
        self.sent: dict[str, set[tuple[int, int]]] = {}
        self.messages = 0

    def note(self, account: Account, message: Message) -> None:
        self.sent.setdefault(account.device_id, set()).update(message.readings)
        self.messages += 1

    @property
    def readings(self) -> int:
        """How many different ones."""
        return sum(map(len, self.sent.values()))

    def write(self, path: Path) -> None:
        """As `coldchain judge` and `coldchain replay` read it."""
        with path.open("w", encoding="utf-8") as file:
            file.write("sensor,measured_at,celsius\n")
            for device_id, readings in sorted(self.sent.items()):
                file.writelines(
                    f"{device_id}:{CHANNEL},{at / 1000:.3f},{value / 100:.2f}\n" for at, value in sorted(readings)
                )


class Report(NamedTuple):
    """`seconds` from the first PUBLISH to the last PUBACK, `late_s` how far a given rate was missed in the end."""

    messages: int
    readings: int
    seconds: float
    late_s: float = 0.0


async def press(
    mqtt_url: str, accounts: Sequence[Account], plan: Plan, log: Log, *, rate: float | None = None, window: int = WINDOW
) -> Report:
    """Send all of it, each device over its own connection; come back when the broker has acknowledged everything.

    `rate` in messages a second over all devices, spread evenly; None means as fast as the broker acknowledges.
    Raises BrokerGone.
    """
    told = [(account, messages(account, plan)) for account in accounts]
    lines = await asyncio.gather(*(connect(mqtt_url, account) for account in accounts))
    pause = len(accounts) / rate if rate else 0.0
    begun = time.perf_counter()
    try:
        late = await asyncio.gather(
            *(
                _send(line, account, mine, log, pause, begun + pause * number / len(accounts), window)
                for number, (line, (account, mine)) in enumerate(zip(lines, told, strict=True))
            )
        )
    finally:
        for line in lines:
            line.close()
    seconds = time.perf_counter() - begun
    count = sum(len(mine) for _, mine in told)
    return Report(count, sum(len(m.readings) for _, mine in told for m in mine), seconds, max(late))


async def _send(
    line: "Line", account: Account, mine: Iterable[Message], log: Log, pause: float, first_at: float, window: int
) -> float:
    topic = mqtt_topic(account.device_id, "readings")
    late = 0.0
    for number, message in enumerate(mine):
        if pause:
            ahead = first_at + number * pause - time.perf_counter()
            late = max(0.0, -ahead)
            if ahead > 0:
                await asyncio.sleep(ahead)
        log.note(account, message)
        await line.publish(topic, message.payload, window)
    await line.drained()
    return late


class Line(asyncio.Protocol):
    """One device's connection: MQTT 3.1.1 (OASIS, 29 October 2014), as much as a publisher with QoS 1 needs."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._on_the_way = 0
        self._packet_id = 0
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._moved = asyncio.Event()
        self._trouble: str | None = None
        self.accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a TCP transport writes

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection ended: {exc or 'the broker closed it'}")

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        place = 0
        while place + 2 <= len(data) and place + 2 + data[place + 1] <= len(data):  # all that comes is short
            kind, body = data[place] >> 4, data[place + 2 : place + 2 + data[place + 1]]
            place += 2 + len(body)
            if kind == 2:
                self._connected(body[1])
            elif kind == 4:
                self._on_the_way -= 1
                self._moved.set()
        self._rest = data[place:]

    def write(self, packet: bytes) -> None:
        if self._trouble is not None or self._transport is None:
            raise BrokerGone(self._trouble or "not connected")
        self._transport.write(packet)

    async def publish(self, topic: str, payload: bytes, window: int) -> None:
        while self._on_the_way >= window or not self._may_write.is_set():
            await self._movement()
        self._packet_id = self._packet_id % 0xFFFF + 1
        self._on_the_way += 1
        body = _text(topic.encode()) + struct.pack("!H", self._packet_id)
        self.write(_packet(0x32, body, payload))

    async def drained(self) -> None:
        """Come back once everything is acknowledged."""
        while self._on_the_way:
            await self._movement()

    def close(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"\xe0\x00")
            self._transport.close()

    async def _movement(self) -> None:
        if self._trouble is not None:
            raise BrokerGone(self._trouble)
        await self._may_write.wait()
        self._moved.clear()
        await self._moved.wait()
        if self._trouble is not None:
            raise BrokerGone(self._trouble)

    def _connected(self, code: int) -> None:
        if code == 0 and not self.accepted.done():
            self.accepted.set_result(None)
        elif code:
            self._fail(f"the broker refused the device (code {code})")

    def _fail(self, why: str) -> None:
        self._trouble = self._trouble or why
        if not self.accepted.done():
            self.accepted.set_exception(BrokerGone(why))
        self._moved.set()
        self._may_write.set()


async def connect(mqtt_url: str, account: Account) -> Line:
    """Raises BrokerGone."""
    parts = urlsplit(mqtt_url)
    try:
        _, line = await asyncio.get_running_loop().create_connection(Line, parts.hostname or "", parts.port or 1883)
    except OSError as why:
        raise BrokerGone(f"{parts.hostname}:{parts.port or 1883} cannot be reached: {why}") from None
    user, password = account.device_id.encode(), account.password.encode()
    header = _text(b"MQTT") + bytes((4, 0xC2)) + struct.pack("!H", KEEP_ALIVE_S)  # clean session, user, password
    line.write(_packet(0x10, header + _text(b"load-" + user) + _text(user) + _text(password)))
    await line.accepted
    return line


def _text(text: bytes) -> bytes:
    return struct.pack("!H", len(text)) + text


def _packet(kind: int, *parts: bytes) -> bytes:
    left = sum(map(len, parts))
    length = bytearray()
    while True:
        left, digit = left >> 7, left & 0x7F
        length.append(digit | (0x80 if left else 0))
        if not left:
            return b"".join((bytes((kind,)), bytes(length), *parts))
