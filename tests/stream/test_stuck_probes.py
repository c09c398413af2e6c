"""What the judge promises of stuck probes: hours of one value while the neighbours move, and only that."""

from pathlib import Path

import pytest

from coldchain.events import Fault
from coldchain.facts import Placed
from coldchain.journal import Entry
from coldchain.judgement import ALWAYS
from coldchain.packs import Column, Pack
from stream import chunks, rejudgement
from stream.history import History
from stream.judge import Judge
from tests.tales import NEW_YEAR, minute

FIVE = 5


@pytest.fixture(autouse=True, params=[256, 12])
def _sealed_at(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same whether the hours lie in the tail or are sealed already."""
    for module in (chunks, rejudgement):
        monkeypatch.setattr(module, "SEAL_AT", request.param)
        monkeypatch.setattr(module, "TAIL_KEEPS", 10 if request.param == 12 else 64)


class Facility:
    """Devices in facilities, one probe each, read every five minutes."""

    def __init__(self, path: Path, *placed: tuple[str, str]) -> None:
        self.path = path
        self.judge = Judge(path)
        self.offset = 0
        self.reports: list[Fault] = []
        facts = [
            Placed(f"p-{device}", 1, device, "*", f"point-{device}", "refrigerator", "product", ALWAYS, place_id=place)
            for device, place in placed
        ]
        self.judge.take(settings=[Entry(n, fact.key, fact) for n, fact in enumerate(facts, 1)])

    def tell(self, device_id: str, begin: int, *values: int, channel: str = "tvc") -> None:
        for number, value in enumerate(values):
            self.offset += 1
            column = Column(channel, "Cel", (minute(begin + FIVE * number),), (value,))
            pack = Pack(device_id, "0", None, NEW_YEAR, "device", (column,))
            self.reports += [
                report
                for report in self.judge.take([Entry(self.offset, device_id, pack)]).silences
                if isinstance(report, Fault)
            ]


def breathing(count: int) -> list[int]:
    return [400 + 80 * (number % 3) for number in range(count)]


def still(count: int) -> list[int]:
    return [431] * count


def test_six_hours_of_one_value_while_the_neighbour_breathes_is_a_fault(tmp_path: Path):
    told = Facility(tmp_path / "stream.db", ("a", "phc"), ("b", "phc"))
    told.tell("b", 0, *breathing(80))
    told.tell("a", 0, 400, *still(72))
    assert told.reports == []

    told.tell("a", FIVE * 73, 431)

    assert told.reports == [Fault("a", "tvc", "stuck", minute(FIVE))]
    [now] = History(told.path).sensors(["a"])
    assert (now.last_fault, now.faulty_since) == ("stuck", minute(FIVE))


def test_the_first_other_value_ends_it_and_a_restart_forgets_nothing(tmp_path: Path):
    told = Facility(tmp_path / "stream.db", ("a", "phc"), ("b", "phc"))
    told.tell("b", 0, *breathing(90))
    told.tell("a", 0, *still(80))
    told.judge.close()
    told.judge = Judge(told.path)

    told.tell("a", FIVE * 80, 431, 437, 431)

    assert told.reports == [
        Fault("a", "tvc", "stuck", minute(0)),
        Fault("a", "tvc", "stuck", minute(0), minute(FIVE * 81)),
    ]
    [now] = History(told.path).sensors(["a"])
    assert now.faulty_since is None


@pytest.mark.parametrize("neighbour", [None, ("b", "another"), ("b", "phc")])
def test_a_steady_night_is_no_fault(tmp_path: Path, neighbour: tuple[str, str] | None):
    """Without a neighbour, with one that stands elsewhere, and with one that stands still too."""
    told = Facility(tmp_path / "stream.db", ("a", "phc"), *([neighbour] if neighbour else []))
    told.tell("b", 0, *(still(150) if neighbour == ("b", "phc") else breathing(150)))

    told.tell("a", 0, *still(150))

    assert told.reports == []


def test_the_room_is_no_neighbour_but_another_probe_of_the_device_is(tmp_path: Path):
    told = Facility(tmp_path / "stream.db", ("a", "phc"))
    told.tell("a", 0, *breathing(100), channel="tamb")
    told.tell("a", 0, *still(80))
    assert told.reports == []

    told.tell("a", 0, *breathing(100), channel="tvc2")
    told.tell("a", FIVE * 80, *still(10))

    assert [report.since for report in told.reports] == [minute(0)]


def test_a_backlog_is_looked_at_as_it_comes(tmp_path: Path):
    told = Facility(tmp_path / "stream.db", ("a", "phc"), ("b", "phc"))
    told.tell("b", 0, *breathing(100))
    column = Column("tvc", "Cel", tuple(minute(FIVE * n) for n in range(90)), tuple(still(90)))

    taken = told.judge.take([Entry(999, "a", Pack("a", "1", 1, NEW_YEAR, "trusted", (column,)))])

    assert taken.silences == [Fault("a", "tvc", "stuck", minute(0))]
