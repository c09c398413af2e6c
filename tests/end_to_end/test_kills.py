"""Nothing that was called durable is lost and nothing counts twice, whoever is killed, and wherever in the code.

The publishers' own log is the oracle, compared as sets through the HTTP API; the intervals are compared with
`tests/oracle.py`.
"""

import os
import random
import signal
import threading
import time

import pytest

from coldchain.clock import MINUTE, SECOND, iso, now
from coldchain.facts import Enrolled
from coldchain.judgement import ALWAYS
from coldchain.readings import Reading
from tests import oracle
from tests.helpers_end_to_end import POINTS, Platform, Publisher, holds_exactly
from tests.helpers_house import wait_until

pytestmark = pytest.mark.servers

HOURS = 60 * MINUTE


def load(publisher: Publisher, packs: int, begin: int, seed: int = 1) -> None:
    """Packs of a fridge that is too cold now and then for hours, so that there is something to judge."""
    dice = random.Random(seed)
    at, value = begin, 400
    for _ in range(packs):
        readings = []
        for _ in range(20):
            value = -60 if dice.random() < 0.02 else 400 if dice.random() < 0.02 else value
            readings.append(Reading("tvc", at, value))
            at += MINUTE + dice.randrange(-1000, 1000)
        publisher.pack(readings)


def is_judged_as_the_oracle_does(platform: Platform, publisher: Publisher) -> None:
    device_id = publisher.given.device_id
    declared = Enrolled(device_id, 1, "", "senml", ((ALWAYS, MINUTE),))
    expected = [
        (told.code, iso(told.started_at), iso(told.alarmed_at), told.ended_at and iso(told.ended_at), told.extreme)
        for told in oracle.intervals(device_id, "tvc", {(at, value) for _, at, value in publisher.log()}, [declared])
    ]

    def found() -> list[tuple[object, ...]]:
        return [
            (row["rule"], row["started_at"], row["alarmed_at"], row["ended_at"], round(row["extreme_c"] * 100))
            for row in platform.excursions(device_id)
        ]

    assert expected, "a load that is never out of range judges nothing"
    wait_until(lambda: sorted(found(), key=str) == sorted(expected, key=str), 30, "the oracle's intervals")


def begin_of(packs: int) -> int:
    return now() - packs * 20 * MINUTE - 2 * HOURS


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_a_named_point_loses_nothing_and_doubles_nothing(platform, publishers, point):
    for number, publisher in enumerate(publishers):
        load(publisher, 40, begin_of(40), seed=number)
        publisher.send(*range(1, 11))
    platform.dies_at(point)
    for seq in range(11, 41):
        for publisher in publishers:
            publisher.send(seq)
        time.sleep(0.01)

    wait_until(lambda: platform.has_died_at(point), 20, f"the death at {point}")
    wait_until(platform.is_well, 30, "the platform to be well again")
    for publisher in publishers:
        publisher.send_until_durable()
    holds_exactly(platform, publishers)
    for publisher in publishers:
        is_judged_as_the_oracle_does(platform, publisher)


@pytest.mark.parametrize("part", ["line", "desk", "broker"])
def test_a_kill_at_any_instant_loses_nothing_and_doubles_nothing(platform, publishers, part):
    sending = threading.Event()
    for number, publisher in enumerate(publishers):
        load(publisher, 60, begin_of(60), seed=number)

    def send_slowly() -> None:
        for seq in range(1, 61):
            for publisher in publishers:
                publisher.send(seq)
            time.sleep(0.05)
        sending.set()

    sender = threading.Thread(target=send_slowly)
    sender.start()
    while not sending.is_set():
        platform.kill(part)
        sending.wait(0.5)
    sender.join()

    for publisher in publishers:
        publisher.send_until_durable()
    wait_until(platform.is_well, 30, "the platform to be well")
    holds_exactly(platform, publishers)
    for publisher in publishers:
        is_judged_as_the_oracle_does(platform, publisher)


@pytest.mark.parametrize("point", ["gate.received", "gate.appended", "gate.acknowledged"])
def test_a_simple_device_that_sends_each_reading_once_loses_none_when_the_gate_dies(platform, publishers, point):
    """Without numbers there is no word from us: that the broker keeps what we have not taken is all there is."""
    publisher = publishers[0]
    begin = (now() - 100 * MINUTE) // SECOND * SECOND
    publisher.pack([Reading("tvc", begin + number * MINUTE, 450) for number in range(60)])
    bodies = [
        f'[{{"n":"tvc","t":{(begin + number * MINUTE) // SECOND},"u":"Cel","v":4.5}}]'.encode() for number in range(60)
    ]
    publisher.publish(*bodies[:20])
    platform.dies_at(point)
    publisher.publish(*bodies[20:])

    wait_until(lambda: platform.has_died_at(point), 20, f"the death at {point}")
    holds_exactly(platform, [publisher])


def test_everything_sent_twice_counts_once(platform, publishers):
    for publisher in publishers:
        load(publisher, 20, begin_of(20))
        publisher.send_until_durable()
    holds_exactly(platform, publishers)
    for publisher in publishers:
        is_judged_as_the_oracle_does(platform, publisher)
    before = [platform.excursions(publisher.given.device_id) for publisher in publishers]
    for publisher in publishers:
        sends_again(publisher)
    time.sleep(1)

    holds_exactly(platform, publishers)
    assert [platform.excursions(publisher.given.device_id) for publisher in publishers] == before
    assert not any(publisher.refusals for publisher in publishers)


def sends_again(publisher: Publisher) -> None:
    heard = publisher.acknowledgements
    publisher.send(*reversed(publisher.packs))
    wait_until(lambda: publisher.acknowledgements > heard, 10, "a second word")


def test_the_durable_ranges_are_as_few_as_possible(platform, publishers):
    publisher = publishers[0]
    load(publisher, 9, begin_of(9))
    publisher.send(1, 2, 3, 7, 8)
    wait_until(lambda: publisher.durable.pairs() == [[1, 3], [7, 8]], 10, "two ranges")

    publisher.send(4, 5, 6, 9)
    wait_until(lambda: publisher.durable.pairs() == [[1, 9]], 10, "one range")


def test_everything_killed_at_once_starts_again_and_has_everything(own_platform):
    platform = own_platform
    publisher = Publisher(platform.add_devices("pi-0001", interval=60)[0])
    try:
        load(publisher, 30, begin_of(30))
        publisher.send(*range(1, 16))
        wait_until(lambda: publisher.durable.pairs() != [], 10, "a first word")
        processes = platform.processes()
        assert platform.process is not None
        os.kill(platform.process.pid, signal.SIGKILL)
        platform.process.wait()
        wait_until(lambda: not any(_lives(pid) for pid in processes), 10, "its children to be gone with it")

        platform.start()
        publisher.send_until_durable()
        holds_exactly(platform, [publisher])
        is_judged_as_the_oracle_does(platform, publisher)
    finally:
        publisher.close()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
