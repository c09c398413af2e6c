"""What a preview promises: the judge's own word over stored readings, had other rules been in force."""

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldchain.clock import DAY, HOUR, MINUTE
from coldchain.judgement import Timeline, always
from coldchain.judgement import judge as judge_columns
from coldchain.rules import Rule, RuleSet
from stream import preview
from stream.preview import LONGEST_LEAD, lead_of, previewed
from tests.stream.test_history import tell
from tests.tales import HEAT, QUARTER, Story, hour

SOON = replace(HEAT, code="SOON", duration=HOUR)
SUM = Rule("SUM", ">", 800, "cumulative", 3 * HOUR, "alarm", window=12 * HOUR)
SINCE_START = replace(SUM, code="ALL", window=None)


def under(*rules: Rule) -> Timeline:
    return always(RuleSet("tale", 1, rules), QUARTER, "tvc")


def warm_spells(days: int) -> Story:
    dice = random.Random(11)
    told, value = [], 500
    for step in range(days * 96):
        value = max(300, min(1200, value + dice.randint(-90, 95)))
        told.append((hour(0) + step * QUARTER, value))
    return told


def test_each_timeline_gets_what_the_judge_would_have_said(tmp_path: Path):
    told = warm_spells(20)
    history = tell(tmp_path / "stream.db", told, size=200)
    timelines = [under(HEAT), under(SOON, SUM), under(SINCE_START)]
    since, until = hour(8 * 24), hour(19 * 24)

    given = previewed(history, "fridge-7", "tvc", timelines, since, until)

    instants, values = zip(*(reading for reading in told if reading[0] < until), strict=True)
    for intervals, timeline in zip(given, timelines, strict=True):
        every = judge_columns(instants, values, timeline)
        assert intervals == [one for one in every if one.ended_at is None or one.ended_at > since]
    assert all(given)  # there was something to compare


def test_nothing_is_kept_and_nothing_known_gives_nothing(tmp_path: Path):
    history = tell(tmp_path / "stream.db", warm_spells(2), size=200)
    before = (history.revision(), (tmp_path / "stream.db").stat().st_size)

    assert previewed(history, "fridge-7", "nothing", [under(HEAT)], hour(0), hour(24)) == [[]]
    assert previewed(history, "fridge-8", "tvc", [under(HEAT)], hour(0), hour(24)) == [[]]
    assert (history.revision(), (tmp_path / "stream.db").stat().st_size) == before


def test_the_fold_begins_so_early_that_a_run_is_on_its_way():
    assert lead_of(under(HEAT)) >= 2 * HEAT.duration
    assert lead_of(under(SUM)) >= 2 * 12 * HOUR
    assert lead_of(under(SINCE_START)) == LONGEST_LEAD
    assert lead_of(under(replace(SUM, window=400 * DAY))) == LONGEST_LEAD


@given(cut=st.integers(1, 300))
def test_how_readings_are_cut_changes_nothing(cut: int):
    told = warm_spells(3)
    instants, values = zip(*told, strict=True)
    whole = judge_columns(instants, values, under(HEAT, SOON, SUM))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preview, "AT_ONCE", cut)

        assert preview._judged(instants, values, under(HEAT, SOON, SUM)) == whole


def test_thirty_days_of_a_minute_each_take_well_under_two_seconds(tmp_path: Path):
    dice = random.Random(5)
    told = [(hour(0) + n * MINUTE, 500 + dice.randint(-150, 150)) for n in range(30 * 24 * 60)]
    history = tell(tmp_path / "stream.db", told, size=1440)
    begun = time.monotonic()

    previewed(history, "fridge-7", "tvc", [under(HEAT), under(SOON, SUM)], hour(0), hour(30 * 24))

    assert time.monotonic() - begun < 2
