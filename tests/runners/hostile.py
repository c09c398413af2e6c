"""The hostile runner: runs the judge as badly as the world may, and tells what the books would have at the end.

It repeats packs, mixes devices, sends the old before the new, delays settings, cuts batches anywhere, starts again
from positions long passed, dies between any two writes or only stumbles there, moves devices from worker to worker,
and has the books read the same verdicts twice. Driven by one `random.Random`, so that a bad night can be repeated.
"""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coldchain.events import FOREVER, Heartbeat, Verdict
from coldchain.facts import RulesInForce
from coldchain.journal import Entry
from coldchain.journal.sqlite import read
from coldchain.judgement import ALWAYS, Interval
from coldchain.packs import Column, Pack
from coldchain.rules import built_in
from coldchain.sqlite import open_to_read
from coldchain.topics import VERDICTS
from stream.history import History
from stream.judge import Judge
from stream.memories import unpack_interval
from tests.stories import Tale
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
        while dice.random() < risk:
            with self._trapped(dice):
                self.judge.take(readings, settings)
                return
        self.judge.take(readings, settings)

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
    """What is known of a sensor when all has been said: the books' intervals, and the history of its last worker."""

    intervals: list[Interval]
    readings: list[tuple[int, int]]


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
    return {sensor: Morning(books.of(sensor), night.owners[sensor[0]].history(sensor)) for sensor in sensors}


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

    def play(self) -> Books:
        while self.read < len(self.readings) or self.settled < len(self.settings):
            self._batch()
            if self.dice.random() < 0.1:
                self._move()
            if self.dice.random() < 0.1:
                self.read = self.dice.randrange(self.read + 1)  # a runner that forgot where it was
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
    queues = [_packs(tale, dice) for tale in tales]
    items: list[Pack | Heartbeat] = []
    at = NEW_YEAR
    while queues := [queue for queue in queues if queue]:
        items.append(dice.choice(queues).pop(0))
        at += dice.choice([0, 10_000, 10_000, 600_000])
        items.append(Heartbeat("gate", at))
    keys = [item.device_id if isinstance(item, Pack) else "gate" for item in items]
    return [Entry(offset, key, item) for offset, (key, item) in enumerate(zip(keys, items, strict=True), 1)]


def _packs(tale: Tale, dice: random.Random) -> list[Pack]:
    records = [(at, channel, value) for channel, readings in tale.readings.items() for at, value in readings]
    records.sort()
    disorder = dice.choice([0, 0, 3, 1000])
    records = [record for _, record in sorted((n + dice.random() * disorder, r) for n, r in enumerate(records))]
    records += dice.sample(records, dice.randrange(len(records) // 3 + 1))
    packs: list[Pack] = []
    while records:
        size = dice.choice([1, 1, 2, 5, 30])
        packs.append(_pack(tale.device_id, len(packs) + 1, records[:size], dice))
        del records[:size]
    for _ in range(dice.randrange(len(packs) // 2 + 1)):
        packs.insert(dice.randrange(len(packs) + 1), dice.choice(packs))
    return packs


def _pack(device_id: str, seq: int, records: list[tuple[int, str, int]], dice: random.Random) -> Pack:
    columns = []
    for channel in sorted({channel for _, channel, _ in records}):
        mine = [(at, value) for at, name, value in records if name == channel]
        column = Column(channel, "Cel", tuple(at for at, _ in mine), tuple(value for _, value in mine))
        if dice.random() < 0.1:
            column = _with_fault(column, mine[0][0] + 1)
        columns.append(column)
    return Pack(device_id, "0f", seq, NEW_YEAR, "device", tuple(columns))


def _with_fault(column: Column, at: int) -> Column:
    return Column(column.channel, column.unit, column.measured_at, column.values, (at,), ("unplugged",))
