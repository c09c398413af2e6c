"""A stand: one fridge where it stands, with its room, its current, its users, its probe and its mishaps.

`Stand` is what is given and never changes; `Standing` is the fridge in time, moved forward in small steps. Two of
the same stand, moved over the same time, measure the same.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from coldchain.clock import MINUTE, SECOND
from coldchain.readings import UNPLUGGED
from simulators import dice, fridge
from simulators.doors import Habits, openings
from simulators.fridge import Make
from simulators.power import Supply, cuts
from simulators.spans import Spans, spans
from simulators.weather import Weather

MishapKind = Literal["thermostat", "compressor", "power", "lid", "packed", "probe-out", "unplugged"]

_AMBIENT_HOLDS = 5 * MINUTE
_NOISE_C = 0.03


@dataclass(frozen=True, slots=True)
class Mishap:
    """What goes wrong in [since, until), ms UTC. `amount`: the thermostat's false set point in °C, what is left of
    the compressor's vigour (0…1), how far the lid is open (0…1), or the heat in J that came at once with what was
    packed in: warm vaccine, or ice packs straight from the freezer.
    """

    kind: MishapKind
    since: int
    until: int
    amount: float = 0.0

    def at(self, instant: int) -> bool:
        return self.since <= instant < self.until


@dataclass(frozen=True, slots=True)
class Stand:
    """`calibration` is the probe's own error in °C, `dt` the step in seconds."""

    seed: int
    make: Make
    weather: Weather
    supply: Supply | None = None
    habits: Habits | None = None
    mishaps: tuple[Mishap, ...] = ()
    calibration: float = 0.0
    dt: int = 60

    def with_mishaps(self, *mishaps: Mishap) -> "Stand":
        return replace(self, mishaps=(*self.mishaps, *mishaps))


class Probe(NamedTuple):
    """What a DS18B20 would give: centidegrees in steps of a sixteenth of a degree, or why there is nothing."""

    centidegrees: int | None
    fault: str | None = None


class _Now(NamedTuple):
    """What holds until the next mishap begins or ends."""

    until: int
    set_point: float | None
    vigour: float
    lid: float
    is_out: bool
    is_unplugged: bool


class Standing:
    """The fridge in time. `calendar` is laid out from `begin` to `end` (ms UTC); after it, no cuts and no doors."""

    def __init__(self, stand: Stand, begin: int, end: int) -> None:
        self.stand = stand
        self.model = fridge.Model(stand.make, float(stand.dt))
        self.at = begin
        self.state = fridge.settled(self.model)
        self.ambient = stand.weather.ambient(begin)
        self._ambient_until = begin + _AMBIENT_HOLDS
        self._dt = stand.dt * SECOND
        away = cuts(stand.supply, begin, end) if stand.supply is not None else Spans()
        self._cuts = away
        self._away = _without_power(away, stand.mishaps)
        doors = openings(stand.habits, begin, end) if stand.habits is not None else spans(())
        self._open_share = _shares(doors, begin, self._dt)
        self._begin = begin
        self._now = self._holding(begin)

    def branched(self, *mishaps: Mishap) -> "Standing":
        """Another of the same past, to which these mishaps are still to happen."""
        branch = copy(self)
        branch.stand = self.stand.with_mishaps(*mishaps)
        branch._away = _without_power(self._cuts, branch.stand.mishaps)
        branch._now = branch._holding(self.at)
        return branch

    def powered(self) -> bool:
        return self.at not in self._away

    def advance(self, until: int) -> None:
        """Move on, in whole steps, to the last that is not after `until`."""
        step, model, dt = fridge.step, self.model, self._dt
        away, shares = self._away, self._open_share
        at, state, now = self.at, self.state, self._now
        while at + dt <= until:
            if at >= self._ambient_until:
                self.ambient = self.stand.weather.ambient(at)
                self._ambient_until = at + _AMBIENT_HOLDS
            if at >= now.until:
                now = self._holding(at)
                state = state._replace(heat=state.heat + self._packed_in(at - dt, at))
            share = shares.get((at - self._begin) // dt, 0.0)
            state = step(
                model,
                state,
                self.ambient,
                is_powered=at not in away,
                open_share=share if share > now.lid else now.lid,
                set_point=now.set_point,
                vigour=now.vigour,
            )
            at += dt
        self.at, self.state, self._now = at, state, now

    def measure(self, at: int) -> Probe:
        """What the probe gives at an instant, from the last step before it."""
        now = self._now if at < self._now.until else self._holding(at)
        if now.is_unplugged:
            return Probe(None, UNPLUGGED)
        celsius = self.ambient if now.is_out else self.state.air
        return Probe(quantised(celsius + self.stand.calibration + _NOISE_C * dice.swing(self.stand.seed, at // SECOND)))

    def _packed_in(self, after: int, until: int) -> float:
        return sum(m.amount for m in self.stand.mishaps if m.kind == "packed" and after < m.since <= until)

    def _holding(self, at: int) -> _Now:
        set_point, vigour, lid, is_out, is_unplugged = None, 1.0, 0.0, False, False
        until = 1 << 62
        for mishap in self.stand.mishaps:
            if mishap.since > at:
                until = min(until, mishap.since)
            if not mishap.at(at):
                continue
            until = min(until, mishap.until)
            match mishap.kind:
                case "thermostat":
                    set_point = mishap.amount
                case "compressor":
                    vigour = mishap.amount
                case "lid":
                    lid = mishap.amount
                case "probe-out":
                    is_out = True
                case "unplugged":
                    is_unplugged = True
                case "power" | "packed":
                    pass  # among the cuts; and over in a moment
        return _Now(until, set_point, vigour, lid, is_out, is_unplugged)


def _without_power(cuts: Spans, mishaps: Iterable[Mishap]) -> Spans:
    return cuts.with_spans((mishap.since, mishap.until) for mishap in mishaps if mishap.kind == "power")


def quantised(celsius: float) -> int:
    """Centidegrees of the nearest sixteenth of a degree, half away from zero, as the sensor and the agent make them."""
    sixteenths = round(celsius * 16)
    size = (abs(sixteenths) * 25 + 2) // 4
    return size if sixteenths >= 0 else -size


def _shares(doors: Iterable[tuple[int, int]], begin: int, dt: int) -> dict[int, float]:
    """For each step in which the door stood open, for what share of it."""
    shares: dict[int, float] = {}
    for since, until in doors:
        number = (since - begin) // dt
        while begin + number * dt < until:
            inside = min(until, begin + (number + 1) * dt) - max(since, begin + number * dt)
            shares[number] = shares.get(number, 0.0) + inside / dt
            number += 1
    return shares
