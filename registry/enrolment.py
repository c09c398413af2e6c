"""Enrolment: devices are taken in and placed in one go, and taken out again."""

from collections.abc import Sequence
from typing import Protocol

from registry import devices, placements, storage_points
from registry.devices import Credentials, Device
from registry.speech import Speech


class Shelf(placements.Shelf, Protocol):
    """Devices, storage points and placements."""


def enrol(
    shelf: Shelf,
    device_ids: Sequence[str],
    at: int,
    *,
    storage_point_id: str | None = None,
    place_id: str | None = None,
    kind: str = "logger",
    model: str = "",
    speaks: Speech | None = None,
    interval: int | None = None,
    replaces: str | None = None,
    bridge_id: str | None = None,
) -> list[Credentials]:
    """Take devices in; where a point is given, all their sensors stand there, for all time. `interval` in ms.

    Where a bridge is given it speaks for the device, by its hardware id, and no password is told.
    Raises what devices.enrol, devices.speak_for and placements.place raise: then none is taken in, the transaction
    being left by it.
    """
    if storage_point_id is not None and place_id is None:
        place_id = storage_points.of_now(shelf, storage_point_id).place_id
    if bridge_id is not None and place_id is None:
        place_id = devices.of_now(shelf, bridge_id).place_id
    given = devices.enrol(
        shelf,
        device_ids,
        at,
        place_id=place_id,
        kind=kind,
        model=model,
        speaks=speaks,
        interval=interval,
        replaces=replaces,
        is_behind_bridge=bridge_id is not None,
    )
    if bridge_id is not None:
        for device_id in device_ids:
            devices.speak_for(shelf, bridge_id, device_id, (speaks and speaks.hardware_id) or "", at)
    if storage_point_id is not None:
        for device_id in device_ids:
            placements.place(shelf, device_id, storage_point_id, at)
    return given


def retire(shelf: Shelf, device_id: str, at: int) -> Device:
    """The device may speak no more and stands nowhere. Raises NoSuchDevice, DeviceEnded."""
    devices.of_now(shelf, device_id)
    for row in [*shelf.devices.spoken_for(device_id), *shelf.devices.speaks_for(device_id)]:
        if row.until is None:
            devices.speak_no_more_for(shelf, row.bridge_id, row.device_id, at)
    if any(row.until is None or row.until > at for row in shelf.placements.of_device(device_id)):
        placements.take_away(shelf, device_id, at)
    return devices.end(shelf, device_id, at)
