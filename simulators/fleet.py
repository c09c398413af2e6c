"""A fleet: all gateways of a district in one process and one loop, as time passes or as fast as it goes.

Each has an MQTT connection of its own at the real broker; what the connections tell comes through one queue, and one
thread moves all agents.
"""

import heapq
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from coldchain.clock import SECOND, Clock, now
from coldchain.errors import Unavailable
from gateway_agent.uplink import FromUplink
from simulators.accounts import Account
from simulators.district import District
from simulators.gateways import Gateway, broker_of, settings_of
from simulators.loggers import SimpleLogger
from simulators.story import Story

SEND_EVERY_S = 5.0
"""How often agents look for what must be sent again, while nothing happens."""

LONGEST_WAIT_S = 1.0

Progress = Callable[[int, int], None]
"""Told how much is done, of how much."""


class Driven(Protocol):
    """A gateway or a simple logger."""

    device_id: str
    at: int
    is_dead: bool

    @property
    def due(self) -> int: ...

    def live_through(self, until: int) -> int: ...

    def connect(self) -> None: ...

    def hear(self, event: FromUplink) -> None: ...

    def send(self) -> None: ...

    def waiting(self) -> int: ...

    def die(self) -> None: ...

    def close(self) -> None: ...


class NotDurable(Unavailable):
    """The platform did not say in time that it has everything on disk."""


class Pace:
    """The rehearsal's time: `begin` when it starts, `speed` times as fast as the world until it has caught up."""

    def __init__(self, begin: int, speed: float, clock: Clock = now) -> None:
        self._begin = begin
        self._speed = speed
        self._clock = clock
        self._started = clock()

    def now(self) -> int:
        real = self._clock()
        return min(real, self._begin + int((real - self._started) * self._speed))


class Fleet:
    def __init__(self, dies: Mapping[str, int] | None = None) -> None:
        self.gateways: list[Driven] = []
        self.readings = 0
        self._dies = dies or {}
        self._events: SimpleQueue[tuple[Driven, FromUplink]] = SimpleQueue()
        self._beats: list[tuple[int, int]] = []
        self._sent_at = time.monotonic()

    def tell(self, gateway: Driven, event: FromUplink) -> None:
        """For the connections' threads."""
        self._events.put((gateway, event))

    def add(self, gateway: Driven) -> None:
        heapq.heappush(self._beats, (gateway.due, len(self.gateways)))
        self.gateways.append(gateway)

    def rehearse(self, until: int, progress: Progress | None = None) -> int:
        """Live through the past up to the instant, without a connection; gives how many readings it gave."""
        for number, gateway in enumerate(self.gateways, 1):
            self.readings += gateway.live_through(until)
            if progress is not None:
                progress(number, len(self.gateways))
        self._beats = [(gateway.due, number) for number, gateway in enumerate(self.gateways)]
        heapq.heapify(self._beats)
        return self.readings

    def connect(self) -> None:
        for gateway in self.gateways:
            gateway.connect()

    def send_all(self, pace: Pace, within_s: float, progress: Progress | None = None) -> None:
        """Live on until the server has everything of the past. Raises NotDurable."""
        patience = time.monotonic() + within_s
        told_at = 0.0
        total = max(1, self.waiting())
        while any(gateway.waiting() for gateway in self.gateways if not gateway.is_dead):
            self.turn(pace, LONGEST_WAIT_S / 10)
            if time.monotonic() > patience:
                raise NotDurable(f"{self.waiting()} readings are still not acknowledged after {within_s:.0f} s")
            if progress is not None and time.monotonic() - told_at > 0.5:
                progress(max(0, total - self.waiting()), total)
                told_at = time.monotonic()

    def waiting(self) -> int:
        return sum(gateway.waiting() for gateway in self.gateways if not gateway.is_dead)

    def turn(self, pace: Pace, longest_s: float = LONGEST_WAIT_S) -> None:
        """Wait for the next beat or event, and do what is due."""
        at = pace.now()
        until_beat_s = (self._beats[0][0] - at) / SECOND if self._beats else longest_s
        for gateway, event in self._gathered(min(longest_s, max(0.0, until_beat_s))):
            if not gateway.is_dead:
                gateway.at = max(gateway.at, pace.now())
                gateway.hear(event)
        self._beat(pace.now())
        if time.monotonic() - self._sent_at > SEND_EVERY_S:
            self._sent_at = time.monotonic()
            for gateway in self.gateways:
                if not gateway.is_dead and gateway.waiting():
                    gateway.send()

    def close(self) -> None:
        for gateway in self.gateways:
            gateway.close()

    def _gathered(self, wait_s: float) -> Iterable[tuple[Driven, FromUplink]]:
        try:
            yield self._events.get(timeout=wait_s) if wait_s > 0 else self._events.get_nowait()
            while True:
                yield self._events.get_nowait()
        except Empty:
            return

    def _beat(self, at: int) -> None:
        while self._beats and self._beats[0][0] <= at:
            _, number = heapq.heappop(self._beats)
            gateway = self.gateways[number]
            if gateway.is_dead:
                continue
            if self._dies.get(gateway.device_id, at + 1) <= at:
                gateway.die()
                continue
            self.readings += gateway.live_through(at)
            gateway.send()
            heapq.heappush(self._beats, (gateway.due, number))


def of_district(
    district: District,
    story: Story,
    accounts: Mapping[str, Account],
    mqtt_url: str,
    outboxes: Path,
    lived_until: Mapping[str, int] | None = None,
) -> Fleet:
    """A gateway, or a simple logger, for each point of the district that has an account.

    `lived_until`: what a device measured before that instant (ms UTC) it has told already.
    """
    fleet = Fleet(story.dies)
    for point in district.points():
        account = accounts.get(point.device_id)
        if account is None:
            continue
        interval = point.interval_s * SECOND
        begin = max(story.begin, (lived_until or {}).get(point.device_id, 0))
        standing, is_on = story.standing(point.device_id), _on(story, point.device_id)
        if point.is_simple:
            broker = broker_of(mqtt_url, account)
            fleet.add(SimpleLogger(account.device_id, broker, standing, interval, begin, fleet.tell, is_on))
            continue
        settings = settings_of(
            account,
            mqtt_url,
            outboxes / f"{account.device_id}.db",
            channels=point.channels,
            storage_class=point.storage_class,
            interval=interval,
        )
        fleet.add(Gateway(settings, standing, begin, fleet.tell, is_on))
    return fleet


def _on(story: Story, device_id: str) -> Callable[[int], bool]:
    return lambda at: story.is_on(device_id, at)
