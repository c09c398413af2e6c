"""What travels in the journal comes out as it went in."""

import pytest

from coldchain import wire
from coldchain.events import FOREVER, DeviceSaid, Fault, Heartbeat, Outage, Refusal, Released, Silence, Status, Verdict
from coldchain.facts import Enrolled, Placed, RulesInForce
from coldchain.packs import Column, Pack
from coldchain.readings import Reading
from coldchain.rules import rule_set
from coldchain.topics import (
    EVIDENCE,
    READINGS,
    REFUSED,
    SETTINGS,
    SILENCES,
    STATUS,
    VERDICTS,
    mqtt_topic,
    of_mqtt_topic,
)
from tests.tales import HEAT, QUARTER, every, hour, judge, story

COLUMN = Column("tvc", "Cel", (hour(0), hour(1)), (456, -50), (hour(2),), ("unplugged",))
PACK = Pack("pi-0142", "9f", 57, hour(2), "trusted", (COLUMN,))
HOT = tuple(judge(story(*every(QUARTER, hour(0), hour(10), 9.0)), HEAT))


@pytest.mark.parametrize(
    ("topic", "item"),
    [
        (READINGS, PACK),
        (READINGS, Heartbeat("gate", hour(0))),
        (REFUSED, Refusal("pi-0142", "t", b"\xff", hour(0), "unreadable", "no JSON")),
        (REFUSED, Released(7, "asha", hour(1))),
        (STATUS, Status("pi-0142", hour(0), b"{}")),
        (EVIDENCE, DeviceSaid("pi-0142", "device-alarm", "0" * 64, hour(0), {"code": "HEAT", "limit_c": 8.0})),
        (VERDICTS, Verdict("pi-0142", "tvc", "HEAT", hour(0), FOREVER, HOT)),
        (SILENCES, Silence("pi-0142", hour(0), hour(1))),
        (SILENCES, Fault("pi-0142", "tvc", "unplugged", hour(0), hour(1))),
        (SILENCES, Outage(hour(0), hour(1))),
        (SETTINGS, Enrolled("pi-0142", 1, "$7$", "senml", ((0, 300_000),))),
        (SETTINGS, Placed("p", 1, "pi-0142", "*", "ilr-2", "refrigerator", "product", 0)),
        (SETTINGS, RulesInForce("refrigerator", 1, 0, rule_set("refrigerator"))),
    ],
)
def test_what_is_written_is_read_back(topic, item):
    assert wire.decode(topic, wire.encode(item)) == item


@pytest.mark.parametrize("body", [b"", b"\xc1", wire.encode(["verdict"]), wire.encode({"a": 1})])
def test_an_entry_that_cannot_be_read_is_told_so(body):
    with pytest.raises(wire.Damaged):
        wire.decode(READINGS, body)


def test_a_pack_counts_values_and_faults_alike():
    assert len(PACK) == 3
    assert list(COLUMN.readings())[1:] == [Reading("tvc", hour(1), -50), Reading("tvc", hour(2), None, "unplugged")]


def test_the_digest_tells_contents_apart_and_not_arrivals():
    later = Pack("pi-0142", "9f", 57, hour(9), "trusted", (COLUMN,))
    other = Pack("pi-0142", "9f", 57, hour(2), "trusted", (Column("tvc", "Cel", (hour(0),), (457,)),))

    assert PACK.digest() == later.digest()
    assert PACK.digest() != other.digest()


def test_a_verdict_bears_an_id_of_its_content():
    verdict = Verdict("pi-0142", "tvc", "HEAT", hour(0), FOREVER, HOT)
    withdrawn = Verdict("pi-0142", "tvc", "HEAT", hour(0), FOREVER, ())

    assert verdict.id == wire.decode(VERDICTS, wire.encode(verdict)).id
    assert verdict.id != withdrawn.id


def test_an_mqtt_topic_names_the_device_and_the_leaf():
    assert of_mqtt_topic(mqtt_topic("pi-0142", "ack")) == ("pi-0142", "ack")
    assert of_mqtt_topic("coldchain/v2/pi-0142/ack") is None
    assert of_mqtt_topic("coldchain/v1/pi-0142/ack/more") is None
    assert of_mqtt_topic("$SYS/broker/load") is None
