"""Re-judgement: what came late, or a dated fact that changed, is folded into the past until the past is met again.

The fold restarts with the memory at the start of the chunk that owns the first dirty instant, and goes on from chunk
to chunk until its memory equals the one stored there, or to the end. What was so replayed is a `Replay`; the verdicts
follow from it.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from coldchain.events import FOREVER
from coldchain.judgement import Interval, Memory, Run, Tally, fold
from stream import chunks
from stream.chunks import SEAL_AT, TAIL_KEEPS, Chunk, Fault
from stream.sensors import Sensor


@dataclass(slots=True)
class Late:
    """What is to be merged into the past: readings (instant, value), faults, and spans that are judged anew."""

    readings: set[tuple[int, int]] = field(default_factory=set)
    faults: set[Fault] = field(default_factory=set)
    spans: list[tuple[int, int]] = field(default_factory=list)

    def dirty(self) -> list[tuple[int, int]]:
        """All dirty spans [first, until), sorted; an instant is a span of one ms."""
        points = {at for at, _ in self.readings} | {at for at, _ in self.faults}
        return sorted([*((at, at + 1) for at in points), *self.spans])


@dataclass(frozen=True, slots=True)
class Replay:
    """Folded anew over [since, until): from this memory to that one; the intervals that ended on the way.

    `until` is FOREVER where the replay went to the end: what is open in `after` is open now.
    """

    since: int
    until: int
    before: Memory
    after: Memory
    ended: list[Interval]

    def span(self, code: str) -> tuple[int, int]:
        """Starts of this code's intervals about which the replay knows the whole truth, half-open."""
        since, until = self.since, self.until
        for one in self.before.going_on:
            if one.rule.code == code:
                since = min(since, _begun_at(one))
        if until != FOREVER:
            for one in self.after.going_on:
                if one.rule.code == code:
                    until = min(until, _begun_at(one))
        return since, until

    def intervals(self, code: str) -> list[Interval]:
        still_open = self.after.open_intervals() if self.until == FOREVER else []
        since, until = self.span(code)
        return [i for i in (*self.ended, *still_open) if i.code == code and since <= i.started_at < until]

    def codes(self) -> set[str]:
        return {one.rule.code for one in (*self.before.going_on, *self.after.going_on)} | {i.code for i in self.ended}


def rejudge(connection: sqlite3.Connection, sensor: Sensor, late: Late) -> list[Replay]:
    """Merge and fold; the sensor's chunks, tail and memory are as they would have been had nothing been late."""
    replays = []
    dirty = late.dirty()
    while dirty:
        replay = _replay(connection, sensor, late, dirty)
        replays.append(replay)
        dirty = [(first, until) for first, until in dirty if until > replay.until]
    return replays


def _replay(connection: sqlite3.Connection, sensor: Sensor, late: Late, dirty: list[tuple[int, int]]) -> Replay:
    chunk = None
    if dirty[0][0] < sensor.since:
        chunk = chunks.owner(connection, sensor.number, dirty[0][0])
    since = sensor.since if chunk is None else chunk.since
    before = memory = sensor.start if chunk is None else chunk.memory
    ended: list[Interval] = []
    while chunk is not None:
        following = chunks.after(connection, sensor.number, chunk.since)
        edge = sensor.since if following is None else following.since
        memory = _refold_chunk(connection, sensor, replace(chunk, memory=memory), late, edge, ended)
        stored = sensor.start if following is None else following.memory
        if memory == stored and _is_clean(dirty, edge) and not _holds_tally(memory):
            return Replay(since, edge, before, memory, ended)
        chunk = following
    sensor.start = memory
    return Replay(since, FOREVER, before, _refold_tail(connection, sensor, late, ended), ended)


def _is_clean(dirty: list[tuple[int, int]], edge: int) -> bool:
    """Whether no dirty span that has begun before the edge goes on behind it."""
    return not any(first < edge < until for first, until in dirty)


def _holds_tally(memory: Memory) -> bool:
    """A sum that is still being counted may tell of intervals on both sides of any edge: it is followed to its end."""
    return any(isinstance(one, Tally) for one in memory.going_on)


def _refold_chunk(
    connection: sqlite3.Connection, sensor: Sensor, chunk: Chunk, late: Late, edge: int, ended: list[Interval]
) -> Memory:
    """Merge what is late into the chunk that owns [since, edge), judge it from its memory, and keep it."""
    readings = {pair for pair in late.readings if chunk.since <= pair[0] < edge}
    faults = {fault for fault in late.faults if chunk.since <= fault[0] < edge}
    readings -= set(zip(chunk.instants, chunk.values, strict=True))
    faults -= set(chunk.faults)
    if not readings and not faults:
        chunks.remember(connection, sensor.number, chunk.since, chunk.memory)
        return _fold(sensor, chunk.memory, chunk.instants, chunk.values, ended)
    instants, values = chunks.merged(chunk.instants, chunk.values, list(readings))
    swollen = Chunk(chunk.since, instants, values, sorted({*chunk.faults, *faults}), chunk.memory)
    return _seal(connection, sensor, swollen, ended)


def _refold_tail(connection: sqlite3.Connection, sensor: Sensor, late: Late, ended: list[Interval]) -> Memory:
    readings = [pair for pair in late.readings if pair[0] >= sensor.since]
    faults = [fault for fault in late.faults if fault[0] >= sensor.since]
    instants, values = chunks.merged(sensor.instants, sensor.values, readings)
    all_faults = sorted({*sensor.faults, *faults})
    sensor.replace_tail(instants, values, all_faults)
    sensor.memory = _fold(sensor, sensor.start, instants, values, ended)
    return sensor.memory


def shorten_tail(connection: sqlite3.Connection, sensor: Sensor) -> None:
    """Seal the older part of a tail that has grown long; what is known and judged stays as it is."""
    if len(sensor.instants) + len(sensor.faults) < SEAL_AT + TAIL_KEEPS:
        return
    edge = chunks.seam(sensor.instants, sensor.faults, -TAIL_KEEPS)
    if edge is None:
        return
    cut, early = bisect_left(sensor.instants, edge), bisect_left(sensor.faults, (edge, ""))
    instants, values = sensor.instants[:cut].tolist(), sensor.values[:cut].tolist()  # gone through many times
    older = Chunk(sensor.since, instants, values, sensor.faults[:early], sensor.start)
    sensor.start = _seal(connection, sensor, older, [])
    sensor.since = edge
    sensor.replace_tail(sensor.instants[cut:], sensor.values[cut:], sensor.faults[early:])


def _seal(connection: sqlite3.Connection, sensor: Sensor, chunk: Chunk, ended: list[Interval]) -> Memory:
    """Keep readings as one chunk, or as several where they are too many for one; gives the memory after them."""
    while len(chunk) >= 2 * SEAL_AT and (edge := chunks.seam(chunk.instants, chunk.faults, SEAL_AT)) is not None:
        cut, early = bisect_left(chunk.instants, edge), bisect_left(chunk.faults, (edge, ""))
        older = replace(chunk, instants=chunk.instants[:cut], values=chunk.values[:cut], faults=chunk.faults[:early])
        chunks.save(connection, sensor.number, older)
        memory = _fold(sensor, chunk.memory, older.instants, older.values, ended)
        chunk = Chunk(edge, chunk.instants[cut:], chunk.values[cut:], chunk.faults[early:], memory)
    chunks.save(connection, sensor.number, chunk)
    return _fold(sensor, chunk.memory, chunk.instants, chunk.values, ended)


def _fold(
    sensor: Sensor, memory: Memory, instants: Sequence[int], values: Sequence[int], ended: list[Interval]
) -> Memory:
    if not sensor.is_judged:
        return memory
    memory, more = fold(memory, instants, values, sensor.timeline)
    ended.extend(more)
    return memory


def _begun_at(one: Run | Tally) -> int:
    """The earliest instant at which an interval of it can have started."""
    if isinstance(one, Run):
        return one.started_at
    if one.started_at is not None:
        return one.started_at
    return one.pieces[0][0] if one.pieces else one.last_at
