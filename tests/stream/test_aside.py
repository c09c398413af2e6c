"""What comes very late is set aside, so that it keeps nobody waiting, and ends as if it had been judged at once."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from coldchain.clock import DAY, MINUTE
from coldchain.facts import Placed, RulesInForce
from coldchain.journal import Entry
from coldchain.packs import Column, Pack
from coldchain.rules import RuleSet
from stream import judge as judging
from stream.judge import Judge
from stream.memories import unpack_interval
from tests.tales import NEW_YEAR, shipped

STEP = 5 * MINUTE
DAY_LONG = DAY // STEP


def entries(dice: random.Random, sensors: int = 3) -> list[Entry]:
    """Three days of each sensor in packs; frost and heat among them; one pack in four comes at the very end."""
    live: list[Pack] = []
    late: list[Pack] = []
    for number in range(sensors):
        for pack in range(0, 3 * DAY_LONG, 12):
            instants = tuple(NEW_YEAR + (pack + i) * STEP for i in range(12))
            values = tuple(value + dice.choice((0, 6)) for value in [dice.choice((-120, -110, 450, 900))] * 12)
            column = Column("tvc", "Cel", instants, values)
            whole = Pack(f"fridge-{number}", "1", pack, NEW_YEAR + 9 * DAY, "trusted", (column,))
            (late if dice.random() < 0.25 else live).append(whole)
    dice.shuffle(late)
    return [Entry(offset, pack.device_id, pack) for offset, pack in enumerate([*live, *late, *late[:5]], 1)]


def state(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that follows from the readings: sensors with their readings, and the intervals."""
    connection = sqlite3.connect(path)
    told = {
        "intervals": connection.execute(
            "SELECT device_id, code, started_at, alarmed_at, body FROM intervals JOIN sensors ON number = sensor "
            "ORDER BY 1, 2, 3, 4"
        ).fetchall(),
        "sensors": connection.execute(
            "SELECT device_id, channel, last_at, last_value, memory FROM sensors ORDER BY 1, 2"
        ).fetchall(),
        "left": connection.execute("SELECT count(*) FROM aside").fetchall(),
    }
    connection.close()
    return told


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_set_aside_ends_as_if_it_had_been_judged_at_once(tmp_path, seed, monkeypatch):
    dice = random.Random(seed)
    monkeypatch.setattr(judging, "LATE_AT_ONCE", dice.choice((1, 3, 24)))
    told = entries(dice)
    at_once, patient = Judge(tmp_path / "once.db"), Judge(tmp_path / "patient.db")
    at_once.take(told)
    was_behind = False
    while told:
        size = dice.randint(1, 40)
        batch, told = told[:size], told[size:]
        patient.take(batch, late_may_wait=True)
        was_behind |= patient.is_behind
        if dice.random() < 0.3:
            patient.catch_up()
        if dice.random() < 0.2:  # a new start knows what was set aside
            patient.close()
            patient = Judge(tmp_path / "patient.db")
    while patient.is_behind:
        patient.catch_up()
    at_once.close()
    patient.close()

    assert was_behind
    assert state(tmp_path / "patient.db") == state(tmp_path / "once.db")
    assert state(tmp_path / "once.db")["intervals"]


def test_what_is_new_is_never_set_aside(tmp_path):
    judge = Judge(tmp_path / "stream.db")
    for number in range(400):
        column = Column("tvc", "Cel", (NEW_YEAR + number * STEP,), (500,))
        pack = Pack("fridge-1", "1", number, NEW_YEAR + number * STEP, "trusted", (column,))
        judge.take([Entry(number + 1, "fridge-1", pack)], late_may_wait=True)
        assert not judge.is_behind
    judge.close()


def test_what_a_failed_batch_set_aside_is_forgotten_with_it(tmp_path):
    judge = Judge(tmp_path / "stream.db")
    told = entries(random.Random(1), sensors=1)
    judge.take(told[:-6], late_may_wait=True)
    while judge.is_behind:
        judge.catch_up()
    judge._connection.execute("CREATE TRIGGER no BEFORE UPDATE ON positions BEGIN SELECT raise(FAIL, 'no'); END")

    with pytest.raises(sqlite3.Error):
        judge.take(told[-6:], late_may_wait=True)
    assert not judge.is_behind

    judge._connection.execute("DROP TRIGGER no")
    judge.take(told[-6:], late_may_wait=True)
    assert judge.is_behind
    judge.close()


@pytest.mark.parametrize("seed", range(6))
def test_rules_dated_back_for_many_sensors_are_settled_one_sensor_after_the_other(tmp_path, seed):
    """New readings, old ones and restarts come in between; in the end all is as if it had been judged at once."""
    dice = random.Random(seed)
    told = entries(dice, sensors=5)
    milder = RuleSet("refrigerator", 2, (shipped("refrigerator", "HEAT"), shipped("refrigerator", "FRZE-WARN")))
    facts: list[RulesInForce | Placed] = [
        RulesInForce("refrigerator", 1, NEW_YEAR + dice.randint(0, 2) * DAY, milder),
        Placed("p", 1, "fridge-1", "*", "point", "freezer", "product", NEW_YEAR + DAY),
    ]
    settings = [Entry(number, fact.key, fact) for number, fact in enumerate(facts, 1)]
    at_once, patient = Judge(tmp_path / "once.db"), Judge(tmp_path / "patient.db")
    at_once.take(settings=settings)
    at_once.take(told)
    half = len(told) // 2
    patient.take(told[:half])
    patient.take(told[half : half + 5], settings, late_may_wait=True)
    assert patient.is_behind
    for begin in range(half + 5, len(told), 9):
        if dice.random() < 0.4:
            patient.catch_up()
        if dice.random() < 0.1:
            patient.close()
            patient = Judge(tmp_path / "patient.db")
        patient.take(told[begin : begin + 9], late_may_wait=True)
    while patient.is_behind:
        patient.catch_up()
    at_once.close()
    patient.close()

    assert state(tmp_path / "patient.db") == state(tmp_path / "once.db")
    told_of = [unpack_interval(row[-1]) for row in state(tmp_path / "once.db")["intervals"]]
    assert {1, 2} <= {one.rule_version for one in told_of}
    assert {None, "p"} == {one.stay for one in told_of}
