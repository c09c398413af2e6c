"""What devices say in another dialect than ours: a message becomes packs, one a device, and what of it is refused.

A message is kept in parts: what can be believed is, and each part that cannot is refused with its reason. Nothing in it
that is a reading is no mistake: then there are neither packs nor refusals.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from coldchain import dialects
from coldchain.clock import SECOND, YEAR_2000
from coldchain.errors import ColdchainError
from coldchain.facts import Enrolled, SpokenFor
from coldchain.filters import ANY, REST
from coldchain.packs import NO_OUTBOX, Column, Pack
from coldchain.quantities import quantity_of, usual_role
from coldchain.topics import of_mqtt_topic
from ingest.dialects import Decoded, Sent, decode
from ingest.dialects.cbor import cbor_of
from ingest.dialects.senml import LABELS
from ingest.dialects.thingsboard import DEVICE_TOPICS, ME
from ingest.refusals import Oversized, Unbelieved, UnknownHardware, Unreadable, WronglyDated, payload_digest
from ingest.senml import LONGEST, MOST_AHEAD, MOST_COLUMNS

LONGEST_CHANNEL = 64
LONGEST_HARDWARE_ID = 100
MOST_NAMED = 32
"""So many kinds of trouble are told of one message."""

THINGSBOARD = "thingsboard"
BY_MAKE = frozenset({"ambient", "freezer"})
"""Roles that a dialect may know of a probe by its make; the channel is named so, and the record outranks it."""

Spoken = Mapping[str, Sequence[SpokenFor]]
"""By the hardware's name in small letters: whom a bridge speaks for, and when."""

Known = Callable[[str], Enrolled | None]
"""The device of this name, if it may speak."""


class Told(NamedTuple):
    """One reading as it was understood: whose it is, or why it was refused."""

    reading: Decoded
    channel: str
    device_id: str | None
    why: Unbelieved | None


class Understood(NamedTuple):
    """What became of a message."""

    packs: list[Pack]
    refused: list[Unbelieved]
    told: list[Told]


def understand(
    record: Enrolled,
    topic: str,
    payload: bytes,
    received_at: int,
    known: Known,
    *,
    spoken: Spoken,
    retained: bool = False,
    latest: int | None = None,
) -> Understood:
    """The message in the dialect of the record that it came by. `latest`: the instant it may not be ahead of.

    `spoken`: for whom the record speaks (`by_hardware`).

    Raises Oversized, and Unreadable where nothing of it can be read.
    """
    readings = _decoded(record, topic, payload, received_at, retained=retained)
    is_mixed = not record.is_bridge and record.hardware_id is None and len({one.device_id for one in readings}) > 1
    told = []
    for reading in readings:
        channel = channel_of(reading, _part(record, reading, topic))
        why: Unbelieved | None = None
        device_id = None
        try:
            _check_date(reading, received_at if latest is None else latest)
            if is_mixed:
                raise Unreadable(_mixed(record, readings))
            device_id = _whose(record, spoken, reading, topic, received_at, known)
        except Unbelieved as trouble:
            why = trouble
        told.append(Told(reading, channel, device_id, why))
    return Understood(_packs(told, received_at), _refused(told), told)


def dialect_of(record: Enrolled, topic: str) -> str:
    """What the record says; a device of ours that posts to ThingsBoard's door speaks that there."""
    return THINGSBOARD if record.dialect == dialects.OURS and topic in DEVICE_TOPICS else record.dialect


def is_cbor(payload: bytes) -> bool:
    """A CBOR list, with or without the mark of a CBOR file; no JSON text begins so."""
    return payload[:1] >= b"\x80" and (0x80 <= payload[0] <= 0x9F or payload.startswith(b"\xd9\xd9\xf7"))


def json_of_cbor(payload: bytes) -> bytes:
    """SenML in CBOR (RFC 8428 section 6) as the same SenML in JSON. Raises Unreadable."""
    records = cbor_of(payload)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise Unreadable("it is no SenML: that is a list of records")
    labelled = [{_label(key): value for key, value in record.items()} for record in records]
    if any(len(table) < len(record) for table, record in zip(labelled, records, strict=True)):
        raise Unreadable("a key stands twice in one record: which of the two is meant?")
    try:
        return _numbers.encode(labelled)
    except (msgspec.MsgspecError, ValueError, TypeError):
        raise Unreadable("a value in the CBOR is none that SenML knows") from None


_numbers = msgspec.json.Encoder(decimal_format="number")


def _label(key: Any) -> str:
    return key if isinstance(key, str) else LABELS.get(int(key), str(key))


def _decoded(record: Enrolled, topic: str, payload: bytes, received_at: int, *, retained: bool) -> list[Decoded]:
    if len(payload) > LONGEST:
        raise Oversized(
            f"a message of {len(payload):,} bytes (digest {payload_digest(payload).hex()}) "
            f"is longer than {LONGEST:,}; only its beginning is kept"
        )
    if not payload:
        return []  # how a retained message is cleared
    sent = Sent(topic, payload, received_at, ZoneInfo(record.zone), _mapping(record.mapping), retained)
    try:
        return decode(dialect_of(record, topic), sent)
    except Unbelieved:
        raise
    except ColdchainError as why:  # the device's mapping cannot be used, or its dialect is none
        raise Unreadable(str(why)) from None


@lru_cache(maxsize=4096)
def _mapping(text: str | None) -> Mapping[str, Any] | None:
    table: Mapping[str, Any] | None = None if text is None else json.loads(text)
    return table


def channel_of(reading: Decoded, part: str = "") -> str:
    """The name under which the probe is kept: its own, made printable and short, and distinct from others.

    `part` of the device is what the topic names beside it.
    """
    sensor = f"{part}/{reading.sensor}" if part else reading.sensor
    told = " ".join(sensor.split()) or "temperature"
    name = "".join(sign if sign.isprintable() else "_" for sign in told)
    if reading.role in BY_MAKE and usual_role(name, quantity_of(name, reading.unit)) == "product":
        name = f"{name}/{reading.role}"
    if len(name) > LONGEST_CHANNEL or not told.isprintable():
        digest = payload_digest(sensor.encode("utf-8", "replace")).hex()[:8]
        return f"{name[: LONGEST_CHANNEL - 9]}-{digest}"
    return name


def _check_date(reading: Decoded, latest: int) -> None:
    """Raises WronglyDated."""
    if reading.measured_at is None:
        return
    ahead = reading.measured_at - latest
    if ahead > MOST_AHEAD:
        raise WronglyDated(
            f"a reading lies {ahead // SECOND:,} s ahead of its arrival, more than {MOST_AHEAD // SECOND} s",
            ahead_ms=min(ahead, 1 << 53),
        )
    if reading.measured_at < YEAR_2000:
        raise WronglyDated("a reading lies before the year 2000")


def by_hardware(record: Enrolled) -> Spoken:
    """Whom a bridge speaks for, by the name of the hardware."""
    spoken: dict[str, list[SpokenFor]] = {}
    for one in record.speaks_for:
        spoken.setdefault(one.hardware_id.casefold(), []).append(one)
    return spoken


def _whose(record: Enrolled, spoken: Spoken, reading: Decoded, topic: str, received_at: int, known: Known) -> str:
    """The device that the reading is of. Raises UnknownHardware.

    What names no hardware but its topic is the device's own where the topic bears the device's name, or its hardware's.
    """
    hardware = reading.device_id.casefold()
    own = None if record.hardware_id is None else record.hardware_id.casefold()
    if hardware == own or reading.device_id == ME:
        return record.device_id
    shown = reading.device_id[:LONGEST_HARDWARE_ID]
    if not record.is_bridge:
        is_by_topic = reading.device_id in topic and (of_mqtt_topic(topic) is not None or _bears(topic, own))
        if own is None or is_by_topic:
            return record.device_id
        raise UnknownHardware(
            f"it is of the hardware {shown!r}; the device {record.device_id} is {record.hardware_id!r}", shown
        )
    at = received_at if reading.measured_at is None else reading.measured_at
    for one in spoken.get(hardware, ()):
        is_then = one.since <= at and (one.until is None or at < one.until)
        if is_then and known(one.device_id) is not None:
            return one.device_id
    raise UnknownHardware(f"the bridge {record.device_id} speaks for no device with the hardware {shown!r} then", shown)


def _part(record: Enrolled, reading: Decoded, topic: str) -> str:
    """Which part of the device the topic means, where what it publishes on several topics names no other probe.

    Two probes that say `temperature` below `shed/#` are two: `fridge/temperature` and `room/temperature`.
    """
    if record.is_bridge or reading.device_id == ME or of_mqtt_topic(topic) is not None:
        return ""
    if record.hardware_id is None:
        is_one = len(record.topics) == 1 and not any(sign in record.topics[0] for sign in (ANY, REST))
        return "" if is_one or reading.device_id not in topic else reading.device_id
    own = f"/{record.hardware_id.casefold()}/"
    before, found, behind = f"/{reading.device_id}/".casefold().partition(own)
    start = len(before) + len(found) - 1
    return reading.device_id[start:].strip("/") if found and behind else ""


def _bears(topic: str, hardware: str | None) -> bool:
    return hardware is not None and f"/{hardware}/" in f"/{topic.casefold()}/"


def _mixed(record: Enrolled, readings: list[Decoded]) -> str:
    names = ", ".join(sorted({repr(one.device_id[:LONGEST_HARDWARE_ID]) for one in readings})[:5])
    return f"it tells of several: {names}; say which of them {record.device_id} is, or enrol it as a bridge"


def _packs(told: list[Told], received_at: int) -> list[Pack]:
    of_device: dict[str, list[Told]] = {}
    for one in told:
        if one.device_id is not None:
            of_device.setdefault(one.device_id, []).append(one)
    return [_pack(device_id, some, received_at) for device_id, some in of_device.items()]


def _pack(device_id: str, told: list[Told], received_at: int) -> Pack:
    by_column: dict[tuple[str, str], list[Decoded]] = {}
    for one in told:
        by_column.setdefault((one.channel, one.reading.unit), []).append(one.reading)
    if len(by_column) > MOST_COLUMNS:
        raise Unreadable(f"there are more than {MOST_COLUMNS} channels of {device_id} in one message")
    columns = tuple(_column(channel, unit, some, received_at) for (channel, unit), some in by_column.items())
    is_dated = all(one.reading.measured_at is not None for one in told)
    return Pack(device_id, NO_OUTBOX, None, received_at, "device" if is_dated else "arrival", columns)


def _column(channel: str, unit: str, readings: list[Decoded], received_at: int) -> Column:
    dated = [(received_at if one.measured_at is None else one.measured_at, one) for one in readings]
    values = [(at, one.value) for at, one in dated if one.value is not None]
    faults = [(at, one.fault or "unreadable") for at, one in dated if one.value is None]
    return Column(
        channel,
        unit,
        tuple(at for at, _ in values),
        tuple(value for _, value in values),
        tuple(at for at, _ in faults),
        tuple(fault for _, fault in faults),
    )


def _refused(told: list[Told]) -> list[Unbelieved]:
    """One refusal for each reason and hardware; each keeps the whole message, so that few speak for many."""
    kinds: dict[tuple[str, str | None], Unbelieved] = {}
    for one in told:
        if one.why is not None:
            key = (one.why.reason, one.why.hardware_id)
            before = kinds.get(key)
            if before is None and len(kinds) == MOST_NAMED:
                continue
            if before is None or (one.why.ahead_ms or 0) > (before.ahead_ms or 0):
                kinds[key] = one.why
    return list(kinds.values())
