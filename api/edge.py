"""What every request meets first: how large it may be, what is counted, which headers its answer bears."""

from collections.abc import Callable
from hashlib import blake2b

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.static import SECURITY

Count = Callable[[str, str, int], None]
"""Told the method, the route's template and the status of each answer: never a path, which names somebody's device."""

LARGEST_BODY = 1 << 20
LARGEST_IMPORT = 8 << 20
IMPORTS = "/api/v1/imports/"
SYSTEMS = "/api/"


class Edge:
    """Bounds the body, counts the answer, adds the headers."""

    def __init__(self, app: ASGIApp, count: Count) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _dress(scope["path"], MutableHeaders(scope=message))
            await send(message)

        try:
            await self._app(scope, _bounded(scope, receive), sending)
        finally:
            self._count(scope["method"], template(scope), status)


def template(scope: Scope) -> str:
    """`/api/v1/devices/{device_id}`; `-` for the page's files and for what no route knows."""
    return str(getattr(scope.get("route"), "path", "-"))


def _dress(path: str, headers: MutableHeaders) -> None:
    for name, value in SECURITY.items():
        headers.setdefault(name, value)
    if path.startswith(SYSTEMS):
        headers.setdefault("Cache-Control", "no-store")


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """The body, or 413 once it is longer than this door takes."""
    largest = LARGEST_IMPORT if scope["path"].startswith(IMPORTS) else LARGEST_BODY
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > largest:
                raise HTTPException(413, f"more than {largest >> 10} KiB are not taken here")
        return message

    return receiving


class Tagged:
    """Gives JSON answers to GET a weak ETag, and says 304 to whoever has that one already."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(SYSTEMS):
            await self._app(scope, receive, send)
            return
        known = Headers(scope=scope).get("if-none-match", "")
        start: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_tagged(message):
                start = message
                return
            if start is None or message["type"] != "http.response.body":
                await send(message)
                return
            begun, start = start, None
            if message.get("more_body", False):  # in pieces: passed on as it is
                await send(begun)
                await send(message)
                return
            etag = f'W/"{blake2b(message["body"], digest_size=12).hexdigest()}"'
            if etag in known:
                await Response(status_code=304, headers={"ETag": etag, "Cache-Control": PRIVATE})(scope, receive, send)
                return
            headers = MutableHeaders(scope=begun)
            headers["ETag"] = etag
            headers["Cache-Control"] = PRIVATE
            await send(begun)
            await send(message)

        await self._app(scope, receive, sending)


PRIVATE = "private, no-cache"


def _is_tagged(message: Message) -> bool:
    headers = Headers(raw=message["headers"])
    return message["status"] == 200 and headers.get("content-type", "").startswith("application/json")
