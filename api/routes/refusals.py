"""Refusals: messages that could not be believed, kept with the reason until a person releases them."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from api import models
from api.access import Found, PlaceQuery, Scope, device_found, needs, within_place
from api.instants import After, Limit, last_key, next_path
from api.routes.responses import problems
from api.scoped import devices_in, top_path
from api.shown import instant_shown
from api.tools import Desk, Tools
from coldchain.clock import iso
from coldchain.errors import NotFound
from ingest.refusals import KeptRefusal

router = APIRouter(prefix="/api/v1", tags=["refusals"])

RefusalId = Annotated[int, Path(ge=0, le=1 << 53)]


def _of_refusal(tools: Tools, refusal_id: RefusalId) -> Found:
    """Where its device belongs; what a device sent that nobody enrolled concerns the whole, at the top."""
    missing = f"there is no refusal {refusal_id}"
    try:
        refusal = tools.refusals.get(refusal_id)
    except NotFound:
        return Found((), missing)
    found = device_found(tools, refusal.device_id)
    return Found(found.paths or (top_path(tools.books),), missing)


@router.get("/refusals", response_model=models.Refusals, responses=problems(404))
def list_refusals(
    tools: Tools,
    scope: Annotated[Scope, needs("refusals.read", within_place)],
    place: PlaceQuery = None,
    limit: Limit = 100,
    after: After = None,
) -> models.Refusals:
    """What was refused, the newest first."""
    cursor = last_key(after, int)
    rows = tools.refusals.list(_devices(tools, scope), cursor[0] if cursor else None, limit + 1)
    following = None
    if len(rows) > limit:
        following = next_path("/api/v1/refusals", {"place": place, "limit": limit}, [rows[limit - 1].offset])
    return models.Refusals(items=[_shown(one) for one in rows[:limit]], next=following)


@router.post("/refusals/{refusal_id}/release", response_model=models.Released, responses=problems(404, 409, 503))
async def release_refusal(
    tools: Tools, scope: Annotated[Scope, needs("refusals.release", _of_refusal)], refusal_id: RefusalId
) -> Response:
    """Have today's code parse it once more. If it still cannot be believed it stays, and the answer says why."""
    answer = await tools.gate.release(refusal_id, scope.asker.user.username)
    return Response(answer.body, answer.status, media_type=answer.media_type)


def _devices(tools: Desk, scope: Scope) -> list[str] | None:
    """None: of all, those included that nobody enrolled."""
    if scope.covers(top_path(tools.books)):
        return None
    with tools.books.read() as shelf:
        return [device.device_id for device in devices_in(shelf, scope.paths, ended=True)]


def _shown(one: KeptRefusal) -> models.Refusal:
    return models.Refusal(
        id=one.offset,
        device_id=one.device_id,
        hardware_id=one.hardware_id,
        topic=one.topic,
        received_at=iso(one.received_at),
        reason=one.reason,
        detail=one.detail,
        count=one.count,
        size=one.size,
        excerpt=one.excerpt,
        released_by=one.released_by,
        released_at=instant_shown(one.released_at),
    )
