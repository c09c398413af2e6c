"""Dated facts: what holds in `[since, until)`, ms UTC, and never twice at one instant. No `until` means: still.

Places have parents, sensors stand somewhere, people hold roles: all by rows of this shape. A change is a new row from
an instant on; nothing that once held is overwritten.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from coldchain.clock import iso
from coldchain.errors import Conflict, Refused
from coldchain.judgement import ALWAYS


class Dated(Protocol):
    @property
    def since(self) -> int: ...

    @property
    def until(self) -> int | None: ...


Fact = TypeVar("Fact", bound=Dated)


class NeverHolds(Refused):
    """A dated fact was to end before it begins."""


class Overlapping(Conflict):
    """Two facts were to hold at one instant where only one can."""


def holds(fact: Dated, at: int) -> bool:
    return fact.since <= at and (fact.until is None or at < fact.until)


def holding(facts: Iterable[Fact], at: int) -> Fact | None:
    """The one that holds at the instant."""
    return next((fact for fact in facts if holds(fact, at)), None)


def overlap(one: Dated, other: Dated) -> bool:
    return (other.until is None or one.since < other.until) and (one.until is None or other.since < one.until)


def check_span(since: int, until: int | None) -> None:
    """Raises NeverHolds."""
    if until is not None and until <= since:
        raise NeverHolds(f"it would end ({said(until)}) before it begins ({said(since)})")


def check_free(facts: Iterable[Dated], new: Dated, what: str) -> None:
    """Raises NeverHolds, and Overlapping where one of the facts holds at an instant of the new one."""
    check_span(new.since, new.until)
    for fact in facts:
        if overlap(fact, new):
            raise Overlapping(f"{what} from {said(fact.since)} to {said(fact.until)} is known otherwise already")


def room_from(facts: Sequence[Fact], since: int, what: str) -> tuple[Fact | None, int | None]:
    """For a fact that is to hold from `since` on: the one that must end there, and where the next one begins.

    Raises Overlapping where a fact begins at that very instant: then it is to be corrected, not followed.
    """
    before = holding(facts, since)
    if before is not None and before.since == since:
        raise Overlapping(f"{what} from {said(since)} is known otherwise already: correct that instead")
    return before, min((fact.since for fact in facts if fact.since > since), default=None)


def said(at: int | None) -> str:
    """The instant in a sentence."""
    if at is None:
        return "further notice"
    return "the beginning" if at == ALWAYS else iso(at)
