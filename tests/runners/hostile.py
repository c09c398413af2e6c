"""The hostile runner: runs the judge as badly as the world may, and tells what the books would have at the end.

It repeats packs, mixes devices, sends the old before the new, delays settings so that rules and moves are back-dated,
hears one packet three times where the device names no times, leaves values out and says why, cuts batches anywhere,
starts again from positions long passed, dies between any two writes or only stumbles there, moves devices from worker
to worker, and has the books read the same verdicts twice. Driven by one `random.Random`, so that a bad night can be
repeated.
"""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coldchain.clock import SECOND
from coldchain.events import FOREVER, Fault, Heartbeat, Verdict
from coldchain.facts import RulesInForce
from coldchain.journal import Entry
from coldchain.journal.sqlite import read
from coldchain.judgement import ALWAYS, Interval
from coldchain.packs import NO_OUTBOX, Column, Pack
from coldchain.rules import built_in
from coldchain.sqlite import open_to_read
from coldchain.topics import SILENCES, VERDICTS
from stream.history import History
from stream.judge import Judge
from stream.memories import unpack_interval
from tests.stories import FAULTS, SAME_ARRIVAL, Tale
from tests.tales import NEW_YEAR

Sensor = tuple[str, str]


class Died(BaseException):
    """The process was killed here; nothing after this point happened."""


class Stumbled(Exception):
    """A write failed (a full disk, say) and the process lives on."""


class _Trap:
    """A connection that fails once at its n-th statement, before it or, where it dies, just after it."""

    def __init__(self, connection: sqlite3.Connection, statement: int, failure: type[BaseException]) -> None:
        self._connection = connection
        self._left = statement
        self._failure = failure
        self._is_dead = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *arguments: Any) -> Any:
        return self._watched(self._connection.execute, arguments)

    def executemany(self, *arguments: Any) -> Any:
        return self._watched(self._connection.executemany, arguments)

    def _watched(self, act: Any, arguments: Any) -> Any:
        if self._is_dead:
            raise Died
        self._left -= 1
        if self._left:
            return act(*arguments)
        if self._failure is Died:
            self._is_dead = True
            act(*arguments)  # its effect may even be durable: nobody lived to know
        raise self._failure


@dataclass(slots=True)
class Books:
    """What the registry does with verdicts: replace the intervals of a rule whose starts lie in the span."""

    intervals: dict[Sensor, list[Interval]] = field(default_factory=dict)

    def note(self, verdict: Verdict) -> None:
        sensor = (verdict.device_id, verdict.channel)
        kept = [
            interval
            for interval in self.intervals.get(sensor, [])
            if interval.code != verdict.code or not verdict.since <= interval.started_at < verdict.until
        ]
        self.intervals[sensor] = kept + list(verdict.intervals)

    def of(self, sensor: Sensor) -> list[Interval]:
        return sorted(self.intervals.get(sensor, []), key=lambda i: (i.started_at, i.code, i.alarmed_at))


class Worker:
    """One judge over one file; knows how far its own file is, and which verdicts the books have had of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.judge = Judge(path)
        self.told = 0

    def take(self, dice: random.Random, readings: list[Entry], settings: list[Entry], risk: float) -> None:
        """One batch, as often as it takes until the judge has survived it."""
        late_may_wait = dice.random() < 0.5
        self._survive(dice, lambda judge: judge.take(readings, settings, late_may_wait=late_may_wait), risk)
        while self.judge.is_behind:
            self._survive(dice, Judge.catch_up, risk)

    def _survive(self, dice: random.Random, deed: Callable[[Judge], object], risk: float) -> None:
        while dice.random() < risk:
            with self._trapped(dice):
                deed(self.judge)
                return
        deed(self.judge)

    @contextmanager
    def _trapped(self, dice: random.Random) -> Iterator[None]:
        connection = self.judge._connection
        failure = dice.choice([Died, Died, Stumbled])
        trap = _Trap(connection, dice.randrange(1, 40), failure)
        self.judge._connection = trap  # type: ignore[assignment]  # a connection in all but name
        try:
            yield
        except Died:
            connection.close()  # what was not committed is gone, as after kill -9
            self.judge = Judge(self.path)
        except Stumbled:
            self.judge._connection = connection
        else:
            self.judge._connection = connection

    def news(self) -> list[Verdict]:
        """What it has announced since it was last asked."""
        with closing(open_to_read(self.path)) as connection:
            entries = read(connection, VERDICTS, self.told, limit=100_000)
        self.told = entries[-1].offset if entries else self.told
        return [entry.item for entry in entries]

    def fault(self, sensor: Sensor) -> tuple[str, int] | None:
        """The last that it announced of the sensor's probe: what is wrong, and since when."""
        with closing(open_to_read(self.path)) as connection:
            items = [entry.item for entry in read(connection, SILENCES, 0, limit=100_000)]
        told = [f for f in items if isinstance(f, Fault) and (f.device_id, f.channel) == sensor and f.fault in FAULTS]
        return (told[-1].fault, told[-1].since) if told and told[-1].ended_at is None else None

    def history(self, sensor: Sensor) -> list[tuple[int, int]]:
        """The readings of the sensor as screens get them, as often as they get them."""
        found = History(self.path).readings(sensor[0], 0, FOREVER, None, 100_000)
        return [(one.measured_at, one.value) for one in found if one.channel == sensor[1] and one.value is not None]

    def whole_truth(self, device_id: str, codes: set[str]) -> list[Verdict]:
        """What a worker that took a device over announces first: it cannot know what the one before it announced."""
        return [
            Verdict(device_id, channel, code, ALWAYS, FOREVER, tuple(i for i in intervals if i.code == code))
            for (owner, channel), intervals in self.kept().items()
            if owner == device_id
            for code in sorted(codes)
        ]

    def kept(self) -> dict[Sensor, list[Interval]]:
        """What the judge's own file says."""
        with closing(open_to_read(self.path)) as connection:
            sensors = connection.execute("SELECT number, device_id, channel FROM sensors").fetchall()
            rows = connection.execute(
                "SELECT sensor, body FROM intervals ORDER BY started_at, code, alarmed_at"
            ).fetchall()
        return {
            (device_id, channel): [unpack_interval(body) for sensor, body in rows if sensor == number]
            for number, device_id, channel in sensors
        }


@dataclass(frozen=True, slots=True)
class Morning:
    """What is known of a sensor when all has been said: the books' intervals, and the history of its last worker.

    `fault`: why it gives no value any more and since when, None while it does.
    """

    intervals: list[Interval]
    readings: list[tuple[int, int]]
    fault: tuple[str, int] | None


def run(tales: list[Tale], directory: Path, dice: random.Random, risk: float = 0.3) -> dict[Sensor, Morning]:
    """One bad night over a district's packs and settings."""
    readings = _readings(tales, dice)
    settings = _settings(tales, dice)
    workers = [Worker(directory / "one.db"), Worker(directory / "other.db")]
    try:
        owners = {tale.device_id: dice.choice(workers) for tale in tales}
        night = _Night(workers, readings, settings, dice, risk, owners)
        books = night.play()
    finally:
        for worker in workers:
            worker.judge.close()
    sensors = [(tale.device_id, channel) for tale in tales for channel in tale.readings]
    return {sensor: _morning(sensor, books, night.owners[sensor[0]]) for sensor in sensors}


def _morning(sensor: Sensor, books: Books, last: Worker) -> Morning:
    return Morning(books.of(sensor), last.history(sensor), last.fault(sensor))


@dataclass(slots=True)
class _Night:
    workers: list[Worker]
    readings: list[Entry]
    settings: list[Entry]
    dice: random.Random
    risk: float
    owners: dict[str, Worker]
    books: Books = field(default_factory=Books)
    verdicts: list[Verdict] = field(default_factory=list)
    read: int = 0
    settled: int = 0
    told: int = 0
    forgets_left: int = 10
    """A long night with a runner that forgot again and again would have no morning."""

    def play(self) -> Books:
        while self.read < len(self.readings) or self.settled < len(self.settings):
            self._batch()
            if self.dice.random() < 0.1:
                self._move()
            if self.forgets_left and self.dice.random() < 0.1:
                self.read = self.dice.randrange(self.read + 1)  # a runner that forgot where it was
                self.forgets_left -= 1
            if self.dice.random() < 0.5:
                self._tell()
        self._tell()
        return self.books

    def _batch(self) -> None:
        dice = self.dice
        readings = self.readings[self.read : self.read + dice.choice([0, 1, 1, 2, 5, 20])]
        settings = self.settings[self.settled : self.settled + dice.choice([0, 0, 0, 1, 2, 20])]
        self.read += len(readings)
        self.settled += len(settings)
        for worker in self.workers:
            mine = [entry for entry in readings if self.owners.get(entry.key, worker) is worker]
            if mine or settings:
                worker.take(dice, mine, settings, self.risk)

    def _move(self) -> None:
        """A device goes to another worker, which has all its packs from the start again, and says what follows."""
        device_id = self.dice.choice(sorted(self.owners))
        self._tell()  # the journal orders what the old owner said before what the new one says
        worker = next(w for w in self.workers if w is not self.owners[device_id])
        self.owners[device_id] = worker
        past = [entry for entry in self.readings[: self.read] if entry.key == device_id]
        for begin in range(0, len(past), 7):
            worker.take(self.dice, past[begin : begin + 7], [], self.risk)
        self._tell()
        self.verdicts += worker.whole_truth(device_id, _codes(entry.item for entry in self.settings))

    def _tell(self) -> None:
        """The books read what is new, and sometimes what they had already."""
        for worker in self.workers:
            self.verdicts += [v for v in worker.news() if self.owners[v.device_id] is worker]
        begin = self.dice.randrange(self.told + 1) if self.dice.random() < 0.3 else self.told
        for verdict in self.verdicts[begin:]:
            self.books.note(verdict)
        self.told = len(self.verdicts)


def _codes(facts: Iterator[Any]) -> set[str]:
    sets = [*built_in().values(), *(fact.rule_set for fact in facts if isinstance(fact, RulesInForce))]
    return {rule.code for rule_set in sets for rule in rule_set.rules}


def _settings(tales: list[Tale], dice: random.Random) -> list[Entry]:
    """All facts, some twice; what is newer of one key may come before what is older."""
    facts = [fact for tale in tales for fact in tale.facts]
    facts += [fact for fact in facts if dice.random() < 0.2]
    if dice.random() < 0.5:
        dice.shuffle(facts)
    return [Entry(offset, fact.key, fact) for offset, fact in enumerate(facts, 1)]


def _readings(tales: list[Tale], dice: random.Random) -> list[Entry]:
    """All packs of all devices, mixed, some twice, with heartbeats between them."""
    queues = [_heard(tale, dice) if tale.quality == "arrival" else _packs(tale, dice) for tale in tales]
    items: list[Pack | Heartbeat] = []
    at = NEW_YEAR
    while queues := [queue for queue in queues if queue]:
        items.append(dice.choice(queues).pop(0))
        at += dice.choice([0, 10_000, 10_000, 600_000])
        items.append(Heartbeat("gate", at))
    keys = [item.device_id if isinstance(item, Pack) else "gate" for item in items]
    return [Entry(offset, key, item) for offset, (key, item) in enumerate(zip(keys, items, strict=True), 1)]


Record = tuple[int, str, int | str]
"""An instant, a channel, and its value or why there was none."""


def _records(tale: Tale) -> list[Record]:
    measured: list[Record] = [(at, channel, value) for channel, column in tale.readings.items() for at, value in column]
    faulty: list[Record] = [(at, channel, fault) for channel, column in tale.faults.items() for at, fault in column]
    return sorted([*measured, *faulty], key=lambda record: (record[0], record[1], str(record[2])))


def _packs(tale: Tale, dice: random.Random) -> list[Pack]:
    """Of a device that numbers and dates: in any order, cut anywhere, readings and whole packs told again."""
    records = _records(tale)
    disorder = dice.choice([0, 0, 3, 1000])
    ranks = [(number + dice.random() * disorder, record) for number, record in enumerate(records)]
    records = [record for _, record in sorted(ranks, key=lambda rank: rank[0])]
    records += dice.sample(records, dice.randrange(len(records) // 3 + 1))
    packs: list[Pack] = []
    while records:
        size = dice.choice([1, 1, 2, 5, 30])
        packs.append(_pack(tale, len(packs) + 1, records[:size]))
        del records[:size]
    for _ in range(dice.randrange(len(packs) // 2 + 1)):
        packs.insert(dice.randrange(len(packs) + 1), dice.choice(packs))
    return packs


def _heard(tale: Tale, dice: random.Random) -> list[Pack]:
    """Of a device that names no times: a pack a record, dated as we heard it, and heard up to three times."""
    heard: list[Record] = []
    for at, channel, told in _records(tale):
        echoes = [] if isinstance(told, str) else dice.sample(range(1, SAME_ARRIVAL // SECOND + 1), dice.randrange(3))
        heard += [(at + after * SECOND, channel, told) for after in (0, *sorted(echoes))]
    return [_pack(tale, None, [record]) for record in sorted(heard, key=lambda record: record[0])]


def _pack(tale: Tale, seq: int | None, records: list[Record]) -> Pack:
    columns = []
    for channel in sorted({channel for _, channel, _ in records}):
        mine = [(at, told) for at, name, told in records if name == channel]
        measured = [(at, told) for at, told in mine if isinstance(told, int)]
        faulty = [(at, told) for at, told in mine if isinstance(told, str)]
        columns.append(
            Column(
                channel,
                tale.unit(channel),
                tuple(at for at, _ in measured),
                tuple(value for _, value in measured),
                tuple(at for at, _ in faulty),
                tuple(fault for _, fault in faulty),
            )
        )
    outbox_id = NO_OUTBOX if seq is None else "0f"
    return Pack(tale.device_id, outbox_id, seq, max(at for at, _, _ in records), tale.quality, tuple(columns))
