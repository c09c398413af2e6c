"""nats-server, the broker that pip brings: how it is configured, and the companion that opens its door.

nats-server keeps what waits for a persistent session on disk, but knows no passwords as mosquitto hashes them. So it
asks the companion about every connection (NATS *auth callout*, its ADR-26): a message with user and password comes, a
signed token with the permissions goes back, made of the books' password file and access list as they are then. A device
that is taken out of the books is disconnected.
"""

import asyncio
import base64
import binascii
import json
import logging
import os
import secrets
import shutil
import signal
import sys
import time
from argparse import ArgumentParser
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.broker_lists import AccessList, Allowed, Lists
from api.children import leash, pass_on
from api.processes import run_until_told
from api.settings import Address
from coldchain.data_dir import DataDir
from coldchain.errors import Unavailable
from coldchain.logs import log_to_stderr

log = logging.getLogger("coldchain.broker")

ACCOUNT, DOOR, SYSTEM = "COLDCHAIN", "DOOR", "SYS"
CALLOUT = "$SYS.REQ.USER.AUTH"
DONE = "_INBOX.done"
"""An order without an address for its answer is ignored."""

READY_WITHIN_S = 20.0
WATCH_S = 1.0

ACCOUNT_PREFIX = 0  # how an nkey says that it is an account's


class DidNotStart(Unavailable):
    """nats-server did not come up."""


def installed() -> bool:
    return executable() is not None and _can_sign()


def executable() -> str | None:
    return shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")


def _can_sign() -> bool:
    from importlib.util import find_spec

    return find_spec("cryptography") is not None


def command(data_dir: DataDir, at: Address) -> list[str]:
    """The companion, which starts nats-server and ends with it."""
    own = ["--data", str(data_dir.root), "--mqtt-host", at.host, "--mqtt-port", str(at.port)]
    return [sys.executable, "-P", "-m", "api.broker_nats", *own]


@dataclass(frozen=True, slots=True)
class Secrets:
    """Made anew at every start; they never leave this machine."""

    door: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    keeper: str = field(default_factory=lambda: secrets.token_urlsafe(24))


def configuration(data_dir: DataDir, at: Address, issuer: str, words: Secrets) -> str:
    """The text of nats.conf. `issuer`: the public key by which tokens of the companion are known."""
    directory = data_dir.broker.resolve()
    return f"""# Written by coldchain at every start.
server_name: coldchain
listen: "127.0.0.1:-1"
ports_file_dir: "{directory}"
logtime: false

mqtt {{
  listen: "{at}"
  ack_wait: "10s"
  max_ack_pending: 1000
}}
# What waits for the gate while it is away is kept on disk.
jetstream {{ store_dir: "{directory / "nats"}", max_file_store: 4GB, max_memory_store: 64MB }}
# Above what the gate takes (256 KiB), so that it is the gate that says no, with the reason.
max_payload: 1048576

accounts {{
  {ACCOUNT} {{ jetstream: enabled }}
  {DOOR} {{ users: [ {{ user: door, password: "{words.door}" }} ] }}
  {SYSTEM} {{ users: [ {{ user: keeper, password: "{words.keeper}" }} ] }}
}}
system_account: {SYSTEM}
authorization {{
  auth_callout {{ issuer: {issuer}, account: {DOOR}, auth_users: [ door, keeper ] }}
}}
"""


class Signer:
    """Signs what nats-server believes. The key lives as long as the process."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.generate()
        self.name = nkey(ACCOUNT_PREFIX, self._key.public_key().public_bytes_raw())

    def token(self, claims: dict[str, Any]) -> str:
        """A JSON web token in the manner of NATS (`ed25519-nkey`)."""
        claims = {"jti": secrets.token_hex(16), "iat": int(time.time()), "iss": self.name, **claims}
        head = _base64({"typ": "JWT", "alg": "ed25519-nkey"})
        signed = f"{head}.{_base64(claims)}"
        return f"{signed}.{_unpadded(self._key.sign(signed.encode()))}"


def nkey(prefix: int, public: bytes) -> str:
    """A public key as NATS writes it: base32 of prefix, key and checksum (CRC-16/XMODEM, low byte first)."""
    body = bytes([prefix]) + public
    return base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")).decode().rstrip("=")


def _base64(table: dict[str, Any]) -> str:
    return _unpadded(json.dumps(table, separators=(",", ":")).encode())


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def claims_of(token: bytes) -> dict[str, Any]:
    """What a token of nats-server says. It came over the loopback from the child that we started."""
    body = token.split(b".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
    return claims


def subjects(topic_filter: str) -> list[str]:
    """How NATS writes an MQTT topic filter: levels end in dots, a dot becomes `//`, a level that is empty `/`.

    `home/#` means `home` too, which in NATS is a subject beside.
    """
    levels = [_WILD.get(level, level.replace(".", "//")) or "/" for level in topic_filter.split("/")]
    whole = [".".join(levels)]
    return [".".join(levels[:-1]), *whole] if len(levels) > 1 and levels[-1] == ">" else whole


_WILD = {"+": "*", "#": ">"}


@dataclass
class Door:
    """Answers who may come in, and remembers who did, so that it can put them out again."""

    lists: Lists
    signer: Signer
    inside: dict[int, tuple[str, str, Allowed]] = field(default_factory=dict)
    """Connection → user, the credential that let it in, and what it was told that it may do."""

    looked_at: tuple[dict[str, str], AccessList] | None = None
    """The lists by which it was last looked who may stay."""

    def answer(self, request: bytes) -> bytes:
        asked = claims_of(request)["nats"]
        said = asked["connect_opts"]
        user = str(said.get("user", ""))
        allowed = self.lists.allowed(user, str(said.get("pass", "")))
        claims: dict[str, Any] = {"type": "authorization_response", "version": 2}
        if allowed is None:
            claims["error"] = "nobody we know"
        else:
            claims["jwt"] = self._admission(asked["user_nkey"], user, allowed)
            self.inside[int(asked["client_info"]["id"])] = (user, self.lists.credentials()[user], allowed)
        answer = {"sub": asked["user_nkey"], "aud": asked["server_id"]["id"], "nats": claims}
        return self.signer.token(answer).encode()

    def _admission(self, user_key: str, user: str, allowed: Allowed) -> str:
        may = {
            "pub": {"allow": [one for topic in allowed.write for one in subjects(topic)]},
            "sub": {"allow": [one for topic in allowed.read for one in subjects(topic)]},
            "allowed_connection_types": ["MQTT"],
        }
        limits = {"subs": -1, "data": -1, "payload": -1, "type": "user", "version": 2}
        return self.signer.token({"sub": user_key, "aud": ACCOUNT, "name": user, "nats": {**may, **limits}})

    def no_longer_known(self) -> list[int]:
        """Connections whose user, password or topics are no longer those of the books; forgotten by this.

        What a connection may do is told once, when it is made: whoever may do more now has to come again.
        """
        known, access = self.lists.credentials(), self.lists.access()
        if self.looked_at is not None and self.looked_at[0] is known and self.looked_at[1] is access:
            return []
        self.looked_at = (known, access)
        gone = [
            connection
            for connection, (user, credential, allowed) in self.inside.items()
            if known.get(user) != credential or access.of(user) != allowed
        ]
        for connection in gone:
            del self.inside[connection]
        return gone


class Link:
    """A connection to nats-server in its own protocol, as far as the companion needs it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server_id: str) -> None:
        self._reader = reader
        self._writer = writer
        self.server_id = server_id

    @classmethod
    async def open(cls, port: int, user: str, password: str) -> "Link":
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        info = json.loads((await reader.readline()).partition(b" ")[2])
        hello = {"user": user, "pass": password, "verbose": False, "pedantic": False, "lang": "python", "version": "1"}
        writer.write(b"CONNECT " + json.dumps(hello).encode() + b"\r\nPING\r\n")
        link = cls(reader, writer, info["server_id"])
        line = await reader.readline()
        if line.strip() != b"PONG":
            raise DidNotStart(f"nats-server did not let its companion in: {line.decode(errors='replace').strip()}")
        return link

    def subscribe(self, topic: str) -> None:
        self._writer.write(f"SUB {topic} 1\r\n".encode())

    def publish(self, topic: str, body: bytes, reply: str = "") -> None:
        self._writer.write(f"PUB {topic} {reply} {len(body)}\r\n".encode() + body + b"\r\n")

    async def next(self) -> tuple[str, bytes]:
        """The reply address and the body of the next message. Raises DidNotStart once the server is gone."""
        while line := await self._reader.readline():
            verb, *words = line.split()
            if verb == b"PING":
                self._writer.write(b"PONG\r\n")
            elif verb == b"MSG":
                body = await self._reader.readexactly(int(words[-1]) + 2)
                return words[2].decode() if len(words) == 4 else "", body[:-2]
            elif verb == b"-ERR":
                log.warning("nats-server says %s", line.decode(errors="replace").strip())
        raise DidNotStart("nats-server closed the door")


async def serve(data_dir: DataDir, at: Address) -> None:
    """Run nats-server and answer it, until cancelled. Raises DidNotStart where either ends."""
    signer, words = Signer(), Secrets()
    path = data_dir.broker / "nats.conf"
    path.touch(mode=0o600)
    path.write_text(configuration(data_dir, at, signer.name, words), encoding="utf-8")
    for stale in data_dir.broker.glob("nats-server_*.ports"):
        stale.unlink()
    server = await asyncio.create_subprocess_exec(
        *(executable() or "nats-server", "-c", str(path)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        preexec_fn=leash(signal.SIGTERM, os.getpid()),
    )
    try:
        async with asyncio.TaskGroup() as working:
            working.create_task(_hear(server))
            port = await _port(data_dir, server)
            door = Door(Lists(data_dir.broker / "passwd", data_dir.broker / "acl"), signer)
            working.create_task(_open_door(await Link.open(port, "door", words.door), door))
            working.create_task(_put_out(await Link.open(port, "keeper", words.keeper), door))
    finally:
        with suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


async def _hear(server: asyncio.subprocess.Process) -> None:
    assert server.stdout is not None  # noqa: S101  (a pipe was asked for)
    await pass_on(server.stdout, "broker")
    raise DidNotStart(f"nats-server ended with exit code {await server.wait()}")


async def _port(data_dir: DataDir, server: asyncio.subprocess.Process) -> int:
    """Where nats-server listens for its companion: it chooses a free port and writes it down."""
    path = data_dir.broker / f"nats-server_{server.pid}.ports"
    async with asyncio.timeout(READY_WITHIN_S):
        while True:
            with suppress(FileNotFoundError, ValueError, KeyError, IndexError):
                return int(json.loads(path.read_text())["nats"][0].rpartition(":")[2])
            await asyncio.sleep(0.02)


async def _open_door(link: Link, door: Door) -> None:
    link.subscribe(CALLOUT)
    while True:
        reply, body = await link.next()
        link.publish(reply, door.answer(body))


async def _put_out(link: Link, door: Door) -> None:
    async def watch() -> None:
        while True:
            for connection in door.no_longer_known():
                order = json.dumps({"cid": connection}).encode()
                link.publish(f"$SYS.REQ.SERVER.{link.server_id}.KICK", order, reply=DONE)
            await asyncio.sleep(WATCH_S)

    watching = asyncio.create_task(watch())
    try:
        while True:
            await link.next()  # answers its pings
    finally:
        watching.cancel()


def main() -> int:
    parser = ArgumentParser(prog="api.broker_nats")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--mqtt-host", required=True)
    parser.add_argument("--mqtt-port", type=int, required=True)
    told = parser.parse_args()
    log_to_stderr("broker")
    return run_until_told(serve(DataDir(told.data), Address(told.mqtt_host, told.mqtt_port)))


if __name__ == "__main__":
    sys.exit(main())
