"""A simulated sensor: a calm wave around a mean, to try an agent on a desk before a probe is wired."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from gateway_agent.sensors import Sensed


@dataclass(frozen=True, slots=True)
class Simulated:
    """`mean` and `swing` in centidegrees, `period` in ms, `clock` gives ms of any origin."""

    channel: str
    mean: int
    swing: int
    period: int
    clock: Callable[[], int]

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,)

    def read(self) -> list[Sensed]:
        turn = 2 * math.pi * (self.clock() % self.period) / self.period
        return [Sensed(self.channel, self.mean + round(self.swing * math.sin(turn)))]
