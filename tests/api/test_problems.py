"""Problems: whatever goes wrong is told as a problem document (RFC 9457), and nothing secret with it."""

import logging
from typing import Any

import pytest

from api.errors import slug, status_of
from coldchain.errors import Conflict, NotFound, Refused, Unavailable
from registry.incidents import CommentMissing
from registry.users import NotSignedIn, TooManyAttempts, WrongPassword
from tests.api.conftest import Person, World


def document_of(answer: Any) -> Any:
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    assert {"type", "title", "detail"} <= document.keys()
    return document


def test_what_is_not_there_is_404(world: World):
    for path in ("/api/v1/nothing", "/api/v2/wall", "/api", "/api/v1/wall/"):
        document_of(world.http.get(path))
        assert world.http.get(path).status_code == 404


def test_a_method_that_is_not_possible_is_405(world: World, boss: Person):
    for method, path in (("PUT", "/api/v1/wall"), ("DELETE", "/api/v1/devices"), ("POST", "/health"), ("POST", "/")):
        answer = world.http.request(method, path, headers=boss.headers)
        assert answer.status_code == 405, path
        assert answer.headers["allow"]
        document_of(answer)


def test_what_cannot_be_read_is_422_with_each_fault_in_its_place(world: World, boss: Person):
    answer = world.http.post(
        "/api/v1/storage-points", content=b"{", headers={**boss.headers, "content-type": "application/json"}
    )
    assert document_of(answer)["errors"]
    problem = boss.post("/storage-points", {"name": "", "storage_class": 7}, 422)

    assert {error["where"] for error in problem["errors"]} == {"body.name", "body.storage_class", "body.place_id"}


def test_a_fault_of_ours_is_logged_once_and_told_without_its_inside(
    world: World, boss: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(*_: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(type(world.app.state.desk.picture), "look", broken)
    with caplog.at_level(logging.ERROR, "api"):
        answer = world.http.get("/api/v1/wall", headers=boss.headers)

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    document_of(answer)
    logged = [record for record in caplog.records if record.name == "api"]
    assert [record.getMessage() for record in logged] == ["GET /api/v1/wall failed"]


def test_each_kind_of_error_has_its_status():
    told = [NotFound(""), Refused(""), Conflict(""), Unavailable(""), NotSignedIn(""), WrongPassword(""),
            TooManyAttempts(1), CommentMissing("")]  # fmt: skip

    assert [int(status_of(why)) for why in told] == [404, 422, 409, 503, 401, 401, 429, 422]
    assert slug(CommentMissing.__name__) == "comment-missing"


def test_every_answer_bears_the_security_headers(world: World, boss: Person):
    for path in ("/api/v1/wall", "/api/v1/nothing", "/health", "/"):
        headers = world.http.get(path, headers=boss.headers).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"


def test_an_answer_that_has_not_changed_is_not_sent_again(world: World, boss: Person):
    first = world.http.get("/api/v1/places", headers=boss.headers)
    again = world.http.get("/api/v1/places", headers={**boss.headers, "if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "private, no-cache"


def test_long_answers_are_packed_and_short_ones_are_not(world: World, boss: Person):
    for number in range(20):
        world.point(f"ILR {number}")

    assert world.http.get("/api/v1/wall", headers=boss.headers).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in world.http.get("/api/v1/refusals", headers=boss.headers).headers
