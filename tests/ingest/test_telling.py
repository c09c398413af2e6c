"""When an outbox is told what is durable: at once in quiet times, before its window is used up under heavy traffic."""

from coldchain.answers import Acknowledgement, RefusedPack, decode_acknowledgement
from coldchain.ranges import ranges_of
from ingest.gate import Message, Outcome
from ingest.telling import LONGEST_S, MUCH, PACKS_A_WORD, Teller
from tests.helpers_ingest import ARRIVED, OUTBOX, PI


class Told:
    def __init__(self) -> None:
        self.now = 100.0
        self.said: list[tuple[str, bytes]] = []
        self.qos: list[int] = []
        self.teller = Teller(self.say, lambda: self.now)

    def say(self, topic: str, payload: bytes, *, qos: int) -> None:
        self.said.append((topic, payload))
        self.qos.append(qos)

    def batch(self, *seqs: int, device_id: str = PI, among: int = 0) -> None:
        """Packs with these numbers, durable up to the highest, among so many statuses of others."""
        durable = Acknowledgement(OUTBOX, ranges_of([(1, max(seqs))]), ARRIVED)
        messages = [Message(device_id, "readings", "t", b"", ARRIVED) for _ in seqs]
        outcomes = [Outcome("accepted", 1, (device_id, OUTBOX), durable) for _ in seqs]
        messages += [Message("other", "status", "t", b"", ARRIVED)] * among
        outcomes += [Outcome("status")] * among
        self.teller.note(messages, outcomes)

    def ranges(self) -> list[list[list[int]]]:
        return [decode_acknowledgement(body).durable.pairs() for _, body in self.said]


def test_in_quiet_times_every_word_is_said_at_once():
    told = Told()
    for seq in (1, 2, 3):
        told.batch(seq)

    assert told.ranges() == [[[1, 1]], [[1, 2]], [[1, 3]]]
    assert told.qos == [1, 1, 1]


def test_under_heavy_traffic_an_outbox_is_told_at_once_then_after_a_few_packs():
    told = Told()
    for seq in range(1, 2 + 2 * PACKS_A_WORD):
        told.batch(seq, among=MUCH)

    assert told.ranges() == [[[1, 1]], [[1, 1 + PACKS_A_WORD]], [[1, 1 + 2 * PACKS_A_WORD]]]
    assert told.qos == [0, 0, 0]


def test_what_waits_is_said_soon_even_if_nothing_more_comes():
    told = Told()
    told.batch(1, among=MUCH)
    told.batch(2, among=MUCH)
    told.teller.catch_up()
    assert told.ranges() == [[[1, 1]]]

    told.now += 1.01 * LONGEST_S
    told.teller.catch_up()
    told.teller.catch_up()

    assert told.ranges() == [[[1, 1]], [[1, 2]]]


def test_a_quiet_batch_says_all_that_waits_for_its_outboxes():
    told = Told()
    told.batch(1, among=MUCH)
    told.batch(2, among=MUCH)
    told.batch(3)

    assert told.ranges() == [[[1, 1]], [[1, 3]]]


def test_nothing_is_remembered_of_an_outbox_that_has_been_told_everything():
    told = Told()
    told.batch(1, among=MUCH)
    told.now += 1.01 * LONGEST_S
    told.teller.catch_up()

    assert (told.teller._told_at, told.teller._waiting) == ({}, {})


def test_a_refusal_is_said_at_once_however_much_comes():
    told = Told()
    refused = RefusedPack(3, OUTBOX, "unreadable", "it is no JSON")
    outcomes = [Outcome("refused", refused=refused)] * MUCH
    told.teller.note([Message(PI, "readings", "t", b"", ARRIVED)] * MUCH, outcomes)

    assert [topic for topic, _ in told.said] == [f"coldchain/v1/{PI}/refused"]
