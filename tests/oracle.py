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


def intervals(device_id: str, channel: str, readings: Iterable[Reading], facts: Iterable[Fact]) -> list[Told]:
    """Every interval of one sensor, sorted; `facts` in any order, with old revisions among them."""
    newest = _newest(facts)
    seen = [_seen(device_id, channel, at, value, newest) for at, value in sorted(set(readings))]
    told: list[Told] = []
    for stay in _stays(seen):
        for code in sorted({code for one in stay for code in one.rules}):
            told += _of_code(code, stay, is_left=stay[-1] is not seen[-1])
    return sorted(told, key=_order)


def _order(told: Told) -> tuple[int, str, int]:
    return told.started_at, told.code, told.alarmed_at


# What holds at an instant


def _newest(facts: Iterable[Fact]) -> list[Fact]:
    newest: dict[str, Fact] = {}
    for fact in facts:
        if fact.key not in newest or newest[fact.key].revision < fact.revision:
            newest[fact.key] = fact
    return list(newest.values())


def _seen(device_id: str, channel: str, at: int, value: int, facts: list[Fact]) -> Seen:
    placed = _placements(device_id, channel, facts)
    standing = [p for p in placed if p.since <= at and (p.until is None or at < p.until)]
    interval = _declared_interval(device_id, at, facts)
    if standing:
        place = max(standing, key=lambda p: (p.since, p.revision))
        if place.role not in ("product", "freezer"):
            return Seen(at, value, NOBODY, {}, None, 2 * interval)
        stay, storage_class = place.placement_id, place.storage_class
    elif any(p.since <= at for p in placed):
        return Seen(at, value, NOBODY, {}, None, 2 * interval)
    else:
        stay, storage_class = UNPLACED, "refrigerator"
    rule_set = _rule_set(storage_class, at, facts)
    watching = {rule.code: rule for rule in rule_set.rules if _watches(rule, channel)}
    return Seen(at, value, stay, watching, rule_set, 2 * interval)


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


def _rule_set(storage_class: str, at: int, facts: list[Fact]) -> RuleSet:
    in_force = [f for f in facts if isinstance(f, RulesInForce) and f.storage_class == storage_class and f.since <= at]
    if not in_force:
        return SHIPPED.get(storage_class, SHIPPED["refrigerator"])
    return max(in_force, key=lambda f: (f.since, f.revision)).rule_set


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
