"""What the gate's socket tells of what was heard lately of a device; the desk asks first who it is that asks."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ingest.heard import Heard, Stranger
from ingest.http_answers import problem, stuck
from ingest.keeper import Keeper, Stuck


class HeardOf(msgspec.Struct):
    """Messages in the order in which they came, and hardware that a bridge named and nobody knows, latest first."""

    items: list[Heard]
    strangers: list[Stranger]


def routes(keeper: Keeper) -> list[Route]:
    async def get_heard(request: Request) -> Response:
        """`?after=` the number of the last message that was told already."""
        after = request.query_params.get("after", "0")
        if not after.isdecimal() or len(after) > 16:
            return problem(400, "unreadable", "after must be the number of a message")
        try:
            heard, strangers = await keeper.heard(request.path_params["device_id"], int(after))
        except Stuck as why:
            return stuck(why)
        return Response(msgspec.json.encode(HeardOf(heard, strangers)), media_type="application/json")

    return [Route("/devices/{device_id}/heard", get_heard, methods=["GET"])]
