"""A strip: the last 24 hours of a point in 96 quarter hours, lowest and highest of each, in tenths of a degree.

A sensor's strip is kept until its readings change or the quarter hour does. Then its newest quarter hours are made at
once, for whoever waits; the whole of it, with what came late, soon after (`whole`).
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stream.history import QUARTER, Bucket, History, SensorNow

STEP = QUARTER
STEPS = 96

NOTHING: tuple[int | None, ...] = (None,) * STEPS


@dataclass(frozen=True, slots=True)
class Strip:
    """From `since` (ms UTC) in steps; None where there is no reading. Centidegrees."""

    since: int
    low: tuple[int | None, ...]
    high: tuple[int | None, ...]

    def tenths(self) -> tuple[list[int | None], list[int | None]]:
        return [_tenths(value) for value in self.low], [_tenths(value) for value in self.high]

    def begun_at(self, since: int) -> "Strip":
        """The same on the grid that begins then: what is older falls off, what is newer is empty."""
        moved = max(0, min(STEPS, (since - self.since) // STEP))
        return Strip(since, (*self.low[moved:], *NOTHING[:moved]), (*self.high[moved:], *NOTHING[:moved]))

    def with_buckets(self, buckets: Iterable[Bucket]) -> "Strip":
        low, high = list(self.low), list(self.high)
        for bucket in buckets:
            place = (bucket.since - self.since) // STEP
            low[place], high[place] = bucket.low, bucket.high
        return Strip(self.since, tuple(low), tuple(high))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A strip as of a revision of its sensor, whose newest reading was at `last_at`."""

    revision: int
    last_at: int | None
    strip: Strip
    is_whole: bool


def beginning(at: int) -> int:
    """Where a strip begins that ends with the quarter hour of the instant."""
    return (at // STEP + 1 - STEPS) * STEP


class Strips:
    """Safe over threads."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], _Kept] = {}

    def of(self, sensors: Sequence[SensorNow], at: int, *, whole: bool = False) -> Strip:
        """The sensors' strip together: the lowest of the lows, the highest of the highs."""
        since = beginning(at)
        strips = [self._one(sensor, since, whole) for sensor in sensors]
        if len(strips) == 1:
            return strips[0]
        return Strip(
            since,
            tuple(min(_known(strip.low[i] for strip in strips), default=None) for i in range(STEPS)),
            tuple(max(_known(strip.high[i] for strip in strips), default=None) for i in range(STEPS)),
        )

    def _one(self, sensor: SensorNow, since: int, whole: bool) -> Strip:
        key = (sensor.device_id, sensor.channel)
        with self._lock:
            kept = self._kept.get(key)
        is_current = kept is not None and (kept.strip.since, kept.revision) == (since, sensor.revision)
        if kept is not None and is_current and (kept.is_whole or not whole):
            return kept.strip
        newest = None if kept is None or kept.strip.since > since else kept.last_at
        if whole or kept is None or newest is None or newest < since:
            strip, is_whole = self._charted(Strip(since, NOTHING, NOTHING), sensor, since), True
        else:
            strip, is_whole = self._brought_up(kept.strip.begun_at(since), sensor, newest // STEP * STEP), False
        with self._lock:
            self._kept[key] = _Kept(sensor.revision, sensor.last_at, strip, is_whole)
        return strip

    def _brought_up(self, strip: Strip, sensor: SensorNow, since: int) -> Strip:
        """The same from what the sensor's tail tells already, where that reaches back as far as is needed."""
        if since < sensor.recent_since:
            return self._charted(strip, sensor, since)
        until = strip.since + STEPS * STEP
        return strip.with_buckets(bucket for bucket in sensor.recent if since <= bucket.since < until)

    def _charted(self, strip: Strip, sensor: SensorNow, since: int) -> Strip:
        """With the readings from `since` (a step's begin) on."""
        until = strip.since + STEPS * STEP
        if since >= until:
            return strip
        steps = (until - since) // STEP
        return strip.with_buckets(self._history.chart(sensor.device_id, sensor.channel, since, until, steps))


def _known(values: Iterable[int | None]) -> list[int]:
    return [value for value in values if value is not None]


def _tenths(value: int | None) -> int | None:
    """Half away from zero, as people round."""
    if value is None:
        return None
    return (abs(value) + 5) // 10 * (1 if value >= 0 else -1)
