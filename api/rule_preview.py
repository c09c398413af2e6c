"""A preview of rules: what the last thirty days would have given at each storage point, beside what today's rules give.

Both are judged by the judge's own fold over the stored readings, each as if it had held all the time. Nothing is kept.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coldchain.clock import DAY
from coldchain.facts import FREEZER_CLASS, FREEZING_CLASSES, Facts, Placed, RulesInForce
from coldchain.judgement import ALWAYS, Interval, Timeline, difference
from coldchain.rules import RuleSet
from coldchain.sqlite import FileMissing
from registry.rule_sets import subject_of
from registry.storage_points import StoragePoint
from stream.history import History, SensorNow
from stream.preview import previewed

OVER = 30 * DAY

PATIENCE_S = 8.0
"""For so long points are judged; those that are left then are told as left."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Rules that may be put in force, of a class or of one point; None as rules: the point follows its class."""

    storage_class: str
    rule_set: RuleSet | None
    storage_point_id: str | None = None

    def as_fact(self) -> RulesInForce:
        rules = RuleSet("", 0, ()) if self.rule_set is None else self.rule_set
        return RulesInForce(self.storage_class, 1, ALWAYS, rules, self.storage_point_id, self.rule_set is None)

    def concerns(self, point: StoragePoint) -> bool:
        """A freezer's rules judge the freezer compartments of other points, too."""
        if self.storage_point_id is not None:
            return point.storage_point_id == self.storage_point_id
        if point.storage_class == self.storage_class:
            return True
        return self.storage_class == FREEZER_CLASS and point.storage_class not in FREEZING_CLASSES


@dataclass(frozen=True, slots=True)
class Judged:
    """An interval of one sensor."""

    device_id: str
    channel: str
    interval: Interval


@dataclass(frozen=True, slots=True)
class Compared:
    """One point under today's rules and under the proposed; `has_own_rules`: the class's edit does not concern it."""

    point: StoragePoint
    now: list[Judged]
    proposed: list[Judged]
    has_own_rules: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """Over [since, until), ms UTC; `left` points were not judged, the time for it being over."""

    since: int
    until: int
    compared: list[Compared]
    left: int


def preview(
    history: History,
    proposal: Proposal,
    points: Iterable[StoragePoint],
    at: int,
    patience_s: float = PATIENCE_S,
) -> Preview:
    """The points that the proposal concerns, in the order given; the first of them is always judged."""
    concerned = [point for point in points if proposal.concerns(point)]
    since = at - OVER
    try:
        known = history.facts()
    except FileMissing:
        return Preview(since, at, [Compared(point, [], [], has_own_rules=False) for point in concerned], 0)
    now, then = as_of(known, at), as_of(known, at, proposal)
    compared: list[Compared] = []
    begun = time.monotonic()
    for number, point in enumerate(concerned):
        if number and time.monotonic() - begun > patience_s:
            return Preview(since, at, compared, len(concerned) - number)
        one = _compared(history, point, now, then, proposal, (since, at))
        if one is not None:
            compared.append(one)
    return Preview(since, at, compared, 0)


def as_of(known: Facts, at: int, proposal: Proposal | None = None) -> Facts:
    """The facts with the rules that hold at the instant, and the proposed ones, in force for all time."""
    facts = Facts(fact for fact in known if not isinstance(fact, RulesInForce))
    held: dict[str, RulesInForce] = {}
    for fact in known:
        if isinstance(fact, RulesInForce) and fact.since <= at:
            before = held.get(fact.subject)
            if before is None or (fact.since, fact.revision) > (before.since, before.revision):
                held[fact.subject] = fact
    if proposal is not None:
        held[proposal.as_fact().subject] = proposal.as_fact()
    for fact in held.values():
        facts.note(
            RulesInForce(fact.storage_class, 1, ALWAYS, fact.rule_set, fact.storage_point_id, fact.is_class_again)
        )
    return facts


def _compared(
    history: History, point: StoragePoint, now: Facts, then: Facts, proposal: Proposal, span: tuple[int, int]
) -> Compared | None:
    """None for a point of another class of which no sensor is concerned."""
    today: list[Judged] = []
    proposed: list[Judged] = []
    is_other = proposal.storage_point_id is None and point.storage_class != proposal.storage_class
    is_concerned = False
    for sensor, stays in _sensors(history, point, now, span):
        timelines = [facts.timeline(sensor.device_id, sensor.channel, sensor.unit) for facts in (now, then)]
        is_changed = difference(*timelines) is not None
        if is_other and not is_changed:
            continue
        is_concerned = True
        given = _judged(history, sensor, timelines if is_changed else timelines[:1], stays, span)
        today += given[0]
        proposed += given[-1]
    if is_other and not is_concerned:
        return None
    in_force = now.rules_at(point.storage_class, span[1], point.storage_point_id)
    has_own_rules = proposal.storage_point_id is None and in_force.name == subject_of(point.storage_point_id)
    return Compared(point, _in_order(today), _in_order(proposed), has_own_rules)


def _sensors(
    history: History, point: StoragePoint, facts: Facts, span: tuple[int, int]
) -> Iterable[tuple[SensorNow, frozenset[str]]]:
    """Those that stood at the point in the span, with their placements there."""
    for sensor in history.sensors(sorted(facts.devices_at(point.storage_point_id))):
        placed = facts.placements(sensor.device_id, sensor.channel)
        stays = frozenset(one.placement_id for one in placed if _stood(one, point.storage_point_id, span))
        if stays:
            yield sensor, stays


def _stood(placed: Placed, storage_point_id: str, span: tuple[int, int]) -> bool:
    is_in_time = placed.since < span[1] and (placed.until is None or placed.until > span[0])
    return placed.storage_point_id == storage_point_id and is_in_time


def _judged(
    history: History, sensor: SensorNow, timelines: Sequence[Timeline], stays: frozenset[str], span: tuple[int, int]
) -> list[list[Judged]]:
    return [
        [Judged(sensor.device_id, sensor.channel, one) for one in intervals if one.stay in stays]
        for intervals in previewed(history, sensor.device_id, sensor.channel, timelines, *span)
    ]


def _in_order(judged: list[Judged]) -> list[Judged]:
    return sorted(judged, key=lambda one: (one.interval.started_at, one.interval.code, one.device_id, one.channel))
