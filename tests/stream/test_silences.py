"""What silence promises: three intervals of heartbeats without a pack, and never because we were down ourselves."""

from pathlib import Path

from coldchain.clock import HOUR, MINUTE, SECOND
from coldchain.events import Fault, Heartbeat, Outage, Silence
from coldchain.facts import Enrolled
from coldchain.journal import Entry
from coldchain.packs import Column, Pack
from stream.judge import Judge, Taken
from tests.tales import NEW_YEAR, minute

ENROLLED = Entry(1, "fridge-7", Enrolled("fridge-7", 1, "", "senml", ((0, MINUTE),)))


def pack(at: int, *values: int, fault: str | None = None) -> Pack:
    column = Column("tvc", "Cel", (at,) if values else (), values)
    if fault is not None:
        column = Column("tvc", "Cel", (), (), (at,), (fault,))
    return Pack("fridge-7", "0", None, at, "device", (column,))


def beats(begin: int, end: int) -> list[Heartbeat]:
    return [Heartbeat("gate", at) for at in range(begin, end + 1, 10 * SECOND)]


def take(keeper: Judge, *items: Pack | Heartbeat) -> Taken:
    first = keeper.passed_readings + 1
    return keeper.take([Entry(first + n, "x", item) for n, item in enumerate(items)])


def test_a_device_is_silent_after_three_of_its_intervals(tmp_path: Path):
    keeper = Judge(tmp_path / "stream.db")
    keeper.take(settings=[ENROLLED])
    take(keeper, *beats(minute(0), minute(1)), pack(minute(1), 500))

    assert take(keeper, *beats(minute(1), minute(3.9))).silences == []
    assert take(keeper, *beats(minute(3.9), minute(4.1))).silences == [
        Silence("fridge-7", minute(1), minute(4) + 4 * SECOND)
    ]


def test_a_device_that_speaks_more_often_than_the_gate_beats_is_not_silent(tmp_path: Path):
    keeper = Judge(tmp_path / "stream.db")
    keeper.take(settings=[Entry(1, "fridge-7", Enrolled("fridge-7", 1, "", "senml", ((0, SECOND),)))])
    take(keeper, Heartbeat("gate", minute(0)))

    for second in range(1, 61):
        at = minute(0) + second * SECOND
        beat = [Heartbeat("gate", at)] if second % 10 == 0 else []
        assert take(keeper, pack(at - 1, 500), *beat).silences == []


def test_it_is_back_with_its_next_pack(tmp_path: Path):
    keeper = Judge(tmp_path / "stream.db")
    keeper.take(settings=[ENROLLED])
    take(keeper, *beats(minute(0), minute(1)), pack(minute(1), 500), *beats(minute(1), minute(9)))

    [back] = take(keeper, pack(minute(10), 510)).silences

    assert isinstance(back, Silence)
    assert (back.last_heard_at, back.back_at) == (minute(1), minute(10))


def test_an_hour_in_which_we_were_down_makes_nobody_silent(tmp_path: Path):
    keeper = Judge(tmp_path / "stream.db")
    keeper.take(settings=[ENROLLED])
    take(keeper, *beats(minute(0), minute(1)), pack(minute(1), 500))

    taken = take(keeper, Heartbeat("gate", minute(1) + HOUR))

    assert taken.silences == [Outage(minute(1), minute(1) + HOUR)]


def test_a_replay_gives_the_same_silences(tmp_path: Path):
    story: list[Pack | Heartbeat] = [
        *beats(minute(0), minute(1)),
        pack(minute(1), 500),
        *beats(minute(1), minute(9)),
        pack(minute(9), 1),
    ]
    told = []
    for name in ("one.db", "other.db"):
        keeper = Judge(tmp_path / name)
        keeper.take(settings=[ENROLLED])
        told.append([event for item in story for event in take(keeper, item).silences])

    assert told[0] == told[1] != []


def test_an_ended_device_may_be_quiet(tmp_path: Path):
    keeper = Judge(tmp_path / "stream.db")
    ended = Enrolled("fridge-7", 2, "", "senml", ((0, MINUTE),), ended_at=NEW_YEAR)
    keeper.take(settings=[ENROLLED, Entry(2, "fridge-7", ended)])

    assert take(keeper, pack(minute(0), 500), *beats(minute(0), minute(30))).silences == []


def test_an_unplugged_probe_is_told_once_and_again_when_it_measures(tmp_path: Path):
    keeper = Judge(tmp_path / "stream.db")
    take(keeper, pack(minute(0), 500))

    first = take(keeper, pack(minute(1), fault="unplugged")).silences
    second = take(keeper, pack(minute(2), fault="unplugged")).silences
    well = take(keeper, pack(minute(3), 510)).silences

    assert first == [Fault("fridge-7", "tvc", "unplugged", minute(1))]
    assert second == []
    assert well == [Fault("fridge-7", "tvc", "unplugged", minute(1), ended_at=minute(3))]
