"""Excursions: stays out of range that met their rule, as the judge has them now."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api import models
from api.access import Found, PlaceQuery, Scope, needs, storage_point_found, within_place
from api.instants import After, From, Limit, To, last_key, next_path, open_window
from api.pages import page_over
from api.routes.responses import problems
from api.shown import instant_shown
from api.tools import Tools
from coldchain.judgement.interval import as_shown
from registry import incidents
from registry.excursions import SWITCHED, Excursion

router = APIRouter(prefix="/api/v1", tags=["incidents"])

DeviceQuery = Annotated[str | None, Query(max_length=64, description="of this device alone", examples=["pi-0142"])]
PointQuery = Annotated[str | None, Query(max_length=64, description="of this storage point alone")]


def _asked_for(tools: Tools, place: PlaceQuery = None, storage_point: PointQuery = None) -> Found | None:
    """Where the storage point or the place lies that the query names; else a list of all in the scope.

    What a device did at a storage point is seen by whoever may see the point, wherever the device is now: so a device
    narrows the list, and one that nobody knows gives an empty one.
    """
    if storage_point is not None:
        return storage_point_found(tools, storage_point)
    return within_place(tools, place)


@router.get("/excursions", response_model=models.Excursions, responses=problems(404))
def list_excursions(
    tools: Tools,
    scope: Annotated[Scope, needs("incidents.read", _asked_for)],
    since: From = None,
    until: To = None,
    device: DeviceQuery = None,
    storage_point: PointQuery = None,
    place: PlaceQuery = None,
    withdrawn: Annotated[bool, Query(description="those as well that turned out not to be")] = False,
    limit: Limit = 100,
    after: After = None,
) -> models.Excursions:
    """Those that touch [from, to), in order of their start."""
    begin, end = open_window(since, until)
    cursor = last_key(after, int, str)
    with tools.books.read() as shelf:
        page, last = page_over(
            scope.paths,
            lambda path: shelf.excursions.page(
                path,
                device_ids=None if device is None else [device],
                storage_point_ids=None if storage_point is None else [storage_point],
                since=begin,
                until=end,
                withdrawn=withdrawn,
                after=cursor,
                limit=limit + 1,
            ),
            key_of,
            limit,
        )
        closed = closings(shelf, page)
    asked: Mapping[str, object] = {
        "device": device,
        "storage_point": storage_point,
        "place": place,
        "from": begin,
        "to": end,
        "withdrawn": withdrawn,
        "limit": limit,
    }
    following = None if last is None else next_path("/api/v1/excursions", asked, key_of(last))
    return models.Excursions(items=[excursion_shown(one, closed) for one in page], next=following)


def key_of(one: Excursion) -> tuple[int, str]:
    return (one.interval.started_at, one.excursion_id)


def closings(shelf: incidents.Shelf, page: Sequence[Excursion]) -> dict[str, int]:
    """By excursion: when a person closed what no reading had ended."""
    unended = [one for one in page if one.interval.ended_at is None and one.incident_id is not None]
    known = shelf.incidents.several(sorted({str(one.incident_id) for one in unended}))
    closed = {one.excursion_id: known[str(one.incident_id)].closed_at for one in unended}
    return {key: at for key, at in closed.items() if at is not None}


def excursion_shown(one: Excursion, closed: Mapping[str, int]) -> models.Excursion:
    told: dict[str, Any] = as_shown(one.interval)
    if one.side in SWITCHED:
        told["extreme_c"] = None
    return models.Excursion(
        id=one.excursion_id,
        device_id=one.device_id,
        sensor=one.channel,
        storage_point_id=one.storage_point_id,
        kind=one.side,
        rule_set=one.interval.rule_set,
        rule_version=one.interval.rule_version,
        cut=one.interval.cut,
        incident_id=one.incident_id,
        closed_at=instant_shown(closed.get(one.excursion_id)),
        withdrawn_at=instant_shown(one.withdrawn_at),
        **told,
    )
