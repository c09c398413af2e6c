"""What docs/raspberry-pi.md says can be done, as it says it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from coldchain.clock import SECOND
from coldchain.rules import rule_set
from gateway_agent.outbox import Room
from gateway_agent.settings import Broker, Settings, parse
from gateway_agent.traffic import told, traffic
from tests.helpers_gateway_agent import DEVICE, gateway, some_settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/raspberry-pi.md").read_text()
UNIT = (ROOT / "gateway_agent/coldchain-agent.service").read_text()

EXAMPLE, OWN_RULES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def example(folder: Path, text: str = EXAMPLE) -> Settings:
    (folder / "ca.pem").write_text("an authority")
    return parse(text.replace("/etc/coldchain/ca.pem", "ca.pem"), folder / "agent.toml")


def test_the_example_is_a_settings_file(tmp_path):
    assert [sensor.channel for sensor in example(tmp_path).sensors] == ["tvc", "freezer", "door", "practice"]


def test_the_examples_values_are_those_that_hold_without_them(tmp_path):
    said = example(tmp_path)
    least = parse(
        'device_id = "phc-rampur-1"\n[broker]\nurl = "mqtts://broker.example.org"\n'
        '[[sensor]]\nchannel = "tvc"\nkind = "ds18b20"\nrom = "28-0316a2795aff"\n',
        tmp_path / "agent.toml",
    )

    assert least == replace(said, sensors=said.sensors[:1], alarm_command=(), broker=least.broker)
    assert least.broker == replace(said.broker, password="", tls_ca=None)


def test_ones_own_rules_are_read(tmp_path):
    text = EXAMPLE.replace('rules = "refrigerator" ', "# ") + OWN_RULES

    assert example(tmp_path, text).rules.rules[0].limit == rule_set("refrigerator").rules[0].limit


@pytest.mark.parametrize(
    "row", re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
)
def test_the_table_of_traffic_is_what_the_command_computes(tmp_path, row):
    interval, age = int(row[0]) * SECOND, int(row[1]) * SECOND
    plain = some_settings(tmp_path, interval=interval, max_age=age)
    with_tls = some_settings(tmp_path, interval=interval, max_age=age, broker=Broker(is_tls=True))

    assert plain.device_id == DEVICE
    assert [str(traffic(plain).packs), f"{traffic(plain).megabytes:.1f}", f"{traffic(with_tls).megabytes:.1f}"] == list(
        row[2:]
    )
    assert row[3] in told(plain)


def test_every_key_of_the_status_is_explained(tmp_path):
    status = gateway(tmp_path, room=Room("stop", 1, lambda path: 0))
    status.agent.on_configuration(b'{"low_c":3}')
    status.beats(1)
    told = json.loads(status.agent.status().as_json())
    status.stop()

    assert {"lost", "not_kept", "limits", "interval_since"} < told.keys()
    assert [key for key in told if f"`{key}`" not in PAGE] == []


def test_every_fault_is_explained():
    assert [f for f in ("unplugged", "power-on", "checksum", "range", "unreadable") if f"| `{f}` |" not in PAGE] == []


def test_the_unit_starts_the_agent_that_the_page_installs():
    assert "ExecStart=/opt/coldchain/bin/coldchain agent --config /etc/coldchain/agent.toml" in UNIT
    assert "StateDirectory=coldchain-agent" in UNIT
    assert "Restart=always" in UNIT
