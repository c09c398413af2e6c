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
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

import msgspec

from coldchain.clock import DAY, HOUR
from coldchain.exposure import NOTHING, Exposure, Promises, exposure_of, longest_promised
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
"""About so many readings are added up at one go: two or three milliseconds of the judge's thread."""

SENSORS_A_STEP = 50
DAYS_AT_ONCE = 32

READINGS_AT_ONCE = 20_000
"""About so many are held in memory together, however many somebody sent for one day."""

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
        self._begun: dict[int, tuple[int, Exposure]] = {}
        self._looked_at = 0

    def forget(self, sensor: int, device_id: str, instants: Iterable[int]) -> None:
        """Readings came late at these instants: drop what they may change. Belongs in their transaction."""
        reach = longest_promised(_promises(self._connection, device_id))
        none_from = self._none_from.get(sensor)
        days: set[int] = set()
        for hour in {at // HOUR for at in instants}:
            days |= set(range(day_of(hour * HOUR - reach), day_of((hour + 1) * HOUR + reach) + 1))
        made = sorted(day for day in days if none_from is None or day < none_from)
        self._begun.pop(sensor, None)
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
            self._begun.pop(sensor, None)
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
        made = {one for (one,) in self._connection.execute("SELECT day FROM exposure_days WHERE sensor = ?", (sensor,))}
        day = _day_of_first(self._connection, sensor) if since is None else since
        cost = _A_QUERY
        while day is not None and day < until and cost < most:
            if day in made:
                day += 1
            else:
                last = next((one for one in range(day, min(until, day + DAYS_AT_ONCE)) if one in made), None)
                day, readings = self._go_on(sensor, promises, day, last or min(until, day + DAYS_AT_ONCE))
                cost += _A_QUERY + readings
            self._whole_until[sensor] = day
        if day is None:
            self._whole_until[sensor] = until
        return cost

    def _go_on(self, sensor: int, promises: Promises, day: int, until: int) -> tuple[int, int]:
        """Add up from the day on, or from where it was left; gives where to go on, and how many readings there were.

        A day with very many readings is begun and left.
        """
        at, begun = self._begun.pop(sensor, (begin_of(day), NOTHING))
        end = next(_bounds(self._connection, sensor, at, begin_of(until), READINGS_A_STEP), begin_of(until))
        readings = _readings(self._connection, sensor, at, end)
        for since, midnight in pairwise(sorted({at, end, *_midnights(at, end)})):
            begun = added((begun, exposure_of(*readings, since, midnight, promises)))
            if midnight != begin_of(day_of(midnight)):
                self._begun[sensor] = (midnight, begun)
                break
            if begun.held:  # a day of which nothing is known is as quickly read
                self._connection.execute(
                    "INSERT OR REPLACE INTO exposure_days VALUES (?, ?, ?)", (sensor, day_of(since), _pack(begun))
                )
            begun = NOTHING
        is_whole = end == begin_of(until)
        return max(until, day_of(readings[0][-1])) if is_whole else day_of(end), len(readings[0])


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
    unread = [cuts[0]]
    for since, until in pairwise(cuts):
        body = kept.get(day_of(since)) if until - since == DAY and begin_of(day_of(since)) == since else None
        if body is None:
            unread.append(until)
        else:
            tiles += [*_from_readings(connection, sensor, promises, unread), _unpack(body)]
            unread = [until]
    return tiles + _from_readings(connection, sensor, promises, unread)


def _from_readings(
    connection: sqlite3.Connection, sensor: int, promises: Promises, edges: Sequence[int]
) -> list[Exposure]:
    """The exposure between each two neighbouring edges, from the readings themselves."""
    if len(edges) < 2:
        return []
    parts: list[list[Exposure]] = [[] for _ in edges[1:]]
    bounds = _bounds(connection, sensor, edges[0], edges[-1], READINGS_AT_ONCE)
    for begin, end in pairwise([edges[0], *bounds, edges[-1]]):
        readings = _readings(connection, sensor, begin, end)
        inside = edges[bisect_right(edges, begin) : bisect_left(edges, end)]
        for since, until in pairwise([begin, *inside, end]):
            parts[bisect_right(edges, since) - 1].append(exposure_of(*readings, since, until, promises))
    return [added(part) for part in parts]


def _bounds(connection: sqlite3.Connection, sensor: int, since: int, until: int, most: int) -> Iterator[int]:
    """Instants inside (since, until), with about so many readings from each to the next."""
    rows = connection.execute(
        f"SELECT since, count FROM chunks WHERE sensor = ? AND since < ? AND {_FROM_OWNER} ORDER BY since",
        (sensor, until, sensor, since, ALWAYS),
    )
    count = 0
    for begin, readings in rows.fetchall():
        if count >= most and begin > since:
            yield begin
            count = 0
        count += readings


_FROM_OWNER = "since >= coalesce((SELECT max(since) FROM chunks WHERE sensor = ? AND since <= ?), ?)"


def _readings(connection: sqlite3.Connection, sensor: int, since: int, until: int) -> Readings:
    """Those of [since, until), the last before and the first after."""
    owned = connection.execute(
        f"SELECT readings FROM chunks WHERE sensor = ? AND since < ? AND {_FROM_OWNER} ORDER BY since",
        (sensor, until, sensor, since, ALWAYS),
    )
    instants: list[int] = []
    values: list[int] = []
    for more, measured in chain((unpack(body) for (body,) in owned), _behind(connection, sensor, until)):
        instants += more
        values += measured
        if instants and instants[-1] >= until:
            break
    begin, end = bisect_left(instants, since), bisect_left(instants, until) + 1
    if begin:
        return instants[begin - 1 : end], values[begin - 1 : end]
    before, measured = _last_before(connection, sensor, since)
    return [*before, *instants[:end]], [*measured, *values[:end]]


def _behind(connection: sqlite3.Connection, sensor: int, at: int) -> Iterator[Readings]:
    """The next chunk that begins at the instant or later, and the tail."""
    row = connection.execute(
        "SELECT readings FROM chunks WHERE sensor = ? AND since >= ? AND count > 0 ORDER BY since LIMIT 1",
        (sensor, at),
    ).fetchone()
    if row is not None:
        yield unpack(row[0])
    tail, measured = connection.execute("SELECT instants, measured FROM sensors WHERE number = ?", (sensor,)).fetchone()
    yield array("q", tail), array("i", measured)


def _last_before(connection: sqlite3.Connection, sensor: int, at: int) -> Readings:
    """The newest reading before the instant that is sealed, if there is one."""
    rows = connection.execute(
        "SELECT readings FROM chunks WHERE sensor = ? AND since < ? AND count > 0 ORDER BY since DESC", (sensor, at)
    )
    for (body,) in rows:
        instants, values = unpack(body)
        place = bisect_left(instants, at)
        if place:
            return instants[place - 1 : place], values[place - 1 : place]
    return (), ()


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
