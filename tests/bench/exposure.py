"""What a stay of 400 days costs to be told, and what the totals of days cost to be made.

One storage point with a reading a minute, asked through the desk in this process; CPU of the judge's thread alone for
the totals. Steps of 0.0625 °C, times ragged by ±1 s, as in the rest of the bench.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from coldchain.clock import DAY, MINUTE
from coldchain.journal import Entry
from coldchain.packs import Column, Pack
from coldchain.sqlite import open_to_read
from registry import devices
from tests.api.conftest import START, Person, World

DAYS = 400
TRIES = 9


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))
    return 0


def measure(folder: Path, interval: int = MINUTE) -> None:
    """Print it all."""
    print(f"exposure at one storage point, a reading every {interval // MINUTE} min for {DAYS} days, asked at the desk")
    with closing(World(folder)) as world:
        point, count = _filled(world, interval)
        asker = world.user("the.asker")
        _say("a 400-day stay, read from readings", _took(asker, point, 1))
        steps = list(_added_up(world))
        print(f"  totals made: CPU per reading                     {1e6 * sum(steps) / count:>12.2f} µs")
        print(f"  the judge's thread held by a step at most        {1e3 * max(steps):>12.1f} ms")
        print(f"  bytes of totals per reading                      {_bytes(world) / count:>12.2f}")
        _say("a 400-day stay, from totals", _took(asker, point, TRIES))
        _say("time in range of 400 days, by day", _took(asker, point, TRIES, "time-in-range"))
        _say("time in range of 400 days, by month", _took(asker, point, TRIES, "time-in-range", by="month"))
        _say("a week's stay", _took(asker, point, TRIES, days=7))


def _filled(world: World, interval: int) -> tuple[str, int]:
    point = world.point("ILR 1")
    world.device("bench-exposure", point)
    with world.written() as shelf:
        devices.declare(shelf, "bench-exposure", interval, START - DAYS * DAY, START)
    world.settle()
    dice = random.Random(4)
    sixteenths = 80
    count = 0
    for begin in range(START - DAYS * DAY, START, DAY):
        instants, values = [], []
        for at in range(begin, begin + DAY, interval):
            sixteenths = min(140, max(20, sixteenths + dice.choice((-1, 0, 0, 1))))
            instants.append(at + dice.randrange(-1000, 1000))
            values.append((sixteenths * 25 + 2) // 4)
        column = Column("tvc", "Cel", tuple(instants), tuple(values))
        pack = Pack("bench-exposure", "0", None, instants[-1], "device", (column,))
        world.judge.take([Entry(begin // DAY, "bench-exposure", pack)])
        count += len(instants)
    return point, count


def _added_up(world: World) -> Iterator[float]:
    """CPU seconds of each step."""
    is_more = True
    while is_more:
        begun = time.thread_time()
        is_more = world.judge.add_up()
        yield time.thread_time() - begun


def _took(asker: Person, point: str, tries: int, what: str = "exposure", days: int = DAYS, **query: Any) -> list[float]:
    took = []
    for _ in range(tries):
        begun = time.perf_counter()
        asker.get(f"/storage-points/{point}/{what}", since=START - days * DAY + 4_711, until=START - 815, **query)
        took.append(time.perf_counter() - begun)
    return sorted(took)


def _say(name: str, took: list[float]) -> None:
    print(f"  {name:<48} {1e3 * took[len(took) // 2]:>12.1f} ms   (slowest {1e3 * took[-1]:.1f})")


def _bytes(world: World) -> int:
    with closing(open_to_read(world.data_dir.stream)) as connection:
        return int(connection.execute("SELECT sum(length(held) + 12) FROM exposure_days").fetchone()[0])


if __name__ == "__main__":
    sys.exit(main())
