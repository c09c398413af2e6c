"""Zigbee2MQTT: one JSON object a device under `zigbee2mqtt/<friendly name>`; the name may have slashes.

What the bridge says of itself, whether a device is there, and what is asked of it are no readings. `temperature_unit`
is what a device's own display shows; what is published is °C all the same.
"""

from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.instants import instant_in
from ingest.dialects.keys import temperature_key
from ingest.dialects.payloads import Table, glance, json_of, name_of
from ingest.dialects.tables import Found, companions_of, decoded
from ingest.dialects.values import temperature
from ingest.refusals import Unreadable

BASE = "zigbee2mqtt"
NO_READINGS = frozenset({"availability", "set", "get"})


class Zigbee2Mqtt:
    name = "zigbee2mqtt"

    def recognises(self, sent: Sent) -> bool:
        if sent.topic.split("/")[0] == BASE:
            return True
        table = glance(sent.payload)
        return isinstance(table, dict) and "linkquality" in table

    def decode(self, sent: Sent) -> list[Decoded]:
        parts = sent.topic.split("/")
        below = parts[1:] if len(parts) > 1 else parts
        if below[0] == "bridge" or NO_READINGS.intersection(below[1:]):
            return []
        value = json_of(sent.payload)
        if not isinstance(value, dict):
            return _attribute(below, value)
        at = instant_in(value, sent.zone)
        device_id = "/".join(below)
        return [decoded(found, device_id, at) for found in [*_temperatures(value), *companions_of(value)]]


def _temperatures(table: Table) -> list[Found]:
    keys = {key: told for key in table if (told := temperature_key(key)) is not None}
    return [
        Found(key, temperature(table[key], told.unit or "C", where=key), table, role=told.role)
        for key, told in keys.items()
    ]


def _attribute(below: list[str], value: object) -> list[Decoded]:
    """`zigbee2mqtt/<name>/temperature` with a bare number: the output by attribute."""
    if len(below) < 2:
        raise Unreadable("it is JSON, but no object")
    told = temperature_key(below[-1])
    if told is None:
        return []
    found = Found(below[-1], temperature(value, told.unit or "C", where=below[-1]), {}, role=told.role)
    return [decoded(found, name_of("/".join(below[:-1]), "the device's name"), None)]
