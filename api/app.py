"""The front desk: people and systems ask here. Wires the routes to what they work with; opens nothing itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from api import document
from api.edge import Edge, Tagged
from api.errors import speak_problems
from api.gate_client import GateClient
from api.layout import read_layout
from api.live import Live
from api.metrics import Tallies
from api.picture import Picture
from api.routes import (
    channels,
    devices,
    excursions,
    exposure,
    imports,
    incidents,
    logger_files,
    people,
    places,
    readings,
    rule_sets,
    speech,
    storage_points,
    systems,
    wall,
)
from api.routes import refusals as refused
from api.settings import Settings
from api.static import Pages
from api.tools import Desk
from api.watching import IncidentWatch, RefusalWatch
from coldchain.clock import Clock, now
from dashboards import web_files
from ingest.refusals import Refusals
from registry.books import Books
from stream.history import History

WORTH_PACKING = 1024
"""Bytes from which on an answer is packed (gzip)."""


def create_app(
    books: Books,
    history: History,
    refusals: Refusals,
    gate_client: GateClient,
    settings: Settings,
    clock: Clock = now,
) -> FastAPI:
    """The desk as an ASGI application. Live pages are served while its lifespan lasts."""
    picture = Picture(history, lambda: read_layout(books, clock()))
    live = Live(picture, RefusalWatch(refusals, books), IncidentWatch(books), clock)
    tallies = Tallies()
    app = FastAPI(
        **document.meta(),
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(live, gate_client),
        redirect_slashes=False,
    )
    app.state.desk = Desk(books, history, refusals, gate_client, settings, clock, picture, live, tallies)
    for noun in (
        people,
        wall,
        places,
        storage_points,
        channels,
        devices,
        exposure,
        speech,
        readings,
        excursions,
        incidents,
        refused,
        rule_sets,
        logger_files,
        imports,
        systems,
    ):
        app.include_router(noun.router)
    speak_problems(app)
    document.describe(app)
    app.router.default = Pages(web_files(), app.router.default)
    # the last one added is met first
    app.add_middleware(Tagged)
    app.add_middleware(GZipMiddleware, minimum_size=WORTH_PACKING, compresslevel=5)
    app.add_middleware(Edge, count=tallies.request)
    return app


def _lifespan(live: Live, gate: GateClient) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(live.run(), name="live")
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            await gate.close()

    return lifespan
