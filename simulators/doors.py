"""Doors: when people open a fridge. Vaccine goes out in the morning and comes back in the afternoon of each working
day, more of it on the days of vaccination sessions (in India mostly Wednesday and Saturday)."""

from dataclasses import dataclass

from coldchain.clock import DAY, HOUR, MINUTE, SECOND
from simulators import dice
from simulators.power import INDIA
from simulators.spans import Span, Spans, spans

_SUNDAY = 3  # 1970-01-04
_SESSION_DAYS = (_SUNDAY + 3, _SUNDAY + 6)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a place handles its fridge: openings on a working day and on a session day, and how long one lasts (ms)."""

    seed: int
    openings: int = 5
    on_session_days: int = 14
    shortest: int = 15 * SECOND
    longest: int = 90 * SECOND


def openings(habits: Habits, since: int, until: int) -> Spans:
    """When the door stands open in [since, until), ms UTC."""
    first, last = (since + INDIA) // DAY, (until + INDIA) // DAY
    parts = [span for day in range(first, last + 1) for span in _on_day(habits, day)]
    return spans((max(begin, since), min(end, until)) for begin, end in parts)


def _on_day(habits: Habits, day: int) -> list[Span]:
    seed = habits.seed * 1_000_003 + day
    weekday = day % 7
    if weekday == _SUNDAY:
        return []
    count = habits.on_session_days if weekday in (_SESSION_DAYS[0], _SESSION_DAYS[1] % 7) else habits.openings
    found = []
    for number in range(count):
        begin = day * DAY - INDIA + _time_of_day(number, dice.even(seed, 2 * number))
        length = habits.shortest + int((habits.longest - habits.shortest) * dice.even(seed, 2 * number + 1) ** 2)
        found.append((begin, begin + length))
    return found


def _time_of_day(number: int, chance: float) -> int:
    """Out between 8:15 and 9:45, back between 15:00 and 16:30, now and then in between."""
    match number % 5:
        case 0 | 1:
            return 8 * HOUR + 15 * MINUTE + int(chance * 90 * MINUTE)
        case 2 | 3:
            return 15 * HOUR + int(chance * 90 * MINUTE)
        case _:
            return 10 * HOUR + int(chance * 5 * HOUR)
