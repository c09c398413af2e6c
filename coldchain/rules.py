"""A rule: how far and how long a temperature, a door or the power may leave its range before somebody must act.

Rules are data. The sets that ship stand in `data/rules.toml`, each row with its source and how sure it is;
people's own are TOML files of the same shape. A version never changes: an edit is a new version.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from importlib import resources
from operator import ge, gt, le, lt
from typing import Any, Literal

from coldchain.clock import SECOND
from coldchain.errors import NotFound, Refused
from coldchain.quantities import JUDGED, Quantity
from coldchain.readings import centidegrees

Mode = Literal["consecutive", "cumulative"]
Severity = Literal["warning", "alarm"]

OPERATORS: dict[str, Callable[[int, int], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}


@dataclass(frozen=True, slots=True)
class Rule:
    """`limit` in centidegrees; `duration` and `window` in ms; `sensor` a glob over channel names.

    A reading is out when `value operator limit` holds: with `>` 800, 8.00 is fine and 8.01 is not. Of a door or the
    power, `limit` is in hundredths too: 100 is open or there, 0 closed or gone (`coldchain/quantities.py`).
    """

    code: str
    operator: str
    limit: int
    mode: Mode
    duration: int
    severity: Severity
    window: int | None = None
    sensor: str = "*"
    source: str = ""
    verified: str = ""
    quantity: Quantity = "temperature"

    def is_out(self, value: int) -> bool:
        return OPERATORS[self.operator](value, self.limit)

    def watches(self, channel: str) -> bool:
        return fnmatchcase(channel, self.sensor)

    @property
    def is_upper(self) -> bool:
        """Whether heat breaks it, so that the worst reading is the highest."""
        return self.operator in (">", ">=")

    def worse(self, one: int, other: int) -> int:
        return max(one, other) if self.is_upper else min(one, other)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one storage class, or of one file, in one version; each code stands once."""

    name: str
    version: int
    rules: tuple[Rule, ...]

    def watching(self, channel: str, quantity: Quantity = "temperature") -> tuple[Rule, ...]:
        """The rules by which a channel of the quantity is judged."""
        return tuple(rule for rule in self.rules if rule.quantity == quantity and rule.watches(channel))


class BadRules(Refused):
    """A rules file says something that cannot be judged by."""


class NoSuchRuleSet(NotFound):
    """A rule set was named that does not ship and is no file."""


def built_in() -> dict[str, RuleSet]:
    """The sets that ship, by name."""
    text = resources.files("coldchain").joinpath("data/rules.toml").read_text("utf-8")
    tables: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    return {name: _rule_set(name, table, "data/rules.toml") for name, table in tables.items()}


def rule_set(name: str) -> RuleSet:
    """One of the sets that ship. Raises NoSuchRuleSet."""
    shipped = built_in()
    if name not in shipped:
        raise NoSuchRuleSet(f"no rule set is called {name!r}; there are {', '.join(shipped)}, or give a TOML file")
    return shipped[name]


def parse_rules(text: str, name: str) -> RuleSet:
    """A rule set from TOML with `[[rule]]` tables; `name` is used in messages too. Raises BadRules."""
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as why:
        raise BadRules(f"{name} is no TOML: {why}") from None
    return _rule_set(name, table, name)


def rules_of(rows: Sequence[Mapping[str, Any]], where: str) -> tuple[Rule, ...]:
    """The rules in rows with the keys of a file's `[[rule]]` tables; numbers as int or Decimal. Raises BadRules."""
    return _rule_set("", {"rule": [dict(row) for row in rows]}, where).rules


def _rule_set(name: str, table: dict[str, Any], where: str) -> RuleSet:
    rows = table.get("rule")
    if not isinstance(rows, list) or not rows:
        raise BadRules(f"{where}: no [[rule]] table stands in it")
    rules = tuple(_rule(row, f"{where}, rule {number}") for number, row in enumerate(rows, 1))
    codes = [rule.code for rule in rules]
    if len(set(codes)) < len(codes):
        raise BadRules(f"{where}: a code stands twice; give each rule its own")
    return RuleSet(name, int(table.get("version", 1)), rules)


def _rule(row: dict[str, Any], where: str) -> Rule:
    unknown = row.keys() - _KEYS
    if unknown:
        raise BadRules(f"{where}: unknown key {sorted(unknown)[0]!r}; known are {', '.join(sorted(_KEYS))}")
    code = _text(row, "code", where)
    operator = _one_of(row, "operator", OPERATORS, where)
    mode = _one_of(row, "mode", ("consecutive", "cumulative"), where, default="consecutive")
    severity = _one_of(row, "severity", ("warning", "alarm"), where, default="alarm")
    window = _seconds(row, "window_s", where) if "window_s" in row else None
    duration = _seconds(row, "duration_s", where)
    if window is not None and mode == "consecutive":
        raise BadRules(f'{where}: window_s belongs to mode "cumulative"; a consecutive rule has none')
    if mode == "cumulative" and not duration:
        raise BadRules(f'{where}: mode "cumulative" needs a duration_s; a sum of nothing is always full')
    if window is not None and window < duration:
        raise BadRules(f"{where}: a window_s shorter than duration_s can never be full")
    quantity = _one_of(row, "quantity", sorted(JUDGED), where, default="temperature")
    limit = _limit(row, quantity, where)
    return Rule(
        code=code,
        operator=operator,
        limit=centidegrees(limit),
        mode=mode,  # type: ignore[arg-type]  # checked by _one_of
        duration=duration,
        severity=severity,  # type: ignore[arg-type]  # checked by _one_of
        window=window,
        sensor=str(row.get("sensor", "*")),
        source=str(row.get("source", "")),
        verified=str(row.get("verified", "")),
        quantity=quantity,  # type: ignore[arg-type]  # checked by _one_of
    )


_KEYS = {
    "code",
    "operator",
    "quantity",
    "limit_c",
    "limit",
    "mode",
    "duration_s",
    "window_s",
    "severity",
    "sensor",
    "source",
    "verified",
}


def _limit(row: dict[str, Any], quantity: str, where: str) -> Decimal:
    """`limit_c` of a temperature, `limit` of a switch: 0 and 1 are its two states."""
    key, other = ("limit_c", "limit") if quantity == "temperature" else ("limit", "limit_c")
    limit = row.get(key)
    is_number = isinstance(limit, int | Decimal) and not isinstance(limit, bool) and Decimal(limit).is_finite()
    if other in row or not is_number:
        of = "degrees Celsius" if quantity == "temperature" else "the switch's state, between 0 and 1"
        raise BadRules(f"{where}: {key} must be a number, of {of}")
    return Decimal(limit)  # type: ignore[arg-type]  # is_number


def _text(row: dict[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise BadRules(f"{where}: {key} must be a text")
    return value


def _one_of(row: dict[str, Any], key: str, allowed: Any, where: str, default: str | None = None) -> str:
    value = row.get(key, default)
    if value not in allowed:
        raise BadRules(f"{where}: {key} must be one of {', '.join(allowed)}, not {value!r}")
    return str(value)


def _seconds(row: dict[str, Any], key: str, where: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value < 10**10:
        raise BadRules(f"{where}: {key} must be a number of seconds, 0 or more")
    return int(value * SECOND)
