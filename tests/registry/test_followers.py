"""What the books at work promise: nothing is taken in twice, nothing is missed, nothing fails quietly."""

import asyncio
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldchain.clock import now
from coldchain.data_dir import DataDir
from coldchain.events import Refusal, Silence, Status, Verdict
from coldchain.facts import Enrolled
from coldchain.journal import Entry
from coldchain.journal.sqlite import SqliteJournal
from coldchain.topics import REFUSED, SETTINGS, SILENCES, STATUS, VERDICTS
from registry import main
from registry.books import Books, open_books
from registry.followers import FOLLOWERS, Follower
from tests.helpers_registry import EVERYTHING, START, hear, interval, known, logger, verdict
from tests.tales import hour

INCIDENTS = next(one for one in FOLLOWERS if one.name == "registry.incidents")


def entries(verdicts: Sequence[Verdict]) -> list[Entry]:
    return [Entry(offset, one.device_id, one) for offset, one in enumerate(verdicts, 1)]


TALE = [
    verdict(interval(1)),
    verdict(interval(1, 5)),
    verdict(interval(1, 5), interval(8)),
    verdict(since=7, until=9),
    verdict(interval(2, 9, "FRZE")),
]


def test_a_batch_that_comes_again_is_known_to_be_old(books: Books):
    with books.begin() as shelf:
        logger(shelf)
    first = INCIDENTS.follow(books, entries(TALE), hour(9))
    before = known(books)

    assert (first, INCIDENTS.position(books)) == (5, 5)
    assert INCIDENTS.follow(books, entries(TALE), hour(99)) == 0
    assert INCIDENTS.follow(books, entries(TALE)[2:4], hour(99)) == 0
    assert known(books) == before


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), max_size=8))
def test_the_whole_journal_again_in_any_cut_changes_nothing(
    laid_out: Path, tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[int, int]]
):
    told = entries(TALE)
    results = []
    for pieces in ([told], [told[begin : begin + length] for begin, length in [*_in_order(cuts), (0, 5)]]):
        path = tmp_path_factory.mktemp("books") / "books.db"
        shutil.copy(laid_out, path)
        books = open_books(f"sqlite:///{path}", lambda: START)
        with books.begin() as shelf:
            logger(shelf)
        for piece in pieces:
            INCIDENTS.follow(books, piece, hour(9))
        excursions, incidents = known(books)
        results.append(
            (
                [(one.interval, one.side) for one in excursions],
                [(one.kind, one.started_at, one.ended_at) for one in incidents],
            )
        )
        books.close()

    assert results[0] == results[1]


def _in_order(cuts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A journal is read from the position on: pieces repeat what came before and leave no hole."""
    passed, whole = 0, []
    for back, length in cuts:
        begin = max(0, passed - back)
        whole.append((begin, length))
        passed = max(passed, min(5, begin + length))
    return whole


def test_what_fails_leaves_neither_an_effect_nor_a_position(books: Books):
    def fail(shelf: Any, items: Sequence[Any], at: int) -> None:
        INCIDENTS.take(shelf, items, at)
        raise ZeroDivisionError

    with books.begin() as shelf:
        logger(shelf)
    failing = Follower("registry.incidents", VERDICTS, fail)
    with pytest.raises(ZeroDivisionError):
        failing.follow(books, entries(TALE), hour(9))

    assert (failing.position(books), known(books)) == (0, ([], []))


def test_each_follower_has_a_position_of_its_own(books: Books):
    assert len({(one.topic, one.name) for one in FOLLOWERS}) == len(FOLLOWERS) == 5
    with books.begin() as shelf:
        shelf.positions.save(VERDICTS, "registry.incidents", 7)

        assert shelf.positions.get(SILENCES, "registry.silences") == 0


def test_positions_lie_where_the_gate_looks_for_them(tmp_path: Path, laid_out: Path):
    from coldchain.sqlite import open_to_read, position

    shutil.copy(laid_out, tmp_path / "books.db")
    books = open_books(f"sqlite:///{tmp_path}/books.db")
    with books.begin() as shelf:
        shelf.positions.save(STATUS, "registry.devices", 41)
    connection = open_to_read(tmp_path / "books.db")

    assert position(connection, STATUS, "registry.devices") == 41
    connection.close()
    books.close()


# The room at work


@pytest.fixture
def room(tmp_path: Path, laid_out: Path) -> tuple[DataDir, Books]:
    shutil.copy(laid_out, tmp_path / "books.db")
    books = open_books(f"sqlite:///{tmp_path}/books.db")
    with books.begin() as shelf:
        logger(shelf)
    return DataDir(tmp_path), books


async def until(held: Callable[[], object], within_s: float = 10) -> None:
    end = time.monotonic() + within_s
    while not held():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.02)


@pytest.mark.anyio
async def test_reports_become_incidents_and_statuses_become_settings(room: tuple[DataDir, Books]):
    data_dir, books = room
    journal = SqliteJournal(data_dir.root)
    serving = asyncio.create_task(main.serve(data_dir, books, journal))
    await journal.append(VERDICTS, [("logger-1", TALE[0])])
    await journal.append(SILENCES, [("logger-1", Silence("logger-1", hour(1), hour(2)))])
    await journal.append(REFUSED, [("logger-1", Refusal("logger-1", "t", b"", hour(1), "two-voices", "…", "a" * 16))])
    await journal.append(STATUS, [("logger-1", Status("logger-1", hour(1), b'{"interval_s": 60}'))])

    await until(lambda: {one.kind for one in known(books)[1]} == {"heat", "silence", "two-voices"})
    await until(lambda: any(_declares_a_minute(one.item) for one in journal.read(SETTINGS, 0)))
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    journal.close()
    books.close()


def _declares_a_minute(item: Any) -> bool:
    return isinstance(item, Enrolled) and [interval for _, interval in item.intervals] == [60_000]


@pytest.mark.anyio
async def test_the_brokers_files_are_there_before_anything_is_followed(room: tuple[DataDir, Books]):
    data_dir, books = room
    journal = SqliteJournal(data_dir.root)
    serving = asyncio.create_task(main.serve(data_dir, books, journal))
    await until((data_dir.broker / "acl").exists)
    serving.cancel()

    assert "logger-1:$7$" in (data_dir.broker / "passwd").read_text()
    journal.close()
    books.close()


@pytest.mark.anyio
async def test_one_follower_that_fails_ends_the_room_loudly(
    room: tuple[DataDir, Books], monkeypatch: pytest.MonkeyPatch
):
    def fail(shelf: Any, items: Sequence[Any], at: int) -> None:
        raise ZeroDivisionError

    data_dir, books = room
    monkeypatch.setattr(main, "FOLLOWERS", (*FOLLOWERS[1:], Follower("registry.incidents", VERDICTS, fail)))
    journal = SqliteJournal(data_dir.root)
    await journal.append(VERDICTS, [("logger-1", TALE[0])])
    with pytest.raises(ExceptionGroup) as why:
        await asyncio.wait_for(main.serve(data_dir, books, journal), 10)

    assert isinstance(why.value.exceptions[0], ZeroDivisionError)
    journal.close()
    books.close()


@pytest.mark.servers
@pytest.mark.parametrize("point", ["books.read", "books.committed"])
def test_killed_at_any_point_it_goes_on_where_it_was(room: tuple[DataDir, Books], point: str, tmp_path: Path):
    data_dir, books = room
    token = tmp_path / "token"
    token.touch()
    asyncio.run(_append(data_dir, TALE))
    script = (
        "import sys; from coldchain import crash; from coldchain.__main__ import main;"
        f"crash.arm({point!r}, __import__('pathlib').Path({str(token)!r}));"
        f"sys.exit(main(['registry', '--data', {str(data_dir.root)!r}]))"
    )
    killed = subprocess.run([sys.executable, "-c", script], stderr=subprocess.DEVNULL, timeout=60, check=False)
    with books.read() as shelf:
        found = len(shelf.excursions.page(EVERYTHING))
    (data_dir.broker / "acl").unlink()
    running = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    asyncio.run(until(lambda: INCIDENTS.position(books) == len(TALE) and (data_dir.broker / "acl").exists(), 30))
    running.send_signal(signal.SIGTERM)

    assert killed.returncode == -signal.SIGKILL
    assert (found > 0) == (point == "books.committed")
    assert running.wait(20) == 0
    expected = sorted([interval(1, 5).started_at, interval(2, 9).started_at])
    assert sorted(one.interval.started_at for one in known(books)[0]) == expected
    books.close()


async def _append(data_dir: DataDir, verdicts: Sequence[Verdict]) -> None:
    journal = SqliteJournal(data_dir.root)
    await journal.append(VERDICTS, [(one.device_id, one) for one in verdicts])
    journal.close()


def test_a_thousand_verdicts_a_second(tmp_path: Path, laid_out: Path):
    shutil.copy(laid_out, tmp_path / "books.db")
    books = open_books(f"sqlite:///{tmp_path}/books.db")
    names = [f"logger-{number}" for number in range(2000)]
    with books.begin() as shelf:
        from registry import enrolment

        enrolment.enrol(shelf, names, START)
    hear(books, verdict(interval(0, 1), device=names[0]))  # everything is loaded and compiled
    batches = [
        [verdict(interval(1), device=name) for name in names],
        [verdict(interval(1), interval(9), device=name, since=0) for name in names],
        [verdict(interval(1, 5), interval(9), device=name, since=0) for name in names],
    ]
    begun, processor = time.monotonic(), time.process_time()
    offset = 0
    for batch in batches:
        for begin in range(0, len(batch), 500):
            told = [Entry(offset + n, "", one) for n, one in enumerate(batch[begin : begin + 500], 1)]
            offset += len(told)
            INCIDENTS.follow(books, told, now())
    took, processor = time.monotonic() - begun, time.process_time() - processor

    assert len(known(books)[0]) == 4000
    print(f"{offset} verdicts: {offset / processor:.0f} a second of work, {offset / took:.0f} a second in all")
    assert offset / processor > 1000, f"{offset} verdicts took {processor:.1f} s of work, {took:.1f} s in all"
    books.close()
