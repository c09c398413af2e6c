"""The journal: the corridor between the rooms. Topics on disk, ordered per key, each entry delivered at least once.

`append` returns when the entries are durable. `follow` is for work that must not miss anything: the follower keeps
its position with its effect and hands it back as `after`. `tail` is for live screens: nameless, from now on.
"""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from coldchain.errors import Refused
from coldchain.topics import Topic


class Entry(NamedTuple):
    offset: int
    key: str
    item: Any


class Journal(Protocol):
    async def append(self, topic: Topic, items: Iterable[tuple[str, Any]]) -> int:
        """Keep (key, item) pairs in this order; gives the last offset once all are durable."""
        ...

    def follow(self, topic: Topic, name: str, after: int) -> AsyncIterator[list[Entry]]:
        """Batches of what stands after the offset, then of what comes, for ever."""
        ...

    def tail(self, topic: Topic) -> AsyncIterator[list[Entry]]:
        """Batches of what is appended from now on."""
        ...

    def ring(self, topic: Topic) -> None:
        """Wake who waits in this process, after an append that went past this object."""
        ...


class UnknownJournal(Refused):
    """A journal URL names a technology that there is no adapter for."""


def open_journal(url: str) -> Journal:
    """`sqlite:DIRECTORY`. Raises UnknownJournal."""
    from coldchain.journal.sqlite import SqliteJournal

    scheme, _, rest = url.partition(":")
    if scheme != "sqlite" or not rest:
        raise UnknownJournal(f"{url!r} is no journal: write sqlite:DIRECTORY")
    return SqliteJournal(Path(rest))
