"""A replay: any logger's readings, sent through the same door as an agent's, by the agent itself.

They go into an outbox of their own and leave it by the server's word alone, so that a replay which was cut short is
simply done again: readings are a set, and what is there already changes nothing.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from coldchain.answers import RefusedPack, decode_refused
from coldchain.clock import DAY, SECOND
from coldchain.errors import Unavailable
from coldchain.facts import DEFAULT_INTERVAL
from coldchain.readings import Reading
from gateway_agent.agent import Agent
from gateway_agent.clocks import Moment, known
from gateway_agent.sensors import Sensed
from gateway_agent.settings import NO_RULES, Broker, Settings
from gateway_agent.uplink import REFUSED, Disconnected, FromUplink, Heard, MqttUplink, why_no_broker
from simulators.logger_files import LoggerFile

PACK = 240
WINDOW = 20
AT_ONCE = 2_000
"""Beats that are kept in one transaction."""

TOLD_EVERY_S = 0.5
REFUSED_WITHIN_S = 0.7
_NOWHERE = Path("/nonexistent")

Beat = tuple[Moment, list[Sensed]]
Progress = Callable[[int, int], None]
"""Told how many readings are durable, of how many."""


class NotLetIn(Unavailable):
    """The broker cannot be reached, or does not let the device in."""


class NotDurable(Unavailable):
    """The server did not acknowledge everything in time."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """All of them are durable; a pack that the server refused is kept there too, and was not believed."""

    readings: int
    packs: int
    refused: tuple[RefusedPack, ...] = ()


def settings_for(device_id: str, broker: Broker, outbox: Path, interval: int) -> Settings:
    """`interval` in ms, as the file has it; the platform takes longer gaps for unknown time."""
    return Settings(
        device_id=device_id,
        broker=broker,
        outbox=outbox,
        sensors=(),
        rules=NO_RULES,
        interval=min(max(interval or DEFAULT_INTERVAL, SECOND), DAY),
        max_readings=PACK,
        window=WINDOW,
        jitter=0,
        min_free=0,
        sync="off",
        hardware_serial=_NOWHERE,
        machine_id=_NOWHERE,
    )


def replay(
    file: LoggerFile,
    settings: Settings,
    *,
    speed: float | None = None,
    patience_s: float = 60.0,
    progress: Progress | None = None,
) -> Replayed:
    """Send all of it and come back when it is durable. `speed`: so many times as fast as it was measured; None means
    at once. `patience_s` without any acknowledgement is the end. Raises NotLetIn, NotDurable.
    """
    why = why_no_broker(settings.device_id, settings.broker)
    if why is not None:
        raise NotLetIn(f"{settings.broker.host}:{settings.broker.port} does not let {settings.device_id} in: {why}")
    return _Replay(file, settings, speed, patience_s, progress).run()


class _Replay:
    def __init__(
        self, file: LoggerFile, settings: Settings, speed: float | None, patience_s: float, progress: Progress | None
    ) -> None:
        self._beats = beats(file.readings)
        self._total = len(file.readings)
        self._speed = speed
        self._patience_s = patience_s
        self._progress = progress
        self._events: SimpleQueue[FromUplink] = SimpleQueue()
        self._refused: list[RefusedPack] = []
        self._at = self._beats[0][0]
        self._uplink = MqttUplink(settings.device_id, settings.broker, self._events.put)
        self._agent = Agent(settings, [], lambda: self._at, self._uplink.publish, ring=lambda alarm: None)
        self._begun = time.monotonic()
        self._told_at = 0.0

    def run(self) -> Replayed:
        first = self._agent.outbox.next_seq
        if self._speed is None:
            self._keep(len(self._beats))
        self._uplink.start()
        try:
            self._send()
            self._hear_out()
        finally:
            self._uplink.stop()
            self._agent.stop()
        return Replayed(self._total, self._agent.outbox.next_seq - first, tuple(self._refused))

    def _keep(self, count: int) -> None:
        """Keep the next so many beats."""
        coming, self._beats = self._beats[:count], self._beats[count:]
        for begin in range(0, len(coming), AT_ONCE):
            part = coming[begin : begin + AT_ONCE]
            self._at = part[-1][0]
            self._agent.keep_many(part)

    def _send(self) -> None:
        """Raises NotDurable."""
        first = self._at.wall
        waiting, moved_at = -1, time.monotonic()
        while self._beats or self._agent.outbox.waiting():
            self._listen()
            if self._speed is not None and self._beats:
                until = first + int((time.monotonic() - self._begun) * SECOND * self._speed)
                self._keep(sum(moment.wall <= until for moment, _ in self._beats[:AT_ONCE]))
                moved_at = time.monotonic() if self._beats else moved_at
            self._agent.send()
            if (left := self._agent.outbox.waiting()) != waiting:
                waiting, moved_at = left, time.monotonic()
                self._tell(left)
            if time.monotonic() - moved_at > self._patience_s:
                raise NotDurable(
                    f"{left} of {self._total} readings are not acknowledged, and nothing came for "
                    f"{self._patience_s:.0f} s: is the gate running? What was sent counts once; send the file again"
                )

    def _hear_out(self) -> None:
        """What was refused is told right after what is durable."""
        until = time.monotonic() + REFUSED_WITHIN_S
        while time.monotonic() < until:
            self._listen(until - time.monotonic())

    def _listen(self, within_s: float = 0.2) -> None:
        try:
            event = self._events.get(timeout=max(0.0, within_s))
            while True:
                if isinstance(event, Heard) and event.leaf == REFUSED:
                    self._refused.append(decode_refused(event.body))
                if not isinstance(event, Disconnected) or self._agent.is_connected:
                    self._agent.hear(event)
                event = self._events.get_nowait()
        except Empty:
            return

    def _tell(self, left: int) -> None:
        """How far it is; `left` of those in the outbox, besides those still to come."""
        if self._progress is None or (left and time.monotonic() - self._told_at < TOLD_EVERY_S):
            return
        self._told_at = time.monotonic()
        coming = sum(len(readings) for _, readings in self._beats)
        self._progress(max(0, self._total - left - coming), self._total)


def beats(readings: Sequence[Reading]) -> list[Beat]:
    """Readings in order of time, gathered by their instants."""
    gathered: list[Beat] = []
    for reading in readings:
        sensed = Sensed(reading.channel, reading.centidegrees, reading.fault)
        if gathered and gathered[-1][0].wall == reading.measured_at:
            gathered[-1][1].append(sensed)
        else:
            gathered.append((known(reading.measured_at, "replay"), [sensed]))
    return gathered
