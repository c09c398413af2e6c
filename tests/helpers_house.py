"""Real processes for tests: free ports, brokers, MQTT clients that keep what they saw."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from coldchain.data_dir import DataDir

COLDCHAIN = (sys.executable, "-m", "coldchain")


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def wait_until(holds: Callable[[], object], within_s: float = 10.0, what: str = "it") -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen within {within_s:.0f} s"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has waited for yet has ended too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@dataclass
class RunningBroker:
    data_dir: DataDir
    port: int
    name: str
    more: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.data_dir.root / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(*COLDCHAIN, "broker", "--data", str(self.data_dir.root), "--broker", self.name),
                    *("--mqtt-host", "127.0.0.1", "--mqtt-port", str(self.port), *self.more),
                ],
                stderr=log,
            )
        wait_until(lambda: accepts(self.port), 20, f"{self.name} to listen")

    def kill(self) -> None:
        """Kill -9, and wait until the port is free again (the companion's child ends with it)."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        wait_until(lambda: not accepts(self.port), 10, f"{self.name} to be gone")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def broker(name: str, data_dir: DataDir, *more: str) -> Iterator[RunningBroker]:
    running = RunningBroker(data_dir, free_port(), name, more)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@dataclass
class Seen:
    topic: str
    payload: bytes
    retain: bool
    dup: bool


@dataclass
class Client:
    """An MQTT client that keeps what it saw. `manual` holds every PUBACK back."""

    port: int
    user: str | None = None
    password: str | None = None
    name: str = ""
    persistent: bool = False
    manual: bool = False
    will: tuple[str, bytes] | None = None
    seen: list[Seen] = field(default_factory=list)
    answers: list[list[int]] = field(default_factory=list)
    refusal: str | None = None
    drops: int = 0

    def __post_init__(self) -> None:
        self.mqtt = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.name,
            clean_session=not self.persistent,
            protocol=mqtt.MQTTv311,
            manual_ack=self.manual,
        )
        if self.user is not None:
            self.mqtt.username_pw_set(self.user, self.password)
        if self.will is not None:
            self.mqtt.will_set(*self.will, qos=1, retain=True)
        self.mqtt.on_connect = self._connected
        self.mqtt.on_message = self._message
        self.mqtt.on_subscribe = self._subscribed
        self.mqtt.on_disconnect = self._dropped
        self._answered = False

    def __enter__(self) -> "Client":
        self.mqtt.connect("127.0.0.1", self.port)
        self.mqtt.loop_start()
        wait_until(lambda: self._answered or self.drops, 10, "the broker to answer")
        return self

    def __exit__(self, *_: object) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()
        self._let_go()

    def _let_go(self) -> None:
        """No circle may keep paho's client: it closes its own sockets only when it is forgotten."""
        self.mqtt.on_connect = self.mqtt.on_message = self.mqtt.on_subscribe = self.mqtt.on_disconnect = None

    @property
    def is_in(self) -> bool:
        return self._answered and self.refusal is None and self.mqtt.is_connected()

    def subscribe(self, *topics: str) -> list[bool]:
        """Which subscriptions were granted."""
        before = len(self.answers)
        self.mqtt.subscribe([(topic, 1) for topic in topics])
        wait_until(lambda: len(self.answers) > before, 10, "the subscription to be answered")
        return [code < 0x80 for code in self.answers[-1]]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, within_s: float = 10.0) -> bool:
        """Whether the broker acknowledged it."""
        told = self.mqtt.publish(topic, payload, qos=1, retain=retain)
        with suppress(RuntimeError, ValueError):
            told.wait_for_publish(within_s)
        return told.is_published()

    def payloads(self, leaf: str = "") -> list[bytes]:
        return [seen.payload for seen in self.seen if seen.topic.endswith(leaf)]

    def break_off(self) -> None:
        """As a power cut does it: no DISCONNECT."""
        own = self.mqtt.socket()
        self.mqtt.loop_stop()
        if own is not None:
            own.close()
        self._let_go()

    def _connected(self, _c: mqtt.Client, _u: object, _f: object, code: ReasonCode, _p: object) -> None:
        self.refusal = str(code) if code.is_failure else None
        self._answered = True

    def _message(self, _c: mqtt.Client, _u: object, message: mqtt.MQTTMessage) -> None:
        self.seen.append(Seen(message.topic, bytes(message.payload), message.retain, message.dup))

    def _subscribed(self, _c: mqtt.Client, _u: object, _m: int, codes: list[ReasonCode], _p: object) -> None:
        self.answers.append([code.value for code in codes])

    def _dropped(self, _c: mqtt.Client, _u: object, _f: object, _r: object, _p: object) -> None:
        self.drops += 1


@dataclass
class Up:
    """`coldchain up` on a data directory, with what it said."""

    root: Path
    port: int = field(default_factory=free_port)
    mqtt_port: int = field(default_factory=free_port)
    more: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> None:
        self.root.parent.mkdir(parents=True, exist_ok=True)
        with self.beside("out").open("ab") as out, self.beside("err").open("ab") as err:
            self.process = subprocess.Popen(
                [
                    *(*COLDCHAIN, "up", "--data", str(self.root), "--listen", f"127.0.0.1:{self.port}"),
                    *("--mqtt-port", str(self.mqtt_port), *self.more),
                ],
                stdout=out,
                stderr=err,
                env={**os.environ, **self.environment},
            )

    def start(self, within_s: float = 60.0) -> None:
        before = self.out().count("Coldchain is running")
        self.launch()
        assert self.process is not None
        process = self.process

        def is_ready() -> bool:
            assert process.poll() is None, f"it ended: {self.err()[-3000:]}"
            return self.out().count("Coldchain is running") > before

        wait_until(is_ready, within_s, "everything to be ready")

    def children(self) -> dict[str, int]:
        """What its children do → their process numbers."""
        found = {}
        with suppress(FileNotFoundError, ProcessLookupError):
            for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
                with suppress(FileNotFoundError, ProcessLookupError):
                    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                    name = next((word.decode() for word in words if word in (b"line", b"desk")), "broker")
                    if not is_gone(int(pid)):
                        found[name] = int(pid)
        return found

    def stop(self, within_s: float = 20.0) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def out(self) -> str:
        path = self.beside("out")
        return path.read_text() if path.exists() else ""

    def err(self) -> str:
        path = self.beside("err")
        return path.read_text() if path.exists() else ""

    def beside(self, suffix: str) -> Path:
        return self.root.parent / f"{self.root.name}.{suffix}"


@contextmanager
def everything(up: Up) -> Iterator[Up]:
    """Everything of one machine runs inside; nothing of it after."""
    try:
        up.start()
        yield up
    finally:
        up.stop()


def health(port: int) -> str:
    """What /health says: ok, degraded, or away where nobody answers."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/health", timeout=5)
        return str(answer.json()["status"])
    except httpx.HTTPError:
        return "away"
