"""Files that people carry in, what loggers made of their readings themselves, and transfers of equipment monitoring."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from starlette.responses import Response

from api import models
from api.access import Found, Scope, device_found, needs, of_storage_point, open_to_all, storage_point_found
from api.evidence_shown import Shown, shown_at
from api.instants import From, To, window
from api.logger_files import Asked, House, OfDevice, Taken, take
from api.routes.responses import problems, public_problems
from api.shown import celsius_shown, instant_shown
from api.tools import Tools
from coldchain.clock import DAY
from registry import users

router = APIRouter(prefix="/api/v1", tags=["devices"])

FILE = "application/octet-stream"
TAG = "Device: Q-tag Fridge-tag 2\nVers: 0.5\n…"
TOKENS = ("x-api-key", "x-auth-token", "api-key")
PASSED_ON = ("authorization", "content-type", "content-encoding", *TOKENS)

TRANSFER = {
    "meta": {
        "schemaVersion": "0.8.1",
        "transferType": "ems",
        "transferId": "0197…",
        "transferSrc": "org.example",
        "transferredAt": "2026-01-01T00:16:00Z",
    },
    "data": [
        {
            "CID": "IN",
            "LSER": "LG-0071",
            "records": [{"ABST": "20260101T001500Z", "TVC": 4.5, "TAMB": 31.5, "SVA": 900, "ALRM": None}],
        }
    ],
}


def _whose(
    tools: Tools,
    device: Annotated[str | None, Query(max_length=64, description="whose file it is")] = None,
    point: Annotated[str | None, Query(max_length=64, description="where its logger stood")] = None,
) -> Found | None:
    """Of the device, or at the storage point, that the query names; without either wherever one may carry files in."""
    if device is not None:
        return device_found(tools, device)
    return None if point is None else storage_point_found(tools, point)


@router.post(
    "/imports/readings",
    response_model=models.FileTaken,
    responses=problems(404, 409, 413, 503),
    openapi_extra={
        "requestBody": {"required": True, "content": {FILE: {"schema": {"type": "string"}, "example": TAG}}}
    },
)
async def take_file(
    tools: Tools,
    scope: Annotated[Scope, needs("readings.import", _whose)],
    file: Annotated[bytes, Body(media_type=FILE)],
    device: str | None = None,
    point: str | None = None,
    zone: Annotated[
        str | None, Query(max_length=64, description="of its times, where they name none; else that of the place")
    ] = None,
) -> models.FileTaken:
    """A file of a Fridge-tag or Q-tag, or CSV with the columns sensor, measured_at, celsius: told by its content.

    Its logger is known by the serial number; one that nobody knows is enrolled at `point`, by whoever may enrol there.
    Readings are judged like any others. Days and alarms of the logger itself are kept beside them. The same file twice
    changes nothing; of a damaged one nothing is taken, and the answer says in which line.
    """
    enrolling = tuple(users.paths_permitted(scope.asker.user, "devices.write", scope.at))
    asked = Asked(
        content=file,
        at=scope.at,
        zone=zone,
        device_id=device,
        storage_point_id=point,
        may=scope.covers,
        may_enrol=lambda path: path.startswith(enrolling),
    )
    return _taken(await take(House(tools.books, tools.history, tools.gate.carry_in, tools.devices_written), asked))


@router.get(
    "/storage-points/{storage_point_id}/evidence",
    response_model=models.EvidenceList,
    responses=problems(404),
)
def list_evidence(
    tools: Tools,
    scope: Annotated[Scope, needs("readings.read", of_storage_point)],
    storage_point_id: Annotated[str, Path(max_length=64)],
    since: From = None,
    until: To = None,
) -> models.EvidenceList:
    """What loggers that stood there say of themselves, newest first: days with their lowest and highest, own alarms.

    It stands beside the readings and is never judged. The last 30 days unless told otherwise.
    """
    begin, end = window(since, until, scope.at, length=30 * DAY)
    with tools.books.read() as shelf:
        shown = shown_at(shelf, storage_point_id, begin, end)
    return models.EvidenceList(items=[_evidence(one) for one in shown])


@router.post(
    "/cce-interop",
    response_model=models.TransferTaken,
    responses=public_problems(400, 401, 413, 422, 429, 503),
    openapi_extra={
        "security": [{"HTTPBasic": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}, "example": TRANSFER}},
        },
    },
    dependencies=[open_to_all("the sender's own credentials, which the gate checks")],
)
async def take_transfer(tools: Tools, request: Request) -> Response:
    """Equipment monitoring of WHO PQS E006 in the `cce-interop` envelope (0.8.1; transfer types `ems` and `rtm`).

    UTF-8 JSON of up to 1 MiB as it is sent, packed by gzip or not. Credentials are those of the sender's record, a
    bridge: Basic, or NAME.PASSWORD as Bearer or as `X-API-Key`. 2xx says that everything is durable: what was taken,
    and what could not be believed and is kept. Repeats and disorder change nothing.
    """
    headers = {name: value for name in PASSED_ON if (value := request.headers.get(name)) is not None}
    answer = await tools.gate.transfer(headers, await request.body())
    return Response(answer.body, answer.status, answer.headers, answer.media_type)


def _taken(taken: Taken) -> models.FileTaken:
    return models.FileTaken(
        form=taken.form,
        model=taken.model or None,
        zone=taken.zone,
        is_known=taken.is_known,
        days=taken.days,
        alarms=taken.alarms,
        devices=[_of_device(one) for one in taken.devices],
    )


def _of_device(one: OfDevice) -> models.FileOfDevice:
    return models.FileOfDevice(
        device_id=one.device_id,
        hardware_id=one.hardware_id,
        is_enrolled=one.is_enrolled,
        new=one.new,
        known=one.known,
        faults=one.faults,
        from_=instant_shown(one.since),
        to=instant_shown(one.until),
    )


def _evidence(one: Shown) -> models.EvidenceShown:
    content = one.content
    return models.EvidenceShown(
        kind=one.kind,
        device_id=one.device_id,
        source=str(content.get("source", "")),
        from_=instant_shown(one.since),
        to=instant_shown(one.until),
        recorded_at=instant_shown(one.recorded_at),
        day=content.get("day"),
        lowest_c=celsius_shown(content.get("low")),
        lowest_at=instant_shown(content.get("low_at")),
        highest_c=celsius_shown(content.get("high")),
        highest_at=instant_shown(content.get("high_at")),
        mean_c=celsius_shown(content.get("mean")),
        lost_minutes=content.get("lost_minutes"),
        beyond=[_beyond(told) for told in content.get("beyond", ())],
        code=content.get("code"),
        limit_c=celsius_shown(content.get("limit")),
        after_minutes=content.get("after_minutes"),
        minutes=content.get("minutes"),
        is_cumulative=content.get("is_cumulative"),
        extreme_c=celsius_shown(content.get("extreme")),
    )


def _beyond(told: dict[str, Any]) -> models.BeyondShown:
    return models.BeyondShown(
        side=told["side"],
        limit_c=told["limit"] / 100,
        after_minutes=told["after_minutes"],
        minutes=told["minutes"],
    )
