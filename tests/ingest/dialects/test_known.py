"""Dialects by name: those that the books know are those that the gate reads, and each is found however it is spelt."""

import pytest

from coldchain import dialects, filters
from ingest.dialects import ALSO_CALLED, AUTO, DIALECTS, NoSuchDialect, Sent, decode, named
from ingest.dialects.examples import examples_of
from ingest.refusals import Unreadable
from tests.helpers_ingest import ARRIVED


def test_the_books_know_the_dialects_that_the_gate_reads():
    assert set(dialects.dialects()) >= set(DIALECTS)


@pytest.mark.parametrize(
    "name", [one.name for one in dialects.dialects().values() if one.topics and one.name in DIALECTS]
)
def test_what_devices_publish_by_default_is_what_the_dialect_reads(name):
    known = dialects.dialect(name)
    own = [one.replace(dialects.HARDWARE, "+") for one in (*known.topics, *known.bridge_topics)]
    told = [one.sent.topic for one in examples_of(name) if one.readings]

    assert [topic for topic in told if any(filters.matches(one, topic) for one in own)]


@pytest.mark.parametrize(
    ("spelt", "name"),
    [("Tasmota", "tasmota"), ("home-assistant", "homeassistant"), ("RTL_433", "rtl_433"), ("rtl433", "rtl_433")],
)
def test_a_dialect_is_found_however_it_is_spelt(spelt, name):
    assert named(spelt).name == name


def test_other_names_are_of_dialects_that_there_are():
    assert set(ALSO_CALLED.values()) <= set(DIALECTS)
    assert not set(ALSO_CALLED) & set(DIALECTS)


def test_a_dialect_that_nobody_knows_is_told_with_those_that_there_are():
    with pytest.raises(NoSuchDialect, match="tasmota"):
        decode("klingon", Sent("a/b", b"4.5", ARRIVED))


def test_a_message_that_is_like_none_cannot_be_read():
    with pytest.raises(Unreadable, match="name the dialect"):
        decode(AUTO, Sent("a/b", b"4.5", ARRIVED))


def test_what_the_broker_had_kept_is_no_reading_where_it_bears_no_time():
    undated = Sent("shellies/shellyht-00C142/sensor/temperature", b"4.5", ARRIVED)
    dated = Sent("zigbee2mqtt/ilr-2", b'{"temperature":4.5,"last_seen":1772366400000}', ARRIVED)

    assert len(decode(AUTO, undated)) == 1
    assert decode(AUTO, undated._replace(retained=True)) == []
    assert len(decode(AUTO, dated._replace(retained=True))) == 1
