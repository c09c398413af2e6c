"""Facts of the books that others judge and admit by, published on SETTINGS: devices, placements, rule sets.

Each fact has a key and a revision; the highest revision counts, so that repeats and disorder change nothing. Folded
like packs: a back-dated fact re-judges from its instant.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from coldchain.clock import SECOND
from coldchain.judgement import ALWAYS, Stretch, Timeline
from coldchain.rules import RuleSet, built_in

EVERY_CHANNEL = "*"
UNPLACED_CLASS = "refrigerator"
"""By which rules a sensor is judged that nobody has placed yet: nothing hot is unwatched."""

DEFAULT_INTERVAL = 300 * SECOND

Role = Literal["product", "freezer", "ambient", "door", "power"]


class Enrolled(msgspec.Struct, frozen=True, array_like=True, tag="device"):
    """A device may speak. `credential` is its password's hash as mosquitto writes it (`$7$…`).

    `intervals`: (since ms, declared interval ms), in order of time. The wishes go to the device as its configuration:
    ms between readings, local limits in centidegrees.
    """

    device_id: str
    revision: int
    credential: str
    dialect: str
    intervals: tuple[tuple[int, int], ...]
    ended_at: int | None = None
    wished_interval: int | None = None
    low: int | None = None
    high: int | None = None

    @property
    def key(self) -> str:
        return f"device/{self.device_id}"


class Placed(msgspec.Struct, frozen=True, array_like=True, tag="placement"):
    """Where a sensor stands in [since, until); channel "*" means those of the device without a placement of their own.

    `void` says that a correction took this row's place.
    """

    placement_id: str
    revision: int
    device_id: str
    channel: str
    storage_point_id: str
    storage_class: str
    role: Role
    since: int
    until: int | None = None
    void: bool = False

    @property
    def key(self) -> str:
        return f"placement/{self.placement_id}"


class RulesInForce(msgspec.Struct, frozen=True, array_like=True, tag="rules"):
    """From `since` (ms UTC) on, points of this storage class are judged by this version."""

    storage_class: str
    revision: int
    since: int
    rule_set: RuleSet

    @property
    def key(self) -> str:
        return f"rules/{self.storage_class}/{self.rule_set.version}"


Fact = Enrolled | Placed | RulesInForce


class Facts:
    """The facts known so far, and the timelines that follow from them."""

    def __init__(self, known: Iterable[Fact] = ()) -> None:
        self._known: dict[str, Fact] = {}
        self._placed: dict[str, dict[str, Placed]] = {}
        self._rules: dict[str, dict[str, RulesInForce]] = {}
        self._built_in = built_in()
        for fact in known:
            self.note(fact)

    def note(self, fact: Fact) -> bool:
        """Take the fact in; False where it, or a newer revision, was known already."""
        before = self._known.get(fact.key)
        if before is not None and before.revision >= fact.revision:
            return False
        self._known[fact.key] = fact
        if isinstance(fact, Placed):
            self._placed.setdefault(fact.device_id, {})[fact.key] = fact
        elif isinstance(fact, RulesInForce):
            self._rules.setdefault(fact.storage_class, {})[fact.key] = fact
        return True

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._known.values())

    def device(self, device_id: str) -> Enrolled | None:
        """The enrolled device, None where there is none (or no longer)."""
        fact = self._known.get(f"device/{device_id}")
        return fact if isinstance(fact, Enrolled) and fact.ended_at is None else None

    def devices(self) -> list[Enrolled]:
        return [fact for fact in self._known.values() if isinstance(fact, Enrolled)]

    def devices_of_class(self, storage_class: str) -> set[str]:
        """Which devices a rule set of this class concerns, of those with placements."""
        return {
            device_id
            for device_id, placed in self._placed.items()
            if any(fact.storage_class == storage_class for fact in placed.values())
        }

    def interval_at(self, device_id: str, instant: int) -> int:
        """The interval declared for the instant, in ms."""
        interval = DEFAULT_INTERVAL
        fact = self._known.get(f"device/{device_id}")
        if isinstance(fact, Enrolled):
            for since, declared in fact.intervals:
                if since <= instant:
                    interval = declared
        return interval

    def placements(self, device_id: str, channel: str) -> list[Placed]:
        """The sensor's placements in order of time: its own, else those of the whole device."""
        valid = [fact for fact in self._placed.get(device_id, {}).values() if not fact.void]
        own = [fact for fact in valid if fact.channel == channel]
        chosen = own or [fact for fact in valid if fact.channel == EVERY_CHANNEL]
        return sorted(chosen, key=lambda fact: (fact.since, fact.revision))

    def timeline(self, device_id: str, channel: str) -> Timeline:
        """What the sensor is judged by, for all time."""
        placed = self.placements(device_id, channel)
        edges = {ALWAYS, *(fact.since for fact in placed), *(f.until for f in placed if f.until is not None)}
        enrolled = self._known.get(f"device/{device_id}")
        if isinstance(enrolled, Enrolled):
            edges |= {since for since, _ in enrolled.intervals}
        for storage_class in {UNPLACED_CLASS, *(fact.storage_class for fact in placed)}:
            edges |= {fact.since for fact in self._rules.get(storage_class, {}).values()}
        stretches = [self._stretch(device_id, channel, placed, since) for since in sorted(edges)]
        return Timeline(tuple(_without_repeats(stretches)))

    def _stretch(self, device_id: str, channel: str, placed: list[Placed], since: int) -> Stretch:
        interval = self.interval_at(device_id, since)
        standing = [f for f in placed if f.since <= since and (f.until is None or since < f.until)]
        if not standing and any(fact.since <= since for fact in placed):
            return Stretch(since, (), interval)  # between two placements a reading belongs to nobody
        storage_class = standing[-1].storage_class if standing else UNPLACED_CLASS
        stay = standing[-1].placement_id if standing else None
        if standing and standing[-1].role not in ("product", "freezer"):
            return Stretch(since, (), interval, stay)
        rules = self.rules_at(storage_class, since)
        watching = tuple(rule for rule in rules.rules if rule.watches(channel))
        return Stretch(since, watching, interval, stay, rules.name, rules.version)

    def rules_at(self, storage_class: str, instant: int) -> RuleSet:
        """The version in force; what ships where the books have said nothing."""
        in_force = [f for f in self._rules.get(storage_class, {}).values() if f.since <= instant]
        if in_force:
            return max(in_force, key=lambda fact: (fact.since, fact.revision)).rule_set
        return self._built_in.get(storage_class) or self._built_in[UNPLACED_CLASS]


def _without_repeats(stretches: list[Stretch]) -> list[Stretch]:
    kept: list[Stretch] = []
    for stretch in stretches:
        if not kept or not kept[-1].says_the_same_as(stretch):
            kept.append(stretch)
    return kept
