"""What whoever changes the books does after the commit: have the others learn of it before saying that it is done."""

import json
from collections.abc import Sequence
from pathlib import Path

from coldchain.data_dir import DataDir
from registry import broker_files
from registry.books import Books, open_books
from registry.devices import Credentials
from registry.relay import relay

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
