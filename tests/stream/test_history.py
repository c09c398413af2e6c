"""What the history promises: it tells of every reading, whatever lies sealed and whatever is still in the tail."""

import random
from pathlib import Path

import pytest

from coldchain.clock import MINUTE
from coldchain.facts import RulesInForce
from coldchain.journal import Entry
from coldchain.judgement import ALWAYS
from coldchain.packs import Column, Pack
from coldchain.rules import Rule, RuleSet
from stream import chunks, rejudgement
from stream.history import History
from stream.judge import Judge
from tests.tales import NEW_YEAR, Story, minute


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (chunks, rejudgement):
        monkeypatch.setattr(module, "SEAL_AT", 7)
        monkeypatch.setattr(module, "TAIL_KEEPS", 12)


def tell(path: Path, told: Story, faults: tuple[tuple[int, str], ...] = (), size: int = 5) -> History:
    keeper = Judge(path)
    for begin in range(0, max(len(told), 1), size):
        part = told[begin : begin + size]
        column = Column("tvc", "Cel", tuple(at for at, _ in part), tuple(value for _, value in part))
        keeper.take([Entry(begin + 1, "fridge-7", Pack("fridge-7", "0", None, NEW_YEAR, "device", (column,)))])
    for number, (at, fault) in enumerate(faults):
        column = Column("tvc", "Cel", (), (), (at,), (fault,))
        entry = Entry(len(told) + number + 1, "fridge-7", Pack("fridge-7", "0", None, at, "device", (column,)))
        keeper.take([entry])
    keeper.close()
    return History(path)


def walk(minutes: range) -> Story:
    dice = random.Random(7)
    return [(minute(number), 400 + dice.randint(-50, 50)) for number in minutes]


def test_every_reading_comes_back_from_inclusive_to_exclusive(tmp_path: Path):
    told = walk(range(100))
    history = tell(tmp_path / "stream.db", told)

    rows = history.readings("fridge-7", minute(10), minute(60))

    assert [(row.measured_at, row.value) for row in rows] == told[10:60]


def test_pages_join_without_a_reading_lost_or_twice(tmp_path: Path):
    told = sorted([*walk(range(50)), *((minute(number), 500) for number in range(0, 50, 3))])
    history = tell(tmp_path / "stream.db", told, faults=((minute(20), "unplugged"),))

    rows, cursor = [], None
    while page := history.readings("fridge-7", minute(0), minute(90), cursor, limit=4):
        rows += page
        cursor = (page[-1].measured_at, page[-1].channel, page[-1].value if page[-1].value is not None else -(1 << 31))

    assert [(row.measured_at, row.value) for row in rows if row.value is not None] == told
    assert [row.fault for row in rows if row.value is None] == ["unplugged"]


@pytest.mark.parametrize("buckets", [1, 3, 10, 100, 700])
def test_a_chart_loses_no_extreme(tmp_path: Path, buckets: int):
    told = walk(range(300))
    history = tell(tmp_path / "stream.db", told)
    since, until = minute(13), minute(251)
    width = -(-(until - since) // buckets)

    chart = history.chart("fridge-7", "tvc", since, until, buckets)

    for bucket in chart:
        values = [v for at, v in told if bucket.since <= at < min(until, bucket.since + width)]
        assert (bucket.low, bucket.high, bucket.total, bucket.count) == (
            min(values),
            max(values),
            sum(values),
            len(values),
        )
    assert sum(bucket.count for bucket in chart) == 251 - 13


def test_gaps_are_told_with_their_edges(tmp_path: Path):
    told = [reading for reading in walk(range(100)) if not minute(30) < reading[0] < minute(45)]
    history = tell(tmp_path / "stream.db", told)

    gaps = history.gaps("fridge-7", "tvc", minute(0), minute(120), 2 * MINUTE)
    inside = history.gaps("fridge-7", "tvc", minute(35), minute(40), 2 * MINUTE)

    assert gaps == [(minute(30), minute(45)), (minute(99), minute(120))]
    assert inside == [(minute(35), minute(40))]


def test_now_is_the_newest_reading_and_what_it_breaks(tmp_path: Path):
    told = [(minute(number), 900 + number) for number in range(61)]
    history = tell(tmp_path / "stream.db", told)

    [now] = history.sensors(["fridge-7"])

    assert (now.last_at, now.last_value, now.last_fault) == (minute(60), 960, None)
    assert {one.code: one.alarmed_at for one in now.going_on} == {"HEAT": None, "HEAT-WARN": minute(60)}
    assert now.trend_c_per_h is not None


def test_a_sum_that_is_running_is_told_with_when_it_is_full_at_the_earliest(tmp_path: Path):
    rule = Rule("WARM", ">=", 1000, "cumulative", 60 * MINUTE, "alarm", window=120 * MINUTE)
    keeper = Judge(tmp_path / "stream.db")
    keeper.take(settings=[Entry(1, "rules", RulesInForce("refrigerator", 1, ALWAYS, RuleSet("own", 3, (rule,))))])
    keeper.close()
    told = [(minute(number), 1100 if 10 <= number < 30 or number >= 50 else 500) for number in range(61)]
    history = tell(tmp_path / "stream.db", told)

    [one] = history.sensors()[0].going_on

    assert (one.code, one.rule_set, one.rule_version, one.is_sum, one.is_out) == ("WARM", "own", 3, True, True)
    assert (one.started_at, one.out, one.alarmed_at) == (minute(10), 30 * MINUTE, None)
    assert (one.full_at, one.window) == (minute(90), 120 * MINUTE)


def test_a_sum_goes_on_while_the_sensor_is_back_in_range(tmp_path: Path):
    rule = Rule("WARM", ">=", 1000, "cumulative", 60 * MINUTE, "alarm")
    keeper = Judge(tmp_path / "stream.db")
    keeper.take(settings=[Entry(1, "rules", RulesInForce("refrigerator", 1, ALWAYS, RuleSet("own", 3, (rule,))))])
    keeper.close()
    history = tell(tmp_path / "stream.db", [(minute(number), 1100 if number < 20 else 500) for number in range(31)])

    [one] = history.sensors()[0].going_on

    assert (one.is_out, one.out, one.started_at, one.full_at) == (False, 20 * MINUTE, minute(0), minute(70))


def test_a_probe_is_faulty_from_its_first_fault_on_and_well_again_by_its_next_value(tmp_path: Path):
    faults = tuple((minute(50 + number), "unplugged") for number in range(30))
    history = tell(tmp_path / "stream.db", walk(range(50)), faults=faults)

    [now] = history.sensors()

    assert (now.last_fault, now.faulty_since) == ("unplugged", minute(50))


def test_what_changed_is_found_by_revision(tmp_path: Path):
    history = tell(tmp_path / "stream.db", walk(range(5)))
    revision = history.revision()

    assert history.changed_since(revision) == []
    assert [now.device_id for now in history.changed_since(0)] == ["fridge-7"]
    assert history.devices()["fridge-7"].silent_since is None
