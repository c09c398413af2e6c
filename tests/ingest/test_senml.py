"""What a pack of SenML says, and what is refused of it (RFC 8428)."""

import json
from pathlib import Path
from typing import Any

import pytest

from coldchain.clock import HOUR, MINUTE, SECOND
from coldchain.packs import Column, Pack
from coldchain.readings import Reading
from coldchain.senml import encode
from ingest.refusals import Oversized, Unbelieved, Unreadable, WronglyDated
from ingest.senml import LONGEST, parse
from tests.helpers_ingest import ARRIVED, OUTBOX, PI
from tests.tales import NEW_YEAR

BASE: dict[str, Any] = {"bn": f"{PI}:", "bt": NEW_YEAR // 1000}
SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "senml-examples.json"


def read(*records: dict[str, Any] | str, at: int = ARRIVED) -> Pack:
    texts = [record if isinstance(record, str) else json.dumps(record) for record in records]
    return parse(PI, f"[{','.join(texts)}]".encode(), at)


def refusal(*records: dict[str, Any] | str, at: int = ARRIVED) -> Unbelieved:
    with pytest.raises(Unbelieved) as why:
        read(*records, at=at)
    return why.value


def only_column(pack: Pack) -> Column:
    [column] = pack.columns
    return column


def value_of(text: str, **more: Any) -> int:
    [value] = only_column(read({**BASE, "n": "outbox", "vs": "a", **more}, f'{{"n":"tvc","v":{text}}}')).values
    return value


# What a pack says


def test_the_example_of_the_wire_is_read_as_it_is_meant():
    pack = read(
        {**BASE, "n": "outbox", "vs": OUTBOX},
        {"n": "seq", "v": 57},
        {"n": "tvc", "u": "Cel", "t": 0, "v": 4.56},
        {"n": "tvc", "t": 60, "vs": "fault:unplugged"},
    )

    column = Column("tvc", "Cel", (NEW_YEAR,), (456,), (NEW_YEAR + MINUTE,), ("unplugged",))
    assert pack == Pack(PI, OUTBOX, 57, ARRIVED, "device", (column,))


def test_what_the_agent_writes_comes_out_as_it_went_in():
    readings = [
        Reading("tvc", NEW_YEAR + 250, 456),
        Reading("tvc", NEW_YEAR + MINUTE, -50),
        Reading("tamb", NEW_YEAR + MINUTE + 1, 3150),
        Reading("tvc", NEW_YEAR + 2 * MINUTE, None, "unplugged"),
    ]

    pack = parse(PI, encode(PI, OUTBOX, 57, readings), ARRIVED)

    assert (pack.outbox_id, pack.seq, pack.quality) == (OUTBOX, 57, "trusted")
    assert {reading for column in pack.columns for reading in column.readings()} == set(readings)


def test_without_outbox_and_number_it_is_a_foreign_pack_of_outbox_0():
    pack = read({**BASE, "n": "tvc", "v": 4.5})

    assert (pack.outbox_id, pack.seq, pack.quality) == ("0", None, "device")


def test_a_number_without_an_outbox_counts_in_outbox_0():
    pack = read({**BASE, "n": "seq", "v": 3}, {"n": "tvc", "v": 4.5})

    assert (pack.outbox_id, pack.seq) == ("0", 3)


def test_a_simple_device_may_leave_its_name_and_the_time_out_and_is_dated_by_arrival():
    pack = read({"n": "tvc", "v": 4.5})

    assert pack.quality == "arrival"
    assert only_column(pack) == Column("tvc", "Cel", (ARRIVED,), (450,))


def test_one_record_without_a_time_has_the_whole_pack_dated_by_arrival():
    pack = read({"n": "tvc", "v": 4.5, "t": NEW_YEAR // 1000}, {"n": "tamb", "v": 30})

    assert pack.quality == "arrival"
    assert [column.measured_at for column in pack.columns] == [(NEW_YEAR,), (ARRIVED,)]


def test_small_times_are_relative_to_the_arrival():
    pack = read({"n": "tvc", "v": 4.5, "t": -60}, {"n": "tvc", "v": 4.6, "t": 0})

    assert pack.quality == "arrival"
    assert only_column(pack).measured_at == (ARRIVED - MINUTE, ARRIVED)


def test_a_small_base_time_is_relative_too():
    pack = read({"bt": -120, "n": "tvc", "v": 4.5}, {"n": "tvc", "v": 4.6, "t": 60.5})

    assert only_column(pack).measured_at == (ARRIVED - 2 * MINUTE, ARRIVED - 2 * MINUTE + 60_500)


def test_an_undated_pack_stands_at_its_arrival_and_says_that_nobody_knows():
    pack = read({"bn": f"{PI}:", "n": "clock", "vs": "undated"}, {"n": "tvc", "v": 4.5, "t": 300}, {"n": "tvc", "v": 5})

    assert pack.quality == "undated"
    assert only_column(pack).measured_at == (ARRIVED, ARRIVED)


def test_base_fields_hold_until_another_takes_their_place():
    pack = read(
        {**BASE, "bu": "Cel", "n": "a", "v": 1},
        {"n": "b", "v": 2, "t": 1},
        {"bt": NEW_YEAR // 1000 + 3600, "n": "a", "v": 3},
        {"bu": "%RH", "n": "c", "v": 4},
    )

    assert [(column.channel, column.unit, column.measured_at, column.values) for column in pack.columns] == [
        ("a", "Cel", (NEW_YEAR, NEW_YEAR + HOUR), (100, 300)),
        ("b", "Cel", (NEW_YEAR + SECOND,), (200,)),
        ("c", "%RH", (NEW_YEAR + HOUR,), (400,)),
    ]


def test_a_base_value_is_added_exactly():
    assert value_of("0.065", bv=4.5) == 457
    assert value_of("-0.2", bv=0.1) == -10


def test_a_base_record_alone_is_no_reading():
    pack = read(BASE, {"n": "tvc", "v": 4.5})

    assert len(pack) == 1


def test_other_units_stand_beside_in_hundredths():
    pack = read({**BASE, "n": "rh", "u": "%RH", "v": 61.25}, {"n": "power", "u": "V", "v": 231.5})

    assert [(column.unit, column.values, column.is_temperature) for column in pack.columns] == [
        ("%RH", (6125,), False),
        ("V", (23150,), False),
    ]


def test_a_door_may_say_true_and_is_no_temperature():
    column = only_column(read({**BASE, "n": "door", "vb": True}, {"n": "door", "t": 60, "vb": False}))

    assert (column.values, column.is_temperature) == ((100, 0), False)


def test_a_fault_before_the_first_value_stands_in_the_same_column():
    column = only_column(read({**BASE, "n": "rh", "vs": "fault:unplugged"}, {"n": "rh", "t": 60, "u": "%RH", "v": 60}))

    assert (column.unit, column.values, column.faults) == ("%RH", (6000,), ("unplugged",))


def test_unknown_labels_are_left_alone():
    assert len(read({**BASE, "n": "tvc", "v": 4.5, "battery": 99.5, "more": {"deep": [1]}})) == 1


@pytest.mark.skipif(not SAMPLES.exists(), reason="the shared samples lie beside a full checkout only")
@pytest.mark.parametrize("example", ["ex1", "ex2", "ex3"])
def test_the_packs_of_rfc_8428_are_resolved_as_the_rfc_resolves_them(example):
    [told] = [one for one in json.loads(SAMPLES.read_text()) if one["id"] == example]
    records = [{**record} for record in told["input"]]
    for record in records:  # the same packs, under the name of a device that we could have enrolled
        if "bn" in record:
            record["bn"] = f"{PI}:"
        elif record["n"].startswith("urn:"):
            record["n"] = f"{PI}:temperature"
    arrival = round(told["resolved"][-1]["t"] * 1000)

    pack = read(*records, at=arrival)

    found = sorted(
        (at, value, column.unit)
        for column in pack.columns
        for at, value in zip(column.measured_at, column.values, strict=True)
    )
    assert found == sorted(
        (round(record["t"] * 1000), round(record["v"] * 100), record["u"]) for record in told["resolved"]
    )


# A reading is an integer


@pytest.mark.parametrize(
    ("text", "hundredths"),
    [
        ("4.56", 456),
        ("4", 400),
        ("-0.5", -50),
        ("4.565", 457),
        ("-4.565", -457),
        ("4.5649999", 456),
        ("8.005", 801),
        ("1.005", 101),
        ("-0.005", -1),
        ("0.004", 0),
        ("-0", 0),
        ("45e-1", 450),
        ("0.04565e2", 457),
        ("150.004", 15000),
        ("-100.004", -10000),
    ],
)
def test_hundredths_are_made_from_the_digits_half_away_from_zero(text, hundredths):
    assert value_of(text) == hundredths


@pytest.mark.parametrize("text", ["150.005", "-100.005", "151", "-101", "1e308", "-1e308", "1000000", "9" * 400])
def test_what_no_probe_can_measure_is_a_fault_and_no_number(text):
    column = only_column(read({**BASE, "n": "seq", "v": 1}, f'{{"n":"tvc","v":{text}}}'))

    assert (column.values, column.faults) == ((), ("range",))


@pytest.mark.parametrize("value", [85, 85.0])
def test_a_ds18b20_that_has_not_measured_yet_is_a_fault_and_no_hot_fridge(value):
    agents = [{**BASE, "n": "outbox", "vs": OUTBOX}, {"n": "seq", "v": 57}, {"n": "clock", "vs": "trusted"}]
    column = only_column(read(*agents, {"n": "tvc", "u": "Cel", "t": 0, "v": value}))
    near = only_column(read(*agents, {"n": "tvc", "u": "Cel", "t": 0, "v": 85.01}))

    assert (column.values, column.faults) == ((), ("power-on",))
    assert (near.values, near.faults) == ((8501,), ())


def test_an_immense_value_in_another_unit_is_a_fault_too():
    column = only_column(read({**BASE, "n": "p", "u": "Pa", "v": 1e300}, {"n": "p", "u": "Pa", "t": 1, "v": 101325.25}))

    assert (column.values, column.faults) == ((10132525,), ("range",))


# What is refused


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"4.5",
        b"null",
        b"[4.5]",
        b"[[]]",
        b'[{"n":"tvc","v":NaN}]',
        b'[{"n":"tvc","v":Infinity}]',
        b'[{"n":"tvc","v":-Infinity}]',
        b'[{"n":"tvc","v":1e999}]',
        b'[{"n":"tvc","v":4.5}',
        b'[{"n":"tvc","v":4.5}] and more',
        b"[{'n':'tvc','v':4.5}]",
        b'[{"n":"tvc","v":4,5}]',
        b'[{"n":"tvc","v":04.5}]',
        b'\xef\xbb\xbf[{"n":"tvc","v":4.5}]',
        b'[{"n":"\xff","v":4.5}]',
        b'[{"n":"tvc","v":4.5,"u":"\xc3\x28"}]',
        b'[{"n":"\\ud800","v":4.5}]',
        b"[" * 100_000,
        b'[{"n":"tvc","v":' + b"[" * 100_000,
        b'[{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
        b'{"a":' * 50_000,
        b"\x00",
        b"\xff" * 1000,
    ],
)
def test_what_is_no_senml_json_is_unreadable(payload):
    with pytest.raises(Unreadable):
        parse(PI, payload, ARRIVED)


@pytest.mark.parametrize(
    "record",
    [
        {"n": "tvc", "v": "4.5"},
        {"n": "tvc", "vs": "4.5"},
        {"n": "tvc", "v": True},
        {"n": "tvc", "v": None},
        {"n": "tvc", "v": [4.5]},
        {"n": "tvc"},
        {"n": "tvc", "t": 0},
        {"v": 4.5},
        {"n": "", "v": 4.5},
        {"n": 5, "v": 4.5},
        {"n": "tvc", "v": 4.5, "vs": "fault:unplugged"},
        {"n": "tvc", "v": 4.5, "vb": True},
        {"n": "tvc", "vb": True, "vs": "fault:unplugged"},
        {"n": "tvc", "vb": 1},
        {"n": "tvc", "s": 4.5},
        {"n": "tvc", "v": 4.5, "s": 4.5},
        {"n": "tvc", "vd": "aGVsbG8"},
        {"n": "tvc", "vs": "fault:"},
        {"n": "tvc", "vs": "fault:" + "x" * 41},
        {"n": "tvc", "vs": "fault:<script>"},
        {"n": "tvc", "v": 4.5, "t": "0"},
        {"n": "tvc", "v": 4.5, "t": True},
        {"n": "tvc", "v": 4.5, "bt": "1767225600"},
        {"n": "tvc", "v": 4.5, "u": ""},
        {"n": "tvc", "v": 4.5, "u": "two words"},
        {"n": "tvc", "v": 4.5, "bver": 11},
        {"n": "tvc", "v": 4.5, "must_": 1},
        {"n": "tvc", "v": 4.5, "x": 1, "must_": 1},
        {"n": "-tvc", "v": 4.5},
        {"n": "t v c", "v": 4.5},
        {"n": "tvc" * 30, "v": 4.5},
        '{"n":"tvc","v":4.5,"v":9.5}',
        '{"n":"tvc","v":4.5,"\\u0076":9.5}',
        '{"n":"tvc","n" : "tamb","v":4.5}',
        '{"n":"tvc","v":4.5,"x":1,"x":2}',
    ],
)
def test_a_record_that_could_be_mistaken_refuses_the_pack_whole(record):
    why = refusal({**BASE, "n": "outbox", "vs": OUTBOX}, {"n": "seq", "v": 57}, {"n": "tvc", "v": 5}, record)

    assert isinstance(why, Unreadable)
    assert (why.outbox_id, why.seq) == (OUTBOX, 57)


@pytest.mark.parametrize(
    "name",
    [
        {"bn": "pi-0143:", "n": "tvc"},
        {"bn": "", "n": "pi-0143:tvc"},
        {"bn": "pi-014", "n": "2x:tvc"},
        {"bn": "urn:dev:mac:0024befffe804ff1:", "n": "tvc"},
        {"n": "pi-0143:tvc"},
        {"bn": "pi-0142", "n": "tvc"},
    ],
)
def test_the_name_of_another_device_refuses_the_pack(name):
    assert isinstance(refusal({**name, "v": 4.5}), Unreadable)


@pytest.mark.parametrize("name", [{"bn": "pi-0142", "n": ":tvc"}, {"n": "pi-0142:tvc"}, {"bn": "pi-0142:t", "n": "vc"}])
def test_the_own_name_may_be_cut_anywhere(name):
    assert only_column(read({**name, "v": 4.5})).channel == "tvc"


@pytest.mark.parametrize("seq", ["-1", "0.5", "57.25", "9007199254740992", "1e300", "9" * 400, '"57"', "true", "null"])
def test_a_number_that_no_outbox_counts_to_refuses_the_pack(seq):
    why = refusal({**BASE, "n": "outbox", "vs": OUTBOX}, f'{{"n":"seq","v":{seq}}}', {"n": "tvc", "v": 4.5})

    assert isinstance(why, Unreadable)
    assert why.seq is None


@pytest.mark.parametrize(("seq", "number"), [("0", 0), ("57.0", 57), ("5.7e1", 57), ("9007199254740991", 2**53 - 1)])
def test_a_whole_number_is_one_however_it_is_written(seq, number):
    assert read({**BASE, "n": "tvc", "v": 4.5}, f'{{"n":"seq","v":{seq}}}').seq == number


@pytest.mark.parametrize(
    "record",
    [
        {"n": "outbox", "v": 5},
        {"n": "outbox", "vs": ""},
        {"n": "outbox", "vs": "a b"},
        {"n": "outbox", "vs": "x" * 65},
        {"n": "outbox", "vs": "another"},
        {"n": "seq", "v": 58},
        {"n": "seq", "vs": "57"},
        {"n": "clock", "vs": "maybe"},
        {"n": "clock", "v": 1},
    ],
)
def test_what_a_pack_says_of_itself_must_be_said_once_and_well(record):
    beginning = ({**BASE, "n": "outbox", "vs": OUTBOX}, {"n": "seq", "v": 57}, {"n": "tvc", "v": 4.5})

    assert isinstance(refusal(*beginning, record), Unreadable)


def test_a_pack_without_a_reading_is_refused():
    assert isinstance(refusal({**BASE, "n": "outbox", "vs": OUTBOX}, {"n": "seq", "v": 57}), Unreadable)


def test_an_agent_that_does_not_know_the_time_may_ask_with_an_empty_pack():
    pack = read({"bn": "pi-0142:", "n": "outbox", "vs": OUTBOX}, {"n": "seq", "v": 57}, {"n": "clock", "vs": "undated"})

    assert (pack.seq, pack.quality, pack.columns) == (57, "undated", ())


def test_a_pack_of_more_channels_than_any_device_has_is_refused():
    assert isinstance(refusal(*({"n": f"c{number}", "v": 4.5} for number in range(257))), Unreadable)


def test_five_minutes_ahead_are_believed_and_a_second_more_is_not():
    read({"bt": ARRIVED // 1000 + 300, "n": "tvc", "v": 4.5})
    why = refusal({"bt": ARRIVED // 1000, "n": "tvc", "v": 4.5}, {"n": "tvc", "v": 4.5, "t": 301})

    assert isinstance(why, WronglyDated)
    assert why.ahead_ms == 301 * SECOND


def test_a_fault_that_is_ahead_is_no_better_dated():
    assert isinstance(refusal({"bt": ARRIVED // 1000 + 301, "n": "tvc", "vs": "fault:unplugged"}), WronglyDated)


@pytest.mark.parametrize("t", [268_435_456, 946_684_799, -3e8, -1e11, -1e300])
def test_before_2000_nothing_was_measured(t):
    why = refusal({"n": "tvc", "v": 4.5, "t": t})

    assert isinstance(why, WronglyDated)
    assert why.ahead_ms is None


@pytest.mark.parametrize(
    "time", ['"t":1e300', '"bt":1e308,"t":1e308', f'"t":{"9" * 300}', f'"bt":1.5,"t":{"9" * 300}', '"t":99999999999']
)
def test_a_time_beyond_any_calendar_is_ahead(time):
    why = refusal(f'{{"n":"tvc","v":4.5,{time}}}')

    assert isinstance(why, WronglyDated)
    assert why.ahead_ms is not None
    assert 0 < why.ahead_ms <= 2**53


def test_256_kib_are_read_and_a_byte_more_is_not():
    filling = '{"n":"tvc","v":4.5}'
    payload = f"[{filling}".encode().ljust(LONGEST - 1) + b"]"

    assert len(parse(PI, payload, ARRIVED)) == 1
    with pytest.raises(Oversized):
        parse(PI, payload + b" ", ARRIVED)
