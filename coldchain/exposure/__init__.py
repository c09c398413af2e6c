"""Exposure: what a sensor's readings say of the heat and the frost of any stretch of time, and what nobody knows.

Plain functions of plain values, standard library only; what is kept and added up are integers, so that the exposures
of any tiling of a stretch add up to the exposure of the whole, exactly.
"""

from coldchain.exposure.held import NOTHING, Exposure, Promises, exposure_of, longest_known_at, longest_promised
from coldchain.exposure.kinetics import LIFE, Kinetics, Vvm, kinetics, life_used, mean_kinetic_celsius
from coldchain.exposure.shares import Shares, shares_of

__all__ = [
    "LIFE",
    "NOTHING",
    "Exposure",
    "Kinetics",
    "Promises",
    "Shares",
    "Vvm",
    "exposure_of",
    "kinetics",
    "life_used",
    "longest_known_at",
    "longest_promised",
    "mean_kinetic_celsius",
    "shares_of",
]
