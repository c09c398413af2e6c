"""Whatever bytes come, the gate answers with a pack or with a refusal, and never falls over."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldchain import wire
from coldchain.data_dir import DataDir
from coldchain.packs import Pack
from coldchain.readings import HIGHEST, LOWEST
from coldchain.senml import encode
from coldchain.topics import READINGS
from ingest.gate import Gate
from ingest.refusals import Unbelieved
from ingest.senml import MOST_AHEAD, identity, parse
from tests.helpers_ingest import ARRIVED, OUTBOX, PI, OwnClock, arrived, enrolled, tell_settings
from tests.tales import NEW_YEAR

numbers = (
    st.integers(-(10**3), 10**3)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.sampled_from([2**53, -1, 1e308, 10**400, NEW_YEAR // 1000, ARRIVED // 1000, 2**28, -(2**28), 0.5])
)
values = numbers | st.text(max_size=8) | st.booleans() | st.none() | st.lists(st.integers(), max_size=2)
names = st.sampled_from(["tvc", "outbox", "seq", "clock", f"{PI}:tvc", "other-1:tvc", "", "a b"]) | st.text(max_size=5)
texts = st.sampled_from(["fault:unplugged", "fault:", "undated", "trusted", OUTBOX, "4.5", "\ud800"]) | st.text(
    max_size=5
)
records = st.fixed_dictionaries(
    {},
    optional={
        "bn": st.sampled_from([f"{PI}:", "", "other-1:"]) | values,
        "bt": numbers | values,
        "bu": texts,
        "bv": numbers,
        "bver": numbers,
        "n": names | values,
        "u": st.sampled_from(["Cel", "%RH"]) | texts,
        "v": numbers | values,
        "vs": texts | values,
        "vb": st.booleans() | values,
        "t": numbers | values,
        "s": numbers,
        "x_": values,
        "x": values,
    },
)


def answers(payload: bytes) -> None:
    """Raises nothing but the refusal; what is believed can be journalled and read again."""
    told: Pack | Unbelieved
    try:
        told = parse(PI, payload, ARRIVED)
    except Unbelieved as why:
        told = why
    if isinstance(told, Unbelieved):
        assert told.seq is None or 0 <= told.seq < 2**53
        assert (told.ahead_ms or 0) <= 2**53
    else:
        can_be_kept(told)


def can_be_kept(pack: Pack) -> None:
    assert wire.decode(READINGS, wire.encode(pack)) == pack
    assert len(pack) > 0
    for column in pack.columns:
        assert all(at <= ARRIVED + MOST_AHEAD for at in (*column.measured_at, *column.faulty_at))
        assert not column.is_temperature or all(LOWEST <= value <= HIGHEST for value in column.values)


@given(st.binary(max_size=400))
def test_bytes_of_any_kind(payload):
    answers(payload)
    identity(PI, payload)


@given(st.text(alphabet='[]{}",:0123456789.eE+-truefalsn \\u_bv', max_size=200))
def test_what_almost_is_json(text):
    answers(text.encode())


@given(st.lists(records, max_size=5))
def test_records_with_any_value_anywhere(told):
    answers(json.dumps(told).encode("utf-8", "surrogatepass"))


good = (
    encode(PI, OUTBOX, 57, [])[:-1]
    + b',{"n":"tvc","u":"Cel","t":0,"v":4.56},{"n":"tvc","t":60,"vs":"fault:unplugged"}]'
)


@given(st.data())
def test_a_good_pack_with_a_few_bytes_changed(data):
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    answers(bytes(changed))


@given(st.integers(0, len(good)))
def test_a_good_pack_cut_anywhere(length):
    answers(good[:length])


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory):
    data_dir = DataDir(Path(tmp_path_factory.mktemp("noise")))
    tell_settings(data_dir, enrolled(PI))
    gate = Gate(data_dir, OwnClock())
    yield gate
    gate.close()


@given(st.lists(st.binary(max_size=60) | st.lists(records, max_size=3), min_size=1, max_size=4), st.booleans())
def test_the_gate_itself_has_an_outcome_for_every_message(gate, told, is_status):
    leaf = "status" if is_status else "readings"
    payloads = [one if isinstance(one, bytes) else json.dumps(one).encode("utf-8", "surrogatepass") for one in told]

    outcomes = gate.take([arrived(payload, leaf=leaf) for payload in payloads])

    assert len(outcomes) == len(told)
    assert not any("our code failed" in (o.refused.detail if o.refused else "") for o in outcomes)
