"""Power cuts: until when a point without power stays cold, by what its own earlier cuts took (`stream/warming.py`)."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from coldchain.clock import DAY, HOUR, MINUTE
from coldchain.quantities import YES
from stream.history import History
from stream.warming import Learned, forecast, learn, within

LEARNED_OVER = 400 * DAY
LEARNED_FOR = 6 * HOUR
"""How far back cuts are learned from, and how long what was learned is taken for true."""

LEAST_CUT = 20 * MINUTE
MOST_CUTS = 30
"""A shorter cut tells nothing, and of more than so many the newest tell."""

LONGEST_CUT = 7 * DAY


SensorKey = tuple[str, str]
"""Device id and channel."""


@dataclass(frozen=True, slots=True)
class Breach:
    """When the first of a point's probes will pass `limit` (centidegrees). Instants in ms UTC; see Forecast."""

    limit: int
    earliest_at: int
    likely_at: int
    latest_at: int | None
    cuts: int
    is_beyond: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """A point has had no power since then (ms UTC); `breach` is None while nobody can say how long it stays cold."""

    since: int
    breach: Breach | None


class Breaches:
    """Reads the history; remembers what it has learned of each probe. Safe over threads."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._lock = threading.Lock()
        self._learned: dict[tuple[SensorKey, SensorKey], tuple[int, Learned]] = {}

    def of(
        self, power: SensorKey, products: Sequence[SensorKey], limit: int, gone_since: int, at: int
    ) -> Breach | None:
        """The point's forecast at the instant, the power being gone since then; None while nothing is known.

        Of several probes the one that will pass the limit first speaks.
        """
        told = [one for probe in products if (one := self._of_probe(power, probe, limit, gone_since, at)) is not None]
        return min(told, key=lambda one: (one.likely_at, one.earliest_at), default=None)

    def _of_probe(self, power: SensorKey, probe: SensorKey, limit: int, gone_since: int, at: int) -> Breach | None:
        learned = self._learned_of(power, probe, gone_since)
        since = max(gone_since, at - LONGEST_CUT)
        instants, values = self._history.columns(*probe, since - HOUR, at + 1)
        so_far = within(instants, values, since, at)
        told = forecast(learned, so_far, limit)
        if told is None:
            return None
        seen_at = so_far[-1][0]
        return Breach(
            limit,
            seen_at + told.earliest,
            seen_at + told.likely,
            None if told.latest is None else seen_at + told.latest,
            told.cuts,
            told.is_beyond,
        )

    def _learned_of(self, power: SensorKey, probe: SensorKey, until: int) -> Learned:
        with self._lock:
            known = self._learned.get((power, probe))
        if known is not None and 0 <= until - known[0] < LEARNED_FOR:
            return known[1]
        spells = self._history.spells_below(*power, YES, until - LEARNED_OVER, until)
        cuts = [(since, end) for since, end in spells if end - since >= LEAST_CUT][-MOST_CUTS:]
        learned = learn(self._warmup(probe, since, min(end, since + LONGEST_CUT)) for since, end in cuts)
        with self._lock:
            self._learned[power, probe] = (until, learned)
        return learned

    def _warmup(self, probe: SensorKey, since: int, until: int) -> Sequence[tuple[int, int]]:
        instants, values = self._history.columns(*probe, since - HOUR, until + 1)
        return within(instants, values, since, until)
