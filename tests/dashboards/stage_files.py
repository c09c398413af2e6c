"""What the stage says of logger files: invented days and alarms, and what became of a file that was sent."""

from datetime import UTC, datetime
from typing import Any

from coldchain.clock import DAY, HOUR, MINUTE, iso

Json = dict[str, Any]

TAG = "fridge-tag-990100000071"
BLANK: Json = {
    "day": None,
    "lowest_c": None,
    "lowest_at": None,
    "highest_c": None,
    "highest_at": None,
    "mean_c": None,
    "lost_minutes": None,
    "beyond": [],
    "code": None,
    "limit_c": None,
    "after_minutes": None,
    "minutes": None,
    "is_cumulative": None,
    "extreme_c": None,
}


def evidence(now: int) -> list[Json]:
    """Of one storage point, newest first."""
    days = [_day(now, back) for back in range(9)]
    return [_alarm(now, 5 * HOUR, code="HEAT", source="cce-interop"), days[0], _high(now), *days[1:]]


def _day(now: int, back: int) -> Json:
    begin = now // DAY * DAY - back * DAY
    hot = 702 if back == 1 else 0
    beyond = [
        {"side": "low", "limit_c": -0.5, "after_minutes": 60, "minutes": 75 if back == 4 else 0},
        {"side": "high", "limit_c": 8.0, "after_minutes": 600, "minutes": hot},
    ]
    values: Json = {"lowest_c": 3.1, "highest_c": 11.2 if hot else 6.4, "mean_c": 4.5}
    if back == 3:
        values = dict.fromkeys(values, None)
    day = datetime.fromtimestamp(begin / 1000, UTC).date().isoformat()
    told = {"day": day, "lost_minutes": 1440 if back == 3 else 0, "beyond": beyond, **values}
    return _one("day-summary", begin, begin + DAY) | told


def _high(now: int) -> Json:
    told = {"code": "high", "limit_c": 8.0, "after_minutes": 600, "minutes": 702, "is_cumulative": False}
    return _one("device-alarm", now - DAY, None) | told | {"extreme_c": 11.2}


def _alarm(now: int, ago: int, code: str, source: str) -> Json:
    return _one("device-alarm", now - ago, now - ago + 45 * MINUTE) | {"code": code, "source": source}


def _one(kind: str, since: int, until: int | None) -> Json:
    return {
        **BLANK,
        "kind": kind,
        "device_id": TAG,
        "source": "fridge-tag",
        "from": iso(since),
        "to": None if until is None else iso(until),
        "recorded_at": iso(since + DAY),
    }


def taken(now: int, content: str) -> Json:
    """A file that the desk took; one that begins with "known" it had before."""
    is_known = content.startswith("known")
    device = {
        "device_id": TAG,
        "hardware_id": "990100000071",
        "is_enrolled": not is_known,
        "new": 0 if is_known else 10_653,
        "known": 10_653 if is_known else 12,
        "faults": 3,
        "from": iso(now - 30 * DAY),
        "to": iso(now - HOUR),
    }
    model = "Q-tag Fridge-tag 2 L"
    told = {"form": "fridge-tag", "model": model, "zone": "Asia/Kolkata", "is_known": is_known}
    return {**told, "days": 38, "alarms": 1, "devices": [device]}
