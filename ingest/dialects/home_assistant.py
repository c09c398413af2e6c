"""Home Assistant: state topics (a bare value, or JSON), its state stream, and its discovery, which is no reading.

`unavailable` and `unknown` are what it shows where a probe gives nothing. Discovery (`…/config`) tells where a state
will be published; it is kept by the broker and holds no value.
"""

from typing import Any

from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.instants import instant, instant_in
from ingest.dialects.keys import names_temperature
from ingest.dialects.payloads import Table, glance, name_of, part, table_of
from ingest.dialects.states import NAMELESS, state_of
from ingest.dialects.tables import Found, decoded, found_in
from ingest.dialects.values import temperature, unit_of

ROOT = "homeassistant"
ABOUT_STATES = frozenset(
    {
        *("config", "status", "attributes", "availability", "last_changed", "last_updated", "unit_of_measurement"),
        *("device_class", "state_class", "friendly_name", "icon", "set", "command", "birth", "lwt", "LWT", "debug"),
    }
)
"""Last words of topics that hold no state."""

MEASURING = frozenset({"sensor", "state", "value"})


class HomeAssistant:
    name = "homeassistant"

    def recognises(self, sent: Sent) -> bool:
        parts = sent.topic.split("/")
        if parts[0] == ROOT:
            return True
        table = glance(sent.payload)
        if isinstance(table, dict):
            return _state_object(table) is not None
        is_bare = sent.payload.lstrip()[:1] not in (b"{", b"[") or parts[-1] == "debug"
        return is_bare and (parts[-1] in ("state", *ABOUT_STATES) or names_temperature(_sensor(parts)) is not None)

    def decode(self, sent: Sent) -> list[Decoded]:
        parts = sent.topic.split("/")
        if parts[-1] in ABOUT_STATES or (parts[0] == ROOT and len(parts) > 1 and parts[1] in ("weather", "climate")):
            return []
        if sent.payload.lstrip()[:1] == b"{":
            return _json(table_of(sent.payload), parts, sent)
        if parts[0] == ROOT and len(parts) > 1 and parts[1] not in ("sensor", "binary_sensor"):
            return []
        device_id, sensor = _device_and_sensor(parts)
        return state_of(device_id, sensor, sent, names_temperature(sensor))


def _sensor(parts: list[str]) -> str:
    return next((name for name in reversed(parts) if name not in NAMELESS), "")


def _device_and_sensor(parts: list[str]) -> tuple[str, str]:
    """`<root>/sensor/<node>/<object>/state`; of `<root>/sensor/<entity>/state` the entity is the device."""
    own = parts[2:] if parts[0] == ROOT and len(parts) > 2 else parts
    names = [name for name in own if name not in MEASURING] or own
    if len(names) > 1:
        return name_of("/".join(names[:-1]), "the device's topic"), name_of(names[-1], "the sensor's topic")
    device_id = name_of(names[0], "the entity")
    return device_id, "temperature" if names_temperature(device_id) is not None else device_id


def _json(table: Table, parts: list[str], sent: Sent) -> list[Decoded]:
    state = _state_object(table)
    if state is not None:
        return _of_state_object(state, sent)
    found = found_in(table, unit_of((sent.mapping or {}).get("unit")))
    at = instant_in(table, sent.zone) if found else None
    own = parts[2:] if parts[0] == ROOT and len(parts) > 2 else parts
    device_id = "/".join(name for name in own if name not in MEASURING) or "/".join(own)
    return [decoded(one, device_id, at) for one in found]


def _state_object(table: Table) -> Table | None:
    """A state as Home Assistant's own API writes it, alone or in an event."""
    new_state: Any = part(table, "event_data", "new_state") or part(table, "event", "data", "new_state")
    state = new_state if isinstance(new_state, dict) else table
    return state if {"entity_id", "state"} <= state.keys() else None


def _of_state_object(state: Table, sent: Sent) -> list[Decoded]:
    entity = name_of(state["entity_id"], "entity_id")
    attributes = state.get("attributes")
    about = attributes if isinstance(attributes, dict) else {}
    told = names_temperature(entity.partition(".")[2])
    is_temperature = about.get("device_class") == "temperature" if "device_class" in about else told is not None
    if not entity.startswith("sensor.") or not is_temperature:
        return []
    unit = unit_of(about.get("unit_of_measurement")) or "C"
    value = temperature(state["state"], unit, where="state")
    when = state.get("last_reported") or state.get("last_updated") or state.get("last_changed")
    at = instant(when, sent.zone, where="last_updated")
    return [decoded(Found("temperature", value, state, role=told.role if told else None), entity, at)]
