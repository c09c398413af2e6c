"""What a switch promises: a door or the mains, yes or no, at once where it changes, and never as a temperature."""

import json
from pathlib import Path

import pytest

from coldchain.readings import Reading
from coldchain.senml import encode
from gateway_agent.sensors import Sensed
from gateway_agent.sensors.switch import Switch
from gateway_agent.settings import NO_RULES, BadSettings, SensorSettings, parse
from ingest.senml import parse as parse_pack
from tests.gateway_agent.test_settings import FILE, LEAST


@pytest.mark.parametrize(("text", "is_inverted", "value"), [("1\n", False, 100), ("0\n", False, 0), ("0", True, 100)])
def test_a_file_that_says_0_or_1_is_a_switch(tmp_path: Path, text: str, is_inverted: bool, value: int):
    (tmp_path / "online").write_text(text)

    assert Switch("mains", tmp_path / "online", is_inverted).read() == [Sensed("mains", value, None, "/")]


def test_a_file_that_is_gone_or_says_something_else_is_a_fault(tmp_path: Path):
    (tmp_path / "value").write_text("in\n")

    assert Switch("door", tmp_path / "value").read() == [Sensed("door", None, "unreadable", "/")]
    assert Switch("door", tmp_path / "nothing").read() == [Sensed("door", None, "unplugged", "/")]


def test_the_settings_name_its_file(tmp_path: Path):
    settings = parse(
        f'{LEAST}\n[[sensor]]\nchannel = "door"\nkind = "switch"\npath = "gpio17"\ninverted = true\n', FILE
    )

    assert settings.sensors[1] == SensorSettings(
        "door", "switch", rules=NO_RULES, path=FILE.parent / "gpio17", is_inverted=True
    )
    with pytest.raises(BadSettings, match="path"):
        parse(f'{LEAST}\n[[sensor]]\nchannel = "door"\nkind = "switch"\n', FILE)


def test_it_travels_as_a_switch_and_is_read_as_one():
    body = encode("pi-0142", "9f86d081884c7d65", 1, [Reading("mains", 1_767_225_600_000, 0, None, "/")])

    assert json.loads(body)[-1] == {"n": "mains", "t": 0, "u": "/", "v": 0.0}
    [column] = parse_pack("pi-0142", body, 1_767_225_600_000).columns
    assert (column.unit, column.values) == ("/", (0,))
