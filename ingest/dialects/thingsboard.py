"""ThingsBoard: its device API (`v1/devices/me/telemetry`, `v2/t`) and its gateway API (`v1/gateway/telemetry`).

By the device API a device is who signed in: the message does not name it, and `me` stands for it here; who reads it
from the broker or by HTTP puts the name in that was signed in with. A token in an HTTP path is a secret and never told.
A gateway names its devices. `ts` is in milliseconds. Attributes and calls are no readings.
"""

from collections.abc import Iterator
from typing import Any

from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.instants import instant
from ingest.dialects.payloads import Table, json_of, name_of
from ingest.dialects.tables import decoded, found_in
from ingest.dialects.values import unit_of
from ingest.refusals import Unreadable

ME = "me"
"""The device that signed in."""

DEVICE_TOPICS = ("v1/devices/me/telemetry", "v2/t", "v2/t/j")
GATEWAY_TOPIC = "v1/gateway/telemetry"


class ThingsBoard:
    name = "thingsboard"

    def recognises(self, sent: Sent) -> bool:
        topic = sent.topic.strip("/")
        return topic.startswith(("v1/devices/me/", "v1/gateway/", "v2/t", "v2/a", "v2/r")) or _is_http(topic)

    def decode(self, sent: Sent) -> list[Decoded]:
        topic = sent.topic.strip("/")
        if topic == GATEWAY_TOPIC:
            return list(_gateway(json_of(sent.payload), sent))
        if self.recognises(sent) and topic not in DEVICE_TOPICS and not topic.endswith("/telemetry"):
            return []
        return list(_device(ME, json_of(sent.payload), sent))


def _is_http(topic: str) -> bool:
    parts = topic.split("/")
    return len(parts) == 4 and parts[:2] == ["api", "v1"]


def _gateway(value: Any, sent: Sent) -> Iterator[Decoded]:
    if not isinstance(value, dict):
        raise Unreadable("it is JSON, but no object of devices")
    for name, told in value.items():
        yield from _device(name_of(name, "a device's name"), told, sent)


def _device(device_id: str, told: Any, sent: Sent) -> Iterator[Decoded]:
    """One object of values, one with its time, or a list of both."""
    for item in told if isinstance(told, list) else [told]:
        if not isinstance(item, dict):
            raise Unreadable("it is JSON, but no object of values")
        values: Table = item["values"] if isinstance(item.get("values"), dict) else item
        found = found_in(values, unit_of((sent.mapping or {}).get("unit")))
        at = instant(item.get("ts"), sent.zone, where="ts") if found else None
        yield from (decoded(one, device_id, at) for one in found)
