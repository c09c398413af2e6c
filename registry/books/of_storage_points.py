"""Storage points and the equipment that fills them, in SQL."""

from collections.abc import Sequence

from sqlalchemy import Connection, exists, select, tuple_

from registry.books import tables
from registry.books.rows import fetched, few, in_subtree, insert, made, update, upsert, values
from registry.equipment import Equipment, Filling, InCondition, NoSuchEquipment
from registry.places import Cursor
from registry.storage_points import NoSuchStoragePoint, StoragePoint

_points = tables.storage_points.c


class SqlStoragePoints:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, storage_point_id: str) -> StoragePoint:
        found = self.several([storage_point_id]).get(storage_point_id)
        if found is None:
            raise NoSuchStoragePoint(f"there is no storage point with the id {storage_point_id!r}")
        return found

    def several(self, storage_point_ids: Sequence[str]) -> dict[str, StoragePoint]:
        found = {}
        for some in few(storage_point_ids):
            statement = select(tables.storage_points).where(_points.storage_point_id.in_(some))
            for row in fetched(self._connection, statement):
                found[row["storage_point_id"]] = made(StoragePoint, row)
        return found

    def called(self, name: str, place_id: str | None = None) -> list[StoragePoint]:
        statement = select(tables.storage_points).where(_points.name == name, _points.ended_at.is_(None))
        if place_id is not None:
            statement = statement.where(_points.place_id == place_id)
        rows = fetched(self._connection, statement.order_by(_points.storage_point_id))
        return [made(StoragePoint, row) for row in rows]

    def page(self, within: str, after: Cursor | None = None, limit: int = 100) -> list[StoragePoint]:
        statement = (
            select(tables.storage_points)
            .join(tables.places, tables.places.c.place_id == _points.place_id)
            .where(in_subtree(tables.places.c.path, within), _points.ended_at.is_(None))
        )
        if after is not None:
            statement = statement.where(tuple_(_points.name, _points.storage_point_id) > after)
        statement = statement.order_by(_points.name, _points.storage_point_id).limit(limit)
        return [made(StoragePoint, row) for row in fetched(self._connection, statement)]

    def are_used(self, storage_point_id: str) -> bool:
        table = tables.placements
        standing = exists().where(
            table.c.storage_point_id == storage_point_id, table.c.until.is_(None), table.c.superseded_by.is_(None)
        )
        return bool(self._connection.execute(select(standing)).scalar())

    def add(self, point: StoragePoint) -> None:
        insert(self._connection, tables.storage_points, [values(point)])

    def save(self, point: StoragePoint) -> None:
        update(self._connection, tables.storage_points, [values(point)])


class SqlEquipment:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, equipment_id: str) -> Equipment:
        table = tables.equipment
        rows = fetched(self._connection, select(table).where(table.c.equipment_id == equipment_id))
        if not rows:
            raise NoSuchEquipment(f"there is no equipment with the id {equipment_id!r}")
        return made(Equipment, rows[0])

    def add(self, equipment: Equipment) -> None:
        insert(self._connection, tables.equipment, [values(equipment)])

    def save(self, equipment: Equipment) -> None:
        update(self._connection, tables.equipment, [values(equipment)])

    def conditions(self, equipment_id: str) -> list[InCondition]:
        table = tables.conditions
        statement = select(table).where(table.c.equipment_id == equipment_id).order_by(table.c.since)
        return [made(InCondition, row) for row in fetched(self._connection, statement)]

    def save_condition(self, condition: InCondition) -> None:
        upsert(self._connection, tables.conditions, values(condition))

    def fillings(self, *, storage_point_id: str | None = None, equipment_id: str | None = None) -> list[Filling]:
        table = tables.fillings
        statement = select(table).order_by(table.c.since)
        if storage_point_id is not None:
            statement = statement.where(table.c.storage_point_id == storage_point_id)
        if equipment_id is not None:
            statement = statement.where(table.c.equipment_id == equipment_id)
        return [made(Filling, row) for row in fetched(self._connection, statement)]

    def save_filling(self, filling: Filling) -> None:
        upsert(self._connection, tables.fillings, values(filling))
