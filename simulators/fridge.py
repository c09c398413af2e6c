"""A fridge that behaves like a fridge: air with its probe, and the load with its lining, cooled by a compressor.

Two thermal masses. The air (with walls and probe) is light and follows within minutes; the load (vaccine and ice
lining) is heavy, and where there is a lining it melts and freezes over a narrow band of temperatures, which is what
carries an ice-lined refrigerator through hours without power. Plain functions of frozen parameters: temperatures in
°C, heat in J, power in W, conductance in W/K, time in s. Nothing here knows the clock, the place or the weather.
"""

from dataclasses import dataclass, field
from math import exp
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Make:
    """What the factory decided. `air` and `load` in J/K; the lining takes `lining` J between `melts_from` and
    `melts_until`. Conductances: `lid` from the room to the air, `walls` from the room to the load, `exchange` between
    air and load, `doorway` added to the lid while the door is open. `cooling` is drawn out while the compressor runs,
    of which the share `blown` from the air, the rest from the lining; it loses `fading` of itself per degree that the
    load is colder than the set point.
    """

    name: str
    air: float
    load: float
    lid: float
    walls: float
    exchange: float
    doorway: float
    cooling: float
    blown: float
    set_point: float
    hysteresis: float
    lining: float = 0.0
    melts_from: float = 0.0
    melts_until: float = 1.0
    fading: float = 0.02


ILR = Make(
    "ice-lined refrigerator",
    air=6_000.0,
    load=126_000.0,  # 20 kg of vaccine and ice packs, and the lining's own
    lid=0.15,
    walls=0.65,
    exchange=8.0,
    doorway=3.0,
    cooling=170.0,
    blown=0.04,
    set_point=3.9,
    hysteresis=0.5,
    lining=2_500_000.0,  # 7.5 kg of ice
    melts_from=3.6,
    melts_until=5.5,
)
"""Holds below 8 °C for a day at 35 °C, as WHO PQS E003 asks of an ice-lined refrigerator (20 h and more)."""

TIRED_ILR = Make(
    "ice-lined refrigerator whose lining has leaked out",
    air=6_000.0,
    load=42_000.0,
    lid=0.35,
    walls=0.75,
    exchange=6.0,
    doorway=4.0,
    cooling=160.0,
    blown=0.10,
    set_point=4.6,
    hysteresis=0.8,
)
"""An old one: no better than a household refrigerator, out of range within the hour."""

HOUSEHOLD = Make(
    "household refrigerator, nearly empty",
    air=3_500.0,
    load=11_000.0,
    lid=1.1,
    walls=0.5,
    exchange=4.0,
    doorway=12.0,
    cooling=130.0,
    blown=0.35,
    set_point=4.6,
    hysteresis=1.1,
)
"""What some centres still have: out of range half an hour after the power went."""

DEEP_FREEZER = Make(
    "deep freezer",
    air=7_000.0,
    load=110_000.0,
    lid=0.15,
    walls=0.75,
    exchange=8.0,
    doorway=3.0,
    cooling=190.0,
    blown=0.05,
    set_point=-20.0,
    hysteresis=1.5,
    lining=9_000_000.0,  # ice packs being frozen
    melts_from=-2.0,
    melts_until=0.0,
    fading=0.012,
)

WALK_IN_COOLER = Make(
    "walk-in cooler",
    air=240_000.0,
    load=2_100_000.0,
    lid=16.0,
    walls=2.0,
    exchange=140.0,
    doorway=160.0,
    cooling=2_400.0,
    blown=0.9,
    set_point=4.6,
    hysteresis=1.0,
)


class State(NamedTuple):
    """`air` in °C; `heat` of the load in J, counted from the load just frozen through (see `load_celsius`)."""

    air: float
    heat: float
    is_running: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """A make with what follows from it for one length of step, so that a step costs no exponential."""

    make: Make
    dt: float
    molten: float = field(init=False)
    slope: float = field(init=False)
    shut: tuple[float, float, float] = field(init=False)
    """Conductance to the air in all; what remains of a difference after a step, and its mean over the step."""

    def __post_init__(self) -> None:
        make = self.make
        molten = make.lining + make.load * (make.melts_until - make.melts_from) if make.lining else 0.0
        object.__setattr__(self, "molten", molten)
        object.__setattr__(self, "slope", (make.melts_until - make.melts_from) / molten if molten else 0.0)
        object.__setattr__(self, "shut", relaxation(make, make.lid, self.dt))


def relaxation(make: Make, lid: float, dt: float) -> tuple[float, float, float]:
    """How the air relaxes during a step: conductance in all, remaining share, mean share."""
    conductance = lid + make.exchange
    steps = dt * conductance / make.air
    remaining = exp(-steps)
    return conductance, remaining, (1.0 - remaining) / steps


def load_celsius(model: Model, heat: float) -> float:
    """The load's temperature: below the melting band solid, within it slowly rising, above it molten."""
    make = model.make
    if heat <= 0.0 or model.molten == 0.0:
        return make.melts_from + heat / make.load
    if heat >= model.molten:
        return make.melts_until + (heat - model.molten) / make.load
    return make.melts_from + heat * model.slope


def heat_at(model: Model, celsius: float) -> float:
    """The load's heat at a temperature; the inverse of `load_celsius`."""
    make = model.make
    if celsius <= make.melts_from or model.molten == 0.0:
        return (celsius - make.melts_from) * make.load
    if celsius >= make.melts_until:
        return model.molten + (celsius - make.melts_until) * make.load
    return (celsius - make.melts_from) / model.slope


def settled(model: Model) -> State:
    """A fridge that has been running well for days."""
    make = model.make
    return State(make.set_point, heat_at(model, make.set_point - 0.3))


def step(
    model: Model,
    state: State,
    ambient: float,
    *,
    is_powered: bool = True,
    open_share: float = 0.0,
    set_point: float | None = None,
    vigour: float = 1.0,
) -> State:
    """One step of `model.dt` seconds in a room of `ambient` °C; the door stood open for this share of it.

    `set_point` where the thermostat is not at the make's own; `vigour` is what is left of the compressor's cooling.
    The air is solved exactly for a load held still, the load by what the air's mean exchanged with it.
    """
    make = model.make
    air, heat, is_running = state
    aim = make.set_point if set_point is None else set_point
    if air > aim + make.hysteresis:
        is_running = True
    elif air < aim - make.hysteresis:
        is_running = False
    load = load_celsius(model, heat)
    cooling = 0.0
    if is_running and is_powered:
        cooling = make.cooling * vigour * max(0.0, 1.0 + make.fading * min(0.0, load - make.set_point))
    lid = make.lid
    if open_share > 0.0:
        lid += make.doorway * open_share
        conductance, remaining, mean_share = relaxation(make, lid, model.dt)
    else:
        conductance, remaining, mean_share = model.shut
    rest = (lid * ambient + make.exchange * load - cooling * make.blown) / conductance
    apart = air - rest
    mean_air = rest + apart * mean_share
    into_load = make.exchange * (mean_air - load) + make.walls * (ambient - load) - cooling * (1.0 - make.blown)
    return State(rest + apart * remaining, heat + into_load * model.dt, is_running)
