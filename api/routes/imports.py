"""Imports: tables (CSV) of places, storage points and devices; what is wrong in them comes back to be mended."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Header, Path, Response

from api import models
from api.access import Scope, everywhere, needs
from api.routes.responses import problems
from api.tools import Desk, Tools
from registry import imports
from registry.imports import Imported
from registry.places import Place
from registry.storage_points import Shelf

router = APIRouter(prefix="/api/v1", tags=["places"])

CSV = "text/csv"
TABLE = "name,storage_class,place\nILR 1,refrigerator,PHC Barkheda\nILR 2,refrigerator,PHC Barkheda\n"
WRONG = "name,storage_class,place,line,reason\nILR 2,fridge,PHC Barkheda,3,'fridge' is no storage class\n"
BODY: dict[str, Any] = {"requestBody": {"content": {CSV: {"schema": {"type": "string"}, "example": TABLE}}}}


@router.post(
    "/imports/{what}",
    response_model=models.Imported,
    responses={
        200: {
            "description": "What became of the table; as CSV (Accept: text/csv) the rows that are wrong, to be mended",
            "content": {CSV: {"schema": {"type": "string"}, "example": WRONG}},
        },
        **problems(413),
    },
    openapi_extra=BODY,
)
def take_table(
    tools: Tools,
    scope: Annotated[Scope, needs("import", everywhere)],
    what: Annotated[Literal["places", "storage-points", "devices"], Path()],
    table: Annotated[bytes, Body(media_type=CSV)],
    accept: Annotated[str, Header()] = "",
) -> Any:
    """UTF-8 with a first line that names the columns. Places: kind, name, name_hi, parent, zone. Storage points: name,
    storage_class, place. Devices: device_id, storage_point, interval_s, model; their passwords are in the answer, once.

    A row that is wrong is told with its line; the others are taken. The same table twice changes nothing.
    """
    with tools.books.begin() as shelf:
        imported = imports.take(shelf, what, table, scope.at, may=scope.covers, top=_own_place(shelf, scope))
    _tell(tools, imported)
    if CSV in accept:
        return Response(imported.errors_as_csv(), media_type=f"{CSV}; charset=utf-8")
    return _shown(imported)


def _own_place(shelf: Shelf, scope: Scope) -> Place:
    """Where rows lie that name no place: the first place in which the asker may import."""
    held = [one.place_id for one in scope.asker.user.roles_at(scope.at) if one.path in scope.paths]
    return shelf.places.get(held[0])


def _tell(tools: Desk, imported: Imported) -> None:
    if imported.given or imported.updated or imported.created:
        tools.devices_written(imported.given)


def _shown(imported: Imported) -> models.Imported:
    return models.Imported(
        created=imported.created,
        updated=imported.updated,
        errors=[
            models.RowError(line=one.line, reason=one.reason, row=[one.row.get(name, "") for name in imported.columns])
            for one in imported.errors
        ],
        credentials=[models.NewCredentials(device_id=one.device_id, password=one.password) for one in imported.given],
    )
