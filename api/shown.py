"""How facts are shown: centidegrees as °C, instants as ISO 8601, None as null."""

from typing import Any

from api.power import Cut
from api.strips import STEP, Strip
from api.wall import Concern, Limits, Row, Spot
from coldchain.clock import SECOND, iso
from coldchain.judgement import ALWAYS
from coldchain.judgement.interval import minutes
from coldchain.readings import celsius


def instant_shown(at: int | None) -> str | None:
    """The beginning of all time is null, as nothing is."""
    return None if at is None or at <= ALWAYS else iso(at)


def celsius_shown(value: int | None) -> float | None:
    return None if value is None else celsius(value)


def spot_shown(spot: Spot) -> dict[str, Any]:
    return {"id": spot.id, "name": dict(spot.name)}


def band_shown(limits: Limits) -> dict[str, Any]:
    return {"low_c": celsius_shown(limits.low), "high_c": celsius_shown(limits.high)}


def limits_shown(limits: Limits) -> dict[str, Any]:
    return {"heat_c": celsius_shown(limits.heat), "frost_c": celsius_shown(limits.frost)}


def concern_shown(concern: Concern | None) -> dict[str, Any] | None:
    if concern is None:
        return None
    return {
        "id": concern.id,
        "kind": concern.kind,
        "state": concern.state,
        "acknowledged_by": concern.acknowledged_by,
        "acknowledged_at": instant_shown(concern.acknowledged_at),
    }


def cut_shown(cut: Cut | None) -> dict[str, Any] | None:
    if cut is None:
        return None
    breach = cut.breach
    return {
        "since": instant_shown(cut.since),
        "breach": None
        if breach is None
        else {
            "limit_c": celsius_shown(breach.limit),
            "earliest_at": instant_shown(breach.earliest_at),
            "likely_at": instant_shown(breach.likely_at),
            "latest_at": instant_shown(breach.latest_at),
            "learned_from": breach.cuts,
            "is_beyond": breach.is_beyond,
        },
    }


def row_shown(row: Row) -> dict[str, Any]:
    """A row of the wall without its strip (`models.Row`)."""
    one = row.standing
    return {
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "place": None if row.place is None else spot_shown(row.place),
        "storage_class": row.storage_class,
        "state": one.state,
        "severity": one.severity,
        "celsius": celsius_shown(one.value),
        "measured_at": instant_shown(one.measured_at),
        "device_id": one.device_id,
        "sensor": one.channel,
        "since": instant_shown(one.since),
        "limit_c": celsius_shown(one.limit),
        "alarm_at": instant_shown(one.alarm_at),
        "alarmed_at": instant_shown(one.alarmed_at),
        "minutes_summed": None if one.summed is None else minutes(one.summed),
        "trend_c_per_h": one.trend,
        "last_heard_at": instant_shown(one.last_heard_at),
        "silent_since": instant_shown(one.silent_since),
        "fault": one.fault,
        "incident": concern_shown(row.concern),
        "power_cut": cut_shown(row.cut),
        "band": band_shown(row.limits),
    }


def strip_shown(strip: Strip) -> dict[str, Any]:
    low, high = strip.tenths()
    return {"from": iso(strip.since), "step_s": STEP // SECOND, "min": low, "max": high}
