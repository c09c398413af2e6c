"""Where a replay goes: as which device, at which broker, and what is told meanwhile."""

import contextlib
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coldchain.clock import now
from coldchain.data_dir import DataDir
from coldchain.errors import Conflict, Refused, Unavailable
from coldchain.facts import DEFAULT_INTERVAL
from coldchain.ids import device_id
from registry.settling import broker_address, open_at
from simulators import accounts, enrolment
from simulators.accounts import Account
from simulators.gateways import broker_of
from simulators.logger_files import LoggerFile
from simulators.replay import Replayed, replay, settings_for

ACCOUNTS = "replays.jsonl"


class BadZone(Refused):
    """A zone was named that the world's list does not have."""


class NothingRuns(Unavailable):
    """No platform of ours runs on the data directory."""


class PasswordWanted(Conflict):
    """The device is enrolled already, and only its password lets anybody speak as it."""


def zone(name: str | None) -> ZoneInfo:
    """UTC where none is named. Raises BadZone."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadZone(f"{name!r} is no zone: write one such as Asia/Kolkata") from None


def name_for(path: Path) -> str:
    """A device id made of the file's name, where nobody told which device measured."""
    plain = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "file"
    return f"replay-{plain}"[:32].rstrip("-")


def account_at(data_dir: DataDir, device: str, password: str, interval: int) -> tuple[Account, str]:
    """The device's account at the platform that runs there, and its broker; a device nobody knows is enrolled.

    Raises NothingRuns, PasswordWanted, coldchain.ids.BadDeviceId.
    """
    device = device_id(device)
    if broker_address(data_dir) is None:
        raise NothingRuns(f"nothing runs on {data_dir.root}: start `coldchain up --data {data_dir.root}` first")
    url = enrolment.mqtt_url(data_dir)
    if password:
        return Account(device, password), url
    path = enrolment.outboxes_of(data_dir) / ACCOUNTS
    kept = accounts.read(path) if path.exists() else {}
    with contextlib.closing(open_at(data_dir)) as books:
        if not enrolment.known(books, [device]):
            enrolled = enrolment.enrol_unplaced(books, device, interval or DEFAULT_INTERVAL, now(), kind="logger")
            kept[device] = enrolled
            accounts.write(path, kept.values())
            enrolment.tell(books, data_dir, [enrolled])
    if device not in kept:
        raise PasswordWanted(
            f"{device} is enrolled already: give its password with --password-stdin, or another --device"
        )
    return kept[device], url


def with_user(mqtt_url: str, username: str | None) -> str:
    """The URL with the name to sign in as, where that is not the device's own."""
    parts = urlsplit(mqtt_url)
    if username is None or parts.username:
        return mqtt_url
    return parts._replace(netloc=f"{quote(username, safe='')}@{parts.netloc}").geturl()


def replay_to(
    file: LoggerFile,
    account: Account,
    mqtt_url: str,
    speed: float | None,
    patience_s: float,
    say: Callable[[str], None],
) -> Replayed:
    """Raises what `replay` raises."""
    with tempfile.TemporaryDirectory(prefix="coldchain-replay-") as folder:
        broker = broker_of(mqtt_url, account)
        settings = settings_for(account.device_id, broker, Path(folder) / "outbox.db", file.interval())
        return replay(
            file,
            settings,
            speed=speed,
            patience_s=patience_s,
            progress=lambda done, of: say(f"durable: {done:,} of {of:,}"),
        )
