"""The picture: what the desk has in mind of the present, so that a wall is ready before somebody asks for it.

One per process. `look` brings it up to date: from the judge's file what changed since the last look, from the books who
stands where, at most once a second or when somebody here changed them. Safe over threads.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from api.power import Breaches, Cut, SensorKey
from api.strips import Strip, Strips
from api.wall import Concern, Known, Point, Row, Unplaced, point_row, unplaced_row
from coldchain.facts import EVERY_CHANNEL, own_role
from coldchain.quantities import CELSIUS, SWITCHES, YES, Role, role_of
from coldchain.sqlite import FileMissing
from stream.history import History, SensorNow

PRODUCT_ROLES = frozenset({"product", "freezer"})
"""In which roles a sensor is judged as a temperature, and speaks for its point."""

BOOKS_STAY_S = 1.0
"""How long what the books said is taken for true; others write in them too."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A sensor, or a whole device (channel "*"), stands at a point, in a role."""

    device_id: str
    channel: str
    storage_point_id: str
    role: Role = "product"


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident that has not ended, with the ids of the storage points and devices that it is about."""

    concern: Concern
    points: frozenset[str]
    devices: frozenset[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the books say at one moment. `points` come without sensors, `unplaced` with the path and limits alone.

    `probes`: of a device, which of its channels is what, where its record says so. `bridges` speak for others: that
    they measure nothing themselves is no news.
    """

    points: dict[str, Point] = field(default_factory=dict)
    devices: dict[str, Unplaced] = field(default_factory=dict)
    stands: tuple[Stand, ...] = ()
    incidents: dict[str, OpenIncident] = field(default_factory=dict)
    probes: dict[str, Mapping[str, Role]] = field(default_factory=dict)
    bridges: frozenset[str] = frozenset()


@dataclass(slots=True)
class News:
    """What changed since it was last taken: rows by id, and the paths of rows that are gone (or gone from there)."""

    rows: dict[str, Row] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)


class Picture:
    def __init__(self, history: History, read_layout: Callable[[], Layout]) -> None:
        self._history = history
        self._read_layout = read_layout
        self._lock = threading.RLock()
        self._known = Known({}, {})
        self._layout = Layout()
        self._read_at: float | None = None
        self._revision = -1
        self._is_rearranged = False
        self._stale: set[str] = set()
        self._spots: dict[str, Point | Unplaced] = {}
        self._row_of: dict[str, set[str]] = {}
        self._rows: dict[str, Row] = {}
        self._news = News()
        self._strips = Strips(history)
        self._breaches = Breaches(history)

    def books_changed(self) -> None:
        """Somebody here wrote: the next look reads the books anew."""
        with self._lock:
            self._read_at = None

    def look(self) -> None:
        """Bring the picture up to date. What an error interrupts is made up for by the next look."""
        with self._lock:
            self._hear()
            self._read_books()
            if self._is_rearranged:
                self._arrange()
                self._stale = set(self._spots)
                self._is_rearranged = False
            while self._stale:
                self._paint(self._stale.pop())

    def take_news(self) -> News:
        """What changed since the last call; for the one who tells others."""
        with self._lock:
            news, self._news = self._news, News()
            return news

    def rows(self) -> list[Row]:
        with self._lock:
            return list(self._rows.values())

    def row(self, row_id: str) -> Row | None:
        with self._lock:
            return self._rows.get(row_id)

    def sensor(self, device_id: str, channel: str) -> SensorNow | None:
        return self._known.sensors.get((device_id, channel))

    def strip(self, row: Row, at: int) -> Strip:
        """The row's last 24 hours."""
        sensors = [sensor for key in row.sensors if (sensor := self._known.sensors.get(key)) is not None]
        return self._strips.of(sensors, at)

    def warm(self, keys: Iterable[SensorKey], at: int) -> None:
        """Have the strips of these sensors ready, and whole."""
        for key in keys:
            sensor = self._known.sensors.get(key)
            if sensor is not None:
                self._strips.of([sensor], at, whole=True)

    def _hear(self) -> None:
        """Take in what the judge has learned: the rows that it concerns are stale."""
        try:
            revision = self._history.revision()
            if revision == self._revision:
                return
            changed = self._history.changed_since(self._revision)
            devices = self._history.devices_changed_since(self._revision)
        except FileMissing:
            return
        except sqlite3.OperationalError as why:
            if "no such table" not in str(why):
                raise
            return  # the judge is just making its file
        sensors = [one for one in changed if one.unit == CELSIUS or one.unit in SWITCHES]
        self._is_rearranged |= any((one.device_id, one.channel) not in self._known.sensors for one in sensors)
        self._known.sensors.update({(one.device_id, one.channel): one for one in sensors})
        self._known.devices.update({one.device_id: one for one in devices})
        self._revision = revision  # read first: what came since is read again, which changes nothing
        heard = {one.device_id for one in sensors} | {one.device_id for one in devices}
        self._stale |= {row_id for device_id in heard for row_id in self._row_of.get(device_id, ())}

    def _read_books(self) -> None:
        """Take in what the books say, if it was long ago or somebody here wrote."""
        now = time.monotonic()
        if self._read_at is not None and now - self._read_at < BOOKS_STAY_S:
            return
        layout = self._read_layout()
        self._read_at = now
        if layout != self._layout:
            self._layout = layout
            self._is_rearranged = True

    def _arrange(self) -> None:
        self._spots = arranged(self._layout, {key: one.unit for key, one in self._known.sensors.items()})
        self._row_of = {}
        for row_id, spot in self._spots.items():
            devices = spot.devices if isinstance(spot, Point) else (spot.device_id,)
            mains = spot.mains if isinstance(spot, Point) else ()
            for device_id in {*devices, *(device for device, _ in (*spot.sensors, *mains))}:
                self._row_of.setdefault(device_id, set()).add(row_id)
        for row_id in self._rows.keys() - self._spots.keys():
            self._news.gone[row_id] = self._rows.pop(row_id).path
            self._news.rows.pop(row_id, None)

    def _paint(self, row_id: str) -> None:
        spot = self._spots[row_id]
        concern = _worst_concern(self._layout.incidents, row_id, is_point=isinstance(spot, Point))
        if isinstance(spot, Point):
            row = point_row(spot, self._known, concern, self._cut(spot))
        else:
            row = unplaced_row(spot, self._known, concern)
        before = self._rows.get(row_id)
        if before is not None and before.path != row.path:
            self._news.gone[row_id] = before.path
        if row != before:
            self._rows[row_id] = row
            self._news.rows[row_id] = row

    def _cut(self, point: Point) -> Cut | None:
        """Since when the point has no power, and how long it stays cold; None while it has some, or nobody knows."""
        for key in point.mains:
            mains = self._known.sensors.get(key)
            device = self._known.devices.get(key[0])
            is_heard = device is not None and device.silent_since is None
            if mains is None or not is_heard or mains.last_value is None or mains.faulty_since is not None:
                continue
            if mains.last_value < YES and mains.last_at is not None:
                since = min((run.started_at for run in mains.going_on), default=mains.last_at)
                heat = point.limits.heat
                breach = None
                if heat is not None and point.sensors:
                    breach = self._breaches.of(key, point.sensors, heat, since, mains.last_at)
                return Cut(since, breach)
        return None


def arranged(layout: Layout, units: Mapping[SensorKey, str]) -> dict[str, Point | Unplaced]:
    """Each point with its sensors, and each device that has sensors which stand nowhere; from all sensors' units."""
    own = {(stand.device_id, stand.channel): stand for stand in layout.stands}
    at_point: dict[str, list[SensorKey]] = {}
    mains_at: dict[str, list[SensorKey]] = {}
    devices_at: dict[str, set[str]] = {}
    nowhere: dict[str, list[SensorKey]] = {}
    heard: set[str] = set()
    for stand in layout.stands:
        if stand.role in PRODUCT_ROLES:
            devices_at.setdefault(stand.storage_point_id, set()).add(stand.device_id)
    for (device_id, channel), unit in sorted(units.items()):
        heard.add(device_id)
        placed = own.get((device_id, channel)) or own.get((device_id, EVERY_CHANNEL))
        placed_as = None if placed is None else own_role(placed.channel, placed.role)
        role = role_of(placed_as, layout.probes.get(device_id, {}), channel, unit)
        if placed is not None and role == "power":
            mains_at.setdefault(placed.storage_point_id, []).append((device_id, channel))
        if unit != CELSIUS or role not in PRODUCT_ROLES:
            continue
        if placed is None:
            nowhere.setdefault(device_id, []).append((device_id, channel))
        else:
            at_point.setdefault(placed.storage_point_id, []).append((device_id, channel))
    placed_devices = {stand.device_id for stand in layout.stands}
    spots: dict[str, Point | Unplaced] = {}
    for point in layout.points.values():
        spots[point.id] = Point(
            point.id,
            point.name,
            point.storage_class,
            point.place,
            tuple(sorted(devices_at.get(point.id, ()))),
            tuple(at_point.get(point.id, ())),
            point.limits,
            tuple(mains_at.get(point.id, ())),
        )
    for device in layout.devices.values():
        is_new = device.device_id not in placed_devices | heard | layout.bridges
        if is_new or device.device_id in nowhere:
            loose = tuple(nowhere.get(device.device_id, ()))
            spots[device.device_id] = Unplaced(device.device_id, loose, device.path, device.limits)
    return spots


def _worst_concern(incidents: dict[str, OpenIncident], row_id: str, *, is_point: bool) -> Concern | None:
    """The incident that a row names: one that nobody has acknowledged before one that somebody has."""
    about = [one.concern for one in incidents.values() if row_id in (one.points if is_point else one.devices)]
    return min(about, key=_order, default=None)


KINDS_WORST_FIRST = ("heat", "frost", "two-voices", "fault", "silence", "power", "door", "clock", "platform")


def _order(concern: Concern) -> tuple[int, bool, str]:
    kind = KINDS_WORST_FIRST.index(concern.kind) if concern.kind in KINDS_WORST_FIRST else len(KINDS_WORST_FIRST)
    return (kind, concern.acknowledged_at is not None, concern.id)
