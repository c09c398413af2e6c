"""The judge comes to the one truth however badly it is run. Longer: `pytest --hypothesis-profile=soak`."""

import os
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.runners import hostile
from tests.stories import Tale, districts, long_district, with_sums_alone
from tests.stream.test_judge_property import expected, told

IN_MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
"""Who dies here leaves what was committed: no disk need be waited for."""

nights = st.integers(0, 2**32).map(random.Random)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks so small that an hour's story fills several: seams are where a judge would go wrong."""
    monkeypatch.setattr("stream.rejudgement.SEAL_AT", 4)
    monkeypatch.setattr("stream.rejudgement.TAIL_KEEPS", 2)


def the_books_have_the_truth(district: list[Tale], night: random.Random, risk: float) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as directory:
        found = hostile.run(district, Path(directory), night, risk)

    for tale in district:
        for channel in tale.readings:
            morning = found[tale.device_id, channel]
            assert [told(i) for i in morning.intervals] == expected(tale, channel)
            assert morning.readings == sorted(tale.readings[channel])
            assert morning.fault == oracle.fault(tale.readings[channel], tale.faults.get(channel, ()))


@given(districts(), nights)
def test_repeats_disorder_late_settings_and_moves_change_nothing(district, night):
    the_books_have_the_truth(district, night, risk=0)


@given(districts(), nights)
def test_dying_between_any_two_writes_changes_nothing(district, night):
    the_books_have_the_truth(district, night, risk=0.4)


@given(districts().map(with_sums_alone), nights)
def test_sums_are_as_safe_as_runs(district, night):
    the_books_have_the_truth(district, night, risk=0.2)


@pytest.mark.parametrize("seed", range(24))
def test_a_long_bad_night_changes_nothing(seed):
    dice = random.Random(seed)
    the_books_have_the_truth(long_district(dice), dice, risk=0.1)
