"""Readings: what a device measured, exactly as it is kept; and the door by which devices without MQTT send theirs."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import models
from api.access import Scope, needs, of_device, open_to_all
from api.charts import own_rows
from api.instants import EARLIEST, LATEST, After, From, Limit, To, last_key, next_path, open_window
from api.routes.responses import problems, public_problems
from api.shown import celsius_shown
from api.tools import Desk, Tools
from coldchain.clock import iso
from coldchain.sqlite import FileMissing
from registry import dated
from registry.placements import Placement
from stream.history import Cursor, Record

router = APIRouter(prefix="/api/v1", tags=["devices"])

FAULT = -(1 << 31)
"""A fault stands in a page's order where its value would, below all of them."""

PACK = {
    "schema": {"type": "array", "items": {"type": "object"}},
    "example": [
        {"bn": "pi-0142:", "bt": 1767225600, "n": "outbox", "vs": "9f86d081884c7d65"},
        {"n": "seq", "v": 57},
        {"n": "tvc", "u": "Cel", "t": 0, "v": 4.56},
        {"n": "tvc", "t": 60, "vs": "fault:unplugged"},
    ],
}


@router.get("/devices/{device_id}/readings", response_model=models.ReadingsShown, responses=problems(404))
def list_readings(
    tools: Tools,
    scope: Annotated[Scope, needs("readings.read", of_device)],
    device_id: str,
    since: From = None,
    until: To = None,
    limit: Limit = 1000,
    after: After = None,
) -> Response:
    """Of all its sensors, by instant. Two values at one instant are both there, the lower first.

    What it measured at storage points that you may not see is left out.
    """
    begin, end = open_window(since, until)
    is_hidden = _hidden(tools, scope, device_id)
    records = _seen(
        tools,
        device_id,
        EARLIEST if begin is None else begin,
        LATEST if end is None else end,
        _cursor(after),
        limit + 1,
        is_hidden,
    )
    page = records[:limit]
    following = None
    if len(records) > limit:
        last = page[-1]
        key = [last.measured_at, last.channel, FAULT if last.value is None else last.value]
        following = next_path(f"/api/v1/devices/{device_id}/readings", {"from": begin, "to": end, "limit": limit}, key)
    shown = models.ReadingsShown(items=[_shown(one) for one in page], next=following)
    return Response(shown.model_dump_json(exclude_unset=True), media_type="application/json")


@router.post(
    "/devices/{device_id}/readings",
    response_model=models.Durable,
    responses={
        202: {"description": "A pack without numbers: taken", "model": models.Taken},
        **public_problems(400, 401, 404, 409, 413, 422, 429, 503),
    },
    openapi_extra={
        "security": [{"HTTPBasic": []}],
        "requestBody": {"required": True, "content": {"application/senml+json": PACK, "application/json": PACK}},
    },
    dependencies=[open_to_all("the device's own credentials, which the gate checks")],
)
async def take_readings(tools: Tools, request: Request, device_id: str) -> Response:
    """A pack of the device as it would go over MQTT (SenML JSON), with its own name and password (HTTP Basic).

    It goes through the gate: what is answered here is durable, or refused with the reason.
    """
    body = await request.body()
    answer = await tools.gate.take(
        device_id,
        request.headers.get("authorization"),
        request.headers.get("content-type", "application/senml+json"),
        body,
    )
    return Response(answer.body, answer.status, answer.headers, answer.media_type)


def _cursor(after: str | None) -> Cursor | None:
    key = last_key(after, int, str, int)
    return None if key is None else (key[0], key[1], key[2])


def _hidden(tools: Desk, scope: Scope, device_id: str) -> Callable[[Record], bool]:
    """Whether a record was measured at a storage point outside the scope."""
    with tools.books.read() as shelf:
        rows = shelf.placements.of_device(device_id)
        points = shelf.storage_points.several(sorted({row.storage_point_id for row in rows}))
        places = shelf.places.several(sorted({point.place_id for point in points.values()}))
    outside = {key for key, point in points.items() if not scope.covers(places[point.place_id].path)}
    if not outside:
        return lambda record: False
    by_channel: dict[str, list[Placement]] = {}

    def is_hidden(record: Record) -> bool:
        if record.channel not in by_channel:
            by_channel[record.channel] = [
                row for row in own_rows(rows, record.channel) if row.storage_point_id in outside
            ]
        return any(dated.holds(row, record.measured_at) for row in by_channel[record.channel])

    return is_hidden


def _seen(
    tools: Desk,
    device_id: str,
    since: int,
    until: int,
    after: Cursor | None,
    limit: int,
    is_hidden: Callable[[Record], bool],
) -> list[Record]:
    """The first so many that may be seen."""
    seen: list[Record] = []
    try:
        for record in _all(tools, device_id, since, until, after, limit):
            if not is_hidden(record):
                seen.append(record)
                if len(seen) == limit:
                    break
    except FileMissing:
        return []
    return seen


def _all(tools: Desk, device_id: str, since: int, until: int, after: Cursor | None, limit: int) -> Iterator[Record]:
    while True:
        records = tools.history.readings(device_id, since, until, after, limit)
        yield from records
        if len(records) < limit:
            return
        last = records[-1]
        after = (last.measured_at, last.channel, FAULT if last.value is None else last.value)


def _shown(one: Record) -> models.ReadingShown:
    told: dict[str, Any] = {"sensor": one.channel, "measured_at": iso(one.measured_at)}
    told["celsius"] = celsius_shown(one.value) if one.unit == "Cel" else None
    if one.fault is not None:
        told["fault"] = one.fault
    if one.unit != "Cel":
        told |= {"unit": one.unit, "value": celsius_shown(one.value)}
    return models.ReadingShown(**told)
