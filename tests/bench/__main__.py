"""`make bench`: what one machine does, with sync FULL, through the real broker, gate, judge and desk.

CPU is utime + stime of all our processes, the broker's with them; the publisher's own is not counted, though it runs
on the same machine and takes its share of it.
"""

import asyncio
import os
import platform as machine
import sqlite3
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coldchain.clock import MINUTE, SECOND, now
from coldchain.readings import Reading
from coldchain.sqlite import open_to_read
from simulators.accounts import Account
from simulators.load import Log, Plan, press
from tests.bench import exposure
from tests.helpers_end_to_end import Platform, Publisher, running
from tests.helpers_house import wait_until

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figures:
    readings: int
    messages: int
    seconds: float
    cpu_s: dict[str, float]
    stored: dict[str, int]

    def say(self, name: str) -> None:
        cpu = sum(self.cpu_s.values())
        shares = ", ".join(f"{part} {seconds / cpu:.0%}" for part, seconds in sorted(self.cpu_s.items()))
        files = ", ".join(f"{file} {size / self.readings:.1f}" for file, size in sorted(self.stored.items()))
        print(f"{name}: {self.messages:,} messages, {self.readings:,} readings in {self.seconds:.1f} s")
        print(f"  readings per second, until readable by the API   {self.readings / self.seconds:>12,.0f}")
        print(f"  CPU per reading                                  {1e6 * cpu / self.readings:>12.1f} µs  ({shares})")
        print(f"  bytes per reading in all files                   {sum(self.stored.values()) / self.readings:>12.1f}")
        print(f"    {files}")


def main() -> int:
    options = _options()
    print(described(options))
    single = Plan(messages=options.singles, readings=1, begin=_begin(options.singles))
    packs = Plan(messages=options.packs, readings=60, begin=_begin(options.packs * 60))
    for name, plan in (("single messages", single), ("packs of 60", packs)):
        with tempfile.TemporaryDirectory(dir=options.dir) as folder, running(Path(folder)) as platform:
            load(platform, options.devices, plan).say(name)
    with tempfile.TemporaryDirectory(dir=options.dir) as folder, running(Path(folder)) as platform:
        durable, readable = alarms(platform, options.alarms)
    print(f"alarm latency over {options.alarms} alarms, from publishing the reading that completes the rule")
    print(f"  verdict durable           p50 {median(durable):>7.1f} ms   p99 {p99(durable):>7.1f} ms")
    print(f"  readable by the API       p50 {median(readable):>7.1f} ms   p99 {p99(readable):>7.1f} ms")
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        exposure.measure(Path(folder))
    return 0


def _options() -> Namespace:
    parser = ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--devices", type=int, default=50, help="how many send at once (default 50)")
    parser.add_argument("--singles", type=int, default=2_000, help="single messages a device (default 2000)")
    parser.add_argument("--packs", type=int, default=300, help="packs of 60 a device (default 300)")
    parser.add_argument("--alarms", type=int, default=100, help="alarms for the latency (default 100)")
    parser.add_argument("--dir", help="a folder on the disk to be measured (default: where temporary files go)")
    return parser.parse_args()


def _begin(readings: int) -> int:
    """So that the last reading is a minute old."""
    return now() - (readings + 2) * MINUTE


def load(platform: Platform, devices: int, plan: Plan) -> Figures:
    """All devices send as fast as the broker takes it; the clock stops when the last reading is readable."""
    given = platform.add_devices(*(f"bench-{number:04}" for number in range(devices)), interval=60)
    accounts = [Account(one.device_id, one.password) for one in given]
    expected = plan.messages * plan.readings
    log = Log()
    before = cpu(platform)
    begun = time.perf_counter()
    asyncio.run(press(platform.mqtt_url, accounts, plan, log))
    for account in accounts:
        wait_for(platform, account.device_id, max(at for at, _ in log.sent[account.device_id]))
    seconds = time.perf_counter() - begun
    after = cpu(platform)
    for account in (accounts[0], accounts[-1]):
        found = [(at, value) for _, at, value in platform.readings(account.device_id)]
        assert len(found) == expected, f"{account.device_id}: {len(found)} readings of {expected}"
        assert set(found) == log.sent[account.device_id]
    return Figures(
        readings=log.readings,
        messages=log.messages,
        seconds=seconds,
        cpu_s={part: after[part] - before.get(part, 0.0) for part in after},
        stored=sizes(platform),
    )


def wait_for(platform: Platform, device_id: str, at: int) -> None:
    """Until the API tells of the reading at this instant."""
    path = f"/api/v1/devices/{device_id}/readings?from={at}&limit=1"
    wait_until(lambda: platform.ask(path)["items"], 300, "the last reading to be readable")


def alarms(platform: Platform, count: int) -> tuple[list[float], list[float]]:
    """Frost of an hour, again and again; milliseconds until the verdict is durable, and until the API tells of it."""
    publisher = Publisher(platform.add_devices("bench-frost", interval=60)[0])
    begin = now() - (count + 1) * 62 * MINUTE
    try:
        took = [_alarm(platform, publisher, begin + number * 62 * MINUTE, number) for number in range(count)]
    finally:
        publisher.close()
    return [durable for durable, _ in took], [readable for _, readable in took]


def _alarm(platform: Platform, publisher: Publisher, at: int, number: int) -> tuple[float, float]:
    cold = [Reading("tvc", at + minute * MINUTE, -60) for minute in range(60)]
    publisher.pack([Reading("tvc", at - MINUTE, 400), *cold])
    publisher.send_until_durable()
    wait_until(lambda: _told(platform, "FRZE-WARN") > number, 10, "the warning")
    last = _last_verdict(platform)
    seq = publisher.pack([Reading("tvc", at + 60 * MINUTE, -60)])
    sent = time.time() * SECOND
    publisher.send(seq)
    wait_until(lambda: _told(platform, "FRZE") > number, 10, "the alarm")
    readable = time.time() * SECOND - sent
    return _written_at(platform, last) - sent, readable


def _told(platform: Platform, code: str) -> int:
    return sum(1 for row in platform.excursions("bench-frost") if row["rule"] == code)


def _last_verdict(platform: Platform) -> int:
    return int(_ask(platform, "SELECT coalesce(max(offset), 0) FROM topic_verdicts"))


def _written_at(platform: Platform, after: int) -> int:
    return int(_ask(platform, f"SELECT min(written_at) FROM topic_verdicts WHERE offset > {after}"))


def _ask(platform: Platform, question: str) -> Any:
    with closing(open_to_read(platform.data / "stream.db")) as connection:
        return connection.execute(question).fetchone()[0]


def cpu(platform: Platform) -> dict[str, float]:
    """Seconds of CPU so far, by part."""
    spent: dict[str, float] = {}
    for pid, command in platform.processes().items():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        part = part_of(command)
        spent[part] = spent.get(part, 0.0) + (int(fields[11]) + int(fields[12])) / TICKS
    return spent


def part_of(command: str) -> str:
    for part in ("line", "desk"):
        if f" coldchain {part} " in command:
            return part
    return "up" if " coldchain up " in command or command == "up" else "broker"


def sizes(platform: Platform) -> dict[str, int]:
    """Bytes of every file in the data directory, write-ahead logs and the broker's own with them."""
    found: dict[str, int] = {}
    for path in platform.data.rglob("*"):
        if path.is_file():
            name = path.relative_to(platform.data).parts[0].removesuffix("-wal").removesuffix("-shm")
            found[name] = found.get(name, 0) + path.stat().st_size
    return {name: size for name, size in found.items() if size > 64 * 1024}


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


def median(numbers: Sequence[float]) -> float:
    return sorted(numbers)[len(numbers) // 2]


def p99(numbers: Sequence[float]) -> float:
    return sorted(numbers)[min(len(numbers) - 1, int(0.99 * len(numbers)))]


if __name__ == "__main__":
    sys.exit(main())
