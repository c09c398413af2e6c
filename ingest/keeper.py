"""The gate's keeper: lets the gate work in a thread of its own, and wakes those who follow what it wrote.

A batch that cannot be made durable is tried again until it can; that it cannot is logged once, and shown.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from coldchain.errors import Unavailable
from coldchain.facts import Enrolled
from coldchain.journal.sqlite import SqliteJournal
from coldchain.topics import EVIDENCE, READINGS, REFUSED, STATUS
from ingest.gate import Gate, Message, Outcome, Release
from ingest.heard import Heard, Stranger

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0

COUNTED = ("batches", "packs", "readings", "repeated", "statuses", "ignored", "dropped", "released")

T = TypeVar("T")

log = logging.getLogger("ingest")


class Stuck(Unavailable):
    """The gate cannot make anything durable now; what was sent is not acknowledged."""


class Keeper:
    """Used from one event loop. `trouble` says why nothing can be made durable, None while all is well."""

    def __init__(self, gate: Gate, journal: SqliteJournal) -> None:
        self._gate = gate
        self._journal = journal
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gate")
        self._kind_of_trouble: type | None = None
        self.trouble: str | None = None

    async def take(self, batch: Sequence[Message]) -> list[Outcome]:
        """What became of each message, all of it durable. Raises Stuck, and then nothing happened."""
        outcomes = await self._write(self._gate.take, batch)
        self._ring()
        return outcomes

    async def take_until_durable(self, batch: Sequence[Message]) -> list[Outcome]:
        """The same, tried until it works."""
        wait = FIRST_WAIT_S
        while True:
            try:
                return await self.take(batch)
            except Stuck:
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_S)

    async def release(self, offset: int, by: str) -> Release:
        """Raises NoSuchRefusal and Stuck."""
        released = await self._write(self._gate.release, offset, by)
        self._ring()
        return released

    async def beat(self) -> None:
        """Raises Stuck."""
        await self._write(self._gate.beat)
        self._journal.ring(READINGS)

    async def enrolled(self, device_id: str) -> Enrolled | None:
        """Raises Stuck."""
        return await self._work(self._gate.enrolled, device_id)

    async def heard(self, device_id: str, after: int) -> tuple[list[Heard], list[Stranger]]:
        """Raises Stuck."""
        return await self._work(self._gate.heard, device_id, after)

    async def prune(self) -> int:
        """Raises Stuck."""
        return await self._work(self._gate.prune)

    async def give_back(self) -> int:
        """Raises Stuck."""
        return await self._work(self._gate.give_back)

    def counters(self) -> dict[str, Any]:
        """What the gate counted since it started, by name; groups as tables."""
        return {
            **{name: self._gate.counts[name] for name in COUNTED},
            "refused": dict(self._gate.refused),
            "last_heartbeat_at": self._gate.last_beat_at,
            "is_stuck": self.trouble is not None,
            "trouble": self.trouble,
        }

    def close(self) -> None:
        """Waits for what is under way."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._gate.close()

    async def _write(self, work: Callable[..., T], *arguments: Any) -> T:
        """Told once when the trouble begins, and once when it is over."""
        try:
            done = await self._work(work, *arguments)
        except Stuck as why:
            kind = type(why.__cause__)
            if kind is not self._kind_of_trouble:
                log.error("nothing can be made durable, nothing is acknowledged: %s", why)  # noqa: TRY400  said in full
            self._kind_of_trouble, self.trouble = kind, str(why)
            raise
        if self.trouble is not None:
            log.info("what is sent is made durable again")
        self._kind_of_trouble = self.trouble = None
        return done

    async def _work(self, work: Callable[..., T], *arguments: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        except (sqlite3.Error, Unavailable) as why:
            raise Stuck(str(why)) from why

    def _ring(self) -> None:
        self._journal.ring(READINGS, *self._gate.handed_on())
        for topic in (REFUSED, STATUS, EVIDENCE):
            self._journal.ring(topic)
