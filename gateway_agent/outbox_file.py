"""The outbox's file: how it is opened, checked, put aside when damaged, and what its errors mean."""

import fcntl
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coldchain.errors import Unavailable
from coldchain.sqlite import open_to_write, transaction

log = logging.getLogger("agent.outbox")

SCHEMA = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS boots (
    number INTEGER PRIMARY KEY, boot_id TEXT NOT NULL UNIQUE, offset_ms INTEGER, source TEXT
);
CREATE TABLE IF NOT EXISTS readings (
    id INTEGER PRIMARY KEY, boot INTEGER NOT NULL, uptime INTEGER NOT NULL,
    channel TEXT NOT NULL, centidegrees INTEGER, fault TEXT
);
CREATE TABLE IF NOT EXISTS packs (seq INTEGER PRIMARY KEY, readings INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS lost (first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
"""

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NO_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)
"""A card that gives input/output errors or was remounted read-only keeps no more than a full one."""


class OutboxUnusable(Unavailable):
    """The outbox file can be neither opened nor made where the settings want it."""


class OutboxFull(Unavailable):
    """Nothing can be written to the outbox's disk now."""


class _Damaged(sqlite3.DatabaseError):
    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def is_damage(why: sqlite3.DatabaseError) -> bool:
    return _primary_code(why) in _DAMAGE


def is_no_space(why: sqlite3.DatabaseError) -> bool:
    return _primary_code(why) in _NO_SPACE


def _primary_code(why: sqlite3.DatabaseError) -> int:
    return getattr(why, "sqlite_errorcode", 0) & 0xFF


class OutboxFile:
    """One writer, one thread. `sync` is SQLite's word: FULL, or OFF where a power cut may cost some minutes."""

    def __init__(self, path: Path, sync: str) -> None:
        self.path = path
        self._sync = sync
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = path.with_name(f"{path.name}.lock").open("w")
        except OSError as why:
            raise OutboxUnusable(f"the outbox {path} cannot be made: {why}") from None
        try:
            self._take_lock()
            self.connection = self._opened_or_new()
        except (sqlite3.DatabaseError, OSError) as why:
            self._lock.close()
            raise OutboxUnusable(f"the outbox {path} cannot be opened: {why}") from None
        except OutboxUnusable:
            self._lock.close()
            raise

    def _take_lock(self) -> None:
        """Two agents with one outbox would give two packs one number. The lock ends with the process."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutboxUnusable(f"another agent is at work with the outbox {self.path}") from None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; on the disk when it ends."""
        with transaction(self.connection) as connection:
            yield connection

    @contextmanager
    def lazy_transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; a power cut may undo it until the next transaction ends. Spares the card a flush."""
        self.connection.execute("PRAGMA synchronous = OFF" if self._sync == "OFF" else "PRAGMA synchronous = NORMAL")
        try:
            with transaction(self.connection) as connection:
                yield connection
        finally:
            self.connection.execute(f"PRAGMA synchronous = {self._sync}")

    def free_pages(self) -> int:
        """Pages inside the file that can be written again."""
        return int(self.connection.execute("PRAGMA freelist_count").fetchone()[0])

    def facts(self) -> dict[str, str]:
        return dict(self.connection.execute("SELECT key, value FROM about"))

    def write_facts(self, **facts: str) -> None:
        """Inside a transaction."""
        self.connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", facts.items())

    def begin_anew(self, why: str) -> None:
        """Put the damaged file aside and begin an empty one."""
        self.connection.close()
        self._put_aside(why)
        self.connection = self._opened()

    def close(self) -> None:
        self.connection.close()
        self._lock.close()

    def _opened_or_new(self) -> sqlite3.Connection:
        try:
            return self._opened()
        except sqlite3.DatabaseError as why:
            if not is_damage(why):
                raise
            self._put_aside(str(why))
        return self._opened()

    def _opened(self) -> sqlite3.Connection:
        connection = open_to_write(self.path, synchronous=self._sync)
        try:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise _Damaged(verdict)
            connection.execute("PRAGMA wal_autocheckpoint = 250")
            connection.execute("PRAGMA journal_size_limit = 2000000")
            connection.execute("PRAGMA cache_size = -1000")
            connection.executescript(SCHEMA)
        except BaseException:  # nobody else could close it; the trouble goes on
            connection.close()
            raise
        return connection

    def _put_aside(self, why: str) -> None:
        """What cannot be read is kept for whoever can, under a name of its own; measuring goes on."""
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.damaged-{number}")).exists():
            number += 1
        for suffix in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        log.error("the outbox %s is damaged (%s): it lies in %s now, and a new one begins", self.path, why, aside.name)
