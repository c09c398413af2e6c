"""Two more doors of the gate's socket: transfers of equipment monitoring, and readings that a person carried in.

Who sends a transfer shows the credentials of its record, by one of the three ways that the requirements name. A file's
readings are handed over by the desk alone, which asked first who it is.
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping, Sequence

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from coldchain.clock import Clock
from coldchain.credentials import matches
from coldchain.errors import Refused
from coldchain.facts import Enrolled
from coldchain.topics import mqtt_topic
from ingest.cce_interop import LONGEST, LONGEST_UNPACKED, Part, parts
from ingest.credentials import Admitted
from ingest.gate import FILE_LEAF, TRANSFER_LEAF, Message, Outcome
from ingest.http_answers import problem, stuck
from ingest.keeper import Keeper, Stuck
from ingest.transfers import joined

LONGEST_FILE = 32 << 20
"""Bytes of a file's readings, packed as the desk hands them over."""

TOKEN_HEADERS = ("x-api-key", "x-auth-token", "api-key")
"""Where senders put a token that know neither Basic nor Bearer."""

WHEN_FULL_S = 3600
"""So much later room may have been made for what cannot be believed."""

PACKED = ("gzip", "x-gzip")

Basic = Callable[[str], tuple[str, str] | None]


class TooLarge(Refused):
    """More bytes than this door takes, as they are sent or unpacked."""


def routes(keeper: Keeper, clock: Clock, admitted: Admitted, basic: Basic) -> list[Route]:
    async def post_transfer(request: Request) -> Response:
        try:
            sender = await _sender(keeper, admitted, credentials(request.headers, basic))
            if sender is None:
                return _challenge()
            payload = await _unpacked(request, await body(request, LONGEST))
            pieces = await asyncio.to_thread(parts, payload)
            topic = mqtt_topic(sender.device_id, TRANSFER_LEAF)
            received_at = clock()
            outcomes = []
            for piece in pieces:  # one after the other: others come in between
                message = Message(sender.device_id, TRANSFER_LEAF, topic, piece.payload, received_at)
                outcomes += await keeper.take([message])
        except TooLarge as why:
            return problem(413, "oversized", str(why))
        except Stuck as why:
            return stuck(why)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it
        return _answer(payload, pieces, outcomes)

    async def post_file(request: Request) -> Response:
        device_id = request.path_params["device_id"]
        try:
            payload = await body(request, LONGEST_FILE)
            topic = mqtt_topic(device_id, FILE_LEAF)
            [outcome] = await keeper.take([Message(device_id, FILE_LEAF, topic, payload, clock())])
        except TooLarge as why:
            return problem(413, "oversized", str(why))
        except Stuck as why:
            return stuck(why)
        except ClientDisconnect:
            return Response(status_code=400)
        if outcome.verdict == "refused":
            told = outcome.refused
            return problem(422, told.reason, told.detail) if told is not None else _full()
        return JSONResponse({"readings": outcome.readings})

    return [
        Route("/cce-interop", post_transfer, methods=["POST"]),
        Route("/devices/{device_id}/file", post_file, methods=["POST"]),
    ]


def credentials(headers: Mapping[str, str], basic: Basic) -> tuple[str, str] | None:
    """Name and password: of Basic, or as a token NAME.PASSWORD (or NAME:PASSWORD), Bearer or in a header of its own."""
    authorization = headers.get("authorization", "")
    scheme, _, told = authorization.partition(" ")
    if scheme.lower() == "basic":
        return basic(authorization)
    tokens = [told] if scheme.lower() in ("bearer", "token", "apikey") else []
    tokens += [headers[name] for name in TOKEN_HEADERS if name in headers]
    for token in tokens:
        for between in ".:":
            name, found, password = token.strip().partition(between)
            if found and name and password:
                return name, password
    return None


async def body(request: Request, longest: int) -> bytes:
    """Raises TooLarge, ClientDisconnect."""
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > longest:
            raise TooLarge(f"more than {longest >> 10:,} KiB are not taken at once: send it in parts")
    return b"".join(parts)


def unpacked(packed: bytes, longest: int = LONGEST_UNPACKED) -> bytes:
    """What gzip packed; as it came where it cannot be unpacked, which its reader will say. Raises TooLarge."""
    parts, size, rest = [], 0, packed
    while rest:
        unpacking = zlib.decompressobj(wbits=31)
        try:
            part = unpacking.decompress(rest, longest + 1 - size)
        except zlib.error:
            return packed
        size += len(part)
        if size > longest:
            raise TooLarge(f"unpacked it is more than {longest >> 20} MiB: send it in parts")
        if not unpacking.eof:
            return packed  # cut off
        parts.append(part)
        rest = unpacking.unused_data
    return b"".join(parts)


async def _unpacked(request: Request, packed: bytes) -> bytes:
    """Raises TooLarge."""
    if request.headers.get("content-encoding", "").strip().lower() not in PACKED:
        return packed
    return await asyncio.to_thread(unpacked, packed)


async def _sender(keeper: Keeper, admitted: Admitted, given: tuple[str, str] | None) -> Enrolled | None:
    """The record whose credentials these are. Raises Stuck."""
    if given is None:
        return None
    name, password = given
    device = await keeper.enrolled(name)
    if device is None:
        return None
    if admitted.knows(name, device.credential, password):
        return device
    if not await asyncio.to_thread(matches, device.credential, password):
        return None
    admitted.remember(name, device.credential, password)
    return device


def _answer(payload: bytes, pieces: Sequence[Part], outcomes: Sequence[Outcome]) -> Response:
    """2xx says that all of it is durable: what was taken, and what could not be believed and is kept.

    A sender gives up after any 4xx but 404, 408, 409 and 429; so those alone are said where it may come right later.
    """
    refused = next((outcome for outcome in outcomes if outcome.verdict == "refused"), None)
    if refused is not None and refused.refused is not None:
        status = 422 if _is_json(payload) else 400
        told = refused.refused
        return problem(status, told.reason, f"{told.detail}; it is kept, and need not be sent again")
    if refused is not None or any(
        not doubt.kept for one in outcomes for report in one.reports for doubt in report.refused
    ):
        return _full()
    numbered = (
        pair
        for piece, outcome in zip(pieces, outcomes, strict=True)
        for pair in zip(piece.numbers, outcome.reports, strict=True)
    )
    return JSONResponse(
        {
            "readings": sum(outcome.readings for outcome in outcomes),
            "reports": [msgspec.to_builtins(report) for report in joined(numbered)],
        }
    )


def _is_json(payload: bytes) -> bool:
    try:
        msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _full() -> Response:
    answer = problem(429, "flooding", "so much of this sender was refused that no more of it is kept; send it later")
    answer.headers["retry-after"] = str(WHEN_FULL_S)
    return answer


def _challenge() -> Response:
    answer = problem(
        401, "unauthorized", "show name and password of the sender's record: Basic, or NAME.PASSWORD as token"
    )
    answer.headers["www-authenticate"] = 'Basic realm="coldchain devices", Bearer realm="coldchain devices"'
    return answer
