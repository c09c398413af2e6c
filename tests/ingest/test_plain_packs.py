"""The short way for an agent's packs and the long way for all of SenML say the same, whatever is sent."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coldchain.clock import MINUTE
from coldchain.packs import Pack
from coldchain.readings import POWER_ON_VALUE, Reading
from coldchain.senml import encode
from ingest.refusals import Unbelieved
from ingest.senml import _plain_pack, _Reader
from tests.helpers_ingest import ARRIVED, OUTBOX, PI
from tests.tales import NEW_YEAR


def the_long_way(payload: bytes) -> Pack | None:
    try:
        return _Reader(PI, payload, ARRIVED).pack()
    except Unbelieved:
        return None


readings = st.lists(
    st.builds(
        Reading,
        st.sampled_from(["tvc", "tamb", "probe:2"]),
        st.integers(NEW_YEAR, ARRIVED + 10 * MINUTE),
        st.integers(-6_000, 9_000).filter(lambda value: value != POWER_ON_VALUE),  # an agent sends that as a fault
    ),
    min_size=1,
    max_size=8,
)


def test_what_an_agent_writes_takes_the_short_way():
    payload = encode(PI, OUTBOX, 7, [Reading("tvc", NEW_YEAR + 60_437 * n, 450 + n) for n in range(60)])

    assert _plain_pack(PI, payload, ARRIVED) == the_long_way(payload) is not None


@given(readings)
def test_of_an_agents_readings_both_ways_make_one_pack(told):
    told = sorted(told, key=lambda reading: reading.measured_at)
    payload = encode(PI, OUTBOX, 7, told)
    pack = _plain_pack(PI, payload, ARRIVED)

    assert pack == the_long_way(payload)
    assert (pack is None) == (told[-1].measured_at > ARRIVED + 5 * MINUTE)


numbers = st.one_of(
    st.integers(-300, 3000),
    st.floats(-300, 300).map(lambda number: round(number, 3)),
    st.sampled_from([4.125, -4.005, 1e300, -1e6, 1 << 70, 0.0, -0.0, True, None, "4.5"]),
)
labels = {
    "n": st.sampled_from(["tvc", "outbox", "seq", "clock", "", "probe:2", "tamb"]),
    "v": numbers,
    "u": st.sampled_from(["Cel", "%RH", "Cel "]),
    "t": numbers,
    "vs": st.sampled_from([OUTBOX, "trusted", "undated", "fault:unplugged", ":"]),
    "bn": st.sampled_from([f"{PI}:", f"{PI}:x", ""]),
    "bt": st.sampled_from([NEW_YEAR // 1000, NEW_YEAR / 1000 + 0.5, 0, -5, 1 << 60]),
    "bv": numbers,
    "vb": st.booleans(),
    "xy_": numbers,
    "xy": numbers,
}


@given(st.data())
def test_whatever_is_changed_in_a_pack_the_short_way_never_says_other_than_the_long_one(data):
    payload = encode(
        PI, OUTBOX, 7, [Reading("tvc", NEW_YEAR + n * MINUTE, 450) for n in range(data.draw(st.integers(1, 3)))]
    )
    records: list[dict[str, Any]] = json.loads(payload)
    for _ in range(data.draw(st.integers(1, 3))):
        record = data.draw(st.sampled_from(records))
        label = data.draw(st.sampled_from(sorted(labels)))
        if label in record and data.draw(st.booleans()):
            del record[label]
        else:
            record[label] = data.draw(labels[label])
    texts = [json.dumps(record, separators=(",", ":")) for record in records]
    if data.draw(st.booleans()):  # a label that stands twice
        place = data.draw(st.integers(0, len(texts) - 1))
        label = data.draw(st.sampled_from(sorted(labels)))
        texts[place] = texts[place][:-1] + f',"{label}":{json.dumps(data.draw(labels[label]))}}}'
    changed = f"[{','.join(texts)}]".encode()
    pack = _plain_pack(PI, changed, ARRIVED)

    assert pack is None or pack == the_long_way(changed)


def test_a_ds18b20_that_has_not_measured_yet_takes_the_long_way():
    payload = encode(PI, OUTBOX, 7, [Reading("tvc", NEW_YEAR, POWER_ON_VALUE), Reading("tvc", NEW_YEAR + MINUTE, 450)])
    long = the_long_way(payload)

    assert _plain_pack(PI, payload, ARRIVED) is None
    assert long is not None
    assert [(column.values, column.faults) for column in long.columns] == [((450,), ("power-on",))]
