"""Devices, their sensors, outboxes and placements, in SQL."""

from collections.abc import Sequence

from sqlalchemy import Connection, Text, cast, func, select

from coldchain.ranges import ranges_of
from registry.books import tables
from registry.books.rows import fetched, few, holds, in_subtree, insert, made, update, upsert, values
from registry.devices import NO_CREDENTIAL, Declared, Device, NoSuchDevice, SpokenFor
from registry.outboxes import Outbox, Said
from registry.placements import NoSuchPlacement, Placement
from registry.sensors import Correction, NoSuchCorrection, NoSuchSensor, Sensor

_devices = tables.devices.c
_placements = tables.placements.c


class SqlDevices:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, device_id: str) -> Device:
        found = self.several([device_id]).get(device_id)
        if found is None:
            raise NoSuchDevice(f"no device {device_id!r} is enrolled")
        return found

    def several(self, device_ids: Sequence[str]) -> dict[str, Device]:
        found = {}
        for some in few(device_ids):
            for row in fetched(self._connection, select(tables.devices).where(_devices.device_id.in_(some))):
                found[row["device_id"]] = made(Device, row)
        return found

    def bearing(self, hardware_id: str) -> list[Device]:
        statement = (
            select(tables.devices)
            .where(func.lower(_devices.hardware_id) == hardware_id.lower(), _devices.ended_at.is_(None))
            .order_by(_devices.device_id)
        )
        return [made(Device, row) for row in fetched(self._connection, statement)]

    def page(self, within: str, after: str = "", limit: int = 100, *, ended: bool = False) -> list[Device]:
        statement = (
            select(tables.devices)
            .join(tables.places, tables.places.c.place_id == _devices.place_id)
            .where(in_subtree(tables.places.c.path, within), _devices.device_id > after)
        )
        if not ended:
            statement = statement.where(_devices.ended_at.is_(None))
        rows = fetched(self._connection, statement.order_by(_devices.device_id).limit(limit))
        return [made(Device, row) for row in rows]

    def credentials(self) -> list[tuple[str, str]]:
        statement = select(_devices.device_id, _devices.credential).where(
            _devices.ended_at.is_(None), _devices.credential != NO_CREDENTIAL
        )
        rows = self._connection.execute(statement.order_by(_devices.device_id))
        return [(device_id, credential) for device_id, credential in rows]

    def topics(self) -> list[tuple[str, Sequence[str]]]:
        statement = select(_devices.device_id, _devices.topics).where(
            _devices.ended_at.is_(None), cast(_devices.topics, Text) != "[]"
        )
        rows = self._connection.execute(statement.order_by(_devices.device_id))
        return [(device_id, topics) for device_id, topics in rows]

    def add(self, devices: Sequence[Device]) -> None:
        insert(self._connection, tables.devices, [values(device) for device in devices])

    def save(self, device: Device) -> None:
        update(self._connection, tables.devices, [values(device)])

    def declared(self, device_ids: Sequence[str]) -> dict[str, list[Declared]]:
        table = tables.declared
        found: dict[str, list[Declared]] = {}
        for some in few(device_ids):
            statement = select(table).where(table.c.device_id.in_(some)).order_by(table.c.device_id, table.c.since)
            for row in fetched(self._connection, statement):
                found.setdefault(row["device_id"], []).append(made(Declared, row))
        return found

    def declare(self, declared: Declared) -> None:
        upsert(self._connection, tables.declared, values(declared))

    def spoken_for(self, device_id: str) -> list[SpokenFor]:
        table = tables.spoken_for
        statement = select(table).where(table.c.device_id == device_id).order_by(table.c.since)
        return [made(SpokenFor, row) for row in fetched(self._connection, statement)]

    def speaks_for(self, bridge_id: str) -> list[SpokenFor]:
        table = tables.spoken_for
        statement = select(table).where(table.c.bridge_id == bridge_id).order_by(table.c.device_id, table.c.since)
        return [made(SpokenFor, row) for row in fetched(self._connection, statement)]

    def add_spoken_for(self, spoken_for: SpokenFor) -> None:
        insert(self._connection, tables.spoken_for, [values(spoken_for)])

    def end_spoken_for(self, spoken_for_id: str, until: int) -> None:
        update(self._connection, tables.spoken_for, [{"spoken_for_id": spoken_for_id, "until": until}])


class SqlSensors:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, device_id: str, channel: str) -> Sensor:
        table = tables.sensors
        statement = select(table).where(table.c.device_id == device_id, table.c.channel == channel)
        rows = fetched(self._connection, statement)
        if not rows:
            raise NoSuchSensor(f"the device {device_id} is not known to have a sensor {channel!r}")
        return made(Sensor, rows[0])

    def of_device(self, device_id: str) -> list[Sensor]:
        table = tables.sensors
        statement = select(table).where(table.c.device_id == device_id).order_by(table.c.channel)
        return [made(Sensor, row) for row in fetched(self._connection, statement)]

    def note(self, sensors: Sequence[Sensor]) -> None:
        known = {
            (sensor.device_id, sensor.channel)
            for device_id in {sensor.device_id for sensor in sensors}
            for sensor in self.of_device(device_id)
        }
        new = {(one.device_id, one.channel): values(one) for one in sensors}
        insert(self._connection, tables.sensors, [row for key, row in new.items() if key not in known])

    def save(self, sensor: Sensor) -> None:
        update(self._connection, tables.sensors, [values(sensor)])

    def correction(self, correction_id: str) -> Correction:
        table = tables.corrections
        statement = select(table).where(table.c.correction_id == correction_id, table.c.superseded_by.is_(None))
        rows = fetched(self._connection, statement)
        if not rows:
            raise NoSuchCorrection(f"there is no correction {correction_id!r}, or another took its place")
        return made(Correction, rows[0])

    def corrections(self, device_id: str, channel: str) -> list[Correction]:
        table = tables.corrections
        statement = select(table).where(
            table.c.device_id == device_id, table.c.channel == channel, table.c.superseded_by.is_(None)
        )
        return [made(Correction, row) for row in fetched(self._connection, statement.order_by(table.c.since))]

    def add_correction(self, correction: Correction) -> None:
        insert(self._connection, tables.corrections, [values(correction)])

    def save_correction(self, correction: Correction) -> None:
        update(self._connection, tables.corrections, [values(correction)])


class SqlOutboxes:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_devices(self, device_ids: Sequence[str]) -> dict[str, list[Outbox]]:
        table = tables.outboxes
        found: dict[str, list[Outbox]] = {}
        for some in few(device_ids):
            statement = select(table).where(table.c.device_id.in_(some))
            for row in fetched(self._connection, statement.order_by(table.c.last_heard_at, table.c.outbox_id)):
                found.setdefault(row["device_id"], []).append(made(Outbox, row, lost=ranges_of(row["lost"])))
        return found

    def save(self, outbox: Outbox) -> None:
        row = values(outbox, without=("lost",)) | {"lost": outbox.lost.pairs()}
        upsert(self._connection, tables.outboxes, row)

    def said(self, device_ids: Sequence[str]) -> dict[str, Said]:
        table = tables.said
        found = {}
        for some in few(device_ids):
            for row in fetched(self._connection, select(table).where(table.c.device_id.in_(some))):
                found[row["device_id"]] = made(Said, row)
        return found

    def note_said(self, said: Said) -> None:
        upsert(self._connection, tables.said, values(said))


class SqlPlacements:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, placement_id: str) -> Placement:
        found = self.several([placement_id]).get(placement_id)
        if found is None or found.superseded_by is not None:
            raise NoSuchPlacement(f"there is no placement {placement_id!r}, or another took its place")
        return found

    def several(self, placement_ids: Sequence[str]) -> dict[str, Placement]:
        found = {}
        for some in few(placement_ids):
            statement = select(tables.placements).where(_placements.placement_id.in_(some))
            for row in fetched(self._connection, statement):
                found[row["placement_id"]] = made(Placement, row)
        return found

    def of_device(self, device_id: str) -> list[Placement]:
        statement = select(tables.placements).where(
            _placements.device_id == device_id, _placements.superseded_by.is_(None)
        )
        rows = fetched(self._connection, statement.order_by(_placements.channel, _placements.since))
        return [made(Placement, row) for row in rows]

    def standing(self, within: str, at: int) -> list[Placement]:
        points, places = tables.storage_points, tables.places
        statement = (
            select(tables.placements)
            .join(points, points.c.storage_point_id == _placements.storage_point_id)
            .join(places, places.c.place_id == points.c.place_id)
            .where(
                in_subtree(places.c.path, within),
                _placements.superseded_by.is_(None),
                holds(tables.placements, at),
            )
            .order_by(_placements.storage_point_id, _placements.device_id, _placements.channel)
        )
        return [made(Placement, row) for row in fetched(self._connection, statement)]

    def of_devices(self, device_ids: Sequence[str], at: int) -> list[Placement]:
        found: list[Placement] = []
        for some in few(device_ids):
            statement = select(tables.placements).where(
                _placements.device_id.in_(some), _placements.superseded_by.is_(None), holds(tables.placements, at)
            )
            rows = fetched(self._connection, statement.order_by(_placements.device_id, _placements.channel))
            found += [made(Placement, row) for row in rows]
        return found

    def at_points(self, storage_point_ids: Sequence[str], since: int, until: int) -> list[Placement]:
        found: list[Placement] = []
        for some in few(storage_point_ids):
            statement = select(tables.placements).where(
                _placements.storage_point_id.in_(some),
                _placements.superseded_by.is_(None),
                _placements.since < until,
                _placements.until.is_(None) | (_placements.until > since),
            )
            rows = fetched(self._connection, statement.order_by(_placements.storage_point_id, _placements.since))
            found += [made(Placement, row) for row in rows]
        return found

    def add(self, placement: Placement) -> None:
        insert(self._connection, tables.placements, [values(placement)])

    def save(self, placement: Placement) -> None:
        update(self._connection, tables.placements, [values(placement)])
