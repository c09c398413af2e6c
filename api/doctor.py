"""`coldchain doctor`: looks at a data directory and says, a line a check, what is well and what to do where it is not.

It only looks: it opens files to read, asks what answers, and changes nothing.
"""

import fcntl
import http.client
import json
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from api.settings import DEFAULT_MQTT_PORT, broker_url, environment
from coldchain import __version__
from coldchain.clock import DAY, HOUR, MINUTE, SECOND, YEAR_2000, iso, now
from coldchain.data_dir import DataDir
from coldchain.errors import ColdchainError
from coldchain.journal.sqlite import FILES
from coldchain.sqlite import open_to_read
from coldchain.topics import READINGS, Topic
from dashboards import web_files
from registry import broker_files
from registry.devices import GATE_USER

PATIENCE_S = 5.0
WARN_FULL = 0.80
STOPS_FULL = 0.90
"""From here on the gate stops acknowledging."""

LARGEST_LOOKED_THROUGH = 256 * 1024 * 1024
LONGEST_LAG = 30 * SECOND
LONGEST_WITHOUT_HEARTBEAT = 30 * SECOND
OLDEST_SQLITE = (3, 35)


@dataclass(frozen=True, slots=True)
class Finding:
    """`is_well` False where somebody has to do something; `told` then says what."""

    about: str
    is_well: bool
    told: str


def examine(data_dir: DataDir) -> list[Finding]:
    """Everything that can be seen from outside, in the order in which a person would look."""
    if not data_dir.root.is_dir():
        return [Finding("directory", False, f"{data_dir.root} is not there: give the --data of `coldchain up`")]
    checks: tuple[Callable[[DataDir], Iterator[Finding]], ...] = (
        _versions,
        _running,
        _files,
        _disk,
        _clock,
        _broker,
        _gate,
        _desk,
        _heartbeat,
        _lags,
    )
    return [finding for check in checks for finding in check(data_dir)]


def tell(findings: list[Finding]) -> int:
    """Print them; gives the exit code: 0 where all is well."""
    for finding in findings:
        print(f"{'ok' if finding.is_well else '!!'}  {finding.about:<18} {finding.told}")
    return 0 if all(finding.is_well for finding in findings) else 1


def _versions(_: DataDir) -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "versions",
        sqlite3.sqlite_version_info >= OLDEST_SQLITE,
        f"coldchain {__version__}, Python {python}, SQLite {sqlite3.sqlite_version}"
        + ("" if sqlite3.sqlite_version_info >= OLDEST_SQLITE else ": too old, install a Python with SQLite 3.35"),
    )
    missing = [name for name in ("gmqtt", "paho-mqtt", "msgspec", "fastapi", "sqlalchemy") if not _is_installed(name)]
    if missing:
        yield Finding("packages", False, f"not installed: {', '.join(missing)}; pip install 'coldchain[server]'")
    if web_files() is None:
        yield Finding("pages", False, "not built: run `make` in a clone, or install the wheel, which has them")


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _running(data_dir: DataDir) -> Iterator[Finding]:
    for name, what in (("line", "gate and judge"), ("desk", "books and pages")):
        runs = _is_held(data_dir.root / f"{name}.lock")
        told = f"running ({what})" if runs else f"not running ({what}): start `coldchain up --data {data_dir.root}`"
        yield Finding(name, runs, told)


def _is_held(lock: Path) -> bool:
    """Whether a process of ours holds the lock."""
    try:
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except FileNotFoundError:
        pass
    return False


def _files(data_dir: DataDir) -> Iterator[Finding]:
    for path in (data_dir.gate, data_dir.stream, data_dir.books):
        try:
            yield Finding(path.name, True, _looked_through(path))
        except (ColdchainError, sqlite3.Error) as why:
            yield Finding(path.name, False, f"{why}: stop everything and put a copy of the file back")


def _looked_through(path: Path) -> str:
    size = path.stat().st_size if path.exists() else 0
    with closing(open_to_read(path)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if size > LARGEST_LOOKED_THROUGH:
            return f"{_bytes(size)}, readable (too large to be looked through here)"
        trouble = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if trouble != "ok":
        raise sqlite3.DatabaseError(trouble)
    return f"{_bytes(size)}, sound"


def _bytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _disk(data_dir: DataDir) -> Iterator[Finding]:
    usage = shutil.disk_usage(data_dir.root)
    full = 1 - usage.free / usage.total
    told = f"{full:.0%} full, {_bytes(usage.free)} free"
    if full >= STOPS_FULL:
        told += ": the gate stops taking readings in (devices keep theirs); make room now"
    elif full >= WARN_FULL:
        told += f": at {STOPS_FULL:.0%} the gate stops taking readings in; make room"
    yield Finding("disk", full < WARN_FULL, told)


def _clock(data_dir: DataDir) -> Iterator[Finding]:
    at = now()
    newest = _newest_entry(data_dir)
    if at < YEAR_2000 + 25 * 365 * DAY:
        yield Finding(
            "clock", False, f"this machine believes it is {iso(at)}: set its clock (timedatectl set-ntp true)"
        )
    elif newest > at + MINUTE:
        told = f"this machine believes it is {iso(at)}, but {iso(newest)} is in the journal already: set its clock"
        yield Finding("clock", False, told)
    else:
        yield Finding("clock", True, f"{iso(at)}")


def _newest_entry(data_dir: DataDir) -> int:
    return max(_written_at(data_dir, topic, "ORDER BY offset DESC") for topic in FILES)


def _written_at(data_dir: DataDir, topic: Topic, which: str) -> int:
    """When an entry of the topic was written, 0 where there is none (or the file is not readable: told elsewhere)."""
    try:
        with closing(open_to_read(data_dir.root / FILES[topic])) as connection:
            row = connection.execute(f"SELECT written_at FROM topic_{topic} {which} LIMIT 1").fetchone()
    except (ColdchainError, sqlite3.Error):
        return 0
    return row[0] if row else 0


def _broker(data_dir: DataDir) -> Iterator[Finding]:
    host, port = _broker_address(data_dir)
    at = f"{host}:{port}"
    try:
        password = data_dir.gate_password.read_text(encoding="ascii").strip()
        is_in = broker_files.lets_in((host, port), GATE_USER, password)
    except FileNotFoundError:
        yield Finding("broker", False, "the gate has no password yet: start `coldchain up`, which makes it")
    except OSError as why:
        yield Finding("broker", False, f"nobody answers at {at} ({why}): start it, or correct --mqtt-url")
    else:
        told = (
            "lets the gate in" if is_in else "does not know the gate's password: restart it, so that it reads its files"
        )
        yield Finding("broker", is_in, f"{at} {told}")


def _broker_address(data_dir: DataDir) -> tuple[str, int]:
    url = environment().mqtt_url or f"mqtt://127.0.0.1:{DEFAULT_MQTT_PORT}"
    with suppress(OSError, ValueError, KeyError, TypeError):
        url = broker_url(json.loads(data_dir.running.read_text(encoding="utf-8"))["mqtt_url"])
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or DEFAULT_MQTT_PORT


class _ToSocket(http.client.HTTPConnection):
    """HTTP to a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("gate", timeout=PATIENCE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(str(self._path))


def _gate(data_dir: DataDir) -> Iterator[Finding]:
    status, told = _asked(_ToSocket(data_dir.gate_socket), "/metrics.json")
    if status == http.client.OK:
        yield Finding("gate", True, "answers at its socket")
    else:
        yield Finding("gate", False, f"does not answer at {data_dir.gate_socket.name} ({told}): see the line's log")


def _desk(data_dir: DataDir) -> Iterator[Finding]:
    try:
        url = urlsplit(json.loads(data_dir.running.read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # started part by part: only whoever did so knows where it listens
    connection = http.client.HTTPConnection(url.hostname or "127.0.0.1", url.port, timeout=PATIENCE_S)
    status, told = _asked(connection, "/health")
    if status == http.client.OK:
        yield Finding("health", True, f"{url.geturl()}/health says ok")
    else:
        yield Finding("health", False, f"{url.geturl()}/health says {told[:200]}: see the log of the part that is away")


def _asked(connection: http.client.HTTPConnection, path: str) -> tuple[int, str]:
    """Status and body; 0 and the reason where nobody answers."""
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(4096).decode(errors="replace")
    except (OSError, http.client.HTTPException) as why:
        return 0, str(why) or type(why).__name__
    finally:
        connection.close()


def _heartbeat(data_dir: DataDir) -> Iterator[Finding]:
    if not _is_held(data_dir.root / "line.lock"):
        return
    newest = _written_at(data_dir, READINGS, "ORDER BY offset DESC")
    age = now() - newest
    if age <= LONGEST_WITHOUT_HEARTBEAT:
        yield Finding("heartbeat", True, f"the gate wrote {age / SECOND:.0f} s ago")
    else:
        told = f"the gate has written nothing for {_span(age)}: is the broker away, or the disk full?"
        yield Finding("heartbeat", False, told if newest else "the gate has never written: is the broker away?")


def _lags(data_dir: DataDir) -> Iterator[Finding]:
    at = now()
    for path in (data_dir.stream, data_dir.books):
        with suppress(ColdchainError, sqlite3.OperationalError), closing(open_to_read(path)) as connection:
            for topic, follower, position in connection.execute("SELECT topic, follower, position FROM positions"):
                yield _lag(data_dir, Topic(topic), follower, position, at)


def _lag(data_dir: DataDir, topic: Topic, follower: str, position: int, at: int) -> Finding:
    if topic not in FILES:
        return Finding(follower, True, f"follows {topic}, which this version does not know")
    since = _written_at(data_dir, topic, f"WHERE offset > {int(position)} ORDER BY offset")
    if since and at - since > LONGEST_LAG:
        told = f"stands before an entry of {topic} that is {_span(at - since)} old: does its process run? see its log"
        return Finding(follower, False, told)
    return Finding(follower, True, f"has followed {topic} to {position}")


def _span(milliseconds: int) -> str:
    if milliseconds >= 2 * HOUR:
        return f"{milliseconds / HOUR:.0f} h"
    return f"{milliseconds / MINUTE:.0f} min" if milliseconds >= 2 * MINUTE else f"{milliseconds / SECOND:.0f} s"
