"""What every process of ours does alike: hold its lock, run until told to end, end cleanly."""

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coldchain.errors import Conflict
from coldchain.processes import until_terminated

log = logging.getLogger("coldchain")

WAIT_S = 10.0
POLL_S = 0.05


CHATTERS = ("alembic", "httpx", "uvicorn")
"""Libraries that tell every step they take."""


class AlreadyRunning(Conflict):
    """Another process of ours already does this work on the same data directory."""


@contextmanager
def alone(lock: Path, what: str, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold a lock file, which then has our process number in it. The kernel gives the lock back however we end.

    A predecessor that was just killed may need a moment to be gone. Raises AlreadyRunning.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        until = time.monotonic() + wait_s
        while not _locked(file.fileno()):
            if time.monotonic() >= until:
                file.seek(0)
                raise AlreadyRunning(
                    f"{what} already runs on {lock.parent} (process {file.read().strip() or 'unknown'}); "
                    "stop it first, or give another --data"
                )
            time.sleep(POLL_S)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def run_until_told(work: Coroutine[Any, Any, None]) -> int:
    """Run the work until it is done or a SIGTERM or SIGINT cancels it; gives the exit code."""
    try:
        asyncio.run(until_terminated(work))
    except Exception:  # the edge: it is told once, and whoever started us starts us again
        log.exception("ended by an error")
        return 1
    return 0


def hush() -> None:
    """Have libraries tell only what is wrong."""
    for name in CHATTERS:
        logging.getLogger(name).setLevel(logging.WARNING)
