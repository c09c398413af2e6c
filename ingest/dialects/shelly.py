"""Shelly: gen 1 (`shellies/<id>/sensor/temperature`, a bare number) and gen 2 and later (RPC notifications and status).

Relays, plugs and dimmers tell their own warmth (`temperature`, `switch:0`): no reading. An add-on's probes are
`ext_temperature/0` in gen 1 and `temperature:100` onwards later; `temperature:0` is what a humidity and temperature
sensor measures. 999 is an empty socket. Gen 1 sends the unit that its owner chose and does not say which: the
mapping's `unit` does.
"""

import re
from collections.abc import Iterator
from typing import Any

from coldchain.readings import RANGE, UNPLUGGED, UNREADABLE
from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.instants import instant
from ingest.dialects.payloads import Table, glance, json_of, name_of, part, text_of
from ingest.dialects.tables import Found, decoded
from ingest.dialects.values import NOT_AVAILABLE, SIGNALS, Unit, Value, hundredths_of, temperature, unit_of
from ingest.refusals import Unreadable

ROOT = "shellies"
EMPTY_SOCKET = {**SIGNALS, 999_00: UNPLUGGED, 537_22: UNPLUGGED}
"""999 °C, and 999 °F as °C."""

ERRORS = {"out_of_range": RANGE, "read": UNREADABLE}
"""What a component of gen 2 says is wrong with its probe."""

_component = re.compile(r"temperature:\d+")


class Shelly:
    name = "shelly"

    def recognises(self, sent: Sent) -> bool:
        parts = sent.topic.split("/")
        if parts[0] == ROOT or parts[-2:] == ["events", "rpc"]:
            return True
        if parts[0].startswith("shelly") or (len(parts) > 2 and parts[-2] == "status" and ":" in parts[-1]):
            return True
        table = glance(sent.payload)
        return isinstance(table, dict) and isinstance(table.get("src"), str) and table["src"].startswith("shelly")

    def decode(self, sent: Sent) -> list[Decoded]:
        parts = sent.topic.split("/")
        if parts[0] == ROOT:
            return _first_generation(parts, sent)
        if len(parts) > 2 and parts[-2] == "status":
            return _status(parts, sent)
        is_object = sent.payload.lstrip()[:1] == b"{"
        return _notification(sent) if is_object or parts[-2:] == ["events", "rpc"] else []


def _first_generation(parts: list[str], sent: Sent) -> list[Decoded]:
    """`ext_temperature_f` says once more what `ext_temperature` does."""
    if len(parts) < 3:
        return []
    unit = unit_of((sent.mapping or {}).get("unit")) or "C"
    device_id, said = parts[1], parts[2:]
    if said == ["sensor", "temperature"]:
        return [_number("temperature", device_id, unit, sent)]
    if said == ["sensor", "humidity"]:
        hundredths = hundredths_of(text_of(sent.payload))
        found = Found("humidity", Value(hundredths), {}, "%RH")
        return [decoded(found, device_id, None)] if hundredths is not None else []
    if len(said) == 2 and said[0] == "ext_temperature":
        return [_number("/".join(said), device_id, "C", sent)]
    if said in (["ext_temperatures"], ["info"], ["status"]):
        value = json_of(sent.payload)
        if said == ["ext_temperatures"]:
            return [decoded(found, device_id, None) for found in _external(value)]
        inner = [*_measured(part(value, "tmp")), *_external(part(value, "ext_temperature"))]
        return [decoded(found, device_id, None) for found in inner]
    return []


def _number(sensor: str, device_id: str, unit: Unit, sent: Sent) -> Decoded:
    value = temperature(text_of(sent.payload), unit, where=sensor, signals=EMPTY_SOCKET)
    return decoded(Found(sensor, value, {}), device_id, None)


def _measured(tmp: Any) -> Iterator[Found]:
    """What a sensor measures and says in its own unit; a relay's `tmp` has no value and is its own warmth."""
    if isinstance(tmp, dict) and "value" in tmp:
        is_valid = tmp.get("is_valid") is not False
        unit = unit_of(tmp.get("units")) or "C"
        value = temperature(tmp["value"] if is_valid else None, unit, where="tmp", signals=EMPTY_SOCKET)
        yield Found("temperature", value, tmp)


def _external(probes: Any) -> Iterator[Found]:
    for number, probe in probes.items() if isinstance(probes, dict) else ():
        sensor = f"ext_temperature/{number}"
        if isinstance(probe, dict) and ("tC" in probe or "tF" in probe):
            yield Found(sensor, _degrees(probe, sensor), probe)


def _status(parts: list[str], sent: Sent) -> list[Decoded]:
    """`<id>/status/temperature:100`, one component a message; it bears no time."""
    component = parts[-1]
    if not component.startswith(("temperature:", "humidity:")):
        return []
    value = json_of(sent.payload)
    device_id = "/".join(parts[:-2])
    return [decoded(found, device_id, None) for found in _components({component: value})]


def _notification(sent: Sent) -> list[Decoded]:
    """NotifyStatus and NotifyFullStatus, and the answer to a request for a status."""
    value = json_of(sent.payload)
    if not isinstance(value, dict):
        raise Unreadable("it is JSON, but no object")
    told = value.get("params", value.get("result"))
    if not isinstance(told, dict):
        return []
    if "tC" in told and "id" in told:
        told = {f"temperature:{told['id']}": told}
    found = list(_components(told))
    if not found:
        return []
    src = value.get("src")
    device_id = name_of(src, "src") if src is not None else "/".join(sent.topic.split("/")[:-2])
    at = instant(told.get("ts", part(told, "sys", "unixtime")), sent.zone, where="ts")
    return [decoded(one, device_id, at) for one in found]


def _components(told: Table) -> Iterator[Found]:
    for component, inner in told.items():
        if _component.fullmatch(component) and isinstance(inner, dict):
            if {"tC", "tF", "errors"} & inner.keys():
                yield Found(component, _degrees(inner, component), inner)
        elif component.startswith("humidity:") and (relative := hundredths_of(part(inner, "rh"))) is not None:
            yield Found(component, Value(relative), inner, "%RH")


def _degrees(inner: Table, where: str) -> Value:
    """°C as it stands there, else °F; and where there is neither, what is said to be wrong."""
    for key, unit in (("tC", "C"), ("tF", "F")):
        if inner.get(key) is not None:
            return temperature(inner[key], unit, where=where, signals=EMPTY_SOCKET)
    errors = inner.get("errors")
    said = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], str) else ""
    return Value(None, ERRORS.get(said, NOT_AVAILABLE))
