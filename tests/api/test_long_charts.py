"""A long chart sums up what is calm without reading it, and says what it would have said."""

import random

import pytest

from api import charts
from api.charts import Stay, chart_of
from api.wall import Limits
from coldchain.clock import DAY, MINUTE
from coldchain.journal import Entry
from coldchain.packs import Column, Pack
from stream.columns import unpack
from stream.history import History
from stream.judge import Judge
from tests.tales import NEW_YEAR

FRIDGE = Limits(800, -50, 200, 800)
UNTIL = NEW_YEAR + 60 * DAY


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Two months of a fridge that is calm but for two days, and of one that always is."""
    path = tmp_path_factory.mktemp("long") / "stream.db"
    judge = Judge(path)
    dice = random.Random(5)
    offset = 0
    for device_id, is_calm in (("restless", False), ("calm", True), ("calmer", True)):
        for begin in range(NEW_YEAR, UNTIL, DAY):
            instants = tuple(range(begin, begin + DAY, 10 * MINUTE))
            span = (100, 1_300) if not is_calm and begin in (NEW_YEAR + 9 * DAY, NEW_YEAR + 40 * DAY) else (300, 600)
            values = tuple(dice.randint(*span) for _ in instants)
            offset += 1
            pack = Pack(device_id, "1", offset, UNTIL, "trusted", (Column("tvc", "Cel", instants, values),))
            judge.take([Entry(offset, device_id, pack)])
    judge.close()
    return History(path)


@pytest.mark.parametrize("devices", [("restless",), ("calm",), ("calm", "calmer"), ("restless", "calm")])
def test_the_summary_is_that_of_every_hour(history, devices, monkeypatch):
    stays = [Stay(device_id, "tvc", NEW_YEAR, UNTIL, 30 * MINUTE) for device_id in devices]
    told = chart_of(history, stays, NEW_YEAR, UNTIL, 40, FRIDGE)
    monkeypatch.setattr("stream.history._is_calm", lambda *_: False)
    by_the_hour = chart_of(history, stays, NEW_YEAR, UNTIL, 40, FRIDGE)

    assert told == by_the_hour
    assert (told.summary.in_range_pct == 100.0) == ("restless" not in devices)


def test_what_is_calm_is_not_unpacked_for_the_summary(history, monkeypatch):
    unpacked: list[bytes] = []

    def counted(body: bytes) -> tuple[list[int], list[int]]:
        unpacked.append(body)
        return unpack(body)

    monkeypatch.setattr("stream.history.unpack", counted)
    stay = Stay("calm", "tvc", NEW_YEAR, UNTIL, 30 * MINUTE)
    charts._hours(history, [stay], NEW_YEAR, FRIDGE)

    assert len(unpacked) == 0
