"""`coldchain desk`: pages and HTTP for people, and the books that follow the journal, in one process and one loop."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

import uvicorn

import registry.main
from api.first_start import first_start
from api.processes import alone, run_until_told
from api.settings import Address, Settings
from api.wiring import Opened, open_desk

log = logging.getLogger("coldchain.desk")

LAST_WORDS_S = 2
"""How long open streams (live pages) may take to end; browsers come back by themselves."""


class Server(uvicorn.Server):
    """uvicorn that leaves signals to whoever runs the loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def desk(settings: Settings, listen: Address) -> int:
    """Run until SIGTERM or SIGINT. An error in either room ends both, and whoever started us starts us again."""
    with alone(settings.data_dir.root / "desk.lock", "`coldchain desk`"):
        first_start(settings.data_dir)
        return run_until_told(_both(settings, listen))


def http_alone(settings: Settings, listen: Address) -> int:
    """HTTP without the books' followers, which then run as `coldchain registry`."""
    first_start(settings.data_dir)
    return run_until_told(_http(settings, listen))


async def _both(settings: Settings, listen: Address) -> None:
    with open_desk(settings) as opened:
        async with asyncio.TaskGroup() as rooms:
            followers = rooms.create_task(
                registry.main.serve(settings.data_dir, opened.books, opened.journal), name="registry"
            )
            await _serve(opened, listen)
            followers.cancel()


async def _http(settings: Settings, listen: Address) -> None:
    with open_desk(settings) as opened:
        await _serve(opened, listen)


async def _serve(opened: Opened, listen: Address) -> None:
    """Answer until cancelled, then let those who are being answered finish."""
    server = Server(
        uvicorn.Config(
            opened.app,
            host=listen.host or "0.0.0.0",  # noqa: S104  (asked for by leaving it out)
            port=listen.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=LAST_WORDS_S,
        )
    )
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
