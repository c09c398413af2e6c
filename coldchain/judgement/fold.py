"""The fold: a sensor's memory and its next readings in time order give a new memory and the intervals that ended.

Memory is small and equal where the past that matters is equal: that is how a re-judgement knows where to stop.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from coldchain.judgement import run as runs
from coldchain.judgement import tally as tallies
from coldchain.judgement.interval import Interval
from coldchain.judgement.run import Run
from coldchain.judgement.tally import Tally
from coldchain.judgement.timeline import Stretch, Timeline
from coldchain.rules import Rule


@dataclass(frozen=True, slots=True)
class Memory:
    """What is going on, in order of the rules' codes. Nothing where the sensor is in range."""

    going_on: tuple[Run | Tally, ...] = ()

    def open_intervals(self) -> list[Interval]:
        """The intervals that have met their rule and have not ended."""
        return [interval for one in self.going_on if (interval := one.interval()) is not None]


AT_REST = Memory()


def fold(
    memory: Memory, instants: Sequence[int], values: Sequence[int], timeline: Timeline
) -> tuple[Memory, list[Interval]]:
    """Fold readings (ms UTC and centidegrees, in order of instant, then value) into the memory.

    Gives the new memory and the intervals that ended or were cut, in the order of their ends.
    """
    ended: list[Interval] = []
    for stretch, begin, end in timeline.pieces(instants):
        memory = _arrived(memory, stretch, ended)
        if not memory.going_on and _all_in_range(values, begin, end, stretch):
            continue
        for index in range(begin, end):
            memory = _step(memory, instants[index], values[index], stretch, ended)
    return memory, ended


def judge(instants: Sequence[int], values: Sequence[int], timeline: Timeline) -> list[Interval]:
    """All intervals of a closed set of readings, sorted by start, then code."""
    memory, ended = fold(AT_REST, instants, values, timeline)
    return sorted([*ended, *memory.open_intervals()], key=lambda interval: (interval.started_at, interval.code))


def _all_in_range(values: Sequence[int], begin: int, end: int, stretch: Stretch) -> bool:
    part = values[begin:end]
    lowest, highest = min(part), max(part)
    return not any(rule.is_out(lowest) or rule.is_out(highest) for rule in stretch.rules)


def _arrived(memory: Memory, stretch: Stretch, ended: list[Interval]) -> Memory:
    """A sensor that was moved leaves its runs behind: what it measures now is no evidence of the place before."""
    staying = tuple(one for one in memory.going_on if one.stay == stretch.stay and stretch.is_judged)
    if len(staying) == len(memory.going_on):
        return memory
    for one in memory.going_on:
        if one not in staying and (interval := one.interval(cut=True)) is not None:
            ended.append(interval)
    return Memory(staying)


def _step(memory: Memory, at: int, value: int, stretch: Stretch, ended: list[Interval]) -> Memory:
    by_code = {one.rule.code: one for one in memory.going_on}
    in_force = {rule.code: rule for rule in stretch.rules}
    following: list[Run | Tally] = []
    for code in sorted(by_code.keys() | in_force.keys()):
        going_on, rule = by_code.get(code), in_force.get(code)
        after, interval = _step_rule(going_on, at, value, rule or by_code[code].rule, stretch)
        if interval is not None:
            ended.append(interval)
        is_over = rule is None and interval is not None  # the set in force has it no longer: none begins again
        if after is not None and not is_over:
            following.append(after)
    return Memory(tuple(following)) if following else AT_REST


def _step_rule(
    going_on: Run | Tally | None, at: int, value: int, rule: Rule, stretch: Stretch
) -> tuple[Run | Tally | None, Interval | None]:
    ended = None
    if going_on is not None:
        after, ended = (
            tallies.step(going_on, at, value, stretch.longest_known)
            if isinstance(going_on, Tally)
            else runs.step(going_on, at, value, stretch.longest_known)
        )
        if after is not None:
            return after, ended
    if not rule.is_out(value):
        return None, ended
    begun_by = tallies.begun_by if rule.mode == "cumulative" else runs.begun_by
    return begun_by(at, value, rule, stretch), ended
