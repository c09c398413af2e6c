"""The journal on one machine: a table a topic, in the file of the room that writes it.

That room appends inside its own transaction (`write`), so that an entry and what it follows from are durable
together or not at all; everybody else reads the file, and is woken by a bell where it runs in the same process.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from coldchain import wire
from coldchain.clock import now
from coldchain.journal import Entry
from coldchain.sqlite import nothing_where_unmade, open_to_read, open_to_write, transaction
from coldchain.topics import EVIDENCE, READINGS, REFUSED, SETTINGS, SILENCES, STATUS, VERDICTS, Topic

FILES: dict[Topic, str] = {
    READINGS: "gate.db",
    REFUSED: "gate.db",
    STATUS: "gate.db",
    EVIDENCE: "gate.db",
    VERDICTS: "stream.db",
    SILENCES: "stream.db",
    SETTINGS: "books.db",
}

BATCH = 500
POLL_S = 0.1

HANDED_ON = 4
"""So many of a writer's newest batches are kept in mind for followers in its own process."""


def lay_out(connection: sqlite3.Connection, *topics: Topic) -> None:
    """Make the tables of these topics in their writer's file, where they are missing."""
    for topic in topics:
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS topic_{topic} "
            "(offset INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, written_at INTEGER NOT NULL, "
            "body BLOB NOT NULL)"
        )


def write(connection: sqlite3.Connection, topic: Topic, items: Iterable[tuple[str, Any]]) -> int:
    """Append inside the writer's own transaction; gives the last offset of the topic (0 where it is empty)."""
    at = now()
    connection.executemany(
        f"INSERT INTO topic_{topic} (key, written_at, body) VALUES (?, ?, ?)",
        ((key, at, wire.encode(item)) for key, item in items),
    )
    return last_offset(connection, topic)


def read(connection: sqlite3.Connection, topic: Topic, after: int, limit: int = BATCH) -> list[Entry]:
    rows = connection.execute(
        f"SELECT offset, key, body FROM topic_{topic} WHERE offset > ? ORDER BY offset LIMIT ?",
        (after, limit),
    )
    return [Entry(offset, key, wire.decode(topic, body)) for offset, key, body in rows]


def last_offset(connection: sqlite3.Connection, topic: Topic) -> int:
    row = connection.execute(f"SELECT max(offset) FROM topic_{topic}").fetchone()
    return row[0] or 0


def prune(connection: sqlite3.Connection, topic: Topic, passed: int, before: int) -> int:
    """Drop entries that every follower has passed and that were written before the instant (ms); gives how many.

    The newest entry stays, so that offsets go on from it. Inside the writer's own transaction.
    """
    return connection.execute(
        f"DELETE FROM topic_{topic} WHERE offset <= ? AND written_at < ? "
        f"AND offset < (SELECT max(offset) FROM topic_{topic})",
        (passed, before),
    ).rowcount


class SqliteJournal:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._readers: dict[str, sqlite3.Connection] = {}
        self._bells: dict[Topic, set[asyncio.Event]] = {topic: set() for topic in FILES}
        self._handed_on: dict[Topic, deque[list[Entry]]] = {topic: deque(maxlen=HANDED_ON) for topic in FILES}

    async def append(self, topic: Topic, items: Iterable[tuple[str, Any]]) -> int:
        """For writers without a transaction of their own around it."""
        connection = open_to_write(self._directory / FILES[topic])
        try:
            lay_out(connection, topic)
            with transaction(connection):
                offset = write(connection, topic, items)
        finally:
            connection.close()
        self.ring(topic)
        return offset

    def ring(self, topic: Topic, *written: list[Entry]) -> None:
        """Wake the followers in this process; called by a writer after its commit.

        `written`: the batches that it committed, which followers then need not read from the file.
        """
        self._handed_on[topic].extend(written)
        for bell in self._bells[topic]:
            bell.set()

    def follow(self, topic: Topic, name: str, after: int) -> AsyncIterator[list[Entry]]:
        return self._entries(topic, after)

    async def tail(self, topic: Topic) -> AsyncIterator[list[Entry]]:
        async for entries in self._entries(topic, self.end(topic)):
            yield entries

    def read(self, topic: Topic, after: int, limit: int = BATCH) -> list[Entry]:
        """What stands after the offset now; nothing where the file or the table is still to be made."""
        with nothing_where_unmade():
            return read(self._reader(topic), topic, after, limit)
        return []

    def end(self, topic: Topic) -> int:
        """The newest entry's offset; 0 where there is none yet."""
        with nothing_where_unmade():
            return last_offset(self._reader(topic), topic)
        return 0

    async def _entries(self, topic: Topic, after: int) -> AsyncIterator[list[Entry]]:
        bell = asyncio.Event()
        self._bells[topic].add(bell)
        try:
            while True:
                bell.clear()
                entries = self._next_handed_on(topic, after) or self.read(topic, after)
                if entries:
                    after = entries[-1].offset
                    yield entries
                else:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(bell.wait(), POLL_S)
        finally:
            self._bells[topic].discard(bell)

    def _next_handed_on(self, topic: Topic, after: int) -> list[Entry]:
        """The batch that goes on right after the offset, if its writer handed it on; offsets have no holes."""
        return next((batch for batch in self._handed_on[topic] if batch[0].offset == after + 1), [])

    def _reader(self, topic: Topic) -> sqlite3.Connection:
        file = FILES[topic]
        if file not in self._readers:
            self._readers[file] = open_to_read(self._directory / file)
        return self._readers[file]

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
