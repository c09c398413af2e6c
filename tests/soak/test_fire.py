"""Held under fire: whoever dies, wherever, and however often, nothing is lost, nothing counts twice, all is judged.

Short in `make test`; `make soak MINUTES=30` is the same for longer. SEED=… plays a night again.
"""

import os
import random
import time

import pytest

from tests.soak import rig
from tests.soak.fire import Fire, deck, short_deck

pytestmark = pytest.mark.servers

MINUTES = float(os.environ.get("SOAK_MINUTES") or 0)
SEED = int(os.environ.get("SEED") or random.randrange(1_000_000))
KILLS = 20
ACTS_A_MINUTE = 12
"""More than there is time for."""


@pytest.mark.timeout(max(300, MINUTES * 60 + 900))
def test_nothing_is_lost_counted_twice_or_judged_otherwise_whoever_dies(tmp_path):
    print(f"SEED={SEED}", flush=True)
    dice = random.Random(SEED)
    begun = time.monotonic()
    with rig.running(tmp_path) as running:
        fire = Fire(running, tmp_path, SEED, acts=round(MINUTES * ACTS_A_MINUTE))
        try:
            for act in acts_of(dice, fire, begun):
                print(f"{time.monotonic() - begun:6.0f} s  {act}", flush=True)
                fire.act(act)
            fire.end()
        finally:
            fire.close()
            print(f"SEED={SEED}: {fire.figures.told()}", flush=True)
            running.stop()
            fire.gateway.close()

    if MINUTES:
        assert fire.figures.killed >= KILLS
        assert 2 * fire.figures.at_points >= fire.figures.killed
        assert fire.figures.crossed, "no alarm's timer ran through a death: the load is too tame"


def acts_of(dice, fire, begun):
    if not MINUTES:
        yield from short_deck(dice)
        return
    while time.monotonic() - begun < MINUTES * 60 or fire.figures.killed < KILLS:
        for act in deck(dice):
            yield act
            if time.monotonic() - begun > MINUTES * 60 and fire.figures.killed >= KILLS:
                return
