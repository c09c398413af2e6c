"""What re-judgement promises where a sum outlives its interval: the window still holds readings of one long over."""

from dataclasses import replace
from pathlib import Path

import pytest

from coldchain.clock import MINUTE
from coldchain.events import FOREVER, Fault, Verdict
from coldchain.facts import Enrolled, RulesInForce
from coldchain.journal import Entry
from coldchain.judgement import ALWAYS
from coldchain.packs import Column, Pack, Quality
from coldchain.rules import Rule, RuleSet
from stream.history import History
from stream.judge import Judge
from tests.runners.hostile import Books
from tests.tales import minute

SENSOR = ("fridge-7", "tvc")
SUM = Rule("SUM", ">", 800, "cumulative", 7 * MINUTE, "alarm", window=9 * MINUTE)
OUT = (*range(6, 10), 11)


@pytest.fixture
def told(tmp_path, monkeypatch):
    """A judge with chunks of a few readings, after half an hour in which the sum was full once, from 6 to 13."""
    monkeypatch.setattr("stream.rejudgement.SEAL_AT", 4)
    monkeypatch.setattr("stream.rejudgement.TAIL_KEEPS", 2)
    told = Told(Judge(tmp_path / "stream.db"))
    told.settle(Enrolled("fridge-7", 1, "", "senml", ((ALWAYS, MINUTE),)), rules(1, ALWAYS, SUM))
    for at in (0, 0.3, 0.6, *range(1, 10), 11, 13, 15.2, 15.4, 15.6, 15.8, *range(16, 40)):
        told.measure(minute(at), 900 if at in OUT else 500)
    yield told
    told.judge.close()


class Told:
    """A judge, and the books that hear it."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.books = Books()
        self.offset = 0

    def settle(self, *facts: Enrolled | RulesInForce) -> None:
        self._note(self.judge.take(settings=[self._entry(fact) for fact in facts]).verdicts)

    def measure(self, at: int, value: int) -> None:
        pack = Pack("fridge-7", "0", None, at, "device", (Column("tvc", "Cel", (at,), (value,)),))
        self._note(self.judge.take([self._entry(pack)]).verdicts)

    def ends(self) -> list[tuple[int, int | None]]:
        return [(interval.started_at, interval.ended_at) for interval in self.books.of(SENSOR)]

    def _entry(self, item: object) -> Entry:
        self.offset += 1
        return Entry(self.offset, "fridge-7", item)

    def _note(self, verdicts: list[Verdict]) -> None:
        for verdict in verdicts:
            self.books.note(verdict)


def rules(version: int, since: int, *rule: Rule) -> RulesInForce:
    return RulesInForce("refrigerator", version, since, RuleSet("refrigerator", version, rule))


def test_the_sum_was_full_once(told):
    assert told.ends() == [(minute(6), minute(15.2))]


@pytest.mark.parametrize("since", [15.3, 15.7, 17, 19.5])
def test_rules_that_change_after_its_end_leave_the_interval_as_it_was(told, since):
    told.settle(rules(2, minute(since), replace(SUM, limit=850)))

    assert told.ends() == [(minute(6), minute(15.2))]


@pytest.mark.parametrize("at", [15.3, 15.7, 17.5])
def test_what_comes_late_after_its_end_leaves_the_interval_as_it_was(told, at):
    told.measure(minute(at), 400)

    assert told.ends() == [(minute(6), minute(15.2))]


def test_what_comes_late_before_its_end_ends_it_earlier(told):
    told.measure(minute(15.1), 500)

    assert told.ends() == [(minute(6), minute(15.1))]


# What comes from a device that names no times, and from a probe that fails between its readings


class Notes:
    """A judge with chunks of a few readings, and how it is told of one sensor."""

    def __init__(self, judge: Judge, path: Path) -> None:
        self.judge = judge
        self._history = History(path)
        self._offset = 0

    def hear(self, quality: Quality, column: Column) -> list[Fault]:
        self._offset += 1
        newest = max((*column.measured_at, *column.faulty_at))
        pack = Pack("fridge-7", "0", None, newest, quality, (column,))
        taken = self.judge.take([Entry(self._offset, "fridge-7", pack)])
        return [event for event in taken.silences if isinstance(event, Fault)]

    def instants(self) -> list[int]:
        return [one.measured_at for one in self._history.readings("fridge-7", 0, FOREVER, None, 1_000)]


@pytest.fixture
def notes(tmp_path, monkeypatch):
    monkeypatch.setattr("stream.rejudgement.SEAL_AT", 4)
    monkeypatch.setattr("stream.rejudgement.TAIL_KEEPS", 2)
    notes = Notes(Judge(tmp_path / "stream.db"), tmp_path / "stream.db")
    yield notes
    notes.judge.close()


def test_an_echo_of_what_is_sealed_counts_as_little_as_one_of_what_was_just_heard(notes):
    for at in range(20):
        notes.hear("arrival", Column("tvc", "Cel", (minute(at),), (500,)))
    for at in range(20):
        notes.hear("arrival", Column("tvc", "Cel", (minute(at) + 5_000,), (500,)))

    assert notes.instants() == [minute(at) for at in range(20)]


def test_the_same_value_later_than_an_echo_can_be_is_another_reading(notes):
    for at in range(20):
        notes.hear("arrival", Column("tvc", "Cel", (minute(at),), (500,)))
    notes.hear("arrival", Column("tvc", "Cel", (minute(3) + 10_001,), (500,)))

    assert minute(3) + 10_001 in notes.instants()


def test_a_value_between_two_faults_ends_the_first_even_where_it_comes_with_the_second(notes):
    notes.hear("device", Column("tvc", "Cel", (minute(0),), (500,)))
    first = notes.hear("device", Column("tvc", "Cel", (), (), (minute(1),), ("unplugged",)))
    second = notes.hear("device", Column("tvc", "Cel", (minute(2),), (500,), (minute(3),), ("checksum",)))

    assert first == [Fault("fridge-7", "tvc", "unplugged", minute(1))]
    assert second == [
        Fault("fridge-7", "tvc", "unplugged", minute(1), minute(2)),
        Fault("fridge-7", "tvc", "checksum", minute(3)),
    ]


def test_a_fault_that_began_earlier_than_we_knew_leaves_none_behind_that_never_ends(notes):
    notes.hear("device", Column("tvc", "Cel", (), (), (minute(5),), ("unplugged",)))
    earlier = notes.hear("device", Column("tvc", "Cel", (), (), (minute(2),), ("unplugged",)))

    assert earlier == [
        Fault("fridge-7", "tvc", "unplugged", minute(5), minute(5)),
        Fault("fridge-7", "tvc", "unplugged", minute(2)),
    ]
