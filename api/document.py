"""The API document (OpenAPI): made from the routes, with an example for whatever is asked and answered."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from api.models import Problem
from api.routes.responses import public_problems
from coldchain import __version__

Schema = dict[str, Any]

TITLE = "Coldchain"
DESCRIPTION = """Watches every vaccine fridge of a district, and says who is needed where.

Sign in at `/api/v1/sign-in`, then send `Authorization: Bearer TOKEN`. What lies outside the places that you hold a
role for does not exist for you: it is 404 and stands in no list. Every error is a problem document (RFC 9457). Lists
are `{"items": […], "next": …}`: follow `next` until it is null. Instants go out as ISO 8601 in UTC, and come in as
that, as Unix milliseconds or as Unix seconds; `from` is inclusive, `to` exclusive. Temperatures are °C."""

TAGS = [
    {"name": "people", "description": "Signing in and out."},
    {"name": "wall", "description": "Who needs me now, live."},
    {"name": "places", "description": "Where things stand."},
    {"name": "devices", "description": "What measures, and what it measured."},
    {"name": "incidents", "description": "What people act on."},
    {"name": "refusals", "description": "What could not be believed, kept with its reason."},
    {"name": "systems", "description": "For machines that watch this one."},
]


def describe(app: FastAPI) -> None:
    """Have the app give out its document with examples filled in."""
    plain = app.openapi

    def openapi() -> Schema:
        if app.openapi_schema is None or "x-examples" not in app.openapi_schema:
            document = plain()
            _tell_problems(document)
            for content, schemas in _contents(document):
                content.setdefault("example", example_of(content["schema"], schemas))
            document["x-examples"] = "composed from the schemas' own"
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend its document


def _tell_problems(document: Schema) -> None:
    """Have our problem documents stand where FastAPI tells of its own errors, which nobody ever gets."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemes = document["components"].setdefault("securitySchemes", {})
    schemes["HTTPBasic"] = {"type": "http", "scheme": "basic", "description": "a device's own name and password"}
    schemas |= {**problem.pop("$defs", {}), "Problem": problem}
    for path in document["paths"].values():
        for operation in path.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                operation["responses"]["422"] = public_problems(422)[422]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)


def _contents(document: Schema) -> Iterator[tuple[Schema, Schema]]:
    schemas = document.get("components", {}).get("schemas", {})
    for path in document["paths"].values():
        for operation in path.values():
            bodies = [operation.get("requestBody", {}), *operation.get("responses", {}).values()]
            for body in bodies:
                for content in body.get("content", {}).values():
                    if "schema" in content and "example" not in content and "examples" not in content:
                        yield content, schemas


def example_of(schema: Schema, schemas: Schema) -> Any:
    """A value that fits the schema: its own example, else one composed of its parts'."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    if "properties" in schema:
        return {name: example_of(part, schemas) for name, part in schema["properties"].items()}
    return {"string": "…", "integer": 1, "number": 1.5, "boolean": True, "object": {}}.get(schema.get("type", ""))


def meta() -> dict[str, Any]:
    return {"title": TITLE, "version": __version__, "description": DESCRIPTION, "openapi_tags": TAGS}
