"""The broker that `coldchain up` brings: mosquitto where it is installed, else the one that pip brings.

Every broker reads the same password file and access list, which the books write (`registry/broker_files.py`), and
keeps the same promises (`tests/house/test_access.py`). Which one pip brings, and why: `docs/decisions/0001-broker.md`.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from api import broker_mosquitto, broker_nats
from api.children import leash
from api.settings import Address
from coldchain.data_dir import DataDir
from coldchain.errors import Refused, Unavailable

FILES = ("passwd", "acl")
WATCH_S = 1.0

Command = Callable[[DataDir, Address], list[str]]
"""Writes the broker's configuration and gives the command that runs it in the foreground."""


@dataclass(frozen=True, slots=True)
class Broker:
    name: str
    installed: Callable[[], bool]
    command: Command
    how_to_install: str


BROKERS = (
    Broker("mosquitto", broker_mosquitto.installed, broker_mosquitto.command, "apt-get install mosquitto"),
    Broker("nats", broker_nats.installed, broker_nats.command, "pip install 'coldchain[broker]'"),
)


class NoBroker(Unavailable):
    """No broker is installed on this machine, or not the one that was asked for."""


class BrokerEnded(Unavailable):
    """The broker ended by itself; its log says why."""


class FilesMissing(Refused):
    """The broker has no password file or access list yet: the books write them."""


def choose(name: str = "auto") -> Broker:
    """Raises NoBroker."""
    for broker in BROKERS:
        if name in ("auto", broker.name) and broker.installed():
            return broker
    ways = "; or ".join(f"{b.how_to_install} ({b.name})" for b in BROKERS if name in ("auto", b.name))
    raise NoBroker(f"no MQTT broker is installed: {ways}; or name one elsewhere with --mqtt-url")


def run(broker: Broker, data_dir: DataDir, at: Address, wait_s: float = 60.0) -> None:
    """Become the broker, as soon as the books have written its files; does not come back. Raises FilesMissing."""
    await_files(data_dir, wait_s)
    pid_file(data_dir).unlink(missing_ok=True)
    command = broker.command(data_dir, at)
    os.execv(command[0], command)  # noqa: S606  (no shell: the list was made here)


async def run_watching(broker: Broker, data_dir: DataDir, at: Address, wait_s: float = 600.0) -> None:
    """Run the broker beside books that cannot signal it, as in a container of its own: we look for changes.

    Raises FilesMissing, and BrokerEnded where it ends by itself.
    """
    await asyncio.to_thread(await_files, data_dir, wait_s)
    known = _versions(data_dir)
    process = await asyncio.create_subprocess_exec(
        *broker.command(data_dir, at), stdin=asyncio.subprocess.DEVNULL, preexec_fn=leash(signal.SIGTERM, os.getpid())
    )
    try:
        while process.returncode is None:
            # its number means nothing, or somebody else, where the books run
            pid_file(data_dir).unlink(missing_ok=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(process.wait()), WATCH_S)
            if process.returncode is None and (now := _versions(data_dir)) != known:
                known = now
                process.send_signal(signal.SIGHUP)
        raise BrokerEnded(f"{broker.name} ended with exit code {process.returncode}")
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _versions(data_dir: DataDir) -> list[tuple[int, int]]:
    """What changes when the books write the files anew."""
    stats = [(data_dir.broker / name).stat() for name in FILES]
    return [(stat.st_ino, stat.st_mtime_ns) for stat in stats]


def await_files(data_dir: DataDir, wait_s: float) -> None:
    until = time.monotonic() + wait_s
    wanted = [data_dir.broker / name for name in FILES]
    while missing := [path for path in wanted if not path.exists()]:
        if time.monotonic() > until:
            raise FilesMissing(f"{missing[0]} is not there: start `coldchain desk`, which writes it")
        time.sleep(0.1)


def pid_file(data_dir: DataDir) -> Path:
    """Where the broker's process number stands while it runs, so that the books can have it read its files again."""
    return data_dir.broker / "mosquitto.pid"
