"""A district in one process whose time a test owns: real agents, gate, judge and books, and a broker that is a list.

So that an hour passes in a moment, and clocks can be wrong as no process of ours ever lets them be. Whoever dies leaves
his file as it is, and another takes his place on it.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import structs

from coldchain.answers import encode_acknowledgement, encode_refused
from coldchain.clock import MINUTE, SECOND
from coldchain.data_dir import DataDir
from coldchain.events import Heartbeat, Outage, Refusal, Silence
from coldchain.facts import Fact
from coldchain.journal import Entry
from coldchain.journal.sqlite import SqliteJournal
from coldchain.judgement import Interval
from coldchain.packs import Pack
from coldchain.topics import READINGS, REFUSED, SETTINGS, SILENCES, Topic, mqtt_topic
from gateway_agent.agent import Agent
from gateway_agent.outbox import Machine, Outbox
from gateway_agent.sensors import Sensed
from ingest.gate import Gate, Message
from registry import devices
from registry.books import open_books
from registry.followers import FOLLOWERS
from registry.incidents import Incident
from registry.places import top
from registry.settling import settle
from stream.history import History
from stream.judge import Judge
from tests.helpers_gateway_agent import OwnClock, some_settings
from tests.tales import NEW_YEAR

BEAT = 20 * SECOND
"""Between two heartbeats of the gate here; an agent measures at each third."""


@dataclass
class Probe:
    """Gives each number once; `told` is all that it ever gave, `offset` lifts it out of range."""

    first: int
    told: list[int] = field(default_factory=list)
    offset: int = 0

    channels = ("tvc",)

    def read(self) -> list[Sensed]:
        self.told.append(self.offset + self.first + len(self.told) % 500)
        return [Sensed("tvc", self.told[-1])]


@dataclass
class Fridge:
    """An agent with its clock, its probe and its place in the queue at the broker."""

    device_id: str
    folder: Path
    send: Callable[[str, str, bytes], bool]
    clock: OwnClock
    probe: Probe
    agent: Agent = field(init=False)
    is_on: bool = True
    boots: int = 1

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self) -> None:
        machine = Machine(f"board of {self.device_id}", "id")
        self.agent = Agent(
            some_settings(self.folder, device_id=self.device_id, interval=MINUTE),
            [self.probe],
            self.clock,
            lambda leaf, body, _: self.send(self.device_id, leaf, body),
            outbox=Outbox(self.folder / "outbox.db", self.device_id, machine, sync="off"),
            steady=self.clock.steady,
            ring=lambda _: None,
            dice=lambda: 0.0,
        )
        self.agent.on_connected()

    def dies(self) -> None:
        """Its process alone: the machine's clocks go on."""
        self.agent.stop()
        self.start()

    def reboots(self, wall: int | None, *, is_trusted: bool) -> None:
        """The whole machine: a new boot, whose clock says what it says, or goes on where it stood."""
        self.agent.stop()
        self.boots += 1
        self.clock.reboot(f"boot-{self.boots}", wall, is_trusted=is_trusted)
        self.start()


class World:
    """`now` is the true time; `wrong_by` is how far the server's clock is off it."""

    def __init__(self, folder: Path, dice: random.Random, fridges: int = 4) -> None:
        self.now = NEW_YEAR
        self.wrong_by = 0
        self.is_gate_there = True
        self.dice = dice
        self.data_dir = DataDir(folder / "data")
        self.data_dir.root.mkdir(parents=True)
        self._waiting: list[Message] = []
        self.books = open_books(f"sqlite:///{self.data_dir.books}", self.server_clock)
        names = [f"fridge-{number}" for number in range(fridges)]
        with self.books.begin() as shelf:
            devices.enrol(shelf, names, self.now, interval=MINUTE)
        settle(self.books, self.data_dir)
        self.gate = Gate(self.data_dir, self.server_clock)
        self.judge = Judge(self.data_dir.stream)
        self.journal = SqliteJournal(self.data_dir.root)
        self.fridges = [self._fridge(name, folder / name, number) for number, name in enumerate(names)]

    def _fridge(self, name: str, folder: Path, number: int) -> Fridge:
        clock = OwnClock(wall=self.now)
        return Fridge(name, folder, self._published, clock, Probe(220 + 20 * number))

    def close(self) -> None:
        for fridge in self.fridges:
            fridge.agent.stop()
        self.gate.close()
        self.judge.close()
        self.journal.close()
        self.books.close()

    def server_clock(self) -> int:
        return self.now + self.wrong_by

    # Time passes

    def pass_(self, minutes: int) -> None:
        for _ in range(minutes):
            self._minute()

    def _minute(self) -> None:
        for beat in range(3):
            self.now += BEAT
            for fridge in self.fridges:
                fridge.clock.pass_(BEAT / SECOND)
                if beat == 0 and fridge.is_on:
                    fridge.agent.beat()
                if fridge.is_on:
                    fridge.agent.send()
            if self.is_gate_there:
                self._gate_works()
        self.follow()

    def _published(self, device_id: str, leaf: str, body: bytes) -> bool:
        self._waiting.append(Message(device_id, leaf, mqtt_topic(device_id, leaf), body, 0))
        return True

    def _gate_works(self) -> None:
        """Takes what waits, some of it twice, in batches; now and then it dies before anybody hears of it."""
        self.gate.beat()
        waiting, self._waiting = self._waiting, []
        waiting += self.dice.sample(waiting, len(waiting) // 4)
        while waiting:
            size = self.dice.choice((1, 5, 50))
            batch = [structs.replace(message, received_at=self.server_clock()) for message in waiting[:size]]
            outcomes = self.gate.take(batch)
            if self.dice.random() < 0.02:
                self.gate_dies()  # durable, and nobody was told: the broker has them still
                continue
            del waiting[:size]
            for message, outcome in zip(batch, outcomes, strict=True):
                agent = next(fridge.agent for fridge in self.fridges if fridge.device_id == message.device_id)
                if outcome.refused is not None:
                    agent.on_refused(encode_refused(outcome.refused))
                if outcome.acknowledgement is not None:
                    agent.on_acknowledgement(encode_acknowledgement(outcome.acknowledgement))

    def gate_dies(self) -> None:
        self.gate.close()
        self.gate = Gate(self.data_dir, self.server_clock)

    def judge_dies(self) -> None:
        self.judge.close()
        self.judge = Judge(self.data_dir.stream)

    def follow(self) -> None:
        """Judge and books have all that there is."""
        while True:
            readings = self.journal.read(READINGS, self.judge.passed_readings, self.dice.choice((1, 20, 500)))
            settings = self.journal.read(SETTINGS, self.judge.passed_settings)
            if not readings and not settings:
                break
            self.judge.take(readings, settings)
        for follower in FOLLOWERS:
            while entries := self.journal.read(follower.topic, follower.position(self.books)):
                follower.follow(self.books, entries, self.server_clock())
        settle(self.books, self.data_dir)

    # What there is to be seen

    def entries(self, topic: Topic) -> Iterator[Entry]:
        after = 0
        while entries := self.journal.read(topic, after):
            yield from entries
            after = entries[-1].offset

    def facts(self) -> list[Fact]:
        return [entry.item for entry in self.entries(SETTINGS)]

    def packs(self) -> list[Pack]:
        return [entry.item for entry in self.entries(READINGS) if isinstance(entry.item, Pack)]

    def heartbeats(self) -> list[int]:
        return [entry.item.at for entry in self.entries(READINGS) if isinstance(entry.item, Heartbeat)]

    def refusals(self) -> list[tuple[int, Refusal]]:
        entries = self.entries(REFUSED)
        return [(entry.offset, entry.item) for entry in entries if isinstance(entry.item, Refusal)]

    def silences(self) -> list[Silence]:
        return [entry.item for entry in self.entries(SILENCES) if isinstance(entry.item, Silence)]

    def outages(self) -> list[Outage]:
        return [entry.item for entry in self.entries(SILENCES) if isinstance(entry.item, Outage)]

    def incidents(self, kind: str) -> list[Incident]:
        with self.books.read() as shelf:
            everything = shelf.incidents.page(top(shelf).path, limit=10_000)
        return [incident for incident in everything if incident.kind == kind]

    def excursions(self, device_id: str) -> list[Interval]:
        """What the books have of the device, in order of start."""
        with self.books.read() as shelf:
            page = shelf.excursions.page(top(shelf).path, device_ids=[device_id], limit=10_000)
        return [one.interval for one in page]

    def history(self, device_id: str) -> list[tuple[int, int]]:
        """(instant, value), as often as screens would show it."""
        rows = History(self.data_dir.stream).readings(device_id, 0, 1 << 62, None, 1_000_000)
        return [(row.measured_at, row.value) for row in rows if row.value is not None]
