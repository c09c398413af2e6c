"""A table: one JSON object whose keys tell what its values are, like most devices write, flat or nested."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from coldchain.quantities import CELSIUS
from ingest.dialects.decoded import Decoded
from ingest.dialects.keys import is_foreign, is_foreign_table, is_vague, temperature_key, words_of
from ingest.dialects.payloads import Table, is_time, name_of
from ingest.dialects.values import Unit, Value, hundredths_of, temperature, unit_of

UNIT_KEYS = ("temp_unit", "tempunit", "temperature_unit", "temperatureunit", "unit", "units", "unit_of_measurement")
VALUE_KEYS = ("value", "val", "v", "measurementvalue", "measurement_value")
CHANNEL_KEYS = ("channel", "sensor", "sensor_id", "sensorid", "probe", "probe_id", "address", "addr")
"""Which probe an object tells of."""

LABEL_KEYS = (*CHANNEL_KEYS, "name", "id", "type")
"""The same of an object in a list, where a name or an id is the probe's and not the device's."""


LOG = frozenset({"history"})
"""Allowed where readings of a log are dated by the table they stand in."""


class Found(NamedTuple):
    """One quantity in a message, and the table it stood in (for its time)."""

    sensor: str
    value: Value
    table: Table
    unit: str = CELSIUS
    role: str | None = None


def found_in(
    table: Table, unit: Unit | None = None, path: str = "", allowed: frozenset[str] = frozenset()
) -> list[Found]:
    """All temperatures of the store in the table and those inside it, with the other quantities beside them.

    `unit` is meant where neither key nor value names one. Raises Unreadable.
    """
    return [*_here(table, unit, path, allowed), *_inside(table, unit, path, allowed)]


def decoded(found: Found, device_id: str, measured_at: int | None) -> Decoded:
    """Raises Unreadable where the device or the sensor has no name that can be shown."""
    value, fault = found.value
    device_id, sensor = name_of(device_id, "the device's name"), name_of(found.sensor, "the sensor's name")
    return Decoded(device_id, sensor, measured_at, value, fault, found.unit, found.role)


def companions_of(table: Table, path: str = "") -> Iterator[Found]:
    """Humidity, battery, door and power, as far as they can be read; rubbish in them is left alone."""
    for key, raw in table.items():
        for fits, reader, unit in _COMPANIONS:
            if fits(words_of(key)):
                hundredths = reader(raw)
                if hundredths is not None:
                    sensor = "door" if "contact" in words_of(key) else key
                    yield Found(_joined(path, sensor), Value(hundredths), table, unit)
                break


def told_unit(table: Table) -> Unit | None:
    """The unit that a table names for its temperatures."""
    lower = {key.lower(): raw for key, raw in table.items()}
    return next((told for key in UNIT_KEYS if (told := unit_of(lower.get(key))) is not None), None)


def _here(table: Table, unit: Unit | None, path: str, allowed: frozenset[str]) -> Iterator[Found]:
    unit = told_unit(table) or unit
    named = _named_value(table, unit, path)
    if named is not None:
        yield named
        return
    keys = {key: told for key in table if (told := temperature_key(key, allowed - LOG)) is not None}
    sure = {key for key in keys if not is_vague(key)}
    for key in keys.keys() - sure:
        if sure or is_time(table[key]):  # beside a temperature, and where it is that large, `t` is the time
            del keys[key]
    units: dict[tuple[str, ...], set[Unit | None]] = {}
    for told in keys.values():
        units.setdefault(told.probe, set()).add(told.unit)
    for key, told in keys.items():
        if told.unit == "F" and units[told.probe] - {"F"}:
            continue  # the same temperature stands there in °C
        if told.unit is None and "C" in units[told.probe]:
            continue
        yield from _readings(key, table[key], told.unit or unit or "C", path, table, told.role)
    yield from companions_of(table, path)


def _readings(key: str, raw: Any, unit: Unit, path: str, table: Table, role: str | None) -> Iterator[Found]:
    """The one value under the key, or one a channel where a table or a list of numbers stands there."""
    sensor = _joined(path, key)
    if isinstance(raw, dict):
        lower = {name.lower(): inner for name, inner in raw.items()}
        value = next((name for name in VALUE_KEYS if name in lower), None)
        if value is not None:
            yield Found(sensor, temperature(lower[value], told_unit(raw) or unit, where=sensor), table, role=role)
            return
        yield from _named(raw, unit, sensor, table, role)
        return
    if isinstance(raw, list):
        for number, inner in enumerate(raw):
            if not isinstance(inner, dict):
                where = _joined(sensor, str(number))
                yield Found(where, temperature(inner, unit, where=where), table, role=role)
        return
    yield Found(sensor, temperature(raw, unit, where=sensor), table, role=role)


def _named(raw: Table, unit: Unit, sensor: str, table: Table, role: str | None) -> Iterator[Found]:
    """`{"celsius": 4.5, "fahrenheit": 40.1}`, or a number a channel: `{"1": 4.5, "2": 5.5}`, `{"fridge": 4.5}`."""
    in_units = {told: inner for name, inner in raw.items() if (told := unit_of(name)) is not None}
    if in_units:
        told = "C" if "C" in in_units else next(iter(in_units))
        yield Found(sensor, temperature(in_units[told], told, where=sensor), table, role=role)
        return
    for name, inner in raw.items():
        if isinstance(inner, Decimal | None) and not is_foreign(words_of(name)) and temperature_key(name) is None:
            where = _joined(sensor, name)
            yield Found(where, temperature(inner, told_unit(raw) or unit, where=where), table, role=role)


def _named_value(table: Table, unit: Unit | None, path: str) -> Found | None:
    """`{"name": "temperature", "value": 4.5, "unit": "C"}`: the quantity is named by a value, not by a key."""
    lower = {key.lower(): key for key in table}
    value = next((lower[name] for name in VALUE_KEYS if name in lower), None)
    if value is None:
        return None
    for name in ("name", "type", "measurement", "quantity", "sensor", "channel", "parameter"):
        label = table.get(lower.get(name, ""))
        if isinstance(label, str) and (told := temperature_key(label)) is not None:
            sensor = path or label
            raw = temperature(table[value], told.unit or unit or "C", where=sensor)
            return Found(sensor, raw, table, role=told.role)
    return None


def _inside(table: Table, unit: Unit | None, path: str, allowed: frozenset[str]) -> Iterator[Found]:
    unit = told_unit(table) or unit
    for key, raw in table.items():
        if is_foreign_table(key, allowed):
            continue
        if isinstance(raw, dict):
            is_told = temperature_key(key, allowed - LOG) is not None  # its numbers are, by `_named`
            yield from (_inside if is_told else found_in)(raw, unit, _joined(path, key), allowed)
        elif isinstance(raw, list):
            for number, inner in enumerate(raw):
                if isinstance(inner, dict) and key in LOG:
                    yield from found_in(inner, unit, path, allowed)  # the same probes as live
                elif isinstance(inner, dict):
                    label = label_of(inner)
                    found = found_in(inner, unit, _joined(path, label or f"{key}/{number}"), allowed)
                    yield from found if label is None else named_by(_joined(path, label), found)


def named_by(label: str, found: list[Found]) -> list[Found]:
    """The temperature of an object that names its probe bears that name alone, where it is the only one there."""
    if sum(one.unit == CELSIUS for one in found) != 1:
        return found
    return [one._replace(sensor=label) if one.unit == CELSIUS else one for one in found]


def label_of(table: Table, keys: tuple[str, ...] = LABEL_KEYS) -> str | None:
    """The name of the probe that an object tells of, None where it names none."""
    lower = {key.lower(): raw for key, raw in table.items()}
    for key in keys:
        raw = lower.get(key)
        if isinstance(raw, str | Decimal) and str(raw).strip():
            return name_of(raw, key)
    return None


def _joined(path: str, key: str) -> str:
    return f"{path}/{key}" if path else key


def _percent(raw: Any) -> int | None:
    hundredths = hundredths_of(raw)
    return hundredths if hundredths is not None and 0 <= hundredths <= 100_00 else None


def _volts(raw: Any) -> int | None:
    """Batteries have a few volts: what is above 50 is in millivolts."""
    hundredths = hundredths_of(raw)
    if hundredths is None or not 0 <= hundredths <= 1_000_000:
        return None
    return hundredths if hundredths <= 50_00 else hundredths // 1000


def _switch(raw: Any) -> int | None:
    if isinstance(raw, bool):
        return 100 if raw else 0
    text = str(raw).strip().lower() if isinstance(raw, str | Decimal) else ""
    if text in ("1", "on", "open", "true", "yes"):
        return 100
    return 0 if text in ("0", "off", "closed", "close", "false", "no") else None


def _is_switch(words: tuple[str, ...], *names: str) -> bool:
    return not is_foreign(words) and any(name in words for name in names)


def _contact(raw: Any) -> int | None:
    """A contact that is made is a door that is closed."""
    told = _switch(raw)
    return None if told is None else 100 - told


_COMPANIONS: tuple[tuple[Callable[[tuple[str, ...]], bool], Callable[[Any], int | None], str], ...] = (
    (
        lambda words: words in (("humidity",), ("hum",), ("rh",), ("relative", "humidity"), ("hum", "sht")),
        _percent,
        "%RH",
    ),
    (lambda words: words in (("contact",),), _contact, "bool"),
    (lambda words: words == ("open",) or _is_switch(words, "door", "lid"), _switch, "bool"),
    (lambda words: _is_switch(words, "mains", "compressor") or words == ("power", "present"), _switch, "bool"),
    (
        lambda words: words in (("bat", "v"), ("battery", "voltage"), ("battery", "v"), ("voltage",), ("volt",)),
        _volts,
        "V",
    ),
    (lambda words: words in (("battery",), ("batt",), ("battery", "percent"), ("battery", "level")), _percent, "%EL"),
)
"""Which keys, how they are read, in which unit."""
