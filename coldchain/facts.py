"""Facts of the books that others judge and admit by, published on SETTINGS: devices, placements, rule sets.

Each fact has a key and a revision; the highest revision counts, so that repeats and disorder change nothing. Folded
like packs: a back-dated fact re-judges from its instant.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from coldchain.clock import SECOND
from coldchain.judgement import ALWAYS, Stretch, Timeline
from coldchain.quantities import CELSIUS, SWITCHES, Quantity, Role, role_of
from coldchain.rules import RuleSet, built_in

EVERY_CHANNEL = "*"
UNPLACED_CLASS = "refrigerator"
"""By which rules a sensor is judged that nobody has placed yet: nothing hot is unwatched."""

FREEZER_CLASS = "freezer"
FREEZING_CLASSES = frozenset({FREEZER_CLASS, "walk-in-freezer", "ultra-cold"})
"""A freezer compartment in a point of any other class is judged by the freezer's rules."""

DEFAULT_INTERVAL = 300 * SECOND

JUDGED_AS: dict[Role, Quantity] = {"product": "temperature", "freezer": "temperature", "door": "door", "power": "power"}
"""By which rules a sensor in this role is judged; in any other role it is not."""


class SpokenFor(NamedTuple):
    """A bridge passes on what the hardware of this name measures: the device's readings in [since, until)."""

    hardware_id: str
    device_id: str
    since: int
    until: int | None = None


class Enrolled(msgspec.Struct, frozen=True, array_like=True, tag="device"):
    """A device may speak. `credential` is its password's hash as mosquitto writes it (`$7$…`).

    `intervals`: (since ms, declared interval ms), in order of time. The wishes go to the device as its configuration:
    ms between readings, local limits in centidegrees.

    Of a device that speaks another dialect than ours: `topics` are the MQTT filters it publishes to, `hardware_id` the
    name that its messages bear, `probes` which of its channels is what, `mapping` the table of a plain JSON dialect (as
    JSON text), `zone` that of times that name none. A bridge lists whom it speaks for.
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
    hardware_id: str | None = None
    topics: tuple[str, ...] = ()
    probes: tuple[tuple[str, Role], ...] = ()
    mapping: str | None = None
    zone: str = "UTC"
    speaks_for: tuple[SpokenFor, ...] = ()
    is_bridge: bool = False

    @property
    def key(self) -> str:
        return f"device/{self.device_id}"


class Placed(msgspec.Struct, frozen=True, array_like=True, tag="placement"):
    """Where a sensor stands in [since, until); channel "*" means those of the device without a placement of their own.

    `void` says that a correction took this row's place. `place_id` is the point's: sensors of one place are neighbours.
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
    place_id: str = ""

    @property
    def key(self) -> str:
        return f"placement/{self.placement_id}"


class RulesInForce(msgspec.Struct, frozen=True, array_like=True, tag="rules"):
    """From `since` (ms UTC) on, points of this storage class, or this one point, are judged by this version.

    `is_class_again`: from then on the point is judged by its class, the rule set is empty.
    """

    storage_class: str
    revision: int
    since: int
    rule_set: RuleSet
    storage_point_id: str | None = None
    is_class_again: bool = False

    @property
    def key(self) -> str:
        return f"rules/{self.subject}/{self.rule_set.version}"

    @property
    def subject(self) -> str:
        """Whose rules these are: a storage class or one storage point."""
        return self.storage_class if self.storage_point_id is None else f"point/{self.storage_point_id}"


Fact = Enrolled | Placed | RulesInForce


class Facts:
    """The facts known so far, and the timelines that follow from them."""

    def __init__(self, known: Iterable[Fact] = ()) -> None:
        self._known: dict[str, Fact] = {}
        self._placed: dict[str, dict[str, Placed]] = {}
        self._ever_in: dict[str, set[str]] = {}
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
            self._ever_in.setdefault(fact.place_id, set()).add(fact.device_id)
        elif isinstance(fact, RulesInForce):
            self._rules.setdefault(fact.subject, {})[fact.key] = fact
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

    def timeline(self, device_id: str, channel: str, unit: str = CELSIUS) -> Timeline:
        """What the sensor is judged by, for all time."""
        placed = self.placements(device_id, channel)
        edges = {ALWAYS, *(fact.since for fact in placed), *(f.until for f in placed if f.until is not None)}
        enrolled = self._known.get(f"device/{device_id}")
        if isinstance(enrolled, Enrolled):
            edges |= {since for since, _ in enrolled.intervals}
        for storage_class in {UNPLACED_CLASS, FREEZER_CLASS, *(fact.storage_class for fact in placed)}:
            edges |= {fact.since for fact in self._rules.get(storage_class, {}).values()}
        for point in {fact.storage_point_id for fact in placed}:
            edges |= {fact.since for fact in self._rules.get(f"point/{point}", {}).values()}
        stretches = [self._stretch(device_id, channel, unit, placed, since) for since in sorted(edges)]
        return Timeline(tuple(_without_repeats(stretches)))

    def _stretch(self, device_id: str, channel: str, unit: str, placed: list[Placed], since: int) -> Stretch:
        interval = self.interval_at(device_id, since)
        standing = [f for f in placed if f.since <= since and (f.until is None or since < f.until)]
        if not standing and any(fact.since <= since for fact in placed):
            return Stretch(since, (), interval)  # between two placements a reading belongs to nobody
        stands = standing[-1] if standing else None
        stay = stands.placement_id if stands else None
        role = self.role(device_id, channel, unit, stands)
        quantity = JUDGED_AS.get(role)
        if quantity is None or (unit not in SWITCHES if quantity != "temperature" else unit != CELSIUS):
            return Stretch(since, (), interval, stay)
        rules = self._rules_for(stands, role, since)
        return Stretch(since, rules.watching(channel, quantity), interval, stay, rules.name, rules.version)

    def role(self, device_id: str, channel: str, unit: str, stands: Placed | None) -> Role:
        """What the sensor is to the point: as its own placement says, else its device's record, else its name."""
        placed_as = None if stands is None else own_role(stands.channel, stands.role)
        enrolled = self._known.get(f"device/{device_id}")
        probes = dict(enrolled.probes) if isinstance(enrolled, Enrolled) else {}
        return role_of(placed_as, probes, channel, unit)

    def _rules_for(self, stands: Placed | None, role: Role, instant: int) -> RuleSet:
        if stands is None:
            return self.rules_at(FREEZER_CLASS if role == "freezer" else UNPLACED_CLASS, instant)
        if role == "freezer" and stands.storage_class not in FREEZING_CLASSES:
            return self.rules_at(FREEZER_CLASS, instant)
        return self.rules_at(stands.storage_class, instant, stands.storage_point_id)

    def rules_at(self, storage_class: str, instant: int, storage_point_id: str | None = None) -> RuleSet:
        """The version in force: the point's own, else its class's, else, where the books said nothing, what ships."""
        own = self._in_force(f"point/{storage_point_id}", instant)
        if own is not None and not own.is_class_again:
            return own.rule_set
        of_class = self._in_force(storage_class, instant)
        if of_class is not None:
            return of_class.rule_set
        return self._built_in.get(storage_class) or self._built_in[UNPLACED_CLASS]

    def _in_force(self, subject: str, instant: int) -> RulesInForce | None:
        begun = [fact for fact in self._rules.get(subject, {}).values() if fact.since <= instant]
        return max(begun, key=lambda fact: (fact.since, fact.revision), default=None)

    def neighbours(self, device_id: str, channel: str, at: int) -> list[str]:
        """The devices in the sensor's place at the instant, its own first; none where it stands nowhere."""
        stands = self.placed_at(device_id, channel, at)
        if stands is None or not stands.place_id:
            return []
        others = sorted(self._ever_in[stands.place_id] - {device_id})
        return [device_id, *(other for other in others if self._is_in(stands.place_id, other, at))]

    def _is_in(self, place_id: str, device_id: str, at: int) -> bool:
        return any(
            fact.place_id == place_id and not fact.void and fact.since <= at and (fact.until is None or at < fact.until)
            for fact in self._placed[device_id].values()
        )

    def placed_at(self, device_id: str, channel: str, at: int) -> Placed | None:
        """Where the sensor stands at the instant."""
        standing = [
            fact
            for fact in self.placements(device_id, channel)
            if fact.since <= at and (fact.until is None or at < fact.until)
        ]
        return standing[-1] if standing else None

    def devices_at(self, storage_point_id: str) -> set[str]:
        """Which devices ever stood at the point."""
        return {
            device_id
            for device_id, placed in self._placed.items()
            if any(fact.storage_point_id == storage_point_id for fact in placed.values())
        }


def own_role(channel: str, role: Role) -> Role | None:
    """The role that a placement gives; one of a whole device as the product's leaves it to the record and the names."""
    return None if (channel, role) == (EVERY_CHANNEL, "product") else role


def _without_repeats(stretches: list[Stretch]) -> list[Stretch]:
    kept: list[Stretch] = []
    for stretch in stretches:
        if not kept or not kept[-1].says_the_same_as(stretch):
            kept.append(stretch)
    return kept
