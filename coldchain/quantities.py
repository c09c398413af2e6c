"""Quantities: what a channel measures, told by its unit and its name, and the role it plays where nobody said more.

Only temperatures, doors and power are judged. A door is 0 (closed) or 100 (open), power 0 (none) or 100 (there): SenML
`vb`, or `v` of 0 and 1 in the unit `/` (RFC 8428, a switch), in hundredths like every value.
"""

import re
from collections.abc import Mapping
from typing import Literal, get_args

Quantity = Literal["temperature", "humidity", "door", "power", "compressor", "battery", "other"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)

Role = Literal["product", "freezer", "ambient", "door", "power", "other"]
"""What a sensor is to its storage point; `other` is kept and shown, and never judged."""

ROLES: tuple[Role, ...] = get_args(Role)

CELSIUS = "Cel"
SWITCHES = frozenset({"bool", "/"})
HUMIDITIES = frozenset({"%RH", "RH"})
CHARGES = frozenset({"%EL", "EL", "V"})

YES, NO = 100, 0
"""A switch's values: open, there, running; closed, gone, at rest."""

JUDGED: frozenset[Quantity] = frozenset({"temperature", "door", "power"})

_AMBIENT = frozenset({"tamb", "ambient"})
_FREEZER = frozenset({"tfrz", "freezer"})
_words = re.compile(r"[a-z0-9]+")
_SWITCH_WORDS: tuple[tuple[str, Quantity], ...] = (
    ("door", "door"),
    ("lid", "door"),
    ("power", "power"),
    ("mains", "power"),
    ("compressor", "compressor"),
)


def quantity_of(channel: str, unit: str) -> Quantity:
    """What is measured there. The name decides only among switches, and between a battery and other voltages."""
    if unit == CELSIUS:
        return "temperature"
    if unit in HUMIDITIES:
        return "humidity"
    name = channel.lower()
    if unit in SWITCHES:
        return next((quantity for word, quantity in _SWITCH_WORDS if word in name), "other")
    return "battery" if unit in CHARGES and "bat" in name else "other"


def role_of(placed_as: Role | None, probes: Mapping[str, Role], channel: str, unit: str) -> Role:
    """What a sensor is to its point: as placed by itself, else as its device's record says, else by its name."""
    return placed_as or probes.get(channel) or usual_role(channel, quantity_of(channel, unit))


def usual_role(channel: str, quantity: Quantity) -> Role:
    """The role of a channel that no record speaks of. A temperature is the product's unless its name says otherwise."""
    if quantity == "temperature":
        words = _words.findall(channel.lower())
        if not _AMBIENT.isdisjoint(words):
            return "ambient"
        return "product" if _FREEZER.isdisjoint(words) else "freezer"
    if quantity == "door":
        return "door"
    return "power" if quantity == "power" else "other"
