"""A placement: a sensor stands at a storage point, in a role, in [since, until): one point at an instant.

Channel "*" means those of the device that have no placement of their own. Readings between two placements belong to
nobody. Every change goes out on SETTINGS, and one that is dated back has the judge judge anew from its instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from coldchain.errors import NotFound, Refused
from coldchain.facts import EVERY_CHANNEL, Placed
from coldchain.ids import new_id
from coldchain.judgement import ALWAYS
from coldchain.quantities import ROLES, Role
from registry import dated, devices, storage_points
from registry.relay import announce

LONGEST_CHANNEL = 64


@dataclass(frozen=True, slots=True)
class Placement:
    """A row that `superseded_by` names another was wrong; it stays to tell what was believed. Instants in ms UTC."""

    device_id: str
    channel: str
    storage_point_id: str
    since: int
    known_at: int
    role: Role = "product"
    until: int | None = None
    superseded_by: str | None = None
    revision: int = 1
    placement_id: str = field(default_factory=new_id)


class NoSuchPlacement(NotFound):
    """A placement was named that the books do not know, or that another superseded."""


class NotPlaced(NotFound):
    """A sensor was to be taken away from where it does not stand."""


class BadPlacement(Refused):
    """A sensor was placed in a way that makes no sense."""


class Placements(Protocol):
    def get(self, placement_id: str) -> Placement:
        """Raises NoSuchPlacement."""
        ...

    def several(self, placement_ids: Sequence[str]) -> dict[str, Placement]:
        """Those there are of the ids, superseded or not, by id."""
        ...

    def of_device(self, device_id: str) -> list[Placement]:
        """Of all its channels, those that no other superseded, by channel and time."""
        ...

    def standing(self, within: str, at: int) -> list[Placement]:
        """Those that hold at the instant, at the points in the subtree of the path."""
        ...

    def of_devices(self, device_ids: Sequence[str], at: int) -> list[Placement]:
        """Those of the devices that hold at the instant, by device and channel."""
        ...

    def at_points(self, storage_point_ids: Sequence[str], since: int, until: int) -> list[Placement]:
        """Those at the points that hold at some instant of [since, until), by point and time."""
        ...

    def add(self, placement: Placement) -> None: ...

    def save(self, placement: Placement) -> None: ...


class Shelf(storage_points.Shelf, devices.Shelf, Protocol):
    @property
    def placements(self) -> Placements: ...


def place(
    shelf: Shelf,
    device_id: str,
    storage_point_id: str,
    at: int,
    *,
    channel: str = EVERY_CHANNEL,
    role: str = "product",
    since: int | None = None,
) -> Placement:
    """Have a sensor, or a whole device, stand at the point from `since` on, until it stood elsewhere already.

    Without `since`: from now (`at`) on, or for all time where it was never placed. A device that moves takes along
    the channels that have placements of their own, each in its role. Raises NoSuchDevice, DeviceEnded,
    NoSuchStoragePoint, BadPlacement, dated.Overlapping.
    """
    device = devices.of_now(shelf, device_id)
    point = storage_points.of_now(shelf, storage_point_id)
    if since is not None and since > at:
        raise BadPlacement("a sensor is placed now, or has been already; a move to come is told when it comes")
    known = shelf.placements.of_device(device_id)
    own = _by_channel(known)
    moved = [(_channel(channel), _role(role))]
    if channel == EVERY_CHANNEL:
        moved += [(other, rows[-1].role) for other, rows in own.items() if other != EVERY_CHANNEL]
    elif channel not in own:
        own[channel] = _copied(shelf, own.get(EVERY_CHANNEL, []), channel, at)
    placed = [_placed(shelf, point, device_id, name, how, own.get(name, []), since, at) for name, how in moved]
    if placed[0].until is None and device.place_id != point.place_id:
        devices.describe(shelf, device_id, place_id=point.place_id)
    return placed[0]


def take_away(shelf: Shelf, device_id: str, until: int, *, channel: str = EVERY_CHANNEL) -> list[Placement]:
    """It stands nowhere from `until` on: its readings belong to nobody. Of "*", every channel of the device.

    Raises NoSuchDevice, NotPlaced.
    """
    shelf.devices.get(device_id)
    rows = [row for row in shelf.placements.of_device(device_id) if channel in (EVERY_CHANNEL, row.channel)]
    standing = [row for row in rows if row.until is None or row.until > until]
    if not standing:
        raise NotPlaced(f"{device_id} stands nowhere after {dated.said(until)}")
    return [_ended(shelf, row, until) for row in standing]


def correct(
    shelf: Shelf,
    placement_id: str,
    at: int,
    *,
    storage_point_id: str | None = None,
    role: str | None = None,
    since: int | None = None,
    until: int | None = None,
) -> Placement:
    """The row was wrong: a new one takes its place, with what is given here changed; the judge judges anew.

    Raises NoSuchPlacement, NoSuchStoragePoint, BadPlacement, dated.Overlapping, dated.NeverHolds.
    """
    wrong = shelf.placements.get(placement_id)
    point = shelf.storage_points.get(storage_point_id or wrong.storage_point_id)
    right = replace(
        wrong,
        storage_point_id=point.storage_point_id,
        role=wrong.role if role is None else _role(role),
        since=wrong.since if since is None else since,
        until=wrong.until if until is None else until,
        known_at=at,
        revision=1,
        placement_id=new_id(),
    )
    rows = shelf.placements.of_device(wrong.device_id)
    others = [r for r in rows if r.channel == wrong.channel and r.placement_id != placement_id]
    dated.check_free(others, right, f"where {wrong.device_id}:{wrong.channel} stood")
    _save(shelf, replace(wrong, superseded_by=right.placement_id))
    _add(shelf, right)
    return right


def fact(placement: Placement, point: storage_points.StoragePoint) -> Placed:
    """What the judge is told of it."""
    return Placed(
        placement_id=placement.placement_id,
        revision=placement.revision,
        device_id=placement.device_id,
        channel=placement.channel,
        storage_point_id=placement.storage_point_id,
        storage_class=point.storage_class,
        role=placement.role,
        since=placement.since,
        until=placement.until,
        void=placement.superseded_by is not None,
        place_id=point.place_id,
    )


def _placed(
    shelf: Shelf,
    point: storage_points.StoragePoint,
    device_id: str,
    channel: str,
    role: Role,
    rows: list[Placement],
    since: int | None,
    at: int,
) -> Placement:
    if since is None:
        since = at if rows else ALWAYS
    before, until = dated.room_from(rows, since, f"where {device_id}:{channel} stood")
    if before is not None and (before.storage_point_id, before.role) == (point.storage_point_id, role):
        return before  # there it stands already
    if before is not None:
        _ended(shelf, before, since)
    placement = Placement(device_id, channel, point.storage_point_id, since, at, role, until)
    _add(shelf, placement)
    return placement


def _copied(shelf: Shelf, rows: list[Placement], channel: str, at: int) -> list[Placement]:
    """A channel that gets placements of its own keeps where it stood with its device."""
    copies = [replace(row, channel=channel, known_at=at, revision=1, placement_id=new_id()) for row in rows]
    for copy in copies:
        _add(shelf, copy)
    return copies


def _ended(shelf: Shelf, placement: Placement, until: int) -> Placement:
    if placement.since >= until:  # it never was
        return _save(shelf, replace(placement, superseded_by=placement.placement_id))
    return _save(shelf, replace(placement, until=until))


def _add(shelf: Shelf, placement: Placement) -> None:
    shelf.placements.add(placement)
    _announce(shelf, placement)


def _save(shelf: Shelf, placement: Placement) -> Placement:
    saved = replace(placement, revision=placement.revision + 1)
    shelf.placements.save(saved)
    _announce(shelf, saved)
    return saved


def _announce(shelf: Shelf, placement: Placement) -> None:
    point = shelf.storage_points.get(placement.storage_point_id)
    announce(shelf, fact(placement, point))


def _by_channel(rows: Sequence[Placement]) -> dict[str, list[Placement]]:
    by_channel: dict[str, list[Placement]] = {}
    for row in rows:
        by_channel.setdefault(row.channel, []).append(row)
    return by_channel


def _channel(text: str) -> str:
    if not text or len(text) > LONGEST_CHANNEL:
        raise BadPlacement(f"{text[:LONGEST_CHANNEL]!r} is no channel: give its name in the packs, or * for all")
    return text


def _role(text: str) -> Role:
    for role in ROLES:
        if role == text:
            return role
    raise BadPlacement(f"{text!r} is no role of a sensor; there are {', '.join(ROLES)}")
