"""A device: what speaks to us: a logger, an agent on a small computer, or a bridge that speaks for others.

Its id is its name at the broker and in every topic, and is never used again. It declares how often it measures; longer
gaps are unknown time (`coldchain/judgement/run.py`). What the gate must know of it goes out on SETTINGS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, get_args

from coldchain import ids
from coldchain.clock import DAY, SECOND
from coldchain.credentials import credential_of, new_password
from coldchain.errors import Conflict, NotFound, Refused
from coldchain.facts import DEFAULT_INTERVAL, Enrolled
from coldchain.judgement import ALWAYS
from coldchain.quantities import Role
from registry import dated, places
from registry.relay import Shelf as RelayShelf
from registry.relay import announce

Kind = Literal["logger", "agent", "bridge"]
KINDS: tuple[Kind, ...] = get_args(Kind)

GATE_USER = "coldchain-gate"
"""The gate's own name at the broker; no device may bear it."""

SHORTEST_INTERVAL = SECOND
LONGEST_INTERVAL = DAY
LONGEST_TEXT = 100


@dataclass(frozen=True, slots=True)
class Device:
    """`place_id`: which place answers for it: where it last stood, before that where it was enrolled.

    The wishes go to the device as its configuration: ms between readings, local limits in centidegrees.

    Of one that speaks another dialect than ours: `hardware_id` is the name its messages bear, `topics` the MQTT filters
    it publishes to, `probes` the role of each of its channels, `mapping` the table of a plain JSON dialect (JSON text),
    `zone` that of times that name none ("": its place's).
    """

    device_id: str
    credential: str = field(repr=False)
    place_id: str
    enrolled_at: int
    kind: Kind = "logger"
    model: str = ""
    dialect: str = "senml"
    replaces: str | None = None
    ended_at: int | None = None
    wished_interval: int | None = None
    low: int | None = None
    high: int | None = None
    revision: int = 1
    hardware_id: str | None = None
    topics: Sequence[str] = ()
    probes: Mapping[str, Role] = field(default_factory=dict)
    mapping: str | None = None
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """From `since` (ms UTC) on the device measures every `interval` ms; told by its outbox, or by a person."""

    device_id: str
    since: int
    interval: int
    known_at: int
    outbox_id: str | None = None


@dataclass(frozen=True, slots=True)
class SpokenFor:
    """A bridge passes on what the device measures, under the name of its hardware, in [since, until)."""

    bridge_id: str
    device_id: str
    since: int
    until: int | None = None
    hardware_id: str = ""
    spoken_for_id: str = field(default_factory=ids.new_id)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the device signs in with, told once: we keep only what it can be checked by."""

    device_id: str
    password: str = field(repr=False)


class NoSuchDevice(NotFound):
    """A device was named that the books do not know."""


class DeviceKnown(Conflict):
    """The id is taken: by a device that speaks, or by one that did and has ended."""


class DeviceEnded(Conflict):
    """The device has ended; nothing changes about it any more."""


class BadDevice(Refused):
    """A device was described in a way that it cannot be."""


class Devices(Protocol):
    def get(self, device_id: str) -> Device:
        """Raises NoSuchDevice."""
        ...

    def several(self, device_ids: Sequence[str]) -> dict[str, Device]:
        """Those there are of the ids, ended or not, by id."""
        ...

    def page(self, within: str, after: str = "", limit: int = 100, *, ended: bool = False) -> list[Device]:
        """Those whose place lies in the subtree of the path, by id, after the id; ended ones only if asked for."""
        ...

    def credentials(self) -> list[tuple[str, str]]:
        """Id and credential of every device that has not ended, by id."""
        ...

    def add(self, devices: Sequence[Device]) -> None: ...

    def save(self, device: Device) -> None: ...

    def declared(self, device_ids: Sequence[str]) -> dict[str, list[Declared]]:
        """What each device declared, in order of time; a device that declared nothing is missing."""
        ...

    def declare(self, declared: Declared) -> None:
        """The instant's earlier word, if there is one, gives way."""
        ...

    def spoken_for(self, device_id: str) -> list[SpokenFor]:
        """By which bridges, in order of time."""
        ...

    def speaks_for(self, bridge_id: str) -> list[SpokenFor]: ...

    def add_spoken_for(self, spoken_for: SpokenFor) -> None: ...

    def end_spoken_for(self, spoken_for_id: str, until: int) -> None: ...


class Shelf(places.Shelf, RelayShelf, Protocol):
    @property
    def devices(self) -> Devices: ...


def enrol(
    shelf: Shelf,
    device_ids: Sequence[str],
    at: int,
    *,
    place_id: str | None = None,
    kind: str = "logger",
    model: str = "",
    dialect: str = "senml",
    interval: int | None = None,
    replaces: str | None = None,
) -> list[Credentials]:
    """Take devices in and give each a password. `interval` in ms, declared for all time.

    Raises BadDeviceId, BadDevice, DeviceKnown, NoSuchPlace, NoSuchDevice: then none is taken in.
    """
    place = places.top(shelf) if place_id is None else places.of_now(shelf, place_id)
    _check_ids(shelf, device_ids)
    if replaces is not None:
        shelf.devices.get(replaces)
    given = [Credentials(device_id, new_password()) for device_id in device_ids]
    taken_in = [
        Device(
            device_id=one.device_id,
            credential=credential_of(one.password),
            place_id=place.place_id,
            enrolled_at=at,
            kind=_kind(kind),
            model=_text(model, "model"),
            dialect=_text(dialect, "dialect") or "senml",
            replaces=replaces,
        )
        for one in given
    ]
    shelf.devices.add(taken_in)
    if interval is not None:
        for device in taken_in:
            shelf.devices.declare(Declared(device.device_id, ALWAYS, checked_interval(interval), at))
    _announce(shelf, taken_in)
    return given


def renew_password(shelf: Shelf, device_id: str, at: int) -> Credentials:
    """The old password is worth nothing from now on. Raises NoSuchDevice, DeviceEnded."""
    device = of_now(shelf, device_id)
    given = Credentials(device_id, new_password())
    _save(shelf, replace(device, credential=credential_of(given.password)))
    return given


def describe(
    shelf: Shelf, device_id: str, *, model: str | None = None, place_id: str | None = None, kind: str | None = None
) -> Device:
    """Change what is said of it. Raises NoSuchDevice, DeviceEnded, BadDevice, NoSuchPlace."""
    device = of_now(shelf, device_id)
    described = replace(
        device,
        model=device.model if model is None else _text(model, "model"),
        place_id=device.place_id if place_id is None else places.of_now(shelf, place_id).place_id,
        kind=device.kind if kind is None else _kind(kind),
    )
    if described != device:
        shelf.devices.save(described)
    return described


def wish(
    shelf: Shelf, device_id: str, *, interval: int | None = None, low: int | None = None, high: int | None = None
) -> Device:
    """What the device is to do: ms between readings, local limits in centidegrees; None leaves it to the device.

    Raises NoSuchDevice, DeviceEnded, BadDevice.
    """
    device = of_now(shelf, device_id)
    if low is not None and high is not None and low >= high:
        raise BadDevice("the lower limit must lie below the upper one")
    interval = None if interval is None else checked_interval(interval)
    return _save(shelf, replace(device, wished_interval=interval, low=low, high=high))


def declare(
    shelf: Shelf, device_id: str, interval: int, since: int, at: int, outbox_id: str | None = None
) -> Device | None:
    """The device measures every `interval` ms from `since` on; None where that was known.

    Raises NoSuchDevice, DeviceEnded, BadDevice.
    """
    device = of_now(shelf, device_id)
    interval = checked_interval(interval)
    known = shelf.devices.declared([device_id]).get(device_id, [])
    if interval_at(known, since) == interval:
        return None
    shelf.devices.declare(Declared(device_id, since, interval, at, outbox_id))
    return _save(shelf, device)


def end(shelf: Shelf, device_id: str, at: int) -> Device:
    """It may speak no more; its id stays taken, its history stays. Raises NoSuchDevice, DeviceEnded."""
    return _save(shelf, replace(of_now(shelf, device_id), ended_at=at))


def speak_for(shelf: Shelf, bridge_id: str, device_id: str, since: int) -> SpokenFor:
    """Say that the bridge passes the device's readings on from `since` (ms UTC) on, instead of any other.

    Raises NoSuchDevice, DeviceEnded, BadDevice, dated.Overlapping.
    """
    bridge, device = of_now(shelf, bridge_id), of_now(shelf, device_id)
    if bridge.kind != "bridge" or bridge_id == device_id:
        raise BadDevice(f"{bridge_id} speaks for no other: it is enrolled as {bridge.kind}")
    before, until = dated.room_from(shelf.devices.spoken_for(device_id), since, f"who speaks for {device.device_id}")
    if before is not None:
        shelf.devices.end_spoken_for(before.spoken_for_id, since)
    spoken_for = SpokenFor(bridge_id, device_id, since, until)
    shelf.devices.add_spoken_for(spoken_for)
    return spoken_for


def of_now(shelf: Shelf, device_id: str) -> Device:
    """The device, if it has not ended. Raises NoSuchDevice, DeviceEnded."""
    device = shelf.devices.get(device_id)
    if device.ended_at is not None:
        raise DeviceEnded(f"the device {device_id} has ended at {dated.said(device.ended_at)}")
    return device


def interval_at(declared: Sequence[Declared], at: int) -> int:
    """The interval declared for the instant, in ms."""
    said = [one for one in declared if one.since <= at]
    return said[-1].interval if said else DEFAULT_INTERVAL


def checked_interval(interval: int) -> int:
    """The interval itself. Raises BadDevice."""
    if not SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL:
        raise BadDevice(f"a device measures every 1 to {LONGEST_INTERVAL // SECOND} seconds")
    return interval


def fact(device: Device, declared: Sequence[Declared]) -> Enrolled:
    """What the gate and the judge are told of it."""
    return Enrolled(
        device_id=device.device_id,
        revision=device.revision,
        credential=device.credential,
        dialect=device.dialect,
        intervals=tuple((one.since, one.interval) for one in declared),
        ended_at=device.ended_at,
        wished_interval=device.wished_interval,
        low=device.low,
        high=device.high,
    )


def _save(shelf: Shelf, device: Device) -> Device:
    saved = replace(device, revision=device.revision + 1)
    shelf.devices.save(saved)
    _announce(shelf, [saved])
    return saved


def _announce(shelf: Shelf, devices: Sequence[Device]) -> None:
    declared = shelf.devices.declared([device.device_id for device in devices])
    announce(shelf, *(fact(device, declared.get(device.device_id, [])) for device in devices))


def _check_ids(shelf: Shelf, device_ids: Sequence[str]) -> None:
    for device_id in device_ids:
        if ids.device_id(device_id) == GATE_USER:
            raise BadDevice(f"{GATE_USER} is the gate's own name; give the device another")
    if len(set(device_ids)) < len(device_ids):
        raise BadDevice("a device is named twice")
    if known := shelf.devices.several(device_ids):
        taken = next(iter(known.values()))
        whose = "has ended, and ids are never used again" if taken.ended_at is not None else "is enrolled already"
        raise DeviceKnown(f"the device {taken.device_id} {whose}")


def _kind(text: str) -> Kind:
    for kind in KINDS:
        if kind == text:
            return kind
    raise BadDevice(f"{text!r} is no kind of device; there are {', '.join(KINDS)}")


def _text(text: str, what: str) -> str:
    told = " ".join(text.split())
    if len(told) > LONGEST_TEXT:
        raise BadDevice(f"a device's {what} may have {LONGEST_TEXT} characters")
    return told
