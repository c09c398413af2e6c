"""A gate for tests: enrolled devices, messages as they arrive, what the journal holds, a mosquitto to be killed."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coldchain.clock import HOUR, MINUTE
from coldchain.data_dir import DataDir
from coldchain.events import Heartbeat, Refusal, Released, Status
from coldchain.facts import Enrolled, Fact
from coldchain.journal.sqlite import SqliteJournal
from coldchain.packs import Pack
from coldchain.readings import Reading
from coldchain.senml import encode
from coldchain.topics import READINGS, REFUSED, SETTINGS, STATUS, Topic, mqtt_topic
from ingest.gate import Gate, Message, Outcome
from tests.helpers_house import COLDCHAIN, accepts, free_port, wait_until
from tests.tales import NEW_YEAR

PI = "pi-0142"
OTHER = "pi-0143"
OUTBOX = "9f86d081884c7d65"

ARRIVED = NEW_YEAR + 12 * HOUR
"""When messages arrive, unless a test says otherwise."""


@dataclass
class OwnClock:
    at: int = ARRIVED

    def __call__(self) -> int:
        return self.at


def tell_settings(data_dir: DataDir, *facts: Fact) -> None:
    """As the books do."""
    journal = SqliteJournal(data_dir.root)
    asyncio.run(journal.append(SETTINGS, [(fact.key, fact) for fact in facts]))
    journal.close()


def enrolled(device_id: str, revision: int = 1, credential: str = "", **more: Any) -> Enrolled:
    return Enrolled(device_id, revision, credential, "senml", ((0, MINUTE),), **more)


@contextmanager
def open_gate(data_dir: DataDir, *devices: str, clock: OwnClock | None = None, **more: Any) -> Iterator[Gate]:
    if devices:
        tell_settings(data_dir, *(enrolled(device_id) for device_id in devices))
    gate = Gate(data_dir, clock or OwnClock(), **more)
    try:
        yield gate
    finally:
        gate.close()


def sent(
    seq: int, *celsius: float, device_id: str = PI, outbox_id: str = OUTBOX, begin: int = NEW_YEAR, at: int = ARRIVED
) -> Message:
    """A pack as the agent sends it, a reading a minute."""
    readings = [
        Reading("tvc", begin + (seq * 100 + number) * MINUTE, round(one * 100)) for number, one in enumerate(celsius)
    ]
    return arrived(encode(device_id, outbox_id, seq, readings), device_id=device_id, at=at)


def arrived(
    payload: bytes | Sequence[object] | dict[str, Any],
    *,
    device_id: str = PI,
    leaf: str = "readings",
    at: int = ARRIVED,
    **more: Any,
) -> Message:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(device_id, leaf, mqtt_topic(device_id, leaf), body, at, **more)


def take(gate: Gate, *messages: Message) -> list[Outcome]:
    return gate.take(messages)


def verdicts(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.verdict for outcome in outcomes]


def on_topic(data_dir: DataDir, topic: Topic) -> list[Any]:
    journal = SqliteJournal(data_dir.root)
    try:
        return [entry.item for entry in journal.read(topic, 0, 1_000_000)]
    finally:
        journal.close()


def packs(data_dir: DataDir) -> list[Pack]:
    return [item for item in on_topic(data_dir, READINGS) if isinstance(item, Pack)]


def beats(data_dir: DataDir) -> list[Heartbeat]:
    return [item for item in on_topic(data_dir, READINGS) if isinstance(item, Heartbeat)]


def refused(data_dir: DataDir) -> list[Refusal]:
    return [item for item in on_topic(data_dir, REFUSED) if isinstance(item, Refusal)]


def released(data_dir: DataDir) -> list[Released]:
    return [item for item in on_topic(data_dir, REFUSED) if isinstance(item, Released)]


def statuses(data_dir: DataDir) -> list[Status]:
    return on_topic(data_dir, STATUS)


def numbers(data_dir: DataDir) -> list[tuple[str, int | None]]:
    return [(pack.device_id, pack.seq) for pack in packs(data_dir)]


@dataclass
class Mosquitto:
    """Anybody may say anything here: the access list is tested with the house."""

    folder: Path
    allows: str = "true"
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous {self.allows}\nuser root\n"
            f"persistence true\npersistence_location {self.folder}/\nautosave_interval 1\n"
            "max_queued_messages 0\nmax_inflight_messages 1000\nlog_dest none\n"
        )
        self.process = subprocess.Popen(["mosquitto", "-c", str(configuration)], stderr=subprocess.DEVNULL)
        wait_until(lambda: accepts(self.port), 10, "mosquitto to listen")

    def kill(self, *, forgets: bool = False) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        if forgets:
            (self.folder / "mosquitto.db").unlink(missing_ok=True)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)


@contextmanager
def mosquitto(folder: Path, allows: str = "true") -> Iterator[Mosquitto]:
    running = Mosquitto(folder, allows)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@dataclass
class GateProcess:
    """The real `coldchain ingest`."""

    data_dir: DataDir
    mqtt_url: str
    process: subprocess.Popen[bytes] | None = None

    def start(self, crash: str = "") -> None:
        with (self.data_dir.root / "ingest.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*COLDCHAIN, "ingest", "--data", str(self.data_dir.root), "--mqtt-url", self.mqtt_url],
                stderr=log,
                env={"COLDCHAIN_CRASH": crash, "PATH": ""},
            )

    def has_died(self) -> bool:
        assert self.process is not None
        return self.process.poll() == -signal.SIGKILL

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
            self.process.kill()
            self.process.wait()

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.data_dir.root / "ingest.log").read_text().splitlines()]
