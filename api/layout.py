"""The layout as it is read from the books: which point stands where, what is placed at it, what people act on."""

from collections.abc import Iterable
from typing import Protocol

from api.picture import Layout, OpenIncident, Stand
from api.scoped import devices_in, places_in, points_in
from api.wall import Concern, Limits, Point, Spot, Unplaced, limits_of
from coldchain.facts import UNPLACED_CLASS
from registry import incidents, rule_sets, users
from registry.incidents import Incident
from registry.places import Place
from registry.rule_sets import NoSuchRules
from registry.transactions import Books

NO_LIMITS = Limits(None, None, None, None)


class Shelf(incidents.Shelf, users.Shelf, Protocol):
    """All that the present is made of."""


def read_layout(books: Books[Shelf], at: int) -> Layout:
    """What the books say at the instant (ms UTC)."""
    with books.read() as shelf:
        top = shelf.places.top()
        if top is None:
            return Layout()
        spots = {place.place_id: spot_of(place) for place in places_in(shelf, [top.path])}
        limits = {name: limits_at(shelf, name, at) for name in shelf.rule_sets.storage_classes()}
        own = own_limits(shelf, at)
        points = {
            point.storage_point_id: Point(
                point.storage_point_id,
                point.name,
                point.storage_class,
                spots[point.place_id],
                (),
                (),
                own.get(point.storage_point_id) or limits.get(point.storage_class, NO_LIMITS),
            )
            for point in points_in(shelf, [top.path])
            if point.place_id in spots
        }
        loose = limits.get(UNPLACED_CLASS, NO_LIMITS)
        known = [device for device in devices_in(shelf, [top.path]) if device.place_id in spots]
        devices = {
            device.device_id: Unplaced(device.device_id, (), spots[device.place_id].path, loose) for device in known
        }
        stands = tuple(
            Stand(row.device_id, row.channel, row.storage_point_id, row.role)
            for row in shelf.placements.standing(top.path, at)
        )
        going_on = shelf.incidents.going_on(top.path)
        names = names_of(shelf, going_on)
    return Layout(
        points,
        devices,
        stands,
        {one.incident_id: _open(one, points, devices, names) for one in going_on},
        {device.device_id: dict(device.probes) for device in known if device.probes},
        frozenset(device.device_id for device in known if device.kind == "bridge"),
    )


def limits_at(shelf: rule_sets.Shelf, storage_class: str, at: int, storage_point_id: str = "") -> Limits:
    """Of the class, or of the point where it has rules of its own."""
    try:
        return limits_of(storage_class, rule_sets.at_point(shelf, storage_point_id, storage_class, at))
    except NoSuchRules:
        return NO_LIMITS


def own_limits(shelf: rule_sets.Shelf, at: int) -> dict[str, Limits]:
    """Of the points that have rules of their own at the instant."""
    held = {key: rule_sets.holding(versions, at) for key, versions in shelf.rule_sets.of_points().items()}
    return {
        key: limits_of(one.storage_class, one.rule_set)
        for key, one in held.items()
        if one is not None and not one.is_class_again
    }


def spot_of(place: Place) -> Spot:
    return Spot(place.place_id, place.name, place.path)


def names_of(shelf: users.Shelf, incidents_: Iterable[Incident]) -> dict[str, str]:
    """The names of those who acknowledged, by id."""
    ids = {one.acknowledged_by for one in incidents_ if one.acknowledged_by is not None}
    return {user_id: user.username for user_id, user in shelf.users.several(sorted(ids)).items()}


def _open(one: Incident, points: dict[str, Point], devices: dict[str, Unplaced], names: dict[str, str]) -> OpenIncident:
    concern = Concern(
        one.incident_id,
        one.kind,
        one.state,
        None if one.acknowledged_by is None else names.get(one.acknowledged_by),
        one.acknowledged_at,
        one.started_at,
    )
    return OpenIncident(
        concern, frozenset(points.keys() & one.storage_point_ids), frozenset(devices.keys() & one.device_ids)
    )
