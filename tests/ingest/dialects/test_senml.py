"""SenML of devices nobody knows is read as the gate reads that of those it knows; JSON and CBOR say the same."""

import json
import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import senml
from ingest.dialects import Sent, decode
from ingest.dialects.cbor import cbor_of
from ingest.refusals import Unbelieved, Unreadable
from tests.helpers_ingest import ARRIVED

NUMBERS = {"bver": -1, "bn": -2, "bt": -3, "bu": -4, "bv": -5, "n": 0, "u": 1, "v": 2, "vs": 3, "vb": 4, "t": 6}

values = st.one_of(
    st.fixed_dictionaries({"v": st.decimals(-90, 80, places=3).map(float)}),
    st.fixed_dictionaries({"v": st.integers(-90, 80)}),
    st.fixed_dictionaries({"v": st.sampled_from([151, -100.01, 1e9, 85, 85.0, 84.99, -127, 327.67])}),
    st.just({"vs": "fault:unplugged"}),
    st.fixed_dictionaries({"vb": st.booleans()}),
)
records = st.builds(
    lambda name, value, more: {"n": name} | value | more,
    st.sampled_from(["tvc", "tamb", "door", "room/top"]),
    values,
    st.fixed_dictionaries(
        {},
        optional={
            "t": st.integers(-86_400, 60),
            "u": st.sampled_from(["Cel", "%RH"]),
            "bu": st.sampled_from(["Cel", "V"]),
        },
    ),
)
packs = st.builds(
    lambda base, more: [{"bn": "pi-0142:"} | base | more[0], *more[1:]],
    st.fixed_dictionaries({}, optional={"bt": st.sampled_from([ARRIVED // 1000, -60, 0]), "bver": st.integers(1, 12)}),
    st.lists(records, min_size=1, max_size=6),
)


def by_the_gate(payload):
    """(channel, instant or None, value, fault) of every reading, sorted; None where it is refused."""
    try:
        pack = senml.parse("pi-0142", payload, ARRIVED)
    except Unbelieved:
        return None
    return sorted(
        [(c.channel, at, value, None) for c in pack.columns for at, value in zip(c.measured_at, c.values, strict=True)]
        + [(c.channel, at, None, fault) for c in pack.columns for at, fault in zip(c.faulty_at, c.faults, strict=True)],
        key=str,
    )


def by_the_dialect(payload):
    try:
        readings = decode("senml", Sent("", payload, ARRIVED))
    except Unreadable:
        return None
    at = [ARRIVED if one.measured_at is None else one.measured_at for one in readings]
    return sorted(((one.sensor, when, one.value, one.fault) for one, when in zip(readings, at, strict=True)), key=str)


@given(packs)
def test_both_readers_say_the_same(pack):
    payload = json.dumps(pack).encode()

    assert by_the_dialect(payload) == by_the_gate(payload)


@given(packs)
def test_cbor_says_what_json_says(pack):
    assert by_the_dialect(in_cbor(pack)) == by_the_dialect(json.dumps(pack).encode())


@pytest.mark.parametrize(
    ("encoded", "told"),
    [
        ("f93c00", "1"),
        ("f90001", "6e-8"),
        ("fa4092147b", "4.565"),
        ("fb40123d70a3d70a3d", "4.56"),
        ("c4822119ffff", "655.35"),
        ("c4823863c24101", None),
        ("c5822018c8", "100"),
        ("c24101", "1"),
        ("c34101", "-2"),
        ("1bffffffffffffffff", "18446744073709551615"),
        ("d9d9f701", "1"),
    ],
)
def test_a_number_keeps_the_digits_that_were_meant(encoded, told):
    number = cbor_of(bytes.fromhex(encoded))

    assert number == Decimal(told) if told else number.adjusted() == -100


@pytest.mark.parametrize(
    "encoded",
    ["", "8201", "9f01", "ff", "f8ff", "62ffff", "a1f93e0001", "a201010102", "0101", "1c", "5f4101", "7f4161ff"],
)
def test_what_is_not_well_formed_is_refused(encoded):
    with pytest.raises(Unreadable):
        cbor_of(bytes.fromhex(encoded))


def in_cbor(item):
    """Just enough of an encoder: the tests' own, so that no mistake stands on both sides."""
    if isinstance(item, bool):
        return b"\xf5" if item else b"\xf4"
    if isinstance(item, float):
        return b"\xfb" + struct.pack(">d", item)
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(in_cbor, item))
    return head(5, len(item)) + b"".join(in_cbor(NUMBERS[key]) + in_cbor(inner) for key, inner in item.items())


def head(major, size):
    return bytes([major << 5 | 27]) + size.to_bytes(8, "big")
