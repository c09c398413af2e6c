"""How HTTP says what went wrong: problem documents (RFC 9457), each with a type, a sentence and nothing secret.

The type is a URN of the error's own name, so that a page can say it in any language: `CommentMissing` becomes
`urn:coldchain:problem:comment-missing`.
"""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from api.static import SECURITY
from coldchain.clock import SECOND
from coldchain.errors import ColdchainError, Conflict, NotFound, Refused, Unavailable
from registry.users import NotSignedIn, TooManyAttempts, WrongPassword

_log = logging.getLogger("api")

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5


class Forbidden(ColdchainError):
    """Whoever asks may know of it, and may not do this."""


class TooLarge(ColdchainError):
    """More bytes than this door takes."""


# the first that fits counts: the special ones stand before the kind they belong to
STATUS: dict[type[ColdchainError], HTTPStatus] = {
    NotSignedIn: HTTPStatus.UNAUTHORIZED,
    WrongPassword: HTTPStatus.UNAUTHORIZED,
    TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Refused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(why: ColdchainError) -> HTTPStatus:
    return next((status for kind, status in STATUS.items() if isinstance(why, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def slug(name: str) -> str:
    """`CommentMissing` → `comment-missing`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def problem(
    status: int,
    kind: str,
    detail: str,
    *,
    instance: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    document = {
        "type": f"urn:coldchain:problem:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    if instance is not None:
        document["instance"] = instance
    return JSONResponse({**document, **more}, status, dict(headers or {}), MEDIA_TYPE)


def told(request: Request, why: ColdchainError) -> JSONResponse:
    """The problem document of one of our own errors."""
    status = status_of(why)
    headers: dict[str, str] = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="coldchain"'
    if isinstance(why, TooManyAttempts):
        headers["Retry-After"] = str(-(-why.retry_after // SECOND))
    if isinstance(why, Unavailable):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return problem(status, slug(type(why).__name__), str(why), instance=request.url.path, headers=headers)


def _refused_by_http(request: Request, why: HTTPException) -> JSONResponse:
    details = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.url.path}",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not possible at {request.url.path}",
    }
    detail = details.get(HTTPStatus(why.status_code), str(why.detail))
    kind = slug(HTTPStatus(why.status_code).phrase.replace(" ", "-"))
    return problem(why.status_code, kind, detail, instance=request.url.path, headers=why.headers)


def _invalid(request: Request, why: RequestValidationError) -> JSONResponse:
    """What was sent does not fit; each fault with its place, never with what was sent: that may be a secret."""
    errors = [{"where": ".".join(str(part) for part in e["loc"]), "detail": e["msg"]} for e in why.errors()]
    first = errors[0] if errors else {"where": "body", "detail": "cannot be read"}
    detail = f"{first['where']}: {first['detail']}"
    return problem(422, "invalid-request", detail, instance=request.url.path, errors=errors)


def _broken(request: Request, why: Exception) -> JSONResponse:
    """A fault of ours: logged once, here, with its trace; whoever asked learns only that."""
    _log.error("%s %s failed", request.method, _route(request), exc_info=why)
    return problem(500, "internal-server-error", "the server failed at this; it has been logged", headers=SECURITY)


def _route(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", "-"))


def speak_problems(app: Starlette) -> None:
    """Have every error of the app answered by a problem document."""

    async def ours(request: Request, why: Exception) -> JSONResponse:
        assert isinstance(why, ColdchainError)  # noqa: S101  (registered for this class below)
        return told(request, why)

    async def https(request: Request, why: Exception) -> JSONResponse:
        assert isinstance(why, HTTPException)  # noqa: S101
        return _refused_by_http(request, why)

    async def invalid(request: Request, why: Exception) -> JSONResponse:
        assert isinstance(why, RequestValidationError)  # noqa: S101
        return _invalid(request, why)

    async def broken(request: Request, why: Exception) -> JSONResponse:
        return _broken(request, why)

    app.add_exception_handler(ColdchainError, ours)
    app.add_exception_handler(HTTPException, https)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, broken)
