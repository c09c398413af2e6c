"""The demo as somebody starts it: a small one, on everything real."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coldchain.clock import SECOND, now

COLDCHAIN = (sys.executable, "-P", "-m", "coldchain")
READY = re.compile(r"Coldchain is running: (http://127\.0\.0\.1:\d+) \(sign in as (\S+) / (\S+)\)")


def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def ask(url: str, token: str | None = None, body: dict[str, str] | None = None) -> Any:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        return json.load(answer)


def told(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What a verb says, and its exit code."""
    return subprocess.run([*COLDCHAIN, *arguments], check=False, capture_output=True, text=True)


def children_of(pid: int) -> set[int]:
    """All processes below this one."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text()
            except OSError:
                continue
            parents[int(folder.name)] = int(status.rpartition(")")[2].split()[1])
    below, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in below} - below
        below |= more
        grown = bool(more)
    return below - {pid}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass(frozen=True)
class Demo:
    process: subprocess.Popen[str]
    lines: list[str]
    data: Path

    def signed_in(self) -> tuple[str, str]:
        """Where it is, and a token."""
        found = READY.fullmatch(self.lines[-1])
        assert found is not None
        url, name, password = found.groups()
        return url, ask(f"{url}/api/v1/sign-in", body={"username": name, "password": password})["token"]

    def readings(self, device: str) -> list[dict[str, Any]]:
        url, token = self.signed_in()
        items: list[dict[str, Any]] = []
        path = f"/api/v1/devices/{device}/readings?limit=500"
        while path:
            page = ask(f"{url}{path}", token)
            items, path = items + page["items"], page["next"]
        return items


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Demo]:
    data = tmp_path_factory.mktemp("demo") / "data"
    command = [*COLDCHAIN, "demo", "--data", str(data), "--points", "4", "--days", "2"]
    command += ["--listen", f"127.0.0.1:{port()}", "--mqtt-port", str(port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        lines: list[str] = []
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                if line.startswith("Coldchain is running"):
                    break
            yield Demo(process, lines, data)
        finally:
            process.kill()


@pytest.mark.servers
def test_its_last_line_says_where_it_is_and_who_may_come_in(demo):
    assert READY.fullmatch(demo.lines[-1]), "\n".join(demo.lines)


@pytest.mark.servers
def test_the_wall_shows_the_district_and_what_nobody_placed(demo):
    url, token = demo.signed_in()

    wall = ask(f"{url}/api/v1/wall", token)

    assert len(wall["items"]) == 4
    assert all(row["celsius"] is not None for row in wall["items"])
    assert [row["device_id"] for row in wall["not_placed"]] == ["spare-agent-1"]


@pytest.mark.servers
def test_the_past_is_there(demo):
    assert 570 <= len(demo.readings("store-ilr-1")) <= 590


@pytest.mark.servers
def test_a_loggers_file_can_be_sent_and_counts_once_however_often(demo, tmp_path):
    file = tmp_path / "week.csv"
    begin = now() // SECOND - 3 * 86_400
    file.write_text("time,temp\n" + "".join(f"{begin + n * 300},{4 + n % 20 / 10}\n" for n in range(800)))

    for _ in range(2):
        done = told("replay", str(file), "--data", str(demo.data), "--device", "tl-20")
        assert done.returncode == 0, done.stderr
        assert done.stdout == "durable, as device tl-20: 800 readings in 4 packs\n"

    kept = demo.readings("tl-20")
    assert [item["celsius"] for item in kept] == [round(4 + n % 20 / 10, 1) for n in range(800)]


@pytest.mark.servers
def test_what_the_platform_does_not_believe_is_told(demo, tmp_path):
    file = tmp_path / "future.csv"
    file.write_text("time,temp\n2090-01-01T00:00:00Z,4.5\n")

    done = told("replay", str(file), "--data", str(demo.data))

    assert done.returncode == 1
    assert "refused (wrongly-dated)" in done.stderr


@pytest.mark.servers
def test_a_simulated_district_can_join_and_goes_on_where_it_stood(demo, tmp_path):
    file = tmp_path / "d.toml"
    file.write_text(
        'name = "Elsewhere"\n[[block]]\nname = "B"\n[[block.facility]]\nname = "F"\n'
        'points = [["ILR", "ilr", "else-1", 60], ["DF", "deep-freezer", "else-2", 300]]\n'
    )
    command = ["simulate", "--data", str(demo.data), "--district", str(file), "--past-only"]

    first = told(*command, "--days", "0.5")
    again = told(*command, "--days", "0.5")

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert "Elsewhere: 2 storage points" in first.stderr
    instants = [item["measured_at"] for item in demo.readings("else-1")]
    assert 720 <= len(instants) <= 723
    assert len(instants) == len(set(instants))


@pytest.mark.servers
def test_ctrl_c_ends_all_of_it(demo):
    below = children_of(demo.process.pid)
    assert len(below) >= 4

    os.kill(demo.process.pid, signal.SIGINT)

    assert demo.process.wait(30) == 0
    until = time.monotonic() + 5
    while any(map(is_alive, below)):
        assert time.monotonic() < until
        time.sleep(0.05)
