"""Between rows and facts: a column bears its field's name, so that most nouns need no mapping of their own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, and_, bindparam

T = TypeVar("T")
MOST_AT_ONCE = 500
"""How many ids stand in one question."""


def values(fact: Any, *, without: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of a frozen fact, by name."""
    return {field.name: getattr(fact, field.name) for field in fields(fact) if field.name not in without}


def made(kind: type[T], row: RowMapping, *, without: Sequence[str] = (), **other: Any) -> T:
    """The fact in a row that has its fields as columns; `other` are fields that are no columns."""
    names = {field.name for field in fields(kind)} - set(without) - other.keys()  # type: ignore[arg-type]  # a dataclass
    return kind(**{name: row[name] for name in names}, **other)


def insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(table.insert(), list(rows))


def update(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set all other columns of the rows with these keys; all rows have the same columns."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    others = [name for name in rows[0] if name not in keys]
    statement = (
        table.update()
        .where(and_(*(table.c[key] == bindparam(f"key_{key}") for key in keys)))
        .values({name: bindparam(f"new_{name}") for name in others})
    )
    connection.execute(
        statement,
        [{f"key_{key}": row[key] for key in keys} | {f"new_{name}": row[name] for name in others} for row in rows],
    )


def upsert(connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert the row, or have it take the place of the one with its key. Under the books' write lock."""
    keys = {column.name: row[column.name] for column in table.primary_key}
    found = connection.execute(table.select().where(*(table.c[key] == value for key, value in keys.items()))).first()
    if found is None:
        insert(connection, table, [row])
    else:
        update(connection, table, [row])


def fetched(connection: Connection, statement: Select[Any]) -> Sequence[RowMapping]:
    return connection.execute(statement).mappings().all()


def few(ids: Iterable[T]) -> Iterator[list[T]]:
    """Ids in lists that a question can carry."""
    every = list(ids)
    for begin in range(0, len(every), MOST_AT_ONCE):
        yield every[begin : begin + MOST_AT_ONCE]


def in_subtree(path: ColumnElement[str], within: str) -> ColumnElement[bool]:
    """Whether a materialised path lies in the subtree: one range of the index. `0` follows `/`."""
    return and_(path >= within, path < f"{within[:-1]}0")


def holds(table: Table, at: int) -> ColumnElement[bool]:
    """Whether a dated row holds at the instant."""
    return and_(table.c.since <= at, (table.c.until.is_(None)) | (table.c.until > at))
