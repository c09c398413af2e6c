"""Warming: how long a store without power stays cold, learned from its own earlier power cuts.

A warm-up is what one probe measured while the power was away. Its way up is cut into bands of half a degree; each band
took so long, and the bands between now and the limit add up to the forecast. What other cuts took is its uncertainty.
The present cut speaks too: where it has run through bands faster or slower than usual (a hot day, a full fridge), so
will the rest be expected to. A band that no cut has reached yet is reckoned as the one below, down to half of it.

Pure; instants and times in ms, temperatures in centidegrees. Nothing is known of the room or of what the store holds:
that is why a forecast is a span and never an alarm.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

BAND = 50

LEAST_SHARE = 0.25
"""Of a band that was only partly run through, so much must have been, to be reckoned up to the whole of it."""

SPREAD, OF_FEW = (0.7, 1.4), {1: (0.4, 2.2), 2: (0.55, 1.8)}
"""How far the shortest and the longest time through a band are stretched; further where only one or two cuts tell."""

SLOWEST, FASTEST = 0.33, 3.0
"""By how much the present cut may correct what was learned."""

Warmup = Sequence[tuple[int, int]]
"""Readings of one probe during one cut: (instant, centidegrees), in order."""


@dataclass(frozen=True, slots=True)
class Learned:
    """For each band (its lower edge in centidegrees) what each of `cuts` earlier cuts took to run through it, in ms."""

    bands: dict[int, tuple[int, ...]]
    cuts: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """In how many ms the limit will be passed: at the earliest, likely, at the latest (None: nobody can say).

    `cuts`: from how many earlier ones this was learned. `is_beyond`: none of them came up to the limit.
    """

    earliest: int
    likely: int
    latest: int | None
    cuts: int
    is_beyond: bool


def learn(warmups: Iterable[Warmup]) -> Learned:
    """What earlier cuts tell."""
    told: dict[int, list[int]] = {}
    cuts = 0
    for warmup in warmups:
        took = times_through(warmup)
        cuts += bool(took)
        for band, time in took.items():
            told.setdefault(band, []).append(time)
    return Learned({band: tuple(sorted(times)) for band, times in sorted(told.items())}, cuts)


def times_through(warmup: Warmup) -> dict[int, int]:
    """For each band that the cut ran through, wholly or for a good part, the ms that the whole of it takes."""
    rising = _rising(warmup)
    if len(rising) < 2 or rising[-1][1] <= rising[0][1]:
        return {}
    lowest, highest = rising[0][1], rising[-1][1]
    took = {}
    for band in range(lowest // BAND * BAND, highest + 1, BAND):
        begin, end = max(band, lowest), min(band + BAND, highest)
        if end - begin < LEAST_SHARE * BAND:
            continue
        if end == highest:  # it stayed there until the power came back: so long at least
            took[band] = rising[-1][0] - _reached(rising, begin)
        else:
            took[band] = round((_reached(rising, end) - _reached(rising, begin)) * BAND / (end - begin))
    return took


def forecast(learned: Learned, so_far: Warmup, limit: int) -> Forecast | None:
    """When the probe that measured `so_far` since the power went passes the limit; None where nothing is known yet.

    A probe beyond the limit has passed it: all times are 0.
    """
    if not so_far:
        return None
    now, value = so_far[-1][0], max(at_most for _, at_most in so_far[-3:])
    if value > limit:
        return Forecast(0, 0, 0, learned.cuts, is_beyond=False)
    own = times_through(so_far)
    bands = learned.bands or {band: (time,) for band, time in own.items()}
    if not bands:
        return None
    pace = _pace(learned, own, value // BAND * BAND)
    earliest = likely = latest = 0.0
    is_beyond = not learned.bands
    for band in range(value // BAND * BAND, limit + 1, BAND):
        share = (min(band + BAND, limit + 1) - max(band, value)) / BAND
        times = bands.get(band)
        if times is None:
            times, is_beyond = _reckoned(bands, band), True
        low, middle, high = _spread(times, max(learned.cuts, 1))
        earliest, likely, latest = earliest + low * share, likely + middle * share, latest + high * share
    waited = now - _reached(_rising(so_far), value)  # the time already spent where it stands counts
    return Forecast(
        earliest=max(0, round(earliest * min(pace, 1.0) - waited - _last_step(so_far))),
        likely=max(0, round(likely * pace - waited)),
        latest=None if is_beyond else max(0, round(latest * max(pace, 1.0) - waited)),
        cuts=learned.cuts,
        is_beyond=is_beyond,
    )


def _last_step(warmup: Warmup) -> int:
    """Between two readings nobody saw what happened."""
    return warmup[-1][0] - warmup[-2][0] if len(warmup) > 1 else 0


def _spread(times: Sequence[int], cuts: int) -> tuple[float, float, float]:
    """Shortest, middle and longest time through a band, as far as so many cuts can tell."""
    middle = median(times)
    down, up = OF_FEW.get(min(len(times), cuts), SPREAD)
    return min(times) * down, middle, max(times) * up


def _reckoned(bands: dict[int, tuple[int, ...]], band: int) -> tuple[int, ...]:
    """What a band is taken to need that no cut has run through: as its nearest neighbour, and as little as half."""
    nearest = bands[min(bands, key=lambda known: abs(known - band))]
    return (min(nearest) // 2, *nearest)


def _pace(learned: Learned, own: dict[int, int], unfinished: int) -> float:
    """How much slower (above 1) the present cut runs than earlier ones, over the bands it has left behind."""
    ratios = [
        time / middle
        for band, time in own.items()
        if band < unfinished and (middle := median(learned.bands.get(band, (0,))))
    ]
    return min(FASTEST, max(SLOWEST, median(ratios))) if ratios else 1.0


def _rising(warmup: Warmup) -> list[tuple[int, int]]:
    """The highest value so far at each instant where it grows, and at the last: a last breath of cold is no fall."""
    rising: list[tuple[int, int]] = []
    for at, value in warmup:
        if not rising or value > rising[-1][1]:
            rising.append((at, value))
    if warmup and rising[-1][0] != warmup[-1][0]:
        rising.append((warmup[-1][0], rising[-1][1]))
    return rising


def _reached(rising: Sequence[tuple[int, int]], value: int) -> int:
    """When the value was first reached, between two readings in proportion."""
    for (at, before), (then, after) in pairwise(rising):
        if before >= value:
            return at
        if after >= value:
            return at + (then - at) * (value - before) // (after - before)
    return rising[-1][0]


def spells_below(instants: Sequence[int], values: Sequence[int], level: int) -> list[tuple[int, int]]:
    """Spans [first instant below the level, next instant at or above it, or the last one) of a switch's readings."""
    spells: list[tuple[int, int]] = []
    begun: int | None = None
    for at, value in zip(instants, values, strict=True):
        if value < level and begun is None:
            begun = at
        elif value >= level and begun is not None:
            spells.append((begun, at))
            begun = None
    if begun is not None and instants[-1] > begun:
        spells.append((begun, instants[-1]))
    return spells


def within(instants: Sequence[int], values: Sequence[int], since: int, until: int) -> Warmup:
    """The readings in [since, until]; the one just before stands for the beginning."""
    begin = max(0, bisect_right(instants, since) - 1)
    end = bisect_right(instants, until)
    return list(zip(instants[begin:end], values[begin:end], strict=True))
