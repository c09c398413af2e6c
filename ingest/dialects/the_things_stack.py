"""The Things Stack v3: uplinks of LoRaWAN devices, on MQTT, by webhook or from its storage.

A device is its id in the application. The time is the inner `received_at`, when the network had it; the outer one is
when the application was told. Joins, downlinks and what the network says of itself are no readings.
"""

from typing import Any

from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.instants import instant
from ingest.dialects.lorawan import dated, found_in_object, without_nulls
from ingest.dialects.payloads import Table, glance, name_of, part, table_of
from ingest.dialects.tables import decoded
from ingest.refusals import Unreadable


class TheThingsStack:
    name = "ttn"

    def recognises(self, sent: Sent) -> bool:
        parts = sent.topic.split("/")
        if parts[0] == "v3" and "devices" in parts:
            return True
        table = glance(sent.payload)
        return isinstance(table, dict) and "end_device_ids" in _message(table)

    def decode(self, sent: Sent) -> list[Decoded]:
        parts = sent.topic.split("/")
        if parts[0] == "v3" and "devices" in parts and parts[-1] != "up":
            return []
        message = _message(table_of(sent.payload))
        uplink = message.get("uplink_message")
        if uplink is None:
            return []
        if not isinstance(uplink, dict):
            raise Unreadable("its uplink_message is no object")
        told = without_nulls(uplink, "decoded_payload", "normalized_payload")
        found = found_in_object(told, uplink.get("frm_payload"), "The Things Stack")
        if not found:
            return []
        at = instant(without_nulls(uplink, "received_at") or message.get("received_at"), sent.zone, where="received_at")
        device_id = _device(message, parts)
        return [decoded(one, device_id, own) for one, own in dated(found, told, at, sent.zone)]


def _message(table: Table) -> Table:
    """The message itself, taken out of what the storage (`result`) or an event (`data`) wraps around it."""
    for wrapper in ("result", "data"):
        inner = table.get(wrapper)
        if isinstance(inner, dict) and "end_device_ids" in inner:
            return inner
    return table


def _device(message: Table, parts: list[str]) -> str:
    told: Any = part(message, "end_device_ids", "device_id") or part(message, "end_device_ids", "dev_eui")
    if told is None and parts[0] == "v3" and "devices" in parts[:-1]:
        told = parts[parts.index("devices") + 1]
    return name_of(told, "device_id")
