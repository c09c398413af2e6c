"""The senses: a thread a sensor, so that a slow read delays nobody else's beat."""

import logging
import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue

from coldchain.clock import SECOND
from gateway_agent.clocks import Moment
from gateway_agent.sensors import Sensed, Sensor, unreadable

log = logging.getLogger("agent.senses")

Tell = Callable[[Moment, list[Sensed]], None]

STUCK = 10 * SECOND
"""A read that goes on for longer than this, in ms, counts as a fault at each beat, until it comes back."""


class Sense:
    """One sensor's thread. It skips the beats that pass while it still reads."""

    def __init__(self, sensor: Sensor, tell: Tell) -> None:
        self._sensor = sensor
        self._tell = tell
        self._beats: SimpleQueue[Moment | None] = SimpleQueue()
        self._reading_since: int | None = None
        self._thread = threading.Thread(target=self._read_at_each_beat, name="sense", daemon=True)
        self._thread.start()

    def beat(self, moment: Moment) -> None:
        since = self._reading_since
        if since is None:
            self._reading_since = moment.uptime
            self._beats.put(moment)
        elif moment.uptime - since >= STUCK:
            self._tell(moment, unreadable(self._sensor))

    def stop(self) -> None:
        """Ask the thread to end; one that hangs in the kernel ends with the process."""
        self._beats.put(None)

    def _read_at_each_beat(self) -> None:
        while (moment := self._beats.get()) is not None:
            sensed = read_safely(self._sensor)
            self._reading_since = None
            self._tell(moment, sensed)


class Senses:
    def __init__(self, sensors: Iterable[Sensor], tell: Tell) -> None:
        self._senses = [Sense(sensor, tell) for sensor in sensors]

    def beat(self, moment: Moment) -> None:
        for sense in self._senses:
            sense.beat(moment)

    def stop(self) -> None:
        for sense in self._senses:
            sense.stop()


def read_safely(sensor: Sensor) -> list[Sensed]:
    """What the sensor says; a mistake in its driver is a fault of its channels, and no other sensor's trouble."""
    try:
        return sensor.read()
    except Exception:  # a driver may fail in any way; it is logged whole and told as a fault
        log.exception("the sensor of %s failed", ", ".join(sensor.channels))
        return unreadable(sensor)
