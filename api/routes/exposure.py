"""What a storage point was exposed to in any stay, and how much of its time it was in range."""

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query

from api import models
from api.access import Scope, needs, of_storage_point
from api.exposures import (
    By,
    Period,
    Piece,
    first_day,
    instant_of,
    limits_of,
    of_each,
    per_period,
    periods,
    pieces_of,
    stands_at,
    worst,
)
from api.instants import BadWindow, From, To, window
from api.instants import instant_of as instant_asked
from api.routes.responses import problems
from api.shown import celsius_shown
from api.tools import Tools
from coldchain.clock import DAY, MINUTE, iso
from coldchain.exposure import LIFE, Exposure, Shares, Vvm, kinetics, life_used, mean_kinetic_celsius
from coldchain.exposure.kinetics import arrhenius_sum
from coldchain.readings import HIGHEST, LOWEST
from coldchain.rules import Rule

router = APIRouter(prefix="/api/v1", tags=["places"])

PointId = Annotated[str, Path(max_length=64)]
Grain = Annotated[By, Query(description="days of the place, weeks from Monday (ISO 8601), or months")]

USUAL_STAY = 7 * DAY
USUAL_PERIODS: dict[By, int] = {"day": 35, "week": 13, "month": 13}

NOTE = (
    "A VVM is read by eye; this is a prediction from the readings, with the kinetics of the specification of 2002. At "
    "fridge temperature the specification gives lower bounds only, and the model extrapolates. Unknown time is in no "
    "share and no mean: it is not safe, it is not known. Nothing here tells of harm by frost."
)


@router.get("/storage-points/{storage_point_id}/exposure", response_model=models.PointExposure, responses=problems(404))
def get_exposure(
    tools: Tools,
    scope: Annotated[Scope, needs("readings.read", of_storage_point)],
    storage_point_id: PointId,
    since: From = None,
    until: To = None,
) -> models.PointExposure:
    """Of any stay there, to the millisecond: minutes beyond each limit, unknown minutes, the mean kinetic temperature,
    and the share of each VVM type's life; the last seven days unless told otherwise, and never later than now.

    The point's own figures are those of the probe for which each is worst.
    """
    begin, end = _until_now(*window(since, until, scope.at, USUAL_STAY), scope.at)
    with tools.books.read() as shelf:
        point = shelf.storage_points.get(storage_point_id)
        stands = stands_at(shelf, tools.history, point, begin, end)
    pieces = pieces_of(tools.history, stands, (begin, end))
    limits = limits_of(stands)
    return models.PointExposure(
        from_=iso(begin),
        to=iso(end),
        **_figures(lambda measure: worst(pieces, measure), limits),
        sensors=[
            models.SensorExposure(
                device_id=stand.device_id,
                sensor=stand.channel,
                role=stand.role,
                counts=stand.speaks,
                stays=[models.Span(from_=iso(since), to=iso(until)) for since, until in spans],
                **_figures(lambda _: exposure, limits),  # noqa: B023  (called at once)
            )
            for stand, spans, exposure in of_each(pieces)
        ],
        note=NOTE,
    )


@router.get(
    "/storage-points/{storage_point_id}/time-in-range", response_model=models.TimeInRange, responses=problems(404)
)
def get_time_in_range(
    tools: Tools,
    scope: Annotated[Scope, needs("readings.read", of_storage_point)],
    storage_point_id: PointId,
    since: From = None,
    until: To = None,
    by: Grain = "day",
) -> models.TimeInRange:
    """Which part of each day, week or month it was in range, below, above, and unknown, by the rules then in force.

    In range is what no rule calls out, whatever the rule's duration. Periods are the place's own; one that is not over,
    or that the window cuts, is partial. Without `from`: the last 35 days, 13 weeks or 13 months.
    """
    with tools.books.read() as shelf:
        point = shelf.storage_points.get(storage_point_id)
        zone = ZoneInfo(shelf.places.get(point.place_id).zone)
        end = scope.at if until is None else instant_asked(until, "to")
        begin = (
            instant_of(first_day(by, zone, min(end, scope.at), USUAL_PERIODS[by] - 1), zone)
            if since is None
            else instant_asked(since, "from")
        )
        if begin > end:
            raise BadWindow("from lies after to")
        begin, end = _until_now(begin, end, scope.at)
        shown = periods(by, zone, begin, end)
        stands = stands_at(shelf, tools.history, point, begin, end)
    pieces = pieces_of(tools.history, stands, sorted({begin, end, *(one.since for one in shown)}))
    return models.TimeInRange(
        from_=iso(begin),
        to=iso(end),
        by=by,
        zone=zone.key,
        limits=[models.LimitShown(**_limit(rule)) for rule in limits_of(stands)],
        items=[_period(one, inside) for one, inside in zip(shown, per_period(pieces, shown), strict=True)],
        whole=models.Whole(**_shares(pieces)),
    )


def _until_now(begin: int, end: int, now: int) -> tuple[int, int]:
    """What is to come is neither known nor unknown."""
    end = min(end, now)
    return min(begin, end), end


def _figures(chosen: Callable[[Callable[[Exposure], float]], Exposure], limits: Sequence[Rule]) -> dict[str, Any]:
    """What is told of exposures; `chosen` gives those for which a measure is highest."""
    steepness = kinetics().steepness
    hottest = chosen(lambda one: arrhenius_sum(one, steepness) // one.known if one.known else 0)
    least_known = chosen(lambda one: one.unknown)
    mean = mean_kinetic_celsius(hottest, steepness)
    return {
        "known_minutes": _minutes(least_known.known),
        "unknown_minutes": _minutes(least_known.unknown),
        "limits": [
            models.Beyond(**_limit(rule), minutes=_minutes(chosen(_beyond_of(rule)).beyond(rule))) for rule in limits
        ],
        "min_c": celsius_shown(chosen(lambda one: -HIGHEST if one.lowest is None else -one.lowest).lowest),
        "max_c": celsius_shown(chosen(lambda one: LOWEST if one.highest is None else one.highest).highest),
        "mean_kinetic_c": None if mean is None else float(mean.quantize(Decimal("0.01"), ROUND_HALF_UP)),
        "vvm": [_life(vvm, life_used(chosen(_life_of(vvm)), vvm)) for vvm in kinetics().vvms],
    }


def _beyond_of(rule: Rule) -> Callable[[Exposure], float]:
    return lambda exposure: exposure.beyond(rule)


def _life_of(vvm: Vvm) -> Callable[[Exposure], float]:
    return lambda exposure: life_used(exposure, vvm)


def _life(vvm: Vvm, used: int) -> models.VvmLife:
    millionths = (2 * used * 1_000_000 + LIFE) // (2 * LIFE)
    return models.VvmLife(
        type=vvm.type,
        share_of_life=millionths / 1_000_000,
        percent=millionths / 10_000,
        verified=vvm.verified,
        source=vvm.source,
    )


def _period(one: Period, inside: Sequence[Piece]) -> models.Period:
    return models.Period(
        label=one.label,
        from_=iso(one.since),
        to=iso(one.until),
        partial=one.is_partial,
        **_shares(inside),
    )


def _shares(pieces: Sequence[Piece]) -> dict[str, Any]:
    shares = sum((piece.shares for piece in pieces), Shares())
    exposures = [exposure for piece in pieces for exposure in piece.exposures]
    return {
        "in_range_minutes": _minutes(shares.in_range),
        "below_minutes": _minutes(shares.below),
        "above_minutes": _minutes(shares.above),
        "unknown_minutes": _minutes(shares.unknown),
        "in_range_pct": shares.in_range * 1000 // shares.whole / 10 if shares.whole else None,
        "below_pct": _at_least(shares.below, shares.whole),
        "above_pct": _at_least(shares.above, shares.whole),
        "unknown_pct": _at_least(shares.unknown, shares.whole),
        "min_c": celsius_shown(min((one.lowest for one in exposures if one.lowest is not None), default=None)),
        "max_c": celsius_shown(max((one.highest for one in exposures if one.highest is not None), default=None)),
    }


def _at_least(part: int, whole: int) -> float | None:
    """In per cent, rounded against us: some seconds out never show as nothing."""
    return -(-part * 1000 // whole) / 10 if whole else None


def _limit(rule: Rule) -> dict[str, Any]:
    return {"operator": rule.operator, "limit_c": rule.limit / 100}


def _minutes(ms: int) -> float:
    """To the hundred-thousandth, which tells a millisecond."""
    return round(ms / MINUTE, 5)
