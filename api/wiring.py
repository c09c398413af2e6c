"""Wiring: what the desk is made of. Here alone things are opened; everything else is handed what it needs."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from fastapi import FastAPI

from api.app import create_app
from api.gate_client import GateClient
from api.settings import Settings
from coldchain.journal.sqlite import SqliteJournal
from ingest.refusals import Refusals
from registry.books import Books
from registry.settling import open_at
from stream.history import History


@dataclass(frozen=True, slots=True)
class Opened:
    app: FastAPI
    books: Books
    journal: SqliteJournal


@contextmanager
def open_desk(settings: Settings) -> Iterator[Opened]:
    """Books, journal and the application on them, closed again in the end."""
    data_dir = settings.data_dir
    with (
        closing(open_at(data_dir)) as books,
        closing(SqliteJournal(data_dir.root)) as journal,
        closing(Refusals(data_dir.gate)) as refusals,
    ):
        app = create_app(books, History(data_dir.stream), refusals, GateClient(data_dir.gate_socket), settings)
        yield Opened(app, books, journal)
