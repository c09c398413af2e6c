"""The machine of the demo: `coldchain up` as a child on free ports, and how far it has come."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from api.children import leash
from api.settings import Address
from coldchain.data_dir import DataDir
from coldchain.errors import Conflict, Unavailable
from coldchain.journal.sqlite import FILES, last_offset
from coldchain.sqlite import FileMissing, open_to_read, position
from coldchain.topics import READINGS
from registry.books import Books
from registry.followers import FOLLOWERS
from stream.judge import FOLLOWER as JUDGE

READY = "Coldchain is running:"
"""How the line begins by which `coldchain up` says that all parts are well."""

PORTS_TRIED = 50
POLL_S = 0.05
LAST_LINES = 12
ENDS_WITHIN_S = 20.0


class NoFreePort(Conflict):
    """Neither the wished port nor one of those after it is free."""


class UpEnded(Unavailable):
    """`coldchain up` ended before it was told to."""


class NotReady(Unavailable):
    """The platform is not as far as it should be by now."""


def free_port(host: str, wished: int) -> int:
    """The wished port if nobody listens there, else the next one. Raises NoFreePort."""
    for port in range(wished, wished + PORTS_TRIED):
        with suppress(OSError), socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
            return port
    raise NoFreePort(f"no port from {wished} to {wished + PORTS_TRIED - 1} is free on {host}")


def invented_password() -> str:
    """Easy to type, and another each time."""
    words = ("neem", "mango", "tulsi", "lotus", "peepal", "jasmine", "banyan", "guava", "saffron", "tamarind")
    return f"{secrets.choice(words)}-{secrets.choice(words)}-{secrets.randbelow(9000) + 1000}"


class Machine:
    """`coldchain up`, which ends when we do, however we end. What it logs goes to `log`."""

    def __init__(self, data_dir: DataDir, listen: Address, mqtt_port: int, log: Path) -> None:
        self.url = f"http://{listen}"
        self._log = log
        self._is_ready = threading.Event()
        command = (sys.executable, "-P", "-m", "coldchain", "up", "--data", str(data_dir.root), "--listen", str(listen))
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                (*command, "--mqtt-port", str(mqtt_port), "--mqtt-host", "127.0.0.1"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=file,
                preexec_fn=leash(signal.SIGTERM, os.getpid()),  # noqa: PLW1509  one call of the kernel, no lock taken
                process_group=0,  # Ctrl-C reaches us alone, and we end it in order
            )
        self._listener = threading.Thread(target=self._listen, name="up", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def check(self) -> None:
        """Raises UpEnded."""
        code = self._process.poll()
        if code is not None:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
            raise UpEnded("\n".join([f"`coldchain up` ended with exit code {code}; its last words:", *lines]))

    def await_ready(self, within_s: float) -> None:
        """Come back once all its parts are well. Raises UpEnded, NotReady."""
        self.await_(self._is_ready.is_set, within_s, "the platform has not started")

    def await_(self, is_so: Callable[[], bool], within_s: float, otherwise: str) -> None:
        """Raises UpEnded, NotReady."""
        patience = time.monotonic() + within_s
        while not is_so():
            self.check()
            if time.monotonic() > patience:
                raise NotReady(f"{otherwise} within {within_s:.0f} s; {self._log} may say why")
            time.sleep(POLL_S)

    def end(self) -> None:
        """All of it, in order; after the time by force."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process.wait()
        self._listener.join(1.0)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def kill(self) -> None:
        self._process.kill()

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  (a pipe was asked for)
        for line in self._process.stdout:
            if line.decode(errors="replace").startswith(READY):
                self._is_ready.set()


def has_caught_up(data_dir: DataDir, books: Books) -> bool:
    """Whether the judge has judged all that the gate has, and the books know of all verdicts."""
    try:
        with closing(open_to_read(data_dir.gate)) as gate, closing(open_to_read(data_dir.stream)) as stream:
            if position(stream, READINGS, JUDGE) < last_offset(gate, READINGS) - 2:  # heartbeats go on and on
                return False
            files = {"gate.db": gate, "stream.db": stream}
            return all(
                follower.position(books) >= last_offset(files[FILES[follower.topic]], follower.topic)
                for follower in FOLLOWERS
            )
    except FileMissing:
        return False
