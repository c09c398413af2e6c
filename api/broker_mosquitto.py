"""mosquitto: how it is configured, so that nothing is lost and nobody learns what is not theirs."""

import os
import shutil
from pathlib import Path

from api.settings import Address
from coldchain.data_dir import DataDir

PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
"""Debian has it where only root's PATH looks."""


def installed() -> bool:
    return executable() is not None


def executable() -> str | None:
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=os.pathsep.join(PLACES))


def command(data_dir: DataDir, at: Address) -> list[str]:
    """Writes mosquitto.conf and gives the command that runs it in the foreground."""
    data_dir.broker.mkdir(parents=True, exist_ok=True)
    path = data_dir.broker / "mosquitto.conf"
    path.write_text(configuration(data_dir, at), encoding="utf-8")
    return [executable() or "mosquitto", "-c", str(path)]


def configuration(data_dir: DataDir, at: Address) -> str:
    """The text of mosquitto.conf. Written anew at every start: a change belongs here, not there."""
    directory = data_dir.broker.resolve()
    return "\n".join(
        [
            "# Written by coldchain at every start.",
            *_who(directory),
            f"listener {at.port} {at.host}" if at.host else f"listener {at.port}",
            "allow_anonymous false",
            f"password_file {directory / 'passwd'}",
            f"acl_file {directory / 'acl'}",
            "",
            "# What waits for the gate while it is away is kept: by bytes, not by number, and on disk.",
            "persistence true",
            f"persistence_location {directory}/",
            "persistence_file mosquitto.db",
            "autosave_interval 30",
            "persistent_client_expiration 60d",
            "max_queued_messages 0",
            "max_queued_bytes 536870912",
            "max_inflight_messages 1000",
            "",
            "# Above what the gate takes (256 KiB), so that it is the gate that says no, with the reason.",
            "message_size_limit 1048576",
            "",
            "sys_interval 0",
            "set_tcp_nodelay true",
            "connection_messages false",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "log_timestamp false",
            "",
        ]
    )


def _who(directory: Path) -> list[str]:
    lines = [f"pid_file {directory / 'mosquitto.pid'}"]
    if os.geteuid() == 0:
        # It would become the user `mosquitto`, which may not enter the data directory; and a process that changes its
        # user slips the leash that ends it with `coldchain up`. Whoever wants less than root starts `up` as less.
        lines.append("user root")
    return lines
