"""How a process of ours ends: cleanly on SIGTERM and SIGINT, loudly on anything else."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


async def until_terminated(work: Coroutine[Any, Any, None]) -> None:
    """Run the work; SIGTERM or SIGINT cancels it and is a clean end. What goes wrong in it is raised."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
