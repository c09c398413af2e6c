"""A logger's file is taken in: its readings go through the gate, what the logger made of them is kept beside.

All or nothing of a file, and safe to repeat: a file that was taken is known by its bytes; of one that overlaps with
another only what is new is sent, and a reading is one however often it comes. Whether it ended well says the books'
entry, which is written last.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from coldchain.clock import MINUTE
from coldchain.errors import Conflict, Refused
from coldchain.packs import Column
from coldchain.quantities import CELSIUS
from coldchain.sqlite import FileMissing
from ingest import files
from ingest.files import Damaged, DaySummary, DeviceAlarm, LoggerFile, Measured
from ingest.files.table import NAME as CSV
from registry import carried_in, evidence, places
from registry import devices as registry_devices
from registry.books import Books, Shelf
from registry.carried_in import Logger, MayIn
from registry.evidence import Said
from stream.history import History

MOST_AHEAD = 5 * MINUTE

A_PACK = 2_000
"""Readings that one pack carries."""

PACKS_AT_ONCE = 10
"""So many packs the gate makes durable at once: longer nobody else shall wait."""

MOST_KNOWN = 1_000_000


Send = Callable[[str, bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class House:
    """What taking a file needs. `settle` has gate and broker learn what changed in the books; `send` gives the gate
    packs of a device, which are durable when it comes back, or raises Unavailable.
    """

    books: Books
    history: History
    send: Send
    settle: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What whoever carries the file in says of it, and may do. `zone` None: that of the place.

    `name` is what the file is called in what is said of it.
    """

    content: bytes
    at: int
    name: str = "file"
    zone: str | None = None
    device_id: str | None = None
    storage_point_id: str | None = None
    may: MayIn = lambda path: True
    may_enrol: MayIn = lambda path: True


@dataclass(frozen=True, slots=True)
class OfDevice:
    """What came of one device: values that are new, those that were known, records without a value. Instants: ms."""

    device_id: str
    hardware_id: str
    is_enrolled: bool
    new: int
    known: int
    faults: int
    since: int | None
    until: int | None


@dataclass(frozen=True, slots=True)
class Taken:
    """`is_known`: this very file had been taken before, and nothing happened."""

    form: str
    model: str
    zone: str
    is_known: bool
    days: int
    alarms: int
    devices: tuple[OfDevice, ...]


class BadZone(Refused):
    """A time zone was named that does not exist."""


class OtherZone(Conflict):
    """The same file was taken before, and its times were read as those of another zone."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """A file, and whose each part of it is: device ids by hardware id."""

    told: LoggerFile
    digest: str
    zone: str
    devices: dict[str, str]
    enrolled: frozenset[str]
    is_known: bool


async def take(house: House, asked: Asked) -> Taken:
    """Raises Damaged, BadZone, OtherZone, Unavailable, and what registry/carried_in.py raises."""
    parts = await asyncio.to_thread(_prepared, house, asked)
    taken = []
    for hardware_id, device_id in parts.devices.items():
        measured = [one for one in parts.told.measured if one.hardware_id == hardware_id]
        new = [] if parts.is_known else await asyncio.to_thread(_unknown, house.history, device_id, measured)
        for body in _bodies(new):
            await house.send(device_id, body)
        taken.append(_of_device(parts, device_id, hardware_id, measured, new))
    if not parts.is_known:
        await asyncio.to_thread(_keep, house.books, parts, asked.at)
    told = parts.told
    return Taken(told.form, told.model, parts.zone, parts.is_known, len(told.days), len(told.alarms), tuple(taken))


def _prepared(house: House, asked: Asked) -> _Parts:
    """The file read, and its devices found or enrolled."""
    with house.books.read() as shelf:
        zone = asked.zone or _zone_of(shelf, asked)
    told = files.read(asked.name, asked.content, _zone(zone))
    if not told.hardware_ids:
        raise Damaged(asked.name, 1, "there is nothing in it: no reading, no day")
    _check_dates(asked, told, zone)
    digest = sha256(asked.content).hexdigest()
    with house.books.begin() as shelf:
        devices, enrolled = _devices(shelf, asked, told)
        is_known = _is_known(shelf, digest, zone, set(devices.values()))
        if not is_known and told.form != CSV:
            _declare(shelf, told, devices, asked.at)
    house.settle()
    return _Parts(told, digest, zone, devices, enrolled, is_known)


def _zone_of(shelf: Shelf, asked: Asked) -> str:
    """That of the place where the logger stood, as far as somebody said where."""
    place_id = None
    if asked.storage_point_id is not None:
        place_id = shelf.storage_points.get(asked.storage_point_id).place_id
    elif asked.device_id is not None:
        place_id = shelf.devices.get(asked.device_id).place_id
    place = places.top(shelf) if place_id is None else shelf.places.get(place_id)
    return place.zone


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadZone(f"there is no time zone {name[:40]!r}; write Asia/Kolkata or UTC") from None


def _check_dates(asked: Asked, told: LoggerFile, zone: str) -> None:
    """Nothing was measured that is still to come. Raises Damaged."""
    reason = f"lies ahead of now: are its times those of {zone}? is the logger's clock right?"
    for one in told.measured:
        if one.newest > asked.at + MOST_AHEAD:
            raise Damaged(asked.name, one.newest_line, f"the reading {reason}")
    for alarm in told.alarms:
        if alarm.at > asked.at + MOST_AHEAD:
            raise Damaged(asked.name, alarm.line, f"the alarm {reason}")
    for day in told.days:
        if day.until > asked.at + MOST_AHEAD:
            raise Damaged(asked.name, day.line, f"the day {reason}")


def _devices(shelf: Shelf, asked: Asked, told: LoggerFile) -> tuple[dict[str, str], frozenset[str]]:
    """Device ids by hardware id, and which of them were enrolled for it."""
    if asked.device_id is not None:
        device = carried_in.device_named(shelf, asked.device_id, told.hardware_ids, asked.may)
        return {told.hardware_ids[0]: device.device_id}, frozenset()
    devices, enrolled = {}, set()
    for hardware_id in told.hardware_ids:
        logger = Logger(hardware_id, told.form, told.model, _interval(told, hardware_id))
        device_id, is_new = carried_in.device_of(
            shelf, logger, asked.at, asked.storage_point_id, asked.may, asked.may_enrol
        )
        devices[hardware_id] = device_id
        if is_new:
            enrolled.add(device_id)
    return devices, frozenset(enrolled)


def _interval(told: LoggerFile, hardware_id: str) -> int | None:
    """What the file declares; of a table that does not, its usual spacing, as `coldchain judge` takes it."""
    own = [one for one in told.measured if one.hardware_id == hardware_id]
    declared = [one.interval for one in own if one.interval is not None]
    if declared:
        return declared[0]
    spacings = [later - earlier for one in own for earlier, later in pairwise(one.measured_at) if later > earlier]
    return round(median(spacings)) if spacings else None


def _is_known(shelf: Shelf, digest: str, zone: str, device_ids: set[str]) -> bool:
    """Whether this very file was taken. Raises OtherZone."""
    kept = [one for kind in evidence.KINDS for one in shelf.evidence.of_source(kind, digest)]
    zones = {one.content.get("zone") for one in kept if one.subject in device_ids}
    if zones and zone not in zones:
        raise OtherZone(
            f"this file was taken before, its times read as those of {', '.join(map(str, zones))}, not of {zone}"
        )
    return bool(zones)


def _declare(shelf: Shelf, told: LoggerFile, devices: dict[str, str], at: int) -> None:
    """How often a logger measured is known from its own file, from its oldest reading on."""
    for one in told.measured:
        if one.interval is not None:
            registry_devices.declare(shelf, devices[one.hardware_id], one.interval, one.oldest, at)


def _unknown(history: History, device_id: str, measured: Sequence[Measured]) -> list[Column]:
    """What of the readings the judge does not have yet, channel by channel."""
    if not measured:
        return []
    begin, end = min(one.oldest for one in measured), max(one.newest for one in measured) + 1
    try:
        records = history.readings(device_id, begin, end, None, MOST_KNOWN)
    except FileMissing:
        records = []
    known = {(one.channel, one.measured_at, one.value if one.fault is None else one.fault) for one in records}
    columns = []
    for one in measured:
        readings = [
            (at, value)
            for at, value in zip(one.measured_at, one.values, strict=True)
            if (one.channel, at, value) not in known
        ]
        faults = [
            (at, fault)
            for at, fault in zip(one.faulty_at, one.faults, strict=True)
            if (one.channel, at, fault) not in known
        ]
        if readings or faults:
            columns.append(_column(one.channel, sorted(set(readings)), sorted(set(faults))))
    return columns


def _column(channel: str, readings: Sequence[tuple[int, int]], faults: Sequence[tuple[int, str]]) -> Column:
    return Column(
        channel,
        CELSIUS,
        tuple(at for at, _ in readings),
        tuple(value for _, value in readings),
        tuple(at for at, _ in faults),
        tuple(fault for _, fault in faults),
    )


def _bodies(columns: Sequence[Column]) -> Iterator[bytes]:
    """The readings in packs, so many packs at once as the gate takes in one breath."""
    packs = [(part,) for column in columns for part in _cut(column)]
    for begin in range(0, len(packs), PACKS_AT_ONCE):
        yield _encoder.encode(packs[begin : begin + PACKS_AT_ONCE])


def _cut(column: Column) -> Iterator[Column]:
    """Pieces that a pack carries; the faults go with the first."""
    for begin in range(0, max(len(column.measured_at), 1), A_PACK):
        end = begin + A_PACK
        faulty = (column.faulty_at, column.faults) if begin == 0 else ((), ())
        yield Column(column.channel, column.unit, column.measured_at[begin:end], column.values[begin:end], *faulty)


def _of_device(
    parts: _Parts, device_id: str, hardware_id: str, measured: Sequence[Measured], new: Sequence[Column]
) -> OfDevice:
    every = sum(len(one.measured_at) for one in measured)
    fresh = sum(len(column.measured_at) for column in new)
    return OfDevice(
        device_id,
        hardware_id,
        device_id in parts.enrolled,
        fresh,
        every - fresh,
        sum(len(one.faulty_at) for one in measured),
        min((one.oldest for one in measured), default=None),
        max((one.newest for one in measured), default=None),
    )


def _keep(books: Books, parts: _Parts, at: int) -> None:
    with books.begin() as shelf:
        evidence.keep_all(shelf, list(_said(parts)), at)


def _said(parts: _Parts) -> Iterator[Said]:
    """The file itself as a source of readings, and what its logger made of them."""
    told, about = parts.told, {"source": parts.told.form, "zone": parts.zone}
    for hardware_id, device_id in parts.devices.items():
        own = [one for one in told.measured if one.hardware_id == hardware_id]
        if own:
            since, until = min(one.oldest for one in own), max(one.newest for one in own)
            content = {**about, "model": told.model, "until": until, "readings": sum(map(len, own))}
            yield Said("reading", device_id, parts.digest, since, content)
    for day in told.days:
        yield Said("day-summary", parts.devices[day.hardware_id], parts.digest, day.since, {**about, **_summary(day)})
    begun: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for alarm in told.alarms:
        begun.setdefault((alarm.hardware_id, alarm.at), []).append(_alarm(alarm))
    for (hardware_id, instant), alarms in begun.items():
        content = {**about, "alarms": alarms}
        yield Said("device-alarm", parts.devices[hardware_id], parts.digest, instant, content)


def _summary(day: DaySummary) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "until": day.until,
        "low": day.low,
        "high": day.high,
        "mean": day.mean,
        "low_at": day.low_at,
        "high_at": day.high_at,
        "lost_minutes": day.lost_minutes,
        "beyond": [
            {"side": one.side, "limit": one.limit, "after_minutes": one.after_minutes, "minutes": one.minutes}
            for one in day.beyond
        ],
    }


def _alarm(alarm: DeviceAlarm) -> dict[str, Any]:
    told = {
        "code": alarm.side,
        "limit": alarm.limit,
        "after_minutes": alarm.after_minutes,
        "minutes": alarm.minutes,
        "is_cumulative": alarm.is_cumulative,
        "since": alarm.since,
        "until": alarm.until,
        "extreme": alarm.extreme,
    }
    return {name: value for name, value in told.items() if value is not None}


_encoder = msgspec.msgpack.Encoder()
