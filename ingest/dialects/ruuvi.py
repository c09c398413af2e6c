"""Ruuvi Gateway: what RuuviTags and Ruuvi Air broadcast, as raw hex or decoded by the gateway, on MQTT or by HTTP.

Raw data are a Bluetooth advertisement; Ruuvi's part of it has the company number 0x0499 and one of the data formats 3,
5, 6, C5 and E1. 0x8000 is "not available". The gateway passes on other makers' advertisements too: no reading.
https://docs.ruuvi.com/communication/bluetooth-advertisements
"""

import re
from collections.abc import Iterator
from typing import Any

from coldchain.readings import RANGE, is_possible
from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.instants import instant
from ingest.dialects.payloads import Table, glance, name_of, part, table_of
from ingest.dialects.tables import Found, decoded
from ingest.dialects.values import NOT_AVAILABLE, Value, hundredths_of, temperature
from ingest.refusals import Unreadable

COMPANY = b"\x99\x04"
"""0x0499, the low byte first as Bluetooth sends it."""

MANUFACTURER_DATA = 0xFF

SIZES = {0x03: 14, 0x05: 24, 0x06: 20, 0xC5: 18, 0xE1: 40}
"""Bytes of each data format; others (a URL, encrypted) hold nothing that can be read."""

ADDRESS_AT = {0x05: 18, 0xC5: 12, 0xE1: 34}
NO_ADDRESS = b"\xff" * 6

_address = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{12}")


class Ruuvi:
    name = "ruuvi"

    def recognises(self, sent: Sent) -> bool:
        if sent.topic.split("/")[0] == "ruuvi":
            return True
        table = glance(sent.payload)
        return isinstance(table, dict) and ("gw_mac" in table or part(table, "data", "gw_mac") is not None)

    def decode(self, sent: Sent) -> list[Decoded]:
        last = sent.topic.split("/")[-1]
        if last in ("gw_status", "status"):
            return []
        table = table_of(sent.payload)
        tags = part(table, "data", "tags")
        if isinstance(tags, dict):
            return [reading for mac, tag in tags.items() if isinstance(tag, dict) for reading in _tag(tag, mac, sent)]
        return _tag(table, last if _address.fullmatch(last) else None, sent)


def _tag(table: Table, mac: str | None, sent: Sent) -> list[Decoded]:
    """What was heard of one tag. `ts` is when the gateway heard it, `gwts` when it passed it on."""
    found = list(_by_gateway(table))
    data = table.get("data")
    if not found and isinstance(data, str):
        format_data = ruuvi_part(data)
        if format_data is None:
            return []
        mac = mac or _own_address(format_data)
        found = list(_raw(format_data))
    if not found:
        return []
    device_id = name_of(mac or table.get("id"), "the tag's address")
    at = instant(table.get("ts", table.get("timestamp")), sent.zone, where="ts")
    return [decoded(one, device_id, at) for one in found]


def ruuvi_part(data: str) -> bytes | None:
    """Ruuvi's own bytes in an advertisement, from the data format on; None where it holds none. Raises Unreadable."""
    try:
        advertisement = bytes.fromhex(data)
    except ValueError:
        raise Unreadable("its data are no hexadecimal digits") from None
    at = 0
    while at < len(advertisement) and advertisement[at]:
        size, kind = advertisement[at], advertisement[at + 1 : at + 2]
        inner = advertisement[at + 2 : at + 1 + size]
        if len(inner) != size - 1 or not kind:
            raise Unreadable("its data end in the middle of a Bluetooth field")
        if kind[0] == MANUFACTURER_DATA and inner[:2] == COMPANY and inner[2:3] and inner[2] in SIZES:
            if len(inner) - 2 < SIZES[inner[2]]:
                raise Unreadable(f"data format {inner[2]:X} has {SIZES[inner[2]]} bytes, and here {len(inner) - 2}")
            return inner[2:]
        at += 1 + size
    return None


def _own_address(data: bytes) -> str | None:
    at = ADDRESS_AT.get(data[0])
    if at is None or data[at : at + 6] == NO_ADDRESS:
        return None
    return data[at : at + 6].hex(":").upper()


def _raw(data: bytes) -> Iterator[Found]:
    if data[0] == 0x03:
        sign = -1 if data[2] & 0x80 else 1
        yield Found("temperature", _possible(sign * ((data[2] & 0x7F) * 100 + data[3])), {})
        if data[1] <= 200:
            yield Found("humidity", Value(data[1] * 50), {}, "%RH")
        return
    halves = int.from_bytes(data[1:3], "big", signed=True)  # steps of 0.005 °C: two of them are a hundredth
    value = Value(None, NOT_AVAILABLE) if halves == -0x8000 else _possible(_halved(halves))
    yield Found("temperature", value, {})
    quarters = int.from_bytes(data[3:5], "big")
    if quarters <= 40_000:
        yield Found("humidity", Value(_halved(quarters // 2)), {}, "%RH")
    if data[0] in (0x05, 0xC5):
        at = 13 if data[0] == 0x05 else 7
        millivolts = int.from_bytes(data[at : at + 2], "big") >> 5
        if millivolts != 0x7FF:
            yield Found("battery", Value((1600 + millivolts) // 10), {}, "V")


def _by_gateway(table: Table) -> Iterator[Found]:
    """What the gateway decoded itself; null is "not available"."""
    if "temperature" not in table:
        return
    yield Found("temperature", temperature(table["temperature"], where="temperature", signals={}), table)
    for key, sensor, unit in (("humidity", "humidity", "%RH"), ("voltage", "battery", "V")):
        hundredths: Any = hundredths_of(table.get(key))
        if hundredths is not None:
            yield Found(sensor, Value(hundredths), table, unit)


def _halved(number: int) -> int:
    """Half away from zero."""
    half = (abs(number) + 1) // 2
    return -half if number < 0 else half


def _possible(hundredths: int) -> Value:
    return Value(hundredths) if is_possible(hundredths) else Value(None, RANGE)
