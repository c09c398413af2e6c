"""An announcement: a fact of the books that the gate and the judge are still to learn, over SETTINGS.

It is written in the transaction that makes the fact true, and moved to the topic by whoever comes by: right after the
commit, or by the desk's loop. A crash in between repeats it, which changes nothing: facts bear revisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from coldchain import crash
from coldchain.facts import Fact
from coldchain.journal.sqlite import lay_out, write
from coldchain.sqlite import open_to_write, transaction
from coldchain.topics import SETTINGS
from registry.transactions import Books

BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Announcement:
    number: int
    fact: Fact


class Announcements(Protocol):
    def add(self, facts: Sequence[Fact]) -> None: ...

    def waiting(self, limit: int) -> list[Announcement]:
        """Those not yet relayed, in the order in which they were added."""
        ...

    def relayed(self, numbers: Sequence[int]) -> None: ...


class Shelf(Protocol):
    @property
    def announcements(self) -> Announcements: ...


def announce(shelf: Shelf, *facts: Fact) -> None:
    shelf.announcements.add(facts)


def relay(books: Books[Shelf], journal_path: Path) -> int:
    """Move what waits to the topic SETTINGS of the file (`DataDir.books`); gives how many. Safe from any process.

    By number, never by "all after the last": two writers may commit in the other order.
    """
    moved = 0
    while waiting := _waiting(books):
        _append(journal_path, waiting)
        crash.point("books.relayed")
        with books.begin() as shelf:
            shelf.announcements.relayed([announcement.number for announcement in waiting])
        moved += len(waiting)
    return moved


def _waiting(books: Books[Shelf]) -> list[Announcement]:
    with books.read() as shelf:
        return shelf.announcements.waiting(BATCH)


def _append(journal_path: Path, waiting: list[Announcement]) -> None:
    connection = open_to_write(journal_path)
    try:
        with transaction(connection):
            lay_out(connection, SETTINGS)
            write(connection, SETTINGS, ((announcement.fact.key, announcement.fact) for announcement in waiting))
    finally:
        connection.close()
