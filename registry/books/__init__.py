"""The books: all nouns of the registry on one shelf, in one database; a transaction is a `with`.

`open_books` is the port: SQLite in one file, which small sites run for years, or PostgreSQL. Beside this folder nobody
knows SQL.
"""

from typing import Protocol

from coldchain.clock import Clock, now
from coldchain.errors import Refused
from registry import (
    alerts,
    contacts,
    evidence,
    facilities,
    first_start,
    imports,
    incidents,
    outboxes,
    positions,
    sensors,
    transactions,
    users,
)


class Shelf(
    incidents.Shelf,
    imports.Shelf,
    outboxes.Shelf,
    sensors.Shelf,
    first_start.Shelf,
    facilities.Shelf,
    contacts.Shelf,
    users.Shelf,
    alerts.Shelf,
    evidence.Shelf,
    positions.Shelf,
    Protocol,
):
    """Everything: the shelf of every use case."""


class Books(transactions.Books[Shelf], Protocol):
    def close(self) -> None: ...


class UnknownBooks(Refused):
    """A books' URL names a technology that there is no adapter for."""


def open_books(url: str, clock: Clock = now) -> Books:
    """`sqlite:///PATH` or `postgresql+psycopg://…`; made, or brought up to date, where they are not.

    Safe where several processes start at once. Raises UnknownBooks, coldchain.errors.Unavailable.
    """
    from registry.books.sql import SqlBooks

    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise UnknownBooks("books are opened by sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME")
    books = SqlBooks(url)
    books.bring_up_to_date()
    with books.read() as shelf:
        is_laid_out = shelf.places.top() is not None
    if not is_laid_out:
        with books.begin() as shelf:
            first_start.lay_out(shelf, clock())
    return books
