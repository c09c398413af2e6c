"""A key: which of the words that devices use for their values mean a temperature of what is stored, and which do not.

Chips, boards, set points, limits and the weather have temperatures too: none of them is a reading.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from ingest.dialects.values import Unit, unit_of

LONGEST = 200
MOST_REMEMBERED = 2048
"""Devices say the same keys all day; what is remembered of them is bounded in number and in length."""

AMBIENT = "ambient"
"""The role of a probe that hangs outside the store (`coldchain/quantities.py`)."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEMPERATURES: dict[str, Unit | None] = {
    "temperature": None,
    "temperatures": None,
    "temperatur": None,
    "temperatura": None,
    "temp": None,
    "temps": None,
    "tempc": "C",
    "tempf": "F",
    "celsius": "C",
    "fahrenheit": "F",
    "temperaturec": "C",
    "temperaturef": "F",
    "ptemperature": None,
}
"""Words that mean a temperature, and the unit that is part of them."""

_SHORT: dict[str, Unit | None] = {"t": None, "tmp": None, "tc": "C", "tf": "F", "tvc": None, "tamb": None, "tfrz": None}
"""The same where the word is the whole key."""

_PROBES = _words(
    "ds18b20 ds18x20 ds1820 dallas probe thermocouple thermistor ntc pt100 pt1000 "
    "fridge refrigerator freezer cooler ilr"
)
"""Words that tell of a temperature where nothing but one number is known of a sensor, like its name in a topic."""

_FOREIGN = _words(
    "device chip cpu gpu mcu soc core processor board pcb esp esp32 esp8266 rp2040 internal system module modem radio "
    "target setpoint set goal desired heating cooling occupied unoccupied calibration calibrated cal offset correction "
    "compensation adjust precision resolution accuracy sensitivity periodic report interval min max minimum maximum "
    "lowest highest low high hi lo limit threshold alarm alert warning breaker input startup dew dewpoint dp point "
    "feels feelslike apparent index heatindex chill windchill wind outdoor outside weather forecast battery batt color "
    "colour unit units scale mode type source state status select selection history last previous average avg mean "
    "trend rate delta diff difference change raw adc count flow return error errors ok valid old new "
    "reference junction "
    "settings setting config configuration targets limits thresholds alarms rx tx"
)
"""Words beside which a temperature is none of the store, or none that was measured just now."""

_OTHER_QUANTITIES = _words(
    "humidity hum rh pressure voltage volt current power energy signal wifi rssi snr linkquality lqi uptime co2 voc "
    "lux light illuminance pm1 pm25 pm10 moisture motion occupancy contact door window water leak smoke gas frequency "
    "weight distance speed"
)

_numbered = re.compile(r"t_?\d{1,2}", re.ASCII | re.IGNORECASE)
_word = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]|\d+|[^\W\d_]+")


class Key(NamedTuple):
    """What a key tells of a temperature. Keys with the same `probe` say one temperature in two units."""

    unit: Unit | None
    probe: tuple[str, ...]
    role: str | None


def words_of(key: str) -> tuple[str, ...]:
    """`TempC_DS` → temp, c, ds; `temperature_1_F` → temperature, 1, f."""
    return _words_of(key[:LONGEST])


@lru_cache(maxsize=MOST_REMEMBERED)
def _words_of(key: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _word.findall(key))


def temperature_key(key: str, allowed: frozenset[str] = frozenset()) -> Key | None:
    """What the key says where it names a temperature of the store; `allowed` words are not foreign here."""
    return _temperature_key(key[:LONGEST], allowed)


@lru_cache(maxsize=MOST_REMEMBERED)
def _temperature_key(key: str, allowed: frozenset[str]) -> Key | None:
    whole = key.strip().lower()
    if _numbered.fullmatch(whole):
        return Key(None, (whole,), None)
    if whole in _SHORT:
        return Key(_SHORT[whole], (whole if whole in ("tvc", "tamb", "tfrz") else "temperature",), _role((whole,)))
    words = words_of(key)
    named = [word for word in words if word in _TEMPERATURES]
    if not named or is_foreign(words, allowed):
        return None
    unit: Unit | None = None
    probe: list[str] = []
    for word in words:
        if word in _TEMPERATURES:
            unit = _TEMPERATURES[word] or unit
            probe.append(word if word == "ptemperature" else "temperature")  # rtl_433: a probe beside the room's
        elif (told := unit_of(word)) is not None:
            unit = told
        elif word not in ("degrees", "deg"):
            probe.append(word)
    return Key(unit, tuple(dict.fromkeys(probe)), _role(words))


def is_vague(key: str) -> bool:
    """Whether the key may as well mean a time."""
    return key in ("t", "T") or _numbered.fullmatch(key) is not None


def names_temperature(name: str) -> Key | None:
    """The same of a sensor's name, of which no more is known than that its value is a number."""
    key = temperature_key(name)
    if key is not None:
        return key
    if not may_be_temperature(name):
        return None
    words = words_of(name)
    stuck = name.strip().lower().replace("-", "_").split("_")
    is_probe = bool(_PROBES.intersection(words) or _PROBES.intersection(stuck))
    return Key(None, words, _role(words)) if is_probe else None


def may_be_temperature(name: str) -> bool:
    """Whether nothing in the name says that it is something else."""
    words = words_of(name)
    return not is_foreign(words) and not _OTHER_QUANTITIES.intersection(words)


def is_foreign(words: tuple[str, ...], allowed: frozenset[str] = frozenset()) -> bool:
    """Whether what bears such a name is none of the store's."""
    return any(word in _FOREIGN and word not in allowed for word in words)


def is_foreign_table(name: str, allowed: frozenset[str] = frozenset()) -> bool:
    """Whether the object under this key holds no temperatures of the store; that it is a device says nothing."""
    return is_foreign(words_of(name), _TABLES | allowed)


_TABLES = _words("device module state status report new last input source type unit units raw scale heating cooling")


def _role(words: tuple[str, ...]) -> str | None:
    return AMBIENT if {"ambient", "amb", "room", "tamb"}.intersection(words) else None
