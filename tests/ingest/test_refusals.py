"""What cannot be believed is kept with its reason, shown, bounded, and never lost silently."""

import pytest

from coldchain.clock import DAY, MINUTE
from coldchain.data_dir import DataDir
from coldchain.sqlite import POSITIONS, open_to_write, save_position, transaction
from coldchain.topics import REFUSED
from ingest.gate import Gate
from ingest.refusals import (
    EXCERPT,
    KEPT_FOR,
    KEPT_OF_OVERSIZED,
    MOST,
    MOST_BYTES,
    NoSuchRefusal,
    Refusals,
    payload_digest,
)
from tests.helpers_ingest import (
    ARRIVED,
    OTHER,
    OUTBOX,
    PI,
    OwnClock,
    arrived,
    enrolled,
    open_gate,
    refused,
    sent,
    take,
    tell_settings,
)


@pytest.fixture
def data_dir(tmp_path):
    return DataDir(tmp_path)


@pytest.fixture
def shelf(data_dir):
    shelf = Refusals(data_dir.gate)
    yield shelf
    shelf.close()


def rubbish(gate: Gate, *payloads: bytes, device_id: str = PI, at: int = ARRIVED):
    return take(gate, *(arrived(payload, device_id=device_id, at=at) for payload in payloads))


def test_before_there_is_a_gate_there_is_no_refusal(shelf):
    assert list(shelf.list(None, None, 10)) == []
    with pytest.raises(NoSuchRefusal):
        shelf.get(1)


def test_a_refusal_is_shown_with_its_reason_and_the_beginning_of_what_came(data_dir, shelf):
    with open_gate(data_dir, PI) as gate:
        rubbish(gate, b"warm\n\x00\xff\xc3\xa9 " + b"x" * 500)
        [one] = shelf.list(None, None, 10)

    assert (one.device_id, one.reason, one.received_at, one.count, one.size) == (PI, "unreadable", ARRIVED, 1, 510)
    assert one.detail.startswith("it is no JSON")
    assert one.excerpt.startswith("warm··\ufffdé xxx")
    assert len(one.excerpt) == EXCERPT
    assert (one.outbox_id, one.seq, one.released_by, one.released_at) == (None, None, None, None)
    assert shelf.get(one.offset) == one


def test_the_newest_come_first_and_the_next_page_goes_on(data_dir, shelf):
    with open_gate(data_dir, PI, OTHER) as gate:
        for number in range(5):
            rubbish(gate, f"{number}".encode(), device_id=PI if number % 2 else OTHER)
        first = shelf.list(None, None, 3)
        rest = shelf.list(None, first[-1].offset, 3)

    assert [one.excerpt for one in (*first, *rest)] == ["4", "3", "2", "1", "0"]


def test_whoever_may_see_a_few_devices_sees_theirs_alone(data_dir, shelf):
    with open_gate(data_dir, PI, OTHER) as gate:
        rubbish(gate, b"a")
        rubbish(gate, b"b", device_id=OTHER)

        assert [one.excerpt for one in shelf.list([PI], None, 10)] == ["a"]
        assert [one.excerpt for one in shelf.list({PI, OTHER, "x'; --"}, None, 10)] == ["b", "a"]
        assert list(shelf.list([], None, 10)) == []


def test_equal_messages_are_kept_once_and_counted(data_dir, shelf):
    with open_gate(data_dir, PI, OTHER) as gate:
        rubbish(gate, b"a", b"a")
        rubbish(gate, b"a", at=ARRIVED + MINUTE)
        rubbish(gate, b"a", device_id=OTHER)
        other, one = shelf.list(None, None, 10)

    assert (one.count, one.received_at, one.last_at, other.count) == (3, ARRIVED, ARRIVED + MINUTE, 1)
    assert len(refused(data_dir)) == 2


def test_of_an_oversized_message_the_beginning_and_its_digest_are_kept(data_dir, shelf):
    payload = b"x" * 300_123
    with open_gate(data_dir, PI) as gate:
        rubbish(gate, payload)
        [one] = shelf.list(None, None, 10)

    assert (one.reason, one.size) == ("oversized", 300_123)
    assert payload_digest(payload).hex() in one.detail
    assert [len(kept.payload) for kept in refused(data_dir)] == [KEPT_OF_OVERSIZED]


def test_a_device_that_sends_nothing_but_rubbish_is_bounded_counted_and_told(data_dir, shelf):
    with open_gate(data_dir, PI, OTHER) as gate:
        outcomes = rubbish(gate, *(f"rubbish {number}".encode() for number in range(MOST + 50)))
        others = [*rubbish(gate, b"one of another device", device_id=OTHER), *take(gate, sent(1, 4.5))]
        told = [one for one in shelf.list([PI], None, 5000) if one.reason == "flooding"]

    assert len([one for one in outcomes if one.refused is None]) == 50
    assert len(refused(data_dir)) == MOST + 1 + 1
    assert [(one.count, one.device_id) for one in told] == [(50, PI)]
    assert gate.counts["dropped"] == 50
    assert others[0].refused is not None
    assert others[1].verdict == "accepted"


def test_what_found_no_room_is_not_acknowledged_so_that_its_device_keeps_it(data_dir):
    with open_gate(data_dir, PI) as gate:
        rubbish(gate, *(f"rubbish {number}".encode() for number in range(MOST)))
        [outcome] = take(gate, arrived([{"n": "outbox", "vs": OUTBOX}, {"n": "seq", "v": 1}]))

    assert (outcome.verdict, outcome.acknowledgement, outcome.refused) == ("refused", None, None)


def test_large_rubbish_is_bounded_by_its_bytes(data_dir):
    large = 256 * 1024
    with open_gate(data_dir, PI) as gate:
        rubbish(gate, *(f"{number}".encode().ljust(large) for number in range(MOST_BYTES // large + 10)))

    assert sum(len(one.payload) for one in refused(data_dir)) == MOST_BYTES


def test_devices_that_nobody_enrolled_share_one_bound(data_dir, shelf):
    with open_gate(data_dir, PI) as gate:
        for number in range(MOST + 5):
            rubbish(gate, b"[]", device_id=f"stranger-{number}")

        assert len(shelf.list(None, None, 5000)) == MOST + 1


def test_a_release_makes_room(data_dir, shelf):
    with open_gate(data_dir, PI) as gate:
        take(gate, sent(1, 4.5, device_id=OTHER))
        before = room(gate)
        tell_settings(data_dir, enrolled(OTHER))
        gate.release(1, "asha")

        assert (before, room(gate)) == (1, 0)
        [one] = shelf.list(None, None, 10)
        assert (one.released_by, one.released_at) == ("asha", ARRIVED)


def test_old_refusals_go_when_their_follower_has_passed_them(data_dir, shelf):
    clock = OwnClock()
    with open_gate(data_dir, PI, clock=clock) as gate:
        rubbish(gate, b"old")
        clock.at += KEPT_FOR + DAY
        rubbish(gate, b"new", at=clock.at)
        follower_is_at(data_dir, 0)
        gate.prune()
        kept = [one.excerpt for one in shelf.list(None, None, 10)]
        follower_is_at(data_dir, 2)
        gate.prune()

        assert kept == ["new", "old"]
        assert [one.excerpt for one in shelf.list(None, None, 10)] == ["new"]
        assert room(gate) == 1


def test_after_a_flood_has_been_forgotten_there_is_room_again_and_the_next_flood_is_told_anew(data_dir, shelf):
    clock = OwnClock()
    with open_gate(data_dir, PI, clock=clock) as gate:
        rubbish(gate, *(f"rubbish {number}".encode() for number in range(MOST + 1)))
        clock.at += KEPT_FOR + DAY
        gate.prune()
        later = rubbish(gate, *(f"more {number}".encode() for number in range(MOST + 2)), at=clock.at)
        told = [one for one in shelf.list(None, None, 5000) if one.reason == "flooding"]

    assert [one.refused is None for one in later].count(True) == 2
    assert [one.count for one in told] == [2]


def room(gate: Gate) -> int:
    """How many refusals take up room in all pools."""
    taken: int = gate._connection.execute("SELECT sum(kept) FROM refusal_pools").fetchone()[0]
    return taken


def follower_is_at(data_dir: DataDir, offset: int) -> None:
    """As the books keep their positions."""
    connection = open_to_write(data_dir.books)
    connection.execute(POSITIONS)
    with transaction(connection):
        save_position(connection, REFUSED, "registry.refusals", offset)
    connection.close()
