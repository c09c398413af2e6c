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
from pathlib import Path
from typing import Any

import pytest

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


def signed_in(lines: list[str]) -> tuple[str, str]:
    """Where the demo is, and a token."""
    found = READY.fullmatch(lines[-1])
    assert found is not None
    url, name, password = found.groups()
    return url, ask(f"{url}/api/v1/sign-in", body={"username": name, "password": password})["token"]


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


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    data = tmp_path_factory.mktemp("demo") / "data"
    command = [sys.executable, "-P", "-m", "coldchain", "demo", "--data", str(data), "--points", "4", "--days", "2"]
    command += ["--listen", f"127.0.0.1:{port()}", "--mqtt-port", str(port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        lines: list[str] = []
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                if line.startswith("Coldchain is running"):
                    break
            yield process, lines
        finally:
            process.kill()


@pytest.mark.servers
def test_its_last_line_says_where_it_is_and_who_may_come_in(demo):
    _, lines = demo

    assert READY.fullmatch(lines[-1]), "\n".join(lines)


@pytest.mark.servers
def test_the_wall_shows_the_district_and_what_nobody_placed(demo):
    url, token = signed_in(demo[1])

    wall = ask(f"{url}/api/v1/wall", token)

    assert len(wall["items"]) == 4
    assert all(row["celsius"] is not None for row in wall["items"])
    assert [row["device_id"] for row in wall["not_placed"]] == ["spare-agent-1"]


@pytest.mark.servers
def test_the_past_is_there(demo):
    url, token = signed_in(demo[1])
    count, path = 0, "/api/v1/devices/store-ilr-1/readings?limit=500"
    while path:
        page = ask(f"{url}{path}", token)
        count, path = count + len(page["items"]), page["next"]

    assert 570 <= count <= 590


@pytest.mark.servers
def test_ctrl_c_ends_all_of_it(demo):
    process, _ = demo
    below = children_of(process.pid)
    assert len(below) >= 4

    os.kill(process.pid, signal.SIGINT)

    assert process.wait(30) == 0
    until = time.monotonic() + 5
    while any(map(is_alive, below)):
        assert time.monotonic() < until
        time.sleep(0.05)
