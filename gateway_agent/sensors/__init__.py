"""Sensors: what hangs at this gateway, one file a technology. A sensor gives numbers, or says why it cannot."""

from dataclasses import dataclass
from typing import Protocol

from coldchain.quantities import CELSIUS
from coldchain.readings import UNREADABLE


@dataclass(frozen=True, slots=True)
class Sensed:
    """One channel's answer to a beat: `centidegrees` is None exactly where `fault` says why. The beat has the time.

    Of a switch (`unit` "/") they are 100 for yes and 0 for no.
    """

    channel: str
    centidegrees: int | None
    fault: str | None = None
    unit: str = CELSIUS


class Sensor(Protocol):
    """May take its time, as a DS18B20 takes most of a second; must not raise for what a probe can do."""

    @property
    def channels(self) -> tuple[str, ...]: ...

    def read(self) -> list[Sensed]: ...


def unreadable(sensor: Sensor) -> list[Sensed]:
    """What is kept where a sensor did not answer at all."""
    return [Sensed(channel, None, UNREADABLE) for channel in sensor.channels]
