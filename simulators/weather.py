"""Weather: how warm the room is in which a fridge stands, by season, hour and day. Pure in the instant."""

from dataclasses import dataclass
from math import cos, pi

from coldchain.clock import DAY, HOUR
from simulators import dice

YEAR = 365.2425 * DAY
_HOTTEST = 146 * DAY  # the end of May, counted from the first of January 1970
_WARMEST_HOUR = 15 * HOUR + 30 * 60_000


@dataclass(frozen=True, slots=True)
class Weather:
    """A room's temperatures in °C: the year's mean, the swings of year and day (half of top to bottom), and how far a
    day may differ from its neighbours. `offset` is local time minus UTC in ms (India: 5 h 30 min, all the year).
    """

    seed: int
    mean: float = 26.0
    year: float = 5.0
    day: float = 3.0
    moods: float = 1.5
    offset: int = 19_800_000

    def ambient(self, at: int) -> float:
        """°C at the instant (ms UTC)."""
        local = at + self.offset
        number, into = divmod(local, DAY)
        mood = dice.swing(self.seed, number)
        mood += (dice.swing(self.seed, number + 1) - mood) * into / DAY
        season = cos((local - _HOTTEST) * (2 * pi / YEAR))
        hour = cos((into - _WARMEST_HOUR) * (2 * pi / DAY))
        return self.mean + self.year * season + self.day * hour + self.moods * mood
