"""Kinetics: the specification's points come back, and what is added up is exact."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldchain.clock import DAY, HOUR
from coldchain.exposure import LIFE, Exposure, kinetics, life_used, mean_kinetic_celsius
from coldchain.exposure.held import added
from coldchain.exposure.kinetics import BadKinetics, arrhenius_sum, days_to_end, parse_kinetics

VVM = {vvm.type: vvm for vvm in kinetics().vvms}
STEEPNESS = kinetics().steepness

exposures = st.dictionaries(st.integers(-3000, 5000), st.integers(1, DAY), min_size=1, max_size=12).map(Exposure)


def mean(*celsius: float) -> float:
    """Of equal times."""
    held: dict[int, int] = {}
    for one in celsius:
        held[round(one * 100)] = held.get(round(one * 100), 0) + HOUR
    told = mean_kinetic_celsius(Exposure(held), STEEPNESS)
    assert told is not None
    return float(told)


def test_the_types_that_are_known():
    assert list(VVM) == ["VVM2", "VVM7", "VVM11", "VVM14", "VVM30", "VVM250"]


@pytest.mark.parametrize(
    ("name", "celsius", "days"),
    [
        ("VVM30", 37, 30),
        ("VVM30", 25, 193),
        ("VVM14", 37, 14),
        ("VVM14", 25, 90),
        ("VVM7", 37, 7),
        ("VVM7", 25, 45),
        ("VVM2", 37, 2),
        ("VVM2", 5, 225),
        ("VVM11", 37, 11),
        ("VVM250", 37, 250),
    ],
)
def test_a_specified_time_at_a_specified_temperature_is_one_life(name: str, celsius: int, days: int):
    used = life_used(Exposure({celsius * 100: days * DAY}), VVM[name])

    assert used / LIFE == pytest.approx(1, abs=1e-9)


def test_the_recalled_point_of_vvm11_lies_within_half_a_percent():
    assert float(days_to_end(VVM["VVM11"], Decimal(25))) == pytest.approx(71, rel=5e-3)


@pytest.mark.parametrize("name", ["VVM7", "VVM11", "VVM14", "VVM30"])
def test_the_specifications_lower_bounds_are_kept(name: str):
    bound = VVM[name].at_least

    assert bound is not None
    assert days_to_end(VVM[name], bound[0]) > bound[1]


@pytest.mark.parametrize(
    ("name", "held", "share"),
    [
        ("VVM14", {2500: 10 * HOUR, 500: 20 * DAY}, 0.0116277),
        ("VVM2", {2500: 6 * HOUR, 500: 30 * DAY}, 0.1572844),
    ],
)
def test_a_stay_in_heat_and_in_the_fridge(name: str, held: dict[int, int], share: float):
    assert life_used(Exposure(held), VVM[name]) / LIFE == pytest.approx(share, rel=1e-4)


def test_every_row_says_where_it_comes_from_and_how_sure_it_is():
    rows = [(row.source, row.verified) for row in kinetics().vvms]
    rows.append((kinetics().source, kinetics().verified))

    assert all(source and verified in ("V", "R", "P") for source, verified in rows)
    assert VVM["VVM11"].verified == VVM["VVM250"].verified == "R"


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        ((5,), 5.0),
        ((5, 5, 5, 15), 8.785926),
        ((2, 8), 5.536425),
        ((*[5] * 23, 25), 7.756422),
        ((4, 6, 5, 12, 9, 5), 7.339088),
        ((20, 30), 26.259887),
        ((-20, 5), -0.050302),
    ],
)
def test_the_kinetic_mean(celsius: tuple[float, ...], expected: float):
    assert mean(*celsius) == pytest.approx(expected, abs=1e-4)


@given(exposures)
def test_the_kinetic_mean_is_never_below_the_arithmetic_one(exposure: Exposure):
    arithmetic = sum(value * held for value, held in exposure.held.items()) / exposure.known / 100
    told = mean_kinetic_celsius(exposure, STEEPNESS)

    assert told is not None
    assert float(told) >= arithmetic - 2e-6


@given(st.lists(exposures, min_size=1, max_size=5))
def test_lives_and_arrhenius_sums_of_parts_add_up_exactly(parts: list[Exposure]):
    whole = added(parts)

    for vvm in VVM.values():
        assert life_used(whole, vvm) == sum(life_used(part, vvm) for part in parts)
    assert arrhenius_sum(whole, STEEPNESS) == sum(arrhenius_sum(part, STEEPNESS) for part in parts)


def test_of_nothing_known_there_is_no_mean():
    assert mean_kinetic_celsius(Exposure({500: 0}, HOUR), STEEPNESS) is None


@given(st.integers(-9000, 6000))
def test_more_heat_uses_more_life(value: int):
    for vvm in VVM.values():
        assert life_used(Exposure({value: DAY}), vvm) <= life_used(Exposure({value + 1: DAY}), vvm)


@pytest.mark.parametrize("text", ["", "[[vvm]]\ntype = 1", "vvm = 3", "[mean_kinetic_temperature", "vvm = ["])
def test_a_table_that_cannot_be_computed_with_is_refused(text: str):
    with pytest.raises(BadKinetics):
        parse_kinetics(text)
