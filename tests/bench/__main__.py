"""`make bench`: what one machine does, with sync FULL, through the real broker, gate, judge and desk.

Each figure stands beside what is required and what is aimed at, and beside what a peer or a bare library needs in the
same run. CPU is utime + stime of all our processes, the broker's with them and told apart; the publishers' is not
counted, though they run on the same machine and take their share of it. `--long`: two minutes of steady state, and a
hundred million readings stored (half an hour, 4 GB of disk).
"""

import os
import platform as machine
import sqlite3
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coldchain.clock import MINUTE
from simulators.accounts import Account
from tests.bench import peers, store
from tests.bench.measures import Latency, cpu, freezing, median, p99
from tests.bench.steady import Steady, capacity, judged, steady
from tests.helpers_end_to_end import Platform, running

SHARE = 0.7
"""Of what was reached when all sent as fast as they were let."""

REQUIRED_US = {1: "≤ 60 / 30", 60: "≤ 3 / 1.3"}


def main() -> int:
    options = _options()
    _say(described(options))
    _say_peers(options)
    for readings, trial in ((60, 10_000), (1, 40_000)):
        with _platform(options) as platform:
            _say_steady(platform, options, readings, max(2, trial // options.devices))
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        _say_store(Path(folder), options)
    return 0


def _options() -> Namespace:
    parser = ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000, help="how many send at once (default 1000)")
    parser.add_argument("--seconds", type=float, default=30, help="of steady state (default 30; 120 with --long)")
    parser.add_argument(
        "--rates",
        metavar="PACKS,SINGLES",
        help="messages a second, to compare runs on a busy machine (default: 70 %% of what is reached)",
    )
    parser.add_argument("--stored", type=int, default=10, help="millions of readings in the store (default 10)")
    parser.add_argument("--long", action="store_true", help="120 s of steady state, 100 millions stored")
    parser.add_argument("--dir", help="a folder on the disk to be measured (default: where temporary files go)")
    options = parser.parse_args()
    options.rates = (
        {} if options.rates is None else dict(zip((60, 1), map(float, options.rates.split(",")), strict=True))
    )
    if options.long:
        options.seconds, options.stored = max(options.seconds, 120.0), max(options.stored, 100)
    return options


def _say(line: str) -> None:
    print(line, flush=True)


# Limits and peers


def _say_peers(options: Namespace) -> None:
    packing, unpacking, size = peers.block_us()
    typical, worst = peers.commit_ms(options.dir)
    _say("beside what a bare library needs, in this run")
    _say(f"  msgspec decodes SenML, typed                       {peers.decode_us():>8.2f} µs a reading")
    _say(f"  the fold, in range                                 {peers.fold_us():>8.2f} µs a reading")
    _say(f"  a block of 256 readings packed, unpacked           {packing:>8.2f} {unpacking:.2f} µs, {size:.2f} bytes")
    for library in ("paho", "gmqtt"):
        _say(f"  {library + ', a bare subscriber at QoS 1':<50} {peers.subscriber_us(library):>8.1f} µs a message")
    _say(f"  SQLite, 100 rows a commit, FULL                    {typical:>8.1f} ms, p99 {worst:.1f} ms")


# A steady state


@contextmanager
def _platform(options: Namespace) -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(dir=options.dir) as folder, running(Path(folder)) as platform:
        yield platform


def _accounts(platform: Platform, count: int, interval: int = 60) -> list[Account]:
    given = platform.add_devices(*(f"bench-{number:04}" for number in range(count)), interval=interval)
    return [Account(one.device_id, one.password) for one in given]


def _say_steady(platform: Platform, options: Namespace, readings: int, trial: int) -> None:
    accounts = _accounts(platform, options.devices)
    most = capacity(platform, accounts, readings, trial)
    rate = options.rates.get(readings, SHARE * most)
    told = steady(platform, accounts, readings, rate, options.seconds)
    with freezing(platform, "bench-frost") as frost:
        verdicts = steady(platform, accounts, readings, rate, 20.0, frost).verdicts
    name = "packs of 60" if readings == 60 else "single messages"
    _say(f"{name}: {options.devices:,} devices, {told.seconds:.0f} s at {told.rate:,.0f} messages a second")
    _say(f"  ({rate / most:.0%} of {most:,.0f}, reached when all sent as fast as they were let)")
    _say(f"  the publishers were late by                        {told.late_s:>8.1f} s")
    _say_cpu(told, readings)
    _say(f"  memory of gate and judge together, at most         {told.line_mb:>8.0f} MB   required, aimed: ≤ 150 / 100")
    _say_latency(verdicts, "≤ 24 / 12 ms")


def _say_cpu(told: Steady, readings: int) -> None:
    shares = ", ".join(f"{part} {told.cpu_us(part):.2f}" for part in sorted(told.cpu_s))
    _say(f"  readings a second, until readable by the API       {told.per_second:>8,.0f}")
    _say(f"  CPU a reading, all processes                       {told.cpu_us():>8.2f} µs   {REQUIRED_US[readings]}")
    _say(f"    {shares}")


def _say_latency(told: list[Latency], limit: str) -> None:
    durable = [one.from_durable for one in told]
    published = [one.from_published for one in told]
    _say(f"  verdicts durable after the reading, {len(told)} alarms")
    _say(f"    since it is durable      p50 {median(durable):>7.1f}   p99 {p99(durable):>7.1f} ms   {limit}")
    _say(f"    since it was published   p50 {median(published):>7.1f}   p99 {p99(published):>7.1f} ms")


# A store


def _say_store(folder: Path, options: Namespace) -> None:
    each = min(365 * store.A_DAY, max(2_000, options.stored * 1_000_000 // options.devices))
    hole = store.late_day()
    is_year = each * store.INTERVAL > store.LATE_BY + 2 * 24 * 60 * MINUTE
    with running(folder) as platform:
        accounts = _accounts(platform, options.devices, 300)
        small = _cost(platform, accounts)
    begun = time.perf_counter()
    fresh = [f"store-{number:04}" for number in range(options.devices)]
    filled = _fill(folder, options, fresh, each, hole)
    took = time.perf_counter() - begun
    _say(f"a store of {filled:,} readings, {each:,} of each of {options.devices:,} sensors, laid out in {took:.0f} s")
    with running(folder) as platform:
        given = platform.add_devices(*fresh, interval=300)
        late = [Account(one.device_id, one.password) for one in given]
        points = _placed(platform, fresh[:50])
        _say(store.said("the wall", store.wall_ms(platform, 100), "≤ 100 ms"))
        _say(store.said("a year's chart", store.chart_ms(platform, points, 100), "≤ 100 ms"))
        large = _cost(platform, accounts)
        _say(f"  CPU a reading in packs, empty store, then this     {small:>8.2f} {large:.2f} µs   flat")
        if is_year:
            _say_late(platform, late, hole)
    sizes = store.stored(folder / "data", filled)
    files = ", ".join(f"{name} {size:.2f}" for name, size in sorted(sizes.items()) if size > 0.005)
    _say(f"  bytes a reading, all files after retention         {sum(sizes.values()):>8.2f}      ≤ 4 / 1.5")
    _say(f"    {files}")


def _fill(folder: Path, options: Namespace, device_ids: list[str], each: int, hole: int) -> int:
    until = int(time.time() * 1000) // store.INTERVAL * store.INTERVAL - store.INTERVAL
    return store.fill(folder / "data" / "stream.db", device_ids, each, until, hole)


def _placed(platform: Platform, device_ids: list[str]) -> list[str]:
    """Storage points with these devices, one each."""
    for device_id in device_ids:
        platform.place(device_id, f"Fridge of {device_id}")
    rows = platform.ask("/api/v1/storage-points?limit=200")["items"]
    return [row["id"] for row in rows]


def _cost(platform: Platform, accounts: list[Account]) -> float:
    """CPU of a reading in packs of 60, without the desk's, at an even rate of 200 packs a second."""
    return steady(platform, accounts, 60, 200.0, 15.0).cpu_us("line", "broker")


def _say_late(platform: Platform, accounts: list[Account], hole: int) -> None:
    """The day that was left out, of every sensor, at once; alarms of a live device meanwhile."""
    told: list[Latency] = []
    over = threading.Event()
    with freezing(platform, "bench-frost") as frost:
        begun = time.perf_counter()
        before = sum(cpu(platform).values())
        sending = threading.Thread(target=_send_late, args=(platform, accounts, hole, over))
        sending.start()
        while not over.is_set() or len(told) < 20:
            told.append(frost.alarm())
        sending.join()
        took = time.perf_counter() - begun
    spent = sum(cpu(platform).values()) - before
    count = len(accounts) * store.A_DAY
    _say(f"  a day 300 days late of {len(accounts):,} sensors, {count:,} readings: {took:.1f} s   ≤ 300 s")
    _say(f"    {spent:.0f} s of CPU")
    _say_latency(told, "≤ 50 ms meanwhile")


def _send_late(platform: Platform, accounts: list[Account], hole: int, over: threading.Event) -> None:
    store.press_apart(platform.mqtt_url, accounts, hole)
    judged(platform)
    over.set()


def described(options: Namespace) -> str:
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?"
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return (
        f"{model}, {os.cpu_count()} cores, {memory / 1024**2:.0f} GB; Linux {machine.release()}; "
        f"Python {machine.python_version()}, SQLite {sqlite3.sqlite_version}, synchronous FULL; "
        f"{options.devices} devices, times ragged by ±1 s, 1 % repeats; load average {os.getloadavg()[0]:.1f}"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


if __name__ == "__main__":
    sys.exit(main())
