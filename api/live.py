"""Live: one task a process watches for news and tells each open page what it may know; a page that cannot follow is
told to start anew.

Server-sent events, read with `fetch` (the token travels in a header). A comment every 15 s keeps the line open.
"""

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from api.picture import News, Picture
from api.shown import row_shown
from api.wall import Row
from coldchain.clock import Clock, iso
from coldchain.errors import ColdchainError

_log = logging.getLogger("api.live")

POLL_S = 0.2
IDLE_S = 5.0
"""How often the picture is brought up to date while no page is open: only so that the next one need not wait."""

QUEUE = 256
"""Events that wait for a slow page at most."""

COMMENT_S = 15
WARM_AT_ONCE = 50
"""Strips made ready in one round, so that a round stays short while a week is being caught up with."""


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    data: dict[str, Any]

    def encode(self) -> bytes:
        return f"event: {self.name}\ndata: {json.dumps(self.data, ensure_ascii=False)}\n\n".encode()


RESYNC = Event("resync", {})
COMMENT = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """A message of the device was refused; seen by whoever may see the path."""

    device_id: str
    path: str


@dataclass(frozen=True, slots=True)
class IncidentChanged:
    """An incident opened, or is another than before; seen by whoever may see `path`, the points of it by theirs."""

    id: str
    kind: str
    state: str
    path: str
    points: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """What a round has to tell."""

    news: News
    refused: list[RefusedMessage]
    incidents: list[IncidentChanged]


@dataclass(slots=True, eq=False)
class Subscriber:
    """An open page: of which paths it may know, and what it has not been told yet."""

    may_know: Callable[[str], bool]
    queue: "asyncio.Queue[Event]" = field(default_factory=lambda: asyncio.Queue(QUEUE))

    def tell(self, event: Event) -> None:
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(RESYNC)


class Live:
    """`refused` and `incidents` give what came since they were last asked."""

    def __init__(
        self,
        picture: Picture,
        refused: Callable[[], list[RefusedMessage]],
        incidents: Callable[[], list[IncidentChanged]],
        clock: Clock,
    ) -> None:
        self._picture = picture
        self._refused = refused
        self._incidents = incidents
        self._clock = clock
        self._subscribers: set[Subscriber] = set()
        self._opened = asyncio.Event()
        self._stale: dict[tuple[str, str], None] = {}

    def subscribe(self, may_know: Callable[[str], bool]) -> Subscriber:
        """From now on it is told of what lies at paths that it may know; `leave` must follow."""
        subscriber = Subscriber(may_know)
        self._subscribers.add(subscriber)
        self._opened.set()
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)

    async def run(self) -> None:
        """Watch until cancelled. Trouble with a file of another room is told in the log and tried again."""
        in_trouble = False
        while True:
            try:
                await self._round()
                in_trouble = False
            except (ColdchainError, sqlite3.Error) as why:
                if not in_trouble:
                    _log.warning("live pages wait: %s", why)
                in_trouble = True
            await self._pause()

    async def _pause(self) -> None:
        if self._subscribers:
            await asyncio.sleep(POLL_S)
            return
        self._opened.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._opened.wait(), IDLE_S)

    async def _round(self) -> None:
        told = await asyncio.to_thread(self._watch)
        if not self._subscribers:
            return
        for event, path in events_of(told.news, told.refused):
            for subscriber in self._subscribers:
                if subscriber.may_know(path):
                    subscriber.tell(event)
        for incident in told.incidents:
            for subscriber in self._subscribers:
                if subscriber.may_know(incident.path):
                    subscriber.tell(_incident_event(incident, subscriber))

    def _watch(self) -> Told:
        self._picture.look()
        news = self._picture.take_news()
        self._stale.update(dict.fromkeys(key for row in news.rows.values() for key in row.sensors))
        ready = list(self._stale)[:WARM_AT_ONCE]
        for key in ready:
            del self._stale[key]
        self._picture.warm(ready, self._clock())
        return Told(news, self._refused(), self._incidents())


def events_of(news: News, refused: list[RefusedMessage]) -> list[tuple[Event, str]]:
    """Events with the path that one must be allowed to see for them."""
    events = [(Event("gone", {"id": row_id}), path) for row_id, path in news.gone.items()]
    events += [(_row_event(row), row.path) for row in news.rows.values()]
    events += [(Event("refusal", {"device_id": one.device_id}), one.path) for one in refused]
    return events


def _row_event(row: Row) -> Event:
    shown = row_shown(row)
    standing = row.standing
    point = None
    if standing.measured_at is not None and standing.value is not None:
        point = [standing.measured_at, round(standing.value / 10)]
    return Event("row", {**shown, "point": point})


def _incident_event(one: IncidentChanged, subscriber: Subscriber) -> Event:
    """An incident may be about points of which this page must not learn."""
    points = [point_id for point_id, path in one.points.items() if subscriber.may_know(path)]
    return Event("incident", {"id": one.id, "kind": one.kind, "state": one.state, "storage_points": points})


async def stream(
    live: Live, may_know: Callable[[str], bool], clock: Clock, is_admitted: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """What a page reads: `hello`, then events as they come. Ends once the token is worth nothing any more."""
    subscriber = live.subscribe(may_know)  # here, and not before: a page that leaves at once is never subscribed
    try:
        yield Event("hello", {"at": iso(clock())}).encode()
        asked_at = time.monotonic()
        while True:
            try:
                told = (await asyncio.wait_for(subscriber.queue.get(), COMMENT_S)).encode()
            except TimeoutError:
                told = COMMENT
            if time.monotonic() - asked_at >= COMMENT_S:
                if not await asyncio.to_thread(is_admitted):
                    return
                asked_at = time.monotonic()
            yield told
    finally:
        live.leave(subscriber)
