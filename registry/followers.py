"""Followers: what the books make of what the other rooms report, batch by batch, each with its position.

Effect and position are one transaction, so that a batch that comes again is known to be old.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from coldchain import crash
from coldchain.journal import Entry
from coldchain.topics import EVIDENCE, REFUSED, SILENCES, STATUS, VERDICTS, Topic
from registry import evidence, incidents, outboxes, positions, troubles
from registry.transactions import Books


class Shelf(incidents.Shelf, outboxes.Shelf, evidence.Shelf, positions.Shelf, Protocol):
    """Incidents with all they concern, devices with their outboxes, evidence, and positions."""


@dataclass(frozen=True, slots=True)
class Follower:
    """`take` writes a batch of the topic's items into the books; the instant is now (ms UTC)."""

    name: str
    topic: Topic
    take: Callable[[Shelf, Sequence[Any], int], None]

    def position(self, books: Books[Shelf]) -> int:
        with books.read() as shelf:
            return shelf.positions.get(self.topic, self.name)

    def follow(self, books: Books[Shelf], entries: Sequence[Entry], at: int) -> int:
        """Take in what is new of the entries; gives how many were. Durable on return."""
        with books.begin() as shelf:
            passed = shelf.positions.get(self.topic, self.name)
            new = [entry for entry in entries if entry.offset > passed]
            if not new:
                return 0
            crash.point("books.read")
            self.take(shelf, [entry.item for entry in new], at)
            shelf.positions.save(self.topic, self.name, new[-1].offset)
        crash.point("books.committed")
        return len(new)


def _statuses(shelf: Shelf, items: Sequence[Any], at: int) -> None:
    outboxes.take_statuses(shelf, items)


FOLLOWERS = (
    Follower("registry.incidents", VERDICTS, incidents.take_verdicts),
    Follower("registry.silences", SILENCES, troubles.take_silences),
    Follower("registry.refusals", REFUSED, troubles.take_refusals),
    Follower("registry.devices", STATUS, _statuses),
    Follower("registry.evidence", EVIDENCE, evidence.take_said),
)
