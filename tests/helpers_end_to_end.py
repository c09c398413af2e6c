"""The whole platform on free ports, a publisher that keeps its own log, and people who ask the API."""

import json
import os
import signal
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from coldchain.answers import decode_acknowledgement
from coldchain.clock import instant
from coldchain.ranges import Ranges
from coldchain.readings import Reading
from coldchain.senml import encode
from coldchain.topics import mqtt_topic
from tests.helpers_house import COLDCHAIN, free_port, wait_until

USER, PASSWORD = "asha", "correct horse battery"

POINTS = (
    "gate.received",
    "gate.appended",
    "gate.acknowledged",
    "judge.folded",
    "judge.committed",
    "books.read",
    "books.committed",
)

Readings = set[tuple[str, int, int]]
"""Channel, ms UTC, centidegrees."""


@dataclass(frozen=True, slots=True)
class Credentials:
    device_id: str
    password: str
    mqtt_url: str


@dataclass
class Platform:
    """A data directory with `coldchain up` over it. Crash points are armed with token files from the start."""

    folder: Path
    mqtt_port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    _token: str = ""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def mqtt_url(self) -> str:
        return f"mqtt://127.0.0.1:{self.mqtt_port}"

    # Processes

    def start(self) -> None:
        if not self.data.exists():
            self.say("user", "add", USER, "--role", "administrator", "--password-stdin", said=PASSWORD)
        armed = ";".join(f"{point}={self.token(point)}" for point in POINTS)
        with (self.folder / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(*COLDCHAIN, "up", "--data", str(self.data), "--listen", f"127.0.0.1:{self.http_port}"),
                    *("--mqtt-port", str(self.mqtt_port)),
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, "COLDCHAIN_CRASH": armed},
            )
        wait_until(self.is_well, 60, "the platform to be well")

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def is_well(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"`coldchain up` ended:\n{self.log()[-3000:]}"
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return bool(json.load(answer)["status"] == "ok")
        except OSError:
            return False

    def token(self, point: str) -> Path:
        return self.folder / f"{point}.token"

    def dies_at(self, point: str) -> None:
        """Have whoever comes to this point next die there, as by kill -9."""
        self.token(point).touch()

    def has_died_at(self, point: str) -> bool:
        return not self.token(point).exists()

    def processes(self) -> dict[int, str]:
        """`coldchain up` and all that it started, with their command lines."""
        assert self.process is not None
        found = {self.process.pid: "up"}
        parents = _parents()
        for pid, parent in sorted(parents.items()):
            if parent in found or _has_ancestor(pid, self.process.pid, parents):
                found[pid] = _command(pid)
        return found

    def pid_of(self, part: str) -> int | None:
        """The process of a part: line, desk or broker (the program itself that serves MQTT)."""
        found = [pid for pid, command in self.processes().items() if _is_part(command, part)]
        return found[-1] if found else None

    def kill(self, part: str) -> None:
        pid = self.pid_of(part)
        assert pid is not None, f"no {part} runs"
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.pid_of(part) not in (pid, None), 15, f"{part} to be back")

    def log(self) -> str:
        return (self.folder / "up.log").read_text()

    def say(self, *words: str, said: str = "") -> str:
        """A verb of the command line on this data directory; gives what it printed."""
        told = subprocess.run(
            [*COLDCHAIN, *words, "--data", str(self.data)],
            input=f"{said}\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stderr
        return told.stdout

    # People

    def add_devices(self, *names: str, point: str | None = None, interval: int | None = None) -> list[Credentials]:
        more = ["--storage-point", point] if point else []
        more += ["--interval", str(interval)] if interval else []
        lines = self.say("device", "add", *names, *more, "--json").splitlines()
        rows = [json.loads(line) for line in lines]
        return [Credentials(row["device_id"], row["password"], self.mqtt_url) for row in rows]

    def add_point(self, name: str, storage_class: str = "refrigerator") -> str:
        return self.say("storage-point", "add", name, "--class", storage_class).strip()

    def place(self, device_id: str, name: str, storage_class: str = "refrigerator") -> None:
        """A new storage point, and the device at it since it exists."""
        top = self.ask("/api/v1/places")["items"][0]["id"]
        body = {"name": name, "storage_class": storage_class, "place_id": top}
        point = self.ask("/api/v1/storage-points", json.dumps(body).encode())
        placed = {"storage_point_id": point["id"]}
        self.ask(f"/api/v1/devices/{device_id}/placements", json.dumps(placed).encode())

    def sign_in(self) -> str:
        if not self._token:
            body = json.dumps({"username": USER, "password": PASSWORD}).encode()
            self._token = self.ask("/api/v1/sign-in", body=body, signed_in=False)["token"]
        return self._token

    def ask(self, path: str, body: bytes | None = None, *, signed_in: bool = True) -> Any:
        headers = {"content-type": "application/json"}
        if signed_in:
            headers["authorization"] = f"Bearer {self.sign_in()}"
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def items(self, path: str) -> Iterator[Any]:
        """A list through all its pages."""
        following: str | None = path
        while following is not None:
            page = self.ask(following)
            yield from page["items"]
            following = page["next"]

    def readings(self, device_id: str) -> list[tuple[str, int, int]]:
        """What the API says that a device measured, as often as it says it."""
        items = self.items(f"/api/v1/devices/{device_id}/readings?limit=5000")
        return [
            (item["sensor"], instant(item["measured_at"]), round(item["celsius"] * 100))
            for item in items
            if item["celsius"] is not None
        ]

    def excursions(self, device_id: str) -> list[dict[str, Any]]:
        return list(self.items(f"/api/v1/excursions?{urllib.parse.urlencode({'device': device_id, 'limit': 1000})}"))


@contextmanager
def running(folder: Path) -> Iterator[Platform]:
    platform = Platform(folder)
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()


def _parents() -> dict[int, int]:
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z":
            found[int(folder.name)] = int(fields[1])
    return found


def _has_ancestor(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == ancestor:
            return True
    return False


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _is_part(command: str, part: str) -> bool:
    if part == "broker":
        return "mosquitto" in command.partition(" ")[0] or "nats-server" in command.partition(" ")[0]
    return f" coldchain {part} " in command


# The publisher


@dataclass
class Publisher:
    """A device that keeps what it sent, sends again what is not durable, and notes what the server calls durable.

    Its own log is the oracle: what it was told is durable must be readable, and nothing else may be.
    """

    given: Credentials
    outbox_id: str = "00000000000000aa"
    in_flight: int = 20
    packs: dict[int, tuple[bytes, tuple[Reading, ...]]] = field(default_factory=dict)
    durable: Ranges = field(default_factory=Ranges)
    acknowledgements: int = 0
    refusals: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"{self.given.device_id}-test")
        self._client.username_pw_set(self.given.device_id, self.given.password)
        self._client.max_inflight_messages_set(self.in_flight)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_message = self._message
        parts = urllib.parse.urlsplit(self.given.mqtt_url)
        self._client.connect_async(parts.hostname or "", parts.port or 1883)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def pack(self, readings: Sequence[Reading]) -> int:
        """A new pack in the log; gives its number. It is sent by `send`."""
        seq = len(self.packs) + 1
        self.packs[seq] = (encode(self.given.device_id, self.outbox_id, seq, readings), tuple(readings))
        return seq

    def send(self, *numbers: int) -> None:
        self.publish(*(self.packs[seq][0] for seq in numbers or self.packs))

    def publish(self, *bodies: bytes) -> None:
        """Hand them to the client, which gives them to the broker once it is connected."""
        for body in bodies:
            self._client.publish(mqtt_topic(self.given.device_id, "readings"), body, qos=1)

    def is_connected(self) -> bool:
        return self._client.is_connected()

    def waiting(self) -> list[int]:
        with self._lock:
            return [seq for seq in self.packs if seq not in self.durable]

    def send_until_durable(self, within_s: float = 60.0, again_after_s: float = 2.0) -> None:
        """As an agent does: whatever the server has not called durable is sent again."""
        rounds = max(1, round(within_s / again_after_s))
        for _ in range(rounds):
            waiting = self.waiting()
            if not waiting:
                return
            if self.is_connected():
                self.send(*waiting)
            try:
                wait_until(lambda: not self.waiting(), again_after_s)
            except AssertionError:
                continue  # some of it got lost on the way: that is what this is for
        raise AssertionError(f"{len(self.waiting())} packs of {self.given.device_id} were never called durable")

    def log(self) -> Readings:
        """Everything that was ever sent, as a set."""
        return {
            (reading.channel, reading.measured_at, reading.centidegrees)
            for _, readings in self.packs.values()
            for reading in readings
            if reading.centidegrees is not None
        }

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(mqtt_topic(self.given.device_id, leaf), 1) for leaf in ("ack", "refused")])

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/refused"):
            self.refusals.append(json.loads(message.payload))
            return
        ack = decode_acknowledgement(bytes(message.payload))
        with self._lock:
            self.acknowledgements += 1
            if ack.outbox_id == self.outbox_id:
                for first, last in ack.durable:
                    self.durable = self.durable.with_range(first, last)


def holds_exactly(platform: Platform, publishers: Sequence[Publisher], within_s: float = 30.0) -> None:
    """The API gives every reading of every publisher's log, each once, and no other."""
    for publisher in publishers:
        _holds_exactly(platform, publisher, within_s)


def _holds_exactly(platform: Platform, publisher: Publisher, within_s: float) -> None:
    device_id, log = publisher.given.device_id, publisher.log()
    wait_until(lambda: len(platform.readings(device_id)) >= len(log), within_s, "all readings to be readable")
    found = platform.readings(device_id)
    assert len(found) == len(set(found)), "a reading counts twice"
    assert set(found) == log
