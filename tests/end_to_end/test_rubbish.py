"""What cannot be read is kept with its reason and shown; one bad device stops no other."""

import time

import pytest

from coldchain.clock import MINUTE, SECOND, now
from coldchain.readings import Reading
from coldchain.senml import encode
from tests.helpers_end_to_end import holds_exactly
from tests.helpers_house import wait_until

pytestmark = pytest.mark.servers

FLOOD = 3_000
LONGEST_S = 2.0
"""A good device's pack is durable within so much while another floods."""


def test_every_refused_message_is_listed_with_its_reason(platform, publishers):
    publisher = publishers[0]
    device_id = publisher.given.device_id
    name = f'{{"bn":"{device_id}:","n":"tvc","u":"Cel",'
    tomorrow = encode(device_id, "aa", 7, [Reading("tvc", now() + 24 * 60 * MINUTE, 450)])
    old = encode(device_id, "aa", 8, [Reading("tvc", 900_000_000 * SECOND, 450)])
    publisher.publish(
        b"\xff\xfe",
        f'[{name}"v":NaN}}]'.encode(),
        f'[{name}"v":1e999}}]'.encode(),
        f'[{name}"v":"4.5"}}]'.encode(),
        f'[{name}"v":4.5,"x_":1}}]'.encode(),
        f'[{{"bn":"{device_id}:","n":"seq","v":-1}},{name}"v":4.5}}]'.encode(),
        b"[" + b" " * 300_000 + b"]",
        tomorrow,
        old,
    )

    def reasons() -> list[str]:
        return sorted(row["reason"] for row in platform.items("/api/v1/refusals") if row["device_id"] == device_id)

    expected = sorted(["unreadable"] * 6 + ["oversized"] + ["wrongly-dated"] * 2)
    wait_until(lambda: len(reasons()) >= len(expected), 20, "nine refusals")
    assert reasons() == expected
    assert platform.readings(device_id) == []
    wait_until(lambda: publisher.refusals, 5, "the device to be told")


def test_a_number_outside_what_a_probe_can_measure_is_kept_as_a_fault(platform, publishers):
    device_id = publishers[0].given.device_id
    publishers[0].publish(f'[{{"n":"{device_id}:tvc","u":"Cel","v":327.67}}]'.encode())

    path = f"/api/v1/devices/{device_id}/readings"
    wait_until(lambda: platform.ask(path)["items"], 10, "the fault")
    [item] = platform.ask(path)["items"]
    assert (item["celsius"], item["fault"]) == (None, "range")


def test_a_device_that_floods_the_gate_with_rubbish_stops_no_other(platform, publishers):
    bad, good = publishers
    bad.publish(*(f"rubbish {number}".encode() for number in range(FLOOD)))
    took = []
    for number in range(20):
        seq = good.pack([Reading("tvc", now() - (30 - number) * MINUTE, 450)])
        begun = time.monotonic()
        good.send(seq)
        wait_until(lambda: not good.waiting(), 20, "the good device's pack to be durable")
        took.append(time.monotonic() - begun)

    assert max(took) < LONGEST_S
    holds_exactly(platform, [good])
    reasons = [r["reason"] for r in platform.items("/api/v1/refusals") if r["device_id"] == bad.given.device_id]
    assert reasons.count("unreadable") == 1_000
    assert reasons.count("flooding") == 1, "what was dropped is told"
