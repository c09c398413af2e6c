"""A child: a process that is started, heard, started again when it dies, and never outlives its parent."""

import asyncio
import ctypes
import json
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

log = logging.getLogger("coldchain.up")

LONGEST_PAUSE_S = 4.0
"""Between two starts of a child that keeps dying; with its start-up it is back within 10 s all the same."""

STEADY_S = 30.0
"""A child that lived this long is well: the next death is answered at once again."""

LONGEST_LINE = 1 << 16
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Part:
    """What is to run. `farewell` is the signal that ends it when its parent is killed."""

    name: str
    command: tuple[str, ...]
    farewell: signal.Signals = signal.SIGKILL
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Child:
    part: Part
    process: asyncio.subprocess.Process | None = None
    failures: int = 0
    """How often in a row it ended by itself without having been well."""
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self) -> None:
        """Have it run, again and again, until it is to end."""
        while not self.ending.is_set():
            begun = time.monotonic()
            code = await self._run()
            if self.ending.is_set():
                return
            if time.monotonic() - begun > STEADY_S:
                self.failures = 0
            pause = pause_before(self.failures)
            self.failures += 1
            log.warning("%s ended (%s); it starts again in %.1f s", self.part.name, told(code), pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ending.wait(), pause)

    async def _run(self) -> int:
        self.process = process = await asyncio.create_subprocess_exec(
            *self.part.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **self.part.environment},
            preexec_fn=leash(self.part.farewell, os.getpid()),
            process_group=0,  # Ctrl-C reaches the parent alone, which then ends its children in order
        )
        log.info("%s started as process %d", self.part.name, process.pid)
        assert process.stdout is not None  # noqa: S101  (a pipe was asked for)
        await pass_on(process.stdout, self.part.name)
        return await process.wait()

    async def end(self, within_s: float) -> None:
        """Ask it to end, for good; after the time it is killed."""
        self.ending.set()
        process = self.process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), within_s)
        except TimeoutError:
            log.warning("%s did not end within %.0f s and was killed", self.part.name, within_s)
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """At once, and for good."""
        self.ending.set()
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()


def leash(farewell: signal.Signals, parent: int) -> Callable[[], None] | None:
    """What a child does between fork and exec, so that the kernel ends it when its parent is gone, even by kill -9.

    The kernel forgets the leash where a process changes its user; ours never do.
    """
    if _libc is None:
        return None
    prctl = _libc.prctl

    def put_on() -> None:
        prctl(PR_SET_PDEATHSIG, int(farewell), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the leash was on
            os._exit(1)

    return put_on


def pause_before(failures: int) -> float:
    """Seconds to wait before the next start: none the first time, then doubling, with jitter."""
    if failures == 0:
        return 0.0
    return min(LONGEST_PAUSE_S, 0.25 * 2.0**failures) * random.uniform(0.5, 1.0)  # noqa: S311  (jitter is no secret)


def told(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"exit code {code}"


async def pass_on(pipe: asyncio.StreamReader, name: str) -> None:
    """What a child says goes to our stderr, each line as a JSON object."""
    rest = b""
    while data := await pipe.read(LONGEST_LINE):
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines.append(rest)
            rest = b""
        say(lines, name)
    say([rest], name)


def say(lines: list[bytes], name: str) -> None:
    told_lines = [as_json(line, name) for line in lines if line.strip()]
    if told_lines:
        with suppress(BrokenPipeError):  # nobody listens any more; that is no reason to stop watching fridges
            sys.stderr.write("\n".join(told_lines) + "\n")
            sys.stderr.flush()


def as_json(line: bytes, name: str) -> str:
    """The line itself where it is a JSON object, else one that carries it."""
    text = line.decode(errors="replace").rstrip()
    with suppress(ValueError):
        if isinstance(json.loads(text), dict):
            return text
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"at": at, "level": "info", "process": name, "logger": name, "message": text}, ensure_ascii=False)
