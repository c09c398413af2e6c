"""The embedded runner: follows READINGS and SETTINGS in the journal, and has the judge take what comes in batches."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from coldchain.journal import Entry, Journal
from coldchain.topics import READINGS, SETTINGS, SILENCES, VERDICTS, Topic
from stream.judge import FOLLOWER, Judge, Stuck, Taken

log = logging.getLogger("stream")

LARGEST = 500
"""Entries in one transaction at the most, so that a backlog does not keep live verdicts waiting."""


FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0


class _Inbox:
    """What has come of one topic and is not taken yet; who brings more waits while it is full."""

    def __init__(self, arrived: asyncio.Event) -> None:
        self._entries: list[Entry] = []
        self._arrived = arrived
        self._has_room = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    async def put(self, entries: list[Entry]) -> None:
        self._entries += entries
        self._arrived.set()
        self._has_room.clear()
        if len(self._entries) > LARGEST:
            await self._has_room.wait()

    def take(self) -> list[Entry]:
        taken, self._entries = self._entries[:LARGEST], self._entries[LARGEST:]
        if len(self._entries) <= LARGEST:
            self._has_room.set()
        return taken


async def run(judge: Judge, journal: Journal, thread: Executor) -> None:
    """Until cancelled. `thread` has one worker: the judge's commits must not hold up the loop of the gate."""
    arrived = asyncio.Event()
    readings, settings = _Inbox(arrived), _Inbox(arrived)
    async with asyncio.TaskGroup() as group:
        group.create_task(_collect(journal, READINGS, judge.passed_readings, readings))
        group.create_task(_collect(journal, SETTINGS, judge.passed_settings, settings))
        arrived.set()  # an earlier run may have left something behind
        while True:
            await arrived.wait()
            arrived.clear()
            while readings or settings or judge.is_behind:
                if readings or settings:
                    await _take(judge, journal, thread, readings.take(), settings.take())
                if judge.is_behind:
                    _ring(journal, await _until_durable(thread, judge.catch_up))


async def _collect(journal: Journal, topic: Topic, after: int, inbox: _Inbox) -> None:
    async for entries in journal.follow(topic, FOLLOWER, after):
        await inbox.put(entries)


async def _take(judge: Judge, journal: Journal, thread: Executor, readings: list[Entry], settings: list[Entry]) -> None:
    take = partial(judge.take, readings, settings, late_may_wait=True)
    _ring(journal, await _until_durable(thread, take, len(readings) + len(settings)))


def _ring(journal: Journal, taken: Taken) -> None:
    for topic, events in ((VERDICTS, taken.verdicts), (SILENCES, taken.silences)):
        if events:
            journal.ring(topic)


async def _until_durable(thread: Executor, judging: Callable[[], Taken], waiting: int = 0) -> Taken:
    """Try until it is durable: the journal keeps what comes meanwhile, and the gate goes on acknowledging it."""
    pause = FIRST_PAUSE_S
    while True:
        try:
            taken = await asyncio.get_running_loop().run_in_executor(thread, judging)
        except Stuck as why:
            if pause == FIRST_PAUSE_S:
                log.warning("%s; %d entries wait and are tried again", why, waiting)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
        else:
            if pause != FIRST_PAUSE_S:
                log.info("the judge's file can be written again")
            return taken
