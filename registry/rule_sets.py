"""A rule set in force: from an instant on, points of a storage class are judged by this version of their rules.

Versions never change; an edit is the next version from an instant. Runs that have begun are judged to their end by
the version of their first reading out (`coldchain/judgement/run.py`).
"""

from dataclasses import dataclass
from typing import Protocol

from coldchain.errors import Conflict, NotFound
from coldchain.facts import RulesInForce
from coldchain.judgement import ALWAYS
from coldchain.rules import Rule, RuleSet, built_in
from registry.dated import said
from registry.relay import Shelf as RelayShelf
from registry.relay import announce


@dataclass(frozen=True, slots=True)
class InForce:
    """`since` and `known_at` in ms UTC. The rule set bears the subject as its name: a storage class, or `point/ID`.

    `is_class_again`: from then on the point is judged by its class, the rule set is empty. `set_by`: whose edit it is.
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


class RuleSets(Protocol):
    def storage_classes(self) -> list[str]:
        """Those that rules are known for, sorted."""
        ...

    def versions(self, subject: str) -> list[InForce]:
        """In order of the instants from which they hold."""
        ...

    def rule(self, subject: str, version: int, code: str) -> Rule | None:
        """One rule of one version."""
        ...

    def add(self, in_force: InForce) -> None: ...


class Shelf(RelayShelf, Protocol):
    @property
    def rule_sets(self) -> RuleSets: ...


def put_in_force(shelf: Shelf, storage_class: str, rules: tuple[Rule, ...], since: int, at: int) -> InForce:
    """The next version of the class's rules, from `since` (ms UTC) on; `at` is now. Raises RulesKnown."""
    known = shelf.rule_sets.versions(storage_class)
    if any(one.since == since for one in known):
        raise RulesKnown(f"rules of {storage_class} begin at {said(since)} already; give another instant")
    version = max((one.version for one in known), default=0) + 1
    in_force = InForce(storage_class, since, RuleSet(storage_class, version, rules), at)
    _add(shelf, in_force)
    return in_force


def in_force_at(shelf: Shelf, storage_class: str, at: int) -> RuleSet:
    """Raises NoSuchRules."""
    begun = [one for one in shelf.rule_sets.versions(storage_class) if one.since <= at]
    if not begun:
        raise NoSuchRules(f"no rules are in force for {storage_class!r} at {said(at)}")
    return begun[-1].rule_set


def lay_out(shelf: Shelf, at: int) -> None:
    """Put the sets that ship in force, for all time, for the classes that have none."""
    known = shelf.rule_sets.storage_classes()
    for name, rule_set in built_in().items():
        if name not in known:
            _add(shelf, InForce(name, ALWAYS, rule_set, at))


def _add(shelf: Shelf, in_force: InForce) -> None:
    shelf.rule_sets.add(in_force)
    announce(shelf, in_force.fact())
