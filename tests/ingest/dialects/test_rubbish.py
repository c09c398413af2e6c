"""Whatever is published, a dialect gives readings that can be some, or the reason why it cannot be read; no crash."""

import json
from datetime import UTC

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coldchain.clock import YEAR_2000
from coldchain.readings import is_possible
from ingest.dialects import AUTO, DIALECTS, Sent, decode
from ingest.dialects.examples import examples_of
from ingest.refusals import Unreadable
from tests.helpers_ingest import ARRIVED

NAMES = [AUTO, *DIALECTS]
TOPICS = sorted({one.sent.topic for name in DIALECTS for one in examples_of(name)})
PAYLOADS = sorted({one.sent.payload for name in DIALECTS for one in examples_of(name)})

WORDS = """temperature temp tempc tempf temperature_F temperature_1_C t tC TempC_DS Temperature DS18B20 Id Time TempUnit
StatusSNS ZbReceived value unit values ts time id name model channel object deviceInfo devEui uplink_message data tags
params src result temperature:100 errors n bn bt v u vs vb bver end_device_ids decoded_payload entity_id state
attributes mac last_seen humidity contact door ext_temperature received_at date"""

words = st.sampled_from(WORDS.split())
numbers = st.one_of(
    st.integers(), st.floats(), st.decimals(allow_nan=True).map(str), st.sampled_from(["85.0", "4,5", "nan"])
)
leaves = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=20), words)
messages = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(words, st.text(max_size=8)), inner, max_size=6)
    ),
    max_leaves=25,
)
topics = st.one_of(st.sampled_from(TOPICS), st.text(max_size=30), st.lists(words, max_size=5).map("/".join))
mappings = st.one_of(st.none(), st.fixed_dictionaries({"unit": st.sampled_from(["C", "F", "K", "?", 3])}))


def readings_or_reason(name, sent):
    try:
        return decode(name, sent)
    except Unreadable as why:
        reason = str(why)
    assert 0 < len(reason) < 400
    assert reason.isprintable()
    return []


def check(name, topic, payload, mapping=None, retained=False):
    sent = Sent(topic, payload, ARRIVED, UTC, mapping, retained)
    for reading in readings_or_reason(name, sent):
        assert (reading.value is None) != (reading.fault is None)
        assert reading.unit != "Cel" or reading.value is None or is_possible(reading.value)
        assert reading.device_id.isprintable()
        assert reading.sensor.isprintable()
        assert reading.measured_at is None or reading.measured_at >= YEAR_2000
        assert reading.measured_at is not None or not retained


@pytest.mark.parametrize("name", NAMES)
@given(topic=topics, payload=st.one_of(st.binary(max_size=60), st.binary(max_size=30).map(b"\x82".__add__)))
@settings(max_examples=60, deadline=None)
@example(topic="", payload=b"")
@example(topic="", payload=b"[" * 100_000)
@example(topic="", payload=b'{"temperature":' + b"9" * 100_000 + b"}")
@example(topic="", payload=b'{"temperature":1e999999999}')
@example(topic="", payload=b'{"temperature":1e-999999999}')
@example(topic="", payload=b'{"a":' * 500 + b"1" + b"}" * 500)
@example(topic="", payload=b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff")
@example(topic="", payload=b"\x81" * 5_000)
@example(topic="", payload=b"\x81\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01")
def test_any_bytes(name, topic, payload):
    check(name, topic, payload)


@pytest.mark.parametrize("name", NAMES)
@given(topic=topics, message=messages, mapping=mappings, retained=st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_json(name, topic, message, mapping, retained):
    check(name, topic, json.dumps(message).encode(), mapping, retained)


@pytest.mark.parametrize("name", NAMES)
@given(
    topic=topics,
    payload=st.sampled_from(PAYLOADS),
    at=st.integers(0, 400),
    length=st.integers(0, 8),
    instead=st.one_of(st.binary(max_size=6), leaves.map(lambda leaf: json.dumps(leaf).encode())),
)
@settings(max_examples=100, deadline=None)
def test_an_example_with_a_hole_in_it(name, topic, payload, at, length, instead):
    check(name, topic, payload[:at] + instead + payload[at + length :])
