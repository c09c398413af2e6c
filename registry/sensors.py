"""A sensor: one channel of a device, that measures one quantity. (device, channel) is its key for ever.

People may call it something else (`label`), which makes no new sensor. What a calibration found is a dated correction
that stands beside the raw readings.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, get_args

from coldchain.errors import NotFound, Refused
from coldchain.ids import new_id
from registry import dated, devices

Quantity = Literal["temperature", "humidity", "door", "power", "battery", "other"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)

LARGEST_OFFSET = 10_00
"""A probe that is further off (centidegrees) is broken, not to be corrected."""


@dataclass(frozen=True, slots=True)
class Sensor:
    device_id: str
    channel: str
    known_at: int
    quantity: Quantity = "temperature"
    unit: str = "Cel"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """`offset` (centidegrees) is to be added to what was measured in [since, until). `source`: which calibration."""

    device_id: str
    channel: str
    offset: int
    since: int
    known_at: int
    source: str = ""
    until: int | None = None
    superseded_by: str | None = None
    correction_id: str = field(default_factory=new_id)


class NoSuchSensor(NotFound):
    """A sensor was named that the books do not know."""


class NoSuchCorrection(NotFound):
    """A correction was named that the books do not know, or that another superseded."""


class BadSensor(Refused):
    """A sensor was described in a way that it cannot be."""


class Sensors(Protocol):
    def get(self, device_id: str, channel: str) -> Sensor:
        """Raises NoSuchSensor."""
        ...

    def of_device(self, device_id: str) -> list[Sensor]:
        """By channel."""
        ...

    def note(self, sensors: list[Sensor]) -> None:
        """Take in those that are not known yet; the others stay as they are."""
        ...

    def save(self, sensor: Sensor) -> None: ...

    def correction(self, correction_id: str) -> Correction:
        """Raises NoSuchCorrection."""
        ...

    def corrections(self, device_id: str, channel: str) -> list[Correction]:
        """Those that no other superseded, in order of time."""
        ...

    def add_correction(self, correction: Correction) -> None: ...

    def save_correction(self, correction: Correction) -> None: ...


class Shelf(devices.Shelf, Protocol):
    @property
    def sensors(self) -> Sensors: ...


def note(
    shelf: Shelf, device_id: str, channel: str, at: int, quantity: str = "temperature", unit: str = "Cel"
) -> Sensor:
    """The sensor, made known if it was not. Raises NoSuchDevice, BadSensor."""
    shelf.devices.get(device_id)
    shelf.sensors.note([Sensor(device_id, _channel(channel), at, _quantity(quantity), unit)])
    return shelf.sensors.get(device_id, channel)


def call(shelf: Shelf, device_id: str, channel: str, label: str) -> Sensor:
    """Give it a name for people. Raises NoSuchSensor."""
    sensor = replace(shelf.sensors.get(device_id, channel), label=" ".join(label.split())[:100])
    shelf.sensors.save(sensor)
    return sensor


def correct(
    shelf: Shelf, device_id: str, channel: str, offset: int, since: int, at: int, source: str = ""
) -> Correction:
    """A calibration's finding, from `since` on until the next. Raises NoSuchSensor, BadSensor, dated.Overlapping."""
    shelf.sensors.get(device_id, channel)
    known = shelf.sensors.corrections(device_id, channel)
    before, until = dated.room_from(known, since, f"how far {device_id}:{channel} is off")
    if before is not None:
        shelf.sensors.save_correction(replace(before, until=since))
    correction = Correction(device_id, channel, _offset(offset), since, at, source, until)
    shelf.sensors.add_correction(correction)
    return correction


def supersede(shelf: Shelf, correction_id: str, offset: int, at: int, source: str = "") -> Correction:
    """The finding was wrong: this one takes its place, for the same time. Raises NoSuchCorrection, BadSensor."""
    wrong = shelf.sensors.correction(correction_id)
    right = replace(wrong, offset=_offset(offset), source=source, known_at=at, correction_id=new_id())
    shelf.sensors.save_correction(replace(wrong, superseded_by=right.correction_id))
    shelf.sensors.add_correction(right)
    return right


def _quantity(text: str) -> Quantity:
    for quantity in QUANTITIES:
        if quantity == text:
            return quantity
    raise BadSensor(f"{text!r} is nothing that a sensor measures here; there are {', '.join(QUANTITIES)}")


def _channel(text: str) -> str:
    if not text or text == "*" or len(text) > 64:
        raise BadSensor(f"{text[:64]!r} is no channel: give its name in the packs")
    return text


def _offset(offset: int) -> int:
    if abs(offset) > LARGEST_OFFSET:
        raise BadSensor(f"a correction may be {LARGEST_OFFSET // 100} °C at most; a probe so far off is to be replaced")
    return offset
