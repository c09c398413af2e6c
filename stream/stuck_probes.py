"""Stuck probes: one that says the same for hours while its neighbours move is faulty, whatever it says.

Neighbours are the probes that measure what is kept in the same facility, be it on the same device or another. A whole
facility that stands still is a steady night and no fault; a sensor without neighbours is never called stuck.

What is found is a report (`Fault`, code `stuck`); the readings stay in the set and are judged like all others.
"""

import sqlite3
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources

from coldchain.clock import SECOND
from coldchain.events import Fault
from coldchain.facts import JUDGED_AS, Facts
from coldchain.quantities import CELSIUS
from coldchain.readings import STUCK, centidegrees
from stream import chunks
from stream.sensors import Sensor

TABLE = "CREATE TABLE IF NOT EXISTS stuck (sensor INTEGER PRIMARY KEY, since INTEGER NOT NULL, value INTEGER NOT NULL)"

LOOKED_AGAIN = 12
"""A steady probe whose neighbours stand still too is looked at again so often within the time that makes it stuck."""

SensorOf = Callable[[str, str], Sensor | None]


@dataclass(frozen=True, slots=True)
class Signs:
    """By which a probe is taken for stuck: the same for `after` ms over `least_readings`, neighbours moved by so many
    centidegrees."""

    after: int
    least_readings: int
    neighbours_moved: int


def shipped_signs() -> Signs:
    text = resources.files("coldchain").joinpath("data/faults.toml").read_text("utf-8")
    row = tomllib.loads(text, parse_float=Decimal)["stuck"]
    return Signs(row["after_s"] * SECOND, row["least_readings"], centidegrees(Decimal(row["neighbours_moved_c"])))


class StuckProbes:
    """Part of the judge, in its transaction; `sensor_of` gives a sensor as the judge has it in mind."""

    def __init__(self, connection: sqlite3.Connection, facts: Facts, sensor_of: SensorOf) -> None:
        self._connection = connection
        self._facts = facts
        self._sensor_of = sensor_of
        self._signs = shipped_signs()
        rows = connection.execute("SELECT sensor, since, value FROM stuck")
        self._stuck: dict[int, tuple[int, int]] = {number: (since, value) for number, since, value in rows}
        self._next_look: dict[int, int] = {}

    def look(self, sensor: Sensor) -> Fault | None:
        """What the sensor's newest readings tell: that it is stuck since then, that it moves again, or nothing new."""
        if not sensor.instants or sensor.unit != CELSIUS:
            return None
        known = self._stuck.get(sensor.number)
        if known is not None:
            return self._moved(sensor, *known)
        value = sensor.values[-1]
        begin = bisect_left(sensor.instants, sensor.instants[-1] - self._signs.after)
        if sensor.values[begin] != value or any(one != value for one in sensor.values[begin:]):
            return None
        return self._seized(sensor, value)

    def _moved(self, sensor: Sensor, since: int, value: int) -> Fault | None:
        """The first reading that says something else ends it."""
        moved = (at for at, one in zip(sensor.instants, sensor.values, strict=True) if at > since and one != value)
        ended_at = next(moved, None)
        if ended_at is None:
            return None
        del self._stuck[sensor.number]
        self._connection.execute("DELETE FROM stuck WHERE sensor = ?", (sensor.number,))
        return Fault(*sensor.key, STUCK, since, ended_at)

    def _seized(self, sensor: Sensor, value: int) -> Fault | None:
        until = sensor.instants[-1]
        if until < self._next_look.get(sensor.number, until):
            return None
        since, count = self._same_since(sensor, value)
        if until - since < self._signs.after or count < self._signs.least_readings:
            self._next_look[sensor.number] = since + self._signs.after
            return None
        if not any(self._has_moved(other, since, until) for other in self._neighbours(sensor, until)):
            self._next_look[sensor.number] = until + self._signs.after // LOOKED_AGAIN
            return None
        self._stuck[sensor.number] = (since, value)
        self._connection.execute("INSERT INTO stuck VALUES (?, ?, ?)", (sensor.number, since, value))
        return Fault(*sensor.key, STUCK, since)

    def _same_since(self, sensor: Sensor, value: int) -> tuple[int, int]:
        """Since when it has said nothing but this value, and in how many readings, as far as it takes to know."""
        since, count = sensor.instants[-1], 0
        for at, one in zip(reversed(sensor.instants), reversed(sensor.values), strict=True):
            if one != value:
                return since, count
            since, count = at, count + 1
        for chunk in chunks.newest_first(self._connection, sensor.number):
            for at, one in zip(reversed(chunk.instants), reversed(chunk.values), strict=True):
                if one != value:
                    return since, count
                since, count = at, count + 1
            if sensor.instants[-1] - since > 2 * self._signs.after:
                break
        return since, count

    def _neighbours(self, sensor: Sensor, at: int) -> Iterator[Sensor]:
        """The other probes in the same facility that measure what is kept there."""
        for device_id in self._facts.neighbours(*sensor.key, at):
            rows = self._connection.execute(
                "SELECT channel FROM sensors WHERE device_id = ? AND unit = ?", (device_id, CELSIUS)
            )
            for (channel,) in rows.fetchall():
                stands = self._facts.placed_at(device_id, channel, at)
                role = self._facts.role(device_id, channel, CELSIUS, stands)
                other = self._sensor_of(device_id, channel)
                if other is not None and other.number != sensor.number and role in JUDGED_AS:
                    yield other

    def _has_moved(self, other: Sensor, since: int, until: int) -> bool:
        begin, end = bisect_left(other.instants, since), bisect_left(other.instants, until)
        values = list(other.values[begin:end])
        if since < other.since:
            row = self._connection.execute(
                "SELECT min(low), max(high) FROM chunks WHERE sensor = ? AND first_at >= ? AND last_at < ?",
                (other.number, since, until),
            ).fetchone()
            values += [value for value in row if value is not None]
        return bool(values) and max(values) - min(values) >= self._signs.neighbours_moved
