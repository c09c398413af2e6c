"""What is measured of a running platform: CPU, memory, files, and how long a verdict takes to be durable."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coldchain.clock import MINUTE, now
from coldchain.readings import Reading
from coldchain.sqlite import open_to_read
from tests.helpers_end_to_end import Credentials, Platform, Publisher

TICKS = os.sysconf("SC_CLK_TCK")
LOOK_EVERY_S = 0.0005
PARTS = ("line", "desk")


def cpu(platform: Platform) -> dict[str, float]:
    """Seconds of CPU so far, user and system, by part."""
    spent: dict[str, float] = {}
    for pid, command in platform.processes().items():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        part = part_of(command)
        spent[part] = spent.get(part, 0.0) + (int(fields[11]) + int(fields[12])) / TICKS
    return spent


def part_of(command: str) -> str:
    for part in PARTS:
        if f" coldchain {part} " in command:
            return part
    return "up" if " coldchain up " in command or command == "up" else "broker"


def peak_mb(platform: Platform, part: str) -> float:
    """The most memory that the process ever held."""
    status = Path(f"/proc/{platform.pid_of(part)}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def sizes(folder: Path) -> dict[str, int]:
    """Bytes of every file below the folder, a write-ahead log with its file."""
    found: dict[str, int] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            name = path.relative_to(folder).parts[0].removesuffix("-wal").removesuffix("-shm")
            found[name] = found.get(name, 0) + path.stat().st_size
    return found


def median(numbers: Sequence[float]) -> float:
    return sorted(numbers)[len(numbers) // 2]


def p99(numbers: Sequence[float]) -> float:
    return sorted(numbers)[min(len(numbers) - 1, int(0.99 * len(numbers)))]


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds until the verdict is durable: after the reading was, and after it was published."""

    from_durable: float
    from_published: float


class Watcher:
    """Sees from outside when something is durable: a reader of the files, as the desk is one."""

    def __init__(self, platform: Platform) -> None:
        self._gate = open_to_read(platform.data / "gate.db")
        self._stream = open_to_read(platform.data / "stream.db")

    def close(self) -> None:
        self._gate.close()
        self._stream.close()

    def newest(self, topic: str) -> int:
        file = self._stream if topic == "verdicts" else self._gate
        after = file.execute(f"SELECT coalesce(max(offset), 0) FROM topic_{topic}").fetchone()[0]
        return int(after)

    def pack_after(self, after: int, device_id: str) -> int | None:
        return self._first(self._gate, "readings", after, device_id)

    def verdict_after(self, after: int, device_id: str) -> int | None:
        return self._first(self._stream, "verdicts", after, device_id)

    def is_judged(self, offset: int) -> bool:
        """Whether the judge has passed it, and nothing of it waits aside."""
        passed = self._stream.execute("SELECT position FROM positions WHERE topic = 'readings'").fetchone()
        aside = self._stream.execute("SELECT count(*) FROM aside").fetchone()[0]
        return passed is not None and passed[0] >= offset and aside == 0

    @staticmethod
    def _first(file: sqlite3.Connection, topic: str, after: int, device_id: str) -> int | None:
        row = file.execute(
            f"SELECT offset FROM topic_{topic} WHERE offset > ? AND key = ? LIMIT 1", (after, device_id)
        ).fetchone()
        return row[0] if row else None


def until(holds: Callable[[], Any], within_s: float, what: str) -> float:
    """Seconds of the steady clock when it held."""
    end = time.perf_counter() + within_s
    while not holds():
        assert time.perf_counter() < end, f"{what} did not happen within {within_s:.0f} s"
        time.sleep(LOOK_EVERY_S)
    return time.perf_counter()


class Frost:
    """A device that freezes for an hour, again and again: the reading that fills the hour is timed."""

    def __init__(self, platform: Platform, given: Credentials, most: int) -> None:
        self._publisher = Publisher(given)
        self._device_id = given.device_id
        self._watcher = Watcher(platform)
        self._begin = now() - (most + 1) * 62 * MINUTE
        self._number = 0

    def close(self) -> None:
        self._publisher.close()
        self._watcher.close()

    def alarm(self) -> Latency:
        begin = self._begin + self._number * 62 * MINUTE
        self._number += 1
        cold = [Reading("tvc", begin + minute * MINUTE, -60) for minute in range(60)]
        self._durable([Reading("tvc", begin - MINUTE, 400), *cold])
        time.sleep(0.05)
        verdicts = self._watcher.newest("verdicts")
        sent_at, durable_at = self._durable([Reading("tvc", begin + 60 * MINUTE, -60)])
        told_at = until(lambda: self._watcher.verdict_after(verdicts, self._device_id), 120, "the verdict")
        return Latency(1e3 * (told_at - durable_at), 1e3 * (told_at - sent_at))

    def _durable(self, readings: list[Reading]) -> tuple[float, float]:
        """When the pack was published and when it was durable, which the judge may have seen before we did."""
        packs = self._watcher.newest("readings")
        seq = self._publisher.pack(readings)
        sent_at = time.perf_counter()
        self._publisher.send(seq)
        durable_at = until(lambda: self._watcher.pack_after(packs, self._device_id), 120, "the pack to be durable")
        return sent_at, durable_at


@contextmanager
def freezing(platform: Platform, name: str, most: int = 500) -> Iterator[Frost]:
    frost = Frost(platform, platform.add_devices(name, interval=60)[0], most)
    with closing(frost):
        yield frost
