"""Which pack goes next: what happens now, before what gathered while nobody listened."""

from itertools import pairwise

from coldchain.ranges import Ranges, ranges_of
from gateway_agent.lanes import LONGEST_S, PATIENCE_S, Lanes


class Waiting:
    """Numbers of packs in an outbox."""

    def __init__(self, first: int, last: int) -> None:
        self.seqs = list(range(first, last + 1))

    def after(self, seq: int, limit: int) -> list[int]:
        return [one for one in self.seqs if one > seq][:limit]

    def acknowledged(self, *seqs: int) -> Ranges:
        self.seqs = [one for one in self.seqs if one not in seqs]
        return ranges_of([[seq, seq] for seq in seqs])


def send(lanes: Lanes, waiting: Waiting, now: float) -> list[int]:
    due = lanes.due(waiting.after, now)
    for seq in due:
        lanes.sent(seq, now, uptime=round(now * 1000))
    return due


def connected(newest: int, window: int = 4, jitter_s: float = 0.0, dice: float = 0.0, now: float = 0.0) -> Lanes:
    lanes = Lanes(window, jitter_s, lambda: dice)
    lanes.begin(newest, now)
    return lanes


def test_the_newest_goes_first_then_the_oldest_fill_the_window():
    waiting = Waiting(1, 100)
    lanes = connected(newest=100)

    assert send(lanes, waiting, 0) == [100, 1, 2, 3]
    assert send(lanes, waiting, 1) == []


def test_an_acknowledgement_makes_room_for_the_next():
    waiting = Waiting(1, 100)
    lanes = connected(newest=100)
    send(lanes, waiting, 0)
    lanes.acknowledged(waiting.acknowledged(100, 1), 1)

    assert send(lanes, waiting, 1) == [4, 5]


def test_a_live_pack_overtakes_a_window_full_of_backlog():
    waiting = Waiting(1, 100)
    lanes = connected(newest=100)
    send(lanes, waiting, 0)
    waiting.seqs.append(101)

    assert send(lanes, waiting, 1) == [101]


def test_the_live_lane_has_a_window_too():
    waiting = Waiting(1, 1)
    lanes = connected(newest=1)
    waiting.seqs += range(2, 20)

    assert send(lanes, waiting, 0) == [1, 2, 3, 4]


def test_the_backlog_waits_after_a_reconnect_as_the_dice_say():
    waiting = Waiting(1, 100)
    lanes = connected(newest=100, jitter_s=10, dice=0.5, now=1000)

    assert send(lanes, waiting, 1000) == [100]
    assert send(lanes, waiting, 1004.9) == []
    assert send(lanes, waiting, 1005) == [1, 2, 3]


def test_a_pack_without_an_answer_goes_again_less_and_less_often():
    waiting = Waiting(1, 1)
    lanes = connected(newest=1)
    went = [now for now in range(5000) if send(lanes, waiting, now)]

    pauses = [later - earlier for earlier, later in pairwise(went)]
    assert pauses == [PATIENCE_S, 2 * PATIENCE_S, 4 * PATIENCE_S, 8 * PATIENCE_S, 16 * PATIENCE_S, *[LONGEST_S] * 4]


def test_while_the_server_is_dead_no_more_than_a_window_is_under_way():
    waiting = Waiting(1, 100)
    lanes = connected(newest=100)
    went = {seq for now in range(0, 5000, 10) for seq in send(lanes, waiting, now)}

    assert went == {100, 1, 2, 3}


def test_packs_that_the_server_passes_over_do_not_block_the_others():
    waiting = Waiting(1, 1000)
    lanes = connected(newest=1000)
    went: set[int] = set()
    for now in range(0, 1200, 10):
        due = send(lanes, waiting, now)
        went.update(due)
        lanes.acknowledged(waiting.acknowledged(*(seq for seq in due if seq > 4)), now + 1)

    assert waiting.seqs[:4] == [1, 2, 3, 4]
    assert len(went) > 100


def test_a_new_connection_sends_again_what_was_under_way():
    waiting = Waiting(1, 5)
    lanes = connected(newest=5)
    assert send(lanes, waiting, 0) == [5, 1, 2, 3]
    lanes.begin(5, 1)

    assert send(lanes, waiting, 1) == [5, 1, 2, 3]


def test_what_did_not_go_is_due_at_once():
    waiting = Waiting(1, 1)
    lanes = connected(newest=1)
    send(lanes, waiting, 0)
    lanes.forget(1)

    assert send(lanes, waiting, 0) == [1]


def test_when_a_pack_first_went_is_known_though_it_went_again():
    waiting = Waiting(7, 7)
    lanes = connected(newest=7)
    send(lanes, waiting, 3)
    send(lanes, waiting, 40)

    assert lanes.first_sent(ranges_of([[1, 9]]), since=7) == 3000
    assert lanes.first_sent(ranges_of([[1, 9]]), since=8) is None
    assert lanes.first_sent(ranges_of([[1, 6]]), since=1) is None


def test_nothing_waits_nothing_goes():
    assert send(connected(newest=0), Waiting(1, 0), 0) == []
