"""rtl_433: what a radio receiver hears from sensors at 433 and 868 MHz, one JSON object a packet, or a topic a value.

A device is its model, id and channel together; the id alone may be another maker's too. One packet is mostly heard two
or three times. `@0.08s` is a place in a recording and no time. Tyres and weather stations are no stores.
"""

from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.instants import instant
from ingest.dialects.keys import temperature_key, words_of
from ingest.dialects.payloads import Table, glance, name_of, table_of, text_of
from ingest.dialects.tables import Found, companions_of, decoded
from ingest.dialects.values import Unit, temperature
from ingest.refusals import Unreadable

WEATHER = ("wind", "rain", "uv", "strike")
"""Beginnings of keys that only weather stations send."""


class Rtl433:
    name = "rtl_433"

    def recognises(self, sent: Sent) -> bool:
        if sent.topic.split("/")[0] == "rtl_433":
            return True
        table = glance(sent.payload)
        if not isinstance(table, dict) or "model" not in table:
            return False
        return "mic" in table or any(key.startswith(("temperature_", "battery_ok")) for key in table)

    def decode(self, sent: Sent) -> list[Decoded]:
        parts = sent.topic.split("/")
        if "devices" in parts[1:-1]:
            return _value(parts[parts.index("devices", 1) + 1 :], sent.payload)
        if parts[0] == "rtl_433" and parts[-1] in ("states", "availability"):
            return []
        return packet(table_of(sent.payload), sent)


def packet(table: Table, sent: Sent) -> list[Decoded]:
    """The readings of one packet. Raises Unreadable."""
    if table.get("type") == "TPMS" or any(key.startswith(WEATHER) for key in table):
        return []
    found = [*_temperatures(table), *companions_of(table)]
    if not found:
        return []
    time = table.get("time")
    is_place = isinstance(time, str) and time.startswith("@")
    at = None if is_place else instant(time, sent.zone)
    named = [table[key] for key in ("model", "id", "channel") if table.get(key) is not None]
    if not named:
        raise Unreadable("it names neither model, id nor channel: nobody knows whose reading it is")
    device_id = "/".join(name_of(part, "model, id or channel") for part in named)
    return [decoded(one, device_id, at) for one in found]


def _temperatures(table: Table) -> list[Found]:
    """Sensors are named without their unit, which the receiver's settings change (`-C si`)."""
    keys = {key: told for key in table if (told := temperature_key(key, frozenset({"internal"}))) is not None}
    celsius = {told.probe for told in keys.values() if told.unit == "C"}
    return [
        Found(sensor_of(key), temperature(table[key], told.unit or "C", where=key), table, role=told.role)
        for key, told in keys.items()
        if told.unit == "C" or told.probe not in celsius
    ]


def sensor_of(key: str) -> str:
    """`temperature_1_F` → temperature_1."""
    words = words_of(key)
    return "_".join(word for word in words if word not in ("c", "f"))


def _value(below: list[str], payload: bytes) -> list[Decoded]:
    """`…/devices[/type][/model][/subtype][/channel][/id]/temperature_F` with a bare number."""
    *path, key = below
    told = temperature_key(key, frozenset({"internal"}))
    if told is None or not path or path[0] == "TPMS":
        return []
    if len(path) >= 3:  # as in a packet: model, id, channel
        path = [path[0], path[-1], path[-2]]
    unit: Unit = told.unit or "C"
    found = Found(sensor_of(key), temperature(text_of(payload), unit, where=key), {}, role=told.role)
    return [decoded(found, "/".join(path), None)]
