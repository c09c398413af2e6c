"""OpenMQTTGateway and Theengs Gateway: Bluetooth sensors under `home/<gateway>/BTtoMQTT/<address>`.

Numbers are often text. The same temperature comes in °C (`tempc`) and °F (`tempf`). `SYStoMQTT` tells the gateway's own
chip. A gateway with a 433 MHz radio passes on what rtl_433 says (`RTL_433toMQTT`).
"""

import re

from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.instants import instant_in
from ingest.dialects.payloads import Table, name_of, table_of
from ingest.dialects.rtl_433 import packet
from ingest.dialects.tables import decoded, found_in

_to_mqtt = re.compile(r".*toMQTT")
_address = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]?){5}[0-9A-Fa-f]{2}")

NO_SENSORS = frozenset({"SYStoMQTT", "WebUItoMQTT"})


class OpenMqttGateway:
    name = "openmqttgateway"

    def recognises(self, sent: Sent) -> bool:
        return any(_to_mqtt.fullmatch(part) for part in sent.topic.split("/")) or "TheengsGateway" in sent.topic

    def decode(self, sent: Sent) -> list[Decoded]:
        parts = sent.topic.split("/")
        if NO_SENSORS.intersection(parts) or parts[-1] in ("LWT", "version", "undecoded"):
            return []
        table = table_of(sent.payload)
        if "RTL_433toMQTT" in parts:
            return packet(table, sent)
        found = found_in(table)
        if not found:
            return []
        at = instant_in(table, sent.zone)
        device_id = device_of(parts, table)
        return [decoded(one, device_id, at) for one in found]


def device_of(parts: list[str], table: Table) -> str:
    """The sensor's address where the topic ends in it, else its `id`, else the last word of the topic."""
    if not _address.fullmatch(parts[-1]) and table.get("id") is not None:
        return name_of(table["id"], "id")
    if _to_mqtt.fullmatch(parts[-1]) and len(parts) > 1:
        return name_of(parts[-2], "the gateway's name")
    if len(parts) > 2 and _to_mqtt.fullmatch(parts[-2]) and not _address.fullmatch(parts[-1]):
        return name_of(f"{parts[-3]}/{parts[-1]}", "the sensor's topic")  # a probe at the gateway itself
    return name_of(parts[-1], "the sensor's address")
