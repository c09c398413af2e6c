"""A store of many millions of readings, laid out by the real storage code, and what the API takes to read it.

Each sensor has a reading every five minutes, a year of them where a hundred millions are asked for. One day, 300 days
ago, is left out: it arrives late.
"""

import asyncio
import multiprocessing
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from coldchain.clock import DAY, MINUTE, now
from coldchain.data_dir import DataDir
from coldchain.judgement import ALWAYS, AT_REST, Timeline
from coldchain.sqlite import open_to_write, transaction
from ingest.gate import Gate
from simulators.accounts import Account
from simulators.load import CHANNEL, Log, Plan, press
from stream import chunks, sensors
from stream.chunks import SEAL_AT, TAIL_KEEPS, Chunk
from stream.judge import Judge
from stream.sensors import Sensor
from tests.bench.measures import median, p99, sizes
from tests.helpers_end_to_end import Platform

INTERVAL = 5 * MINUTE
RAGGED = 1_000
LATE_BY = 300 * DAY
A_DAY = DAY // INTERVAL
WALKS = 16
"""Different walks; the sensors share them, each from a place of its own."""


@dataclass(frozen=True, slots=True)
class Walk:
    """`offsets` from the even grid in ms, `values` in centidegrees."""

    offsets: list[int]
    values: list[int]


def late_day() -> int:
    """When the day begins that is left out."""
    return (now() - LATE_BY) // DAY * DAY


def fill(stream_file: Path, device_ids: Sequence[str], each: int, until: int, hole: int) -> int:
    """So many readings of each device up to the instant, but for the day from `hole` on; gives how many in all.

    Sealed as they are sealed in life: stretch after stretch, and of each stretch sensor after sensor.
    """
    Judge(stream_file).close()  # lays the file out
    begin = until - each * INTERVAL
    walks = [_walk(Random(seed), each) for seed in range(WALKS)]
    filled = 0
    with closing(open_to_write(stream_file, synchronous="OFF")) as connection:
        with transaction(connection):
            known = [sensors.enter(connection, device_id, CHANNEL, "Cel", Timeline(())) for device_id in device_ids]
        edges = [*range(0, each - TAIL_KEEPS, SEAL_AT), each]
        for first, last in pairwise(edges):
            with transaction(connection):
                for number, sensor in enumerate(known):
                    instants, values = _stretch(walks[number % WALKS], number, begin, first, last, hole)
                    filled += len(instants)
                    if not instants:  # all of it belongs to the day that is left out
                        continue
                    if last < each:
                        chunks.save(
                            connection, sensor.number, Chunk(_since(first, begin), instants, values, [], AT_REST)
                        )
                    else:
                        _end(sensor, _since(first, begin), instants, values)
        with transaction(connection):
            sensors.save(connection, known, 1)
            connection.execute("UPDATE revision SET number = number + 1")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return filled


def _since(first: int, begin: int) -> int:
    return ALWAYS if first == 0 else begin + first * INTERVAL - RAGGED


def _walk(dice: Random, length: int) -> Walk:
    """In sixteenths of a degree, a step up or down every other time, around 5 °C."""
    sixteenths, values = 80, []
    for _ in range(length):
        sixteenths += dice.choice((0, 0, 1, -1))
        sixteenths = min(max(sixteenths, 56), 104)
        values.append((sixteenths * 25 + 2) // 4)
    return Walk([dice.randint(-RAGGED, RAGGED) for _ in range(length)], values)


def _stretch(walk: Walk, number: int, begin: int, first: int, last: int, hole: int) -> tuple[list[int], list[int]]:
    turn = number * 37 % 1_000
    at = begin + first * INTERVAL + RAGGED
    instants = [at + n * INTERVAL + walk.offsets[(first + n + turn) % len(walk.offsets)] for n in range(last - first)]
    values = [walk.values[(first + n + turn) % len(walk.values)] for n in range(last - first)]
    if instants[-1] < hole or instants[0] >= hole + DAY:
        return instants, values
    kept = [(one, value) for one, value in zip(instants, values, strict=True) if not hole <= one < hole + DAY]
    return [one for one, _ in kept], [value for _, value in kept]


def _end(sensor: Sensor, since: int, instants: list[int], values: list[int]) -> None:
    sensor.since = since
    sensor.replace_tail(instants, values, [])
    sensor.last_at, sensor.last_value, sensor.received_at = instants[-1], values[-1], instants[-1]


def stored(data: Path, readings: int) -> dict[str, float]:
    """Bytes a reading of each file after retention: as it will be in eight days, the logs written into the files."""
    data_dir = DataDir(data)
    gate = Gate(data_dir, lambda: now() + 8 * DAY)
    gate.prune()
    while gate.give_back():
        pass
    gate.close()
    for file in (data_dir.gate, data_dir.stream, data_dir.books):
        with closing(open_to_write(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return {name: size / readings for name, size in sizes(data).items()}


def wall_ms(platform: Platform, times: int) -> list[float]:
    return list(_asked(platform, ["/api/v1/wall"] * times))


def chart_ms(platform: Platform, point_ids: Sequence[str], times: int) -> list[float]:
    """The chart of a year, of one storage point after the other."""
    window = f"from={now() - 365 * DAY}&to={now()}"
    paths = [f"/api/v1/storage-points/{point_ids[n % len(point_ids)]}/chart?{window}" for n in range(times)]
    return list(_asked(platform, paths))


def _asked(platform: Platform, paths: Sequence[str]) -> Iterator[float]:
    token = platform.sign_in()
    for path in paths:
        request = urllib.request.Request(platform.url + path, headers={"authorization": f"Bearer {token}"})
        begun = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
        yield 1e3 * (time.perf_counter() - begun)


def said(name: str, took: Sequence[float], limit: str) -> str:
    return f"  {name:<50} p50 {median(took):>8.1f} ms   p99 {p99(took):>8.1f} ms   {limit}"


def press_apart(url: str, accounts: Sequence[Account], hole: int) -> None:
    """Send the day that was left out, as fast as it is taken, from a process of its own."""
    context = multiprocessing.get_context("spawn")
    pressing = context.Process(target=_press_late, args=(url, list(accounts), hole))
    pressing.start()
    pressing.join(900)
    assert pressing.exitcode == 0


def _press_late(url: str, accounts: list[Account], hole: int) -> None:
    plan = Plan(4, A_DAY // 4, hole + RAGGED, INTERVAL)
    asyncio.run(press(url, accounts, plan, Log()))
