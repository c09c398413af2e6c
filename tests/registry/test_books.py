"""What the books promise, on either database."""

import multiprocessing
import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from coldchain.facts import Enrolled, Facts
from coldchain.journal.sqlite import SqliteJournal
from coldchain.rules import built_in
from coldchain.topics import SETTINGS
from registry import relay
from registry.books import Books, Shelf, UnknownBooks, migrations, open_books, tables
from registry.books.sql import BooksBusy, BooksUnreachable, SqlBooks
from registry.storage_points import NameTaken
from tests.helpers_registry import EVERYTHING, START, block, district, fridge, logger


def open_and_count(url: str, go: "multiprocessing.synchronize.Event", told: "multiprocessing.Queue[int | str]") -> None:
    go.wait(30)
    try:
        books = open_books(url)
        with books.begin() as shelf:
            block(shelf, f"Block {multiprocessing.current_process().name}")
        with books.read() as shelf:
            told.put(len(shelf.rule_sets.versions("refrigerator")))
        books.close()
    except Exception as why:  # whatever it was, the test is to show it
        told.put(repr(why))


def twice(shelf: Shelf) -> None:
    """Something that is refused."""
    fridge(shelf, "ILR 1")
    fridge(shelf, "ILR 1")


def test_a_transaction_is_whole_or_not_at_all(books: Books):
    with pytest.raises(NameTaken), books.begin() as shelf:  # noqa: PT012  (what came before the error is the point)
        block(shelf, "Rampur")
        twice(shelf)

    with books.read() as shelf:
        assert [place.called() for place in shelf.places.page(EVERYTHING)] == ["Our district"]


def test_an_attempt_that_fails_takes_back_what_it_did_and_nothing_else(books: Books):
    with books.begin() as shelf:
        block(shelf, "Kept")
        with pytest.raises(NameTaken), shelf.attempt():  # noqa: PT012  (what came before the error is the point)
            block(shelf, "Undone")
            twice(shelf)
        with shelf.attempt():
            block(shelf, "Kept too")

    with books.read() as shelf:
        names = [place.called() for place in shelf.places.page(EVERYTHING)]
    assert names == ["Kept", "Kept too", "Our district"]


def test_who_only_reads_cannot_write(books: Books):
    with pytest.raises(DBAPIError), books.read() as shelf:
        block(shelf, "Rampur")
    with books.begin() as shelf:
        block(shelf, "Sitapur")  # and the connection can be used again


def test_a_reader_sees_one_state_while_others_write(books: Books):
    with books.read() as reading:
        before = len(reading.places.page(EVERYTHING))
        with books.begin() as writing:
            block(writing, "Rampur")

        assert len(reading.places.page(EVERYTHING)) == before
    with books.read() as reading:
        assert len(reading.places.page(EVERYTHING)) == before + 1


def test_one_writes_at_a_time_so_that_what_was_checked_holds(books: Books):
    with books.begin() as shelf:
        top = district(shelf).place_id
    refused = []

    def add() -> None:
        try:
            with books.begin() as shelf:
                fridge(shelf, "ILR 1")
        except Exception as why:  # whatever it was, the test is to show it
            refused.append(type(why).__name__)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refused == ["NameTaken"] * 7
    with books.read() as shelf:
        assert len(shelf.storage_points.called("ILR 1", top)) == 1


@pytest.mark.servers
def test_processes_that_start_at_once_lay_the_books_out_once(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    go, told = context.Event(), context.Queue()
    url = f"sqlite:///{tmp_path}/deep/books.db"
    processes = [context.Process(target=open_and_count, args=(url, go, told)) for _ in range(5)]
    for process in processes:
        process.start()
    go.set()
    counts = [told.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(30)

    assert counts == [1] * 5
    books = open_books(url)
    with books.read() as shelf:
        assert len(shelf.places.page(EVERYTHING)) == 6
    books.close()


def test_a_second_opening_changes_nothing(books: Books, tmp_path: Path):
    url = f"sqlite:///{tmp_path}/again.db"
    for _ in range(2):
        opened = open_books(url, lambda: START)
        with opened.read() as shelf:
            assert len(shelf.announcements.waiting(100)) == len(built_in())  # the rules that ship
        opened.close()


def test_the_migrations_make_exactly_the_tables_that_are_used(tmp_path: Path):
    SqlBooks(f"sqlite:///{tmp_path}/books.db").bring_up_to_date()
    engine = create_engine(f"sqlite:///{tmp_path}/books.db")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, tables.metadata)
    engine.dispose()

    assert differences == []


def test_the_last_migration_is_the_one_that_verbs_look_for():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD


def test_books_that_only_their_owner_may_read(tmp_path: Path):
    open_books(f"sqlite:///{tmp_path}/books.db").close()

    assert (tmp_path / "books.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("url", ["", "books.db", "mysql://host/books", "sqlite:books.db"])
def test_a_url_that_names_no_books_of_ours_is_refused(url: str):
    with pytest.raises(UnknownBooks):
        open_books(url)


def test_a_file_that_is_none_of_ours_is_told(tmp_path: Path):
    (tmp_path / "books.db").mkdir()

    with pytest.raises(BooksUnreachable):
        open_books(f"sqlite:///{tmp_path}/books.db")


def test_who_waits_too_long_for_others_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("registry.books.sql.BUSY_MS", 50)
    books = open_books(f"sqlite:///{tmp_path}/books.db")
    other = sqlite3.connect(tmp_path / "books.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BooksBusy), books.begin():
        pass
    other.execute("ROLLBACK")
    other.close()
    with books.begin() as shelf:
        block(shelf, "Rampur")
    books.close()


# The relay


def settings_in(directory: Path) -> Facts:
    journal = SqliteJournal(directory)
    facts = Facts(entry.item for entry in journal.read(SETTINGS, 0, 10_000))
    journal.close()
    return facts


def test_what_the_gate_and_the_judge_must_know_goes_out_once(books: Books, tmp_path: Path):
    with books.begin() as shelf:
        logger(shelf, point=fridge(shelf))
    path = tmp_path / "books.db"

    assert relay.relay(books, path) == len(built_in()) + 2  # the device, its placement
    assert relay.relay(books, path) == 0
    facts = settings_in(tmp_path)
    assert facts.device("logger-1") is not None
    assert len(facts.placements("logger-1", "tvc")) == 1


def test_what_was_undone_never_goes_out(books: Books, tmp_path: Path):
    with pytest.raises(NameTaken), books.begin() as shelf:  # noqa: PT012  (what came before the error is the point)
        logger(shelf)
        twice(shelf)
    relay.relay(books, tmp_path / "books.db")

    assert settings_in(tmp_path).device("logger-1") is None


def test_a_relay_that_comes_late_takes_no_newer_announcement_away(books: Books, tmp_path: Path):
    with books.begin() as shelf:
        logger(shelf, "logger-1")
    with books.read() as shelf:
        late = [one.number for one in shelf.announcements.waiting(100)]
    relay.relay(books, tmp_path / "books.db")
    with books.begin() as shelf:
        logger(shelf, "logger-2")
        shelf.announcements.relayed(late)
    relay.relay(books, tmp_path / "books.db")

    devices = {fact.device_id for fact in settings_in(tmp_path) if isinstance(fact, Enrolled)}
    assert devices == {"logger-1", "logger-2"}
