"""Kinetics: how fast heat uses up the life of a vaccine vial monitor (VVM), and the mean that weighs heat as it harms.

Both follow Arrhenius. What they are computed from stands in `data/vvm.toml`, each row with its source and how sure it
is. The rate at each centidegree is an integer, rounded once (half to even); all that is added up are integers.

A VVM is read by eye, and what is computed here is a prediction. At fridge temperature the specification gives lower
bounds only, so that the model extrapolates; it says nothing of frost.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from coldchain.clock import DAY
from coldchain.errors import Refused
from coldchain.exposure.held import Exposure

LIFE = 10**21
"""A life in the unit it is counted in, zeptolives: at 5 °C the slowest type uses some 2 × 10^8 of them in a ms."""

GAS_CONSTANT = Decimal("8.314462618")
"""J/(mol K), CODATA 2018."""

_ZERO_CELSIUS = Decimal("273.15")
_WEIGHED_AT = 500
"""A ms at 5 °C weighs `_WEIGHT` in the kinetic mean."""
_WEIGHT = 10**18
_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Vvm:
    """A type of VVM: at `celsius` its life lasts `days`; `steepness` is its activation energy over R, in K."""

    type: str
    celsius: Decimal
    days: Decimal
    steepness: Decimal
    source: str
    verified: str
    at_least: tuple[Decimal, Decimal] | None = None
    """The specification's lower bound: at so many °C at least so many days."""


@dataclass(frozen=True, slots=True)
class Kinetics:
    """All that the data file says. `steepness`: of the mean kinetic temperature, in K; `energy` in kJ/mol."""

    vvms: tuple[Vvm, ...]
    steepness: Decimal
    energy: Decimal
    source: str
    verified: str


class BadKinetics(Refused):
    """A table of kinetics says something that cannot be computed with."""


@cache
def kinetics() -> Kinetics:
    """What ships."""
    return parse_kinetics(resources.files("coldchain").joinpath("data/vvm.toml").read_text("utf-8"))


def parse_kinetics(text: str) -> Kinetics:
    """Raises BadKinetics."""
    try:
        table: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
        mean = table["mean_kinetic_temperature"]
        energy = Decimal(mean["activation_energy_kj_mol"])
        steepness = energy * 1000 / Decimal(mean["gas_constant_j_mol_k"])
        vvms = tuple(_vvm(row) for row in table["vvm"])
        return Kinetics(vvms, steepness, energy, mean["source"], mean["verified"])
    except tomllib.TOMLDecodeError as why:
        raise BadKinetics(f"the kinetics are no TOML: {why}") from None
    except (KeyError, TypeError, ArithmeticError) as why:
        raise BadKinetics(f"the kinetics lack something, or name no number: {why}") from None


def life_used(exposure: Exposure, vvm: Vvm) -> int:
    """The share of a VVM's life that the known time of an exposure uses up, in zeptolives: at `LIFE` it is over."""
    return sum(held * _rate(vvm, value) for value, held in exposure.held.items())


def arrhenius_sum(exposure: Exposure, steepness: Decimal) -> int:
    """The known ms of an exposure, each weighed by what heat does at its temperature."""
    return sum(held * _weight(steepness, value) for value, held in exposure.held.items())


def mean_kinetic_celsius(exposure: Exposure, steepness: Decimal) -> Decimal | None:
    """The constant temperature, in °C to the millionth, that would have harmed as much; None where nothing is known.

    Never below the arithmetic mean, and no excuse for an excursion.
    """
    known = exposure.known
    if not known:
        return None
    with localcontext(_EXACT):
        mean_weight = Decimal(arrhenius_sum(exposure, steepness)) / (known * _WEIGHT)
        kelvin = steepness / (steepness / _kelvin(_WEIGHED_AT) - mean_weight.ln())
        return (kelvin - _ZERO_CELSIUS).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def days_to_end(vvm: Vvm, celsius: Decimal) -> Decimal:
    """How many days a VVM lasts at a constant temperature."""
    with localcontext(_EXACT):
        inverse = 1 / (celsius + _ZERO_CELSIUS) - 1 / (vvm.celsius + _ZERO_CELSIUS)
        return vvm.days * (vvm.steepness * inverse).exp()


@lru_cache(maxsize=1 << 16)
def _rate(vvm: Vvm, value: int) -> int:
    """Zeptolives a ms at so many centidegrees."""
    with localcontext(_EXACT):
        return int((LIFE / (days_to_end(vvm, Decimal(value) / 100) * DAY)).to_integral_value())


@lru_cache(maxsize=1 << 16)
def _weight(steepness: Decimal, value: int) -> int:
    with localcontext(_EXACT):
        inverse = 1 / _kelvin(_WEIGHED_AT) - 1 / _kelvin(value)
        return int((_WEIGHT * (steepness * inverse).exp()).to_integral_value())


def _kelvin(value: int) -> Decimal:
    return Decimal(value) / 100 + _ZERO_CELSIUS


def _vvm(row: Mapping[str, Any]) -> Vvm:
    (celsius, days), *others = [(Decimal(one["celsius"]), Decimal(one["days"])) for one in row["point"]]
    with localcontext(_EXACT):
        if others:
            [(other, other_days)] = others
            inverse = 1 / (other + _ZERO_CELSIUS) - 1 / (celsius + _ZERO_CELSIUS)
            steepness = (other_days / days).ln() / inverse
        else:
            steepness = Decimal(row["activation_energy_kj_mol"]) * 1000 / GAS_CONSTANT
    bound = row.get("at_least")
    at_least = None if bound is None else (Decimal(bound["celsius"]), Decimal(bound["days"]))
    return Vvm(row["type"], celsius, days, steepness, row["source"], row["verified"], at_least)
