"""`coldchain up`: one command runs everything, whatever is killed comes back, and nothing is left behind."""

import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.broker import BROKERS
from coldchain.clock import now
from coldchain.data_dir import DataDir
from coldchain.readings import Reading
from coldchain.senml import encode
from tests.helpers_house import COLDCHAIN, Client, Up, accepts, everything, health, is_gone, wait_until

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with everything(Up(tmp_path_factory.mktemp("house") / "data")) as running:
        yield running


def test_it_says_when_it_is_ready_and_shows_the_first_administrator_once(up: Up) -> None:
    first, ready = up.out().splitlines()[:2]
    assert first.startswith("First administrator: admin / ")
    assert first.endswith(" (shown once)")
    assert ready == f"Coldchain is running: {up.url}"
    assert health(up.port) == "ok"


def test_it_tells_others_what_runs_here(up: Up) -> None:
    told = json.loads(DataDir(up.root).running.read_text())
    assert told["pid"] == up.pid
    assert told["listen"] == f"127.0.0.1:{up.port}"
    assert told["url"] == up.url
    assert told["mqtt_url"] == f"mqtt://127.0.0.1:{up.mqtt_port}"
    assert (told["mqtt_host"], told["mqtt_port"]) == ("127.0.0.1", up.mqtt_port)
    assert told["started_at"].endswith("Z")


def test_only_its_owner_can_read_the_secrets(up: Up) -> None:
    broker = DataDir(up.root).broker
    for path in (broker / "passwd", DataDir(up.root).gate_password):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("part", ["broker", "line", "desk"])
def test_a_killed_part_is_back_within_ten_seconds(up: Up, part: str) -> None:
    before = up.children()[part]
    os.kill(before, signal.SIGKILL)

    wait_until(lambda: up.children().get(part, before) != before, 10, f"{part} to be back")
    wait_until(lambda: health(up.port) == "ok", 10, "everything to be well")


def test_a_second_one_on_the_same_directory_is_refused(up: Up) -> None:
    second = Up(up.root.parent / "second", more=("--data", str(up.root)))
    second.launch()
    assert second.process is not None
    assert second.process.wait(20) != 0
    last = json.loads(second.err().splitlines()[-1])
    assert "already runs" in last["message"]
    assert str(up.pid) in last["message"]
    assert health(up.port) == "ok"


def test_every_line_on_stderr_is_json(up: Up) -> None:
    lines = [json.loads(line) for line in up.err().splitlines()]
    assert {line["process"] for line in lines} >= {"up", "line", "broker"}
    assert all({"at", "level", "message"} <= line.keys() for line in lines)


def test_it_ends_when_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    up = Up(tmp_path / "data")
    up.start()
    children = list(up.children().values())
    assert len(children) == 3

    assert up.stop() == 0

    assert all(is_gone(child) for child in children)
    assert not DataDir(up.root).running.exists()
    assert not accepts(up.port)
    assert not accepts(up.mqtt_port)


def test_when_it_is_killed_its_children_are_gone_and_it_works_again(tmp_path: Path) -> None:
    up = Up(tmp_path / "data")
    up.start()
    children = list(up.children().values())

    up.kill()

    wait_until(lambda: all(is_gone(child) for child in children), 5, "the children to be gone")
    assert DataDir(up.root).running.exists()
    with everything(up):
        assert health(up.port) == "ok"
        assert up.out().count("First administrator") == 1


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        for up, option in (
            (Up(tmp_path / "one", port=taken), "--listen"),
            (Up(tmp_path / "two", mqtt_port=taken), "--mqtt-port"),
        ):
            up.launch()
            assert up.process is not None
            assert up.process.wait(30) != 0
            assert f"127.0.0.1:{taken}" in up.err()
            assert option in up.err()


def test_an_external_broker_is_used_by_its_url_and_no_secret_is_told(tmp_path: Path, up: Up) -> None:
    password = DataDir(up.root).gate_password.read_text().strip()
    secret_url = f"mqtt://coldchain-gate:{password}@127.0.0.1:{up.mqtt_port}"
    guest = Up(tmp_path / "guest", environment={"COLDCHAIN_MQTT_URL": secret_url})
    # the gate's session at that broker has one owner at a time
    os.kill(up.children()["line"], signal.SIGSTOP)
    try:
        with everything(guest):
            assert set(guest.children()) == {"line", "desk"}
            told = json.loads(DataDir(guest.root).running.read_text())
            assert told["mqtt_url"] == f"mqtt://127.0.0.1:{up.mqtt_port}"
            assert password not in guest.err()
            for child in guest.children().values():
                assert password.encode() not in Path(f"/proc/{child}/cmdline").read_bytes()
    finally:
        os.kill(up.children()["line"], signal.SIGCONT)


@pytest.mark.parametrize("name", [known.name for known in BROKERS])
def test_with_either_broker_a_device_added_while_it_runs_is_acknowledged_at_once(tmp_path: Path, name: str) -> None:
    known = next(known for known in BROKERS if known.name == name)
    if not known.installed():
        pytest.skip(f"{name} is not installed here ({known.how_to_install})")
    with everything(Up(tmp_path / "data", more=("--broker", name))) as up:
        added = subprocess.run(
            [*COLDCHAIN, "device", "add", "pi-one", "--data", str(up.root), "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(added.stdout)
        with Client(up.mqtt_port, told["username"], told["password"]) as device:
            assert device.subscribe("coldchain/v1/pi-one/ack") == [True]
            device.publish(told["topic"], encode("pi-one", "0123456789abcdef", 1, [Reading("tvc", now(), 512)]))
            wait_until(lambda: device.seen, what="the acknowledgement")
            assert json.loads(device.seen[0].payload)["durable"] == [[1, 1]]


def test_a_device_that_calls_itself_like_the_gate_does_not_hang_the_gate_up(up: Up) -> None:
    added = subprocess.run(
        [*COLDCHAIN, "device", "add", "pi-rogue", "--data", str(up.root), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(added.stdout)
    before = up.err().count("connected to the broker")
    with Client(up.mqtt_port, told["username"], told["password"], name="coldchain-gate") as rogue:
        rogue.subscribe("coldchain/v1/pi-rogue/ack")
        rogue.publish(told["topic"], encode("pi-rogue", "0123456789abcdef", 1, [Reading("tvc", now(), 512)]))
        wait_until(lambda: rogue.seen, what="the acknowledgement")
    assert up.err().count("connected to the broker") == before


def test_a_stranger_learns_nothing_from_the_broker(up: Up) -> None:
    with Client(up.mqtt_port) as stranger:
        assert not stranger.is_in


def test_the_parts_fit_a_small_machine(up: Up) -> None:
    """Resident memory of the parts that a small site runs day and night, in MB."""
    time.sleep(0.5)
    resident = {name: rss_mb(pid) for name, pid in {**up.children(), "up": up.pid}.items()}
    assert resident["line"] < 60
    assert resident["up"] < 40
    assert resident["broker"] < 40
    assert resident["desk"] < 150


def rss_mb(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
