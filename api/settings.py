"""What the processes of one machine are told: by arguments, and secrets by the environment, read here alone."""

import os
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from coldchain.data_dir import DataDir
from coldchain.errors import Refused

WILDCARDS = ("", "0.0.0.0", "::")  # noqa: S104  (recognised here, bound only where a person asks for it)
DEFAULT_LISTEN = "127.0.0.1:8000"
DEFAULT_MQTT_PORT = 1883


class BadAddress(Refused):
    """A text was given as HOST:PORT or as a broker's URL that is none."""


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def reachable(self) -> "Address":
        """As somebody on this machine reaches it: a wildcard becomes the loopback."""
        return Address("127.0.0.1", self.port) if self.host in WILDCARDS else self


def address(text: str) -> Address:
    """`HOST:PORT`, `[::1]:PORT`. Raises BadAddress."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or not 0 < int(port) < 65_536:
        raise BadAddress(f"{text!r} is no address: write HOST:PORT, such as {DEFAULT_LISTEN}")
    return Address(host.strip("[]"), int(port))


def broker_url(text: str) -> str:
    """The text itself if it is the URL of a broker. Raises BadAddress; a password in it is never repeated."""
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or port == -1:
        raise BadAddress("the broker's URL cannot be read: write mqtt://HOST:PORT or mqtts://HOST:PORT")
    return text


def without_secrets(url: str) -> str:
    """The URL as devices and logs may see it: no user, no password."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the desk knows of itself. `mqtt_url` is what a device is told when it is enrolled."""

    data_dir: DataDir
    url: str = f"http://{DEFAULT_LISTEN}"
    mqtt_url: str = f"mqtt://127.0.0.1:{DEFAULT_MQTT_PORT}"
    metrics_token: str | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """Secrets do not belong on a command line, which every user of the machine can read."""

    metrics_token: str | None
    mqtt_url: str | None
    crash: str


def environment() -> Environment:
    return Environment(
        metrics_token=os.environ.get("COLDCHAIN_METRICS_TOKEN") or None,
        mqtt_url=os.environ.get("COLDCHAIN_MQTT_URL") or None,
        crash=os.environ.get("COLDCHAIN_CRASH", ""),
    )
