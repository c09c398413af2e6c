"""For machines that watch this one: whether it is well, and its figures."""

import asyncio
import ipaddress
import secrets
import sqlite3
from collections import Counter
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from api import models
from api.access import open_to_all
from api.errors import Forbidden
from api.gate_client import GateAway
from api.metrics import MEDIA_TYPE, follower_lags, gate_metrics, open_incidents, silent_devices
from api.routes.responses import public_problems
from api.scoped import top_path
from api.tools import Desk, Tools
from coldchain.errors import ColdchainError
from coldchain.sqlite import FileMissing

router = APIRouter(tags=["systems"])

PATIENCE_S = 2
PORTS = {"mqtt": 1883, "mqtts": 8883}


@router.get(
    "/health",
    response_model=models.Health,
    responses={503: {"description": "A part is away", "model": models.Health}},
    dependencies=[open_to_all("a monitor's question")],
)
async def health(tools: Tools) -> JSONResponse:
    """Whether each part answers. 503 where one does not."""
    books, history, gate, broker = await asyncio.gather(
        asyncio.to_thread(_books_answer, tools),
        asyncio.to_thread(_history_answers, tools),
        _gate_answers(tools),
        _broker_answers(tools.settings.mqtt_url),
    )
    parts = {"books": books, "history": history, "gate": gate, "broker": broker}
    told = {name: "ok" if answers else "away" for name, answers in parts.items()}
    is_well = all(parts.values())
    return JSONResponse({"status": "ok" if is_well else "degraded", "parts": told}, 200 if is_well else 503)


def _may_measure(tools: Tools, request: Request, authorization: Annotated[str | None, Header()] = None) -> None:
    """From this machine, or with the token for measuring. Raises Forbidden."""
    if authorization is not None and tools.settings.metrics_token is not None:
        if secrets.compare_digest(authorization.encode(), f"Bearer {tools.settings.metrics_token}".encode()):
            return
    elif _is_direct(request) and _is_loopback(request):
        return
    raise Forbidden("figures are for this machine alone, or for who has the token for them")


def _is_direct(request: Request) -> bool:
    """Whether no proxy of this machine asks for somebody else."""
    return not any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))


def _is_loopback(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "coldchain_silent_devices 1.0\n"}}},
        **public_problems(403),
    },
    dependencies=[open_to_all("its own door: this machine, or its own token"), Depends(_may_measure)],
)
async def metrics(tools: Tools) -> Response:
    """Prometheus' text format."""
    try:
        counters = await tools.gate.counters()
    except GateAway:
        counters = None
    body = await asyncio.to_thread(_figures, tools, counters)
    return Response(body, media_type=MEDIA_TYPE)


def _figures(tools: Desk, counters: dict[str, object] | None) -> bytes:
    with tools.books.read() as shelf:
        going_on = shelf.incidents.going_on(top_path(tools.books))
    try:
        silent = sum(device.silent_since is not None for device in tools.history.devices().values())
    except FileMissing:
        silent = 0
    more = [
        *gate_metrics(counters),
        follower_lags(tools.settings.data_dir, tools.books),
        open_incidents(Counter(one.kind for one in going_on)),
        silent_devices(silent),
    ]
    return tools.tallies.text(more)


def _books_answer(tools: Desk) -> bool:
    try:
        with tools.books.read() as shelf:
            return shelf.places.top() is not None
    except ColdchainError:
        return False


def _history_answers(tools: Desk) -> bool:
    try:
        return tools.history.revision() >= 0
    except (ColdchainError, sqlite3.Error):  # not made yet, being made, or broken
        return False


async def _gate_answers(tools: Desk) -> bool:
    try:
        counters = await tools.gate.counters()
    except GateAway:
        return False
    return not counters.get("is_stuck", False)


async def _broker_answers(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or PORTS.get(parts.scheme, 1883)
    try:
        async with asyncio.timeout(PATIENCE_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
