"""The history: what the judge's file says of any sensor and any time. Read-only, for the desk; safe over threads."""

import sqlite3
import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from coldchain.clock import HOUR, MINUTE
from coldchain.events import FOREVER
from coldchain.exposure import Exposure
from coldchain.facts import Fact, Facts
from coldchain.judgement import Memory, Run, Tally
from coldchain.quantities import Quantity
from coldchain.readings import STUCK
from coldchain.rules import Severity
from coldchain.sqlite import open_to_read
from stream import exposure
from stream.chunks import unpack_faults
from stream.columns import unpack
from stream.memories import unpack_memory
from stream.silences import Hearing
from stream.warming import spells_below

_hearing = msgspec.msgpack.Decoder(Hearing)
_fact = msgspec.msgpack.Decoder(Fact)

TREND_OVER = 50 * MINUTE
LEAST_TREND = 10 * MINUTE
"""A trend is told over the last fifty minutes of readings, if they span at least ten."""

QUARTER = 15 * MINUTE
"""The quarter hours of `SensorNow.recent`, and of the strips that are made of them."""

Band = tuple[int | None, int | None]
"""Lowest and highest centidegrees; None where it is open."""

Cursor = tuple[int, str, int]
"""Where a page of readings ended: instant, channel, value."""


@dataclass(frozen=True, slots=True)
class Record:
    """A reading as it was kept: `value` in hundredths of `unit` (centidegrees for Cel), or None and the `fault`."""

    channel: str
    unit: str
    measured_at: int
    value: int | None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Readings of a stretch of time that begins at `since` (ms UTC); lowest, highest and sum in centidegrees."""

    since: int
    low: int
    high: int
    total: int
    count: int

    @property
    def mean(self) -> float:
        return self.total / self.count

    def joined(self, other: "Bucket") -> "Bucket":
        return Bucket(
            self.since,
            min(self.low, other.low),
            max(self.high, other.high),
            self.total + other.total,
            self.count + other.count,
        )


@dataclass(frozen=True, slots=True)
class GoingOn:
    """A rule that a sensor is breaking now, or of which a sum is running; `alarmed_at` once its duration (ms) is full.

    Of a sum, `out` is what counts in it now, `is_out` whether it grows, and `full_at` when it is full at the earliest.
    """

    code: str
    severity: Severity
    limit: int
    is_upper: bool
    started_at: int
    last_at: int
    duration: int
    alarmed_at: int | None
    out: int
    unknown: int
    rule_set: str = ""
    rule_version: int = 0
    stay: str | None = None
    quantity: Quantity = "temperature"
    is_sum: bool = False
    window: int | None = None
    is_out: bool = True
    earliest: int | None = None

    @property
    def full_at(self) -> int:
        """When the duration is full at the earliest (ms UTC)."""
        return self.started_at + self.duration if self.earliest is None else self.earliest


@dataclass(frozen=True, slots=True)
class SensorNow:
    """What is known of a sensor at this moment. `faulty_since` is set while its newest records are faults.

    `recent` are the quarter hours from `recent_since` (ms UTC) on that have readings, whole.
    """

    device_id: str
    channel: str
    unit: str
    last_at: int | None
    last_value: int | None
    last_fault: str | None
    faulty_since: int | None
    received_at: int
    going_on: tuple[GoingOn, ...]
    trend_c_per_h: float | None
    revision: int
    recent_since: int = FOREVER
    recent: tuple[Bucket, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceNow:
    """What is known of a device: `silent_since` while it is silent, `undated_at` if it sent what nobody could date."""

    device_id: str
    last_heard_at: int
    silent_since: int | None
    is_numbering: bool
    is_dated_by_arrival: bool
    undated_at: int | None
    revision: int


@dataclass(frozen=True, slots=True)
class _Stored:
    """Sealed readings, or the tail; what lies in between is read only where it is asked for."""

    first_at: int
    last_at: int
    count: int
    low: int
    high: int
    total: int
    longest_gap: int
    readings: bytes
    faults: bytes
    tail: tuple[Sequence[int], Sequence[int]] | None = None

    def columns(self) -> tuple[Sequence[int], Sequence[int]]:
        return self.tail if self.tail is not None else unpack(self.readings)


class History:
    """Opens the judge's file when first asked. Raises FileMissing while the judge has not made it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_to_read(self._path)
        return connection

    def readings(
        self, device_id: str, since: int, until: int, after: Cursor | None = None, limit: int = 1000
    ) -> list[Record]:
        """Records of all the device's channels in [since, until), ordered by (instant, channel, value)."""
        begin = max(since, after[0]) if after else since
        rows: list[Record] = []
        for number, channel, unit in self._numbers(device_id):
            rows += self._records(number, channel, unit, begin, until, limit, after)
        rows.sort(key=_cursor)
        return rows[:limit]

    def _records(
        self, number: int, channel: str, unit: str, since: int, until: int, limit: int, after: Cursor | None
    ) -> list[Record]:
        rows: list[Record] = []
        for stored in self._stored(number, since, until):
            instants, values = stored.columns()
            begin, end = bisect_left(instants, since), bisect_left(instants, until)
            part = [Record(channel, unit, instants[i], values[i]) for i in range(begin, end)]
            part += [
                Record(channel, unit, at, None, fault)
                for at, fault in unpack_faults(stored.faults)
                if since <= at < until
            ]
            rows += [row for row in part if after is None or _cursor(row) > after]
            if len(rows) >= limit:
                break
        return rows

    def chart(
        self, device_id: str, channel: str, since: int, until: int, buckets: int, calm: Band | None = None
    ) -> list[Bucket]:
        """Up to so many equal buckets over [since, until); those without readings are left out.

        Where all that a sealed chunk holds is `calm`, its readings stand in the bucket of its first one together, and
        the chunk is not unpacked.
        """
        number = self._number(device_id, channel)
        if number is None or until <= since or buckets < 1:
            return []
        width = max(1, -(-(until - since) // buckets))
        found: dict[int, Bucket] = {}
        for stored in self._stored(number, since, until):
            if not stored.count:
                continue
            first, last = (stored.first_at - since) // width, (stored.last_at - since) // width
            is_inside = since <= stored.first_at and stored.last_at < until
            if is_inside and (first == last or _is_calm(stored, calm)):
                _add(found, Bucket(since + first * width, stored.low, stored.high, stored.total, stored.count))
                continue
            instants, values = stored.columns()
            for bucket in _buckets(instants, values, since, until, width):
                _add(found, bucket)
        return [found[at] for at in sorted(found)]

    def columns(self, device_id: str, channel: str, since: int, until: int) -> tuple[list[int], list[int]]:
        """Instants and values of the channel's readings in [since, until), in order."""
        number = self._number(device_id, channel)
        instants: list[int] = []
        values: list[int] = []
        if number is None:
            return instants, values
        for stored in self._stored(number, since, until):
            at, value = stored.columns()
            begin, end = bisect_left(at, since), bisect_left(at, until)
            instants += at[begin:end]
            values += value[begin:end]
        return instants, values

    def spells_below(self, device_id: str, channel: str, level: int, since: int, until: int) -> list[tuple[int, int]]:
        """Spans of [since, until) in which a switch was below the level; what never was is not even unpacked."""
        number = self._number(device_id, channel)
        instants: list[int] = []
        values: list[int] = []
        for stored in self._stored(number, since, until) if number is not None else ():
            if stored.count and stored.low >= level:
                instants += (stored.first_at, stored.last_at)
                values += (stored.low, stored.low)
                continue
            at, value = stored.columns()
            begin, end = bisect_left(at, since), bisect_left(at, until)
            instants += at[begin:end]
            values += value[begin:end]
        return spells_below(instants, values, level)

    def gaps(self, device_id: str, channel: str, since: int, until: int, longest_known: int) -> list[tuple[int, int]]:
        """Spans inside [since, until) between two readings further apart than `longest_known` (ms), or after the last.

        What precedes the first reading ever is no gap.
        """
        number = self._number(device_id, channel)
        if number is None:
            return []
        gaps = []
        last = self._last_before(number, since)
        for stored in self._stored(number, since, until):
            for first, final in _spells(stored, since, until, longest_known):
                if last is not None and first - last > longest_known:
                    gaps.append((max(last, since), first))
                last = final
        if last is not None and until - last > longest_known:
            gaps.append((max(last, since), until))
        return gaps

    def exposures(self, device_id: str, channel: str, edges: Sequence[int]) -> list[Exposure]:
        """What the sensor was exposed to between each two neighbouring edges (ms UTC, in order)."""
        connection = self._connection()
        with _one_moment(connection):
            return exposure.read(connection, device_id, channel, edges)

    def sensors(self, device_ids: Sequence[str] | None = None) -> list[SensorNow]:
        """Of these devices, or of all."""
        if device_ids is None:
            return [_sensor_now(row) for row in self._connection().execute(f"{_SENSORS} ORDER BY device_id, channel")]
        return [
            _sensor_now(row)
            for part in _parts(device_ids)
            for row in self._connection().execute(
                f"{_SENSORS} WHERE device_id IN ({','.join('?' * len(part))}) ORDER BY device_id, channel", part
            )
        ]

    def devices(self, device_ids: Sequence[str] | None = None) -> dict[str, DeviceNow]:
        """Those of them that were ever heard."""
        if device_ids is None:
            rows = self._connection().execute("SELECT body, revision FROM devices").fetchall()
        else:
            rows = [
                row
                for part in _parts(device_ids)
                for row in self._connection().execute(
                    f"SELECT body, revision FROM devices WHERE device_id IN ({','.join('?' * len(part))})", part
                )
            ]
        return {now.device_id: now for now in (_device_now(body, revision) for body, revision in rows)}

    def facts(self) -> Facts:
        """The dated facts by which the judge judges now."""
        return Facts(_fact.decode(body) for (body,) in self._connection().execute("SELECT body FROM facts"))

    def revision(self) -> int:
        """Grows with every batch that the judge has taken."""
        return int(self._connection().execute("SELECT number FROM revision").fetchone()[0])

    def changed_since(self, revision: int) -> list[SensorNow]:
        return [
            _sensor_now(row)
            for row in self._connection().execute(f"{_SENSORS} WHERE revision > ? ORDER BY revision", (revision,))
        ]

    def devices_changed_since(self, revision: int) -> list[DeviceNow]:
        rows = self._connection().execute("SELECT body, revision FROM devices WHERE revision > ?", (revision,))
        return [_device_now(body, changed) for body, changed in rows]

    def _numbers(self, device_id: str) -> list[tuple[int, str, str]]:
        return (
            self._connection()
            .execute("SELECT number, channel, unit FROM sensors WHERE device_id = ?", (device_id,))
            .fetchall()
        )

    def _number(self, device_id: str, channel: str) -> int | None:
        row = (
            self._connection()
            .execute("SELECT number FROM sensors WHERE device_id = ? AND channel = ?", (device_id, channel))
            .fetchone()
        )
        return row[0] if row else None

    def _stored(self, number: int, since: int, until: int) -> Iterator[_Stored]:
        """Chunks and tail that may hold something in [since, until), in order, as one moment of the file."""
        connection = self._connection()
        with _one_moment(connection):
            rows = connection.execute(
                "SELECT first_at, last_at, count, low, high, total, longest_gap, readings, faults FROM chunks "
                "WHERE sensor = ? AND since < ? AND since >= "
                "coalesce((SELECT max(since) FROM chunks WHERE sensor = ? AND since <= ?), ?) ORDER BY since",
                (number, until, number, since, -(1 << 62)),
            ).fetchall()
            tail = connection.execute(
                "SELECT since, instants, measured, faults FROM sensors WHERE number = ?", (number,)
            ).fetchone()
        for row in rows:
            yield _Stored(*row)
        if tail is not None and tail[0] < until:
            yield _tail(*tail)

    def _last_before(self, number: int, since: int) -> int | None:
        """The newest reading before the instant."""
        row = (
            self._connection()
            .execute(
                "SELECT readings FROM chunks WHERE sensor = ? AND first_at < ? AND count > 0 "
                "ORDER BY since DESC LIMIT 1",
                (number, since),
            )
            .fetchone()
        )
        instants = [*(unpack(row[0])[0] if row else ())]
        (tail,) = self._connection().execute("SELECT instants FROM sensors WHERE number = ?", (number,)).fetchone()
        instants += array("q", tail)
        place = bisect_left(instants, since)
        return instants[place - 1] if place else None


_SENSORS = (
    "SELECT device_id, channel, unit, last_at, last_value, "
    f"CASE WHEN faulty_since IS NULL AND stuck.since IS NOT NULL THEN '{STUCK}' ELSE last_fault END, "
    "coalesce(faulty_since, stuck.since), received_at, memory, instants, measured, revision "
    "FROM sensors LEFT JOIN stuck ON stuck.sensor = sensors.number"
)

_Row = tuple[Any, ...]


class _one_moment:  # reads as a phrase
    """Several reads of one state of the file, whatever the judge commits meanwhile."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN")

    def __exit__(self, *_: object) -> None:
        self._connection.execute("COMMIT")


def _is_calm(stored: _Stored, calm: Band | None) -> bool:
    if calm is None:
        return False
    low, high = calm
    return (low is None or low <= stored.low) and (high is None or stored.high <= high)


def _tail(_since: int, instants: bytes, values: bytes, faults: bytes) -> _Stored:
    at, value = array("q", instants), array("i", values)
    if not at:
        return _Stored(0, 0, 0, 0, 0, 0, 0, b"", faults, ((), ()))
    longest = max((later - earlier for earlier, later in pairwise(at)), default=0)
    return _Stored(at[0], at[-1], len(at), min(value), max(value), sum(value), longest, b"", faults, (at, value))


def _spells(stored: _Stored, since: int, until: int, longest_known: int) -> Iterator[tuple[int, int]]:
    """First and last instants of readings without a gap between; a chunk that has none inside is not unpacked."""
    is_inside = since <= stored.first_at and stored.last_at < until and not stored.faults
    if stored.count and is_inside and stored.longest_gap <= longest_known:
        yield stored.first_at, stored.last_at
        return
    instants, _ = stored.columns()
    for at in instants[bisect_left(instants, since) : bisect_left(instants, until)]:
        yield at, at


def _cursor(row: Record) -> Cursor:
    return (row.measured_at, row.channel, row.value if row.value is not None else -(1 << 31))


def _buckets(instants: Sequence[int], values: Sequence[int], since: int, until: int, width: int) -> Iterator[Bucket]:
    begin, end = bisect_left(instants, since), bisect_left(instants, until)
    while begin < end:
        number = (instants[begin] - since) // width
        following = min(end, bisect_left(instants, since + (number + 1) * width, begin))
        part = values[begin:following]
        yield Bucket(since + number * width, min(part), max(part), sum(part), len(part))
        begin = following


def _add(found: dict[int, Bucket], bucket: Bucket) -> None:
    known = found.get(bucket.since)
    found[bucket.since] = bucket if known is None else known.joined(bucket)


def _sensor_now(row: _Row) -> SensorNow:
    device_id, channel, unit, last_at, last_value, last_fault, faulty_since, received_at, *rest = row
    memory, instants_body, values_body, revision = rest
    instants, values = array("q", instants_body), array("i", values_body)
    recent_since, recent = _recent(instants, values)
    return SensorNow(
        device_id,
        channel,
        unit,
        last_at,
        last_value,
        last_fault if faulty_since is not None else None,
        faulty_since,
        received_at,
        _going_on(unpack_memory(memory)),
        _trend(instants, values),
        revision,
        recent_since,
        recent,
    )


def _going_on(memory: Memory) -> tuple[GoingOn, ...]:
    return tuple(_run(one) if isinstance(one, Run) else _sum(one) for one in memory.going_on)


def _run(run: Run) -> GoingOn:
    return GoingOn(
        code=run.rule.code,
        severity=run.rule.severity,
        limit=run.rule.limit,
        is_upper=run.rule.is_upper,
        started_at=run.started_at,
        last_at=run.last_at,
        duration=run.rule.duration,
        alarmed_at=run.alarmed_at,
        out=run.out,
        unknown=run.unknown,
        rule_set=run.rule_set,
        rule_version=run.rule_version,
        stay=run.stay,
        quantity=run.rule.quantity,
    )


def _sum(tally: Tally) -> GoingOn:
    """Begun with the first reading that counts in it; before any has counted, with the one that is out now."""
    counting = [piece.at for piece in tally.pieces if piece.known]
    begun_at = counting[0] if counting else tally.last_at
    return GoingOn(
        code=tally.rule.code,
        severity=tally.rule.severity,
        limit=tally.rule.limit,
        is_upper=tally.rule.is_upper,
        started_at=begun_at if tally.started_at is None else tally.started_at,
        last_at=tally.last_at,
        duration=tally.rule.duration,
        alarmed_at=tally.alarmed_at,
        out=tally.inside(tally.last_at),
        unknown=tally.unknown,
        rule_set=tally.rule_set,
        rule_version=tally.rule_version,
        stay=tally.stay,
        quantity=tally.rule.quantity,
        is_sum=True,
        window=tally.rule.window,
        is_out=tally.last_out is not None,
        earliest=tally.full_at_earliest(),
    )


def _recent(instants: "array[int]", values: "array[int]") -> tuple[int, tuple[Bucket, ...]]:
    """The last two quarter hours that begin inside the tail; where there is none, nothing is known of any."""
    if not instants:
        return FOREVER, ()
    newest = instants[-1] // QUARTER * QUARTER
    since = newest if instants[0] > newest - QUARTER else newest - QUARTER
    if instants[0] > since:
        return FOREVER, ()
    return since, tuple(_buckets(instants, values, since, newest + QUARTER, QUARTER))


def _trend(instants: "array[int]", values: "array[int]") -> float | None:
    """Degrees an hour over the newest readings, None where they are too few."""
    if not instants:
        return None
    begin = bisect_left(instants, instants[-1] - TREND_OVER)
    span = instants[-1] - instants[begin]
    if span < LEAST_TREND:
        return None
    return round((values[-1] - values[begin]) / 100 * HOUR / span, 2)


def _device_now(body: bytes, revision: int) -> DeviceNow:
    hearing = _hearing.decode(body)
    return DeviceNow(
        hearing.device_id,
        hearing.last_heard_at,
        hearing.silent_at,
        hearing.is_numbering,
        hearing.is_dated_by_arrival,
        hearing.undated_at,
        revision,
    )


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many ids as one SQLite statement takes."""
    for begin in range(0, len(ids), 500):
        yield ids[begin : begin + 500]
