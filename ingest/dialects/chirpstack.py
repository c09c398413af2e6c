"""ChirpStack v4 (and v3): uplinks of LoRaWAN devices, decoded by the codec of their device profile (`object`).

A device is its EUI. Joins, acknowledgements and logs are no readings; their time and the gateways' are not asked.
"""

from typing import Any

from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.instants import instant
from ingest.dialects.lorawan import dated, found_in_object, without_nulls
from ingest.dialects.payloads import Table, glance, json_of, name_of, part, table_of
from ingest.dialects.tables import decoded


class ChirpStack:
    name = "chirpstack"

    def recognises(self, sent: Sent) -> bool:
        parts = sent.topic.split("/")
        if "application" in parts and "device" in parts and "event" in parts:
            return True
        table = glance(sent.payload)
        return isinstance(table, dict) and part(table, "deviceInfo", "devEui") is not None

    def decode(self, sent: Sent) -> list[Decoded]:
        parts = sent.topic.split("/")
        if "event" in parts and parts[-1] not in ("up", "event"):
            return []
        table = table_of(sent.payload)
        told = _object(table)
        found = found_in_object(told, table.get("data"), "ChirpStack")
        if not found:
            return []
        at = instant(table.get("time"), sent.zone)
        device_id = _device(table, parts)
        return [decoded(one, device_id, own) for one, own in dated(found, told, at, sent.zone)]


def _object(table: Table) -> Any:
    """v3 may have it as text."""
    told = without_nulls(table, "object", "objectJSON")
    return json_of(told.encode()) if isinstance(told, str) else told


def _device(table: Table, parts: list[str]) -> str:
    told = part(table, "deviceInfo", "devEui") or table.get("devEUI")
    if told is None and "device" in parts[:-1]:
        told = parts[parts.index("device") + 1]
    return name_of(told, "devEui")
