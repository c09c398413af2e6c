"""A sensor as the judge keeps it: its newest readings (the tail) uncompressed, and the fold's memory around them."""

import sqlite3
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from coldchain.judgement import ALWAYS, AT_REST, Memory, Timeline
from coldchain.quantities import CELSIUS, SWITCHES
from stream.chunks import Fault, pack_faults, unpack_faults
from stream.memories import pack_memory, unpack_memory

TABLE = """
CREATE TABLE IF NOT EXISTS sensors (
    number INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL, channel TEXT NOT NULL, unit TEXT NOT NULL,
    since INTEGER NOT NULL, instants BLOB NOT NULL, measured BLOB NOT NULL, faults BLOB NOT NULL,
    start BLOB NOT NULL, memory BLOB NOT NULL,
    last_at INTEGER, last_value INTEGER, last_fault_at INTEGER, last_fault TEXT, faulty_since INTEGER,
    received_at INTEGER NOT NULL, revision INTEGER NOT NULL,
    UNIQUE (device_id, channel)
)
"""
INDEX = "CREATE INDEX IF NOT EXISTS sensors_by_revision ON sensors (revision)"


@dataclass(slots=True)
class Sensor:
    """Changed in place by the judge alone, one batch at a time; `start` is the memory before the tail.

    `since`: the first instant that the tail owns. `fault`: what the records since `faulty_since` say, while no newer
    one has a value.
    """

    number: int
    device_id: str
    channel: str
    unit: str
    timeline: Timeline
    since: int = ALWAYS
    instants: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[int]" = field(default_factory=lambda: array("i"))
    faults: list[Fault] = field(default_factory=list)
    start: Memory = AT_REST
    memory: Memory = AT_REST
    last_at: int | None = None
    last_value: int | None = None
    last_fault_at: int | None = None
    last_fault: str | None = None
    faulty_since: int | None = None
    received_at: int = 0

    @property
    def is_judged(self) -> bool:
        return self.unit == CELSIUS or self.unit in SWITCHES

    @property
    def key(self) -> tuple[str, str]:
        return (self.device_id, self.channel)

    def replace_tail(self, instants: Iterable[int], values: Iterable[int], faults: list[Fault]) -> None:
        self.instants, self.values, self.faults = array("q", instants), array("i", values), faults

    def note_newest(self, readings: Iterable[tuple[int, int]], faults: Iterable[Fault]) -> None:
        """Of these, and of what was newest before, keep in mind which are newest now."""
        for at, value in readings:
            if self.last_at is None or self.last_value is None or (at, value) > (self.last_at, self.last_value):
                self.last_at, self.last_value = at, value
        for at, fault in faults:
            if self.last_fault_at is None or (at, fault) > (self.last_fault_at, self.last_fault or ""):
                self.last_fault_at, self.last_fault = at, fault


def load(
    connection: sqlite3.Connection, device_id: str, channel: str, timeline_of: Callable[[str], Timeline]
) -> Sensor | None:
    """The sensor as it was saved; `timeline_of` its unit."""
    row = connection.execute(
        "SELECT number, unit, since, instants, measured, faults, start, memory, last_at, last_value, last_fault_at, "
        "last_fault, faulty_since, received_at FROM sensors WHERE device_id = ? AND channel = ?",
        (device_id, channel),
    ).fetchone()
    if row is None:
        return None
    number, unit, since, instants, values, faults, start, memory, *rest = row
    sensor = Sensor(number, device_id, channel, unit, timeline_of(unit), since)
    sensor.instants, sensor.values = array("q", instants), array("i", values)
    sensor.faults = unpack_faults(faults)
    sensor.start, sensor.memory = unpack_memory(start), unpack_memory(memory)
    sensor.last_at, sensor.last_value, sensor.last_fault_at, sensor.last_fault = rest[:4]
    sensor.faulty_since, sensor.received_at = rest[4:]
    return sensor


def enter(connection: sqlite3.Connection, device_id: str, channel: str, unit: str, timeline: Timeline) -> Sensor:
    """A sensor that is heard for the first time."""
    number = connection.execute(
        "INSERT INTO sensors (device_id, channel, unit, since, instants, measured, faults, start, memory, "
        "received_at, revision) VALUES (?, ?, ?, ?, x'', x'', x'', x'', x'', 0, 0)",
        (device_id, channel, unit, ALWAYS),
    ).lastrowid
    if number is None:
        raise sqlite3.DatabaseError("a row was inserted and has no number")
    return Sensor(number, device_id, channel, unit, timeline)


def save(connection: sqlite3.Connection, changed: Iterable[Sensor], revision: int) -> None:
    connection.executemany(
        "UPDATE sensors SET since = ?, instants = ?, measured = ?, faults = ?, start = ?, memory = ?, last_at = ?, "
        "last_value = ?, last_fault_at = ?, last_fault = ?, faulty_since = ?, received_at = ?, revision = ? "
        "WHERE number = ?",
        [
            (
                sensor.since,
                sensor.instants.tobytes(),
                sensor.values.tobytes(),
                pack_faults(sensor.faults),
                pack_memory(sensor.start),
                pack_memory(sensor.memory),
                sensor.last_at,
                sensor.last_value,
                sensor.last_fault_at,
                sensor.last_fault,
                sensor.faulty_since,
                sensor.received_at,
                revision,
                sensor.number,
            )
            for sensor in changed
        ],
    )
