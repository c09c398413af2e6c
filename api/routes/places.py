"""Places: where things stand."""

from typing import Annotated

from fastapi import APIRouter

from api import models
from api.access import Found, PlaceQuery, Scope, needs, within_place
from api.instants import After, Limit, last_key, next_path
from api.pages import page_over
from api.routes.responses import problems
from api.tools import Tools
from registry import places
from registry.places import Place

router = APIRouter(prefix="/api/v1", tags=["places"])


def _new_place(tools: Tools, asked: models.NewPlace) -> Found:
    """In the parent that the body names."""
    with tools.books.read() as shelf:
        parent = shelf.places.several([asked.parent_id]).get(asked.parent_id)
    return Found((parent.path,) if parent else (), f"there is no place {asked.parent_id}")


@router.get("/places", response_model=models.Places, responses=problems(404))
def list_places(
    tools: Tools,
    scope: Annotated[Scope, needs("places.read", within_place)],
    place: PlaceQuery = None,
    limit: Limit = 1000,
    after: After = None,
) -> models.Places:
    """The places in which you hold a role, by name."""
    cursor = last_key(after, str, str)
    with tools.books.read() as shelf:
        page, last = page_over(
            scope.paths, lambda path: shelf.places.page(path, cursor, limit + 1), shelf.places.cursor, limit
        )
        following = None if last is None else shelf.places.cursor(last)
    return models.Places(
        items=[place_shown(one, scope) for one in page],
        next=following and next_path("/api/v1/places", {"place": place, "limit": limit}, following),
    )


@router.post("/places", response_model=models.Place, status_code=201, responses=problems(404, 409))
def add_place(
    tools: Tools, scope: Annotated[Scope, needs("places.write", _new_place)], asked: models.NewPlace
) -> models.Place:
    """A new place in another one. Its time zone is its parent's unless told otherwise."""
    with tools.books.begin() as shelf:
        place = places.add(shelf, asked.kind, asked.name, asked.parent_id, zone=asked.zone)
    tools.written()
    return place_shown(place, scope)


def place_shown(place: Place, scope: Scope) -> models.Place:
    """The parent is named to those alone who may know of it."""
    parent_path = place.path.removesuffix(f"{place.place_id}/")
    return models.Place(
        id=place.place_id,
        kind=place.kind,
        name=dict(place.name),
        parent_id=place.parent_id if scope.asker.knows_of(parent_path) else None,
        zone=place.zone,
    )
