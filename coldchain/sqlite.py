"""SQLite as we use it: WAL, synchronous FULL, `BEGIN IMMEDIATE` always, one writer a file, everybody else read-only."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coldchain.errors import Unavailable

BUSY_MS = 10_000

LONGEST_LOG = 16 * 1024 * 1024
"""Bytes to which a write-ahead log is cut once all of it is in the file."""

SPARE_PAGES = 256
"""Free pages that a file keeps: the next rows need them soon."""


class FileMissing(Unavailable):
    """A file is to be read that its writer has not made yet."""


class FileReadOnly(Unavailable):
    """A file is to be written and may only be read."""


def open_to_write(path: Path, *, synchronous: str = "FULL") -> sqlite3.Connection:
    """The file's writer. A commit that returned is on disk, power cut or not (`synchronous` FULL).

    Raises FileReadOnly: SQLite would open such a file all the same, and could not write it even when others can again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not os.access(path, os.W_OK):
        raise FileReadOnly(f"{path.name} may only be read by the user we run as: give it back with chmod or chown")
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file; see `give_back`
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.execute(f"PRAGMA journal_size_limit = {LONGEST_LOG}")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Everybody else. Raises FileMissing."""
    if not path.exists():
        raise FileMissing(f"{path.name} does not exist yet: start the process that writes it")
    connection = sqlite3.connect(
        f"file:{path}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_MS / 1000,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing, the write lock taken at once. No await belongs inside."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:  # whatever ends it, even a cancellation, leaves no half behind; it goes on
        if connection.in_transaction:  # a full disk makes SQLite roll back by itself
            connection.execute("ROLLBACK")
        raise


def give_back(connection: sqlite3.Connection, most: int) -> int:
    """Give free pages, as many as this at the most, back to the file system; gives how many that were.

    What was deleted leaves free pages, which new rows fill; only where those stay away is there something to give.
    """
    free = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
    pages = min(most, free - SPARE_PAGES)
    if pages <= 0:
        return 0
    connection.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
    return free - int(connection.execute("PRAGMA freelist_count").fetchone()[0])


@contextmanager
def nothing_where_unmade() -> Iterator[None]:
    """For readers: a file or a table that its writer has still to make holds nothing; all other trouble is raised."""
    try:
        yield
    except FileMissing:
        pass
    except sqlite3.OperationalError as why:
        if "no such table" not in str(why):
            raise


POSITIONS = """
CREATE TABLE IF NOT EXISTS positions (
    topic TEXT NOT NULL, follower TEXT NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (topic, follower)
) WITHOUT ROWID
"""
"""A follower's positions, in its own file, written in the transaction of their effect."""


def position(connection: sqlite3.Connection, topic: str, follower: str) -> int:
    """The last offset whose effect is in this file; 0 before the first."""
    row = connection.execute(
        "SELECT position FROM positions WHERE topic = ? AND follower = ?", (topic, follower)
    ).fetchone()
    return row[0] if row else 0


def save_position(connection: sqlite3.Connection, topic: str, follower: str, offset: int) -> None:
    connection.execute(
        "INSERT INTO positions VALUES (?, ?, ?) "
        "ON CONFLICT (topic, follower) DO UPDATE SET position = excluded.position",
        (topic, follower, offset),
    )
