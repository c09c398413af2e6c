"""The platform in processes that die each for itself, as on machines of their own: broker, gate, judge, books, agents.

Whoever dies is started again after a moment, as a service manager does it. Each has every named point of the code armed
with a token file of its own making: who comes to the point while the token is there dies as by kill -9.
"""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers_end_to_end import PASSWORD, USER, Platform
from tests.helpers_house import COLDCHAIN, wait_until

BACK_AFTER_S = 0.3
LOOKED_FOR_S = 0.05

POINTS_OF = {
    "gate": ("gate.received", "gate.appended", "gate.acknowledged"),
    "judge": ("judge.folded", "judge.committed"),
    "books": ("books.read", "books.committed", "books.relayed"),
    "agent": ("agent.kept", "agent.sent", "agent.acknowledged"),
}
"""Named points of the code, by the part whose process comes to them."""

MODESTLY = (sys.executable, "-m", "tests.soak.modestly")


@dataclass
class Part:
    """What is kept running, until it is held or ended."""

    command: tuple[str, ...]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    is_held: bool = False
    deaths: int = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                process_group=0,
            )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def is_dead(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        """To it and to what it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


@dataclass
class Rig(Platform):
    """`kill`, `hold` and `dies_at` are what the fire does to it; people ask the same API as ever."""

    parts: dict[str, Part] = field(default_factory=dict)
    _ending: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _keeper: threading.Thread | None = None

    def start(self) -> None:
        self.say("user", "add", USER, "--role", "administrator", "--password-stdin", said=PASSWORD)
        made = subprocess.run(
            [sys.executable, "-m", "api.first_start", "--data", str(self.data)], capture_output=True, check=False
        )
        assert made.returncode == 0, made.stderr
        at = ("--mqtt-host", "127.0.0.1", "--mqtt-port", str(self.mqtt_port))
        listen = ("--listen", f"127.0.0.1:{self.http_port}", "--mqtt-url", self.mqtt_url)
        self.add("broker", ("broker", "--data", str(self.data), *at))
        self.add("gate", ("ingest", "--data", str(self.data), "--mqtt-url", self.mqtt_url))
        self.add("judge", ("stream", "--data", str(self.data)))
        self.add("books", ("desk", "--data", str(self.data), *listen))
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()
        wait_until(self.is_well, 60, "the platform to be well")

    def add(self, name: str, words: tuple[str, ...]) -> None:
        """A part by its name and the words that start it. Its named points are armed from the start."""
        points = POINTS_OF.get(name.partition("-")[0], ())
        armed = ";".join(f"{point}={self.token(point, name)}" for point in points)
        how = () if name == "broker" else MODESTLY  # a broker that gives up root by itself needs root's rights for it
        part = Part((*how, *COLDCHAIN, *words), {"COLDCHAIN_CRASH": armed}, self.folder / f"{name}.log")
        with self._lock:
            part.start()
            self.parts[name] = part

    def stop(self) -> None:
        self._ending.set()
        if self._keeper is not None:
            self._keeper.join()
        for name in sorted(self.parts, key=["broker"].count):  # the broker last: it writes down what still waits
            part = self.parts[name]
            part.signal(signal.SIGTERM)
            try:
                part.process.wait(20) if part.process is not None else None
            except subprocess.TimeoutExpired:
                part.signal(signal.SIGKILL)
                raise

    def _keep(self) -> None:
        while not self._ending.wait(LOOKED_FOR_S):
            for part in list(self.parts.values()):
                if part.is_dead and not part.is_held and not self._ending.wait(BACK_AFTER_S):
                    with self._lock:
                        part.deaths += 1
                        part.signal(signal.SIGKILL)  # what it had started goes with it
                        part.start()

    def is_well(self) -> bool:
        return self._answers_well() and not any(part.is_dead for part in self.parts.values())

    def _answers_well(self) -> bool:
        try:
            return bool(self.ask("/health", signed_in=False)["status"] == "ok")
        except (OSError, ValueError):
            return False

    # What the fire does

    def token(self, point: str, name: str = "") -> Path:
        """The agents come to the same points, each with a token of its own."""
        owner = f"{name}-" if name.startswith("agent-") else ""
        return self.folder / f"{owner}{point}.token"

    def kill(self, part: str) -> None:
        """Kill -9, and come back once it runs again."""
        before = self.parts[part].deaths
        self.parts[part].signal(signal.SIGKILL)
        self._wait_for_another(part, before)

    def kill_all(self) -> None:
        """All at one instant."""
        before = {name: part.deaths for name, part in self.parts.items()}
        for part in self.parts.values():
            part.signal(signal.SIGKILL)
        for name, deaths in before.items():
            self._wait_for_another(name, deaths)

    def kill_at(self, part: str, point: str, meanwhile: Callable[[], None], within_s: float = 20.0) -> None:
        """Have the part die at the point; `meanwhile` does what may bring it there."""
        before = self.parts[part].deaths
        token = self.token(point, part)
        token.touch()
        try:
            meanwhile()
            wait_until(lambda: not token.exists(), within_s, f"{part} to come to {point}")
        finally:
            token.unlink(missing_ok=True)
        self._wait_for_another(part, before)

    def _wait_for_another(self, part: str, deaths: int) -> None:
        wait_until(lambda: self.parts[part].deaths > deaths, 20, f"{part} to be started again")

    @contextmanager
    def held(self, part: str) -> Iterator[None]:
        """Killed, and away while the block runs."""
        self.parts[part].is_held = True
        try:
            self.parts[part].signal(signal.SIGKILL)
            wait_until(lambda: self.parts[part].is_dead, 10, f"{part} to be gone")
            yield
        finally:
            self.parts[part].is_held = False

    @contextmanager
    def full_disk(self, part: str) -> Iterator[None]:
        """Every write of the part to a file fails."""
        pid = self.parts[part].pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    @contextmanager
    def read_only(self, file: str, part: str) -> Iterator[None]:
        """A file of the data directory may only be read, and its writer is started anew on it."""
        paths = [path for rest in ("", "-wal", "-shm") if (path := self.data / f"{file}{rest}").exists()]
        for path in paths:
            path.chmod(0o444)
        self.parts[part].signal(signal.SIGKILL)
        try:
            yield
        finally:
            for path in paths:
                if path.exists():
                    path.chmod(0o644)


@contextmanager
def running(folder: Path) -> Iterator[Rig]:
    rig = Rig(folder)
    try:
        rig.start()
        yield rig
    finally:
        rig.stop()
