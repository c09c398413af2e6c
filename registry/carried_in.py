"""A logger that is read by hand: which device of ours it is, and where it stood, is known by its serial number.

One that nobody knows yet is enrolled at the storage point that its reader names, by whoever may enrol devices there. It
gets no password: it has nothing to speak with.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from coldchain.clock import DAY, MINUTE
from coldchain.errors import Conflict, NotFound
from coldchain.facts import DEFAULT_INTERVAL
from coldchain.ids import DEVICE_ID
from registry import devices, placements, speech, storage_points
from registry.devices import Device

MayIn = Callable[[str], bool]
"""Whether something may be done in the place of this path."""

LONGEST_ID = 32


@dataclass(frozen=True, slots=True)
class Logger:
    """What its file says of it: `interval` in ms, None where it says none."""

    hardware_id: str
    form: str
    model: str = ""
    interval: int | None = None


class LoggerUnknown(NotFound):
    """Nobody enrolled the logger whose file it is, and nothing says where it stood."""


class LoggerElsewhere(Conflict):
    """The logger never stood at the storage point that was named, or is another than the device that was."""


class Shelf(placements.Shelf, Protocol):
    """Devices, storage points and placements."""


def device_named(shelf: Shelf, device_id: str, hardware_ids: Sequence[str], may: MayIn) -> Device:
    """The device, if the file is one of its. Raises NoSuchDevice, DeviceEnded, LoggerElsewhere."""
    device = devices.of_now(shelf, device_id)
    if not _lies_in(shelf, device, may):
        raise devices.NoSuchDevice(f"no device {device_id!r} is enrolled")
    if len(hardware_ids) > 1:
        raise LoggerElsewhere(f"the file tells of {len(hardware_ids)} devices, not of {device_id} alone")
    own = device.hardware_id
    told = hardware_ids[0] if hardware_ids else None
    if own is not None and told is not None and told.casefold() not in (own.casefold(), device_id):
        raise LoggerElsewhere(f"the file is of {told!r}, and {device_id} is the hardware {own!r}")
    return device


def device_of(
    shelf: Shelf, logger: Logger, at: int, storage_point_id: str | None, may: MayIn, may_enrol: MayIn
) -> tuple[str, bool]:
    """Its device's id, and whether it was enrolled just now, at the point for all time.

    Raises LoggerUnknown, LoggerElsewhere, NoSuchStoragePoint, and what devices.enrol raises.
    """
    device = _known(shelf, logger.hardware_id, may)
    if device is not None:
        if storage_point_id is not None:
            _stand(shelf, device, storage_point_id, at)
        return device.device_id, False
    if storage_point_id is None:
        raise LoggerUnknown(f"no device here is {logger.hardware_id!r}: say at which storage point it stood")
    point = storage_points.of_now(shelf, storage_point_id)
    if not may_enrol(shelf.places.get(point.place_id).path):
        raise LoggerUnknown(f"no device here is {logger.hardware_id!r}: whoever may enrol devices must read it first")
    return _enrolled(shelf, logger, at, point), True


def _known(shelf: Shelf, hardware_id: str, may: MayIn) -> Device | None:
    """What may not be known does not exist: a logger that came from elsewhere is a new one here."""
    named = shelf.devices.several([hardware_id.lower()]).get(hardware_id.lower())
    if named is not None and named.ended_at is None and _lies_in(shelf, named, may):
        return named
    bearing = [device for device in shelf.devices.bearing(hardware_id) if _lies_in(shelf, device, may)]
    if len(bearing) > 1:
        told = ", ".join(device.device_id for device in bearing[:5])
        raise LoggerElsewhere(f"several devices are the hardware {hardware_id!r} ({told}): name the device")
    return bearing[0] if bearing else None


def _lies_in(shelf: Shelf, device: Device, may: MayIn) -> bool:
    return may(shelf.places.get(device.place_id).path)


def _stand(shelf: Shelf, device: Device, storage_point_id: str, at: int) -> None:
    rows = shelf.placements.of_device(device.device_id)
    if not rows:
        placements.place(shelf, device.device_id, storage_point_id, at)
    elif all(row.storage_point_id != storage_point_id for row in rows):
        raise LoggerElsewhere(
            f"{device.device_id} never stood at that storage point: place it there first, from the day when it moved"
        )


def _enrolled(shelf: Shelf, logger: Logger, at: int, point: storage_points.StoragePoint) -> str:
    device_id = _free_id(shelf, logger)
    devices.enrol(
        shelf,
        [device_id],
        at,
        place_id=point.place_id,
        model=logger.model,
        speaks=speech.checked(hardware_id=logger.hardware_id, is_behind_bridge=True),
        interval=_declarable(logger.interval),
        is_behind_bridge=True,
    )
    placements.place(shelf, device_id, point.storage_point_id, at)
    return device_id


def _free_id(shelf: Shelf, logger: Logger) -> str:
    """Made of its kind and its serial number, and a number where that was taken once."""
    plain = re.sub(r"[^a-z0-9]+", "-", f"{logger.form}-{logger.hardware_id}".lower()).strip("-")
    for number in range(1, 100):
        end = "" if number == 1 else f"-{number}"
        name = plain[: LONGEST_ID - len(end)].rstrip("-") + end
        if DEVICE_ID.fullmatch(name) and not shelf.devices.several([name]):
            return name
    raise LoggerElsewhere(f"no name is left for {logger.hardware_id!r}: enrol it by hand, with its serial number")


def _declarable(interval: int | None) -> int:
    return DEFAULT_INTERVAL if interval is None else min(max(interval, MINUTE), DAY)
