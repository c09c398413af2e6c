"""A place: where people and vaccine are. One place lies in another, by dated rows, up to a single one at the top.

Who may see or do something is decided by one comparison: `path` lists the ids from the top down to the place's own,
as things are now, so that a subtree is a prefix.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coldchain.errors import Conflict, NotFound, Refused
from coldchain.ids import new_id
from coldchain.judgement import ALWAYS
from registry import dated

Kind = Literal["nation", "state", "division", "district", "block", "facility"]
KINDS: tuple[Kind, ...] = get_args(Kind)

DEFAULT_ZONE = "Asia/Kolkata"
LONGEST_NAME = 200

Cursor = tuple[str, str]
"""Where a page of a list by name ended: the last name and its id."""


@dataclass(frozen=True, slots=True)
class Place:
    """`name` by language; `parent_id` and `path` (`/top/…/own/`) are those of now. `contact` is of the office."""

    place_id: str
    kind: Kind
    name: Mapping[str, str]
    zone: str = DEFAULT_ZONE
    contact: str = ""
    parent_id: str | None = None
    path: str = ""
    ended_at: int | None = None

    def called(self, language: str = "en") -> str:
        """Its name in the language, else in English, else in whatever there is."""
        return self.name.get(language) or self.name.get("en") or next(iter(self.name.values()))

    def is_within(self, path: str) -> bool:
        """Whether it is the place of the path, or lies in it."""
        return self.path.startswith(path)


@dataclass(frozen=True, slots=True)
class Lying:
    """The place lies in the parent, in [since, until). The top lies in nothing and has no such row."""

    place_id: str
    parent_id: str
    since: int
    until: int | None = None
    lying_id: str = field(default_factory=new_id)


class NoSuchPlace(NotFound):
    """A place was named that the books do not know."""


class AmbiguousPlace(Conflict):
    """Several places bear the name that was given."""


class BadPlace(Refused):
    """A place was described in a way that makes no sense."""


class PlaceInItself(Refused):
    """A place was to lie, at some instant, in a place that lies in it."""


class PlaceInUse(Conflict):
    """A place was to be ended in which others still lie."""


class Places(Protocol):
    def get(self, place_id: str) -> Place:
        """Raises NoSuchPlace."""
        ...

    def several(self, place_ids: Sequence[str]) -> dict[str, Place]:
        """Those there are of the ids, by id."""
        ...

    def top(self) -> Place | None: ...

    def called(self, name: str) -> list[Place]:
        """The places, not ended, that bear the name in any language."""
        ...

    def children(self, place_id: str) -> list[Place]:
        """Those, not ended, that lie directly in it now."""
        ...

    def page(self, within: str, after: Cursor | None = None, limit: int = 100) -> list[Place]:
        """Those of the subtree of the path, not ended, by English name and id, after the cursor."""
        ...

    def cursor(self, place: Place) -> Cursor: ...

    def add(self, place: Place) -> None: ...

    def save(self, place: Place) -> None:
        """A changed `path` changes the paths below it as well."""
        ...

    def lyings(self, place_id: str) -> list[Lying]:
        """Where it lay, in order of time."""
        ...

    def add_lying(self, lying: Lying) -> None: ...

    def end_lying(self, lying_id: str, until: int) -> None: ...


class Shelf(Protocol):
    @property
    def places(self) -> Places: ...


def add(
    shelf: Shelf,
    kind: str,
    name: Mapping[str, str],
    parent_id: str | None,
    *,
    zone: str | None = None,
    contact: str = "",
    place_id: str | None = None,
) -> Place:
    """A new place in the parent, for all time; without a parent the top, of which there is one.

    Raises NoSuchPlace, BadPlace.
    """
    place_id = place_id or new_id()
    if parent_id is None:
        if shelf.places.top() is not None:
            raise BadPlace("only one place has no parent, and there is one: say in which place this one lies")
        path, zone = f"/{place_id}/", zone or DEFAULT_ZONE
    else:
        parent = of_now(shelf, parent_id)
        path, zone = f"{parent.path}{place_id}/", zone or parent.zone
    place = Place(place_id, _kind(kind), _name(name), _zone(zone), contact.strip(), parent_id, path)
    shelf.places.add(place)
    if parent_id is not None:
        shelf.places.add_lying(Lying(place_id, parent_id, ALWAYS))
    return place


def describe(
    shelf: Shelf,
    place_id: str,
    *,
    kind: str | None = None,
    name: Mapping[str, str] | None = None,
    zone: str | None = None,
    contact: str | None = None,
) -> Place:
    """Change what is said of it; names of other languages stay. Raises NoSuchPlace, BadPlace."""
    place = of_now(shelf, place_id)
    described = replace(
        place,
        kind=place.kind if kind is None else _kind(kind),
        name=place.name if name is None else _name({**place.name, **name}),
        zone=place.zone if zone is None else _zone(zone),
        contact=place.contact if contact is None else contact.strip(),
    )
    if described != place:
        shelf.places.save(described)
    return described


def move(shelf: Shelf, place_id: str, parent_id: str, since: int, at: int) -> Place:
    """Have it lie in the parent from `since` on, until it lay somewhere else already; `at` is now.

    So a district is split: add the new one, then move what belongs to it. Raises NoSuchPlace, BadPlace, PlaceInItself,
    dated.Overlapping.
    """
    place, parent = of_now(shelf, place_id), of_now(shelf, parent_id)
    if place.parent_id is None:
        raise BadPlace("the place at the top lies in no other")
    if since > at:
        raise BadPlace("a place moves now or has moved already; a move to come is told when it comes")
    lyings = shelf.places.lyings(place_id)
    before, until = dated.room_from(lyings, since, f"where {place.called()} lay")
    _check_no_circle(shelf, place, parent_id, since, until)
    if before is not None:
        shelf.places.end_lying(before.lying_id, since)
    shelf.places.add_lying(Lying(place_id, parent_id, since, until))
    if until is None:
        place = replace(place, parent_id=parent_id, path=f"{parent.path}{place_id}/")
        shelf.places.save(place)
    return place


def end(shelf: Shelf, place_id: str, at: int) -> Place:
    """Close it; what happened there stays. Raises NoSuchPlace, BadPlace, PlaceInUse."""
    place = of_now(shelf, place_id)
    if place.parent_id is None:
        raise BadPlace("the place at the top cannot be ended")
    if inside := shelf.places.children(place_id):
        raise PlaceInUse(f"{place.called()} cannot be ended: {inside[0].called()} still lies in it")
    ended = replace(place, ended_at=at)
    shelf.places.save(ended)
    return ended


def find(shelf: Shelf, text: str, may: Callable[[str], bool] = lambda path: True) -> Place:
    """By id or by name, in any language, among those whose path may be known.

    Raises NoSuchPlace, AmbiguousPlace.
    """
    known = shelf.places.several([text]).get(text)
    if known is not None and known.ended_at is None and may(known.path):
        return known
    named = [place for place in shelf.places.called(text) if may(place.path)]
    if len(named) > 1:
        raise AmbiguousPlace(f"{len(named)} places are called {text!r}: name one by its id")
    if not named:
        raise NoSuchPlace(f"no place is called {text!r}, nor is that the id of one")
    return named[0]


def of_now(shelf: Shelf, place_id: str) -> Place:
    """The place, if it has not ended. Raises NoSuchPlace."""
    place = shelf.places.get(place_id)
    if place.ended_at is not None:
        raise NoSuchPlace(f"the place {place.called()} has ended")
    return place


def top(shelf: Shelf) -> Place:
    """The place in which all others lie. Raises NoSuchPlace before the books are laid out."""
    place = shelf.places.top()
    if place is None:
        raise NoSuchPlace("there is no place yet")
    return place


def _check_no_circle(shelf: Shelf, place: Place, parent_id: str, since: int, until: int | None) -> None:
    """Raises PlaceInItself where, at any instant of the span, the parent lies in the place."""
    pending, seen = [(parent_id, since, until)], set[tuple[str, int, int | None]]()
    while pending:
        step = pending.pop()
        if step in seen:
            continue
        seen.add(step)
        above, begin, end = step
        if above == place.place_id:
            raise PlaceInItself(f"{place.called()} would lie in itself from {dated.said(begin)} on")
        for lying in shelf.places.lyings(above):
            if dated.overlap(lying, _Span(begin, end)):
                ends = [edge for edge in (lying.until, end) if edge is not None]
                pending.append((lying.parent_id, max(begin, lying.since), min(ends, default=None)))


@dataclass(frozen=True, slots=True)
class _Span:
    since: int
    until: int | None


def _kind(text: str) -> Kind:
    for kind in KINDS:
        if kind == text:
            return kind
    raise BadPlace(f"{text!r} is no kind of place; there are {', '.join(KINDS)}")


def _name(name: Mapping[str, str]) -> dict[str, str]:
    told = {language: text.strip() for language, text in name.items() if text and text.strip()}
    if not told:
        raise BadPlace("a place needs a name")
    if max(len(text) for text in told.values()) > LONGEST_NAME:
        raise BadPlace(f"a name may have {LONGEST_NAME} characters")
    return told


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the text names a folder of the zone data
        raise BadPlace(f"{text!r} is no time zone; write one like {DEFAULT_ZONE}") from None
    return text
