"""HTTP, as the gate hears it: the same packs and answers as over MQTT, on a socket that only this machine reaches.

The desk passes on what devices post to it, and what people release. Whoever posts readings shows the device's own
credentials; releasing is for whoever may open the socket (mode 0600), and the desk asks first who it is.
"""

import asyncio
import base64
import binascii
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn import Config, Server

from coldchain.clock import Clock
from coldchain.credentials import matches
from coldchain.errors import Unavailable
from coldchain.facts import Enrolled
from coldchain.topics import mqtt_topic
from ingest import http_heard, http_transfers
from ingest.credentials import Admitted
from ingest.dialects.thingsboard import DEVICE_TOPICS
from ingest.gate import READINGS_LEAF, Message, Outcome
from ingest.http_answers import problem, stuck
from ingest.keeper import Keeper, Stuck
from ingest.refusals import NoSuchRefusal
from ingest.senml import LONGEST

STATUS_OF = {
    "unreadable": 400,
    "unknown-device": 404,
    "two-voices": 409,
    "oversized": 413,
    "wrongly-dated": 422,
    "flooding": 429,
}

TELEMETRY = DEVICE_TOPICS[0]

LONGEST_SOCKET_PATH = 103
"""Bytes; what every system allows for a unix socket's name."""

GRACE_S = 2

Counters = Callable[[], dict[str, Any]]


class ReleaseBy(msgspec.Struct):
    by: str


class SocketPathTooLong(Unavailable):
    """The data directory lies so deep that no socket can be named in it."""


def make_app(keeper: Keeper, clock: Clock, counters: Counters) -> Starlette:
    admitted = Admitted()

    async def post_readings(request: Request) -> Response:
        topic = mqtt_topic(request.path_params["device_id"], READINGS_LEAF)
        return await taken(request, READINGS_LEAF, topic)

    async def post_telemetry(request: Request) -> Response:
        """As to ThingsBoard's device API; in another dialect where the device's record says so."""
        return await taken(request, "", TELEMETRY)

    async def taken(request: Request, leaf: str, topic: str) -> Response:
        device_id = request.path_params["device_id"]
        try:
            device = await _device(keeper, admitted, request, device_id)
            if device is None:
                return _challenge()
            payload = await _body(request)
            message = Message(device_id, leaf, topic, payload, clock())
            [outcome] = await keeper.take([message])
        except Stuck as why:
            return stuck(why)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it
        return _answer(outcome)

    async def post_release(request: Request) -> Response:
        try:
            by = msgspec.json.decode(await _body(request), type=ReleaseBy).by
            released = await keeper.release(request.path_params["offset"], by)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return problem(400, "unreadable", 'say who releases it: {"by": "…"}')
        except NoSuchRefusal as why:
            return problem(404, "not-found", str(why))
        except Stuck as why:
            return stuck(why)
        if released.released:
            return JSONResponse({"released": True, "readings": released.readings})
        return JSONResponse({"released": False, "reason": released.reason, "detail": released.detail})

    async def get_metrics(_: Request) -> Response:
        return JSONResponse(counters())

    return Starlette(
        routes=[
            Route("/devices/{device_id}/readings", post_readings, methods=["POST"]),
            Route("/devices/{device_id}/telemetry", post_telemetry, methods=["POST"]),
            *http_heard.routes(keeper),
            Route("/refusals/{offset:int}/release", post_release, methods=["POST"]),
            Route("/metrics.json", get_metrics, methods=["GET"]),
            *http_transfers.routes(keeper, clock, admitted, _basic),
        ]
    )


@asynccontextmanager
async def open_door(app: Starlette, path: Path) -> AsyncIterator[None]:
    """Serve the app on the unix socket while the block runs. Raises SocketPathTooLong."""
    with _socket(path) as listening:
        config = Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=GRACE_S
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]), name="http")
        try:
            yield
        finally:
            server.should_exit = True
            await serving


class _Server(Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to whoever started the process."""
        yield


@contextmanager
def _socket(path: Path) -> Iterator[socket.socket]:
    """A listening unix socket that only its owner may use; one left behind by a killed gate is taken away."""
    if len(str(path).encode()) > LONGEST_SOCKET_PATH:
        raise SocketPathTooLong(f"a socket cannot be named {path}: choose a shorter data directory")
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        path.chmod(0o600)  # before anybody can be answered
        listening.listen(128)
        yield listening
    finally:
        listening.close()
        path.unlink(missing_ok=True)


async def _device(keeper: Keeper, admitted: Admitted, request: Request, device_id: str) -> Enrolled | None:
    """The device, if these are its credentials. Raises Stuck."""
    given = _basic(request.headers.get("authorization", ""))
    device = await keeper.enrolled(device_id)
    if given is None or device is None or given[0] != device_id:
        return None
    password = given[1]
    if admitted.knows(device_id, device.credential, password):
        return device
    if not await asyncio.to_thread(matches, device.credential, password):
        return None
    admitted.remember(device_id, device.credential, password)
    return device


def _basic(header: str) -> tuple[str, str] | None:
    """User and password of HTTP's Basic scheme (RFC 7617)."""
    scheme, _, told = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    with suppress(binascii.Error, UnicodeDecodeError):
        user, colon, password = base64.b64decode(told.strip(), validate=True).decode("utf-8").partition(":")
        if colon:
            return user, password
    return None


async def _body(request: Request) -> bytes:
    """What was posted, up to the first bytes that are too many."""
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > LONGEST:
            break
    return b"".join(parts)


def _answer(outcome: Outcome) -> Response:
    told = outcome.acknowledgement
    durable = {} if told is None else {"outbox": told.outbox_id, "durable": told.durable.pairs(), "at": told.at}
    if outcome.verdict == "refused":
        refused = outcome.refused
        if refused is None:
            return problem(429, "flooding", "so much of this device was refused that no more of it is kept")
        status = STATUS_OF.get(refused.reason, 400)
        return problem(status, refused.reason, refused.detail, seq=refused.seq, **durable)
    if told is not None:
        return JSONResponse(durable)
    return JSONResponse({"accepted": outcome.readings}, 202)


def _challenge() -> Response:
    answer = problem(401, "unauthorized", "show the device's name and password")
    answer.headers["www-authenticate"] = 'Basic realm="coldchain devices"'
    return answer
