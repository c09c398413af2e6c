"""Tasmota: `tele/<topic>/SENSOR` and the answers to `Status 8` and `Status 10`, on a plug or a board with probes.

Its clock shows local time and names no zone. A DS18B20 bears its address (`Id`) in the message; the number behind its
name (DS18B20-1) changes when a probe is added or dies, so the address is what names it here.
"""

from collections.abc import Iterator
from typing import Any

from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.instants import instant
from ingest.dialects.keys import temperature_key
from ingest.dialects.payloads import Table, glance, name_of, table_of
from ingest.dialects.tables import Found, companions_of, decoded
from ingest.dialects.values import Unit, temperature, unit_of

PREFIXES = ("tele", "stat")
OWN_TEMPERATURES = ("ESP32", "ENERGY", "Thermostat", "MPU", "AXP")
"""Beginnings of what tells of the device itself: its chip, its meter, its motion sensor, what it aims at."""


class Tasmota:
    name = "tasmota"

    def recognises(self, sent: Sent) -> bool:
        parts = sent.topic.split("/")
        if any(prefix in parts[:-1] for prefix in PREFIXES) or parts[-1] == "SENSOR":
            return True
        table = glance(sent.payload)
        return isinstance(table, dict) and ("StatusSNS" in table or {"TempUnit", "Time"} <= table.keys())

    def decode(self, sent: Sent) -> list[Decoded]:
        if not _tells_sensors(sent.topic):
            return []
        table = table_of(sent.payload)
        if isinstance(table.get("StatusSNS"), dict):
            table = table["StatusSNS"]
        at = instant(table.get("Time"), sent.zone, where="Time")
        unit = unit_of(table.get("TempUnit")) or "C"
        bridged = table.get("ZbReceived")
        if isinstance(bridged, dict):
            return [reading for key, inner in bridged.items() for reading in _zigbee(key, inner, unit, at)]
        device_id = device_of(sent.topic)
        return [decoded(found, device_id, at) for key, inner in table.items() for found in _found(key, inner, unit)]


def device_of(topic: str) -> str:
    """The device's own topic: what stands beside the prefix and the last word, wherever its owner put them."""
    parts = topic.split("/")
    own = "/".join(part for part in parts[:-1] if part not in PREFIXES)
    return name_of(own or topic, "the device's topic")


def _tells_sensors(topic: str) -> bool:
    """STATE, LWT and INFO tell of the device alone."""
    parts = topic.split("/")
    return not any(prefix in parts[:-1] for prefix in PREFIXES) or parts[-1] in ("SENSOR", "STATUS8", "STATUS10")


def _found(key: str, inner: Any, unit: Unit) -> Iterator[Found]:
    """The temperatures of one sensor chip; DS18x20 holds several of the old kind."""
    if not isinstance(inner, dict) or key.startswith(OWN_TEMPERATURES):
        return
    if key == "DS18x20":
        for name, probe in inner.items():
            yield from _found(name, probe, unit)
        return
    address = inner.get("Id", inner.get("Address"))
    kind = inner.get("Type", key.rpartition("-")[0] or key)
    sensor = key if address is None else f"{kind}-{name_of(address, 'a probe')}"
    yield from _temperatures(inner, sensor, unit)
    yield from companions_of(inner, sensor)


def _temperatures(inner: Table, sensor: str, unit: Unit) -> Iterator[Found]:
    for key, raw in inner.items():
        told = temperature_key(key)
        if told is None or isinstance(raw, list | dict):  # a list is the picture of a thermal camera
            continue
        which = sensor if key == "Temperature" else f"{sensor}/{key}"
        yield Found(which, temperature(raw, told.unit or unit, where=which), inner, role=told.role)


def _zigbee(key: str, inner: Any, unit: Unit, at: int | None) -> Iterator[Decoded]:
    """A Zigbee device behind a Tasmota bridge: its given name, else its address."""
    if not isinstance(inner, dict):
        return
    device_id = name_of(inner.get("Name", key), "the Zigbee device")
    for found in [*_temperatures(inner, "Temperature", unit), *companions_of(inner)]:
        yield decoded(found, device_id, at)
