"""A state: one bare value in a message of its own, of which only the topic says what it is.

Not a dialect itself: ESPHome and Home Assistant publish such. No unit is told; it is °C unless the mapping says `unit`.
"""

from ingest.dialects.decoded import Decoded, Sent
from ingest.dialects.keys import Key, may_be_temperature, words_of
from ingest.dialects.payloads import text_of
from ingest.dialects.tables import Found, companions_of, decoded
from ingest.dialects.values import temperature, unit_of


def state_of(device_id: str, sensor: str, sent: Sent, told: Key | None) -> list[Decoded]:
    """The one reading that a bare value is; none where the sensor's name is no temperature's. Raises Unreadable."""
    if told is None and (sent.mapping or {}).get("unit") is not None and may_be_temperature(sensor):
        told = Key(None, words_of(sensor), None)  # whoever wrote a unit down knows what it is
    if told is None:
        return [decoded(found, device_id, None) for found in companions_of({sensor: text_of(sent.payload)})]
    unit = told.unit or unit_of((sent.mapping or {}).get("unit")) or "C"
    value = temperature(text_of(sent.payload).strip('"'), unit, where=sensor)
    return [decoded(Found(sensor, value, {}, role=told.role), device_id, None)]


NAMELESS = frozenset({"sensor", "state", "value", "reading"})
"""Words of a topic that name nothing."""
