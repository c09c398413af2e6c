"""Signing in and out, and what somebody may do."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from api import models
from api.access import Asker, open_to_all, signed_in_only
from api.routes.responses import problems, public_problems
from api.tools import Desk, Tools
from coldchain.clock import iso
from registry import users
from registry.places import Place
from registry.users import User

router = APIRouter(prefix="/api/v1", tags=["people"])


@router.post(
    "/sign-in",
    response_model=models.SignedIn,
    responses=public_problems(401, 422, 429),
    dependencies=[open_to_all("signing in")],
)
def sign_in(tools: Tools, request: Request, response: Response, asked: models.SignIn) -> models.SignedIn:
    """A token for name and password. After some failures one has to wait, by name and by address."""
    at = tools.clock()
    address = request.client.host if request.client else "-"
    signed_in = users.sign_in(tools.books, asked.username, asked.password, address, at)
    me = _me(tools, signed_in.user, at)
    response.headers["Cache-Control"] = "no-store"
    return models.SignedIn(
        token=signed_in.token, expires_at=iso(signed_in.expires_at), user=me.user, permissions=me.permissions
    )


@router.post("/sign-out", status_code=204, responses=problems())
def sign_out(tools: Tools, asker: Annotated[Asker, signed_in_only("one's own token")]) -> None:
    """The token is worth nothing from now on."""
    users.sign_out(tools.books, asker.token)


@router.get("/me", response_model=models.Me, responses=problems())
def me(tools: Tools, asker: Annotated[Asker, signed_in_only("oneself")]) -> models.Me:
    """Who I am, where, and what I may do there."""
    return _me(tools, asker.user, asker.at)


def _me(tools: Desk, user: User, at: int) -> models.Me:
    held = user.roles_at(at)
    with tools.books.read() as shelf:
        known = shelf.places.several([one.place_id for one in held])
    places = [place_ref(known[one.place_id]) for one in held if one.place_id in known]
    return models.Me(
        user=models.Who(username=user.username, role=held[0].role if held else "", places=_each_once(places)),
        permissions=list(user.permissions_at(at)),
    )


def place_ref(place: Place) -> models.PlaceRef:
    return models.PlaceRef(id=place.place_id, name=dict(place.name))


def _each_once(places: list[models.PlaceRef]) -> list[models.PlaceRef]:
    return list({place.id: place for place in places}.values())
