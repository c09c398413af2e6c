"""A storage point: the slot that people know, such as “ILR 2”, in which vaccine of one storage class is kept.

Fridges come and go in it and its history stays. Sensors are placed at points (`placements.py`), and a point's
temperature is the worst of its product probes. Cold boxes and carriers are points too, which travel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from coldchain.errors import Conflict, NotFound, Refused
from coldchain.ids import new_id
from registry import places, rule_sets
from registry.places import Cursor

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class StoragePoint:
    """`storage_class` says by which rules its sensors are judged. Instants in ms UTC."""

    storage_point_id: str
    place_id: str
    name: str
    storage_class: str
    is_mobile: bool = False
    ended_at: int | None = None

    def is_kept_at(self, at: int) -> bool:
        """Whether the point was still in use at the instant."""
        return self.ended_at is None or at < self.ended_at


class NoSuchStoragePoint(NotFound):
    """A storage point was named that the books do not know, or that has ended."""


class AmbiguousStoragePoint(Conflict):
    """Several storage points bear the name that was given."""


class NameTaken(Conflict):
    """The place has another storage point of this name."""


class BadStoragePoint(Refused):
    """A storage point was described in a way that people or rules could not use."""


class StoragePointInUse(Conflict):
    """A storage point was to be ended at which sensors still stand."""


class StoragePoints(Protocol):
    def get(self, storage_point_id: str) -> StoragePoint:
        """Raises NoSuchStoragePoint."""
        ...

    def several(self, storage_point_ids: Sequence[str]) -> dict[str, StoragePoint]:
        """Those there are of the ids, ended or not, by id."""
        ...

    def called(self, name: str, place_id: str | None = None) -> list[StoragePoint]:
        """Those, not ended, of that name: of one place, or of all."""
        ...

    def page(self, within: str, after: Cursor | None = None, limit: int = 100) -> list[StoragePoint]:
        """Those, not ended, in the subtree of the path, by name and id, after the cursor."""
        ...

    def are_used(self, storage_point_id: str) -> bool:
        """Whether any sensor stands there now."""
        ...

    def add(self, point: StoragePoint) -> None: ...

    def save(self, point: StoragePoint) -> None: ...


class Shelf(places.Shelf, rule_sets.Shelf, Protocol):
    @property
    def storage_points(self) -> StoragePoints: ...


def add(
    shelf: Shelf,
    name: str,
    storage_class: str,
    place_id: str,
    *,
    is_mobile: bool = False,
    storage_point_id: str | None = None,
) -> StoragePoint:
    """A new point in the place. Raises NoSuchPlace, BadStoragePoint, NameTaken."""
    place = places.of_now(shelf, place_id)
    point = StoragePoint(
        storage_point_id or new_id(), place.place_id, _name(name), _storage_class(shelf, storage_class), is_mobile
    )
    _check_name_is_free(shelf, point)
    shelf.storage_points.add(point)
    return point


def rename(shelf: Shelf, storage_point_id: str, name: str) -> StoragePoint:
    """Raises NoSuchStoragePoint, BadStoragePoint, NameTaken."""
    point = replace(of_now(shelf, storage_point_id), name=_name(name))
    _check_name_is_free(shelf, point)
    shelf.storage_points.save(point)
    return point


def end(shelf: Shelf, storage_point_id: str, at: int) -> StoragePoint:
    """Close it from now on; its history stays. Raises NoSuchStoragePoint, StoragePointInUse."""
    point = of_now(shelf, storage_point_id)
    if shelf.storage_points.are_used(storage_point_id):
        raise StoragePointInUse(f"{point.name} cannot be ended: sensors stand there; move or end them first")
    ended = replace(point, ended_at=at)
    shelf.storage_points.save(ended)
    return ended


def find(shelf: Shelf, text: str, may: Callable[[str], bool] = lambda path: True) -> StoragePoint:
    """By id, or by a name that only one bears, among those whose place's path may be known.

    Raises NoSuchStoragePoint, AmbiguousStoragePoint.
    """
    known = shelf.storage_points.several([text]).get(text)
    if known is not None and known.ended_at is None and may(shelf.places.get(known.place_id).path):
        return known
    named = shelf.storage_points.called(text)
    lying_in = shelf.places.several(sorted({point.place_id for point in named}))
    named = [point for point in named if may(lying_in[point.place_id].path)]
    if len(named) > 1:
        raise AmbiguousStoragePoint(f"{len(named)} storage points are called {text!r}: name one by its id")
    if not named:
        raise NoSuchStoragePoint(f"no storage point is called {text!r}, nor is that the id of one")
    return named[0]


def of_now(shelf: Shelf, storage_point_id: str) -> StoragePoint:
    """The point, if it has not ended. Raises NoSuchStoragePoint."""
    point = shelf.storage_points.get(storage_point_id)
    if point.ended_at is not None:
        raise NoSuchStoragePoint(f"the storage point {point.name} has ended")
    return point


def _check_name_is_free(shelf: Shelf, point: StoragePoint) -> None:
    others = shelf.storage_points.called(point.name, point.place_id)
    if any(other.storage_point_id != point.storage_point_id for other in others):
        raise NameTaken(f"the place has a storage point called {point.name!r} already")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise BadStoragePoint("a storage point needs a name")
    if len(name) > LONGEST_NAME:
        raise BadStoragePoint(f"a storage point's name may have {LONGEST_NAME} characters, not {len(name)}")
    return name


def _storage_class(shelf: Shelf, text: str) -> str:
    known = shelf.rule_sets.storage_classes()
    if text not in known:
        raise BadStoragePoint(f"{text!r} is no storage class that rules are known for; there are {', '.join(known)}")
    return text
