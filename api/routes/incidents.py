"""Incidents: what people act on."""

from typing import Annotated, Protocol

from fastapi import APIRouter, Path, Query

from api import models
from api.access import Found, PlaceQuery, Scope, needs, within_place
from api.instants import After, Limit, last_key, next_path
from api.layout import names_of
from api.pages import page_over
from api.routes.excursions import closings, excursion_shown, key_of
from api.routes.people import place_ref
from api.routes.responses import problems
from api.shown import instant_shown
from api.tools import Desk, Tools
from coldchain.clock import iso
from coldchain.judgement.interval import as_shown
from registry import incidents, users
from registry.excursions import SWITCHED
from registry.incidents import Incident, Kind, Note, Revision, State
from registry.places import Place
from registry.storage_points import StoragePoint

router = APIRouter(prefix="/api/v1", tags=["incidents"])

IncidentId = Annotated[str, Path(max_length=64)]


class Shelf(incidents.Shelf, users.Shelf, Protocol):
    """Incidents, and who wrote what about them."""


def _of_incident(tools: Tools, incident_id: IncidentId) -> Found:
    missing = f"there is no incident {incident_id}"
    with tools.books.read() as shelf:
        incident = shelf.incidents.several([incident_id]).get(incident_id)
        if incident is None:
            return Found((), missing)
        return Found((shelf.places.get(incident.place_id).path,), missing)


@router.get("/incidents", response_model=models.Incidents, responses=problems(404))
def list_incidents(
    tools: Tools,
    scope: Annotated[Scope, needs("incidents.read", within_place)],
    state: Annotated[
        list[State] | None, Query(description="all but the withdrawn and the merged, unless told otherwise")
    ] = None,
    place: PlaceQuery = None,
    limit: Limit = 100,
    after: After = None,
) -> models.Incidents:
    """The newest first."""
    cursor = last_key(after, int, str)
    with tools.books.read() as shelf:
        page, last = page_over(
            scope.paths,
            lambda path: shelf.incidents.page(path, states=state or (), after=cursor, limit=limit + 1),
            _key,
            limit,
            newest_first=True,
        )
        shown = _shown(shelf, page, scope)
    asked = {"place": place, "limit": limit}
    return models.Incidents(
        items=shown,
        next=None if last is None else next_path("/api/v1/incidents", asked, _key(last), state=state or ()),
    )


@router.get("/incidents/{incident_id}", response_model=models.IncidentInFull, responses=problems(404))
def get_incident(
    tools: Tools, scope: Annotated[Scope, needs("incidents.read", _of_incident)], incident_id: IncidentId
) -> models.IncidentInFull:
    """With all that was ever known of it, and all that people wrote."""
    return _in_full(tools, incident_id, scope)


@router.post("/incidents/{incident_id}/acknowledge", response_model=models.IncidentInFull, responses=problems(404))
def acknowledge(
    tools: Tools,
    scope: Annotated[Scope, needs("incidents.acknowledge", _of_incident)],
    incident_id: IncidentId,
    asked: models.Acknowledgement,
) -> models.IncidentInFull:
    """Say that somebody has seen it, and what they saw or did: without a comment it is refused."""
    with tools.books.begin() as shelf:
        incidents.acknowledge(shelf, incident_id, scope.asker.user.user_id, asked.comment, scope.at)
    tools.written()
    return _in_full(tools, incident_id, scope)


@router.post(
    "/incidents/{incident_id}/notes",
    response_model=models.IncidentInFull,
    status_code=201,
    responses=problems(404),
)
def add_note(
    tools: Tools,
    scope: Annotated[Scope, needs("incidents.acknowledge", _of_incident)],
    incident_id: IncidentId,
    asked: models.NewNote,
) -> models.IncidentInFull:
    """Add a word to it; it stays as written."""
    with tools.books.begin() as shelf:
        incidents.note(shelf, incident_id, scope.asker.user.user_id, asked.kind, asked.text, scope.at)
    tools.written()
    return _in_full(tools, incident_id, scope)


@router.post("/incidents/{incident_id}/close", response_model=models.IncidentInFull, responses=problems(404))
def close(
    tools: Tools,
    scope: Annotated[Scope, needs("incidents.acknowledge", _of_incident)],
    incident_id: IncidentId,
    asked: models.Closing,
) -> models.IncidentInFull:
    """Say why it is over, where no message will: a sensor was taken away, a clock set right. Not while it goes on."""
    with tools.books.begin() as shelf:
        incidents.close(shelf, incident_id, scope.asker.user.user_id, asked.reason, scope.at)
    tools.written()
    return _in_full(tools, incident_id, scope)


def _key(one: Incident) -> tuple[int, str]:
    return (one.started_at, one.incident_id)


def _in_full(tools: Desk, incident_id: str, scope: Scope) -> models.IncidentInFull:
    with tools.books.read() as shelf:
        incident = shelf.incidents.get(incident_id)
        [short] = _shown(shelf, [incident], scope)
        notes = shelf.incidents.notes(incident_id)
        writers = shelf.users.several(sorted({one.user_id for one in notes}))
        about = {point.id for point in short.storage_points}
        intervals = [
            one
            for one in sorted(shelf.excursions.of_incidents([incident_id]), key=key_of)
            if one.storage_point_id is None or one.storage_point_id in about
        ]
        revisions = shelf.incidents.revisions(incident_id)
        closed = closings(shelf, intervals)
        is_open = incident.state in ("open", "acknowledged")
        is_closable = is_open and incidents.is_over_by_itself(shelf, incident_id)
    names = {user_id: user.username for user_id, user in writers.items()}
    return models.IncidentInFull(
        **short.model_dump(),
        closable=is_closable,
        intervals=[excursion_shown(one, closed) for one in intervals],
        revisions=[_revision_shown(one, incident.kind) for one in revisions],
        notes=[_note_shown(one, names) for one in notes],
    )


def _shown(shelf: Shelf, rows: list[Incident], scope: Scope) -> list[models.Incident]:
    """Of an incident over several points, those alone that lie in the scope."""
    points = shelf.storage_points.several(sorted({key for one in rows for key in one.storage_point_ids}))
    places = shelf.places.several(sorted({point.place_id for point in points.values()}))
    names = names_of(shelf, rows)
    return [_one_shown(one, points, places, names, scope) for one in rows]


def _one_shown(
    one: Incident, points: dict[str, StoragePoint], places: dict[str, Place], names: dict[str, str], scope: Scope
) -> models.Incident:
    about = [points[key] for key in one.storage_point_ids if key in points]
    seen = [point for point in about if scope.covers(places[point.place_id].path)]
    return models.Incident(
        id=one.incident_id,
        kind=one.kind,
        state=one.state,
        severity=one.severity,
        detail=one.detail,
        started_at=iso(one.started_at),
        ended_at=instant_shown(one.ended_at),
        known_at=iso(one.known_at),
        storage_points=[
            models.IncidentPoint(id=point.storage_point_id, name=point.name, place=place_ref(places[point.place_id]))
            for point in seen
        ],
        devices=list(one.device_ids) if len(seen) == len(about) else [],
        acknowledged_by=None if one.acknowledged_by is None else names.get(one.acknowledged_by),
        acknowledged_at=instant_shown(one.acknowledged_at),
        closed_at=instant_shown(one.closed_at),
    )


def _revision_shown(one: Revision, kind: Kind) -> models.Revision:
    facts = {} if one.interval is None else as_shown(one.interval)
    if facts and kind in SWITCHED:
        facts["extreme_c"] = None
    if one.ended_at is not None:
        facts["ended_at"] = iso(one.ended_at)
    return models.Revision(known_at=iso(one.known_at), what=one.change, excursion_id=one.excursion_id, facts=facts)


def _note_shown(one: Note, names: dict[str, str]) -> models.Note:
    return models.Note(kind=one.kind, text=one.text, by=names.get(one.user_id, "?"), happened_at=iso(one.happened_at))
