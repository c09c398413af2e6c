"""What the gate's socket says where something went wrong: problem documents (RFC 9457)."""

from typing import Any

from starlette.responses import JSONResponse, Response

from ingest.keeper import Stuck

AGAIN_AFTER_S = "5"


def problem(status: int, reason: str, detail: str, **more: Any) -> Response:
    table = {"type": "about:blank", "title": reason, "status": status, "reason": reason, "detail": detail, **more}
    return JSONResponse(table, status, media_type="application/problem+json")


def stuck(why: Stuck) -> Response:
    answer = problem(503, "unavailable", f"nothing can be made durable now, send it again: {why}")
    answer.headers["retry-after"] = AGAIN_AFTER_S
    return answer
