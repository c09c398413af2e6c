"""What re-judgement promises where a sum outlives its interval: the window still holds readings of one long over."""

from dataclasses import replace

import pytest

from coldchain.clock import MINUTE
from coldchain.events import Verdict
from coldchain.facts import Enrolled, RulesInForce
from coldchain.journal import Entry
from coldchain.judgement import ALWAYS
from coldchain.packs import Column, Pack
from coldchain.rules import Rule, RuleSet
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
