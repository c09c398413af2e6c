"""What may leave the journal: what is older than a week and passed by every named follower, and no more."""

import pytest

from coldchain.clock import DAY, now
from coldchain.data_dir import DataDir
from coldchain.sqlite import POSITIONS, open_to_write, save_position, transaction
from coldchain.topics import READINGS, STATUS
from ingest.retention import KEPT_FOR, positions
from tests.helpers_ingest import (
    PI,
    OwnClock,
    arrived,
    numbers,
    open_gate,
    sent,
    statuses,
    take,
    verdicts,
)


@pytest.fixture
def data_dir(tmp_path):
    return DataDir(tmp_path)


def follower_is_at(path, topic, name, offset):
    connection = open_to_write(path)
    connection.execute(POSITIONS)
    with transaction(connection):
        save_position(connection, topic, name, offset)
    connection.close()


def pruned_after(data_dir, days, *followers):
    """The numbers left of five packs, so many days later."""
    clock = OwnClock(now())
    with open_gate(data_dir, PI, clock=clock) as gate:
        take(gate, *(sent(number, 4.5, at=clock.at) for number in range(1, 6)))
        for path, name, offset in followers:
            follower_is_at(path, READINGS, name, offset)
        clock.at += days * DAY
        gate.prune()
    return [seq for _, seq in numbers(data_dir)]


def test_after_a_week_what_the_judge_has_passed_goes_and_the_newest_stays(data_dir):
    assert pruned_after(data_dir, 8, (data_dir.stream, "stream.judge", 5)) == [5]


def test_within_the_week_everything_stays(data_dir):
    assert pruned_after(data_dir, 6, (data_dir.stream, "stream.judge", 5)) == [1, 2, 3, 4, 5]


def test_what_a_follower_has_not_passed_stays_however_old(data_dir):
    followers = ((data_dir.stream, "stream.judge", 5), (data_dir.books, "registry.something", 2))

    assert pruned_after(data_dir, 30, *followers) == [3, 4, 5]


def test_while_nobody_follows_nothing_goes(data_dir):
    assert pruned_after(data_dir, 30) == [1, 2, 3, 4, 5]


def test_followers_keep_their_positions_in_their_own_files(data_dir):
    assert positions(data_dir, READINGS) == {}

    follower_is_at(data_dir.stream, READINGS, "stream.judge", 7)
    follower_is_at(data_dir.books, READINGS, "registry.something", 3)
    follower_is_at(data_dir.books, STATUS, "registry.devices", 9)

    assert positions(data_dir, READINGS) == {"stream.judge": 7, "registry.something": 3}


def test_a_file_without_positions_has_no_follower(data_dir):
    open_to_write(data_dir.stream).close()

    assert positions(data_dir, READINGS) == {}


def test_old_statuses_go_too(data_dir):
    clock = OwnClock(now())
    with open_gate(data_dir, PI, clock=clock) as gate:
        for number in range(3):
            take(gate, arrived({"waiting": number}, leaf="status"))
        follower_is_at(data_dir.books, STATUS, "registry.devices", 3)
        clock.at += KEPT_FOR + DAY
        gate.prune()

    assert [one.body for one in statuses(data_dir)] == [b'{"waiting": 2}']


def test_a_number_is_still_known_after_its_pack_and_what_it_stood_for_have_gone(data_dir):
    clock = OwnClock(now() - 9 * DAY)
    with open_gate(data_dir, PI, clock=clock) as gate:
        take(gate, *(sent(number, 4.5, at=clock.at) for number in range(1, 4)))
        follower_is_at(data_dir.stream, READINGS, "stream.judge", 3)
        clock.at = now() + KEPT_FOR + DAY
        take(gate, sent(4, 4.5, at=clock.at))
        gate.prune()
        outcomes = take(gate, sent(1, 4.5), sent(2, 9.9))

    assert verdicts(outcomes) == ["repeated", "repeated"]
    assert [seq for _, seq in numbers(data_dir)] == [4]


def test_what_was_pruned_is_given_back_to_the_disk_and_the_gate_goes_on(data_dir):
    clock = OwnClock(now())
    with open_gate(data_dir, PI, clock=clock) as gate:
        for number in range(1, 3_001):
            take(gate, sent(number, *[4.5] * 100, at=clock.at))
        follower_is_at(data_dir.stream, READINGS, "stream.judge", 3_000)
        clock.at += 8 * DAY
        gate.prune()
        before = size_of(data_dir)
        while gate.give_back():
            pass
        after = size_of(data_dir)
        take(gate, sent(3_001, 4.5, at=clock.at))

    assert before > 3_000_000
    assert after < before / 3
    assert [seq for _, seq in numbers(data_dir)] == [3_000, 3_001]


def size_of(data_dir):
    """Of the gate's file, once all of its log is in it."""
    connection = open_to_write(data_dir.gate)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return data_dir.gate.stat().st_size
