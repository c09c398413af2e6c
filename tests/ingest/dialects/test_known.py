"""The books know the dialects that the gate understands, and the topics on which they are spoken."""

from coldchain.dialects import dialects
from ingest.dialects import DIALECTS

OWN = "a4c138000001"


def test_every_dialect_is_known_by_its_name():
    assert set(dialects()) == set(DIALECTS)


def test_topics_by_default_are_those_of_the_dialect():
    for name, dialect in DIALECTS.items():
        for is_bridge in (False, True):
            assert dialects()[name].topics_of(OWN, is_bridge=is_bridge) == dialect.topics(OWN, is_bridge), name


def test_without_a_name_of_its_own_a_device_has_no_topics_but_those_that_need_none():
    known = dialects()

    assert known["tasmota"].topics_of(None, is_bridge=False) == ()
    assert known["zigbee2mqtt"].topics_of(None, is_bridge=True) == ("zigbee2mqtt/#",)
    assert known["thingsboard"].topics_of(None, is_bridge=True) == ("v1/gateway/telemetry",)
