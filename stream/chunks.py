"""A chunk: a stretch of one sensor's readings, sealed, with the fold's memory as it was before the first of them.

A chunk owns the instants from its `since` up to the next one's; what comes late is merged into its owner. The sensor's
newest readings are no chunk yet but its tail (`stream/sensors.py`).
"""

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import sub

import msgspec

from coldchain.judgement import Memory
from stream.columns import pack, unpack
from stream.memories import pack_memory, unpack_memory

SEAL_AT = 256
"""Records that make a chunk; one that late ones swell to twice of it is split."""

TAIL_KEEPS = 64
"""Records that stay in the tail when its older ones are sealed, so that the last hour is always at hand."""

Fault = tuple[int, str]
"""Instant (ms UTC) and fault code."""

_faults_encoder = msgspec.msgpack.Encoder()
_faults_decoder = msgspec.msgpack.Decoder(list[Fault])

TABLE = """
CREATE TABLE IF NOT EXISTS chunks (
    sensor INTEGER NOT NULL, since INTEGER NOT NULL,
    first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    count INTEGER NOT NULL, low INTEGER, high INTEGER, total INTEGER NOT NULL, longest_gap INTEGER NOT NULL,
    readings BLOB NOT NULL, faults BLOB NOT NULL, memory BLOB NOT NULL,
    PRIMARY KEY (sensor, since)
)
"""
"""Rows lie in the order of their sealing, so that pages are full; a tree by key would leave a third of each free."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Columns in order of (instant, value); faults in order. `memory`: before the first reading."""

    since: int
    instants: Sequence[int]
    values: Sequence[int]
    faults: Sequence[Fault]
    memory: Memory

    def __len__(self) -> int:
        return len(self.instants) + len(self.faults)


def merged(
    instants: Sequence[int], values: Sequence[int], more: Sequence[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    """The union of the readings as sets: this is the duplicate check."""
    union = sorted({*zip(instants, values, strict=True), *more})
    return [at for at, _ in union], [value for _, value in union]


def save(connection: sqlite3.Connection, sensor: int, chunk: Chunk) -> None:
    instants, values = chunk.instants, chunk.values
    ends = [*instants[:1], *instants[-1:], *(at for at, _ in chunk.faults)]
    connection.execute(
        "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            sensor,
            chunk.since,
            min(ends),
            max(ends),
            len(instants),
            min(values, default=None),
            max(values, default=None),
            sum(values),
            max(map(sub, instants[1:], instants), default=0),
            pack(instants, values),
            pack_faults(chunk.faults),
            pack_memory(chunk.memory),
        ),
    )


def owner(connection: sqlite3.Connection, sensor: int, at: int) -> Chunk | None:
    """The sealed chunk that owns the instant; None where there is none yet."""
    row = connection.execute(
        "SELECT since, readings, faults, memory FROM chunks WHERE sensor = ? AND since <= ? "
        "ORDER BY since DESC LIMIT 1",
        (sensor, at),
    ).fetchone()
    return _chunk(row) if row else None


def after(connection: sqlite3.Connection, sensor: int, since: int) -> Chunk | None:
    """The sealed chunk that follows the one with this `since`."""
    row = connection.execute(
        "SELECT since, readings, faults, memory FROM chunks WHERE sensor = ? AND since > ? ORDER BY since LIMIT 1",
        (sensor, since),
    ).fetchone()
    return _chunk(row) if row else None


def holds(connection: sqlite3.Connection, sensor: int, value: int, first: int, last: int) -> bool:
    """Whether the value was measured in [first, last], as far as that is sealed."""
    chunk = owner(connection, sensor, first)
    while chunk is not None and chunk.since <= last:
        begin, end = bisect_left(chunk.instants, first), bisect_right(chunk.instants, last)
        if value in chunk.values[begin:end]:
            return True
        chunk = after(connection, sensor, chunk.since)
    return False


def newest_first(connection: sqlite3.Connection, sensor: int) -> Iterator[Chunk]:
    rows = connection.execute(
        "SELECT since, readings, faults, memory FROM chunks WHERE sensor = ? ORDER BY since DESC", (sensor,)
    )
    return map(_chunk, rows)


def remember(connection: sqlite3.Connection, sensor: int, since: int, memory: Memory) -> None:
    """The same readings, judged from another past."""
    connection.execute(
        "UPDATE chunks SET memory = ?1 WHERE sensor = ?2 AND since = ?3 AND memory != ?1",
        (pack_memory(memory), sensor, since),
    )


def pack_faults(faults: Sequence[Fault]) -> bytes:
    return _faults_encoder.encode(faults) if faults else b""


def unpack_faults(body: bytes) -> list[Fault]:
    return _faults_decoder.decode(body) if body else []


def _chunk(row: tuple[int, bytes, bytes, bytes]) -> Chunk:
    since, readings, faults, memory = row
    instants, values = unpack(readings)
    return Chunk(since, instants, values, unpack_faults(faults), unpack_memory(memory))


def seam(instants: Sequence[int], faults: Sequence[Fault], wanted: int) -> int | None:
    """Where records are cut in two: the instant with which the later part begins.

    As near as can be to so many records from the beginning, or from the end where `wanted` is negative. Equal instants
    stay together; None where all are at one instant.
    """
    records = sorted([*instants, *[at for at, _ in faults]]) if faults else instants
    place = wanted % len(records)
    later = (records[i] for i in range(place, len(records)) if records[i] != records[i - 1])
    earlier = (records[i] for i in range(place - 1, 0, -1) if records[i] != records[i - 1])
    return next(later, next(earlier, None))
