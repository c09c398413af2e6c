"""A child of `coldchain up` comes back, is heard, and never outlives its parent."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from api.children import Child, Part, as_json, pause_before, say
from api.processes import AlreadyRunning, alone

pytestmark = pytest.mark.servers

LIVES = "import time; time.sleep(60)"
LEAVES_ITS_NUMBER = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"


def part(program: str, *arguments: str) -> Part:
    return Part("child", (sys.executable, "-c", program, *arguments))


async def until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.02)


def wait_until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has waited for yet has ended too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_killed_child_is_back_at_once() -> None:
    async def tale() -> float:
        child = Child(part(LIVES))
        keeping = asyncio.create_task(child.keep())
        await until(lambda: child.process is not None)
        assert child.process is not None
        first = child.process.pid
        killed_at = time.monotonic()
        os.kill(first, signal.SIGKILL)
        await until(lambda: child.process is not None and child.process.pid != first)
        took = time.monotonic() - killed_at
        await child.end(5.0)
        await keeping
        return took

    assert asyncio.run(tale()) < 2.0


def test_a_child_that_dies_again_and_again_is_never_away_for_ten_seconds() -> None:
    assert pause_before(0) == 0.0
    assert 0.2 < pause_before(1) <= 0.5
    assert all(pause_before(failures) <= 4.0 for failures in range(1, 200))


def test_a_child_that_does_not_end_when_asked_is_killed() -> None:
    async def tale() -> int | None:
        child = Child(
            part("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True);" + LIVES)
        )
        keeping = asyncio.create_task(child.keep())
        await until(lambda: child.process is not None)
        await asyncio.sleep(0.3)
        await child.end(0.3)
        await keeping
        assert child.process is not None
        return child.process.returncode

    assert asyncio.run(tale()) in (-signal.SIGKILL, -signal.SIGTERM)


def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    numbers = tmp_path / "pids"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import asyncio, sys; from api.children import Child, Part;"
            f"asyncio.run(Child(Part('child', (sys.executable, '-c', {LEAVES_ITS_NUMBER!r}, sys.argv[1]))).keep())",
            str(numbers),
        ],
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: numbers.exists() and numbers.read_text().endswith("\n"))
    child = int(numbers.read_text())
    assert not is_gone(child)

    parent.kill()
    parent.wait()

    wait_until(lambda: is_gone(child), within_s=3.0)


def test_what_a_child_says_becomes_json_lines(capfd: pytest.CaptureFixture[str]) -> None:
    say([b"Traceback (most recent call last):", b'{"message": "well"}', b"", b"\xff\xfe", b"[1]"], "line")

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert lines[0]["message"].startswith("Traceback")
    assert lines[0]["process"] == "line"
    assert lines[1] == {"message": "well"}
    assert [line["process"] for line in lines[2:]] == ["line", "line"]
    assert json.loads(as_json("पढ़ना".encode(), "desk"))["message"] == "पढ़ना"


def test_two_of_the_same_work_on_one_directory_are_one_too_many(tmp_path: Path) -> None:
    lock = tmp_path / "up.lock"
    with (
        alone(lock, "`coldchain up`"),
        pytest.raises(AlreadyRunning, match=str(os.getpid())),
        alone(lock, "`coldchain up`", wait_s=0.1),
    ):
        pass
    with alone(lock, "`coldchain up`", wait_s=0.1):
        pass  # given back
