"""The page's files: built once, hashed names kept for ever, packed beforehand; every other path is the page itself.

Nothing here is secret: the page holds no data until somebody signs in.
"""

import mimetypes
import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboards import inline_hashes

HASHED = re.compile(r"[.-][A-Za-z0-9_-]{8,}\.[a-z0-9]+$")
"""`index-B2x9_aQk.js`: its name changes with its content."""

FOR_EVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"

INDEX = "index.html"
PACKED = {"br": ".br", "gzip": ".gz"}

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",  # a chart sizes its own canvas
        "img-src 'self' data:",  # the QR code of a new device
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Content security policy: nothing from anywhere else, no script that is not a file of ours."""

SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=(), usb=()",
}

mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("text/javascript", ".js")


@dataclass(frozen=True, slots=True)
class PageFile:
    body: bytes
    media_type: str
    etag: str
    caching: str
    packed: dict[str, bytes]
    policy: str = POLICY


class Pages:
    """Serves the built page (`directory` None: there is none), for paths that no route knows.

    All files are read when the desk starts: a request is looked up in a table and touches no path.
    """

    def __init__(self, directory: Path | None, otherwise: ASGIApp) -> None:
        self._otherwise = otherwise
        self._files = {} if directory is None else _load_all(directory)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_for_systems(scope["path"]):
            await self._otherwise(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        found = self._find(scope["path"])
        if found is None:
            raise HTTPException(404)
        await _answer(found, Headers(scope=scope))(scope, receive, send)

    def _find(self, path: str) -> PageFile | None:
        name = path.lstrip("/") or INDEX
        found = self._files.get(name)
        if found is None and "." not in name.rsplit("/", 1)[-1]:
            return self._files.get(INDEX)  # a page's address, such as /storage-points/…
        return found


def _load_all(directory: Path) -> dict[str, PageFile]:
    """By their path below the directory; what is packed stands with what it was packed from."""
    return {
        path.relative_to(directory).as_posix(): _load(path)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.suffix not in PACKED.values()
    }


def _load(path: Path) -> PageFile:
    body = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = {
        coding: beside.read_bytes()
        for coding, ending in PACKED.items()
        if (beside := path.with_name(path.name + ending)).is_file()
    }
    return PageFile(
        body=body,
        media_type=media_type,
        etag=f'"{blake2b(body, digest_size=12).hexdigest()}"',
        caching=FOR_EVER if HASHED.search(path.name) else ASK_FIRST,
        packed=packed,
        policy=_policy_of(body.decode()) if path.suffix == ".html" else POLICY,
    )


def _policy_of(page: str) -> str:
    """The policy, with what stands in this very page allowed by its hash."""
    policy = POLICY
    for kind, hashes in inline_hashes(page).items():
        policy = policy.replace(f"{kind}-src 'self'", " ".join((f"{kind}-src 'self'", *hashes)))
    return policy


def _answer(file: PageFile, asked: Headers) -> Response:
    headers = {
        "ETag": file.etag,
        "Cache-Control": file.caching,
        "Vary": "Accept-Encoding",
        "Content-Security-Policy": file.policy,
    }
    if file.etag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    accepted = {part.split(";")[0].strip() for part in asked.get("accept-encoding", "").split(",")}
    for coding, body in file.packed.items():
        if coding in accepted:
            return Response(body, headers={**headers, "Content-Encoding": coding}, media_type=file.media_type)
    return Response(file.body, headers=headers, media_type=file.media_type)


def _is_for_systems(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")
