"""The exposure of a sensor over any stretch of time: totals of days that are over, and readings for the rest.

A day's total is its time per temperature, from which all that is asked of it follows. Totals are derived: they are made
behind the judge's back, when it has nothing to do, and one that a late reading or another declared interval may change
is dropped in the transaction that brings it; a day without a total is read from its readings. A day is over when a
reading stands behind it, so that what comes in order of time never changes a total.

Days here are India's (UTC+5:30, no summer time), on whose quarter hours all its places' days begin. A place in another
zone costs more time and loses nothing.
"""

import sqlite3
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from coldchain.clock import DAY, HOUR
from coldchain.exposure import Exposure, Promises, exposure_of, longest_promised
from coldchain.exposure.held import added
from coldchain.facts import DEFAULT_INTERVAL, Enrolled, Fact
from coldchain.judgement import ALWAYS
from coldchain.quantities import CELSIUS
from coldchain.sqlite import nothing_where_unmade
from stream.columns import pack, unpack

TABLE = """
CREATE TABLE IF NOT EXISTS exposure_days (
    sensor INTEGER NOT NULL, day INTEGER NOT NULL, held BLOB NOT NULL,
    PRIMARY KEY (sensor, day)
) WITHOUT ROWID
"""
"""`day`: the number of an Indian day since 1970; `held`: temperatures and ms, as columns. The rest of it is unknown."""

INDIA = 5 * HOUR + HOUR // 2

READINGS_A_STEP = 3_000
"""About so many readings are added up at one go: some milliseconds of the judge's thread."""

SENSORS_A_STEP = 50
DAYS_AT_ONCE = 32
"""Days whose readings are held in memory together."""

_A_QUERY = 100
"""What looking at a sensor costs, in readings."""

_fact = msgspec.msgpack.Decoder(Fact)

Readings = tuple[Sequence[int], Sequence[int]]


def day_of(at: int) -> int:
    return (at + INDIA) // DAY


def begin_of(day: int) -> int:
    return day * DAY - INDIA


def promises_of(device: Enrolled | None) -> Promises:
    """Which intervals a device declared, and when; one that nobody enrolled keeps the usual."""
    return ((ALWAYS, DEFAULT_INTERVAL), *(device.intervals if device is not None else ()))


class DayTotals:
    """Makes and drops totals on the judge's own connection. What it keeps in mind only spares it from looking again."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._whole_until: dict[int, int] = {}
        self._none_from: dict[int, int] = {}
        self._looked_at = 0

    def forget(self, sensor: int, device_id: str, instants: Iterable[int]) -> None:
        """Readings came late at these instants: drop what they may change. Belongs in their transaction."""
        reach = longest_promised(_promises(self._connection, device_id))
        none_from = self._none_from.get(sensor)
        days: set[int] = set()
        for hour in {at // HOUR for at in instants}:
            days |= set(range(day_of(hour * HOUR - reach), day_of((hour + 1) * HOUR + reach) + 1))
        made = sorted(day for day in days if none_from is None or day < none_from)
        if not made:
            return
        if sensor in self._whole_until:
            self._whole_until[sensor] = min(made[0], self._whole_until[sensor])
        self._connection.executemany(
            "DELETE FROM exposure_days WHERE sensor = ? AND day = ?", [(sensor, day) for day in made]
        )

    def promised(self, device: Enrolled) -> None:
        """A device's record is about to be kept: drop what its intervals change."""
        before, after = _promises(self._connection, device.device_id), promises_of(device)
        since = _differ_from(before, after)
        if since is None:
            return
        day = day_of(since - max(longest_promised(before), longest_promised(after)))
        rows = self._connection.execute("SELECT number FROM sensors WHERE device_id = ?", (device.device_id,))
        for (sensor,) in rows.fetchall():
            self._whole_until.pop(sensor, None)
            self._connection.execute("DELETE FROM exposure_days WHERE sensor = ? AND day >= ?", (sensor, day))

    def add_up(self) -> bool:
        """Make some totals that are wanting, in the transaction that is open; whether there may be more to do."""
        rows = self._connection.execute(
            "SELECT number, device_id, unit, last_at FROM sensors WHERE number > ? ORDER BY number LIMIT ?",
            (self._looked_at, SENSORS_A_STEP),
        ).fetchall()
        left = READINGS_A_STEP
        for number, device_id, unit, last_at in rows:
            if unit == CELSIUS and last_at is not None:
                left -= self._add_up(number, device_id, day_of(last_at), left)
            if left <= 0:
                return True
            self._looked_at = number
        if len(rows) == SENSORS_A_STEP:
            return True
        self._looked_at = 0
        return False

    def _add_up(self, sensor: int, device_id: str, until: int, most: int) -> int:
        """The sensor's totals before the day `until`, while it costs no more than so many readings; gives the cost."""
        since = self._whole_until.get(sensor)
        if since is not None and since >= until:
            return 0
        self._none_from[sensor] = max(until, self._none_from.get(sensor, until))
        promises = _promises(self._connection, device_id)
        cost = _A_QUERY
        day: int | None = _day_of_first(self._connection, sensor) if since is None else since
        made = {one for (one,) in self._connection.execute("SELECT day FROM exposure_days WHERE sensor = ?", (sensor,))}
        at_once = max(1, min(DAYS_AT_ONCE, READINGS_A_STEP * promises[-1][1] // DAY))
        while day is not None and day < until and cost < most:
            days = list(range(day, min(until, day + at_once)))
            wanting = [one for one in days if one not in made]
            if wanting:
                cost += _A_QUERY + self._keep(sensor, promises, wanting[0], wanting[-1] + 1)
            day = days[-1] + 1
            if wanting and day < until:
                day = max(day, _day_of_next(self._connection, sensor, begin_of(day)) or until)
            self._whole_until[sensor] = day
        if day is None or day >= until:
            self._whole_until[sensor] = until
        return cost

    def _keep(self, sensor: int, promises: Promises, first: int, until: int) -> int:
        """The totals of these days; gives how many readings they hold."""
        edges = [begin_of(day) for day in range(first, until + 1)]
        readings = _readings(self._connection, sensor, edges[0], edges[-1], longest_promised(promises))
        totals = [exposure_of(*readings, since, end, promises) for since, end in pairwise(edges)]
        self._connection.executemany(
            "INSERT OR REPLACE INTO exposure_days VALUES (?, ?, ?)",
            [
                (sensor, day, _pack(total))
                for day, total in zip(range(first, until), totals, strict=True)
                if total.held  # a day of which nothing is known is as quickly read
            ],
        )
        return len(readings[0])


def read(connection: sqlite3.Connection, device_id: str, channel: str, edges: Sequence[int]) -> list[Exposure]:
    """What a sensor was exposed to between each two neighbouring edges (ms UTC, in order), of one state of the file.

    Of a sensor that was never heard all is unknown.
    """
    row = connection.execute(
        "SELECT number, last_at FROM sensors WHERE device_id = ? AND channel = ?", (device_id, channel)
    ).fetchone()
    first = None if row is None else _first_at(connection, row[0])
    if first is None or row[1] is None:
        return [Exposure({}, until - since) for since, until in pairwise(edges)]
    promises = _promises(connection, device_id)
    begin, end = max(edges[0], first), min(edges[-1], row[1] + longest_promised(promises))
    cuts = sorted({begin, end, *(at for at in edges if begin < at < end), *_midnights(begin, end)})
    tiles = _tiles(connection, row[0], promises, cuts) if begin < end else []
    exposures = []
    for since, until in pairwise(edges):
        held = added(tiles[bisect_left(cuts, since) : bisect_left(cuts, until)]).held if tiles else {}
        exposures.append(Exposure(held, until - since - sum(held.values())))
    return exposures


def _tiles(connection: sqlite3.Connection, sensor: int, promises: Promises, cuts: Sequence[int]) -> list[Exposure]:
    """The exposure between each two neighbours; of none more than a day long."""
    kept: dict[int, bytes] = {}
    with nothing_where_unmade():  # by a judge of before there were totals
        kept = dict(
            connection.execute(
                "SELECT day, held FROM exposure_days WHERE sensor = ? AND day >= ? AND day < ?",
                (sensor, day_of(cuts[0]), day_of(cuts[-1])),
            )
        )
    tiles: list[Exposure] = []
    unread: list[tuple[int, int]] = []
    for since, until in pairwise(cuts):
        body = kept.get(day_of(since)) if until - since == DAY and begin_of(day_of(since)) == since else None
        if body is not None or len(unread) == DAYS_AT_ONCE:
            tiles += _from_readings(connection, sensor, promises, unread)
            unread = []
        if body is not None:
            tiles.append(_unpack(body))
        else:
            unread.append((since, until))
    return tiles + _from_readings(connection, sensor, promises, unread)


def _from_readings(
    connection: sqlite3.Connection, sensor: int, promises: Promises, spans: Sequence[tuple[int, int]]
) -> list[Exposure]:
    if not spans:
        return []
    readings = _readings(connection, sensor, spans[0][0], spans[-1][1], longest_promised(promises))
    return [exposure_of(*readings, since, until, promises) for since, until in spans]


def _readings(connection: sqlite3.Connection, sensor: int, since: int, until: int, reach: int) -> Readings:
    """Those of [since, until), those within reach of it, and the newest of all."""
    first, last = since - reach, until + reach
    rows = connection.execute(
        "SELECT readings FROM chunks WHERE sensor = ? AND since <= ? AND since >= "
        "coalesce((SELECT max(since) FROM chunks WHERE sensor = ? AND since <= ?), ?) ORDER BY since",
        (sensor, last, sensor, first, ALWAYS),
    ).fetchall()
    instants: list[int] = []
    values: list[int] = []
    for (body,) in rows:
        more_instants, more_values = unpack(body)
        instants += more_instants
        values += more_values
    tail, measured, newest_at, newest = connection.execute(
        "SELECT instants, measured, last_at, last_value FROM sensors WHERE number = ?", (sensor,)
    ).fetchone()
    instants += array("q", tail)
    values += array("i", measured)
    begin, end = bisect_left(instants, first), bisect_right(instants, last)
    instants, values = instants[begin:end], values[begin:end]
    if newest_at is not None and newest_at > last:
        instants.append(newest_at)
        values.append(newest)
    return instants, values


def _first_at(connection: sqlite3.Connection, sensor: int) -> int | None:
    """No reading is earlier; None where there is none at all."""
    row = connection.execute(
        "SELECT first_at FROM chunks WHERE sensor = ? AND count > 0 ORDER BY since LIMIT 1", (sensor,)
    ).fetchone()
    if row is not None:
        return int(row[0])
    (tail,) = connection.execute("SELECT instants FROM sensors WHERE number = ?", (sensor,)).fetchone()
    return next(iter(array("q", tail)), None)


def _day_of_first(connection: sqlite3.Connection, sensor: int) -> int | None:
    first = _first_at(connection, sensor)
    return None if first is None else day_of(first)


def _day_of_next(connection: sqlite3.Connection, sensor: int, at: int) -> int | None:
    """The day of the first reading from the instant on."""
    rows = connection.execute(
        "SELECT readings FROM chunks WHERE sensor = ? AND count > 0 AND last_at >= ? ORDER BY since", (sensor, at)
    )
    for (body,) in rows:
        for one in unpack(body)[0]:
            if one >= at:
                return day_of(one)
    (tail,) = connection.execute("SELECT instants FROM sensors WHERE number = ?", (sensor,)).fetchone()
    return next((day_of(one) for one in array("q", tail) if one >= at), None)


def _midnights(since: int, until: int) -> list[int]:
    return [begin_of(day) for day in range(day_of(since) + 1, day_of(until) + 1)]


def _promises(connection: sqlite3.Connection, device_id: str) -> Promises:
    row = connection.execute("SELECT body FROM facts WHERE key = ?", (f"device/{device_id}",)).fetchone()
    fact = None if row is None else _fact.decode(row[0])
    return promises_of(fact if isinstance(fact, Enrolled) else None)


def _differ_from(one: Promises, other: Promises) -> int | None:
    """The first instant at which another interval was declared; None where there is none."""
    edges = sorted({since for since, _ in (*one, *other)})
    return next((at for at in edges if _declared_at(one, at) != _declared_at(other, at)), None)


def _declared_at(promises: Promises, at: int) -> int:
    return [interval for since, interval in promises if since <= at][-1]


def _pack(total: Exposure) -> bytes:
    held = sorted(total.held.items())
    return pack([value for value, _ in held], [ms for _, ms in held])


def _unpack(body: bytes) -> Exposure:
    held = dict(zip(*unpack(body), strict=True))
    return Exposure(held, DAY - sum(held.values()))
