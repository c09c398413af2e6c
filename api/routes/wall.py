"""The wall, and its events: who needs me now?"""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from api import models
from api.access import PlaceQuery, Scope, needs, within_place
from api.live import stream
from api.routes.responses import problems
from api.shown import row_shown, strip_shown
from api.tools import Desk, Tools
from api.wall import Row, hang
from coldchain.clock import iso
from registry import users
from registry.places import Place
from registry.users import NotSignedIn

router = APIRouter(prefix="/api/v1", tags=["wall"])

STREAM = """event: hello
data: {"at": "2026-01-01T05:11:00Z"}

event: row
data: {"id": "0198c3a0-5a00-7abc-8def-0123456789ab", "state": "hot", "celsius": 10.4, "point": [1767244260000, 104]}

: still here

"""


@router.get("/wall", response_model=models.Wall, responses=problems(404))
def get_wall(
    tools: Tools, scope: Annotated[Scope, needs("points.read", within_place)], place: PlaceQuery = None
) -> Response:
    """All storage points of the place and below it, worst first by the time that is left; and what stands nowhere."""
    tools.picture.look()
    at = tools.clock()
    seen = [row for row in tools.picture.rows() if scope.covers(row.path)]
    wall = hang((row for row in seen if row.kind == "point"), (row for row in seen if row.kind == "not-placed"), at)
    here = _place_of(tools, scope, place)
    shown = {
        "place": {"id": here.place_id, "name": dict(here.name), "zone": here.zone},
        "at": iso(at),
        "counts": wall.counts(),
        "items": [_shown(tools, row, at) for row in wall.rows],
        "not_placed": [_shown(tools, row, at) for row in wall.not_placed],
    }
    return Response(msgspec.json.encode(shown), media_type="application/json")


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": STREAM}}},
        **problems(404),
    },
)
async def follow(
    tools: Tools, scope: Annotated[Scope, needs("points.read", within_place)], place: PlaceQuery = None
) -> StreamingResponse:
    """Server-sent events: `hello`; `row` (a row of the wall without its strip, `point` is its newest reading: ms UTC,
    tenths of a degree); `gone` (a row that is no more, or no more yours); `incident`; `refusal`; `resync` (you were
    too slow: ask for the wall again).
    """

    def is_admitted() -> bool:
        try:
            user, _ = users.who(tools.books, scope.asker.token, tools.clock())
        except NotSignedIn:
            return False
        return set(scope.paths) <= set(_reach(user, tools.clock(), scope.paths))

    return StreamingResponse(
        stream(tools.live, scope.covers, tools.clock, is_admitted),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _reach(user: users.User, at: int, paths: tuple[str, ...]) -> list[str]:
    """Which of the subtrees the user may still look at."""
    return [path for path in paths if users.permits(user, "points.read", path, at)]


def _place_of(tools: Desk, scope: Scope, place: str | None) -> Place:
    """The place that was asked for, else the first in which the asker holds a role."""
    with tools.books.read() as shelf:
        if place is not None:
            return shelf.places.get(place)
        held = [one.place_id for one in scope.asker.user.roles_at(scope.at) if scope.covers(one.path)]
        return shelf.places.get(held[0])


def _shown(tools: Desk, row: Row, at: int) -> dict[str, Any]:
    strip = strip_shown(tools.picture.strip(row, at)) if row.sensors else None
    return {**row_shown(row), "strip": strip}
