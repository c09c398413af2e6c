"""How devices speak: dialects, bridges and whom they speak for, and what arrives of a device, live."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api import models
from api.access import Found, Scope, device_found, needs, of_device, open_to_all, signed_in_only, storage_point_found
from api.charts import own_rows
from api.routes.responses import problems, public_problems
from api.shown import celsius_shown
from api.speech_shown import device_and_password, speech_of, speech_shown, spoken_shown
from api.tools import Desk, Tools
from coldchain.clock import SECOND, iso
from coldchain.dialects import dialects
from registry import dated, devices, enrolment, speech

router = APIRouter(prefix="/api/v1", tags=["devices"])

TELEMETRY = {
    "schema": {"type": "object"},
    "example": {"ts": 1767225600000, "values": {"temperature": 4.56}},
}

Reading = dict[str, Any]


def _of_spoken(tools: Tools, device_id: Annotated[str, Path(max_length=64)], asked: models.SpokenAsked) -> Found:
    """Where the device belongs that is to be spoken for; a new one at its storage point, else where its bridge is."""
    found = device_found(tools, asked.device_id)
    if found.paths:
        return found
    if asked.storage_point_id is not None:
        return storage_point_found(tools, asked.storage_point_id)
    return device_found(tools, device_id)


@router.get("/dialects", response_model=models.Dialects, responses=problems())
def list_dialects(
    asker: Annotated[Any, signed_in_only("what the platform understands concerns nobody")],
) -> models.Dialects:
    """What devices may speak, and where such devices publish unless told otherwise."""
    return models.Dialects(
        items=[
            models.DialectShown(
                name=one.name,
                title=one.title,
                understands=one.understands,
                topics=list(one.topics),
                bridge_topics=list(one.bridge_topics),
            )
            for one in dialects().values()
        ],
        next=None,
    )


@router.post("/devices/{device_id}/speech", response_model=models.SpeechShown, responses=problems(404, 409))
def change_speech(
    tools: Tools,
    scope: Annotated[Scope, needs("devices.write", of_device)],
    device_id: str,
    asked: models.SpeechAsked,
) -> models.SpeechShown:
    """From now on the device speaks so. The broker lets it publish on its topics, and the gate hears them."""
    with tools.books.begin() as shelf:
        device = devices.of_now(shelf, device_id)
        told = speech_of(asked, is_bridge=device.kind == "bridge")
        is_behind = any(row.until is None for row in shelf.devices.spoken_for(device_id))
        if is_behind and not asked.topics:  # its bridge has the topics
            told = speech.checked(
                told.dialect, told.hardware_id, None, told.probes, told.mapping, told.zone, is_behind_bridge=True
            )
        shown = speech_shown(shelf, devices.speak(shelf, device_id, told), scope)
    tools.devices_written()
    return shown


@router.post(
    "/devices/{device_id}/speaks-for",
    response_model=models.Spoken,
    status_code=201,
    responses=problems(404, 409),
    dependencies=[needs("devices.write", of_device)],
)
def speak_for(
    tools: Tools, scope: Annotated[Scope, needs("devices.write", _of_spoken)], device_id: str, asked: models.SpokenAsked
) -> models.Spoken:
    """The bridge passes on, as the device's, what hardware of this name measures. A new device is enrolled."""
    with tools.books.begin() as shelf:
        if asked.device_id in shelf.devices.several([asked.device_id]):
            devices.speak_for(shelf, device_id, asked.device_id, asked.hardware_id, scope.at)
        else:
            enrolment.enrol(
                shelf,
                [asked.device_id],
                scope.at,
                storage_point_id=asked.storage_point_id,
                model=asked.model or "",
                interval=None if asked.interval_s is None else asked.interval_s * SECOND,
                speaks=speech.checked(hardware_id=asked.hardware_id, is_behind_bridge=True),
                bridge_id=device_id,
            )
        spoken = dated.holding(shelf.devices.spoken_for(asked.device_id), scope.at)
    tools.devices_written()
    if spoken is None:
        raise devices.NotSpokenFor(f"{device_id} does not speak for {asked.device_id} now")
    return spoken_shown(spoken)


@router.post("/devices/{device_id}/speaks-for/{spoken_id}/end", status_code=204, responses=problems(404, 409))
def speak_no_more_for(
    tools: Tools,
    scope: Annotated[Scope, needs("devices.write", of_device)],
    device_id: str,
    spoken_id: Annotated[str, Path(max_length=64)],
) -> Response:
    """The bridge passes on nothing of the device from now on; what it passed on before stays."""
    with tools.books.begin() as shelf:
        devices.speak_no_more_for(shelf, device_id, spoken_id, scope.at)
    tools.devices_written()
    return Response(status_code=204)


@router.get("/devices/{device_id}/heard", response_model=models.HeardShown, responses=problems(404, 503))
async def list_heard(
    tools: Tools,
    scope: Annotated[Scope, needs("devices.read", of_device)],
    device_id: str,
    after: Annotated[int, Query(ge=0, le=1 << 53, description="the number of the last message that is known")] = 0,
) -> models.HeardShown:
    """What arrived of the device since somebody watches: ask again and again, at least once a minute.

    Nothing is kept of a device that nobody watches; the first answer is empty.
    """
    heard = await tools.gate.heard(device_id, after)
    return await asyncio.to_thread(_heard_shown, tools, scope, heard)


@router.post(
    "/{token}/telemetry",
    response_model=models.Taken,
    responses={**public_problems(400, 401, 413, 422, 429, 503)},
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": TELEMETRY}}},
    dependencies=[open_to_all("the token in the address, which the gate checks")],
)
async def take_telemetry(tools: Tools, request: Request, token: Annotated[str, Path(max_length=200)]) -> Response:
    """ThingsBoard's device API: the token that was shown when the device was enrolled stands in the address.

    200 says that it is on disk, as ThingsBoard says it.
    """
    body = await request.body()
    answer = await tools.gate.take_telemetry(*device_and_password(token), body)
    if answer.status < 300:
        return Response(answer.body, 200, media_type=answer.media_type)
    return Response(answer.body, answer.status, answer.headers, answer.media_type)


def _heard_shown(tools: Desk, scope: Scope, heard: dict[str, Any]) -> models.HeardShown:
    readings = [one for message in heard["items"] for one in message["readings"]]
    points = _Points(tools, scope, [one["device_id"] for one in readings if one.get("device_id")])
    return models.HeardShown(
        items=[
            models.HeardMessage(
                number=message["number"],
                received_at=iso(message["received_at"]),
                topic=message["topic"],
                size=message["size"],
                payload=message["payload"],
                is_text=message["is_text"],
                is_retained=message["is_retained"],
                dialect=message["dialect"],
                verdict=message["verdict"],
                reason=message["reason"],
                detail=message["detail"],
                readings=[_reading_shown(one, message["received_at"], points) for one in message["readings"]],
            )
            for message in heard["items"]
        ],
        strangers=[
            models.StrangerShown(
                hardware_id=one["hardware_id"],
                last_at=iso(one["last_at"]),
                count=one["count"],
                readings=[_reading_shown(reading, one["last_at"], points) for reading in one["readings"].values()],
            )
            for one in heard["strangers"]
        ],
        next=None,
    )


def _reading_shown(one: Reading, received_at: int, points: "_Points") -> models.HeardReading:
    at = one["measured_at"]
    device_id = one.get("device_id")
    return models.HeardReading(
        hardware_id=one["hardware_id"],
        sensor=one["sensor"],
        unit=one["unit"],
        measured_at=None if at is None else iso(at),
        value=celsius_shown(one["value"]),
        fault=one.get("fault"),
        device_id=device_id,
        storage_point=None if device_id is None else points.of(device_id, one["sensor"], at or received_at),
        reason=one.get("reason"),
        detail=one.get("detail"),
    )


class _Points:
    """Where the devices stand, as far as whoever asks may know."""

    def __init__(self, tools: Desk, scope: Scope, device_ids: Sequence[str]) -> None:
        with tools.books.read() as shelf:
            self._rows = {device_id: shelf.placements.of_device(device_id) for device_id in sorted(set(device_ids))}
            ids = {row.storage_point_id for rows in self._rows.values() for row in rows}
            points = shelf.storage_points.several(sorted(ids))
            places = shelf.places.several(sorted({point.place_id for point in points.values()}))
        self._points = {
            key: models.PointRef(id=key, name=point.name)
            for key, point in points.items()
            if scope.covers(places[point.place_id].path)
        }

    def of(self, device_id: str, channel: str, at: int) -> models.PointRef | None:
        stands = dated.holding(own_rows(self._rows.get(device_id, []), channel), at)
        return None if stands is None else self._points.get(stands.storage_point_id)
