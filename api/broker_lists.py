"""The books' password file and access list, as a broker that is not mosquitto reads them.

Both are read anew where they changed, so that a device is known as soon as it is enrolled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from coldchain.credentials import matches

T = TypeVar("T")

MINE = "%u"
"""Stands for the user's own name in a `pattern` of the access list."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Topic filters, as MQTT writes them."""

    write: tuple[str, ...]
    read: tuple[str, ...]


class Lists:
    def __init__(self, passwd: Path, acl: Path) -> None:
        self._passwd = _Fresh(passwd, credentials)
        self._acl = _Fresh(acl, parsed)

    def credentials(self) -> dict[str, str]:
        """User → the hash of the password, as mosquitto writes it."""
        return self._passwd.read()

    def access(self) -> "AccessList":
        """The same one as long as the file stays as it is."""
        return self._acl.read()

    def allowed(self, user: str, password: str) -> Allowed | None:
        """What the user may do, None where this is nobody we know."""
        credential = self.credentials().get(user)
        if credential is None or not matches(credential, password):
            return None
        return self.access().of(user)


def credentials(text: str) -> dict[str, str]:
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition(":") for line in lines if line and not line.startswith("#"))
    return {user: credential for user, _, credential in pairs}


@dataclass(frozen=True, slots=True)
class AccessList:
    """mosquitto's access list: (access, filter) by user, and the patterns that hold for everybody."""

    topics: dict[str, list[tuple[str, str]]]
    patterns: list[tuple[str, str]]

    def of(self, user: str) -> Allowed:
        own = [(access, topic.replace(MINE, user)) for access, topic in self.patterns] + self.topics.get(user, [])
        return Allowed(
            tuple(topic for access, topic in own if access in ("write", "readwrite")),
            tuple(topic for access, topic in own if access in ("read", "readwrite")),
        )


def parsed(acl: str) -> AccessList:
    """`user NAME` with its `topic`s, and `pattern`s for everybody."""
    listed = AccessList({}, [])
    user = ""
    for line in acl.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "user":
            user = rest.strip()
        elif word == "topic":
            listed.topics.setdefault(user, []).append(_access(rest.strip()))
        elif word == "pattern":
            listed.patterns.append(_access(rest.strip()))
    return listed


def _access(text: str) -> tuple[str, str]:
    access, _, topic = text.partition(" ")
    return (access, topic.strip()) if access in ("read", "write", "readwrite", "deny") else ("readwrite", text)


class _Fresh(Generic[T]):
    """What a file says, parsed once for each of its versions."""

    def __init__(self, path: Path, parse: Callable[[str], T]) -> None:
        self._path = path
        self._parse = parse
        self._version: tuple[int, int, int] | None = None
        self._value: T

    def read(self) -> T:
        stat = self._path.stat()
        version = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if version != self._version:
            self._value = self._parse(self._path.read_text(encoding="utf-8"))
            self._version = version
        return self._value
