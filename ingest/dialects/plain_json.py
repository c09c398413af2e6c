"""Plain JSON of any device: by a mapping table that says where what stands, else by the words that most devices use.

A mapping is a table of paths (`data.probes.0.t`; a list of keys where a key has a dot in it):

| key | says |
|---|---|
| `temperature` | the path of the one temperature; or a table: channel → path, or → {path, unit, scale, role} |
| `unit` | C, F or K, or the path of a text that says so; °C where there is none |
| `scale` | what to multiply by: "0.01" where hundredths are sent |
| `time` | the path of the time; without it the message names none |
| `device` | the path of the hardware's own id; without it the topic names the device |
| `channel` | the path of the probe's name |
| `each` | the path of a list; the other paths begin at each of its objects, and after that at the message |
| `not_available` | values that mean that there is none |
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from coldchain.quantities import CELSIUS
from ingest.dialects.decoded import BadMapping, Decoded, Sent
from ingest.dialects.instants import instant, instant_in
from ingest.dialects.keys import is_vague, names_temperature, temperature_key
from ingest.dialects.payloads import Table, json_of, name_of
from ingest.dialects.tables import CHANNEL_KEYS, Found, decoded, found_in, label_of, named_by
from ingest.dialects.values import NOT_AVAILABLE, Unit, Value, temperature, unit_of
from ingest.refusals import Unreadable

KEYS = frozenset({"temperature", "unit", "scale", "time", "device", "channel", "each", "not_available"})
PLACE_KEYS = frozenset({"path", "unit", "scale", "role"})

DEVICE_KEYS = (
    "device_id",
    "deviceid",
    "dev_id",
    "devid",
    "dev_eui",
    "deveui",
    "hardware_id",
    "device",
    "serial",
    "serial_number",
    "sn",
    "imei",
    "mac",
    "node_id",
    "node",
    "id",
)
"""Keys, in small letters, under which devices name themselves; the first that is there does."""

NO_NAMES = frozenset(
    {
        *("sensor", "sensors", "device", "devices", "data", "telemetry", "state", "status", "json", "values", "value"),
        *("reading", "readings", "measurement", "measurements", "temperature", "temp", "up", "uplink", "event"),
        *("events", "home", "iot", "mqtt", "v1", "v2", "v3", "out", "tele", "stat"),
    }
)
"""Words at either end of a topic that name no device."""


class PlainJson:
    name = "json"

    def recognises(self, sent: Sent) -> bool:
        return sent.payload.lstrip()[:1] in (b"{", b"[")

    def decode(self, sent: Sent) -> list[Decoded]:
        value = json_of(sent.payload)
        if sent.mapping and KEYS - {"unit"} & sent.mapping.keys() and {"temperature", "each"} & sent.mapping.keys():
            return list(_mapped(value, checked(sent.mapping), sent))
        return list(_usual(value, sent))


def checked(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """The mapping itself. Raises BadMapping, which says what to write instead."""
    unknown = sorted(set(mapping) - KEYS)
    if unknown:
        raise BadMapping(f"a mapping has no {unknown[0]!r}; it has {', '.join(sorted(KEYS))}")
    for key in ("time", "device", "channel", "each"):
        if key in mapping:
            _path(mapping[key], key)
    _scale(mapping.get("scale"))
    if not isinstance(mapping.get("not_available", []), Sequence):
        raise BadMapping("not_available is a list of values")
    for channel, where in _channels(mapping):
        _path(where["path"], channel or "temperature")
        _scale(where.get("scale"))
    return mapping


def _channels(mapping: Mapping[str, Any]) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """Each temperature that the mapping tells of: its channel, None where the message names it, and where it is."""
    told = mapping.get("temperature", "temperature")
    if not isinstance(told, Mapping):
        yield None, {"path": told}
        return
    for channel, where in told.items():
        inner = where if isinstance(where, Mapping) else {"path": where}
        unknown = sorted(set(inner) - PLACE_KEYS)
        if unknown or "path" not in inner:
            raise BadMapping(f"the temperature {channel!r} needs a path, and may have unit, scale and role")
        yield channel, inner


def _mapped(value: Any, mapping: Mapping[str, Any], sent: Sent) -> Iterator[Decoded]:
    for number, item in enumerate(_items(value, mapping)):
        for channel, where in _channels(mapping):
            told = _at(item, where["path"])
            if told is _NOTHING:
                continue
            sensor = (
                _named(item, value, mapping, "channel") or channel or _last(where["path"], number, "each" in mapping)
            )
            unit = _unit(where.get("unit", mapping.get("unit")), item, value)
            found = _value(told, unit, sensor, _scale(where.get("scale", mapping.get("scale"))), mapping)
            device_id = _named(item, value, mapping, "device") or _device_of_topic(sent.topic)
            at = instant(_either(item, value, mapping["time"]), sent.zone) if "time" in mapping else None
            role = where.get("role")
            yield decoded(Found(sensor, found, {}, role=role if isinstance(role, str) else None), device_id, at)


def _items(value: Any, mapping: Mapping[str, Any]) -> list[Any]:
    if "each" not in mapping:
        return value if isinstance(value, list) else [value]
    items = _at(value, mapping["each"])
    if items is _NOTHING:
        return []
    if isinstance(items, dict):
        return list(items.values())
    if not isinstance(items, list):
        raise Unreadable("where the mapping's `each` points there is no list")
    return items


def _value(told: Any, unit: Unit, sensor: str, scale: Decimal, mapping: Mapping[str, Any]) -> Value:
    for nothing in mapping.get("not_available", ()):
        if told == nothing or str(told) == str(nothing) or _number(told) == _number(nothing) is not None:
            return Value(None, NOT_AVAILABLE)
    number = _number(told)
    if number is None or scale == 1:
        return temperature(told, unit, where=sensor)
    return temperature(number * scale, unit, where=sensor)


def _usual(value: Any, sent: Sent) -> Iterator[Decoded]:
    """No mapping: the words that most devices use, the time and the device nearest to them."""
    unit = unit_of((sent.mapping or {}).get("unit"))
    if isinstance(value, dict):
        yield from _usual_table(value, unit, sent, label_of(value, CHANNEL_KEYS) or "")
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict):
                label = label_of(inner)
                yield from _usual_table(inner, unit, sent, "" if label is None or label == device_in(inner) else label)
    else:
        sensor = sent.topic.rpartition("/")[2]
        told = temperature_key(sensor)
        if told is not None:
            found = Found(sensor, temperature(value, told.unit or unit or "C", where=sensor), {}, role=told.role)
            yield decoded(found, _device_of_topic(sent.topic), None)


def _usual_table(table: Table, unit: Unit | None, sent: Sent, label: str) -> Iterator[Decoded]:
    found = found_in(table, unit, label)
    if not any(one.unit == CELSIUS for one in found):
        found += _named_like_probes(table, unit)
    if not found:
        return
    device_id = device_in(table) or _device_of_topic(sent.topic)
    own = instant_in(table, sent.zone)
    instants = {id(table): own}
    for one in named_by(label, found) if label else found:
        if id(one.table) not in instants:
            nearest = instant_in(one.table, sent.zone)
            instants[id(one.table)] = own if nearest is None else nearest
        yield decoded(one, device_id, instants[id(one.table)])


def _named_like_probes(table: Table, unit: Unit | None) -> list[Found]:
    """`{"ds18b20": 4.5, "freezer": -18.2}`: numbers whose names are those of probes, where nothing says temperature."""
    return [
        Found(key, temperature(raw, unit or "C", where=key), table)
        for key, raw in table.items()
        if isinstance(raw, Decimal) and not is_vague(key) and names_temperature(key) is not None
    ]


def device_in(table: Table) -> str | None:
    """What the table calls its device, itself or in an object of that name."""
    lower = {key.lower().replace("-", "_"): raw for key, raw in table.items()}
    for key in DEVICE_KEYS:
        raw = lower.get(key)
        if isinstance(raw, dict):
            raw = device_in(raw)
        if isinstance(raw, str | Decimal) and str(raw).strip():
            return name_of(raw, key)
    return None


def _device_of_topic(topic: str) -> str:
    parts = [part for part in topic.split("/") if part]
    while len(parts) > 1 and parts[-1].lower() in NO_NAMES:
        parts.pop()
    while len(parts) > 1 and parts[0].lower() in NO_NAMES:
        parts.pop(0)
    return name_of("/".join(parts), "the device, in the message or its topic,")


class _Nothing:
    """No value at all; null is one."""


_NOTHING = _Nothing()


def _at(value: Any, path: Any) -> Any:
    for step in _path(path, "path"):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and len(step) < 6 and int(step) < len(value):
            value = value[int(step)]
        else:
            return _NOTHING
    return value


def _either(item: Any, value: Any, path: Any) -> Any:
    """What the path finds in the item, else in the message, else None."""
    for place in (item, value):
        found = _at(place, path)
        if found is not _NOTHING:
            return found
    return None


def _named(item: Any, value: Any, mapping: Mapping[str, Any], key: str) -> str | None:
    told = _either(item, value, mapping[key]) if key in mapping else None
    return None if told is None else name_of(told, f"the {key}")


def _path(path: Any, key: str) -> list[str]:
    """Raises BadMapping."""
    if isinstance(path, str) and path:
        return path.removeprefix("$.").split(".")
    if isinstance(path, list) and path and all(isinstance(step, str) for step in path):
        return path
    raise BadMapping(f"{key} is a path like data.probes.0.t, or a list of keys")


def _last(path: Any, number: int, is_list: bool) -> str:
    own = _path(path, "path")[-1]
    return f"{own}/{number}" if is_list else own


def _unit(told: Any, item: Any, value: Any) -> Unit:
    literal = unit_of(told)
    if literal is not None or told is None:
        return literal or "C"
    found = unit_of(_either(item, value, told))
    if found is None:
        raise Unreadable("the message does not say °C, °F or K where the mapping's `unit` points")
    return found


def _scale(told: Any) -> Decimal:
    """Raises BadMapping."""
    if told is None:
        return Decimal(1)
    try:
        scale = Decimal(str(told))
    except InvalidOperation:
        scale = Decimal("NaN")
    if isinstance(told, bool) or not scale.is_finite() or not Decimal("1e-9") <= scale.copy_abs() <= Decimal("1e9"):
        raise BadMapping(f"scale is a number like 0.01, and not {str(told)[:40]!r}")
    return scale


def _number(told: Any) -> Decimal | None:
    if isinstance(told, bool) or not isinstance(told, str | int | Decimal | float):
        return None
    try:
        number = Decimal(str(told).strip().replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
