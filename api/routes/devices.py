"""Devices: what measures; how it is let in, where it stands, what waits in its outbox."""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

from fastapi import APIRouter, Query

from api import models
from api.access import Found, PlaceQuery, Scope, needs, of_device, storage_point_found, within_place
from api.enrolment_shown import agent_settings, qr_code
from api.instants import After, Limit, instant_of, last_key, next_path
from api.pages import page_over
from api.routes.responses import problems
from api.scoped import top_path
from api.shown import celsius_shown, instant_shown
from api.speech_shown import speech_of, speech_shown, token_of
from api.tools import Desk, Tools
from coldchain.clock import SECOND
from coldchain.facts import EVERY_CHANNEL
from coldchain.ranges import Ranges
from coldchain.sqlite import FileMissing
from coldchain.topics import mqtt_topic
from ingest.outboxes import durable_ranges
from registry import devices, enrolment, outboxes, placements
from registry.devices import Device
from registry.placements import Placement
from registry.storage_points import StoragePoint
from stream.history import DeviceNow, SensorNow

router = APIRouter(prefix="/api/v1", tags=["devices"])


AGENTS_INTERVAL_S = 60


class Shelf(placements.Shelf, outboxes.Shelf, Protocol):
    """Devices, where they stand, and what they say of themselves."""


def _to_enrol(tools: Tools, asked: models.NewDevice) -> Found:
    """At the storage point that the body names, or in its place; without either at the top."""
    if asked.storage_point_id is not None:
        return storage_point_found(tools, asked.storage_point_id)
    if asked.place_id is not None:
        with tools.books.read() as shelf:
            place = shelf.places.several([asked.place_id]).get(asked.place_id)
        return Found((place.path,) if place else (), f"there is no place {asked.place_id}")
    return Found((top_path(tools.books),), "say at which storage point, or in which place, the device stands")


def _at_point(tools: Tools, asked: models.NewPlacement) -> Found:
    """At the storage point that the body names."""
    return storage_point_found(tools, asked.storage_point_id)


@router.get("/devices", response_model=models.Devices, responses=problems(404))
def list_devices(
    tools: Tools,
    scope: Annotated[Scope, needs("devices.read", within_place)],
    place: PlaceQuery = None,
    ended: Annotated[bool, Query(description="those too that have ended")] = False,
    limit: Limit = 1000,
    after: After = None,
) -> models.Devices:
    """By id."""
    cursor = last_key(after, str)
    with tools.books.read() as shelf:
        page, last = page_over(
            scope.paths,
            lambda path: shelf.devices.page(path, cursor[0] if cursor else "", limit + 1, ended=ended),
            _key,
            limit,
        )
        shown = _shown(tools, shelf, page, scope)
    asked = {"place": place, "ended": ended, "limit": limit}
    return models.Devices(
        items=shown, next=None if last is None else next_path("/api/v1/devices", asked, [last.device_id])
    )


@router.post("/devices", response_model=models.Credentials, status_code=201, responses=problems(404, 409))
def enrol_device(
    tools: Tools, scope: Annotated[Scope, needs("devices.write", _to_enrol)], asked: models.NewDevice
) -> models.Credentials:
    """Let a device in. The password is shown here, and never again."""
    with tools.books.begin() as shelf:
        [given] = enrolment.enrol(
            shelf,
            [asked.device_id],
            scope.at,
            storage_point_id=asked.storage_point_id,
            place_id=asked.place_id,
            kind=asked.kind,
            model=asked.model or "",
            interval=None if asked.interval_s is None else asked.interval_s * SECOND,
            speaks=None if asked.speech is None else speech_of(asked.speech, is_bridge=asked.kind == "bridge"),
        )
    tools.devices_written([given])
    return _credentials_shown(tools, given, (asked.interval_s or AGENTS_INTERVAL_S) * SECOND)


@router.get("/devices/{device_id}", response_model=models.DeviceInFull, responses=problems(404))
def get_device(
    tools: Tools, scope: Annotated[Scope, needs("devices.read", of_device)], device_id: str
) -> models.DeviceInFull:
    """With its sensors, and where they stand and stood."""
    with tools.books.read() as shelf:
        device = shelf.devices.get(device_id)
        [short] = _shown(tools, shelf, [device], scope)
        rows = shelf.placements.of_device(device_id)
        points = shelf.storage_points.several(sorted({row.storage_point_id for row in rows}))
        paths = _paths(shelf, points)
        speech = speech_shown(shelf, device, scope)
    sensors, _ = _heard(tools, [device_id])
    return models.DeviceInFull(
        **short.model_dump(),
        sensors=[_sensor_shown(one) for one in sensors],
        placements=[
            _placement_shown(row, points[row.storage_point_id])
            for row in rows
            if scope.covers(paths[row.storage_point_id])
        ],
        speech=speech,
    )


@router.post(
    "/devices/{device_id}/placements",
    response_model=models.PlacementInFull,
    status_code=201,
    responses=problems(404, 409),
    dependencies=[needs("devices.write", of_device)],
)
def place_device(
    tools: Tools,
    scope: Annotated[Scope, needs("devices.write", _at_point)],
    device_id: str,
    asked: models.NewPlacement,
) -> models.PlacementInFull:
    """The device, or one sensor of it, stands at the point from then on. The judge judges anew from that instant."""
    since = None if asked.from_ is None else instant_of(asked.from_, "from")
    with tools.books.begin() as shelf:
        placement = placements.place(
            shelf,
            device_id,
            asked.storage_point_id,
            scope.at,
            channel=asked.sensor or EVERY_CHANNEL,
            role=asked.role,
            since=since,
        )
        point = shelf.storage_points.get(asked.storage_point_id)
    tools.devices_written()
    return _placement_shown(placement, point)


@router.post("/devices/{device_id}/password", response_model=models.Credentials, responses=problems(404, 409))
def renew_password(
    tools: Tools, scope: Annotated[Scope, needs("devices.write", of_device)], device_id: str
) -> models.Credentials:
    """A new password, shown once; the old one is worth nothing from now on."""
    with tools.books.begin() as shelf:
        given = devices.renew_password(shelf, device_id, scope.at)
        declared = shelf.devices.declared([device_id]).get(device_id, [])
    tools.devices_written([given])
    return _credentials_shown(tools, given, devices.interval_at(declared, scope.at))


@router.post("/devices/{device_id}/end", response_model=models.Device, responses=problems(404, 409))
def end_device(
    tools: Tools, scope: Annotated[Scope, needs("devices.write", of_device)], device_id: str
) -> models.Device:
    """It may speak no more and stands nowhere. What it measured stays, and its id is never used again."""
    with tools.books.begin() as shelf:
        ended = enrolment.retire(shelf, device_id, scope.at)
        [shown] = _shown(tools, shelf, [ended], scope)
    tools.devices_written()
    return shown


def _key(device: Device) -> str:
    return device.device_id


def _credentials_shown(tools: Desk, given: devices.Credentials, interval: int) -> models.Credentials:
    settings = agent_settings(given.device_id, given.password, tools.settings.mqtt_url, interval)
    return models.Credentials(
        device_id=given.device_id,
        username=given.device_id,
        password=given.password,
        token=token_of(given),
        mqtt_url=tools.settings.mqtt_url,
        topic=mqtt_topic(given.device_id, "readings"),
        toml=settings,
        qr_svg=qr_code(settings),
    )


def _shown(tools: Desk, shelf: Shelf, page: Sequence[Device], scope: Scope) -> list[models.Device]:
    ids = [device.device_id for device in page]
    standing: dict[str, list[Placement]] = {}
    for row in shelf.placements.of_devices(ids, scope.at):
        standing.setdefault(row.device_id, []).append(row)
    points = shelf.storage_points.several(sorted({row.storage_point_id for rows in standing.values() for row in rows}))
    paths = _paths(shelf, points)
    declared = shelf.devices.declared(ids)
    boxes = shelf.outboxes.of_devices(ids)
    said = shelf.outboxes.said(ids)
    durable = durable_ranges(tools.settings.data_dir.gate, ids)
    _, heard = _heard(tools, ids)
    shown = []
    for device in page:
        device_id = device.device_id
        now, last = heard.get(device_id), said.get(device_id)
        shown.append(
            models.Device(
                device_id=device_id,
                kind=device.kind,
                model=device.model or None,
                dialect=device.dialect,
                interval_s=devices.interval_at(declared.get(device_id, []), scope.at) / SECOND,
                guarantee=_guarantee(now),
                last_heard_at=instant_shown(now.last_heard_at if now else None),
                silent_since=instant_shown(now.silent_since if now else None),
                undated_at=instant_shown(now.undated_at if now else None),
                storage_point=_point_shown(standing.get(device_id, []), points, paths, scope),
                outbox=_outbox_shown(device_id, boxes.get(device_id, []), durable),
                status=None if last is None else {**last.body, "state": last.state},
                ended_at=instant_shown(device.ended_at),
            )
        )
    return shown


def _heard(tools: Desk, device_ids: Sequence[str]) -> tuple[list[SensorNow], dict[str, DeviceNow]]:
    """What the judge knows of them; nothing where it has not made its file yet."""
    try:
        return tools.history.sensors(device_ids), tools.history.devices(device_ids)
    except FileMissing:
        return [], {}


def _guarantee(now: DeviceNow | None) -> Literal["acknowledged", "mqtt", "unheard"]:
    if now is None:
        return "unheard"
    return "acknowledged" if now.is_numbering else "mqtt"


def _point_shown(
    rows: Sequence[Placement], points: dict[str, StoragePoint], paths: dict[str, str], scope: Scope
) -> models.PointRef | None:
    """Where the device stands as a whole, else where its first sensor does."""
    for row in sorted(rows, key=lambda row: row.channel != EVERY_CHANNEL):
        if scope.covers(paths[row.storage_point_id]):
            return _point_ref(points[row.storage_point_id])
    return None


def _paths(shelf: Shelf, points: dict[str, StoragePoint]) -> dict[str, str]:
    places = shelf.places.several(sorted({point.place_id for point in points.values()}))
    return {key: places[point.place_id].path for key, point in points.items()}


def _outbox_shown(
    device_id: str, boxes: Sequence[outboxes.Outbox], durable: dict[tuple[str, str], Ranges]
) -> models.OutboxNow | None:
    """The one heard last; where the device has told of none, the one that the gate knows it by."""
    if boxes:
        last = boxes[-1]
        ranges = durable.get((device_id, last.outbox_id), Ranges())
        return models.OutboxNow(id=last.outbox_id, waiting=last.waiting, lost=last.lost.pairs(), durable=ranges.pairs())
    known = [(outbox_id, ranges) for (device, outbox_id), ranges in durable.items() if device == device_id]
    if not known:
        return None
    outbox_id, ranges = known[-1]
    return models.OutboxNow(id=outbox_id, waiting=None, lost=[], durable=ranges.pairs())


def _point_ref(point: StoragePoint) -> models.PointRef:
    return models.PointRef(id=point.storage_point_id, name=point.name)


def _sensor_shown(one: SensorNow) -> models.SensorInFull:
    is_temperature = one.unit == "Cel"
    return models.SensorInFull(
        sensor=one.channel,
        unit=one.unit,
        celsius=celsius_shown(one.last_value) if is_temperature else None,
        value=celsius_shown(one.last_value),
        fault=one.last_fault,
        measured_at=instant_shown(one.last_at),
    )


def _placement_shown(row: Placement, point: StoragePoint) -> models.PlacementInFull:
    return models.PlacementInFull(
        id=row.placement_id,
        sensor=row.channel,
        role=row.role,
        storage_point=_point_ref(point),
        from_=instant_shown(row.since),
        to=instant_shown(row.until),
    )
