"""ESPHome without Home Assistant: `<node>/sensor/<name>/state`, a bare number, or `nan` where the probe gives none.

A node's prefix may have slashes. `internal_temperature` is the chip.
"""

from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.keys import names_temperature
from ingest.dialects.states import state_of
from ingest.refusals import Unreadable

COMPONENTS = ("sensor", "binary_sensor", "text_sensor", "climate", "switch", "number", "light", "fan", "cover")


class EspHome:
    name = "esphome"

    def recognises(self, sent: Sent) -> bool:
        parts = sent.topic.split("/")
        return parts[0] != "homeassistant" and len(parts) > 3 and parts[-1] == "state" and parts[-3] in COMPONENTS

    def decode(self, sent: Sent) -> list[Decoded]:
        parts = sent.topic.split("/")
        if parts[-1] != "state":
            return []
        if len(parts) < 4:
            raise Unreadable("the topic is not <node>/sensor/<name>/state: it names neither node nor sensor")
        *node, component, sensor, _ = parts
        if component not in ("sensor", "binary_sensor"):
            return []
        return state_of("/".join(node), sensor, sent, names_temperature(sensor) if component == "sensor" else None)
