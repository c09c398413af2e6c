"""`coldchain decode`: one message from standard input, a JSON line for each temperature in it."""

import io
import json
import sys
from types import SimpleNamespace

import pytest

from coldchain.__main__ import main
from ingest.dialects import DIALECTS
from ingest.dialects.examples import examples_of


@pytest.fixture
def decode(capsys, monkeypatch):
    """Gives the exit code, the lines, and what was said on stderr."""

    def decoded(payload, *arguments):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(payload)))
        code = main(["decode", *arguments])
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return decoded


def test_a_reading_is_a_line_with_its_time(decode):
    payload = b'{"Time":"2026-03-01T17:30:00","DS18B20":{"Temperature":4.6},"TempUnit":"C"}'

    assert decode(payload, "--dialect", "auto", "--topic", "tele/ilr-2/SENSOR", "--zone", "Asia/Kolkata") == (
        0,
        [{"device_id": "ilr-2", "sensor": "DS18B20", "measured_at": "2026-03-01T12:00:00Z", "celsius": 4.6}],
        "",
    )


def test_a_probe_that_gives_none_is_a_line_too_and_a_message_without_a_time_has_none(decode):
    assert decode(b"nan", "--topic", "ilr-2/sensor/temperature/state") == (
        0,
        [{"device_id": "ilr-2", "sensor": "temperature", "measured_at": None, "fault": "not-available"}],
        "",
    )


def test_only_temperatures_are_told(decode):
    _, lines, _ = decode(b'{"temperature":4.5,"humidity":61,"battery":97}', "--topic", "zigbee2mqtt/ilr-2")

    assert [line["sensor"] for line in lines] == ["temperature"]


def test_a_message_without_a_temperature_is_no_line_and_no_mistake(decode):
    assert decode(b'{"state":"online"}', "--topic", "zigbee2mqtt/bridge/state") == (0, [], "")


def test_small_times_are_meant_from_the_arrival(decode):
    payload = b'[{"bn":"pi-0142:","n":"tvc","u":"Cel","t":-300,"v":4.5}]'

    _, [line], _ = decode(payload, "--topic", "x", "--dialect", "senml", "--received-at", "2026-03-01T12:05:00Z")

    assert line["measured_at"] == "2026-03-01T12:00:00Z"


def test_what_cannot_be_read_is_said_and_nothing_is_printed(decode):
    code, lines, error = decode(b'{"temperature":true}', "--topic", "zigbee2mqtt/ilr-2")

    assert (code, lines) == (3, [])
    assert error == "coldchain decode: temperature holds a truth value, where a number belongs\n"


def test_a_mapping_stands_in_a_file(decode, tmp_path):
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('temperature = "x"\nscale = "0.01"\n')

    _, [line], _ = decode(b'{"x":456}', "--topic", "loggers/142", "--dialect", "json", "--mapping", str(mapping))

    assert line["celsius"] == 4.56


@pytest.mark.parametrize(
    "arguments",
    [
        ("--dialect", "klingon"),
        ("--zone", "Mars/Olympus"),
        ("--received-at", "noon"),
        ("--mapping", "/does/not/exist.toml"),
    ],
)
def test_arguments_that_cannot_be_used(decode, arguments):
    code, lines, error = decode(b"4.5", "--topic", "ilr-2/temperature", *arguments)

    assert (code, lines) == (2, [])
    assert error.startswith("coldchain decode: ")


@pytest.mark.parametrize("text", ["temprature = 'x'", "scale = 'much'", "temperature = 3", "each = ''", "not toml"])
def test_a_mapping_that_cannot_be_used(decode, tmp_path, text):
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(text)

    code, lines, error = decode(b'{"x":4.5}', "--topic", "loggers/142", "--mapping", str(mapping))

    assert (code, lines) == (2, [])
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", DIALECTS)
def test_the_verb_says_what_the_table_of_examples_says(decode, name):
    for one in examples_of(name):
        if one.sent.mapping is None:
            zone = str(one.sent.zone)
            code, lines, error = decode(
                one.sent.payload,
                "--dialect",
                name,
                "--topic",
                one.sent.topic,
                "--zone",
                zone,
                "--received-at",
                "1772366405",
            )
            if one.refused is None and one.sent.received_at == 1_772_366_405_000:
                assert (code, lines, error) == (0, list(one.readings), "")
            elif one.refused is not None:
                assert (code, lines) == (3, [])
                assert one.refused in error
