"""Which numbers of an outbox are durable, in the file and in memory, and what they stood for."""

import sqlite3

import pytest

from coldchain.clock import DAY
from coldchain.ranges import Ranges, ranges_of
from coldchain.sqlite import open_to_write, transaction
from ingest.outboxes import FORGOTTEN_AFTER, LAYOUT, Outbox, Outboxes, Voice
from tests.helpers_ingest import ARRIVED, OTHER, OUTBOX, PI


@pytest.fixture
def connection(tmp_path):
    connection = open_to_write(tmp_path / "gate.db")
    for statement in LAYOUT:
        connection.execute(statement)
    yield connection
    connection.close()


def saved(connection: sqlite3.Connection, shelf: Outboxes, device_id: str, *numbers: int, at: int = ARRIVED) -> Outbox:
    with transaction(connection):
        outbox = shelf.numbered(shelf.get(device_id, OUTBOX), at)
        outbox = outbox._replace(durable=ranges_of((number, number) for number in numbers))
        shelf.save([outbox], [(outbox.number, number, b"x", False) for number in numbers], at // DAY, at)
    shelf.remember([outbox], {})
    return outbox


def test_an_outbox_that_is_not_known_is_empty(connection):
    assert Outboxes(connection).get(PI, OUTBOX) == Outbox(PI, OUTBOX, 0, Ranges())


def test_what_was_saved_is_there_for_who_comes_later(connection):
    first = saved(connection, Outboxes(connection), PI, 1, 2, 5)

    assert Outboxes(connection).get(PI, OUTBOX) == first
    assert Outboxes(connection).voice(first, 5) == Voice(b"x", False)
    assert Outboxes(connection).voice(first, 6) is None


def test_only_so_many_stay_in_memory_and_the_others_are_read_again(connection):
    shelf = Outboxes(connection, remembered=2)
    for number in range(4):
        saved(connection, shelf, f"pi-{number}", number)

    assert len(shelf._remembered) == 2
    assert [shelf.get(f"pi-{number}", OUTBOX).durable for number in range(4)] == [
        ranges_of([(number, number)]) for number in range(4)
    ]


def test_the_newest_voices_stay_in_memory_and_the_others_are_read(connection):
    shelf = Outboxes(connection, remembered=2)
    outbox = saved(connection, shelf, PI, *range(5))
    shelf.remember([outbox], {(outbox.number, number): (b"x", False) for number in range(5)})

    assert [shelf.voice(outbox, number) for number in range(6)] == [Voice(b"x", False)] * 5 + [None]
    assert list(shelf._voices) == [(outbox.number, 3), (outbox.number, 4)]


def test_what_was_not_committed_is_not_remembered(connection):
    shelf = Outboxes(connection)
    connection.execute("BEGIN IMMEDIATE")
    shelf.save([shelf.numbered(shelf.get(PI, OUTBOX), ARRIVED)], [], ARRIVED // DAY, ARRIVED)
    connection.execute("ROLLBACK")

    assert shelf.get(PI, OUTBOX).number == 0


def test_the_newest_word_about_a_number_counts(connection):
    shelf = Outboxes(connection)
    outbox = saved(connection, shelf, PI, 1)
    with transaction(connection):
        shelf.save([], [(outbox.number, 1, b"y", True)], ARRIVED // DAY + 3, ARRIVED + 3 * DAY)

    assert shelf.voice(outbox, 1) == Voice(b"y", True)


def test_old_voices_go_by_the_day_and_the_ranges_stay(connection):
    shelf = Outboxes(connection)
    old = saved(connection, shelf, PI, 1)
    new = saved(connection, shelf, OTHER, 1, at=ARRIVED + 2 * DAY)
    with transaction(connection):
        shelf.forget(ARRIVED + DAY, ARRIVED + 2 * DAY)

    assert (shelf.voice(old, 1), shelf.voice(new, 1)) == (None, Voice(b"x", False))
    assert Outboxes(connection).get(PI, OUTBOX).durable == ranges_of([(1, 1)])


def test_an_outbox_that_nobody_heard_of_for_very_long_is_forgotten(connection):
    shelf = Outboxes(connection)
    saved(connection, shelf, PI, 1)
    saved(connection, shelf, OTHER, 1, at=ARRIVED + DAY)
    with transaction(connection):
        shelf.forget(ARRIVED, ARRIVED + FORGOTTEN_AFTER + 1)

    assert shelf.get(PI, OUTBOX).number == 0
    assert shelf.get(OTHER, OUTBOX).number == 2
