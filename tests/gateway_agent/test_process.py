"""`coldchain agent` as a process: what it weighs, what a kill costs, and a broker that goes away and comes back."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from coldchain.answers import Acknowledgement, Configuration, encode_acknowledgement, encode_configuration
from coldchain.clock import MINUTE, now
from coldchain.ranges import Ranges
from coldchain.sqlite import FileMissing, open_to_read
from gateway_agent.clocks import Moment
from gateway_agent.outbox import Beaten, Machine, Outbox
from gateway_agent.sensors import Sensed
from gateway_agent.settings import Broker
from gateway_agent.uplink import session_name
from tests.helpers_gateway_agent import (
    DEVICE,
    lay_out_ds18b20,
    outbox_of,
    quality_of,
    readings_of,
    seq_of,
    w1_text,
)
from tests.helpers_house import COLDCHAIN, accepts, free_port, wait_until

ROM = "28-0316a2795aff"
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed on this machine")


@dataclass
class Pi:
    """A folder that is a gateway: settings, a w1 tree, an outbox."""

    folder: Path
    port: int
    more: str = ""
    has_rtc: bool = True
    interval_s: int = 1
    token: Path = field(init=False)

    def __post_init__(self) -> None:
        self.token = self.folder / "token"
        self.probe = lay_out_ds18b20(self.folder / "w1", ROM, w1_text(4562))
        self.settings = self.folder / "agent.toml"
        self.settings.write_text(
            f"""
device_id = "{DEVICE}"
[broker]
url = "mqtt://127.0.0.1:{self.port}"
[outbox]
path = "outbox.db"
min_free_mb = 0
[beat]
interval_s = {self.interval_s}
[packs]
jitter_s = 0
[clock]
has_rtc = {str(self.has_rtc).lower()}
[[sensor]]
channel = "tvc"
kind = "ds18b20"
rom = "{ROM}"
base = "w1"
{self.more}
"""
        )

    def measures(self, millidegrees: int) -> None:
        """Whole at once, as the kernel's file is."""
        beside = self.probe.with_name("next")
        beside.write_text(w1_text(millidegrees))
        beside.replace(self.probe)

    def agent(self, crash_at: str = "") -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*COLDCHAIN, "agent", "--config", str(self.settings)],
                stderr=log,
                env={**os.environ, "COLDCHAIN_CRASH": f"{crash_at}={self.token}" if crash_at else ""},
            )

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        process = self.agent()
        try:
            yield process
        finally:
            end(process)

    def log(self) -> str:
        return (self.folder / "log").read_text()


def end(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the process tells no VmRSS")


def waiting_beside(pi: Pi) -> int:
    """How many readings lie in the outbox of an agent at work."""
    try:
        file = open_to_read(pi.folder / "outbox.db")
    except FileMissing:
        return 0
    try:
        query = "SELECT (SELECT coalesce(sum(readings), 0) FROM packs) + (SELECT count(*) FROM readings)"
        return int(file.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # the file is being made
        return 0
    finally:
        file.close()


def machine_of_this_process() -> Machine:
    told = []
    for path in ("/proc/device-tree/serial-number", "/etc/machine-id"):
        told.append(Path(path).read_text().strip("\x00\n ") if Path(path).exists() else "")
    return Machine(*told)


def test_an_agent_with_thirty_days_in_its_outbox_weighs_no_more_than_40_mb(tmp_path):
    outbox = Outbox(tmp_path / "outbox.db", DEVICE, machine_of_this_process(), sync="off")
    outbox.begin_boot("an-earlier-boot")
    outbox.know_time(now() - 40 * 24 * 60 * MINUTE, "machine")
    for day in range(30):
        beats = [
            Beaten(Moment("an-earlier-boot", (day * 1440 + minute) * MINUTE, 0, True), [Sensed("tvc", 500)])
            for minute in range(1440)
        ]
        outbox.keep(beats, 60)
    outbox.shut()
    pi = Pi(tmp_path, free_port())

    with pi.running() as process:
        wait_until(lambda: "no broker" in pi.log(), 20, "the first attempt at the broker")
        wait_until(lambda: waiting_beside(pi) >= 30 * 1440 + 3, 20, "some beats")
        weight = resident_mb(process.pid)

    assert weight <= 40, f"{weight:.1f} MB"


def test_an_agent_ends_when_it_is_told_to(tmp_path):
    pi = Pi(tmp_path, free_port())
    with pi.running() as process:
        wait_until(lambda: waiting_beside(pi) >= 1, 20, "the first reading")

        assert end(process) == 0


def test_a_mistake_in_the_settings_ends_with_a_sentence(tmp_path):
    pi = Pi(tmp_path, free_port(), more="[beat]\n")
    pi.settings.write_text(
        pi.settings.read_text().replace("interval_s = 1", "interval_s = -1").replace("[beat]\n\n", "")
    )
    told = subprocess.run(
        [*COLDCHAIN, "agent", "--config", str(pi.settings)], capture_output=True, text=True, check=False, timeout=30
    )

    assert told.returncode == 2
    assert str(pi.settings) in told.stderr
    assert "Traceback" not in told.stderr


def test_the_check_tells_what_is_well_and_what_is_not(tmp_path):
    pi = Pi(tmp_path, free_port(), more='[[sensor]]\nchannel = "freezer"\nkind = "ds18b20"\nrom = "28-00"\nbase = "w1"')
    told = subprocess.run(
        [*COLDCHAIN, "agent", "--check", "--config", str(pi.settings)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert told.returncode == 1
    assert "ok   sensor   tvc: 4.56 °C" in told.stdout
    assert "NOT  sensor   freezer: fault unplugged" in told.stdout
    assert f"NOT  broker   127.0.0.1:{pi.port}" in told.stdout
    assert not (tmp_path / "outbox.db").exists()


# With a real broker


@dataclass
class Mosquitto:
    """A broker of our own, which keeps sessions and what it retains over a stop, as ours is set up to."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    more: str = ""

    def start(self) -> None:
        assert MOSQUITTO is not None
        self.folder.mkdir(exist_ok=True)
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\n{self.more}\nallow_anonymous true\npersistence true\n"
            f"persistence_location {self.folder}/\nmax_queued_messages 0\nuser root\n"
        )
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stderr=log, stdout=log)
        wait_until(lambda: accepts(self.port), 15, "mosquitto to listen")

    def stop(self) -> None:
        if self.process is not None:
            end(self.process)


class Gate:
    """A server that keeps each pack by its identity and acknowledges it; `is_mute` acknowledges nothing."""

    def __init__(self, port: int) -> None:
        self.packs: dict[tuple[str, int], bytes] = {}
        self.durable: dict[str, Ranges] = {}
        self.heard = 0
        self.two_voices: list[tuple[str, int]] = []
        self.statuses: list[dict[str, Any]] = []
        self.is_mute = False
        self._lock = threading.Lock()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="gate", clean_session=False)
        self._client.on_connect = self._connected
        self._client.on_message = self._message
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def configure(self, wished: Configuration) -> None:
        self._client.publish(f"coldchain/v1/{DEVICE}/config", encode_configuration(wished), qos=1, retain=True)

    def readings(self) -> list[tuple[int | None, str, float | str]]:
        with self._lock:
            return [
                reading
                for body in self.packs.values()
                if quality_of(json.loads(body)) == "trusted"
                for reading in readings_of(json.loads(body))
            ]

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([("coldchain/v1/+/readings", 1), ("coldchain/v1/+/status", 1)])

    def _message(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/status"):
            self.statuses.append(json.loads(message.payload))
            return
        pack = json.loads(message.payload)
        identity = outbox_of(pack), seq_of(pack)
        with self._lock:
            self.heard += 1
            if self.packs.setdefault(identity, bytes(message.payload)) != message.payload:
                self.two_voices.append(identity)
            durable = self.durable.get(identity[0], Ranges()).with_number(identity[1])
            self.durable[identity[0]] = durable
        if not self.is_mute:
            ack = encode_acknowledgement(Acknowledgement(identity[0], durable, now()))
            client.publish(message.topic.replace("/readings", "/ack"), ack, qos=1)


@pytest.fixture
def mosquitto(tmp_path):
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def gate(mosquitto):
    gate = Gate(mosquitto.port)
    yield gate
    gate.stop()


def waiting_in(pi: Pi) -> int:
    outbox = Outbox(pi.folder / "outbox.db", DEVICE, machine_of_this_process())
    try:
        return outbox.waiting()
    finally:
        outbox.shut()


@needs_mosquitto
@pytest.mark.servers
def test_a_measured_temperature_arrives_within_seconds(tmp_path, mosquitto, gate):
    pi = Pi(tmp_path, mosquitto.port)
    with pi.running():
        wait_until(lambda: any(value == 4.56 for _, _, value in gate.readings()), 20, "a reading")
        pi.measures(-12_345)
        wait_until(lambda: any(value == -12.35 for _, _, value in gate.readings()), 5, "the changed reading")
        pi.probe.unlink()
        wait_until(lambda: any(value == "fault:unplugged" for _, _, value in gate.readings()), 5, "the fault")

    wait_until(lambda: gate.statuses[-1:] == [{"state": "offline"}], 5, "the goodbye")
    assert gate.statuses[-2]["state"] == "online"


@needs_mosquitto
@pytest.mark.servers
def test_a_broker_that_was_away_gets_everything_once_it_is_back(tmp_path, mosquitto, gate):
    pi = Pi(tmp_path, mosquitto.port)
    with pi.running() as process:
        wait_until(lambda: len(gate.readings()) >= 2, 20, "the first readings")
        mosquitto.stop()
        wait_until(lambda: "the connection ended" in pi.log(), 10, "the agent to notice")
        wait_until(lambda: waiting_beside(pi) >= 4, 20, "some beats that nobody hears")
        mosquitto.start()
        heard = len(gate.readings())
        wait_until(lambda: len(gate.readings()) >= heard + 8, 30, "what was measured meanwhile")
        end(process)

    instants = sorted(at for at, _, _ in gate.readings() if at is not None)
    assert len(instants) == len(set(instants))
    assert all(later - earlier == 1000 for earlier, later in pairwise(instants[1:]))
    assert gate.two_voices == []


@needs_mosquitto
@pytest.mark.servers
@pytest.mark.parametrize("point", ["agent.kept", "agent.sent", "agent.acknowledged"])
def test_a_kill_loses_nothing_and_doubles_nothing(tmp_path, mosquitto, gate, point):
    pi = Pi(tmp_path, mosquitto.port)
    process = pi.agent(point)
    wait_until(lambda: len(gate.readings()) >= 2, 20, "the first readings")
    pi.token.touch()
    assert process.wait(15) == -signal.SIGKILL
    killed_with = waiting_in(pi)
    heard = len(gate.readings())

    with pi.running() as process:
        wait_until(lambda: len(gate.readings()) >= heard + 3, 20, "the agent to go on")
        end(process)
    wait_until(lambda: waiting_in(pi) <= 1, 5, "the outbox to be empty")

    instants = [at for at, _, _ in gate.readings()]
    assert killed_with >= 1
    assert len(instants) == len(set(instants))
    assert gate.two_voices == []
    assert len({outbox_id for outbox_id, _ in gate.packs}) == 1


@needs_mosquitto
@pytest.mark.servers
def test_a_mute_server_gets_nothing_deleted(tmp_path, mosquitto, gate):
    gate.is_mute = True
    pi = Pi(tmp_path, mosquitto.port)
    with pi.running() as process:
        wait_until(lambda: len(gate.readings()) >= 3, 20, "the first readings")
        end(process)
    assert waiting_in(pi) >= 3

    gate.is_mute = False
    with pi.running() as process:
        wait_until(lambda: gate.heard > len(gate.packs), 20, "the repeated packs")
        wait_until(lambda: waiting_beside(pi) <= 1, 20, "the acknowledgements")
        end(process)
    assert waiting_in(pi) <= 1
    assert gate.two_voices == []


@needs_mosquitto
@pytest.mark.servers
def test_a_machine_without_a_clock_learns_the_time_from_the_server(tmp_path, mosquitto, gate):
    pi = Pi(tmp_path, mosquitto.port, has_rtc=False)
    begin = now()
    with pi.running():
        wait_until(lambda: len(gate.readings()) >= 3, 20, "dated readings")

    assert all(at is not None and begin - 5000 < at < now() + 5000 for at, _, _ in gate.readings())


@needs_mosquitto
@pytest.mark.servers
def test_the_servers_wish_arrives(tmp_path, mosquitto, gate):
    gate.configure(Configuration(interval_s=2, high_c=7.0))
    pi = Pi(tmp_path, mosquitto.port)
    with pi.running():
        wait_until(lambda: any(told.get("interval_s") == 2 for told in gate.statuses), 20, "the new interval")

    told = next(told for told in gate.statuses if told.get("interval_s") == 2)
    assert told["limits"] == {"high_c": 7.0}


@needs_mosquitto
@pytest.mark.servers
def test_a_killed_agents_last_will_is_told(tmp_path, mosquitto, gate):
    pi = Pi(tmp_path, mosquitto.port)
    process = pi.agent()
    wait_until(lambda: any(told["state"] == "online" for told in gate.statuses), 20, "the agent")
    process.kill()
    process.wait()

    wait_until(lambda: gate.statuses[-1] == {"state": "offline"}, 10, "the last will")


@needs_mosquitto
@pytest.mark.servers
def test_the_check_finds_all_well(tmp_path, mosquitto):
    pi = Pi(tmp_path, mosquitto.port)
    told = subprocess.run(
        [*COLDCHAIN, "agent", "--check", "--config", str(pi.settings)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert told.returncode == 0, told.stdout
    assert "lets the device in" in told.stdout


def test_an_alarm_rings_with_no_network(tmp_path):
    siren = tmp_path / "siren"
    siren.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/rang\n')
    siren.chmod(0o755)
    pi = Pi(
        tmp_path,
        free_port(),
        more=f"""
[alarm]
command = ["{siren}"]
[[rule]]
code = "HOT"
operator = ">"
limit_c = 8.0
duration_s = 2
""",
    )
    rang = tmp_path / "rang"
    pi.measures(12_000)
    with pi.running():
        wait_until(rang.exists, 20, "the siren")
        pi.measures(5_000)
        wait_until(lambda: rang.read_text() == "HOT alarm tvc\nHOT ended tvc\n", 10, "the end of the alarm")


# TLS

OPENSSL = shutil.which("openssl")


def authority(folder: Path, name: str) -> Path:
    """A certificate that vouches for itself, good for 127.0.0.1."""
    assert OPENSSL is not None
    subprocess.run(
        [
            *(OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return folder / f"{name}.pem"


@needs_mosquitto
@pytest.mark.servers
@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed on this machine")
def test_a_broker_is_spoken_to_with_tls_and_only_if_its_authority_is_ours(tmp_path):
    ours, another = authority(tmp_path, "broker"), authority(tmp_path, "stranger")
    mosquitto = Mosquitto(
        tmp_path / "broker", more=f"certfile {ours}\nkeyfile {ours.with_suffix('.key')}\ntls_version tlsv1.2"
    )
    mosquitto.start()
    try:
        for trusted, expected in ((ours, "lets the device in"), (another, "certificate verify failed")):
            pi = Pi(tmp_path, mosquitto.port)
            text = pi.settings.read_text().replace("mqtt://", "mqtts://")
            pi.settings.write_text(text.replace("[broker]\n", f'[broker]\ntls_ca = "{trusted}"\n'))
            told = subprocess.run(
                [*COLDCHAIN, "agent", "--check", "--config", str(pi.settings)],
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
            )
            assert expected in told.stdout
    finally:
        mosquitto.stop()


def test_no_neighbour_can_guess_the_session_of_an_agent_and_take_it_over():
    own, other = Broker(password="a-secret"), Broker(password="another")

    assert session_name("pi-0142", own) == session_name("pi-0142", own)
    assert session_name("pi-0142", own) not in ("pi-0142", session_name("pi-0142", other))
