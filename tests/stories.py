"""Random stories for property tests: a device's readings, and the dated facts of the books about it.

Small numbers on purpose: instants on a coarse grid that meets every duration, window and limit exactly, and beside it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st
from msgspec import structs

from coldchain.clock import MINUTE, SECOND
from coldchain.facts import Enrolled, Fact, Placed, RulesInForce
from coldchain.judgement import ALWAYS
from coldchain.packs import Quality
from coldchain.quantities import Quantity, Role
from coldchain.rules import Mode, Rule, RuleSet
from tests.tales import NEW_YEAR

LENGTH = 60
"""Minutes that a story lasts."""

Reading = tuple[int, int]
Faulty = tuple[int, str]
"""An instant (ms UTC) at which there was no value, and why."""

POINTS = ("point-a", "point-b")
FAULTS = ("unplugged", "checksum")
UNITS = {"door": "/", "power": "bool"}
SAME_ARRIVAL = 10 * SECOND
"""Equal values that we dated ourselves are one reading within this time."""


@dataclass(frozen=True, slots=True)
class Tale:
    """What the world did: readings by channel and, in the order in which the books wrote them, the facts.

    With `quality` "arrival" the device names no times, and what it says may be heard several times.
    """

    device_id: str
    readings: dict[str, frozenset[Reading]]
    facts: tuple[Fact, ...]
    faults: dict[str, frozenset[Faulty]] = field(default_factory=dict)
    quality: Quality = "device"

    @staticmethod
    def unit(channel: str) -> str:
        return UNITS.get(channel, "Cel")

    def __str__(self) -> str:
        return f"{self.device_id}: {sum(map(len, self.readings.values()))} readings, {len(self.facts)} facts"


instants = st.integers(0, 2 * LENGTH).map(lambda half: NEW_YEAR + half * MINUTE // 2)
beginnings = st.one_of(st.just(ALWAYS), instants)
values = st.sampled_from([200, 799, 800, 801, 805, 900, 1200, -49, -50, -51, -300])


@st.composite
def beats(draw: st.DrawFn) -> frozenset[Reading]:
    """Readings as a logger makes them: mostly one after the other, runs of the same side, gaps, equal instants."""
    readings = set()
    at = NEW_YEAR + draw(st.integers(0, 3)) * MINUTE
    for value, count in draw(st.lists(st.tuples(values, st.integers(1, 6)), min_size=1, max_size=8)):
        for _ in range(count):
            readings.add((at, value + draw(st.sampled_from([0, 0, 0, 1, -1]))))
            at += draw(st.sampled_from([60, 60, 60, 60, 120, 120, 121, 0, 30, 420])) * 1000
    return frozenset(readings)


scattered = st.frozensets(st.tuples(instants, values), max_size=30)
columns = st.one_of(beats(), beats(), st.tuples(beats(), scattered).map(lambda two: two[0] | two[1]), scattered)


@st.composite
def switchings(draw: st.DrawFn) -> frozenset[Reading]:
    """A door or the power: yes or no, told again now and then while nothing changes."""
    readings = set()
    at, value = NEW_YEAR + draw(st.integers(0, 3)) * MINUTE, draw(st.sampled_from([0, 100]))
    for step in draw(st.lists(st.sampled_from([30, 60, 60, 60, 120, 121, 420]), max_size=25)):
        readings.add((at, value))
        at += step * SECOND
        value = draw(st.sampled_from([value, value, 100 - value]))
    return frozenset(readings)


faulty = st.frozensets(st.tuples(instants, st.sampled_from(FAULTS)), max_size=6)

MODES: Sequence[Mode] = ("consecutive", "consecutive", "cumulative")
OF_SWITCHES: dict[str, Quantity] = {"DOOR": "door", "POWR": "power"}
LIMITS: dict[Quantity, list[tuple[str, int]]] = {
    "temperature": [(">", 800), (">=", 800), ("<=", -50), ("<", -50), (">", 850)],
    "door": [(">", 0), (">=", 100), (">", 50)],
    "power": [("<", 100), ("<=", 0), ("<", 50)],
}


@st.composite
def rule(draw: st.DrawFn, code: str) -> Rule:
    mode: Mode = draw(st.sampled_from(MODES))
    duration = draw(st.integers(0 if mode == "consecutive" else 1, 8)) * MINUTE
    window = None
    if mode == "cumulative" and draw(st.integers(0, 2)):
        window = duration + draw(st.integers(0, 8)) * MINUTE
    quantity = OF_SWITCHES.get(code, "temperature")
    operator, limit = draw(st.sampled_from(LIMITS[quantity]))
    return Rule(
        code=code,
        operator=operator,
        limit=limit,
        mode=mode,
        duration=duration,
        severity=draw(st.sampled_from(["warning", "alarm"])),
        window=window,
        sensor=draw(st.sampled_from(["*", "*", "*", "tvc", "t*", "amb"])) if quantity == "temperature" else "*",
        quantity=quantity,
    )


@st.composite
def rule_sets(draw: st.DrawFn, name: str, version: int) -> RuleSet:
    known = st.sampled_from(["HEAT", "FRZE", "SUM", "SUM-2", "DOOR", "POWR"])
    codes = draw(st.lists(known, min_size=0 if version > 1 else 1, unique=True))
    return RuleSet(name, version, tuple(draw(rule(code)) for code in sorted(codes)))


@st.composite
def rules_in_force(draw: st.DrawFn) -> list[Fact]:
    facts: list[Fact] = []
    for storage_class in ("refrigerator", "freezer"):
        for version in range(1, 1 + draw(st.sampled_from([1, 1, 2, 3]))):
            since = ALWAYS if version == 1 and draw(st.booleans()) else draw(instants)
            in_force = draw(rule_sets(storage_class, version))
            facts.append(RulesInForce(storage_class, version, since, in_force))
    for point in draw(st.sampled_from([(), (), POINTS[:1], POINTS])):
        facts += draw(_own_rules(point))
    return facts


@st.composite
def _own_rules(draw: st.DrawFn, point: str) -> list[Fact]:
    """What holds at one storage point alone, from an instant on, and the day on which its class's rules return."""
    facts: list[Fact] = []
    for version in range(1, 1 + draw(st.sampled_from([1, 1, 2, 3]))):
        is_class_again = version > 1 and draw(st.booleans())
        own = RuleSet(point, version, ()) if is_class_again else draw(rule_sets(point, version))
        facts.append(RulesInForce("refrigerator", version, draw(beginnings), own, point, is_class_again))
    return facts


@st.composite
def placements(draw: st.DrawFn, device_id: str, channels: Sequence[str]) -> list[Fact]:
    """Moves of the device or of one sensor: back-dated, ended, corrected, in the order the books wrote them."""
    facts: list[Fact] = []
    for channel in draw(st.lists(st.sampled_from(["*", *channels]), unique=True, max_size=2)):
        edges = sorted(draw(st.lists(instants, unique=True, max_size=4)))
        since: int | None = draw(st.sampled_from([ALWAYS, None]))
        for number, edge in enumerate([*edges, None]):
            if since is not None:
                facts += draw(
                    _placement(device_id, channel, f"{device_id}.{channel}.{number}", since=since, until=edge)
                )
            since = draw(st.sampled_from([edge, edge, None])) if edge is not None else None
    return draw(st.permutations(facts)) if draw(st.booleans()) else facts


ROLES_OF: dict[str, list[Role]] = {"door": ["door", "door", "other"], "power": ["power", "power", "product"]}


@st.composite
def _placement(
    draw: st.DrawFn, device_id: str, channel: str, placement_id: str, *, since: int, until: int | None
) -> list[Fact]:
    storage_class = draw(st.sampled_from(["refrigerator", "refrigerator", "freezer", "unheard-of"]))
    point = draw(st.sampled_from(POINTS))
    role: Role = draw(st.sampled_from(ROLES_OF.get(channel, ["product", "product", "product", "freezer", "ambient"])))

    def row(revision: int, ends: int | None, void: bool = False) -> Placed:
        return Placed(placement_id, revision, device_id, channel, point, storage_class, role, since, ends, void)

    how = draw(st.sampled_from(["at once", "at once", "ended later", "void"]))
    if how == "at once":
        return [row(1, until)]
    return [row(1, None), row(2, until, void=how == "void")]


@st.composite
def enrolments(draw: st.DrawFn, device_id: str, channels: Sequence[str]) -> list[Fact]:
    """The first declared interval, what the device declared later, and at times which of its probes is what."""
    facts: list[Fact] = []
    roles: st.SearchStrategy[Role] = st.sampled_from(["product", "freezer", "ambient", "other"])
    declared = [(ALWAYS, draw(st.sampled_from([1, 5])) * MINUTE)]
    for revision in range(1, 1 + draw(st.sampled_from([1, 1, 2, 3]))):
        if revision > 1:
            declared.append((draw(instants), draw(st.sampled_from([0, 1, 2])) * MINUTE))
        intervals = tuple(sorted(dict(declared).items()))
        named = draw(st.sampled_from([(), (), tuple(channel for channel in channels if channel not in UNITS)]))
        probes = tuple((channel, draw(roles)) for channel in named)
        facts.append(Enrolled(device_id, revision, "", "senml", intervals, probes=probes))
    return facts


@st.composite
def districts(draw: st.DrawFn, device_ids: Sequence[str] = ("pi-0001", "pi-0002")) -> list[Tale]:
    """Several devices under the same rules."""
    rules = draw(rules_in_force())
    return [draw(_tale(device_id, rules)) for device_id in device_ids]


def tales() -> st.SearchStrategy[Tale]:
    return districts(("pi-0142",)).map(lambda district: district[0])


@st.composite
def _tale(draw: st.DrawFn, device_id: str, rules: list[Fact]) -> Tale:
    channels = draw(st.sampled_from([("tvc",), ("tvc",), ("amb", "tvc"), ("door", "tvc"), ("door", "power")]))
    quality: Quality = draw(st.sampled_from(["device", "device", "arrival"]))
    readings = {channel: draw(switchings() if channel in UNITS else columns) for channel in channels}
    if quality == "arrival":
        readings = {channel: told_apart(column) for channel, column in readings.items()}
    faults = {channel: draw(faulty) for channel in channels if draw(st.booleans())}
    facts = [*draw(enrolments(device_id, channels)), *rules, *draw(placements(device_id, channels))]
    return Tale(device_id, readings, tuple(facts), faults, quality)


def told_apart(readings: frozenset[Reading]) -> frozenset[Reading]:
    """Without those that nobody can tell from an echo: the same value again before its echoes have died away."""
    kept: list[Reading] = []
    for at, value in sorted(readings):
        if not any(value == before and at - then <= 2 * SAME_ARRIVAL for then, before in kept):
            kept.append((at, value))
    return frozenset(kept)


def with_sums_alone(district: list[Tale]) -> list[Tale]:
    """The same, with each consecutive rule made cumulative: with a window of its duration and half, or with none."""
    return [replace(tale, facts=tuple(map(_with_sums, tale.facts))) for tale in district]


def _with_sums(fact: Fact) -> Fact:
    if not isinstance(fact, RulesInForce):
        return fact
    rules = tuple(_summed(rule) if rule.mode == "consecutive" else rule for rule in fact.rule_set.rules)
    return structs.replace(fact, rule_set=replace(fact.rule_set, rules=rules))


def _summed(rule: Rule) -> Rule:
    duration = max(rule.duration, MINUTE)
    window = None if rule.is_upper else duration * 3 // 2
    return replace(rule, mode="cumulative", duration=duration, window=window)


# Long stories: Hypothesis finds small ones; what goes wrong between chunks needs long ones


def long_district(dice: random.Random) -> list[Tale]:
    """Two devices over hundreds of readings, in and out of range again and again, under rules that change once."""
    middle = NEW_YEAR + dice.randrange(50, 250) * MINUTE
    versions = [RuleSet("refrigerator", version, _dealt_rules(dice)) for version in (1, 2)]
    rules: list[Fact] = [
        RulesInForce("refrigerator", version.version, since, version)
        for version, since in zip(versions, (ALWAYS, middle), strict=True)
    ]
    return [_long_tale(device_id, rules, dice) for device_id in ("pi-0001", "pi-0002")]


def _long_tale(device_id: str, rules: list[Fact], dice: random.Random) -> Tale:
    moved = NEW_YEAR + dice.randrange(50, 250) * MINUTE
    back = moved + dice.randrange(1, 100) * MINUTE

    def placed(number: int, since: int, until: int | None) -> Placed:
        return Placed(f"{device_id}.{number}", 1, device_id, "*", "point", "refrigerator", "product", since, until)

    facts = [Enrolled(device_id, 1, "", "senml", ((ALWAYS, MINUTE),)), *rules]
    if dice.random() < 0.5:
        facts += [placed(1, ALWAYS, moved), placed(2, back, None)]
    readings = set()
    at = NEW_YEAR
    for _ in range(30):
        value = dice.choice([500, 500, 805, 900, -60])
        for _ in range(dice.randrange(1, 12)):
            readings.add((at, value + dice.randrange(-2, 3)))
            at += dice.choice([60, 60, 60, 60, 60, 60, 30, 0, 121, 420]) * 1000
    return Tale(device_id, {"tvc": frozenset(readings)}, tuple(facts))


def _dealt_rules(dice: random.Random) -> tuple[Rule, ...]:
    minutes = dice.randrange(1, 8)
    heat = Rule("HEAT", ">", 800, "consecutive", minutes * MINUTE, "alarm")
    frost = Rule("FRZE", "<=", -50, "consecutive", dice.randrange(8) * MINUTE, "alarm")
    window = dice.choice([None, minutes + 2, minutes + 10, minutes + 40])
    total = Rule("SUM", ">", 800, "cumulative", minutes * MINUTE, "warning", window=window and window * MINUTE)
    dealt = [rule for rule in (frost, heat, total) if dice.random() < 0.8]
    return tuple(dealt or [total])
