"""A storage point's chart: the worst of its product probes over a window, its gaps, and the window in four numbers.

A probe counts while it stood at the point. Lowest and highest are the worst of all probes in a bucket; the mean is of
all their readings. A gap is where no probe told anything.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from api.picture import PRODUCT_ROLES
from api.wall import Limits
from coldchain.clock import HOUR
from coldchain.facts import EVERY_CHANNEL, own_role
from coldchain.quantities import role_of
from coldchain.sqlite import FileMissing
from registry import devices, placements
from registry.placements import Placement
from stream.history import Band, Bucket, History, SensorNow

Span = tuple[int, int]
FOR_EVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Stay:
    """A sensor stood at the point in [since, until), ms UTC; gaps longer than `longest_known` ms are unknown time."""

    device_id: str
    channel: str
    since: int
    until: int
    longest_known: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Of the window so far. Shares are of the known time; temperatures in centidegrees, `unknown` in ms."""

    in_range_pct: float | None
    lowest: int | None
    highest: int | None
    unknown: int


class Shelf(placements.Shelf, Protocol):
    """Placements and devices."""


def stays_at(shelf: Shelf, history: History, storage_point_id: str, since: int, until: int) -> list[Stay]:
    """Which sensors stood at the point in the window, and when."""
    at_point = shelf.placements.at_points([storage_point_id], since, until)
    device_ids = sorted({row.device_id for row in at_point if row.role in PRODUCT_ROLES})
    declared = shelf.devices.declared(device_ids)
    probes = {device_id: device.probes for device_id, device in shelf.devices.several(device_ids).items()}
    rows = {device_id: shelf.placements.of_device(device_id) for device_id in device_ids}
    stays = []
    for sensor in _heard(history, device_ids):
        if sensor.unit != "Cel":
            continue
        longest_known = 2 * devices.interval_at(declared.get(sensor.device_id, []), until)
        for row in own_rows(rows[sensor.device_id], sensor.channel):
            role = role_of(own_role(row.channel, row.role), probes[sensor.device_id], sensor.channel, sensor.unit)
            if row.storage_point_id != storage_point_id or role not in PRODUCT_ROLES:
                continue
            begin, end = max(since, row.since), min(until, FOR_EVER if row.until is None else row.until)
            if begin < end:
                stays.append(Stay(sensor.device_id, sensor.channel, begin, end, longest_known))
    return stays


def _heard(history: History, device_ids: Sequence[str]) -> list[SensorNow]:
    """None where the judge has not made its file yet."""
    try:
        return history.sensors(device_ids)
    except FileMissing:
        return []


def own_rows(rows: Sequence[Placement], channel: str) -> list[Placement]:
    """A sensor's placements: its own where there are any, else those of the whole device."""
    return [row for row in rows if row.channel == channel] or [row for row in rows if row.channel == EVERY_CHANNEL]


@dataclass(frozen=True, slots=True)
class Chart:
    """`width` of a bucket in ms; buckets without readings are left out. Gaps inside the window, in order."""

    width: int
    buckets: list[Bucket]
    gaps: list[Span]
    summary: Summary


def chart_of(history: History, stays: Sequence[Stay], since: int, until: int, points: int, limits: Limits) -> Chart:
    """The stays together over [since, until), in at most so many buckets."""
    width = max(1, -(-(until - since) // points))
    drawn = [buckets_of(history, stay, since, width) for stay in stays]
    gaps, known = _gaps(history, stays, drawn)
    buckets = merged(drawn)
    finer = buckets
    if width > HOUR:
        finer = _hours(history, stays, since, limits)
    return Chart(width, buckets, gaps, summed_up(finer, known, gaps, limits))


def _hours(history: History, stays: Sequence[Stay], since: int, limits: Limits) -> list[Bucket]:
    """Hour by hour, as long as something lies outside the band; what is calm for longer may stand together.

    Of several probes an hour tells the worst, so that all of them must be calm for it.
    """
    calm = (limits.low, limits.high)
    drawn = [buckets_of(history, stay, since, HOUR, calm) for stay in stays]
    if len(stays) > 1 and any(share_inside(bucket, limits) < 1.0 for buckets in drawn for bucket in buckets):
        drawn = [buckets_of(history, stay, since, HOUR) for stay in stays]
    return merged(drawn)


def buckets_of(history: History, stay: Stay, origin: int, width: int, calm: Band | None = None) -> list[Bucket]:
    """The stay's buckets on the grid that begins at `origin`; the first and last may be filled in part."""
    first, last = origin + -(-(stay.since - origin) // width) * width, origin + (stay.until - origin) // width * width
    if first > last:  # all in one bucket
        return _in_one(history, stay, stay.since, stay.until, last)
    buckets = _in_one(history, stay, stay.since, first, first - width)
    buckets += history.chart(stay.device_id, stay.channel, first, last, (last - first) // width, calm)
    return buckets + _in_one(history, stay, last, stay.until, last)


def _in_one(history: History, stay: Stay, since: int, until: int, at: int) -> list[Bucket]:
    found = history.chart(stay.device_id, stay.channel, since, until, 1) if since < until else []
    return [Bucket(at, one.low, one.high, one.total, one.count) for one in found]


def merged(drawn: Iterable[Sequence[Bucket]]) -> list[Bucket]:
    """Several probes' buckets on one grid: the lowest low, the highest high, the mean of all readings."""
    by_instant: dict[int, Bucket] = {}
    for buckets in drawn:
        for bucket in buckets:
            same = by_instant.get(bucket.since)
            by_instant[bucket.since] = bucket if same is None else same.joined(bucket)
    return [by_instant[at] for at in sorted(by_instant)]


def _gaps(history: History, stays: Sequence[Stay], drawn: Sequence[Sequence[Bucket]]) -> tuple[list[Span], list[Span]]:
    """Where no probe told anything that should have, and where at least one did."""
    watched: list[Span] = []
    known: list[Span] = []
    for stay, buckets in zip(stays, drawn, strict=True):
        gaps = history.gaps(stay.device_id, stay.channel, stay.since, stay.until, stay.longest_known)
        begin = _watched_from(stay, buckets, gaps)
        if begin < stay.until:
            watched.append((begin, stay.until))
            known += without([(begin, stay.until)], gaps)
    known = joined(known)
    return without(joined(watched), known), known


def _watched_from(stay: Stay, buckets: Sequence[Bucket], gaps: Sequence[Span]) -> int:
    """What precedes the first reading ever is no gap: nobody had begun to measure."""
    if gaps and gaps[0][0] <= stay.since:
        return stay.since
    if not buckets:
        return stay.until
    first = max(stay.since, buckets[0].since)
    return stay.since if first - stay.since <= stay.longest_known else first


def joined(spans: Iterable[Span]) -> list[Span]:
    """As few spans as possible, in order."""
    together: list[Span] = []
    for begin, end in sorted(spans):
        if together and begin <= together[-1][1]:
            together[-1] = (together[-1][0], max(end, together[-1][1]))
        else:
            together.append((begin, end))
    return together


def without(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """What of the spans lies in none of the others; both in order, each without overlap."""
    left: list[Span] = []
    for begin, end in spans:
        at = begin
        for other_begin, other_end in others:
            if other_end <= at or end <= other_begin:
                continue
            if at < other_begin:
                left.append((at, other_begin))
            at = other_end
        if at < end:
            left.append((at, end))
    return left


def summed_up(buckets: Sequence[Bucket], known: Sequence[Span], gaps: Sequence[Span], limits: Limits) -> Summary:
    """A bucket's readings hold until the next one's; of one that leaves the band, the part inside counts."""
    edges = [bucket.since for bucket in buckets]
    total = inside = 0.0
    for begin, end in known:
        at = begin
        place = max(0, bisect_right(edges, begin) - 1)
        while at < end and place < len(buckets):
            following = edges[place + 1] if place + 1 < len(buckets) else end
            until = max(at, min(end, following))
            total += until - at
            inside += (until - at) * share_inside(buckets[place], limits)
            at, place = until, place + 1
    return Summary(
        in_range_pct=round(100 * inside / total, 1) if total else None,
        lowest=min((bucket.low for bucket in buckets), default=None),
        highest=max((bucket.high for bucket in buckets), default=None),
        unknown=sum(end - begin for begin, end in gaps),
    )


def share_inside(bucket: Bucket, limits: Limits) -> float:
    """Which part of the way from the bucket's lowest to its highest lies in the safe band."""
    low = bucket.low if limits.low is None else max(bucket.low, limits.low)
    high = bucket.high if limits.high is None else min(bucket.high, limits.high)
    if low > high:
        return 0.0
    width = bucket.high - bucket.low
    return 1.0 if width == 0 else (high - low) / width
