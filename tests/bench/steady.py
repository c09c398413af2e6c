"""A steady state: many devices send at an even rate, from a process of their own; CPU and verdicts meanwhile."""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

from coldchain.clock import DAY, MINUTE, now
from coldchain.topics import mqtt_topic
from simulators.accounts import Account
from simulators.load import WINDOW, Line, Log, Plan, connect, messages, press
from tests.bench.measures import Frost, Latency, Watcher, cpu, peak_mb, until
from tests.helpers_end_to_end import Platform

LONG_AGO = 4 * 365 * DAY
"""So much earlier lies what is sent to find out how much can be: what follows is to be new, not late."""

Message = tuple[bytes, int]
"""A payload, and how many readings it tells that no earlier one did."""


@dataclass(slots=True)
class Steady:
    """`rate` in messages a second; CPU in seconds, by part."""

    readings: int
    rate: float
    seconds: float
    late_s: float
    cpu_s: dict[str, float]
    line_mb: float
    verdicts: list[Latency] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return self.readings / self.seconds

    def cpu_us(self, *parts: str) -> float:
        """A reading, of these parts or of all."""
        return 1e6 * sum(self.cpu_s[part] for part in parts or self.cpu_s) / self.readings


def capacity(platform: Platform, accounts: Sequence[Account], readings: int, messages_each: int) -> float:
    """Messages a second, until readable, when devices send as fast as they are let."""
    plan = Plan(messages_each, readings, _begin(messages_each * readings) - LONG_AGO, seed=7)
    begun = time.perf_counter()
    asyncio.run(press(platform.mqtt_url, accounts, plan, Log()))
    judged(platform)
    return len(accounts) * messages_each / (time.perf_counter() - begun)


def steady(
    platform: Platform,
    accounts: Sequence[Account],
    readings: int,
    rate: float,
    seconds: float,
    frost: Frost | None = None,
) -> Steady:
    """So many messages a second over all devices for so long; `frost` alarms meanwhile as often as it can."""
    each = max(2, round(rate * seconds / len(accounts)))
    plan = Plan(each, readings, _begin(each * readings) - (0 if frost else LONG_AGO // 2), seed=11)
    context = multiprocessing.get_context("spawn")
    told: Queue[tuple[int, float]] = context.Queue()
    go = context.Event()
    pressing = context.Process(target=_press_apart, args=(platform.mqtt_url, list(accounts), plan, rate, told, go))
    pressing.start()
    told.get(timeout=900)  # all is laid out, all are connected
    before, begun = cpu(platform), time.perf_counter()
    go.set()
    verdicts = []
    while frost is not None and time.perf_counter() - begun < seconds - 2:
        verdicts.append(frost.alarm())
    sent, late_s = told.get(timeout=900 + seconds)
    judged(platform)
    took = time.perf_counter() - begun
    after = cpu(platform)
    pressing.join(30)
    spent = {part: after[part] - before.get(part, 0.0) for part in after}
    return Steady(sent, rate, took, late_s, spent, peak_mb(platform, "line"), verdicts)


def judged(platform: Platform) -> None:
    """Wait until all that is durable is judged, and so readable."""
    watcher = Watcher(platform)
    try:
        newest = -1
        while newest != watcher.newest("readings"):
            newest = watcher.newest("readings")
            until(lambda newest=newest: watcher.is_judged(newest), 900, "all to be judged")  # type: ignore[misc]
    finally:
        watcher.close()


def _press_apart(
    url: str, accounts: list[Account], plan: Plan, rate: float, told: "Queue[tuple[int, float]]", go: Event
) -> None:
    """In a process of its own, which takes its share of the machine and none of our figures."""
    laid_out = [_fresh(messages(account, plan), plan.readings) for account in accounts]

    async def pressed() -> float:
        lines = await asyncio.gather(*(connect(url, account) for account in accounts))
        told.put((0, 0.0))
        await asyncio.to_thread(go.wait)
        pause, begun = len(accounts) / rate, time.perf_counter()
        sending = [
            _send(line, mqtt_topic(account.device_id, "readings"), mine, pause, begun + pause * number / len(accounts))
            for number, (line, account, mine) in enumerate(zip(lines, accounts, laid_out, strict=True))
        ]
        late = await asyncio.gather(*sending)
        for line in lines:
            line.close()
        return max(late)

    late_s = asyncio.run(pressed())
    told.put((sum(count for mine in laid_out for _, count in mine), late_s))


def _fresh(told: Sequence[tuple[bytes, object]], readings: int) -> list[Message]:
    return [(one[0], 0 if n and one[0] == told[n - 1][0] else readings) for n, one in enumerate(told)]


async def _send(line: Line, topic: str, mine: Sequence[Message], pause: float, first_at: float) -> float:
    """Each at its time; gives by how much the last was late."""
    late = 0.0
    for number, (payload, _) in enumerate(mine):
        ahead = first_at + number * pause - time.perf_counter()
        late = max(0.0, -ahead)
        if ahead > 0:
            await asyncio.sleep(ahead)
        await line.publish(topic, payload, WINDOW)
    await line.drained()
    return late


def _begin(readings: int) -> int:
    """So that the last reading is a minute old."""
    return now() - (readings + 2) * MINUTE
