"""A full disk stops the acknowledging, not the fridge's story: what waits is taken once there is room, without asking.

The disk is full for one process (`RLIMIT_FSIZE` of 0: every write to a file fails), as it can be arranged anywhere.
"""

import resource
import time

import pytest

from coldchain.clock import MINUTE, now
from coldchain.readings import Reading
from tests.helpers_end_to_end import Platform, Publisher, holds_exactly
from tests.helpers_house import wait_until

pytestmark = pytest.mark.servers


def give_room(platform: Platform, part: str, size: int) -> None:
    pid = platform.pid_of(part)
    assert pid is not None
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def packs(publisher: Publisher, count: int) -> None:
    begin = now() - 100 * MINUTE
    for _ in range(count):
        at = begin + len(publisher.packs) * MINUTE
        publisher.pack([Reading("tvc", at, 450)])


def test_nothing_is_acknowledged_while_the_disk_is_full_and_everything_once_it_is_not(platform, publishers):
    publisher, other = publishers
    packs(publisher, 5)
    publisher.send_until_durable()
    wait_until(lambda: platform.readings(publisher.given.device_id), 20, "what is durable to be judged")
    packs(publisher, 5)
    packs(other, 5)

    give_room(platform, "line", 0)
    try:
        publisher.send(*range(6, 11))
        other.send()
        wait_until(lambda: "nothing can be made durable" in platform.log(), 20, "the gate to say so")
        time.sleep(2)
        assert publisher.waiting() == [6, 7, 8, 9, 10]
        assert other.waiting() == [1, 2, 3, 4, 5]
        assert platform.readings(publisher.given.device_id), "what was kept is still shown"
    finally:
        give_room(platform, "line", resource.RLIM_INFINITY)

    wait_until(lambda: not publisher.waiting() and not other.waiting(), 20, "everything, though nobody sent it again")
    holds_exactly(platform, publishers)


def test_the_judge_goes_on_where_it_was_once_there_is_room(platform, publishers):
    publisher = publishers[0]
    give_room(platform, "line", 0)
    time.sleep(1)
    give_room(platform, "line", resource.RLIM_INFINITY)

    packs(publisher, 20)
    publisher.send_until_durable()
    holds_exactly(platform, [publisher])
    wait_until(platform.is_well, 30, "the platform to be well")
