"""Places, facilities and identifiers, in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, select, tuple_

from registry.books import tables
from registry.books.rows import fetched, few, in_subtree, insert, made, update, upsert, values
from registry.facilities import Facility, NoSuchFacility
from registry.identifiers import Identifier, NoSuchIdentifier, Subject
from registry.places import Cursor, Lying, NoSuchPlace, Place

_places = tables.places.c


class SqlPlaces:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, place_id: str) -> Place:
        found = self.several([place_id]).get(place_id)
        if found is None:
            raise NoSuchPlace(f"there is no place with the id {place_id!r}")
        return found

    def several(self, place_ids: Sequence[str]) -> dict[str, Place]:
        found = {}
        for some in few(place_ids):
            for row in fetched(self._connection, select(tables.places).where(_places.place_id.in_(some))):
                found[row["place_id"]] = _place(row)
        return found

    def top(self) -> Place | None:
        rows = fetched(self._connection, select(tables.places).where(_places.parent_id.is_(None)).limit(1))
        return _place(rows[0]) if rows else None

    def called(self, name: str) -> list[Place]:
        named = select(tables.place_names.c.place_id).where(tables.place_names.c.name == name)
        statement = select(tables.places).where(_places.place_id.in_(named), _places.ended_at.is_(None))
        return [_place(row) for row in fetched(self._connection, statement.order_by(_places.place_id))]

    def children(self, place_id: str) -> list[Place]:
        statement = select(tables.places).where(_places.parent_id == place_id, _places.ended_at.is_(None))
        return [_place(row) for row in fetched(self._connection, statement.order_by(_places.sort_name))]

    def page(self, within: str, after: Cursor | None = None, limit: int = 100) -> list[Place]:
        statement = select(tables.places).where(in_subtree(_places.path, within), _places.ended_at.is_(None))
        if after is not None:
            statement = statement.where(tuple_(_places.sort_name, _places.place_id) > after)
        statement = statement.order_by(_places.sort_name, _places.place_id).limit(limit)
        return [_place(row) for row in fetched(self._connection, statement)]

    def cursor(self, place: Place) -> Cursor:
        return place.called(), place.place_id

    def add(self, place: Place) -> None:
        insert(self._connection, tables.places, [_row(place)])
        self._name(place)

    def save(self, place: Place) -> None:
        before = self.get(place.place_id)
        update(self._connection, tables.places, [_row(place)])
        if before.name != place.name:
            self._name(place)
        if before.path != place.path:
            below = func.substr(_places.path, len(before.path) + 1)
            self._connection.execute(
                tables.places.update().where(in_subtree(_places.path, before.path)).values(path=place.path + below)
            )

    def lyings(self, place_id: str) -> list[Lying]:
        table = tables.lyings
        statement = select(table).where(table.c.place_id == place_id).order_by(table.c.since)
        return [made(Lying, row) for row in fetched(self._connection, statement)]

    def add_lying(self, lying: Lying) -> None:
        insert(self._connection, tables.lyings, [values(lying)])

    def end_lying(self, lying_id: str, until: int) -> None:
        update(self._connection, tables.lyings, [{"lying_id": lying_id, "until": until}])

    def _name(self, place: Place) -> None:
        table = tables.place_names
        self._connection.execute(delete(table).where(table.c.place_id == place.place_id))
        named = [{"place_id": place.place_id, "language": of, "name": name} for of, name in place.name.items()]
        insert(self._connection, table, named)


class SqlFacilities:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, place_id: str) -> Facility:
        table = tables.facilities
        rows = fetched(self._connection, select(table).where(table.c.place_id == place_id))
        if not rows:
            raise NoSuchFacility(f"the place {place_id} is described as no facility")
        return made(Facility, rows[0])

    def save(self, facility: Facility) -> None:
        upsert(self._connection, tables.facilities, values(facility))


class SqlIdentifiers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, system: str, value: str) -> Identifier:
        table = tables.identifiers
        rows = fetched(self._connection, select(table).where(table.c.system == system, table.c.value == value))
        if not rows:
            raise NoSuchIdentifier(f"nothing is {value!r} in {system!r}")
        return made(Identifier, rows[0])

    def of(self, subject: Subject, subject_id: str) -> list[Identifier]:
        table = tables.identifiers
        statement = select(table).where(table.c.subject == subject, table.c.subject_id == subject_id)
        rows = fetched(self._connection, statement.order_by(table.c.system, table.c.value))
        return [made(Identifier, row) for row in rows]

    def add(self, identifier: Identifier) -> None:
        insert(self._connection, tables.identifiers, [values(identifier)])

    def remove(self, identifier: Identifier) -> None:
        table = tables.identifiers
        self._connection.execute(
            delete(table).where(table.c.system == identifier.system, table.c.value == identifier.value)
        )


def _place(row: RowMapping) -> Place:
    return made(Place, row)


def _row(place: Place) -> dict[str, Any]:
    return values(place, without=("name",)) | {"name": dict(place.name), "sort_name": place.called()}
