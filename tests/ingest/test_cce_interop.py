"""What a transfer of equipment monitoring comes to: the devices' packs, their own alarms, and doubts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldchain.facts import Enrolled, SpokenFor
from coldchain.packs import Column, Pack
from ingest.cce_interop import RECORDS_AT_ONCE, Report, parts, read, understood
from ingest.refusals import Unreadable
from tests.helpers_ingest import ARRIVED
from tests.tales import QUARTER, hour

ALWAYS = -(1 << 62)
PLATFORM = Enrolled(
    "emd-platform",
    1,
    "",
    "senml",
    (),
    is_bridge=True,
    speaks_for=(SpokenFor("LG-0071", "ilr-7", ALWAYS), SpokenFor("tenant:3/eq:9", "ilr-9", ALWAYS)),
)
OWN = Enrolled("emd-1", 1, "", "senml", ())


def abst(hours: float) -> str:
    """So many hours into 2026, in ISO 8601's basic form."""
    minutes = round(hours * 60)
    return f"202601{1 + minutes // 1440:02d}T{minutes // 60 % 24:02d}{minutes % 60:02d}00Z"


def record(hours: float, **more: Any) -> dict[str, Any]:
    return {"ABST": abst(hours), "ALRM": None, "EERR": None, "LERR": None, "TVC": 4.5, **more}


def report(*records: Any, **more: Any) -> dict[str, Any]:
    return {"CID": "IN", "LSER": "LG-0071", "ESER": "EM-0071", **more, "records": list(records)}


def transfer(*reports: Any, version: str | None = "0.8.1", transfer_id: str = "t-1") -> bytes:
    meta = {"schemaVersion": version, "transferType": "ems", "transferId": transfer_id, "transferSrc": "org.example"}
    return json.dumps({"meta": meta, "data": list(reports)}).encode()


def told(payload: bytes, sender: Enrolled = PLATFORM, ended: str = "") -> list[Report]:
    def known(device_id: str) -> Enrolled | None:
        return None if device_id == ended else OWN

    return list(understood(read(payload), sender, ARRIVED, known))


def columns(*records: Any, version: str | None = "0.8.1") -> dict[str, Column]:
    [one] = told(transfer(report(*records), version=version))
    return {column.channel: column for pack in one.packs for column in pack.columns}


def test_a_record_is_a_reading_of_each_of_its_quantities():
    [one] = told(transfer(report(record(1, TFRZ=-18.25, TAMB=31.5, HAMB=61, BEMD=14.3, BLOG=367, CMPR=120))))

    assert (one.hardware_id, one.readings, one.doubted) == ("LG-0071", 7, [])
    [pack] = one.packs
    assert (pack.device_id, pack.seq, pack.quality, pack.received_at) == ("ilr-7", None, "device", ARRIVED)
    assert {column.channel: (column.unit, column.measured_at, column.values) for column in pack.columns} == {
        "tvc": ("Cel", (hour(1),), (450,)),
        "tfrz": ("Cel", (hour(1),), (-1825,)),
        "tamb": ("Cel", (hour(1),), (3150,)),
        "hamb": ("%RH", (hour(1),), (6100,)),
        "bemd": ("d", (hour(1),), (1430,)),
        "blog": ("d", (hour(1),), (36700,)),
        "compressor": ("s", (hour(1),), (12000,)),
    }


def test_the_warmth_of_the_machine_is_no_temperature_of_the_store():
    assert set(columns(record(1, TCON=48.1, TCON2=47.0, TPCB=39.2, TPCB2=38.0))) == {"tvc"}


@pytest.mark.parametrize(
    ("version", "seconds"),
    [("0.8.1", 12), ("0.8.0", 12), ("1.0", 12), ("0.7.2", 720), ("0.1.1", 720), (None, None), ("new", None)],
)
def test_the_compressors_time_is_minutes_in_old_schemas_and_left_where_none_is_named(
    version: str | None, seconds: int | None
):
    found = columns(record(1, CMPR=12), version=version).get("compressor")

    assert (found and found.values) == (None if seconds is None else (seconds * 100,))


@pytest.mark.parametrize(
    ("errors", "fault"),
    [
        ({"LERR": "SENS"}, "SENS"),
        ({"LERR": "COMM BATT"}, "COMM"),
        ({"EERR": "E12"}, "E12"),
        ({}, "not-available"),
        ({"LERR": ""}, "not-available"),
    ],
)
def test_null_is_a_fault_with_the_errors_token(errors: dict[str, str], fault: str):
    found = columns(record(1, TVC=None, **errors))["tvc"]

    assert (found.values, found.faulty_at, found.faults) == ((), (hour(1),), (fault,))


def test_an_absent_key_is_not_measured():
    assert set(columns({"ABST": abst(1), "TAMB": 30})) == {"tamb"}


@pytest.mark.parametrize("beyond", [150.01, -327.68, 1e300])
def test_what_no_probe_can_have_measured_is_a_fault(beyond: float):
    assert columns(record(1, TVC=beyond))["tvc"].faults == ("range",)


def test_the_door_is_open_since_it_was_opened():
    door = columns(record(1, DORV=0, IDRV=0), record(1.25, DORV=400, IDRV=400))["door"]

    assert door.unit == "bool"
    assert list(zip(door.measured_at, door.values, strict=True)) == [
        (hour(1), 0),
        (hour(1.25) - 400_000, 100),
        (hour(1.25), 100),
    ]


def test_a_door_that_was_open_the_whole_period_was_open_since_its_beginning():
    door = columns(record(1, DORV=0), record(1.25, DORV=900))["door"]

    assert list(zip(door.measured_at, door.values, strict=True)) == [(hour(1), 0), (hour(1), 100), (hour(1.25), 100)]


def test_openings_that_are_over_are_no_open_door():
    assert columns(record(1, DORV=890, DRCV=1, IDRV=None))["door"].values == (0,)


@pytest.mark.parametrize(
    ("more", "values"),
    [
        ({"SVA": 0}, (0,)),
        ({"SVA": 1}, (100,)),
        ({"SVA": 900}, (100,)),
        ({"DCSV": 0, "DCCD": 0}, (0,)),
        ({"DCSV": 17.2, "DCCD": 3.8}, (100,)),
        ({"SVA": None}, ()),
    ],
)
def test_power_is_there_where_it_was_for_any_of_the_period(more: dict[str, Any], values: tuple[int, ...]):
    assert columns(record(1, **more))["power"].values == values


def test_numbers_may_be_text_and_unknown_keys_are_left_alone():
    assert columns(record(1, TVC="4.50", XNEW={"a": [1]}, MSW=True))["tvc"].values == (450,)


def test_halves_are_rounded_as_their_digits_say():
    assert columns(record(1, TVC=2.675))["tvc"].values == (268,)


def test_disorder_and_repeats_come_to_the_same_columns():
    straight = columns(record(1, TVC=4), record(2, TVC=5), record(3, TVC=6))

    assert straight == columns(record(3, TVC=6), record(1, TVC=4), record(2, TVC=5), record(3, TVC=6))


def test_alarms_are_told_from_the_first_to_the_last_record_in_a_row():
    quarters = [1.0, 1.25, 1.5, 1.75, 2.0]
    codes = ["HEAT", "HEAT DOOR", "DOOR", None, "HEAT"]
    [one] = told(transfer(report(*[record(at, ALRM=code) for at, code in zip(quarters, codes, strict=True)])))

    assert [(said.device_id, said.kind, said.happened_at, said.content["alarms"]) for said in one.said] == [
        ("ilr-7", "device-alarm", hour(1), [{"code": "HEAT", "since": hour(1), "until": hour(1) + QUARTER}]),
        ("ilr-7", "device-alarm", hour(1.25), [{"code": "DOOR", "since": hour(1.25), "until": hour(1.5)}]),
        ("ilr-7", "device-alarm", hour(2), [{"code": "HEAT", "since": hour(2), "until": hour(2)}]),
    ]


# Whose it is


@pytest.mark.parametrize(
    ("named", "device_id"),
    [
        ({"LSER": "lg-0071"}, "ilr-7"),
        ({"LSER": None, "ESER": " LG-0071 "}, "ilr-7"),
        ({"LSER": "unknown", "ESER": None, "AMID": "tenant:3/eq:9"}, "ilr-9"),
        ({"LSER": "unknown", "LID": "LG-0071"}, "ilr-7"),
    ],
)
def test_a_report_is_of_the_device_that_its_sender_speaks_for(named: dict[str, Any], device_id: str):
    [one] = told(transfer(report(record(1), **named)))

    assert [pack.device_id for pack in one.packs] == [device_id]


def test_hardware_that_nobody_knows_is_doubted_and_named():
    [one] = told(transfer(report(record(1), record(2), LSER="LG-0099", ESER="EM-0099")))
    [doubt] = one.doubted

    assert (one.packs, doubt.records, doubt.why.reason, doubt.why.hardware_id) == ([], 2, "unknown-device", "LG-0099")
    assert "LG-0099" in doubt.why.detail
    assert "ESER 'EM-0099'" in doubt.why.detail


def test_a_doubted_report_is_kept_so_that_it_can_be_read_again():
    [known, strange] = told(transfer(report(record(1)), report(record(1), LSER="LG-0099", ESER=None, XNEW=1)))
    again = read(strange.doubted[0].payload)

    assert (known.doubted, len(again.reports), again.version) == ([], 1, (0, 8, 1))
    assert again.reports[0]["XNEW"] == 1


def test_a_logger_that_changed_hands_is_whose_it_was_at_the_time():
    moved = (SpokenFor("LG-0071", "ilr-7", ALWAYS, hour(2)), SpokenFor("LG-0071", "ilr-8", hour(2)))
    sender = Enrolled("emd-platform", 1, "", "senml", (), is_bridge=True, speaks_for=moved)
    [one] = told(transfer(report(record(1), record(2))), sender)

    assert {pack.device_id: pack.columns[0].measured_at for pack in one.packs} == {
        "ilr-7": (hour(1),),
        "ilr-8": (hour(2),),
    }


def test_records_from_before_the_sender_spoke_for_it_are_doubted():
    late = Enrolled(
        "emd-platform", 1, "", "senml", (), is_bridge=True, speaks_for=(SpokenFor("LG-0071", "ilr-7", hour(2)),)
    )
    [one] = told(transfer(report(record(1), record(2))), late)

    assert (one.readings, [doubt.records for doubt in one.doubted]) == (1, [1])


def test_what_an_ended_device_measures_is_doubted():
    [one] = told(transfer(report(record(1))), ended="ilr-7")

    assert (one.packs, one.doubted[0].why.reason) == ([], "unknown-device")


def test_a_device_that_sends_for_itself_needs_no_name():
    [one] = told(transfer({"CID": "IN", "records": [record(1)]}), OWN)

    assert [pack.device_id for pack in one.packs] == ["emd-1"]


def test_a_device_with_a_hardware_name_sends_for_no_other():
    own = Enrolled("emd-1", 1, "", "senml", (), hardware_id="EM-0071")
    mine, other = told(transfer(report(record(1)), report(record(1), ESER="EM-0072")), own)

    assert ([pack.device_id for pack in mine.packs], other.packs) == (["emd-1"], [])


# Large ones


@pytest.mark.parametrize("counts", [[1], [500], [501], [3, 499], [499, 3, 700, 0, 2_000], [0] * 1_200])
def test_a_large_transfer_comes_in_parts_that_are_the_whole(counts: list[int]):
    whole = [report(*[record(number / 4) for number in range(count)], LID=str(n)) for n, count in enumerate(counts)]
    found: dict[int, list[Any]] = {}
    for part in parts(transfer(*whole)):
        pieces = read(part.payload).reports
        assert sum(len(piece["records"]) for piece in pieces) <= RECORDS_AT_ONCE
        for number, piece in zip(part.numbers, pieces, strict=True):
            assert piece["LID"] == str(number)
            found.setdefault(number, []).extend(piece["records"])

    assert [len(found[number]) for number in range(len(counts))] == counts


def test_a_small_transfer_and_one_that_cannot_be_read_stay_as_they_came():
    small, bad = transfer(report(record(1))), b"{"

    assert (parts(small), parts(bad)) == ([((0,), small)], [((), bad)])


# What cannot be believed


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"ABST": "2026-01-01T00:15:00Z"}, "unreadable"),
        ({"ABST": None}, "unreadable"),
        ({"ABST": "20260230T001500Z"}, "unreadable"),
        ({"ABST": "20260101T121000Z"}, "wrongly-dated"),
        ({"ABST": "19991231T235959Z"}, "wrongly-dated"),
        ({"TVC": "cold"}, "unreadable"),
        ({"TVC": True}, "unreadable"),
        ({"TVC": [4.5]}, "unreadable"),
    ],
)
def test_one_bad_record_is_doubted_and_the_others_are_taken(bad: dict[str, Any], reason: str):
    [one] = told(transfer(report(record(1), record(2, **bad), record(3))))
    [doubt] = one.doubted

    assert one.packs[0].columns[0].measured_at == (hour(1), hour(3))
    assert (doubt.records, len(read(doubt.payload).reports[0]["records"])) == (1, 1)
    assert doubt.why.reason == reason


@pytest.mark.parametrize("records", [None, [], {}, "many"])
def test_a_report_without_records_is_doubted(records: Any):
    [one] = told(transfer({**report(), "records": records}))

    assert (one.packs, one.doubted[0].why.reason) == ([], "unreadable")


@pytest.mark.parametrize("strange", [None, 7, "x", [1]])
def test_what_is_no_report_or_no_record_is_doubted(strange: Any):
    no_report, no_record = told(transfer(strange, report(strange, record(1))))

    assert (no_report.packs, len(no_report.doubted)) == ([], 1)
    assert (no_record.readings, len(no_record.doubted)) == (1, 1)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe{",
        b"[]",
        b'{"meta": {}}',
        b'{"meta": {}, "data": []}',
        b'{"meta": 1, "data": [1]}',
        b'{"meta": {}, "data": [{"TVC": NaN}]}',
        b"\x1f\x8b\x08 half a packet",
        b'{"data": ' + b"[" * 10_000,
    ],
)
def test_what_is_no_transfer_cannot_be_read(payload: bytes):
    with pytest.raises(Unreadable):
        read(payload)


rubbish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ABST", "TVC", "records"]), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["ABST", "TVC", "TFRZ", "DORV", "IDRV", "SVA", "DCSV", "CMPR", "ALRM", "LERR", "HAMB"])


@given(st.dictionaries(KEYS, rubbish), st.dictionaries(st.sampled_from(["LSER", "ESER", "AMID", "records"]), rubbish))
def test_no_rubbish_does_more_than_raise_a_doubt(values: dict[str, Any], more: dict[str, Any]):
    for one in told(transfer(report(record(1), {**record(2), **values}), {**report(record(1)), **more})):
        for pack in one.packs:
            assert isinstance(pack, Pack)
            assert len(pack) > 0
        for doubt in one.doubted:
            read(doubt.payload)
