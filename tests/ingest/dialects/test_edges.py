"""What a table of examples has no place for: where one dialect ends, and what must not be mistaken."""

import contextlib
import json
import time

import pytest

from ingest.dialects import Sent, decode
from ingest.dialects.examples import line_of
from ingest.refusals import Unreadable
from tests.helpers_ingest import ARRIVED

RAW = "0398753AC6D7000CFFF803F4ADB6AD697FF40000000142"  # of data format 5: 4.6 °C


def told(dialect, topic, payload, **more):
    """(sensor, °C or fault) of each temperature."""
    content = payload if isinstance(payload, bytes) else payload.encode()
    lines = [line_of(reading) for reading in decode(dialect, Sent(topic, content, ARRIVED, **more))]
    return [(line["sensor"], line.get("celsius", line.get("fault"))) for line in lines if line]


def heard_of(data, **more):
    return told(
        "ruuvi", "ruuvi/C8:00:00:00:01:42/F4:00:00:00:01:42", json.dumps({"ts": "1772366400", "data": data} | more)
    )


@pytest.mark.parametrize("digits", ["1e999", "-1e401", "1e99999999999999999999", "9" * 401])
def test_a_number_beyond_any_measure_cannot_be_read(digits):
    with pytest.raises(Unreadable, match="number"):
        told("json", "loggers/142", f'{{"temperature":4.5,"serial":{digits}}}')


@pytest.mark.parametrize(("levels", "is_read"), [(23, True), (24, False), (400, False), (40_000, False)])
def test_a_message_has_its_depth(levels, is_read):
    payload = '{"a":' * levels + '{"temperature":4.5}' + "}" * levels

    if is_read:
        assert told("json", "loggers/142", payload) == [("a/" * levels + "temperature", 4.5)]
    else:
        with pytest.raises(Unreadable, match="nested deeper than 24"):
            told("json", "loggers/142", payload)


@pytest.mark.parametrize("name", ["a\\nb", "a\\u0000", "\\ud800", "a" * 201])
def test_a_name_that_cannot_be_shown_is_none(name):
    with pytest.raises(Unreadable, match="device_id"):
        told("json", "loggers/142", f'{{"device_id":"{name}","temperature":4.5}}')


def test_nan_in_a_name_is_a_name():
    payload = '{"device_id":"a:nan,b","temperature":4.5}'

    assert [one.device_id for one in decode("json", Sent("loggers", payload.encode(), ARRIVED))] == ["a:nan,b"]
    assert told("json", "loggers", '{"temperature": -nan, "humidity":nan}') == [("temperature", "not-available")]


def test_what_is_asked_of_a_zigbee_device_is_no_reading():
    assert told("zigbee2mqtt", "zigbee2mqtt/ilr-2/set", '{"temperature":4.5}') == []
    assert told("zigbee2mqtt", "zigbee2mqtt/set", '{"temperature":4.5}') == [("temperature", 4.5)]  # a device's name


def test_another_makers_bytes_are_no_ruuvi():
    assert heard_of(f"0201061BFF990405{RAW}") == [("temperature", 4.6)]
    assert heard_of(f"0201061BFF4C0005{RAW}") == []
    assert heard_of(f"0201061BFF990408{RAW}") == []  # encrypted


def test_a_data_format_that_is_too_short_for_itself_cannot_be_read():
    with pytest.raises(Unreadable, match="data format 5 has 24 bytes, and here 3"):
        heard_of("06FF9904050398")


def test_a_ruuvi_at_85_degrees_is_at_85_degrees():
    assert heard_of(f"0201061BFF9904054268{RAW[4:]}") == [("temperature", 85.0)]
    assert heard_of("", temperature=85.0) == [("temperature", 85.0)]


def test_what_chirpstack_tells_beside_uplinks_is_no_reading():
    payload = '{"deviceInfo":{"devEui":"a840410000000142"},"object":{"temperature":4.5}}'

    assert told("chirpstack", "application/1/device/a840410000000142/event/integration", payload) == []
    assert told("chirpstack", "application/1/device/a840410000000142/event/up", payload) == [("temperature", 4.5)]


def test_what_stands_in_a_log_is_never_dated_by_the_message():
    rows = [{"timestamp": 1772362800, "probe": {"temperature": 4.1}}, {"temperature": 4.2}, "lost"]
    told_object = {"deviceInfo": {"devEui": "a84041"}, "time": "2026-03-01T12:00:00Z", "object": {"history": rows}}
    topic = "application/1/device/a84041/event/up"

    readings = decode("chirpstack", Sent(topic, json.dumps(told_object).encode(), ARRIVED))

    assert [(one.sensor, one.measured_at) for one in readings] == [("probe/temperature", 1_772_362_800_000)]


def test_a_switch_with_the_name_of_a_probe_is_no_temperature():
    assert told("esphome", "ilr-2/binary_sensor/probe_1/state", "1") == []
    assert told("esphome", "ilr-2/sensor/probe_1/state", "1") == [("probe_1", 1.0)]


def test_a_unit_in_the_mapping_makes_a_temperature_of_what_may_be_one():
    celsius = {"unit": "C"}

    assert told("esphome", "ilr-2/sensor/left/state", "4.5") == []
    assert told("esphome", "ilr-2/sensor/left/state", "4.5", mapping=celsius) == [("left", 4.5)]
    assert told("esphome", "ilr-2/sensor/humidity/state", "61", mapping=celsius) == []
    assert told("esphome", "ilr-2/sensor/uptime/state", "61", mapping=celsius) == []


def test_the_time_nearest_to_a_reading_is_its_own():
    payload = '{"id":"x","time":1772366400,"log":[{"t":4.5,"time":1772366460},{"t":4.6}]}'

    readings = decode("json", Sent("loggers", payload.encode(), ARRIVED))

    assert [one.measured_at for one in readings] == [1_772_366_460_000, 1_772_366_400_000]


def test_times_of_a_boot_that_never_knew_the_time_mean_nothing():
    payload = b'[{"bn":"pi-0142:","bt":1772366400,"n":"clock","vs":"undated"},{"n":"tvc","u":"Cel","v":4.5}]'

    assert [one.measured_at for one in decode("senml", Sent("", payload, ARRIVED))] == [None]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"v": 4.5, "must_": 1}, "ends in '_'"),
        ({"v": 4.5, "t": 500_000_000}, "before the year 2000"),
        ({"v": 4.5, "t": 1e13}, "beyond any calendar"),
        ({"v": 4.5, "t": None}, "t is no number"),
        ({"v": 4.5, "u": 7}, "the unit is no text"),
        ({"v": None}, "v is no number"),
        ({"vs": "4.5", "u": "Cel"}, "a text stands where a number belongs"),
        ({"vs": "fault:"}, "the fault has no name"),
        ({"vb": 1}, "vb is no truth value"),
        ({"v": 4.5, "n": 7}, "a name is no text"),
    ],
)
def test_a_record_that_cannot_be_believed(record, reason):
    with pytest.raises(Unreadable, match=reason):
        told("senml", "", json.dumps([{"bn": "pi-0142:", "n": "tvc"} | record]))


def test_a_mapping_may_point_past_a_dot_and_at_the_unit():
    mapping = {"temperature": ["a.b", "t"], "unit": "u", "device": "sn"}

    assert told("json", "loggers", '{"a.b":{"t":40.1},"u":"degF","sn":7}', mapping=mapping) == [("t", 4.5)]
    assert told("json", "loggers", '{"u":"degF"}', mapping=mapping) == []
    with pytest.raises(Unreadable, match="°F"):
        told("json", "loggers", '{"a.b":{"t":40.1},"u":"furlong"}', mapping=mapping)
    with pytest.raises(Unreadable, match="no list"):
        told("json", "loggers", '{"e":7}', mapping={"each": "e", "temperature": "t"})


LARGE = 250_000

HEAVY: dict[str, tuple[str, str | bytes]] = {
    "many temperatures": ("json", "{" + ",".join(f'"temp_{n}":4.5' for n in range(LARGE // 15)) + "}"),
    "many inside": ("json", '{"a":{' + ",".join(f'"temp_{n}":4.5' for n in range(LARGE // 15)) + "}}"),
    "many objects": ("json", '{"a":[' + ",".join(['{"t":4.5,"ts":1}'] * (LARGE // 17)) + "]}"),
    "one long number": ("json", '{"temp":' + "4" * LARGE + "}"),
    "one long text": ("json", '{"temp":"' + "4" * LARGE + '"}'),
    "one long key": ("json", '{"' + "temp" * (LARGE // 4) + '":4.5}'),
    "much white space": ("json", '{"temp":' + " " * LARGE + "nan}"),
    "many commas": ("json", '{"a":[' + "1, " * (LARGE // 3) + '1],"temp":nan}'),
    "many records": ("senml", "[" + ",".join(['{"bn":"a:","n":"t","v":4.565}'] * (LARGE // 30)) + "]"),
    "many floats": (
        "senml-cbor",
        b"\x9a" + (LARGE // 9).to_bytes(4) + (LARGE // 9) * b"\xfb\x40\x12\x43\xd7\x0a\x3d\x70\xa5",
    ),
    "many probes": ("tasmota", "{" + ",".join(f'"D{n}":{{"Temperature":4}}' for n in range(LARGE // 27)) + "}"),
    "a long advertisement": ("ruuvi", '{"data":"' + "0101" * (LARGE // 4) + '"}'),
    "a long time": ("json", '{"temp":4.5,"time":"' + "2026-03-01" * (LARGE // 10) + '"}'),
}
"""A quarter of a megabyte each, made to cost as much as can be."""


@pytest.mark.parametrize("name", HEAVY)
def test_no_message_costs_more_than_its_length(name):
    dialect, payload = HEAVY[name]
    sent = Sent("a/b", payload if isinstance(payload, bytes) else payload.encode(), ARRIVED)
    began = time.process_time()

    with contextlib.suppress(Unreadable):
        decode(dialect, sent)

    assert time.process_time() - began < 4
