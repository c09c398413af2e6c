"""The judge: folds READINGS and SETTINGS into its memory, which is the history, and announces what follows.

One batch is one transaction of one file: chunks, memory, VERDICTS, SILENCES and the position together. A crash before
the commit leaves nothing, one after it everything; a repeated batch changes nothing.
"""

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from coldchain import crash
from coldchain.clock import SECOND
from coldchain.errors import Unavailable
from coldchain.events import FOREVER, Fault, Heartbeat, Outage, Silence, Verdict
from coldchain.facts import Enrolled, Fact, Facts, Placed, RulesInForce
from coldchain.journal import Entry
from coldchain.journal.sqlite import lay_out, write
from coldchain.judgement import Interval, difference, fold
from coldchain.packs import Column, Pack
from coldchain.quantities import CELSIUS
from coldchain.sqlite import POSITIONS, open_to_write, position, save_position, transaction
from coldchain.topics import READINGS, SETTINGS, SILENCES, VERDICTS
from coldchain.wire import decode, encode
from stream import chunks, exposure, sensors, stuck_probes
from stream.exposure import DayTotals
from stream.memories import pack_interval, unpack_interval
from stream.rejudgement import Late, Replay, rejudge, shorten_tail
from stream.sensors import Sensor
from stream.silences import BeatClock, Hearing
from stream.stuck_probes import StuckProbes

FOLLOWER = "stream.judge"

LATE_AT_ONCE = 24
"""So many packs of what was set aside are judged in one transaction: some ten milliseconds."""

ANEW_AT_ONCE = 1
"""Of so many sensors the past is judged anew at once; of more, one after the other, between the live batches."""

SAME_ARRIVAL = 10 * SECOND
"""Equal values of one sensor that we had to date ourselves are one reading within this time."""

_TABLES = (
    sensors.TABLE,
    sensors.INDEX,
    chunks.TABLE,
    stuck_probes.TABLE,
    exposure.TABLE,
    POSITIONS,
    "CREATE TABLE IF NOT EXISTS intervals (sensor INTEGER NOT NULL, code TEXT NOT NULL, started_at INTEGER NOT NULL, "
    "alarmed_at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (sensor, code, started_at, alarmed_at)) "
    "WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS devices (device_id TEXT PRIMARY KEY, body BLOB NOT NULL, revision INTEGER NOT NULL) "
    "WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS beat_clock (only INTEGER PRIMARY KEY CHECK (only = 1), body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS revision (only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO revision VALUES (1, 0)",
    "CREATE TABLE IF NOT EXISTS aside (number INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS anew (sensor INTEGER PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL)",
)

_PASSING = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
)
"""What may be over when the batch is taken again; anything else is our own mistake, and loud."""

_encoder = msgspec.msgpack.Encoder()
_hearing = msgspec.msgpack.Decoder(Hearing)
_beat_clock = msgspec.msgpack.Decoder(BeatClock)
_fact = msgspec.msgpack.Decoder(Fact)


@dataclass(slots=True)
class Taken:
    """What one batch led to, as it stands in VERDICTS and SILENCES."""

    verdicts: list[Verdict] = field(default_factory=list)
    silences: list[Silence | Fault | Outage] = field(default_factory=list)


@dataclass(slots=True)
class _News:
    """What a batch brings of one sensor, in the order of arrival."""

    unit: str
    columns: list[tuple[Pack, Column]] = field(default_factory=list)


class _NewsByKey(dict[tuple[str, str], _News]):
    """What a batch brings, by device and channel."""


def _gather(pack: Pack, news: _NewsByKey) -> None:
    if pack.quality == "undated":
        return
    for column in pack.columns:
        key = (pack.device_id, column.channel)
        if key not in news:
            news[key] = _News(column.unit)
        news[key].columns.append((pack, column))


class Stuck(Unavailable):
    """A batch could not be made durable, as on a full disk; the same batch may be taken again later."""


class Judge:
    """The only writer of its file. Not for two threads at once."""

    def __init__(self, path: Path) -> None:
        self._connection = open_to_write(path)
        with transaction(self._connection):
            for table in _TABLES:
                self._connection.execute(table)
            lay_out(self._connection, VERDICTS, SILENCES)
        self._remember()

    def _remember(self) -> None:
        """What is held beside the file, read anew: at the start, and after a batch that failed."""
        self._sensors: dict[tuple[str, str], Sensor] = {}
        rows = self._connection.execute("SELECT body FROM facts")
        self._facts = Facts(_fact.decode(body) for (body,) in rows)
        rows = self._connection.execute("SELECT device_id, body FROM devices")
        self._hearings = {device_id: _hearing.decode(body) for device_id, body in rows}
        self._stuck_probes = StuckProbes(self._connection, self._facts, self._sensor)
        self._day_totals = DayTotals(self._connection)
        self._aside = int(self._connection.execute("SELECT count(*) FROM aside").fetchone()[0])
        self._anew = self._connection.execute("SELECT EXISTS (SELECT 1 FROM anew)").fetchone()[0] == 1
        row = self._connection.execute("SELECT body FROM beat_clock").fetchone()
        self._clock = _beat_clock.decode(row[0]) if row else BeatClock()

    @property
    def passed_readings(self) -> int:
        """The last offset of READINGS whose effect is in the file."""
        return position(self._connection, READINGS, FOLLOWER)

    @property
    def passed_settings(self) -> int:
        return position(self._connection, SETTINGS, FOLLOWER)

    def close(self) -> None:
        self._connection.close()

    def take(
        self, readings: Sequence[Entry] = (), settings: Sequence[Entry] = (), *, late_may_wait: bool = False
    ) -> Taken:
        """Fold entries of READINGS and of SETTINGS; durable, with all that follows from them, on return.

        Where `late_may_wait`, what belongs far into the past is only set aside, durable too, for `catch_up`: the order
        of arrival never matters, and neither a flood of old readings nor new rules for many sensors keep a live one
        waiting.

        Raises Stuck, and leaves everything as it was, where the file cannot be written just now.
        """
        with self._all_or_nothing():
            taken, aside = self._take(readings, settings, late_may_wait)
            crash.point("judge.folded")
        self._aside += aside
        crash.point("judge.committed")
        return taken

    @property
    def is_behind(self) -> bool:
        """Whether packs were set aside, or sensors are to be judged anew: what `catch_up` does."""
        return self._aside > 0 or self._anew

    def catch_up(self) -> Taken:
        """Judge the oldest of what was set aside, so much as keeps nobody waiting. Raises Stuck, as `take` does."""
        return self._take_late() if self._aside else self._judge_one_anew()

    def _judge_one_anew(self) -> Taken:
        """One of the sensors that dated facts concern, over its whole span."""
        with self._all_or_nothing():
            taken = Taken()
            row = self._connection.execute(
                "SELECT sensor, device_id, channel, anew.since, until FROM anew "
                "JOIN sensors ON sensors.number = anew.sensor ORDER BY sensor LIMIT 1"
            ).fetchone()
            if row is not None:
                number, device_id, channel, since, until = row
                span = {(device_id, channel): (since, until)}
                self._conclude(_NewsByKey(), span, set(), self._next_revision(), taken)
                self._connection.execute("DELETE FROM anew WHERE sensor = ?", (number,))
            crash.point("judge.caught-up")
        self._anew = row is not None
        return taken

    def _take_late(self) -> Taken:
        with self._all_or_nothing():
            rows = self._connection.execute(
                "SELECT number, body FROM aside ORDER BY number LIMIT ?", (LATE_AT_ONCE,)
            ).fetchall()
            taken, news = Taken(), _NewsByKey()
            for _, body in rows:
                _gather(decode(READINGS, body), news)
            self._conclude(news, {}, set(), self._next_revision(), taken)
            if rows:
                self._connection.execute("DELETE FROM aside WHERE number <= ?", (rows[-1][0],))
            crash.point("judge.caught-up")
        self._aside -= len(rows)
        return taken

    def add_up(self) -> bool:
        """Make some totals of days that are over, in some milliseconds; whether there may be more to do.

        They can be made again from the readings, so that a power cut may lose them. Raises Stuck.
        """
        self._connection.execute("PRAGMA synchronous = NORMAL")
        try:
            with self._all_or_nothing():
                is_more = self._day_totals.add_up()
                crash.point("judge.added-up")
        finally:
            self._connection.execute("PRAGMA synchronous = FULL")
        return is_more

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        try:
            with transaction(self._connection):
                yield
        except sqlite3.OperationalError as why:
            self._remember()
            if why.sqlite_errorcode & 0xFF not in _PASSING:
                raise
            raise Stuck(f"the judge's file cannot be written: {why}") from why
        except BaseException:  # what is held beside the file must not outlive a rollback; the trouble goes on
            self._remember()
            raise

    def _take(self, readings: Sequence[Entry], settings: Sequence[Entry], late_may_wait: bool) -> tuple[Taken, int]:
        taken = Taken()
        revision = self._next_revision()
        news = _NewsByKey()
        spans = self._settle([entry.item for entry in settings])
        if late_may_wait and len(spans) > ANEW_AT_ONCE:
            self._put_off(spans)
            spans = {}
        heard: set[str] = set()
        aside = []
        for entry in readings:
            if isinstance(entry.item, Pack):
                self._hear(entry.item, heard, taken)
                if late_may_wait and self._is_old(entry.item):
                    aside.append(entry.item)
                else:
                    _gather(entry.item, news)
            elif isinstance(entry.item, Heartbeat):
                heard |= self._beat(entry.item, taken)
        self._connection.executemany("INSERT INTO aside (body) VALUES (?)", [(encode(pack),) for pack in aside])
        self._conclude(news, spans, heard, revision, taken)
        if readings:
            save_position(self._connection, READINGS, FOLLOWER, readings[-1].offset)
        if settings:
            save_position(self._connection, SETTINGS, FOLLOWER, settings[-1].offset)
        return taken, len(aside)

    def _conclude(
        self,
        news: "_NewsByKey",
        spans: dict[tuple[str, str], tuple[int, int]],
        heard: set[str],
        revision: int,
        taken: Taken,
    ) -> None:
        """Judge what is new of each sensor, keep it, and announce what follows."""
        judged = [self._judge(key, news.get(key), spans.get(key), taken) for key in news.keys() | spans.keys()]
        sensors.save(self._connection, sorted(judged, key=attrgetter("number")), revision)
        self._save_hearings(heard, revision)
        write(self._connection, VERDICTS, ((verdict.device_id, verdict) for verdict in taken.verdicts))
        write(self._connection, SILENCES, ((_key_of(event), event) for event in taken.silences))

    def _is_old(self, pack: Pack) -> bool:
        """Whether any of it belongs into chunks that are sealed. What we date ourselves is judged in its order."""
        if pack.quality == "arrival":
            return False
        for column in pack.columns:
            sensor = self._sensor(pack.device_id, column.channel)
            if (
                sensor is not None
                and min((*column.measured_at[:1], *column.faulty_at[:1]), default=FOREVER) < sensor.since
            ):
                return True
        return False

    def _next_revision(self) -> int:
        row = self._connection.execute("UPDATE revision SET number = number + 1 RETURNING number").fetchone()
        return int(row[0])

    # Settings

    def _put_off(self, spans: dict[tuple[str, str], tuple[int, int]]) -> None:
        """Keep in mind that these sensors are to be judged anew; until then their past stands as it was judged."""
        known = [(sensor.number, *span) for key, span in spans.items() if (sensor := self._sensor(*key)) is not None]
        self._connection.executemany(
            "INSERT INTO anew VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
            "SET since = min(since, excluded.since), until = max(until, excluded.until)",
            known,
        )
        self._anew = True

    def _settle(self, facts: list[Fact]) -> dict[tuple[str, str], tuple[int, int]]:
        """Take dated facts in; gives, for each sensor they concern, the span that must be judged anew."""
        if not facts:
            return {}
        concerned = [self._sensor(*key) for key in self._concerned(facts)]
        for fact in facts:
            if self._facts.note(fact):
                if isinstance(fact, Enrolled):
                    self._day_totals.promised(fact)
                self._connection.execute(
                    "INSERT OR REPLACE INTO facts VALUES (?, ?)", (fact.key, _encoder.encode(fact))
                )
        spans = {}
        for sensor in filter(None, concerned):
            timeline = self._facts.timeline(*sensor.key, sensor.unit)
            span = difference(sensor.timeline, timeline)
            sensor.timeline = timeline
            if span is not None:
                spans[sensor.key] = (span[0], FOREVER if span[1] is None else span[1])
        return spans

    def _concerned(self, facts: list[Fact]) -> set[tuple[str, str]]:
        if all(isinstance(fact, Enrolled | Placed) or fact.storage_point_id is not None for fact in facts):
            ids = {fact.device_id for fact in facts if isinstance(fact, Enrolled | Placed)}
            for fact in facts:
                if isinstance(fact, RulesInForce) and fact.storage_point_id is not None:
                    ids |= self._facts.devices_at(fact.storage_point_id)
            rows: Iterable[Any] = (
                row
                for device_id in ids
                for row in self._connection.execute(
                    "SELECT device_id, channel FROM sensors WHERE device_id = ?", (device_id,)
                )
            )
        else:
            rows = self._connection.execute("SELECT device_id, channel FROM sensors")
        return {(device_id, channel) for device_id, channel in rows}

    # Time and hearing

    def _hear(self, pack: Pack, heard: set[str], taken: Taken) -> None:
        if pack.is_from_file:  # what a person carries in is no word of the device
            return
        before = self._hearings.get(pack.device_id) or Hearing(pack.device_id, self._clock.known, pack.received_at)
        hearing, back = before.spoke(self._clock, pack.received_at)
        hearing = hearing.with_pack(
            is_numbering=pack.seq is not None,
            is_dated_by_arrival=pack.quality == "arrival",
            undated_at=pack.received_at if pack.quality == "undated" and pack.columns else None,
        )
        self._hearings[pack.device_id] = hearing
        heard.add(pack.device_id)
        if back is not None:
            taken.silences.append(back)

    def _beat(self, beat: Heartbeat, taken: Taken) -> set[str]:
        self._clock, outage = self._clock.beaten(beat.at)
        if outage is not None:
            taken.silences.append(outage)
        self._connection.execute("INSERT OR REPLACE INTO beat_clock VALUES (1, ?)", (_encoder.encode(self._clock),))
        fallen = set()
        for device_id, hearing in self._hearings.items():
            if hearing.silent_at is not None or self._facts.device(device_id) is None:
                continue
            fell = hearing.fell_silent(self._clock, self._facts.interval_at(device_id, beat.at))
            if fell is not None:
                self._hearings[device_id], silence = fell
                taken.silences.append(silence)
                fallen.add(device_id)
        return fallen

    def _save_hearings(self, heard: set[str], revision: int) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO devices VALUES (?, ?, ?)",
            ((device_id, _encoder.encode(self._hearings[device_id]), revision) for device_id in sorted(heard)),
        )

    # Readings

    def _judge(
        self,
        key: tuple[str, str],
        news: _News | None,
        span: tuple[int, int] | None,
        taken: Taken,
    ) -> Sensor:
        sensor = self._sensor(*key)
        if sensor is None:
            unit = news.unit if news else CELSIUS
            sensor = sensors.enter(self._connection, *key, unit, self._facts.timeline(*key, unit))
            self._sensors[key] = sensor
        fault_before = _fault_of(sensor)
        column = self._joined(sensor, news) if news else None
        if span is None and column is not None and _follows(sensor, column):
            replays = self._append(sensor, column)
            is_late = False
        else:
            late = Late(spans=[span] if span else [])
            if column is not None:
                late.readings.update(zip(column.measured_at, column.values, strict=True))
                late.faults.update(zip(column.faulty_at, column.faults, strict=True))
            replays = rejudge(self._connection, sensor, late)
            sensor.note_newest(late.readings, late.faults)
            self._day_totals.forget(sensor.number, sensor.device_id, (at for at, _ in late.readings))
            is_late = True
        for replay in replays:
            self._announce(sensor, replay, is_late, taken)
        self._note_fault(sensor, fault_before, is_late, taken)
        stuck = self._stuck_probes.look(sensor)
        if stuck is not None:
            taken.silences.append(stuck)
        if news:
            heard_at = [pack.received_at for pack, _ in news.columns if not pack.is_from_file]
            sensor.received_at = max(sensor.received_at, *heard_at) if heard_at else sensor.received_at
        shorten_tail(self._connection, sensor)
        return sensor

    def _joined(self, sensor: Sensor, news: _News) -> Column:
        """All that a batch brings of a sensor, as one column in the order of arrival."""
        if len(news.columns) == 1 and news.columns[0][0].quality != "arrival":
            return news.columns[0][1]
        readings: list[tuple[int, int]] = []
        faults: list[tuple[int, str]] = []
        for pack, column in news.columns:
            for at, value in zip(column.measured_at, column.values, strict=True):
                if pack.quality != "arrival" or not self._echoes(sensor, readings, at, value):
                    readings.append((at, value))
            faults.extend(zip(column.faulty_at, column.faults, strict=True))
        return Column(
            sensor.channel,
            sensor.unit,
            tuple(at for at, _ in readings),
            tuple(value for _, value in readings),
            tuple(at for at, _ in faults),
            tuple(fault for _, fault in faults),
        )

    def _echoes(self, sensor: Sensor, before: Sequence[tuple[int, int]], at: int, value: int) -> bool:
        """Whether a reading that we dated by its arrival was had already, seconds before or after."""
        begin = bisect_left(sensor.instants, at - SAME_ARRIVAL)
        end = bisect_right(sensor.instants, at + SAME_ARRIVAL)
        if value in sensor.values[begin:end]:
            return True
        if any(value == known and abs(at - known_at) <= SAME_ARRIVAL for known_at, known in before):
            return True
        return at - SAME_ARRIVAL < sensor.since and chunks.holds(
            self._connection, sensor.number, value, at - SAME_ARRIVAL, at + SAME_ARRIVAL
        )

    def _sensor(self, device_id: str, channel: str) -> Sensor | None:
        key = (device_id, channel)
        sensor = self._sensors.get(key)
        if sensor is None:
            sensor = sensors.load(
                self._connection, device_id, channel, lambda unit: self._facts.timeline(device_id, channel, unit)
            )
            if sensor is not None:
                self._sensors[key] = sensor
        return sensor

    def _append(self, sensor: Sensor, column: Column) -> list[Replay]:
        """The usual case: what comes is newer than all that is known. Mostly nothing is out, and nothing follows."""
        before = after = sensor.memory
        ended: list[Interval] = []
        sensor.instants.extend(column.measured_at)
        sensor.values.extend(column.values)
        sensor.faults.extend(zip(column.faulty_at, column.faults, strict=True))
        if sensor.is_judged and column.measured_at:
            after, ended = fold(before, column.measured_at, column.values, sensor.timeline)
            sensor.memory = after
        if column.measured_at:
            sensor.last_at, sensor.last_value = column.measured_at[-1], column.values[-1]
        if column.faulty_at:
            sensor.last_fault_at, sensor.last_fault = column.faulty_at[-1], column.faults[-1]
        if not (before.going_on or after.going_on or ended):
            return []
        since = column.measured_at[0] if column.measured_at else FOREVER
        return [Replay(since, FOREVER, before, after, ended)]

    # What follows

    def _announce(self, sensor: Sensor, replay: Replay, is_late: bool, taken: Taken) -> None:
        """The verdict on each rule of which there are, or were, intervals in the replayed span.

        What had ended before the replay began stays: a sum may still hold readings of an interval long over.
        """
        codes = replay.codes() | (self._codes_kept(sensor, replay) if is_late else set())
        for code in sorted(codes):
            since, until = replay.span(code)
            if since >= until:
                continue
            before = self._kept(sensor, code, since, until)
            settled = [i for i in before if i.ended_at is not None and i.ended_at < replay.since]
            now = sorted([*settled, *replay.intervals(code)], key=lambda i: (i.started_at, i.alarmed_at))
            if not now and not before:
                continue
            if now != before:
                self._keep(sensor, code, since, until, now)
            elif not is_late:
                continue
            taken.verdicts.append(Verdict(*sensor.key, code, since, until, tuple(now)))

    def _codes_kept(self, sensor: Sensor, replay: Replay) -> set[str]:
        rows = self._connection.execute(
            "SELECT DISTINCT code FROM intervals WHERE sensor = ? AND started_at < ?", (sensor.number, replay.until)
        )
        return {code for (code,) in rows}

    def _kept(self, sensor: Sensor, code: str, since: int, until: int) -> list[Interval]:
        rows = self._connection.execute(
            "SELECT body FROM intervals WHERE sensor = ? AND code = ? AND started_at >= ? AND started_at < ? "
            "ORDER BY started_at, alarmed_at",
            (sensor.number, code, since, until),
        )
        return [unpack_interval(body) for (body,) in rows]

    def _keep(self, sensor: Sensor, code: str, since: int, until: int, intervals: list[Interval]) -> None:
        self._connection.execute(
            "DELETE FROM intervals WHERE sensor = ? AND code = ? AND started_at >= ? AND started_at < ?",
            (sensor.number, code, since, until),
        )
        self._connection.executemany(
            "INSERT INTO intervals VALUES (?, ?, ?, ?, ?)",
            ((sensor.number, code, i.started_at, i.alarmed_at, pack_interval(i)) for i in intervals),
        )

    def _note_fault(self, sensor: Sensor, before: tuple[str, int] | None, is_late: bool, taken: Taken) -> None:
        """Find out since when there are only faults, and tell where that changed."""
        is_faulty = sensor.last_fault_at is not None and (
            sensor.last_at is None or sensor.last_fault_at > sensor.last_at
        )
        if not is_faulty:
            sensor.faulty_since = None
        elif is_late or sensor.faulty_since is None or (sensor.last_at or 0) >= sensor.faulty_since:
            sensor.faulty_since = self._faulty_since(sensor)
        after = _fault_of(sensor)
        if after == before:
            return
        if before is not None and (after is None or after[1] != before[1]):
            back_at = bisect_right(sensor.instants, before[1])
            never_was = before[1] if after is not None else sensor.last_at  # or began earlier than we knew
            ended_at = sensor.instants[back_at] if back_at < len(sensor.instants) else never_was
            taken.silences.append(Fault(*sensor.key, before[0], before[1], ended_at))
        if after is not None:
            taken.silences.append(Fault(*sensor.key, after[0], after[1]))

    def _faulty_since(self, sensor: Sensor) -> int | None:
        """The first fault after the last value, however far back."""
        after = sensor.last_at if sensor.last_at is not None else -FOREVER
        first = next((at for at, _ in sensor.faults if at > after), None)
        if first is not None and first != sensor.faults[0][0]:
            return first
        for chunk in chunks.newest_first(self._connection, sensor.number):
            first = next((at for at, _ in chunk.faults if at > after), first)
            if chunk.instants or (chunk.faults and chunk.faults[0][0] <= after):
                break
        return first


def _follows(sensor: Sensor, column: Column) -> bool:
    """Whether all of a column is newer than all that is known of the sensor, and in order."""
    return _continues(column.measured_at, sensor.since, sensor.last_at) and _continues(
        column.faulty_at, sensor.since, sensor.last_fault_at
    )


def _continues(instants: Sequence[int], since: int, last: int | None) -> bool:
    if not instants:
        return True
    if instants[0] < since or (last is not None and instants[0] <= last):
        return False
    return all(map(int.__lt__, instants, instants[1:]))


def _fault_of(sensor: Sensor) -> tuple[str, int] | None:
    if sensor.faulty_since is None or sensor.last_fault is None:
        return None
    return sensor.last_fault, sensor.faulty_since


def _key_of(event: Silence | Fault | Outage) -> str:
    return "gate" if isinstance(event, Outage) else event.device_id
