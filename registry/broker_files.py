"""The broker's files: who may sign in (`passwd`) and what each may say and hear (`acl`), made from the books.

A device speaks and hears below its own name only, and speaks on the topics that its record names. After a change the
broker is told to read them again (SIGHUP); it then turns away whoever is no longer in them.
"""

import fcntl
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from coldchain.credentials import credential_of, matches
from coldchain.data_dir import DataDir
from coldchain.errors import Unavailable
from coldchain.topics import MQTT_ROOT
from registry import devices
from registry.devices import GATE_USER, Credentials
from registry.transactions import Books

RELOADS_WITHIN_S = 15.0
POLL_S = 0.02

ACL = f"""\
# Written by coldchain from its books; a change here is lost.
# A device, by its own name.
pattern write {MQTT_ROOT}/%u/readings
pattern write {MQTT_ROOT}/%u/status
pattern read {MQTT_ROOT}/%u/ack
pattern read {MQTT_ROOT}/%u/config
pattern read {MQTT_ROOT}/%u/refused

# The gate.
user {GATE_USER}
topic read {MQTT_ROOT}/+/readings
topic read {MQTT_ROOT}/+/status
topic write {MQTT_ROOT}/+/ack
topic write {MQTT_ROOT}/+/config
topic write {MQTT_ROOT}/+/refused
"""


class Shelf(devices.Shelf, Protocol):
    """Devices."""


class NotReloaded(Unavailable):
    """The broker runs and does not take up its new files."""


def write(books: Books[Shelf], data_dir: DataDir) -> None:
    """Make both files as the books are now, and have a broker that runs read them again.

    Whoever writes last has read the books last: one lock is held around both.
    """
    with _alone(data_dir.broker):
        with books.read() as shelf:
            credentials, topics = shelf.devices.credentials(), shelf.devices.topics()
        _replace(data_dir.broker / "passwd", _passwords(data_dir, credentials))
        _replace(data_dir.broker / "acl", access_list(topics))
        tell_broker(data_dir)


def access_list(topics: Sequence[tuple[str, Sequence[str]]]) -> str:
    """What each may say and hear; `topics` are devices with the MQTT filters that they publish to beside our own."""
    heard = [f"topic read {one}\n" for _, filters in topics for one in filters]
    said = [f"\nuser {device_id}\n" + "".join(f"topic write {one}\n" for one in own) for device_id, own in topics]
    return ACL + "".join([*heard, *said])


def tell_broker(data_dir: DataDir) -> bool:
    """Ask the broker to read its files again; False where none of ours runs."""
    pid = broker_pid(data_dir)
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGHUP)
        return True
    return False


def broker_pid(data_dir: DataDir) -> int | None:
    """The process of the broker that runs on this data directory."""
    try:
        pid = int((data_dir.broker / "mosquitto.pid").read_text(encoding="ascii"))
        os.kill(pid, 0)
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and b"broker" not in command.read_bytes():
            return None  # the number was given to another process since
    except (OSError, ValueError):
        return None
    return pid


def await_admission(data_dir: DataDir, address: tuple[str, int], credentials: Credentials) -> None:
    """Come back once the broker that runs here lets the device in; at once where none runs. Raises NotReloaded."""
    until = time.monotonic() + RELOADS_WITHIN_S
    while broker_pid(data_dir) is not None:
        try:
            if lets_in(address, credentials.device_id, credentials.password):
                return
        except OSError:
            pass  # it is just starting, and reads the new files then
        if time.monotonic() > until:
            raise NotReloaded(
                f"the broker has not let {credentials.device_id} in; restart it to have it read its files"
            )
        time.sleep(POLL_S)


def lets_in(address: tuple[str, int], username: str, password: str) -> bool:
    """Whether a broker accepts the name and password (MQTT 3.1.1: CONNECT, then return code 0). Raises OSError."""
    client = f"coldchain-look-{secrets.token_hex(8)}"
    body = b"\x00\x04MQTT\x04\xc2\x00\x0a" + b"".join(
        len(text.encode()).to_bytes(2, "big") + text.encode() for text in (client, username, password)
    )
    with socket.create_connection(address, timeout=RELOADS_WITHIN_S) as connection:
        connection.sendall(b"\x10" + _length(len(body)) + body)
        answer = connection.recv(4)
        with suppress(OSError):
            connection.sendall(b"\xe0\x00")
    return answer[:1] == b"\x20" and answer[3:4] == b"\x00"


def gate_password(data_dir: DataDir) -> str:
    """The gate's own password at our broker, made where there is none; readable by us alone."""
    path = data_dir.gate_password
    with suppress(FileNotFoundError):
        if known := path.read_text(encoding="ascii").strip():
            return known
    password = secrets.token_hex(24)
    _replace(path, password + "\n")
    return password


def _passwords(data_dir: DataDir, credentials: list[tuple[str, str]]) -> str:
    lines = [f"{GATE_USER}:{_gate_credential(data_dir)}"]
    lines += [f"{device_id}:{credential}" for device_id, credential in credentials]
    return "\n".join(lines) + "\n"


def _gate_credential(data_dir: DataDir) -> str:
    """The one in the file if it still fits, so that the gate is not turned away by a reload."""
    password = gate_password(data_dir)
    with suppress(OSError, ValueError):
        with (data_dir.broker / "passwd").open(encoding="ascii") as file:
            name, _, known = file.readline().strip().partition(":")
        if name == GATE_USER and matches(known, password):
            return known
    return credential_of(password)


def _length(number: int) -> bytes:
    """MQTT's remaining length."""
    encoded = bytearray()
    while True:
        number, digit = divmod(number, 128)
        encoded.append(digit | 0x80 if number else digit)
        if not number:
            return bytes(encoded)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "files.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, text: str) -> None:
    """Whoever reads the file sees the old or the new one, never a half; only we can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
