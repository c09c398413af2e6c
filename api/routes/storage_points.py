"""Storage points: the slots that people know, and what their temperature was."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import models
from api.access import Found, PlaceQuery, Scope, needs, of_storage_point, within_place
from api.charts import chart_of, stays_at
from api.instants import After, From, Limit, To, last_key, next_path, window
from api.layout import limits_at
from api.pages import page_over
from api.routes.excursions import closings, excursion_shown
from api.routes.people import place_ref
from api.routes.responses import problems
from api.shown import band_shown, celsius_shown, instant_shown, limits_shown, row_shown, strip_shown
from api.tools import Desk, Tools
from coldchain.clock import MINUTE, SECOND, iso
from coldchain.judgement.interval import minutes
from coldchain.sqlite import FileMissing
from registry import placements, rule_sets, storage_points, users
from registry.excursions import Side
from registry.placements import Placement
from registry.storage_points import StoragePoint
from stream.history import GoingOn, SensorNow

router = APIRouter(prefix="/api/v1", tags=["places"])

PointId = Annotated[str, Path(max_length=64)]

MOST_EXCURSIONS = 500


def _in_place(tools: Tools, asked: models.NewStoragePoint) -> Found:
    """In the place that the body names."""
    with tools.books.read() as shelf:
        place = shelf.places.several([asked.place_id]).get(asked.place_id)
    return Found((place.path,) if place else (), f"there is no place {asked.place_id}")


@router.get("/storage-points", response_model=models.StoragePoints, responses=problems(404))
def list_storage_points(
    tools: Tools,
    scope: Annotated[Scope, needs("points.read", within_place)],
    place: PlaceQuery = None,
    limit: Limit = 1000,
    after: After = None,
) -> models.StoragePoints:
    """By name."""
    cursor = last_key(after, str, str)
    with tools.books.read() as shelf:
        page, last = page_over(
            scope.paths, lambda path: shelf.storage_points.page(path, cursor, limit + 1), _key, limit
        )
        shown = _shown(shelf, page, scope.at)
    following = (
        None if last is None else next_path("/api/v1/storage-points", {"place": place, "limit": limit}, _key(last))
    )
    return models.StoragePoints(items=shown, next=following)


@router.post("/storage-points", response_model=models.StoragePoint, status_code=201, responses=problems(404, 409))
def add_storage_point(
    tools: Tools, scope: Annotated[Scope, needs("points.write", _in_place)], asked: models.NewStoragePoint
) -> models.StoragePoint:
    """A new one in the place; its class says by which rules its sensors are judged."""
    with tools.books.begin() as shelf:
        point = storage_points.add(shelf, asked.name, asked.storage_class, asked.place_id)
        [shown] = _shown(shelf, [point], scope.at)
    tools.written()
    return shown


@router.get("/storage-points/{storage_point_id}", response_model=models.StoragePointInFull, responses=problems(404))
def get_storage_point(
    tools: Tools, scope: Annotated[Scope, needs("points.read", of_storage_point)], storage_point_id: PointId
) -> models.StoragePointInFull:
    """With its row of the wall, and its limits."""
    with tools.books.read() as shelf:
        point = shelf.storage_points.get(storage_point_id)
        [short] = _shown(shelf, [point], scope.at)
        limits = limits_at(shelf, point.storage_class, scope.at, storage_point_id)
        place = shelf.places.get(point.place_id)
        standing = shelf.placements.at_points([storage_point_id], scope.at, scope.at + 1)
        rules = rule_sets.at_point(shelf, storage_point_id, point.storage_class, scope.at)
    tools.picture.look()
    row = tools.picture.row(storage_point_id)
    now = None if row is None else {**row_shown(row), "strip": strip_shown(tools.picture.strip(row, scope.at))}
    return models.StoragePointInFull(
        **short.model_dump(),
        zone=place.zone,
        row=None if now is None else models.Row.model_validate(now),
        band=models.Band(**band_shown(limits)),
        limits=models.Limits(**limits_shown(limits)),
        rules=models.RulesRef(
            name=rules.name,
            version=rules.version,
            own=rules.name == rule_sets.subject_of(storage_point_id),
            may_edit=users.permits(scope.asker.user, "rules.write", place.path, scope.at),
        ),
        going_on=_timers(tools, standing),
    )


@router.get("/storage-points/{storage_point_id}/chart", response_model=models.Chart, responses=problems(404))
def get_chart(
    tools: Tools,
    scope: Annotated[Scope, needs("readings.read", of_storage_point)],
    storage_point_id: PointId,
    since: From = None,
    until: To = None,
    points: Annotated[int, Query(ge=1, le=2000, description="how many buckets at most")] = 400,
) -> models.Chart:
    """Lowest, mean and highest per bucket, the gaps told; the last day unless told otherwise."""
    begin, end = window(since, until, scope.at)
    with tools.books.read() as shelf:
        point = shelf.storage_points.get(storage_point_id)
        path = shelf.places.get(point.place_id).path
        limits = limits_at(shelf, point.storage_class, scope.at, storage_point_id)
        seen_until = max(begin, min(end, scope.at + 1))
        stays = stays_at(shelf, tools.history, storage_point_id, begin, seen_until)
        excursions = shelf.excursions.page(
            path, storage_point_ids=[storage_point_id], since=begin, until=end, limit=MOST_EXCURSIONS
        )
        closed = closings(shelf, excursions)
    chart = chart_of(tools.history, stays, begin, end, points, limits)
    return models.Chart(
        from_=iso(begin),
        to=iso(end),
        bucket_s=chart.width / SECOND,
        items=[
            models.Bucket(
                at=iso(one.since),
                min_c=one.low / 100,
                mean_c=round(one.mean / 100, 2),
                max_c=one.high / 100,
                count=one.count,
            )
            for one in chart.buckets
        ],
        gaps=[models.Gap(from_=iso(a), to=iso(b)) for a, b in chart.gaps],
        band=models.Band(**band_shown(limits)),
        limits=models.Limits(**limits_shown(limits)),
        summary=models.Summary(
            time_in_range_pct=chart.summary.in_range_pct,
            lowest_c=celsius_shown(chart.summary.lowest),
            highest_c=celsius_shown(chart.summary.highest),
            unknown_minutes=round(chart.summary.unknown / MINUTE, 1),
        ),
        excursions=[excursion_shown(one, closed) for one in excursions],
    )


def _timers(tools: Desk, standing: Sequence[Placement]) -> list[models.Timer]:
    """What runs on the sensors that stand at the point, met before unmet, then what is full first."""
    stays = {row.placement_id for row in standing}
    try:
        sensors = tools.history.sensors(sorted({row.device_id for row in standing}))
    except FileMissing:
        return []
    running = [(sensor, one) for sensor in sensors for one in sensor.going_on if one.stay in stays]
    running.sort(key=lambda pair: (pair[1].severity != "alarm", pair[1].alarmed_at is None, pair[1].full_at))
    return [_timer_shown(sensor, one) for sensor, one in running]


def _timer_shown(sensor: SensorNow, one: GoingOn) -> models.Timer:
    is_temperature = one.quantity == "temperature"
    sides: dict[bool, Side] = {True: "heat", False: "frost"}
    return models.Timer(
        device_id=sensor.device_id,
        sensor=sensor.channel,
        rule=one.code,
        kind=sides[one.is_upper] if is_temperature else "door" if one.quantity == "door" else "power",
        severity=one.severity,
        state="out" if one.alarmed_at is None else one.severity,
        mode="cumulative" if one.is_sum else "consecutive",
        limit_c=celsius_shown(one.limit) if is_temperature else None,
        is_out=one.is_out,
        started_at=iso(one.started_at),
        minutes_out=minutes(one.out),
        minutes_unknown=minutes(one.unknown),
        duration_s=one.duration / SECOND,
        window_s=None if one.window is None else one.window / SECOND,
        alarmed_at=instant_shown(one.alarmed_at),
        full_at=iso(one.full_at),
        rule_set=one.rule_set,
        rule_version=one.rule_version,
    )


def _key(point: StoragePoint) -> tuple[str, str]:
    return (point.name, point.storage_point_id)


def _shown(shelf: placements.Shelf, points: list[StoragePoint], at: int) -> list[models.StoragePoint]:
    places = shelf.places.several(sorted({point.place_id for point in points}))
    standing = shelf.placements.at_points([point.storage_point_id for point in points], at, at + 1)
    devices: dict[str, set[str]] = {}
    for row in standing:
        devices.setdefault(row.storage_point_id, set()).add(row.device_id)
    return [
        models.StoragePoint(
            id=point.storage_point_id,
            name=point.name,
            storage_class=point.storage_class,
            place=place_ref(places[point.place_id]),
            devices=sorted(devices.get(point.storage_point_id, ())),
        )
        for point in points
    ]
