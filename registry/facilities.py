"""A facility: a place of that kind, with what it is, where it stands, and where its vaccine goes in an emergency."""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from coldchain.errors import NotFound, Refused
from registry import places

Type = Literal["national-store", "state-store", "regional-store", "district-store", "cold-chain-point", "session-site"]
TYPES: tuple[Type, ...] = get_args(Type)


@dataclass(frozen=True, slots=True)
class Facility:
    """`latitude` and `longitude` in degrees, both or none. A session site may have no storage point."""

    place_id: str
    type: Type
    latitude: float | None = None
    longitude: float | None = None
    contingency_place_id: str | None = None


class NoSuchFacility(NotFound):
    """The place is no facility that the books describe."""


class BadFacility(Refused):
    """A facility was described in a way that it cannot be."""


class Facilities(Protocol):
    def get(self, place_id: str) -> Facility:
        """Raises NoSuchFacility."""
        ...

    def save(self, facility: Facility) -> None: ...


class Shelf(places.Shelf, Protocol):
    @property
    def facilities(self) -> Facilities: ...


def describe(
    shelf: Shelf,
    place_id: str,
    type: str,
    *,
    position: tuple[float, float] | None = None,
    contingency_place_id: str | None = None,
) -> Facility:
    """Say what the place is. `position` is (latitude, longitude). Raises NoSuchPlace, BadFacility."""
    place = places.of_now(shelf, place_id)
    if place.kind != "facility":
        raise BadFacility(f"{place.called()} is a {place.kind}; only a facility is described as one")
    if contingency_place_id is not None and places.of_now(shelf, contingency_place_id).place_id == place_id:
        raise BadFacility("in an emergency the vaccine goes to another place than this one")
    latitude, longitude = position or (None, None)
    if latitude is not None and longitude is not None and not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise BadFacility(f"{latitude}, {longitude} is nowhere on Earth")
    facility = Facility(place_id, _type(type), latitude, longitude, contingency_place_id)
    shelf.facilities.save(facility)
    return facility


def _type(text: str) -> Type:
    for type_ in TYPES:
        if type_ == text:
            return type_
    raise BadFacility(f"{text!r} is no type of facility; there are {', '.join(TYPES)}")
