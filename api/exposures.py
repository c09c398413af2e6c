"""What a storage point was exposed to: its probes' exposures over a stay, each for as long as it stood there.

A point's figure is that of the probe for which it is worst, taken for each measure by itself and for each piece of time
in which the same probes stood there; where none stood, all is unknown. With one probe at a time, as usual, figures of
neighbouring stays add up exactly; with several they add up to no less than the whole. A freezer compartment in a
refrigerator is told of, and speaks for no vaccine.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from api.charts import joined
from api.instants import BadWindow
from coldchain.clock import SECOND
from coldchain.exposure import Exposure, Shares, shares_of
from coldchain.exposure.held import added
from coldchain.exposure.shares import worst_of
from coldchain.facts import FREEZER_CLASS, FREEZING_CLASSES, Facts, Placed
from coldchain.quantities import CELSIUS, Role
from coldchain.rules import Rule
from coldchain.sqlite import FileMissing
from registry import devices, placements, rule_sets
from registry.storage_points import StoragePoint
from stream.history import History, SensorNow

FOR_EVER = 1 << 62

MOST_PERIODS = 1_200
"""Days, weeks or months in one answer."""

By = Literal["day", "week", "month"]


class Shelf(placements.Shelf, rule_sets.Shelf, Protocol):
    """Placements, devices and rules."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A probe stood at the point in [since, until), ms UTC, watched by these rules of temperature.

    `speaks`: whether it hangs where the vaccine is.
    """

    device_id: str
    channel: str
    role: Role
    speaks: bool
    placement_id: str
    since: int
    until: int
    rules: tuple[Rule, ...]

    @property
    def sensor(self) -> tuple[str, str]:
        return self.device_id, self.channel

    def covers(self, since: int) -> bool:
        return self.since <= since < self.until


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of time in which the same probes stood there under the same rules, and what each was exposed to."""

    since: int
    until: int
    probes: tuple[tuple[Stand, Exposure], ...]

    @property
    def speaking(self) -> list[tuple[Stand, Exposure]]:
        return [(stand, exposure) for stand, exposure in self.probes if stand.speaks]

    @property
    def exposures(self) -> list[Exposure]:
        """Of the probes that speak for the point; all unknown where there are none."""
        return [exposure for _, exposure in self.speaking] or [Exposure({}, self.until - self.since)]

    @property
    def shares(self) -> Shares:
        """Of the probe that was in range for the shortest time."""
        if not self.speaking:
            return Shares(unknown=self.until - self.since)
        return worst_of(shares_of(exposure, stand.rules) for stand, exposure in self.speaking)


@dataclass(frozen=True, slots=True)
class Period:
    """A day, week or month of the place, as far as it lies in the window: [since, until), ms UTC."""

    label: str
    since: int
    until: int
    is_partial: bool


def stands_at(shelf: Shelf, history: History, point: StoragePoint, since: int, until: int) -> list[Stand]:
    """Which temperature probes stood at the point in [since, until), judged by what, just as the judge has it."""
    rows = shelf.placements.at_points([point.storage_point_id], since, until)
    device_ids = sorted({row.device_id for row in rows})
    facts = Facts(_facts(shelf, point, device_ids))
    stands = [stand for sensor in _heard(history, device_ids) for stand in _stands(facts, sensor, point)]
    clipped = [(stand, max(since, stand.since), min(until, stand.until)) for stand in stands]
    return [_between(stand, begin, end) for stand, begin, end in clipped if begin < end]


def pieces_of(history: History, stands: Sequence[Stand], edges: Sequence[int]) -> list[Piece]:
    """What every probe was exposed to, cut at the edges and wherever a probe comes, goes or falls under other rules."""
    cuts = sorted({*edges, *(at for stand in stands for at in (stand.since, stand.until))})
    of_sensor = {stand.sensor: history.exposures(*stand.sensor, cuts) for stand in stands}
    return [
        Piece(
            since,
            until,
            tuple((stand, of_sensor[stand.sensor][number]) for stand in stands if stand.covers(since)),
        )
        for number, (since, until) in enumerate(pairwise(cuts))
    ]


def worst(pieces: Iterable[Piece], measure: Callable[[Exposure], Any]) -> Exposure:
    """Of each piece, what that probe was exposed to for which the measure is highest; all together."""
    return added(max(piece.exposures, key=measure) for piece in pieces)


def of_each(pieces: Sequence[Piece]) -> list[tuple[Stand, list[tuple[int, int]], Exposure]]:
    """Each sensor with the spans for which it stood there and what it was exposed to in them; the newest role."""
    told: dict[tuple[str, str], list[tuple[Stand, Piece, Exposure]]] = {}
    for piece in pieces:
        for stand, exposure in piece.probes:
            told.setdefault(stand.sensor, []).append((stand, piece, exposure))
    return [
        (of_one[-1][0], joined([(piece.since, piece.until) for _, piece, _ in of_one]), added(e for _, _, e in of_one))
        for _, of_one in sorted(told.items())
    ]


def limits_of(stands: Iterable[Stand]) -> list[Rule]:
    """One rule for each limit that any rule names of a probe that speaks, the lower first."""
    by_limit = {(rule.limit, rule.operator): rule for stand in stands if stand.speaks for rule in stand.rules}
    return [by_limit[key] for key in sorted(by_limit)]


def periods(by: By, zone: ZoneInfo, since: int, until: int) -> list[Period]:
    """The place's days, weeks (from Monday, ISO 8601) or months that touch [since, until). Raises BadWindow."""
    found: list[Period] = []
    first = first_day(by, zone, since)
    while (begin := instant_of(first, zone)) < until:
        if len(found) == MOST_PERIODS:
            raise BadWindow(f"that is more than {MOST_PERIODS} {by}s: ask for a shorter time, or by month")
        following = next_day(by, first)
        end = instant_of(following, zone)
        is_partial = begin < since or until < end
        inside = max(begin, since), min(end, until)
        if inside[0] < inside[1]:  # there are zones in which a day was left out
            found.append(Period(_label(by, first), *inside, is_partial))
        first = following
    return found


def per_period(pieces: Sequence[Piece], of: Sequence[Period]) -> list[list[Piece]]:
    """Which pieces lie in each period; they are cut at its edges."""
    begins = [piece.since for piece in pieces]
    return [list(pieces[bisect_left(begins, one.since) : bisect_left(begins, one.until)]) for one in of]


def first_day(by: By, zone: ZoneInfo, at: int, back: int = 0) -> date:
    """The first day of the period that the instant is in, or of one so many periods before."""
    day = datetime.fromtimestamp(at // SECOND, zone).date()
    if by == "day":
        return day - timedelta(days=back)
    if by == "week":
        return day - timedelta(days=day.weekday() + 7 * back)
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def next_day(by: By, first: date) -> date:
    """The first day of the period after the one that begins with this day."""
    if by == "month":
        return date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first + timedelta(days=1 if by == "day" else 7)


def instant_of(day: date, zone: ZoneInfo) -> int:
    """When the day begins there, in ms UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * SECOND


def _label(by: By, first: date) -> str:
    """`2026-01-05`, `2026-W02`, `2026-01`."""
    if by == "day":
        return first.isoformat()
    if by == "month":
        return first.isoformat()[:7]
    year, week, _ = first.isocalendar()
    return f"{year}-W{week:02}"


def _facts(shelf: Shelf, point: StoragePoint, device_ids: Sequence[str]) -> list[Any]:
    """What the judge was told of the point: its devices, where they stood, and the rules that held."""
    declared = shelf.devices.declared(device_ids)
    rows = [row for device_id in device_ids for row in shelf.placements.of_device(device_id)]
    points = shelf.storage_points.several(sorted({row.storage_point_id for row in rows}))
    subjects = {point.storage_class, FREEZER_CLASS, rule_sets.subject_of(point.storage_point_id)}
    return [
        *(devices.fact(one, declared.get(one.device_id, [])) for one in shelf.devices.several(device_ids).values()),
        *(placements.fact(row, points[row.storage_point_id]) for row in rows),
        *(one.fact() for subject in sorted(subjects) for one in shelf.rule_sets.versions(subject)),
    ]


def _stands(facts: Facts, sensor: SensorNow, point: StoragePoint) -> list[Stand]:
    here = {
        placed.placement_id: placed
        for placed in facts.placements(sensor.device_id, sensor.channel)
        if placed.storage_point_id == point.storage_point_id
    }
    stretches = facts.timeline(sensor.device_id, sensor.channel, sensor.unit).stretches
    ends = [*(stretch.since for stretch in stretches[1:]), FOR_EVER]
    stands: list[Stand] = []
    for stretch, until in zip(stretches, ends, strict=True):
        placed = here.get(stretch.stay or "")
        role = None if placed is None else facts.role(sensor.device_id, sensor.channel, sensor.unit, placed)
        if placed is None or role not in ("product", "freezer"):
            continue
        stand = Stand(
            sensor.device_id,
            sensor.channel,
            role,
            _speaks(role, placed),
            placed.placement_id,
            stretch.since,
            until,
            stretch.rules,
        )
        if stands and _goes_on(stands[-1], stand):
            stand = _between(stand, stands.pop().since, stand.until)
        stands.append(stand)
    return stands


def _speaks(role: Role, placed: Placed) -> bool:
    return role == "product" or placed.storage_class in FREEZING_CLASSES


def _goes_on(one: Stand, other: Stand) -> bool:
    """Whether the other only has another declared interval."""
    return one.until == other.since and _between(one, other.since, other.until) == other


def _between(stand: Stand, since: int, until: int) -> Stand:
    return replace(stand, since=since, until=until)


def _heard(history: History, device_ids: Sequence[str]) -> list[SensorNow]:
    """None where the judge has not made its file yet."""
    try:
        return [sensor for sensor in history.sensors(device_ids) if sensor.unit == CELSIUS]
    except FileMissing:
        return []
