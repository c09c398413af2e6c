"""Which problems a route may answer with, for the API document."""

from typing import Any

from api.errors import MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]

_TITLES = {
    400: "It cannot be read",
    401: "Sign in first, or again",
    403: "Your role does not include this",
    404: "There is no such thing, for you",
    409: "It contradicts what is recorded",
    413: "More than this door takes",
    422: "It cannot be read, or breaks a rule",
    429: "Asked too often",
    503: "A part that is needed does not answer now",
}

_SCHEMA = {"$ref": "#/components/schemas/Problem"}


def problems(*statuses: int) -> Responses:
    """401, 403 and 422 go without saying."""
    return {
        status: {
            "description": _TITLES[status],
            "content": {MEDIA_TYPE: {"schema": _SCHEMA, "example": _example(status)}},
        }
        for status in sorted({401, 403, 422, *statuses})
    }


def public_problems(*statuses: int) -> Responses:
    """Of a route for which nobody need sign in."""
    every = problems(*statuses)
    return {status: every[status] for status in statuses}


def _example(status: int) -> dict[str, Any]:
    kinds = {
        400: ("unreadable", "Bad Request"),
        401: ("not-signed-in", "Unauthorized"),
        403: ("forbidden", "Forbidden"),
        404: ("not-found", "Not Found"),
        409: ("conflict", "Conflict"),
        413: ("too-large", "Request Entity Too Large"),
        422: ("bad-query-instant", "Unprocessable Entity"),
        429: ("too-many-attempts", "Too Many Requests"),
        503: ("gate-away", "Service Unavailable"),
    }
    kind, title = kinds[status]
    return {"type": f"urn:coldchain:problem:{kind}", "title": title, "status": status, "detail": _TITLES[status]}
