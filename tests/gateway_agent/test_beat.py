"""The beat keeps time, whoever is slow."""

import threading
from queue import SimpleQueue

from coldchain.clock import MINUTE, SECOND
from gateway_agent.beat import Beat
from gateway_agent.clocks import Moment
from gateway_agent.senses import STUCK, Senses
from gateway_agent.sensors import Sensed
from tests.helpers_gateway_agent import Probe

BEAT = Beat(MINUTE)


def moment(uptime: int) -> Moment:
    return Moment("boot-1", uptime, uptime, is_trusted=True)


def test_beats_stand_on_whole_intervals():
    assert BEAT.after(0) == MINUTE
    assert BEAT.after(MINUTE - 1) == MINUTE
    assert BEAT.after(MINUTE) == 2 * MINUTE


def test_a_thousand_late_beats_drift_by_nothing():
    due = MINUTE
    for _ in range(1000):
        due = BEAT.after(due + 700)  # each is begun 0.7 s late

    assert due == 1001 * MINUTE


def test_a_beat_begun_a_little_late_is_dated_by_the_grid():
    assert BEAT.began(MINUTE, MINUTE + 400) == MINUTE


def test_a_beat_begun_much_later_is_dated_by_its_beginning():
    assert BEAT.began(MINUTE, MINUTE + 5 * SECOND) == MINUTE + 5 * SECOND


def test_beats_missed_in_sleep_are_skipped_not_bunched():
    woke = 7 * MINUTE + 20 * SECOND

    assert BEAT.after(woke) == 8 * MINUTE


class Slow:
    """A sensor that answers when the test lets it."""

    channels = ("slow",)

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.is_asked = threading.Event()

    def read(self) -> list[Sensed]:
        self.is_asked.set()
        self.may_answer.wait(10)
        return [Sensed("slow", 700)]


class Broken:
    channels = ("broken",)

    def read(self) -> list[Sensed]:
        raise ZeroDivisionError("a driver's mistake")


def test_a_slow_read_does_not_delay_the_others():
    told: SimpleQueue[tuple[Moment, list[Sensed]]] = SimpleQueue()
    slow = Slow()
    senses = Senses([slow, Probe()], lambda at, readings: told.put((at, readings)))

    senses.beat(moment(MINUTE))
    assert told.get(timeout=5) == (moment(MINUTE), [Sensed("tvc", 500)])
    assert slow.is_asked.wait(5)
    senses.beat(moment(MINUTE + STUCK // 2))
    assert told.get(timeout=5)[1] == [Sensed("tvc", 500)]

    slow.may_answer.set()
    assert told.get(timeout=5) == (moment(MINUTE), [Sensed("slow", 700)])
    senses.stop()


def test_a_read_that_hangs_becomes_a_fault_of_each_beat_until_it_comes_back():
    told: SimpleQueue[tuple[Moment, list[Sensed]]] = SimpleQueue()
    slow = Slow()
    senses = Senses([slow], lambda at, readings: told.put((at, readings)))

    senses.beat(moment(0))
    assert slow.is_asked.wait(5)
    senses.beat(moment(STUCK - 1))
    assert told.empty()
    senses.beat(moment(STUCK))
    assert told.get(timeout=5) == (moment(STUCK), [Sensed("slow", None, "unreadable")])

    slow.may_answer.set()
    assert told.get(timeout=5) == (moment(0), [Sensed("slow", 700)])
    senses.stop()


def test_a_mistake_in_a_driver_is_a_fault_of_its_own_channel():
    told: SimpleQueue[tuple[Moment, list[Sensed]]] = SimpleQueue()
    senses = Senses([Broken(), Probe()], lambda at, readings: told.put((at, readings)))

    senses.beat(moment(MINUTE))
    readings = {told.get(timeout=5)[1][0] for _ in range(2)}
    senses.stop()

    assert readings == {Sensed("broken", None, "unreadable"), Sensed("tvc", 500)}
