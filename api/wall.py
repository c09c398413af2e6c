"""The wall: who needs me now? One row a storage point, worst first, by the time that is left until its alarm.

Pure: from what the judge knows of the sensors and what the books know of the points, at one instant. A state is one
of eight, and the first that fits counts; silent and faulty are never fine and never hot, for nobody knows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from api.power import Cut, SensorKey
from coldchain.clock import HOUR, MINUTE
from coldchain.facts import UNPLACED_CLASS
from coldchain.rules import Rule, RuleSet
from stream.history import DeviceNow, GoingOn, SensorNow

State = Literal["hot", "cold", "power", "silent", "fault", "watch", "ok", "empty"]
Severity = Literal["out", "warning", "alarm"]
WORST_FIRST: dict[State, int] = {
    "hot": 0,
    "cold": 0,
    "silent": 1,
    "fault": 2,
    "power": 3,
    "watch": 3,
    "ok": 4,
    "empty": 5,
}
"""Which of a point's probes speaks for it."""

SHOWN_FIRST: dict[State, int] = {
    "hot": 0,
    "cold": 0,
    "power": 1,
    "watch": 2,
    "silent": 3,
    "fault": 4,
    "ok": 5,
    "empty": 6,
}
"""In which order rows stand: what can still be saved before what nobody knows."""

NEAR = 50
"""Within half a degree of a limit (centidegrees), and moving towards it, is worth a look."""

SOON = 30 * MINUTE
"""So is whatever reaches a limit within this time at its present pace."""

STILL = 0.1
"""Below so many °C an hour a temperature does not move."""

LOWEST_STORED: dict[str, int] = {
    "refrigerator": 200,
    "walk-in-cooler": 200,
    "carrier": 200,
    "freezer": -2500,
    "walk-in-freezer": -2500,
}
"""The lower end of the storage range (centidegrees) where no rule names one: +2…+8 °C and −25…−15 °C (India, UIP)."""

NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Limits:
    """Where heat and frost begin by the alarm rules, and the safe band between; centidegrees, None where open."""

    heat: int | None
    frost: int | None
    low: int | None
    high: int | None


def limits_of(storage_class: str, rules: RuleSet) -> Limits:
    of_temperature = [rule for rule in rules.rules if rule.quantity == "temperature"]
    upper = [rule for rule in of_temperature if rule.is_upper]
    lower = [rule for rule in of_temperature if not rule.is_upper]
    low = max((rule.limit for rule in lower), default=LOWEST_STORED.get(storage_class))
    return Limits(
        heat=min(_alarm_limits(upper), default=None),
        frost=max(_alarm_limits(lower), default=None),
        low=LOWEST_STORED.get(storage_class, low),
        high=min((rule.limit for rule in upper), default=None),
    )


def _alarm_limits(rules: Iterable[Rule]) -> list[int]:
    return [rule.limit for rule in rules if rule.severity == "alarm"]


@dataclass(frozen=True, slots=True)
class Spot:
    """A place as rows name it; its path (see the books) decides who may see them."""

    id: str
    name: Mapping[str, str]
    path: str


@dataclass(frozen=True, slots=True)
class Point:
    """A storage point with the devices and product sensors that stand in it now; `mains` tell whether it has power."""

    id: str
    name: str
    storage_class: str
    place: Spot
    devices: tuple[str, ...]
    sensors: tuple[SensorKey, ...]
    limits: Limits
    mains: tuple[SensorKey, ...] = ()


@dataclass(slots=True)
class Known:
    """What the judge knows now; the one thing here that is kept up to date in place."""

    sensors: dict[SensorKey, SensorNow]
    devices: dict[str, DeviceNow]


@dataclass(frozen=True, slots=True)
class Concern:
    """What people are doing about a row: its worst incident that has not ended."""

    id: str
    kind: str
    state: str
    acknowledged_by: str | None
    acknowledged_at: int | None
    started_at: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one sensor stands. Instants in ms UTC, temperatures in centidegrees, `trend` in °C an hour.

    `limit` is the one that is broken or neared; `alarm_at` when the alarm will be full if nothing changes. Where a sum
    of time speaks for it, `summed` is what counts in it now (ms).
    """

    state: State
    device_id: str | None = None
    channel: str | None = None
    severity: Severity | None = None
    value: int | None = None
    measured_at: int | None = None
    since: int | None = None
    limit: int | None = None
    alarm_at: int | None = None
    alarmed_at: int | None = None
    trend: float | None = None
    last_heard_at: int | None = None
    silent_since: int | None = None
    fault: str | None = None
    reaches_at: int | None = None
    summed: int | None = None

    @property
    def urgency(self) -> tuple[int, int]:
        """Smaller is more urgent: alarmed ones by how long, then by the time that is left."""
        if self.state in ("hot", "cold"):
            return (0, self.alarmed_at) if self.alarmed_at is not None else (1, _or_never(self.alarm_at))
        if self.state == "watch":
            return (0 if self.severity == "warning" else 1, _or_never(self.reaches_at))
        if self.state in ("silent", "fault"):
            return (0, self.since or 0)
        return (0, 0)


EMPTY = Standing("empty")


def standing(sensor: SensorNow, device: DeviceNow | None, limits: Limits) -> Standing:
    """How the sensor stands by its newest records; the first state that fits."""
    worst = _worst_run(sensor.going_on)
    state = _state(sensor, device, worst)
    reaches_at = _reaches_at(sensor, limits)
    if state == "ok" and reaches_at is not None and _is_worth_a_look(sensor, limits, reaches_at):
        state = "watch"
    return Standing(
        state=state,
        device_id=sensor.device_id,
        channel=sensor.channel,
        severity=_severity(sensor, worst),
        value=sensor.last_value,
        measured_at=sensor.last_at,
        since=_since(state, sensor, device, worst),
        limit=worst.limit if worst else _neared(sensor, limits) if state == "watch" else None,
        alarm_at=_alarm_at(worst),
        alarmed_at=worst.alarmed_at if worst and worst.severity == "alarm" else None,
        trend=sensor.trend_c_per_h,
        last_heard_at=device.last_heard_at if device else sensor.received_at or None,
        silent_since=device.silent_since if device else None,
        fault=sensor.last_fault,
        reaches_at=reaches_at,
        summed=worst.out if worst and worst.is_sum else None,
    )


def unheard(device_id: str, device: DeviceNow | None) -> Standing:
    """A device that stands here and has never told a temperature: nothing is known."""
    heard = device.last_heard_at if device else None
    silent = device.silent_since if device else None
    return Standing("silent", device_id=device_id, since=silent, last_heard_at=heard, silent_since=silent)


def _worst_run(going_on: Sequence[GoingOn]) -> GoingOn | None:
    """An alarm rule's run before a warning's, met before unmet, then the one that is full first.

    A sum that is not full says nothing of a sensor that is back in range.
    """

    def order(run: GoingOn) -> tuple[bool, bool, int]:
        return (run.severity != "alarm", run.alarmed_at is None, run.full_at)

    return min((run for run in going_on if run.is_out or run.alarmed_at is not None), key=order, default=None)


def _state(sensor: SensorNow, device: DeviceNow | None, worst: GoingOn | None) -> State:
    if worst is not None and worst.severity == "alarm":
        return "hot" if worst.is_upper else "cold"
    if device is None:  # only files told of it: nobody knows what is now
        return "silent"
    if device.silent_since is not None and not _spoke_since(sensor, device.silent_since):
        return "silent"
    if sensor.last_fault is not None:
        return "fault"
    return "ok" if worst is None else "watch"


def _spoke_since(sensor: SensorNow, silent_since: int) -> bool:
    return sensor.received_at > silent_since


def _severity(sensor: SensorNow, worst: GoingOn | None) -> Severity | None:
    """What the stay out of range has met so far."""
    if worst is None:
        return None
    met = {run.severity for run in sensor.going_on if run.is_upper == worst.is_upper and run.alarmed_at is not None}
    return "alarm" if "alarm" in met else "warning" if "warning" in met else "out"


def _since(state: State, sensor: SensorNow, device: DeviceNow | None, worst: GoingOn | None) -> int | None:
    if state == "silent":
        return device.silent_since if device else sensor.last_at
    if state == "fault":
        return sensor.faulty_since
    return worst.started_at if worst else None


def _alarm_at(worst: GoingOn | None) -> int | None:
    if worst is None or worst.severity != "alarm" or worst.alarmed_at is not None:
        return None
    return worst.full_at


def _neared(sensor: SensorNow, limits: Limits) -> int | None:
    """The limit that the temperature moves towards."""
    trend = sensor.trend_c_per_h
    if trend is None or abs(trend) < STILL:
        return None
    return limits.heat if trend > 0 else limits.frost


def _reaches_at(sensor: SensorNow, limits: Limits) -> int | None:
    """When the temperature meets the limit it moves towards, at its present pace; None where it does not move."""
    limit, trend = _neared(sensor, limits), sensor.trend_c_per_h
    if limit is None or trend is None or sensor.last_value is None or sensor.last_at is None:
        return None
    left = (limit - sensor.last_value) / 100 / trend
    return sensor.last_at + round(left * HOUR) if left >= 0 else None


def _is_worth_a_look(sensor: SensorNow, limits: Limits, reaches_at: int) -> bool:
    limit = _neared(sensor, limits)
    if limit is None or sensor.last_value is None or sensor.last_at is None:
        return False
    return abs(limit - sensor.last_value) <= NEAR or reaches_at <= sensor.last_at + SOON


def _or_never(instant: int | None) -> int:
    return NEVER if instant is None else instant


def worst_of(standings: Iterable[Standing], limits: Limits) -> Standing:
    """Which probe speaks for its point; among those in range, the one that is nearest to leaving it."""

    def order(one: Standing) -> tuple[int, tuple[int, int], int]:
        return (WORST_FIRST[one.state], one.urgency, _room_left(one, limits))

    return min(standings, key=order, default=EMPTY)


def _room_left(one: Standing, limits: Limits) -> int:
    """Centidegrees to the nearer limit."""
    if one.value is None:
        return NEVER
    edges = [abs(edge - one.value) for edge in (limits.low, limits.high) if edge is not None]
    return min(edges, default=NEVER)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the wall: a storage point, or a device whose sensors nobody has placed."""

    id: str
    kind: Literal["point", "not-placed"]
    path: str
    name: str
    place: Spot | None
    storage_class: str
    standing: Standing
    limits: Limits
    sensors: tuple[SensorKey, ...]
    concern: Concern | None = None
    cut: Cut | None = None

    @property
    def order(self) -> tuple[int, tuple[int, int], str, str]:
        place = "" if self.place is None else self.place.name.get("en", self.place.id)
        return (SHOWN_FIRST[self.standing.state], self._urgency, place, self.name)

    @property
    def _urgency(self) -> tuple[int, int]:
        """Of points without power, by the time to breach; what nobody can foretell comes before what will last."""
        if self.standing.state != "power" or self.cut is None:
            return self.standing.urgency
        return (0, 0) if self.cut.breach is None else (1, self.cut.breach.likely_at)


@dataclass(frozen=True, slots=True)
class Wall:
    """All rows that somebody may see, worst first."""

    at: int
    rows: tuple[Row, ...]
    not_placed: tuple[Row, ...]

    def counts(self) -> dict[str, int]:
        """How many rows want what of us; the unplaced ones count too: nothing hot is unwatched."""
        counts = dict.fromkeys(("act", "watch", "silent", "fault", "ok"), 0)
        for row in (*self.rows, *self.not_placed):
            kind = COUNTED_AS.get(row.standing.state)
            if kind is not None:
                counts[kind] += 1
        return counts


COUNTED_AS: dict[State, str] = {
    "hot": "act",
    "cold": "act",
    "power": "act",
    "watch": "watch",
    "silent": "silent",
    "fault": "fault",
    "ok": "ok",
}


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A device with sensors that stand nowhere; seen by whoever may see `path`."""

    device_id: str
    sensors: tuple[SensorKey, ...]
    path: str
    limits: Limits


def point_row(point: Point, known: Known, concern: Concern | None, cut: Cut | None = None) -> Row:
    told = [
        standing(sensor, known.devices.get(sensor.device_id), point.limits)
        for key in point.sensors
        if (sensor := known.sensors.get(key)) is not None
    ]
    speaking = {one.device_id for one in told}
    told += [unheard(device, known.devices.get(device)) for device in point.devices if device not in speaking]
    worst = worst_of(told, point.limits)
    if cut is not None and worst.state in ("ok", "watch"):
        worst = replace(worst, state="power", since=cut.since)
    if concern is not None and concern.kind == "door" and worst.state == "ok":
        worst = replace(worst, state="watch", since=concern.started_at)
    return Row(
        point.id,
        "point",
        point.place.path,
        point.name,
        point.place,
        point.storage_class,
        worst,
        point.limits,
        point.sensors,
        concern,
        cut,
    )


def unplaced_row(unplaced: Unplaced, known: Known, concern: Concern | None) -> Row:
    told = [
        standing(sensor, known.devices.get(unplaced.device_id), unplaced.limits)
        for key in unplaced.sensors
        if (sensor := known.sensors.get(key)) is not None
    ]
    return Row(
        unplaced.device_id,
        "not-placed",
        unplaced.path,
        unplaced.device_id,
        None,
        UNPLACED_CLASS,
        worst_of(told, unplaced.limits),
        unplaced.limits,
        unplaced.sensors,
        concern,
    )


def hang(rows: Iterable[Row], not_placed: Iterable[Row], at: int) -> Wall:
    """The rows in the order in which somebody should read them."""
    return Wall(at, tuple(sorted(rows, key=_order)), tuple(sorted(not_placed, key=_order)))


def _order(row: Row) -> tuple[int, tuple[int, int], str, str]:
    return row.order
