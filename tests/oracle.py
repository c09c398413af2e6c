"""The oracle: a second judge, written from the text of the order alone, slow and plain, to hold the first one to.

It takes the whole evidence at once (the set of a sensor's readings and the dated facts) and looks at every reading
again and again; nothing of `coldchain.judgement` or of the methods of `coldchain.facts` is in it, so that the two can
only agree by both being right.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coldchain.facts import Enrolled, Fact, Placed, RulesInForce
from coldchain.rules import Rule, RuleSet, built_in

Reading = tuple[int, int]
"""ms UTC and centidegrees."""

SHIPPED = built_in()
FIVE_MINUTES = 300_000
NOBODY = "-"
UNPLACED = "?"
WATCHED = {"product": "temperature", "freezer": "temperature", "door": "door", "power": "power"}
"""Roles whose sensors are judged, and of which quantity the rules are that judge them."""

UNITS = {"temperature": ("Cel",), "door": ("bool", "/"), "power": ("bool", "/")}
COLD_CLASSES = ("freezer", "walk-in-freezer", "ultra-cold")


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """What the oracle says of one interval; the fields of an `Interval` that everybody must agree on."""

    code: str
    started_at: int
    alarmed_at: int
    ended_at: int | None
    extreme: int
    out: int
    unknown: int
    proven: bool
    cut: bool
    severity: str
    stay: str | None
    rule_set: str
    rule_version: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One reading with all that holds at its instant. `rules` by code; nothing where nobody is judged."""

    at: int
    value: int
    stay: str
    rules: dict[str, Rule]
    rule_set: RuleSet | None
    longest_known: int


@dataclass(frozen=True, slots=True)
class Source:
    """Whose readings they are."""

    device_id: str
    channel: str
    unit: str = "Cel"


def intervals(
    device_id: str, channel: str, readings: Iterable[Reading], facts: Iterable[Fact], unit: str = "Cel"
) -> list[Told]:
    """Every interval of one sensor, sorted; `facts` in any order, with old revisions among them."""
    newest = _newest(facts)
    source = Source(device_id, channel, unit)
    seen = [_seen(source, at, value, newest) for at, value in sorted(set(readings))]
    told: list[Told] = []
    for stay in _stays(seen):
        for code in sorted({code for one in stay for code in one.rules}):
            told += _of_code(code, stay, is_left=stay[-1] is not seen[-1])
    return sorted(told, key=_order)


def fault(readings: Iterable[Reading], faults: Iterable[tuple[int, str]]) -> tuple[str, int] | None:
    """What is wrong with a probe that gives no value any more, and since when; None while its newest record has one."""
    last = max((at for at, _ in readings), default=None)
    since_then = sorted((at, why) for at, why in set(faults) if last is None or at > last)
    return (since_then[-1][1], since_then[0][0]) if since_then else None


def _order(told: Told) -> tuple[int, str, int]:
    return told.started_at, told.code, told.alarmed_at


# What holds at an instant


def _newest(facts: Iterable[Fact]) -> list[Fact]:
    newest: dict[str, Fact] = {}
    for fact in facts:
        if fact.key not in newest or newest[fact.key].revision < fact.revision:
            newest[fact.key] = fact
    return list(newest.values())


def _seen(source: Source, at: int, value: int, facts: list[Fact]) -> Seen:
    placed = _placements(source.device_id, source.channel, facts)
    standing = [p for p in placed if p.since <= at and (p.until is None or at < p.until)]
    place = max(standing, key=lambda p: (p.since, p.revision)) if standing else None
    longest_known = 2 * _declared_interval(source.device_id, at, facts)
    is_between = place is None and any(p.since <= at for p in placed)
    role = _role(source, place, facts)
    quantity = WATCHED.get(role, "")
    if is_between or source.unit not in UNITS.get(quantity, ()):
        return Seen(at, value, NOBODY, {}, None, longest_known)
    rule_set = _rule_set(place, role, at, facts)
    watching = {r.code: r for r in rule_set.rules if r.quantity == quantity and _watches(r, source.channel)}
    return Seen(at, value, UNPLACED if place is None else place.placement_id, watching, rule_set, longest_known)


def _role(source: Source, place: Placed | None, facts: list[Fact]) -> str:
    """What a placement says of its sensor comes first, then the device's record, then the usual names."""
    if place is not None and (place.channel == source.channel or place.role != "product"):
        return place.role
    for fact in facts:
        if isinstance(fact, Enrolled) and fact.device_id == source.device_id:
            for channel, role in fact.probes:
                if channel == source.channel:
                    return role
    if source.unit == "Cel":
        names = {"ambient": "ambient", "tamb": "ambient", "freezer": "freezer", "tfrz": "freezer"}
        return names.get(source.channel, "product")
    return source.channel if source.channel in ("door", "power") else "other"


def _placements(device_id: str, channel: str, facts: list[Fact]) -> list[Placed]:
    of_device = [f for f in facts if isinstance(f, Placed) and f.device_id == device_id and not f.void]
    own = [p for p in of_device if p.channel == channel]
    return own if own else [p for p in of_device if p.channel == "*"]


def _declared_interval(device_id: str, at: int, facts: list[Fact]) -> int:
    declared = [
        (since, interval)
        for fact in facts
        if isinstance(fact, Enrolled) and fact.device_id == device_id
        for since, interval in fact.intervals
        if since <= at
    ]
    return max(declared)[1] if declared else FIVE_MINUTES


def _rule_set(place: Placed | None, role: str, at: int, facts: list[Fact]) -> RuleSet:
    """The point's own version where it has one, else its class's; a freezer compartment elsewhere is a freezer."""
    in_force = [fact for fact in facts if isinstance(fact, RulesInForce) and fact.since <= at]
    storage_class = "refrigerator" if place is None else place.storage_class
    point = None if place is None else place.storage_point_id
    if role == "freezer" and storage_class not in COLD_CLASSES:
        storage_class, point = "freezer", None
    own = [fact for fact in in_force if point is not None and fact.storage_point_id == point]
    if own and not _newest_in_force(own).is_class_again:
        return _newest_in_force(own).rule_set
    of_class = [f for f in in_force if f.storage_point_id is None and f.storage_class == storage_class]
    if of_class:
        return _newest_in_force(of_class).rule_set
    return SHIPPED.get(storage_class, SHIPPED["refrigerator"])


def _newest_in_force(facts: list[RulesInForce]) -> RulesInForce:
    return max(facts, key=lambda fact: (fact.since, fact.revision))


def _watches(rule: Rule, channel: str) -> bool:
    """Globs in these tests are a name, a beginning with a star, or a star."""
    if rule.sensor.endswith("*"):
        return channel.startswith(rule.sensor[:-1])
    return channel == rule.sensor


def _stays(seen: Sequence[Seen]) -> list[list[Seen]]:
    """The readings between one move and the next; those that belong to nobody are left out, and part the others."""
    stays: list[list[Seen]] = []
    before = NOBODY
    for one in seen:
        if one.stay != NOBODY:
            if one.stay != before:
                stays.append([])
            stays[-1].append(one)
        before = one.stay
    return stays


# What is judged in one stay


def _of_code(code: str, stay: list[Seen], is_left: bool) -> list[Told]:
    told: list[Told] = []
    begin = 0
    while begin < len(stay):
        rule = stay[begin].rules.get(code)
        if rule is None or not _is_out(rule, stay[begin].value):
            begin += 1
        elif rule.mode == "consecutive":
            begin = _run(rule, stay, begin, is_left, told)
        else:
            begin = _sum(rule, stay, begin, is_left, told)
    return told


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers of readings: the first out at all, the first and the alarming of the interval, and the one back."""

    begin: int
    first: int
    alarmed: int
    back: int | None


def _run(rule: Rule, stay: list[Seen], begin: int, is_left: bool, told: list[Told]) -> int:
    """A run from its first reading out; gives the number of the reading that is no part of it any more."""
    end = begin
    while end < len(stay) and _is_out(rule, stay[end].value):
        end += 1
    alarming = [n for n in range(begin, end) if stay[n].at - stay[begin].at >= rule.duration]
    if alarming:
        back = end if end < len(stay) else None
        told.append(_interval(stay, Span(begin, begin, alarming[0], back), rule, is_left))
    return end


def _sum(rule: Rule, stay: list[Seen], begin: int, is_left: bool, told: list[Told]) -> int:
    """A sum from its first reading out until nothing is left in it; gives the number of the reading after it."""
    first: int | None = None
    alarmed = begin
    for now in range(begin, len(stay)):
        counting = _counting(rule, stay, begin, now)
        is_full = sum(ms for _, ms in counting) >= rule.duration
        if first is None and is_full:
            at = stay[counting[0][0]].at
            first = next(n for n in range(begin, now) if stay[n].at == at)  # equal instants all belong to it
            alarmed = now
        elif first is not None and not is_full:
            told.append(_interval(stay, Span(begin, first, alarmed, now), rule, is_left))
            first = None
            if rule.code not in stay[now].rules:
                return now
        if not counting and not _is_out(rule, stay[now].value):
            return now
    if first is not None:
        told.append(_interval(stay, Span(begin, first, alarmed, None), rule, is_left))
    return len(stay)


def _counting(rule: Rule, stay: list[Seen], begin: int, now: int) -> list[tuple[int, int]]:
    """Which readings count in the sum at reading number `now`, and with how many ms inside the window."""
    counting = []
    for number in range(begin, now):
        one, following = stay[number], stay[number + 1]
        if not _is_out(rule, one.value) or following.at - one.at > following.longest_known:
            continue
        window_begin = one.at if rule.window is None else stay[now].at - rule.window
        counted = following.at - max(one.at, window_begin)
        if counted > 0:
            counting.append((number, counted))
    return counting


def _interval(stay: list[Seen], span: Span, rule: Rule, is_left: bool) -> Told:
    """What is to be told of a stretch of readings, from reading number `first` to the one that ends it."""
    beginning = stay[span.begin]
    assert beginning.rule_set is not None
    last = len(stay) - 1 if span.back is None else span.back
    within = stay[span.first : len(stay) if span.back is None else span.back]
    outside = [one.value for one in within if _is_out(rule, one.value)]
    out, unknown = _times(rule, stay, span.first, last)
    return Told(
        code=rule.code,
        started_at=stay[span.first].at,
        alarmed_at=stay[span.alarmed].at,
        ended_at=None if span.back is None else stay[span.back].at,
        extreme=max(outside) if rule.operator.startswith(">") else min(outside),
        out=out,
        unknown=unknown,
        proven=out >= rule.duration,
        cut=span.back is None and is_left,
        severity=rule.severity,
        stay=None if beginning.stay == UNPLACED else beginning.stay,
        rule_set=beginning.rule_set.name,
        rule_version=beginning.rule_set.version,
    )


def _times(rule: Rule, stay: list[Seen], first: int, last: int) -> tuple[int, int]:
    """Known time out and unknown time, in ms, between reading number `first` and reading number `last`."""
    out = unknown = 0
    for number in range(first, last):
        one, following = stay[number], stay[number + 1]
        if not _is_out(rule, one.value):
            continue
        gap = following.at - one.at
        if gap <= following.longest_known:
            out += gap
        elif _is_out(rule, following.value):
            unknown += gap
    return out, unknown


def _is_out(rule: Rule, value: int) -> bool:
    if rule.operator == ">":
        return value > rule.limit
    if rule.operator == ">=":
        return value >= rule.limit
    if rule.operator == "<":
        return value < rule.limit
    return value <= rule.limit
