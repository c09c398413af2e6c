"""What stands beside a storage point's readings: each day and each alarm once, though many files may tell of it.

Exports of a logger overlap, and a transfer may end in the middle of an alarm: of a day the fullest telling counts, and
alarms that touch are one. Pure, from what the books keep.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from coldchain.clock import DAY, MINUTE
from registry import evidence, placements
from registry.evidence import Evidence

Kind = Literal["day-summary", "device-alarm"]

TOUCHING = 30 * MINUTE
"""Alarms of one code that are no further apart are one: two periods of the records that tell of them."""

LONGEST = 62 * DAY
"""What began earlier than this before a window does not reach into it."""

MOST = 1_000


@dataclass(frozen=True, slots=True)
class Shown:
    """`since` and `until` in ms UTC; `until` None of an alarm that nobody knows the end of."""

    kind: Kind
    device_id: str
    since: int
    until: int | None
    recorded_at: int
    content: Mapping[str, Any]

    @property
    def reaches(self) -> int:
        return self.since if self.until is None else self.until


class Shelf(placements.Shelf, evidence.Shelf, Protocol):
    """Placements, and what sources say."""


def shown_at(shelf: Shelf, storage_point_id: str, since: int, until: int) -> list[Shown]:
    """Of the loggers that stood at the point, while they did; newest first, `MOST` of them at most."""
    found: list[Shown] = []
    rows = shelf.placements.at_points([storage_point_id], since, until)
    for device_id in sorted({row.device_id for row in rows}):
        kept = shelf.evidence.of_subject(device_id, since - LONGEST, until)
        for one in [*_days(kept), *_alarms(kept)]:
            if one.reaches >= since and any(
                row.since <= one.since and (row.until is None or one.since < row.until)
                for row in rows
                if row.device_id == device_id
            ):
                found.append(one)
    found.sort(key=lambda one: (one.since, one.device_id, one.kind), reverse=True)
    return found[:MOST]


def _days(kept: Iterable[Evidence]) -> Iterator[Shown]:
    """Of a day that was told several times the telling that reaches furthest."""
    fullest: dict[str, Shown] = {}
    for one in kept:
        if one.kind != "day-summary":
            continue
        day = Shown("day-summary", one.subject, one.happened_at, one.content["until"], one.recorded_at, one.content)
        known = fullest.get(one.content["day"])
        if known is None or day.reaches >= known.reaches:
            fullest[one.content["day"]] = day
    yield from fullest.values()


def _alarms(kept: Iterable[Evidence]) -> Iterator[Shown]:
    """By code and limit, each as long as it went on."""
    told: dict[tuple[Any, ...], list[Shown]] = {}
    for one in kept:
        if one.kind != "device-alarm":
            continue
        for alarm in one.content["alarms"]:
            content = {**alarm, "source": one.content.get("source", "")}
            since = min(one.happened_at, alarm.get("since", one.happened_at))
            key = tuple(alarm.get(name) for name in ("code", "limit", "after_minutes", "is_cumulative"))
            told.setdefault(key, []).append(
                Shown("device-alarm", one.subject, since, alarm.get("until"), one.recorded_at, content)
            )
    for alarms in told.values():
        yield from _joined(sorted(alarms, key=lambda alarm: (alarm.since, alarm.recorded_at)))


def _joined(alarms: Iterable[Shown]) -> Iterator[Shown]:
    """Those that begin together are the same, told twice; those that touch go on."""
    before: Shown | None = None
    for alarm in alarms:
        if before is None:
            before = alarm
        elif alarm.since == before.since or (before.until is not None and alarm.since <= before.until + TOUCHING):
            before = _one(before, alarm)
        else:
            yield before
            before = alarm
    if before is not None:
        yield before


def _one(before: Shown, alarm: Shown) -> Shown:
    """The longer telling, from where the earlier begins."""
    minutes = max(before.content.get("minutes", 0), alarm.content.get("minutes", 0))
    content = {**before.content, **alarm.content} | ({"minutes": minutes} if minutes else {})
    ends = [one.until for one in (before, alarm) if one.until is not None]
    return replace(alarm, since=before.since, until=max(ends, default=None), content=content)
