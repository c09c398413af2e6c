"""All that is measured at a storage point now: its product's probes, the room, door, power, humidity, batteries."""

from typing import Annotated

from fastapi import APIRouter, Path

from api import models
from api.access import Scope, needs, of_storage_point
from api.charts import own_rows
from api.routes.responses import problems
from api.shown import celsius_shown, instant_shown
from api.tools import Desk, Tools
from coldchain.facts import own_role
from coldchain.quantities import CELSIUS, SWITCHES, YES, quantity_of, role_of
from coldchain.sqlite import FileMissing
from registry import dated
from stream.history import SensorNow

router = APIRouter(prefix="/api/v1", tags=["places"])


@router.get("/storage-points/{storage_point_id}/channels", response_model=models.Channels, responses=problems(404))
def list_channels(
    tools: Tools,
    scope: Annotated[Scope, needs("readings.read", of_storage_point)],
    storage_point_id: Annotated[str, Path(max_length=64)],
) -> models.Channels:
    """Every channel that stands there now, with what it last said; the product's first."""
    with tools.books.read() as shelf:
        here = {row.device_id for row in shelf.placements.at_points([storage_point_id], scope.at, scope.at + 1)}
        rows = {device_id: shelf.placements.of_device(device_id) for device_id in sorted(here)}
        probes = {key: device.probes for key, device in shelf.devices.several(sorted(here)).items()}
    shown = []
    for one in _heard(tools, sorted(here)):
        stands = dated.holding(own_rows(rows[one.device_id], one.channel), scope.at)
        if stands is not None and stands.storage_point_id == storage_point_id:
            role = role_of(own_role(stands.channel, stands.role), probes[one.device_id], one.channel, one.unit)
            shown.append(_shown(one, role))
    return models.Channels(items=sorted(shown, key=_order), next=None)


def _heard(tools: Desk, device_ids: list[str]) -> list[SensorNow]:
    """None where the judge has not made its file yet."""
    try:
        return tools.history.sensors(device_ids)
    except FileMissing:
        return []


def _shown(one: SensorNow, role: models.Role) -> models.ChannelShown:
    is_switch = one.unit in SWITCHES
    is_faulty = one.faulty_since is not None
    return models.ChannelShown(
        device_id=one.device_id,
        sensor=one.channel,
        quantity=quantity_of(one.channel, one.unit),
        role=role,
        unit=one.unit,
        celsius=celsius_shown(one.last_value) if one.unit == CELSIUS and not is_faulty else None,
        value=None if is_switch or is_faulty else celsius_shown(one.last_value),
        is_on=one.last_value >= YES if is_switch and one.last_value is not None and not is_faulty else None,
        fault=one.last_fault if is_faulty else None,
        measured_at=instant_shown(one.last_at),
    )


ORDER = ("product", "freezer", "ambient", "door", "power", "other")


def _order(one: models.ChannelShown) -> tuple[int, str, str]:
    return ORDER.index(one.role), one.device_id, one.sensor
