"""The gate's room on one machine: hears over MQTT and HTTP, makes it durable, acknowledges, answers.

The order is the promise: journal first, then PUBACK, then the ranges. Whatever dies in between is sent again by broker
or device, and counts once.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from coldchain import crash
from coldchain.answers import Configuration, encode_configuration
from coldchain.clock import SECOND, Clock, now
from coldchain.data_dir import DataDir
from coldchain.facts import Enrolled
from coldchain.journal import Entry
from coldchain.journal.sqlite import SqliteJournal
from coldchain.topics import SETTINGS, mqtt_topic
from ingest.gate import Gate
from ingest.http import make_app, open_door
from ingest.keeper import Keeper, Stuck
from ingest.mqtt import Broker, Line, listen
from ingest.space import LIMIT, Measure
from ingest.telling import Teller

BEAT_S = 10.0
FIRST_PRUNING_S = 60.0
PRUNED_EVERY_S = 600.0
BREATH_S = 0.1
"""Between two portions of room that are given back to the disk: messages go first."""

AT_ONCE = 200
"""So many configurations are published before the broker's word for them is awaited."""

CONFIG_LEAF = "config"

log = logging.getLogger("ingest")


async def serve(
    data_dir: DataDir,
    journal: SqliteJournal,
    mqtt_url: str,
    *,
    clock: Clock = now,
    disk_limit: float = LIMIT,
    space: Measure | None = None,
) -> None:
    """Run the room until it is cancelled. Raises BadBrokerAddress, and what no second try can mend."""
    broker = Broker(mqtt_url, data_dir.gate_password)
    keeper = Keeper(Gate(data_dir, clock, space=space, limit=disk_limit), journal)
    try:
        topics = Topics()
        for entry in _settings_so_far(journal):
            topics.note(entry.item)
        async with listen(broker, clock, topics.all()) as line:
            app = make_app(keeper, clock, lambda: {**keeper.counters(), **_line_counters(line)})
            async with open_door(app, data_dir.gate_socket), asyncio.TaskGroup() as tasks:
                teller = Teller(line.publish)
                tasks.create_task(_pump(keeper, line, teller), name="pump")
                tasks.create_task(teller.keep_on(), name="acknowledgements")
                tasks.create_task(_beat(keeper, line), name="heartbeats")
                tasks.create_task(_prune(keeper), name="retention")
                wishes = Wishes()
                following = _follow_settings(data_dir, journal, line, wishes, topics)
                tasks.create_task(following, name="configurations")
                tasks.create_task(_tell_wishes_again(line, wishes), name="configurations again")
    finally:
        keeper.close()


async def _pump(keeper: Keeper, line: Line, teller: Teller) -> None:
    async for batch in line.batches():
        crash.point("gate.received")
        outcomes = await keeper.take_until_durable(batch)
        crash.point("gate.appended")
        line.acknowledge(batch)
        crash.point("gate.acknowledged")
        teller.note(batch, outcomes)


async def _beat(keeper: Keeper, line: Line) -> None:
    """A heartbeat says that whoever had spoken would have been heard: none while we hear nobody."""
    while True:
        if line.is_connected:
            with suppress(Stuck):  # told by the keeper; that no heartbeat comes is what shall be seen
                await keeper.beat()
        await asyncio.sleep(BEAT_S if line.is_connected else BEAT_S / 20)


async def _prune(keeper: Keeper) -> None:
    await asyncio.sleep(FIRST_PRUNING_S)
    while True:
        try:
            dropped = await keeper.prune()
            if dropped:
                log.info("%d old entries left the journal", dropped)
            await _give_back(keeper)
        except Stuck as why:
            log.warning("the journal cannot be pruned now: %s", why)
        await asyncio.sleep(PRUNED_EVERY_S)


async def _give_back(keeper: Keeper) -> None:
    """What pruning left free. Raises Stuck."""
    while True:
        pages = await keeper.give_back()
        if not pages:
            return
        await asyncio.sleep(BREATH_S)


class Wishes:
    """What the books wish of each device, as it stands retained at the broker."""

    def __init__(self) -> None:
        self._revisions: dict[str, int] = {}
        self._bodies: dict[str, bytes] = {}

    def note(self, device: Enrolled) -> bytes | None:
        """What is to be published now; None where nothing changes. Empty takes the retained one away."""
        if self._revisions.get(device.device_id, 0) >= device.revision:
            return None
        self._revisions[device.device_id] = device.revision
        body = b"" if device.ended_at is not None else encode_configuration(wished(device))
        before = self._bodies.get(device.device_id)
        never_wished = before is None and body == _NOTHING and device.revision == 1
        if body == before or never_wished:
            return None
        self._bodies[device.device_id] = body
        return body

    def all(self) -> list[tuple[str, bytes]]:
        return list(self._bodies.items())


_NOTHING = encode_configuration(Configuration())


def wished(device: Enrolled) -> Configuration:
    interval = device.wished_interval
    return Configuration(
        None if interval is None else interval // SECOND,
        None if device.low is None else device.low / 100,
        None if device.high is None else device.high / 100,
    )


class Topics:
    """Which topics devices have beside those of our making, as MQTT filters."""

    def __init__(self) -> None:
        self._of_device: dict[str, tuple[int, tuple[str, ...]]] = {}
        self._wanted: Counter[str] = Counter()

    def note(self, fact: object) -> tuple[list[str], list[str]]:
        """Which are to be heard from now on, and which no more."""
        if not isinstance(fact, Enrolled):
            return [], []
        revision, before = self._of_device.get(fact.device_id, (0, ()))
        if revision >= fact.revision:
            return [], []
        now = fact.topics if fact.ended_at is None else ()
        self._of_device[fact.device_id] = (fact.revision, now)
        new = [one for one in now if self._wanted[one] == 0]
        self._wanted.update(now)
        self._wanted.subtract(before)
        return new, [one for one in before if self._wanted[one] == 0]

    def all(self) -> list[str]:
        return [one for one, devices in self._wanted.items() if devices > 0]


def _settings_so_far(journal: SqliteJournal) -> Iterator[Entry]:
    """What the books have told by now; nothing where they have not begun."""
    offset = 0
    while entries := journal.read(SETTINGS, offset):
        yield from entries
        offset = entries[-1].offset


async def _follow_settings(
    data_dir: DataDir, journal: SqliteJournal, line: Line, wishes: Wishes, topics: Topics
) -> None:
    """Tell devices what is wished of them, and hear the topics that their records name; who enrols waits for that."""
    async for entries in journal.follow(SETTINGS, "ingest.config", 0):
        for entry in entries:
            if not isinstance(entry.item, Enrolled):
                continue
            body = wishes.note(entry.item)
            if body is not None:
                line.publish(mqtt_topic(entry.item.device_id, CONFIG_LEAF), body, retain=True)
            new, old = topics.note(entry.item)
            line.subscribe(new)
            line.unsubscribe(old)
        await asyncio.sleep(0)  # now it is on its way to the broker
        with suppress(OSError):  # a full disk: whoever enrols waits in vain for a while, and nothing else is lost
            data_dir.gate_hears.write_text(str(entries[-1].offset), encoding="ascii")


async def _tell_wishes_again(line: Line, wishes: Wishes) -> None:
    """A broker may have lost its memory, and what changed while there was none was not told."""
    async for _ in line.made():
        for number, (device_id, body) in enumerate(wishes.all()):
            line.publish(mqtt_topic(device_id, CONFIG_LEAF), body, retain=True)
            if number % AT_ONCE == 0:
                await line.all_taken()


def _line_counters(line: Line) -> dict[str, object]:
    return {
        "connected": int(line.is_connected),
        "connections": line.connections,
        "waiting": line.waiting,
        "acknowledged": line.acknowledged,
    }
