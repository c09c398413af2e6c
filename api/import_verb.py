"""`coldchain import`: what loggers kept is carried in, on the machine itself or through a desk anywhere."""

import asyncio
import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx

from api.gate_client import GateClient
from api.logger_files import Asked, House, Send, Taken, take
from coldchain.clock import iso, now
from coldchain.data_dir import DataDir
from coldchain.errors import ColdchainError, Refused, Unavailable
from coldchain.topics import mqtt_topic
from coldchain.verbs import Verb
from ingest.csv_readings import Damaged, NoSuchFile
from ingest.gate import FILE_LEAF, AlreadyOpen, Gate, Message
from registry import storage_points
from registry.settling import open_at, settle_devices
from stream.history import History

EXIT_DAMAGED = 3
TOKEN = "COLDCHAIN_TOKEN"  # noqa: S105  the variable's name
TIMEOUT_S = 120

HELP = "carries the files of loggers in: Fridge-tag 2, 2 L and Ultra Low, Q-tag CLm doc, CSV"


class BadArgument(Refused):
    """An argument cannot be used."""


class DeskAway(Unavailable):
    """The desk does not answer."""


class NotTaken(Refused):
    """The desk, or the gate, did not take a file."""


def _describe(parser: ArgumentParser) -> None:
    parser.description = f"""{HELP}.

A logger is known by its serial number; one that nobody knows yet is enrolled at --point. Its readings are judged by
our rules, its own days and alarms stand beside them. The same file twice changes nothing.

Exit code: 0 all was taken, 2 something could not be, 3 a file is damaged: FILE:LINE: reason on stderr, and nothing of
that file is taken. The other files are taken in any case."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="what the loggers wrote, or CSV")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path, metavar="DIR", help="this machine's data directory; running or not")
    where.add_argument("--url", metavar="URL", help=f"a desk, as https://HOST; a token for it is read from {TOKEN}")
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--device", metavar="ID", help="whose files these are; without it the serial numbers tell")
    whose.add_argument(
        "--point", metavar="ID", help="the storage point where they stood: its id, or with --data its name"
    )
    parser.add_argument("--zone", metavar="Z", help="of times that name none, as Asia/Kolkata; without it the place's")
    parser.add_argument("--json", action="store_true", help="a JSON line for each file")


def _run(arguments: Namespace) -> int:
    return asyncio.run(_import(arguments))


async def _import(arguments: Namespace) -> int:
    code = 0
    opened = _on_this_machine(arguments) if arguments.data is not None else _by_a_desk(arguments)
    async with opened as door:
        for file in arguments.files:
            try:
                told = await door.take(file, _content(file))
            except Damaged as why:
                print(why, file=sys.stderr)
                code = EXIT_DAMAGED
            except ColdchainError as why:
                print(f"{file}: {why}", file=sys.stderr)
                code = code or 2
            else:
                print(json.dumps({"file": file, **told}, ensure_ascii=False) if arguments.json else _said(file, told))
    return code


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as why:
        raise NoSuchFile(f"it cannot be read: {why.strerror}") from why


class _Machine:
    """The files of this machine: through its gate if one runs, else as its gate."""

    def __init__(self, house: House, arguments: Namespace) -> None:
        self._house = house
        self._device, self._zone = arguments.device, arguments.zone
        self._point = None if arguments.point is None else self._found(arguments.point)

    def _found(self, point: str) -> str:
        """Raises NoSuchStoragePoint, AmbiguousStoragePoint."""
        with self._house.books.read() as shelf:
            return storage_points.find(shelf, point).storage_point_id

    async def take(self, file: str, content: bytes) -> dict[str, Any]:
        asked = Asked(content, now(), file, self._zone, self._device, self._point)
        return _as_told(await take(self._house, asked))


class _Desk:
    """A desk, asked as anybody asks it."""

    def __init__(self, http: httpx.AsyncClient, arguments: Namespace) -> None:
        self._http = http
        asked = {"device": arguments.device, "point": arguments.point, "zone": arguments.zone}
        self._query = {name: value for name, value in asked.items() if value is not None}

    async def take(self, file: str, content: bytes) -> dict[str, Any]:
        try:
            answer = await self._http.post("/api/v1/imports/readings", content=content, params=self._query)
            told: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as why:
            raise DeskAway(f"the desk does not answer ({type(why).__name__}); nothing is known to be taken") from why
        if answer.status_code == httpx.codes.OK:
            return told
        detail = str(told.get("detail", answer.status_code))
        line, colon, reason = detail.removeprefix("file:").partition(": ")
        if told.get("type") == "urn:coldchain:problem:damaged" and colon and line.isdecimal():
            raise Damaged(file, int(line), reason)
        raise NotTaken(detail)


@asynccontextmanager
async def _on_this_machine(arguments: Namespace) -> AsyncIterator[_Machine]:
    if not arguments.data.is_dir():
        raise BadArgument(f"there is no data directory {arguments.data}")
    data_dir = DataDir(arguments.data.resolve())
    with closing(open_at(data_dir)) as books:

        def settle() -> None:
            settle_devices(books, data_dir)

        settle()
        async with _gate(data_dir) as send:
            yield _Machine(House(books, History(data_dir.stream), send, settle), arguments)


@asynccontextmanager
async def _gate(data_dir: DataDir) -> AsyncIterator[Send]:
    """The gate that runs here; where none does, what is sent is written as one would."""
    try:
        gate = Gate(data_dir)
    except AlreadyOpen:
        client = GateClient(data_dir.gate_socket)
        try:
            yield client.carry_in
        finally:
            await client.close()
        return
    with closing(gate):

        async def send(device_id: str, body: bytes) -> None:
            message = Message(device_id, FILE_LEAF, mqtt_topic(device_id, FILE_LEAF), body, now())
            [outcome] = gate.take([message])
            if outcome.verdict != "accepted":
                raise NotTaken(f"the gate took nothing of {device_id} ({outcome.verdict}); take the file again")

        yield send


@asynccontextmanager
async def _by_a_desk(arguments: Namespace) -> AsyncIterator[_Desk]:
    token = os.environ.get(TOKEN, "")
    if not arguments.url.startswith(("http://", "https://")):
        raise BadArgument("--url begins with https:// or http://")
    if not token:
        raise BadArgument(f"put a token for the desk into {TOKEN}: what POST /api/v1/sign-in answers")
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=arguments.url, headers=headers, timeout=TIMEOUT_S) as http:
        yield _Desk(http, arguments)


def _as_told(taken: Taken) -> dict[str, Any]:
    """As the desk tells it."""
    told = asdict(taken) | {"model": taken.model or None}
    for one in told["devices"]:
        for name, shown in (("since", "from"), ("until", "to")):
            at = one.pop(name)
            one[shown] = None if at is None else iso(at)
    return told


def _said(file: str, told: dict[str, Any]) -> str:
    if told["is_known"]:
        return f"{file}: was taken before, nothing changed"
    return "\n".join(f"{file}: {line}" for line in _lines(told))


def _lines(told: dict[str, Any]) -> Iterator[str]:
    for one in told["devices"]:
        name = one["device_id"] + (" (enrolled now)" if one["is_enrolled"] else "")
        counts = f"{_count(one['new'], 'reading')} new, {one['known']} already known, {one['faults']} without a value"
        span = "" if one["from"] is None else f", {one['from']} to {one['to']}"
        yield f"{name}: {counts}{span}"
    if told["days"] or told["alarms"]:
        days = f"{told['days']} day {'summary' if told['days'] == 1 else 'summaries'}"
        yield f"kept beside, not judged: {days}, {_count(told['alarms'], 'alarm')} of the logger"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


IMPORT = Verb(HELP, _describe, _run)
