"""The API document: every operation told, with an example of what is asked and answered."""

from typing import Any

import httpx
import pytest

from api import models
from tests.api.conftest import Person, World


@pytest.fixture(scope="module")
def document(shared: World) -> Any:
    return shared.http.get("/api/openapi.json").json()


def operations(document: Any) -> list[tuple[str, str, Any]]:
    return [(method, path, one) for path, ways in document["paths"].items() for method, one in ways.items()]


def test_it_is_public_and_names_the_whole_desk(document: Any):
    assert document["info"]["title"] == "Coldchain"
    assert {"/health", "/metrics", "/api/v1/wall", "/api/v1/events"} <= set(document["paths"])


def test_every_operation_has_an_example_of_each_body(document: Any):
    for method, path, one in operations(document):
        bodies = list(one["responses"].items())
        if "requestBody" in one:
            bodies.append(("request", one["requestBody"]))
        for status, body in bodies:
            assert status in ("204", "304") or body.get("content"), (method, path, status)
            for media_type, content in body.get("content", {}).items():
                assert content.get("example") not in (None, {}, ""), (method, path, status, media_type)


def test_examples_fit_their_models(document: Any):
    wall = document["paths"]["/api/v1/wall"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    chart_path = "/api/v1/storage-points/{storage_point_id}/chart"
    chart = document["paths"][chart_path]["get"]["responses"]["200"]["content"]["application/json"]["example"]

    models.Wall.model_validate(wall)
    models.Chart.model_validate(chart)
    assert models.SignIn.model_validate(
        document["paths"]["/api/v1/sign-in"]["post"]["requestBody"]["content"]["application/json"]["example"]
    )


def test_every_operation_is_told_in_a_sentence(document: Any):
    assert [(method, path) for method, path, one in operations(document) if not one.get("description")] == []


def test_errors_are_told_as_problem_documents(document: Any):
    for method, path, one in operations(document):
        for status, body in one["responses"].items():
            if status.startswith("4"):
                assert "application/problem+json" in body["content"], (method, path, status)


ODD = ["", "-1", "1e999", "%00", "../../ॐ' OR 1=1 --" + "0" * 300]


def test_whatever_is_asked_no_operation_breaks(document: Any, shared: World, someone: Person):
    """A short smoke: odd values in every path and query parameter, odd bodies everywhere; never a 500."""
    http = shared.http
    for method, path, one in operations(document):
        if path in ("/api/v1/events", "/api/v1/sign-out"):
            continue
        names = [parameter for parameter in one.get("parameters", []) if parameter["in"] in ("path", "query")]
        for odd in ODD:
            url = path
            for parameter in names:
                if parameter["in"] == "path":
                    url = url.replace(f"{{{parameter['name']}}}", httpx.QueryParams({"x": odd or "-"}).__str__()[2:])
            query = {parameter["name"]: odd for parameter in names if parameter["in"] == "query"}
            body = {"json": {"name": odd}} if method == "post" else {}
            answer = http.request(method.upper(), url, params=query, headers=someone.headers, **body)  # type: ignore[arg-type]
            assert answer.status_code < 500 or answer.status_code == 503, (method, path, odd, answer.text[:300])
