"""A DS18B20 gives a number, or the reason why not; never a number that no fridge has."""

import os
from pathlib import Path

import pytest

from gateway_agent.sensors import Sensed
from gateway_agent.sensors.ds18b20 import Ds18b20, centidegrees_of
from tests.helpers_gateway_agent import lay_out_ds18b20, w1_text

ROM = "28-0316a2795aff"


def read(base: Path) -> Sensed:
    return Ds18b20("tvc", ROM, base).read()[0]


def read_text(base: Path, text: str) -> Sensed:
    lay_out_ds18b20(base, ROM, text)
    return read(base)


def test_a_temperature_is_read_as_centidegrees(tmp_path):
    assert read_text(tmp_path, w1_text(4562)) == Sensed("tvc", 456)


@pytest.mark.parametrize(
    ("millidegrees", "expected"),
    [(4565, 457), (4564, 456), (-4565, -457), (-4564, -456), (-5, -1), (-4, 0), (0, 0), (20625, 2063), (-625, -63)],
)
def test_a_half_goes_away_from_zero(millidegrees, expected):
    assert centidegrees_of(millidegrees) == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (w1_text(85_000), "power-on"),
        (w1_text(-127_000), "range"),
        (w1_text(127_937), "range"),
        (w1_text(-55_001), "range"),
        (w1_text(4562, check="NO"), "checksum"),
        ("", "unreadable"),
        ("\n", "unreadable"),
        ("4a 01 4b 46 7f ff 06 10 f7 : crc=f7 YES\n", "unreadable"),
        ("4a 01 4b 46 7f ff 06 10 f7 : crc=f7 YES\n4a 01 4b 46 7f ff 06 10 f7\n", "unreadable"),
        ("4a 01 4b 46 7f ff 06 10 f7 : crc=f7 YES\n4a 01 4b 46 7f ff 06 10 f7 t=\n", "unreadable"),
        ("4a 01 4b 46 7f ff 06 10 f7 : crc=f7 YES\n4a 01 4b 46 7f ff 06 10 f7 t=12x4\n", "unreadable"),
        ("nothing like it\nt=4562\n", "unreadable"),
        ("00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n", "unreadable"),
    ],
)
def test_what_is_no_measurement_is_a_fault(tmp_path, text, fault):
    assert read_text(tmp_path, text) == Sensed("tvc", None, fault)


def test_bytes_that_are_no_text_are_a_fault(tmp_path):
    lay_out_ds18b20(tmp_path, ROM, "").write_bytes(b"\xff\xfe\x00\n\xff t=4562\n")

    assert read(tmp_path) == Sensed("tvc", None, "unreadable")


def test_a_genuine_zero_is_a_number(tmp_path):
    text = "00 00 4b 46 7f ff 10 10 8a : crc=8a YES\n00 00 4b 46 7f ff 10 10 8a t=0\n"

    assert read_text(tmp_path, text) == Sensed("tvc", 0)


def test_a_probe_that_was_never_there_is_unplugged(tmp_path):
    assert read(tmp_path) == Sensed("tvc", None, "unplugged")


def test_a_probe_that_vanishes_is_unplugged(tmp_path):
    file = lay_out_ds18b20(tmp_path, ROM, w1_text(4562))
    file.unlink()
    file.parent.rmdir()

    assert read(tmp_path) == Sensed("tvc", None, "unplugged")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads what nobody may read")
def test_a_file_that_may_not_be_read_is_unreadable(tmp_path):
    lay_out_ds18b20(tmp_path, ROM, w1_text(4562)).chmod(0)

    assert read(tmp_path) == Sensed("tvc", None, "unreadable")


def test_a_folder_where_the_file_should_be_is_unreadable(tmp_path):
    (tmp_path / ROM / "w1_slave").mkdir(parents=True)

    assert read(tmp_path) == Sensed("tvc", None, "unreadable")


def test_a_kernel_with_the_newer_file_alone_is_read_too(tmp_path):
    (tmp_path / ROM).mkdir()
    (tmp_path / ROM / "temperature").write_text("4562\n")

    assert read(tmp_path) == Sensed("tvc", 456)


@pytest.mark.parametrize(("text", "fault"), [("", "unreadable"), ("warm", "unreadable"), ("85000", "power-on")])
def test_the_newer_file_can_fail_as_well(tmp_path, text, fault):
    (tmp_path / ROM).mkdir()
    (tmp_path / ROM / "temperature").write_text(text)

    assert read(tmp_path) == Sensed("tvc", None, fault)


def test_a_probe_that_comes_back_is_read_again(tmp_path):
    assert read(tmp_path).fault == "unplugged"

    assert read_text(tmp_path, w1_text(2000)) == Sensed("tvc", 200)
