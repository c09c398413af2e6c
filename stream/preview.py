"""A preview: what a stretch of a sensor's stored readings gives under rules that are not, or not yet, in force.

The very fold of the judge, over the very readings; only the timeline is another. Nothing is kept.
"""

from collections.abc import Sequence

from coldchain.clock import DAY
from coldchain.events import FOREVER
from coldchain.judgement import ALWAYS, AT_REST, Interval, Timeline, fold
from stream.history import History

AT_ONCE = 512
"""Readings folded at once: a part that is all in range costs next to nothing."""

LONGEST_LEAD = 62 * DAY
"""How far before the stretch the fold begins at most, so that it is on its way when the stretch begins."""


def lead_of(timeline: Timeline) -> int:
    """So much earlier (ms) must the fold begin: what is older can no longer matter, but for how long it was out."""
    rules = [rule for stretch in timeline.stretches for rule in stretch.rules]
    if any(rule.mode == "cumulative" and rule.window is None for rule in rules):
        return LONGEST_LEAD
    gap = max((stretch.longest_known for stretch in timeline.stretches), default=0)
    return min(LONGEST_LEAD, 2 * max((rule.window or rule.duration for rule in rules), default=0) + gap)


def previewed(
    history: History, device_id: str, channel: str, timelines: Sequence[Timeline], since: int, until: int
) -> list[list[Interval]]:
    """For each timeline the intervals that touch [since, until), in order of their start.

    One that had begun more than the lead before the stretch is told as begun then.
    """
    lead = max((lead_of(timeline) for timeline in timelines), default=0)
    instants, values = history.columns(device_id, channel, max(ALWAYS, since - lead), until)
    return [_touching(_judged(instants, values, timeline), since) for timeline in timelines]


def _judged(instants: Sequence[int], values: Sequence[int], timeline: Timeline) -> list[Interval]:
    memory, intervals = AT_REST, list[Interval]()
    for begin in range(0, len(instants), AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        memory, ended = fold(memory, instants[part], values[part], timeline)
        intervals += ended
    return sorted([*intervals, *memory.open_intervals()], key=lambda one: (one.started_at, one.code))


def _touching(intervals: Sequence[Interval], since: int) -> list[Interval]:
    return [one for one in intervals if _reaches(one) > since]


def _reaches(interval: Interval) -> int:
    if interval.cut:
        return interval.started_at + interval.out + interval.unknown
    return FOREVER if interval.ended_at is None else interval.ended_at
