"""The demo's story: what happened in the week before, and what happens once somebody looks."""

from itertools import pairwise

import pytest

from coldchain.clock import DAY, HOUR, MINUTE, SECOND, instant
from coldchain.judgement import Interval, always, judge
from coldchain.rules import rule_set
from simulators import district
from simulators.story import Story, of_the_demo, uneventful

SEASONS = ["2026-01-14T06:31:17Z", "2026-05-20T18:03:44Z", "2026-11-25T00:10:09Z"]


@pytest.fixture(scope="module", params=SEASONS)
def story(request) -> Story:
    ready = instant(request.param)
    return of_the_demo(district.shipped(), ready - 7 * DAY, ready)


def readings(story: Story, device: str, until: int, every: int = MINUTE) -> list[tuple[int, int | None]]:
    standing = story.standing(device)
    told = []
    for at in range(-(-story.begin // every) * every, until, every):
        standing.advance(at)
        if story.is_on(device, at):
            told.append((at, standing.measure(at).centidegrees))
    return told


def intervals(
    story: Story, device: str, until: int, every: int = MINUTE, rules: str = "refrigerator"
) -> list[Interval]:
    known = [(at, value) for at, value in readings(story, device, until, every) if value is not None]
    return judge([at for at, _ in known], [value for _, value in known], always(rule_set(rules), every, "tvc"))


def test_one_fridge_reaches_its_alarm_three_minutes_after_somebody_looks(story):
    heat = [i for i in intervals(story, "chc-neelkhera-1", story.ready + HOUR) if i.code == "HEAT"]

    assert len(heat) == 1
    assert story.ready + MINUTE < heat[0].alarmed_at <= story.ready + 4 * MINUTE
    assert heat[0].ended_at is None


def test_one_has_been_freezing_for_half_an_hour(story):
    frost = [i for i in intervals(story, "chc-phulmati-2", story.ready + HOUR) if i.code == "FRZE"]

    assert len(frost) == 1
    assert story.ready - 40 * MINUTE < frost[0].started_at <= story.ready - 30 * MINUTE
    assert story.ready + 15 * MINUTE < frost[0].alarmed_at < story.ready + 35 * MINUTE


def test_one_loses_its_current_and_warms_as_one_watches(story):
    warm = dict(readings(story, "phc-chandrakhet-2", story.ready + HOUR))
    at = -(-story.ready // MINUTE) * MINUTE

    assert (warm[at + 5 * MINUTE] or 0) - (warm[at] or 0) >= 40
    assert 480 < (warm[at] or 0) < 650
    assert all((warm[at + n * MINUTE] or 0) > 800 for n in range(5, 19))


def test_one_falls_silent(story):
    heard = [at for at, _ in readings(story, "phc-kesarbagh-1", story.ready + HOUR)]

    assert story.ready - MINUTE < heard[-1] <= story.ready + 20 * SECOND


def test_one_loses_its_probe(story):
    told = readings(story, "phc-amrawat-1", story.ready + 10 * MINUTE)

    assert [value for _, value in told[-8:]].count(None) == 8
    assert all(value is not None for at, value in told if at < story.ready)


def test_the_week_before_had_its_excursions(story):
    codes = {
        device: {i.code for i in intervals(story, device, story.ready, every, rules)}
        for device, every, rules in [
            ("phc-ranighati-2", MINUTE, "refrigerator"),
            ("chc-sonamarg-2", MINUTE, "refrigerator"),
            ("phc-nandighat-1", 5 * MINUTE, "refrigerator"),
            ("chc-devtola-3", 5 * MINUTE, "freezer"),
            ("phc-baghnadi-1", 5 * MINUTE, "refrigerator"),
        ]
    }

    assert "HEAT" in codes["phc-ranighati-2"]
    assert "HEAT-WARN" in codes["chc-sonamarg-2"]
    assert "FRZE" in codes["phc-nandighat-1"]
    assert "HEAT" in codes["chc-devtola-3"]
    assert "HEAT-WARN" in codes["phc-baghnadi-1"]


def test_they_are_over(story):
    for device in ("phc-ranighati-2", "chc-sonamarg-2"):
        before = [i for i in intervals(story, device, story.ready) if i.started_at < story.ready - DAY]
        assert all(i.ended_at is not None for i in before)


def test_the_week_before_had_its_gaps(story):
    heard = [at for at, _ in readings(story, "phc-tilauni-1", story.ready, 5 * MINUTE)]

    assert max(later - earlier for earlier, later in pairwise(heard)) >= 26 * HOUR


def test_most_of_the_district_is_well_when_somebody_looks(story):
    in_need = {"chc-neelkhera-1", "chc-phulmati-2"}
    unwell = set()
    for point in district.shipped().points():
        standing = story.standing(point.device_id)
        standing.advance(story.ready)
        value = standing.measure(story.ready).centidegrees or 0
        low, high = (-9000, -1500) if point.storage_class == "freezer" else (200, 800)
        if not low <= value <= high:
            unwell.add(point.device_id)

    assert in_need <= unwell
    assert len(unwell) <= 8


def test_a_small_district_has_the_part_of_the_story_that_concerns_it():
    ready = instant(SEASONS[0])
    small = of_the_demo(district.shipped().with_only(4), ready - DAY, ready)

    assert set(small.stands) == {"store-wic-1", "store-df-1", "store-df-2", "store-ilr-1"}
    assert not small.dies


def test_an_uneventful_story_has_no_mishaps():
    ready = instant(SEASONS[0])

    assert not any(s.mishaps for s in uneventful(district.shipped(), ready - DAY, ready).stands.values())
