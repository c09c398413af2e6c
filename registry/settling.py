"""What whoever changes the books does after the commit: have the others learn of it before saying that it is done."""

import json
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from coldchain.data_dir import DataDir
from coldchain.journal.sqlite import SqliteJournal
from coldchain.topics import SETTINGS
from registry import broker_files
from registry.books import Books, open_books
from registry.devices import Credentials
from registry.relay import relay

HEARS_WITHIN_S = 5.0
POLL_S = 0.02

DEFAULT_MQTT_URL = "mqtt://127.0.0.1:1883"


def open_at(data_dir: DataDir) -> Books:
    """The books of a data directory, made where there are none."""
    data_dir.root.mkdir(parents=True, exist_ok=True)
    return open_books(f"sqlite:///{data_dir.books}")


def settle(books: Books, data_dir: DataDir) -> None:
    """After any change: the gate and the judge can learn of it when this comes back."""
    relay(books, data_dir.books)


def settle_devices(books: Books, data_dir: DataDir, given: Sequence[Credentials] = ()) -> None:
    """After a change of who may speak: the gate knows, and a broker of ours lets them in, when this comes back.

    Raises broker_files.NotReloaded.
    """
    settle(books, data_dir)
    broker_files.write(books, data_dir)
    address = broker_address(data_dir)
    if given and address is not None:
        broker_files.await_admission(data_dir, address, given[-1])
    with books.read() as shelf:
        has_topics = bool(shelf.devices.topics())
    if has_topics:
        _await_hearing(data_dir)


def _await_hearing(data_dir: DataDir) -> None:
    """Come back once the gate that runs here hears the topics that the books told of last; soon in any case.

    What a device publishes before its topics are asked for, the broker gives to nobody.
    """
    journal = SqliteJournal(data_dir.root)
    try:
        told = journal.end(SETTINGS)
    finally:
        journal.close()
    until = time.monotonic() + HEARS_WITHIN_S
    while _hears(data_dir.gate_hears) < told and time.monotonic() < until and _answers(data_dir.gate_socket):
        time.sleep(POLL_S)


def _hears(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # nobody has, or it is being written
        return 0


def _answers(path: Path) -> bool:
    """Whether a gate runs here."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.connect(str(path))
        return True
    return False


def mqtt_url(data_dir: DataDir) -> str:
    """Where devices find the broker: what `coldchain up` runs with, if it does."""
    told = _running(data_dir.running).get("mqtt_url")
    return told if isinstance(told, str) else DEFAULT_MQTT_URL


def broker_address(data_dir: DataDir) -> tuple[str, int] | None:
    """Where the broker of ours listens on this machine, None where none runs."""
    told = _running(data_dir.running)
    host, port = told.get("mqtt_host", "127.0.0.1"), told.get("mqtt_port")
    return (host, port) if isinstance(host, str) and isinstance(port, int) else None


def _running(path: Path) -> dict[str, object]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
