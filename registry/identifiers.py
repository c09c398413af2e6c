"""An identifier: what another system calls a thing of ours: LGD and HFR codes, PQS codes, serial numbers.

They live here, so that no noun needs a column for each.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from coldchain.errors import Conflict, NotFound, Refused

Subject = Literal["place", "storage-point", "equipment", "device", "sensor"]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Identifier:
    """`system` is a short name such as `lgd` or `serial`; in one system a value names one thing only."""

    subject: Subject
    subject_id: str
    system: str
    value: str


class NoSuchIdentifier(NotFound):
    """No thing bears the value in the system."""


class IdentifierTaken(Conflict):
    """Another thing bears the value in the system."""


class BadIdentifier(Refused):
    """An identifier was given that is none."""


class Identifiers(Protocol):
    def find(self, system: str, value: str) -> Identifier:
        """Raises NoSuchIdentifier."""
        ...

    def of(self, subject: Subject, subject_id: str) -> list[Identifier]:
        """By system and value."""
        ...

    def add(self, identifier: Identifier) -> None: ...

    def remove(self, identifier: Identifier) -> None: ...


class Shelf(Protocol):
    @property
    def identifiers(self) -> Identifiers: ...


def give(shelf: Shelf, subject: Subject, subject_id: str, system: str, value: str) -> Identifier:
    """Note that the system calls the thing so; twice is once. Raises IdentifierTaken, BadIdentifier."""
    identifier = Identifier(subject, subject_id, _system(system), _value(value))
    try:
        known = shelf.identifiers.find(identifier.system, identifier.value)
    except NoSuchIdentifier:
        shelf.identifiers.add(identifier)
        return identifier
    if known != identifier:
        raise IdentifierTaken(f"{identifier.system} {identifier.value} is another {known.subject} already")
    return known


def take_back(shelf: Shelf, system: str, value: str) -> Identifier:
    """Raises NoSuchIdentifier."""
    identifier = shelf.identifiers.find(system, value)
    shelf.identifiers.remove(identifier)
    return identifier


def _system(text: str) -> str:
    system = text.strip().lower()
    if not system or len(system) > 32 or not system.replace("-", "").isalnum():
        raise BadIdentifier(f"{text[:32]!r} is no name of a system; write one like lgd")
    return system


def _value(text: str) -> str:
    value = text.strip()
    if not value or len(value) > LONGEST:
        raise BadIdentifier(f"an identifier has 1 to {LONGEST} characters")
    return value
