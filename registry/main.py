"""The books at work: followers of what the other rooms report, the relay of what those must learn, the broker's files.

Not one of them may fail quietly: what goes wrong in one ends them all, and whoever started the process starts it again.
"""

import asyncio
import contextlib
import logging

from coldchain.clock import Clock, now
from coldchain.data_dir import DataDir
from coldchain.errors import Unavailable
from coldchain.journal import Journal
from coldchain.journal.sqlite import SqliteJournal
from coldchain.topics import SETTINGS
from registry import broker_files
from registry.books import Books
from registry.followers import FOLLOWERS, Follower
from registry.relay import relay

RELAY_EVERY_S = 0.5
AGAIN_AFTER_S = 1.0

log = logging.getLogger("registry")


async def serve(data_dir: DataDir, books: Books, journal: Journal, *, clock: Clock = now) -> None:
    """Run the room until cancelled."""
    await asyncio.to_thread(broker_files.write, books, data_dir)
    async with asyncio.TaskGroup() as tasks:
        for follower in FOLLOWERS:
            tasks.create_task(_follow(follower, books, journal, clock), name=follower.name)
        tasks.create_task(_relay(data_dir, books, journal), name="registry.relay")


async def _follow(follower: Follower, books: Books, journal: Journal, clock: Clock) -> None:
    after = await asyncio.to_thread(follower.position, books)
    async with contextlib.aclosing(journal.follow(follower.topic, follower.name, after)) as batches:  # type: ignore[type-var]  # it is a generator
        async for entries in batches:
            while True:
                try:
                    await asyncio.to_thread(follower.follow, books, entries, clock())
                    break
                except Unavailable as why:
                    log.warning("%s waits for the books: %s", follower.name, why)
                    await asyncio.sleep(AGAIN_AFTER_S)


async def _relay(data_dir: DataDir, books: Books, journal: Journal) -> None:
    """Move what was written without a relay after it: by whoever died between the two."""
    while True:
        try:
            moved = await asyncio.to_thread(relay, books, data_dir.books)
        except Unavailable as why:
            log.warning("the relay waits for the books: %s", why)
            moved = 0
        if moved and isinstance(journal, SqliteJournal):
            journal.ring(SETTINGS)
        await asyncio.sleep(RELAY_EVERY_S)
