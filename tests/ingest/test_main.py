"""What the gate says after a batch, and what the books wish of a device."""

import pytest

from coldchain.answers import decode_acknowledgement, decode_configuration, decode_refused
from coldchain.clock import MINUTE
from coldchain.data_dir import DataDir
from coldchain.ranges import ranges_of
from ingest.main import Wishes, wished
from ingest.telling import answers
from tests.helpers_ingest import ARRIVED, OTHER, OUTBOX, PI, arrived, enrolled, open_gate, sent


@pytest.fixture
def gate(tmp_path):
    with open_gate(DataDir(tmp_path), PI, OTHER) as gate:
        yield gate


def said(gate, *messages):
    return answers(messages, gate.take(messages))


def test_the_ranges_are_said_once_an_outbox(gate):
    told = said(gate, sent(1, 4.5), sent(2, 4.5), sent(1, 4.5, device_id=OTHER), sent(2, 4.5), sent(4, 4.5))

    assert [topic for topic, _ in told] == [f"coldchain/v1/{PI}/ack", f"coldchain/v1/{OTHER}/ack"]
    ack = decode_acknowledgement(told[0][1])
    assert (ack.outbox_id, ack.durable, ack.at) == (OUTBOX, ranges_of([(1, 2), (4, 4)]), ARRIVED)
    assert told[0][1] == b'{"outbox":"9f86d081884c7d65","durable":[[1,2],[4,4]],"at":%d}' % ARRIVED


def test_a_repeated_pack_is_answered_like_a_new_one(gate):
    assert said(gate, sent(1, 4.5)) == said(gate, sent(1, 4.5))


def test_a_refusal_is_said_with_its_number_and_reason_once_a_batch(gate):
    bad = arrived([{"n": "outbox", "vs": OUTBOX}, {"n": "seq", "v": 3}, {"n": "tvc", "v": "warm"}])

    ack, refused = said(gate, bad, bad)

    assert (ack[0], refused[0]) == (f"coldchain/v1/{PI}/ack", f"coldchain/v1/{PI}/refused")
    told = decode_refused(refused[1])
    assert (told.seq, told.outbox_id, told.reason) == (3, OUTBOX, "unreadable")


def test_a_foreign_pack_and_a_status_are_answered_by_the_puback_alone(gate):
    assert said(gate, arrived([{"n": "tvc", "v": 4.5}]), arrived({"state": "online"}, leaf="status")) == []


def test_a_device_is_told_what_is_wished_of_it():
    device = enrolled(PI, wished_interval=5 * MINUTE, low=200, high=800)
    body = Wishes().note(device)

    assert body == b'{"interval_s":300,"low_c":2.0,"high_c":8.0}'
    assert decode_configuration(body) == wished(device)


def test_of_whom_nothing_is_wished_hears_nothing_until_a_wish_is_taken_back():
    wishes = Wishes()

    assert wishes.note(enrolled(PI)) is None
    assert wishes.note(enrolled(PI, 2, wished_interval=MINUTE)) == b'{"interval_s":60}'
    assert wishes.note(enrolled(PI, 3, wished_interval=MINUTE)) is None
    assert wishes.note(enrolled(PI, 4)) == b"{}"
    assert wishes.all() == [(PI, b"{}")]


def test_an_older_wish_changes_nothing():
    wishes = Wishes()
    wishes.note(enrolled(PI, 3, wished_interval=MINUTE))

    assert wishes.note(enrolled(PI, 2, wished_interval=2 * MINUTE)) is None


def test_what_was_wished_of_an_ended_device_is_taken_off_the_broker():
    wishes = Wishes()
    wishes.note(enrolled(PI, wished_interval=MINUTE))

    assert wishes.note(enrolled(PI, 2, wished_interval=MINUTE, ended_at=ARRIVED)) == b""
