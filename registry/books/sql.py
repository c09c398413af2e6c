"""The books in SQL: one engine, one transaction at a time that writes, any number that read.

On SQLite a writer begins IMMEDIATE, on WAL with synchronous FULL; on PostgreSQL it takes one lock for all books, which
comes to the same. So what a use case has checked still holds when it writes.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from coldchain.errors import Unavailable
from coldchain.sqlite import BUSY_MS
from registry.books import migrations
from registry.books.of_devices import SqlDevices, SqlOutboxes, SqlPlacements, SqlSensors
from registry.books.of_incidents import SqlAlerts, SqlEvidences, SqlExcursions, SqlIncidents
from registry.books.of_places import SqlFacilities, SqlIdentifiers, SqlPlaces
from registry.books.of_rule_sets import SqlRuleSets
from registry.books.of_storage_points import SqlEquipment, SqlStoragePoints
from registry.books.of_users import SqlAnnouncements, SqlContacts, SqlPositions, SqlUsers

ONE_WRITER = 0x636F_6C64  # "cold"
"""The number of PostgreSQL's advisory lock that stands for BEGIN IMMEDIATE."""


class BooksBusy(Unavailable):
    """Others write to the books for longer than one waits."""


class BooksUnreachable(Unavailable):
    """The database cannot be opened, or no longer."""


class SqlShelf:
    """All shelves, on one connection in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.places = SqlPlaces(connection)
        self.facilities = SqlFacilities(connection)
        self.identifiers = SqlIdentifiers(connection)
        self.storage_points = SqlStoragePoints(connection)
        self.equipment = SqlEquipment(connection)
        self.devices = SqlDevices(connection)
        self.sensors = SqlSensors(connection)
        self.outboxes = SqlOutboxes(connection)
        self.placements = SqlPlacements(connection)
        self.rule_sets = SqlRuleSets(connection)
        self.excursions = SqlExcursions(connection)
        self.incidents = SqlIncidents(connection)
        self.alerts = SqlAlerts(connection)
        self.evidence = SqlEvidences(connection)
        self.users = SqlUsers(connection)
        self.contacts = SqlContacts(connection)
        self.announcements = SqlAnnouncements(connection)
        self.positions = SqlPositions(connection)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A savepoint."""
        with self._connection.begin_nested():
            yield


class SqlBooks:
    """Safe from any thread. Not for a process that forks."""

    def __init__(self, url: str) -> None:
        self._is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(url) if self._is_sqlite else create_engine(url, pool_pre_ping=True)
        self._writing = threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[SqlShelf]:
        # SQLite lets whoever polls at the right moment in; within one process we take turns.
        if not self._writing.acquire(timeout=BUSY_MS / 1000):
            raise BooksBusy("the books are being written to; try again")
        try:
            with _told(), self._engine.connect() as connection:
                _take_the_lock(connection, self._is_sqlite)
                try:
                    yield SqlShelf(connection)
                except BaseException:  # whatever ends it leaves no half behind; it goes on
                    connection.rollback()
                    raise
                connection.commit()
        finally:
            self._writing.release()

    @contextmanager
    def read(self) -> Iterator[SqlShelf]:
        with _told(), self._engine.connect() as connection:
            _promise_to_read(connection, self._is_sqlite)
            try:
                yield SqlShelf(connection)
            finally:
                connection.rollback()
                _take_the_promise_back(connection, self._is_sqlite)

    def bring_up_to_date(self) -> None:
        """Run the migrations that are missing, under the write lock: a process that comes second finds none."""
        with _told(), self._engine.connect() as connection:
            if migrations.is_up_to_date(connection):
                return
            connection.rollback()
            _take_the_lock(connection, self._is_sqlite)
            migrations.upgrade(connection)
            connection.commit()

    def close(self) -> None:
        self._engine.dispose()


def _sqlite_engine(url: str) -> Engine:
    path = make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch(mode=0o600)  # credentials stand in it
    engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None  # we say ourselves where a transaction begins
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("writes") else "BEGIN")

    return engine


def _take_the_lock(connection: Connection, is_sqlite: bool) -> None:
    connection.info["writes"] = True
    if is_sqlite:
        connection.begin()
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_WRITER})")


def _promise_to_read(connection: Connection, is_sqlite: bool) -> None:
    connection.info["writes"] = False
    if is_sqlite:
        driver = connection.connection.driver_connection
        driver.execute("PRAGMA query_only = ON")  # type: ignore[union-attr]
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _take_the_promise_back(connection: Connection, is_sqlite: bool) -> None:
    if is_sqlite:
        driver = connection.connection.driver_connection
        driver.execute("PRAGMA query_only = OFF")  # type: ignore[union-attr]


@contextmanager
def _told() -> Iterator[None]:
    """The database's trouble in our words; what it was stays in the chain."""
    try:
        yield
    except OperationalError as why:
        if "locked" in str(why.orig) or "busy" in str(why.orig):
            raise BooksBusy("others write to the books for too long; try again") from why
        if "readonly" in str(why.orig):
            raise  # a use case that writes was given a shelf to read
        raise BooksUnreachable(f"the books cannot be reached: {why.orig}") from why
    except DBAPIError as why:
        if why.connection_invalidated:
            raise BooksUnreachable("the connection to the books broke; try again") from why
        raise
