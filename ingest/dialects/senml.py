"""SenML (RFC 8428) of any device, JSON and CBOR: how it is read where no device is known yet.

A name is the hardware's own and its channel together: `urn:dev:ow:10e2073a01080063:tvc`, `pi-0142:tvc`, or a base name
with no mark between. What the gate reads all day from devices it knows is `ingest/senml.py`; both say the same.
"""

import re
from decimal import Decimal
from typing import Any

from coldchain.clock import YEAR_2000
from coldchain.readings import FAULT_PREFIX, POWER_ON, POWER_ON_VALUE
from coldchain.senml import RESERVED, UNDATED
from coldchain.topics import of_mqtt_topic
from ingest.dialects.cbor import cbor_of
from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.payloads import Table, glance, json_of, name_of
from ingest.dialects.values import Value, hundredths_of, temperature
from ingest.refusals import Unreadable
from ingest.senml import CELSIUS, LONGEST, NEWEST_VERSION, RELATIVE_S, TRUTH

LABELS = {-1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs", 0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb"}
LABELS |= {5: "s", 6: "t", 7: "ut", 8: "vd"}
"""What the numbers of the CBOR form stand for (RFC 8428 section 6)."""

SIGNALS = {POWER_ON_VALUE: POWER_ON}
"""SenML has a way to tell other faults, and devices that speak it use that."""

VALUES = ("v", "vs", "vb", "vd")
NAMELESS = "temperature"
"""The channel of a record whose name is the device's alone."""

_urn = re.compile(r"(urn:dev:[a-z]+:[^:_/]+)(?:[:_/](.*))?", re.DOTALL)
_fault = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,39}")


class SenMl:
    """JSON, or CBOR where the first byte says so; `senml-cbor` is CBOR whatever it says."""

    def __init__(self, name: str = "senml", *, is_cbor: bool = False) -> None:
        self.name = name
        self._is_cbor = is_cbor

    def recognises(self, sent: Sent) -> bool:
        if self._is_cbor or _looks_like_cbor(sent.payload):
            return _looks_like_cbor(sent.payload)
        return _is_pack(glance(sent.payload))

    def decode(self, sent: Sent) -> list[Decoded]:
        is_cbor = self._is_cbor or _looks_like_cbor(sent.payload)
        pack = cbor_of(sent.payload) if is_cbor else json_of(sent.payload, most_inside=LONGEST)
        if not isinstance(pack, list) or not all(isinstance(record, dict) for record in pack):
            raise Unreadable("it is no SenML: that is a list of records")
        return _Reader(sent).read([_labelled(record) for record in pack])


def name_parts(base: str, name: str) -> tuple[str | None, str]:
    """Device and channel; the device is None where the name is a channel alone."""
    urn = _urn.fullmatch(base or name)
    if urn is not None:
        rest = f"{urn[2] or ''}{name if base else ''}"
        return urn[1], rest.lstrip(":/") or NAMELESS
    if base:
        device = base.rstrip(":/_.- ")
        return device or None, name.lstrip(":/") or NAMELESS
    device, mark, channel = name.partition(":")
    if not mark:
        device, mark, channel = name.rpartition("/")
    return (device, channel) if mark and device and channel else (None, name)


class _Reader:
    """The base fields in effect (RFC 8428 section 4.1), and the device that names without one mean."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._base: Table = {}

    def read(self, records: list[Table]) -> list[Decoded]:
        is_undated = any(_is_clock(record) and record.get("vs") == UNDATED for record in records)
        readings = []
        for number, record in enumerate(records, 1):
            self._base |= {label: record[label] for label in ("bn", "bt", "bu", "bv", "bver") if label in record}
            reading = self._reading(record, f"record {number}")
            if reading is not None:
                readings.append(reading._replace(measured_at=None) if is_undated else reading)
        return readings

    def _reading(self, record: Table, where: str) -> Decoded | None:
        self._check(record, where)
        base, name = self._base.get("bn", ""), record.get("n", "")
        if not isinstance(base, str) or not isinstance(name, str):
            raise Unreadable(f"{where}: a name is no text")
        told = [label for label in VALUES if label in record]
        if len(told) > 1:
            raise Unreadable(f"{where}: there is more than one value in it")
        device, channel = name_parts(base, name)
        if not told or told == ["vd"] or channel in RESERVED:
            return None
        unit = record.get("u", self._base.get("bu", CELSIUS))
        if not isinstance(unit, str):
            raise Unreadable(f"{where}: the unit is no text")
        quantity = self._quantity(record, told[0], unit, where)
        if quantity is None:
            return None
        value, unit = quantity
        device_id = name_of(device or self._device_of_topic(), f"{where}: the device")
        return Decoded(device_id, name_of(channel, f"{where}: the channel"), self._instant(record, where), *value, unit)

    def _quantity(self, record: Table, label: str, unit: str, where: str) -> tuple[Value, str] | None:
        raw = record[label]
        if label == "vb":
            if not isinstance(raw, bool):
                raise Unreadable(f"{where}: vb is no truth value")
            return Value(100 if raw else 0), TRUTH
        if label == "vs":
            return _said(raw, record.get("u", self._base.get("bu")), where)
        if not isinstance(raw, Decimal):
            raise Unreadable(f"{where}: v is no number")
        raw += self._number(self._base, "bv", where)
        if unit in (CELSIUS, "K"):
            return temperature(raw, unit[0], where=where, signals=SIGNALS), CELSIUS
        hundredths = hundredths_of(raw)
        return None if hundredths is None else (Value(hundredths), unit)

    def _instant(self, record: Table, where: str) -> int | None:
        """Small times are meant from now; None where no time is told."""
        if "t" not in record and "bt" not in self._base:
            return None
        seconds = self._number(self._base, "bt", where) + self._number(record, "t", where)
        if not -(10**12) < seconds < 10**12:
            raise Unreadable(f"{where}: its time lies beyond any calendar")
        at = round(seconds * 1000)
        if -RELATIVE_S < seconds < RELATIVE_S:
            return self._sent.received_at + at
        if at < YEAR_2000:
            raise Unreadable(f"{where}: it lies before the year 2000")
        return at

    def _check(self, record: Table, where: str) -> None:
        if any(label.endswith("_") for label in record):
            raise Unreadable(f"{where}: an unknown label ends in '_': what it says must be understood, and is not")
        if self._number(self._base, "bver", where) > NEWEST_VERSION:
            raise Unreadable(f"{where}: bver is above {NEWEST_VERSION}, the newest version there is")

    def _number(self, record: Table, label: str, where: str) -> Decimal:
        number = record.get(label, Decimal(0))
        if not isinstance(number, Decimal) or not number.is_finite():
            raise Unreadable(f"{where}: {label} is no number")
        return number

    def _device_of_topic(self) -> str:
        own = of_mqtt_topic(self._sent.topic)
        return own[0] if own else self._sent.topic


def _said(raw: Any, unit: Any, where: str) -> tuple[Value, str] | None:
    """A fault, or a text that is no reading; what is declared a temperature must be a number."""
    if not isinstance(raw, str):
        raise Unreadable(f"{where}: vs is no text")
    if raw.startswith(FAULT_PREFIX):
        fault = raw[len(FAULT_PREFIX) :]
        if _fault.fullmatch(fault) is None:
            raise Unreadable(f"{where}: the fault has no name of up to 40 plain letters and digits")
        return Value(None, fault), CELSIUS
    if unit in (CELSIUS, "K"):
        raise Unreadable(f"{where}: a text stands where a number belongs")
    return None


def _is_clock(record: Table) -> bool:
    name = record.get("n")
    return isinstance(name, str) and name.rpartition(":")[2] == "clock"


def _labelled(record: dict[Any, Any]) -> Table:
    """The record with its labels in letters. Raises Unreadable where one stands twice, as a number and in letters."""
    table = {LABELS.get(int(key), str(key)) if isinstance(key, Decimal) else key: raw for key, raw in record.items()}
    if len(table) < len(record):
        raise Unreadable("a key stands twice in one record: which of the two is meant?")
    return table


def _looks_like_cbor(payload: bytes) -> bool:
    """A CBOR list, with or without the mark of a CBOR file; no JSON text begins so."""
    return payload[:1] != b"" and (0x81 <= payload[0] <= 0x9F or payload.startswith(b"\xd9\xd9\xf7"))


def _is_pack(pack: Any) -> bool:
    if not isinstance(pack, list) or not pack or not all(isinstance(record, dict) for record in pack):
        return False
    first = pack[0]
    return bool({"bn", "n"} & first.keys()) and any(label in record for record in pack for label in VALUES)
