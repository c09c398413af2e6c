"""A device: what speaks to us: a logger, an agent on a small computer, or a bridge that speaks for others.

Its id is its name at the broker and in every topic, and is never used again. It declares how often it measures; longer
gaps are unknown time (`coldchain/judgement/run.py`). What the gate must know of it goes out on SETTINGS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Protocol, get_args

from coldchain import ids
from coldchain.clock import DAY, SECOND
from coldchain.credentials import credential_of, new_password
from coldchain.dialects import OURS
from coldchain.errors import Conflict, NotFound, Refused
from coldchain.facts import DEFAULT_INTERVAL, Enrolled
from coldchain.facts import SpokenFor as SpokenForFact
from coldchain.judgement import ALWAYS
from coldchain.quantities import Role
from registry import dated, places, speech
from registry.relay import Shelf as RelayShelf
from registry.relay import announce
from registry.speech import Speech

Kind = Literal["logger", "agent", "bridge"]
KINDS: tuple[Kind, ...] = get_args(Kind)

GATE_USER = "coldchain-gate"
"""The gate's own name at the broker; no device may bear it."""

NO_CREDENTIAL = ""
"""Of a device behind a bridge: it never signs in itself."""

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
    dialect: str = OURS
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


class HardwareTaken(Conflict):
    """A bridge was to pass on the same hardware as two devices."""


class NotSpokenFor(NotFound):
    """A bridge was to stop speaking for a device that it does not speak for."""


class Devices(Protocol):
    def get(self, device_id: str) -> Device:
        """Raises NoSuchDevice."""
        ...

    def several(self, device_ids: Sequence[str]) -> dict[str, Device]:
        """Those there are of the ids, ended or not, by id."""
        ...

    def bearing(self, hardware_id: str) -> list[Device]:
        """Those that have not ended whose hardware bears this name, in large or small letters, by id."""
        ...

    def page(self, within: str, after: str = "", limit: int = 100, *, ended: bool = False) -> list[Device]:
        """Those whose place lies in the subtree of the path, by id, after the id; ended ones only if asked for."""
        ...

    def credentials(self) -> list[tuple[str, str]]:
        """Id and credential of every device that signs in itself and has not ended, by id."""
        ...

    def add(self, devices: Sequence[Device]) -> None: ...

    def save(self, device: Device) -> None: ...

    def topics(self) -> list[tuple[str, Sequence[str]]]:
        """Id and MQTT filters of every device that has any and has not ended, by id."""
        ...

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
    speaks: Speech | None = None,
    interval: int | None = None,
    replaces: str | None = None,
    is_behind_bridge: bool = False,
) -> list[Credentials]:
    """Take devices in and give each a password; to one behind a bridge none that anybody learns.

    `speaks` comes from `speech.checked`; `interval` in ms, declared for all time.
    Raises BadDeviceId, BadDevice, DeviceKnown, NoSuchPlace, NoSuchDevice, TopicTaken: then none is taken in.
    """
    place = places.top(shelf) if place_id is None else places.of_now(shelf, place_id)
    _check_ids(shelf, device_ids)
    spoken = _spoken(shelf, speaks or Speech(), device_ids)
    if replaces is not None:
        shelf.devices.get(replaces)
    given = [Credentials(device_id, new_password()) for device_id in device_ids]
    taken_in = [
        Device(
            device_id=one.device_id,
            credential=NO_CREDENTIAL if is_behind_bridge else credential_of(one.password),
            place_id=place.place_id,
            enrolled_at=at,
            kind=_kind(kind),
            model=_text(model, "model"),
            replaces=replaces,
            **spoken,
        )
        for one in given
    ]
    shelf.devices.add(taken_in)
    if interval is not None:
        for device in taken_in:
            shelf.devices.declare(Declared(device.device_id, ALWAYS, checked_interval(interval), at))
    _announce(shelf, taken_in)
    return [] if is_behind_bridge else given


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
    if described.kind != "bridge" and any(row.until is None for row in shelf.devices.speaks_for(device_id)):
        raise BadDevice(f"{device_id} speaks for others and stays a bridge until it speaks for none")
    is_elsewhere = described.place_id != device.place_id and device.dialect != OURS and not device.zone
    if is_elsewhere or described.kind != device.kind:
        return _save(shelf, described)  # in which zone its times are, and whether it bridges, the gate must know
    if described != device:
        shelf.devices.save(described)
    return described


def speak(shelf: Shelf, device_id: str, speaks: Speech) -> Device:
    """From now on it speaks so. Raises NoSuchDevice, DeviceEnded, BadDevice, TopicTaken."""
    device = of_now(shelf, device_id)
    spoken = replace(device, **_spoken(shelf, speaks, [device_id]))
    return device if spoken == device else _save(shelf, spoken)


def tell_zone(shelf: Shelf, place: places.Place) -> None:
    """The place has another zone now: so have times that devices of it tell without one."""
    after = ""
    while page := shelf.devices.page(place.path, after):
        for device in page:
            if device.place_id == place.place_id and device.dialect != OURS and not device.zone:
                _save(shelf, device)
        after = page[-1].device_id


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


def speak_for(
    shelf: Shelf, bridge_id: str, device_id: str, hardware_id: str, at: int, since: int | None = None
) -> SpokenFor:
    """Have the bridge pass on, as the device's, what hardware of this name measures from `since` on.

    Whoever spoke for the device before does so no more. Without `since`: from now (`at`) on, or for all time where
    nobody spoke for it before. Raises NoSuchDevice, DeviceEnded, BadDevice, HardwareTaken, dated.Overlapping.
    """
    bridge, device = of_now(shelf, bridge_id), of_now(shelf, device_id)
    if bridge.kind != "bridge" or bridge_id == device_id or device.kind == "bridge":
        raise BadDevice(f"{bridge_id} cannot speak for {device_id}: a bridge speaks, for a device that is none")
    if device.topics:
        raise BadDevice(f"{device_id} has topics of its own: take them from it first, or its readings come twice")
    hardware = speech.checked(hardware_id=hardware_id, is_behind_bridge=True).hardware_id
    if hardware is None:
        raise BadDevice(f"say under which name of its hardware {bridge_id} passes on what {device_id} measures")
    if since is not None and since > at:
        raise BadDevice("a bridge speaks for a device from now on, or has done so already")
    known = shelf.devices.spoken_for(device_id)
    if since is None:
        since = at if known else ALWAYS
    standing = dated.holding(known, since)
    if standing is not None and (standing.bridge_id, standing.hardware_id) == (bridge_id, hardware):
        return standing
    before, until = dated.room_from(known, since, f"who speaks for {device_id}")
    spoken_for = SpokenFor(bridge_id, device_id, since, until, hardware)
    _check_hardware(shelf, spoken_for)
    if before is not None:
        shelf.devices.end_spoken_for(before.spoken_for_id, since)
        if before.bridge_id != bridge_id:
            _save(shelf, shelf.devices.get(before.bridge_id))
    shelf.devices.add_spoken_for(spoken_for)
    _save(shelf, bridge)
    return spoken_for


def speak_no_more_for(shelf: Shelf, bridge_id: str, device_id: str, until: int) -> None:
    """The bridge passes on nothing of the device from `until` on. Raises NoSuchDevice, NotSpokenFor."""
    bridge = shelf.devices.get(bridge_id)
    standing = dated.holding(shelf.devices.spoken_for(device_id), until)
    if standing is None or standing.bridge_id != bridge_id:
        raise NotSpokenFor(f"{bridge_id} does not speak for {device_id} at {dated.said(until)}")
    shelf.devices.end_spoken_for(standing.spoken_for_id, until)
    _save(shelf, bridge)


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


def fact(
    device: Device, declared: Sequence[Declared], speaks_for: Sequence[SpokenFor] = (), zone: str = "UTC"
) -> Enrolled:
    """What the gate and the judge are told of it; `zone` is its place's."""
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
        hardware_id=device.hardware_id,
        topics=tuple(device.topics),
        probes=tuple(sorted(device.probes.items())),
        mapping=device.mapping,
        zone=device.zone or zone,
        speaks_for=tuple(SpokenForFact(one.hardware_id, one.device_id, one.since, one.until) for one in speaks_for),
        is_bridge=device.kind == "bridge",
    )


def _save(shelf: Shelf, device: Device) -> Device:
    saved = replace(device, revision=device.revision + 1)
    shelf.devices.save(saved)
    _announce(shelf, [saved])
    return saved


def _announce(shelf: Shelf, devices: Sequence[Device]) -> None:
    declared = shelf.devices.declared([device.device_id for device in devices])
    announce(shelf, *(_fact_now(shelf, device, declared.get(device.device_id, [])) for device in devices))


def _fact_now(shelf: Shelf, device: Device, declared: Sequence[Declared]) -> Enrolled:
    """What we speak ourselves has times that name their zone, and needs no look into the books."""
    speaks_for = shelf.devices.speaks_for(device.device_id) if device.kind == "bridge" else ()
    if device.dialect == OURS or device.zone:
        return fact(device, declared, speaks_for)
    return fact(device, declared, speaks_for, shelf.places.get(device.place_id).zone)


def _spoken(shelf: Shelf, speaks: Speech, device_ids: Sequence[str]) -> dict[str, Any]:
    """The fields of a device that say how it speaks. Raises TopicTaken, BadDevice."""
    if len(device_ids) > 1 and speaks.topics:
        raise BadDevice("several devices cannot have the same topics: enrol them one by one")
    if speaks.topics:
        if any(row.until is None for row in shelf.devices.spoken_for(device_ids[0])):
            raise BadDevice(f"a bridge speaks for {device_ids[0]}: it cannot have topics of its own beside")
        others = [(device_id, topics) for device_id, topics in shelf.devices.topics() if device_id not in device_ids]
        speech.check_free(speaks.topics, others)
    return {entry.name: getattr(speaks, entry.name) for entry in fields(Speech)}


def _check_hardware(shelf: Shelf, new: SpokenFor) -> None:
    """One name of the bridge's hardware means one device at an instant; large and small letters are the same."""
    for row in shelf.devices.speaks_for(new.bridge_id):
        is_same = row.hardware_id.casefold() == new.hardware_id.casefold()
        if is_same and row.device_id != new.device_id and dated.overlap(row, new):
            raise HardwareTaken(
                f"{new.bridge_id} passes on {new.hardware_id!r} as the device {row.device_id} already: "
                "let it speak no more for that one first"
            )


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
