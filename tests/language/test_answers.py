"""What the server's answers promise: what was written is read, and nothing else is taken for an answer."""

import json

import pytest

from coldchain.answers import (
    Acknowledgement,
    BadAnswer,
    Configuration,
    RefusedPack,
    decode_acknowledgement,
    decode_configuration,
    decode_refused,
    encode_acknowledgement,
    encode_configuration,
    encode_refused,
)
from coldchain.ranges import ranges_of
from tests.tales import NEW_YEAR


def test_an_acknowledgement_names_the_outbox_and_all_durable_ranges():
    ack = Acknowledgement("9f86d081884c7d65", ranges_of([[1, 57], [60, 61]]), NEW_YEAR)
    body = encode_acknowledgement(ack)

    assert json.loads(body) == {"outbox": "9f86d081884c7d65", "durable": [[1, 57], [60, 61]], "at": NEW_YEAR}
    assert decode_acknowledgement(body) == ack


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'{"outbox":"a","durable":[[2,1]],"at":1}',
        b'{"outbox":"a","durable":[["1","5"]],"at":1}',
        b'{"outbox":"a","durable":7,"at":1}',
        b'{"outbox":null,"durable":[],"at":1}',
        b'{"outbox":"a","durable":[],"at":"now"}',
        b'{"outbox":"a","at":1}',
    ],
)
def test_nothing_is_deleted_on_a_word_that_cannot_be_read(body):
    with pytest.raises(BadAnswer):
        decode_acknowledgement(body)


def test_a_refusal_tells_which_pack_and_why():
    refused = RefusedPack(57, "9f86d081884c7d65", "wrongly-dated", "12 minutes ahead")

    assert decode_refused(encode_refused(refused)) == refused
    assert decode_refused(b'{"reason":"unreadable"}') == RefusedPack(None, None, "unreadable", "")


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"nope"])
def test_a_refusal_without_a_reason_is_none(body):
    with pytest.raises(BadAnswer):
        decode_refused(body)


def test_a_configuration_carries_only_what_is_wished():
    wished = Configuration(interval_s=60, low_c=2.0)

    assert json.loads(encode_configuration(wished)) == {"interval_s": 60, "low_c": 2.0}
    assert decode_configuration(b'{"interval_s":60,"low_c":2,"colour":"blue"}') == wished
    assert decode_configuration(b"{}") == Configuration()


@pytest.mark.parametrize("body", [b"[]", b'{"interval_s":"60"}', b'{"high_c":true}', b"{"])
def test_a_configuration_with_other_things_than_numbers_is_refused(body):
    with pytest.raises(BadAnswer):
        decode_configuration(body)
