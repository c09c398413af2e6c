"""Excursions, incidents, alerts and evidence, in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, and_, delete, func, or_, select, tuple_

from coldchain.judgement import Interval
from registry.alerts import Alert, Delivery, NoSuchAlert
from registry.books import tables
from registry.books.rows import fetched, few, in_subtree, insert, made, update, values
from registry.evidence import Evidence
from registry.evidence import Kind as EvidenceKind
from registry.excursions import Excursion, NoSuchExcursion, RuleKey
from registry.incidents import Incident, Kind, NoSuchIncident, Note, Revision, State

_excursions = tables.excursions.c
_incidents = tables.incidents.c
_NOT_IN_ROW = ("storage_point_ids", "device_ids")


class SqlExcursions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, excursion_id: str) -> Excursion:
        rows = self._fetched(_excursions.excursion_id == excursion_id)
        if not rows:
            raise NoSuchExcursion(f"there is no excursion {excursion_id!r}")
        return rows[0]

    def page(
        self,
        within: str,
        *,
        device_ids: Sequence[str] | None = None,
        storage_point_ids: Sequence[str] | None = None,
        since: int | None = None,
        until: int | None = None,
        withdrawn: bool = False,
        after: tuple[int, str] | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> list[Excursion]:
        order = tuple_(_excursions.started_at, _excursions.excursion_id)
        wanted = [self._is_within(within)]
        if device_ids is not None:
            wanted.append(_excursions.device_id.in_(device_ids))
        if storage_point_ids is not None:
            wanted.append(_excursions.storage_point_id.in_(storage_point_ids))
        if since is not None:
            wanted.append(_excursions.reaches > since)
        if until is not None:
            wanted.append(_excursions.started_at < until)
        if not withdrawn:
            wanted.append(_excursions.withdrawn_at.is_(None))
        if after is not None:
            wanted.append(order < after if newest_first else order > after)
        statement = select(tables.excursions).where(*wanted).limit(limit)
        if newest_first:
            statement = statement.order_by(_excursions.started_at.desc(), _excursions.excursion_id.desc())
        else:
            statement = statement.order_by(_excursions.started_at, _excursions.excursion_id)
        return [_excursion(row) for row in fetched(self._connection, statement)]

    def reaching(self, device_ids: Sequence[str], since: int) -> list[Excursion]:
        found: list[Excursion] = []
        for some in few(device_ids):
            found += self._fetched(
                _excursions.device_id.in_(some), _excursions.reaches >= since, _excursions.withdrawn_at.is_(None)
            )
        return found

    def of_subjects(self, subjects: Sequence[str], since: int) -> list[Excursion]:
        found: list[Excursion] = []
        for some in few(subjects):
            lasting = and_(_excursions.reaches >= since, _excursions.withdrawn_at.is_(None))
            found += self._fetched(_excursions.storage_point_id.in_(some), lasting)
            found += self._fetched(_excursions.device_id.in_(some), _excursions.storage_point_id.is_(None), lasting)
        return found

    def of_incidents(self, incident_ids: Sequence[str]) -> list[Excursion]:
        found: list[Excursion] = []
        for some in few(incident_ids):
            found += self._fetched(_excursions.incident_id.in_(some))
        return found

    def withdrawn_starts(self, rule_keys: Sequence[RuleKey], starts: Sequence[int]) -> list[Excursion]:
        wanted = set(rule_keys)
        found: list[Excursion] = []
        for some in few(sorted({device_id for device_id, _, _ in wanted})):
            for begun in few(starts):
                found += self._fetched(
                    _excursions.device_id.in_(some),
                    _excursions.started_at.in_(begun),
                    _excursions.withdrawn_at.is_not(None),
                )
        return [one for one in found if one.rule_key in wanted]

    def add(self, excursions: Sequence[Excursion]) -> None:
        insert(self._connection, tables.excursions, [_excursion_row(one) for one in excursions])

    def save(self, excursions: Sequence[Excursion]) -> None:
        update(self._connection, tables.excursions, [_excursion_row(one) for one in excursions])

    def _fetched(self, *wanted: ColumnElement[bool]) -> list[Excursion]:
        statement = select(tables.excursions).where(*wanted)
        rows = fetched(self._connection, statement.order_by(_excursions.started_at, _excursions.excursion_id))
        return [_excursion(row) for row in rows]

    def _is_within(self, within: str) -> ColumnElement[bool]:
        points, devices, places = tables.storage_points, tables.devices, tables.places
        of_points = (
            select(points.c.storage_point_id)
            .join(places, places.c.place_id == points.c.place_id)
            .where(in_subtree(places.c.path, within))
        )
        of_devices = (
            select(devices.c.device_id)
            .join(places, places.c.place_id == devices.c.place_id)
            .where(in_subtree(places.c.path, within))
        )
        return or_(
            _excursions.storage_point_id.in_(of_points),
            and_(_excursions.storage_point_id.is_(None), _excursions.device_id.in_(of_devices)),
        )


class SqlIncidents:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, incident_id: str) -> Incident:
        found = self.several([incident_id]).get(incident_id)
        if found is None:
            raise NoSuchIncident(f"there is no incident {incident_id!r}")
        return found

    def several(self, incident_ids: Sequence[str]) -> dict[str, Incident]:
        found = {}
        for some in few(incident_ids):
            for one in self._fetched(select(tables.incidents).where(_incidents.incident_id.in_(some))):
                found[one.incident_id] = one
        return found

    def caused_by(self, causes: Sequence[str]) -> dict[str, Incident]:
        found = {}
        for some in few(causes):
            for one in self._fetched(select(tables.incidents).where(_incidents.cause.in_(some))):
                found[str(one.cause)] = one
        return found

    def of_kind(self, kind: Kind, device_id: str) -> list[Incident]:
        of_device = select(tables.incident_devices.c.incident_id).where(
            tables.incident_devices.c.device_id == device_id
        )
        statement = select(tables.incidents).where(_incidents.kind == kind, _incidents.incident_id.in_(of_device))
        return self._fetched(statement.order_by(_incidents.started_at, _incidents.incident_id))

    def page(
        self,
        within: str,
        *,
        states: Sequence[State] = (),
        storage_point_id: str | None = None,
        after: tuple[int, str] | None = None,
        limit: int = 100,
    ) -> list[Incident]:
        statement = self._within(within).where(
            _incidents.state.in_(states) if states else _incidents.state.not_in(["withdrawn", "merged"])
        )
        if storage_point_id is not None:
            points = tables.incident_points
            of_point = select(points.c.incident_id).where(points.c.storage_point_id == storage_point_id)
            statement = statement.where(_incidents.incident_id.in_(of_point))
        if after is not None:
            statement = statement.where(tuple_(_incidents.started_at, _incidents.incident_id) < after)
        order = (_incidents.started_at.desc(), _incidents.incident_id.desc())
        return self._fetched(statement.order_by(*order).limit(limit))

    def going_on(self, within: str) -> list[Incident]:
        statement = self._within(within).where(_incidents.state.in_(["open", "acknowledged"]))
        return self._fetched(statement.order_by(_incidents.started_at, _incidents.incident_id))

    def changed_after(self, change: int, limit: int = 100) -> tuple[list[Incident], int]:
        statement = select(tables.incidents).where(_incidents.change > change).order_by(_incidents.change)
        rows = fetched(self._connection, statement.limit(limit))
        last = max((int(row["change"]) for row in rows), default=max(change, 0))
        return self._made(rows), last

    def add(self, incidents: Sequence[Incident]) -> None:
        change = self._last_change()
        rows = [_incident_row(one, change + number) for number, one in enumerate(incidents, 1)]
        insert(self._connection, tables.incidents, rows)
        self._link(incidents)

    def save(self, incidents: Sequence[Incident]) -> None:
        change = self._last_change()
        rows = [_incident_row(one, change + number) for number, one in enumerate(incidents, 1)]
        update(self._connection, tables.incidents, rows)
        for some in few([one.incident_id for one in incidents]):
            for table in (tables.incident_points, tables.incident_devices):
                self._connection.execute(delete(table).where(table.c.incident_id.in_(some)))
        self._link(incidents)

    def revisions(self, incident_id: str) -> list[Revision]:
        table = tables.revisions
        statement = select(table).where(table.c.incident_id == incident_id).order_by(table.c.number)
        return [made(Revision, row, interval=_interval(row)) for row in fetched(self._connection, statement)]

    def add_revisions(self, revisions: Sequence[Revision]) -> None:
        rows = [
            values(one, without=("interval",)) | {"interval": None if one.interval is None else values(one.interval)}
            for one in revisions
        ]
        insert(self._connection, tables.revisions, rows)

    def notes(self, incident_id: str) -> list[Note]:
        table = tables.notes
        statement = select(table).where(table.c.incident_id == incident_id)
        rows = fetched(self._connection, statement.order_by(table.c.recorded_at, table.c.note_id))
        return [made(Note, row) for row in rows]

    def note_of_client(self, client_id: str) -> Note | None:
        table = tables.notes
        rows = fetched(self._connection, select(table).where(table.c.client_id == client_id))
        return made(Note, rows[0]) if rows else None

    def add_note(self, note: Note) -> None:
        insert(self._connection, tables.notes, [values(note)])

    def _within(self, within: str) -> Select[Any]:
        places = tables.places
        return (
            select(tables.incidents)
            .join(places, places.c.place_id == _incidents.place_id)
            .where(in_subtree(places.c.path, within))
        )

    def _fetched(self, statement: Select[Any]) -> list[Incident]:
        return self._made(fetched(self._connection, statement))

    def _made(self, rows: Sequence[RowMapping]) -> list[Incident]:
        ids = [row["incident_id"] for row in rows]
        points = self._linked(tables.incident_points, "storage_point_id", ids)
        devices = self._linked(tables.incident_devices, "device_id", ids)
        return [
            made(
                Incident,
                row,
                storage_point_ids=points.get(row["incident_id"], ()),
                device_ids=devices.get(row["incident_id"], ()),
            )
            for row in rows
        ]

    def _linked(self, table: Table, column: str, incident_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for some in few(incident_ids):
            statement = select(table).where(table.c.incident_id.in_(some)).order_by(table.c[column])
            for row in fetched(self._connection, statement):
                found[row["incident_id"]] = (*found.get(row["incident_id"], ()), row[column])
        return found

    def _link(self, incidents: Sequence[Incident]) -> None:
        points = [
            {"incident_id": one.incident_id, "storage_point_id": point}
            for one in incidents
            for point in one.storage_point_ids
        ]
        devices = [
            {"incident_id": one.incident_id, "device_id": device} for one in incidents for device in one.device_ids
        ]
        insert(self._connection, tables.incident_points, points)
        insert(self._connection, tables.incident_devices, devices)

    def _last_change(self) -> int:
        return self._connection.execute(select(func.max(_incidents.change))).scalar() or 0


class SqlAlerts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, alert_id: str) -> Alert:
        rows = fetched(self._connection, select(tables.alerts).where(tables.alerts.c.alert_id == alert_id))
        if not rows:
            raise NoSuchAlert(f"there is no alert {alert_id!r}")
        return made(Alert, rows[0])

    def find(self, incident_id: str, contact_id: str, step: int) -> Alert | None:
        table = tables.alerts
        statement = select(table).where(
            table.c.incident_id == incident_id, table.c.contact_id == contact_id, table.c.step == step
        )
        rows = fetched(self._connection, statement)
        return made(Alert, rows[0]) if rows else None

    def of_incident(self, incident_id: str) -> list[Alert]:
        table = tables.alerts
        statement = select(table).where(table.c.incident_id == incident_id)
        rows = fetched(self._connection, statement.order_by(table.c.step, table.c.raised_at, table.c.alert_id))
        return [made(Alert, row) for row in rows]

    def add(self, alert: Alert) -> None:
        insert(self._connection, tables.alerts, [values(alert)])

    def deliveries(self, alert_id: str) -> list[Delivery]:
        table = tables.deliveries
        statement = select(table).where(table.c.alert_id == alert_id).order_by(table.c.attempt)
        return [made(Delivery, row) for row in fetched(self._connection, statement)]

    def add_delivery(self, delivery: Delivery) -> None:
        insert(self._connection, tables.deliveries, [values(delivery)])


class SqlEvidences:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_source(self, kind: EvidenceKind, digest: str) -> list[Evidence]:
        table = tables.evidence
        statement = select(table).where(table.c.kind == kind, table.c.digest == digest)
        return [made(Evidence, row) for row in fetched(self._connection, statement.order_by(table.c.happened_at))]

    def noted(self, client_ids: Sequence[str]) -> set[str]:
        table = tables.evidence
        found: set[str] = set()
        for some in few(client_ids):
            statement = select(table.c.client_id).where(table.c.client_id.in_(some))
            found |= {row["client_id"] for row in fetched(self._connection, statement)}
        return found

    def of_subject(self, subject: str, since: int, until: int) -> list[Evidence]:
        table = tables.evidence
        statement = select(table).where(
            table.c.subject == subject, table.c.happened_at >= since, table.c.happened_at < until
        )
        return [made(Evidence, row) for row in fetched(self._connection, statement.order_by(table.c.happened_at))]

    def add(self, evidence: Evidence) -> None:
        row = values(evidence, without=("content",)) | {"content": dict(evidence.content)}
        insert(self._connection, tables.evidence, [row])


def _excursion(row: RowMapping) -> Excursion:
    return made(Excursion, row, interval=made(Interval, row))


def _excursion_row(excursion: Excursion) -> dict[str, Any]:
    row = values(excursion, without=("interval",)) | values(excursion.interval)
    return row | {"reaches": excursion.reaches}


def _incident_row(incident: Incident, change: int) -> dict[str, Any]:
    return values(incident, without=_NOT_IN_ROW) | {"state": incident.state, "change": change}


def _interval(row: RowMapping) -> Interval | None:
    return None if row["interval"] is None else Interval(**row["interval"])
