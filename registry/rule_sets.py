"""A rule set in force: from an instant on, a storage class, or one storage point, is judged by this version of rules.

Versions never change; an edit is the next version from an instant. Runs that have begun are judged to their end by
the version of their first reading out (`coldchain/judgement/run.py`). A point without rules of its own follows its
class; a point that had some may follow it again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from coldchain.clock import DAY
from coldchain.errors import Conflict, NotFound, Refused
from coldchain.facts import RulesInForce
from coldchain.judgement import ALWAYS
from coldchain.quantities import NO, YES
from coldchain.rules import Rule, RuleSet, built_in
from registry.dated import said
from registry.relay import Shelf as RelayShelf
from registry.relay import announce

EARLIEST_OF_CLASS = 31 * DAY
"""So far back may a class's rules be dated: all its sensors are judged anew, at one go."""

EARLIEST_OF_POINT = 400 * DAY
"""So far back may one point's rules be dated: as long as readings are kept."""

LATEST = 400 * DAY

MOST_RULES = 40
LONGEST_DURATION = 31 * DAY
LONGEST_WINDOW = 400 * DAY
LONGEST_SOURCE = 500
COLDEST, HOTTEST = -20_000, 20_000
"""No limit of a vaccine store lies beyond (centidegrees)."""

SURENESS = ("V", "R", "P", "")
"""How sure a rule's source is: read there, recalled, proposed; or nobody said."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True)
class InForce:
    """`since` and `known_at` in ms UTC. The rule set bears the subject as its name: a storage class, or `point/ID`.

    `is_class_again`: from then on the point is judged by its class, the rule set is empty. `set_by`: whose edit it is,
    None for what ships.
    """

    storage_class: str
    since: int
    rule_set: RuleSet
    known_at: int
    revision: int = 1
    storage_point_id: str | None = None
    is_class_again: bool = False
    set_by: str | None = None

    @property
    def subject(self) -> str:
        return self.fact().subject

    @property
    def version(self) -> int:
        return self.rule_set.version

    def fact(self) -> RulesInForce:
        return RulesInForce(
            self.storage_class,
            self.revision,
            self.since,
            self.rule_set,
            self.storage_point_id,
            self.is_class_again,
        )


class NoSuchRules(NotFound):
    """No version is in force for the storage class."""


class RulesKnown(Conflict):
    """Another version begins at that very instant."""


class BadRuleSet(Refused):
    """Rules were to be put in force that make no sense in a vaccine store, or from an instant that makes none."""


class ClassFollowed(Conflict):
    """A point was to follow its class again that follows it already."""


class RuleSets(Protocol):
    def storage_classes(self) -> list[str]:
        """Those that rules are known for, sorted."""
        ...

    def versions(self, subject: str) -> list[InForce]:
        """In order of the instants from which they hold."""
        ...

    def several(self, subjects: Sequence[str]) -> dict[str, list[InForce]]:
        """The same of several subjects; one that has none is missing."""
        ...

    def of_points(self, storage_point_ids: Sequence[str] | None = None) -> dict[str, list[InForce]]:
        """All versions of the points' own rules, in the same order, by point; of all points that ever had any."""
        ...

    def rule(self, subject: str, version: int, code: str) -> Rule | None:
        """One rule of one version."""
        ...

    def add(self, in_force: InForce) -> None: ...


class Shelf(RelayShelf, Protocol):
    @property
    def rule_sets(self) -> RuleSets: ...


def subject_of(storage_point_id: str) -> str:
    """Whose rules a point's own are."""
    return f"point/{storage_point_id}"


def put_in_force(
    shelf: Shelf, storage_class: str, rules: tuple[Rule, ...], since: int, at: int, set_by: str | None = None
) -> InForce:
    """The next version of the class's rules, from `since` (ms UTC) on; `at` is now.

    Raises NoSuchRules, BadRuleSet, RulesKnown.
    """
    known = shelf.rule_sets.versions(storage_class)
    if not known:
        raise NoSuchRules(f"{storage_class!r} is no storage class that rules are known for")
    checked(rules)
    check_since(since, at, EARLIEST_OF_CLASS)
    return _next(shelf, known, InForce(storage_class, since, RuleSet(storage_class, 0, rules), at, set_by=set_by))


def override(
    shelf: Shelf,
    storage_point_id: str,
    storage_class: str,
    rules: tuple[Rule, ...],
    since: int,
    at: int,
    set_by: str | None = None,
) -> InForce:
    """The point has rules of its own from `since` on, instead of those of its class. Raises BadRuleSet, RulesKnown."""
    subject = subject_of(storage_point_id)
    checked(rules)
    check_since(since, at, EARLIEST_OF_POINT)
    new = InForce(
        storage_class, since, RuleSet(subject, 0, rules), at, storage_point_id=storage_point_id, set_by=set_by
    )
    return _next(shelf, shelf.rule_sets.versions(subject), new)


def follow_class_again(
    shelf: Shelf, storage_point_id: str, storage_class: str, since: int, at: int, set_by: str | None = None
) -> InForce:
    """From `since` on the point is judged by its class. Raises ClassFollowed, BadRuleSet, RulesKnown."""
    subject = subject_of(storage_point_id)
    known = shelf.rule_sets.versions(subject)
    check_since(since, at, EARLIEST_OF_POINT)
    before = holding(known, since)
    if before is None or before.is_class_again:
        raise ClassFollowed(f"at {said(since)} the point follows its class {storage_class} already")
    new = InForce(
        storage_class,
        since,
        RuleSet(subject, 0, ()),
        at,
        storage_point_id=storage_point_id,
        is_class_again=True,
        set_by=set_by,
    )
    return _next(shelf, known, new)


def holding(versions: Sequence[InForce], at: int) -> InForce | None:
    """Of one subject's versions the one that holds at the instant."""
    return max((one for one in versions if one.since <= at), key=lambda one: one.since, default=None)


def in_force_at(shelf: Shelf, storage_class: str, at: int) -> RuleSet:
    """Raises NoSuchRules."""
    held = holding(shelf.rule_sets.versions(storage_class), at)
    if held is None:
        raise NoSuchRules(f"no rules are in force for {storage_class!r} at {said(at)}")
    return held.rule_set


def at_point(shelf: Shelf, storage_point_id: str, storage_class: str, at: int) -> RuleSet:
    """The rules by which the point is judged at the instant: its own, else its class's. Raises NoSuchRules."""
    own = holding(shelf.rule_sets.versions(subject_of(storage_point_id)), at)
    return in_force_at(shelf, storage_class, at) if own is None or own.is_class_again else own.rule_set


def lay_out(shelf: Shelf, at: int) -> None:
    """Put the sets that ship in force: for all time where a class has none, from now on where an older one shipped.

    A class whose rules somebody edited keeps them.
    """
    shipped = built_in()
    in_books = shelf.rule_sets.several(list(shipped))
    for name, rule_set in shipped.items():
        known = in_books.get(name, [])
        if not known:
            _add(shelf, InForce(name, ALWAYS, rule_set, at))
        elif all(one.set_by is None for one in known) and known[-1].rule_set.rules != rule_set.rules:
            _next(shelf, known, InForce(name, max(at, known[-1].since + 1), RuleSet(name, 0, rule_set.rules), at))


def checked(rules: Sequence[Rule]) -> None:
    """Raises BadRuleSet where a rule is none that a vaccine store could mean."""
    if len(rules) > MOST_RULES:
        raise BadRuleSet(f"a rule set may have {MOST_RULES} rules, not {len(rules)}")
    for number, rule in enumerate(rules, 1):
        _check(rule, f"rule {number} ({rule.code[:40]})")


def _check(rule: Rule, where: str) -> None:
    if not _CODE.fullmatch(rule.code):
        raise BadRuleSet(f"{where}: a code has up to 40 letters, digits, dots and hyphens, such as HEAT-WARN")
    if rule.quantity == "temperature":
        if not COLDEST <= rule.limit <= HOTTEST:
            raise BadRuleSet(f"{where}: the limit must lie between {COLDEST // 100} and {HOTTEST // 100} °C")
    elif rule.is_out(NO) == rule.is_out(YES):
        raise BadRuleSet(f"{where}: one state of a switch must be out and the other not: > 0 (open), < 1 (gone)")
    if rule.duration > LONGEST_DURATION:
        raise BadRuleSet(f"{where}: the duration may be {LONGEST_DURATION // DAY} days at most")
    if rule.window is not None and rule.window > LONGEST_WINDOW:
        raise BadRuleSet(f"{where}: the window may be {LONGEST_WINDOW // DAY} days at most")
    if not rule.sensor or len(rule.sensor) > 64:
        raise BadRuleSet(f"{where}: the sensor is a channel's name, or * for all, of up to 64 characters")
    if len(rule.source) > LONGEST_SOURCE:
        raise BadRuleSet(f"{where}: the source may have {LONGEST_SOURCE} characters")
    if rule.verified not in SURENESS:
        raise BadRuleSet(f"{where}: how sure it is, is V (read in the source), R (recalled) or P (proposed)")


def check_since(since: int, at: int, earliest: int) -> None:
    """Raises BadRuleSet where rules would begin too long ago, or too far ahead."""
    if since < at - earliest:
        raise BadRuleSet(f"rules may be dated back by {earliest // DAY} days at most, not to {said(since)}")
    if since > at + LATEST:
        raise BadRuleSet(f"rules may be dated ahead by {LATEST // DAY} days at most, not to {said(since)}")


def _next(shelf: Shelf, known: Sequence[InForce], new: InForce) -> InForce:
    """The subject's next version. Raises RulesKnown."""
    if any(one.since == new.since for one in known):
        raise RulesKnown(f"rules of {new.subject} begin at {said(new.since)} already; give another instant")
    version = max((one.version for one in known), default=0) + 1
    numbered = replace(new, rule_set=replace(new.rule_set, version=version))
    _add(shelf, numbered)
    return numbered


def _add(shelf: Shelf, in_force: InForce) -> None:
    shelf.rule_sets.add(in_force)
    announce(shelf, in_force.fact())
