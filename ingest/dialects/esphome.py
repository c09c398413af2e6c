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
        return parts[0] != "homeassistant" and parts[-1] == "state" and any(c in parts[1:-2] for c in COMPONENTS)

    def decode(self, sent: Sent) -> list[Decoded]:
        parts = sent.topic.split("/")
        if parts[-1] != "state":
            return []
        at = next((place for place, part in enumerate(parts[1:-2], 1) if part in COMPONENTS), None)
        if at is None:
            raise Unreadable("the topic is not <node>/sensor/<name>/state: it names neither node nor sensor")
        device_id, sensor = "/".join(parts[:at]), "/".join(parts[at + 1 : -1])
        if parts[at] not in ("sensor", "binary_sensor"):
            return []
        return state_of(device_id, sensor, sent, names_temperature(sensor) if parts[at] == "sensor" else None)
