"""Devices of other dialects and a bridge, from the broker to the page: real processes, real passwords."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from coldchain.clock import SECOND, iso, now
from tests.helpers_end_to_end import Platform
from tests.helpers_house import Client, wait_until

pytestmark = pytest.mark.servers

PROBES = ("0000000000A1", "0000000000A2")
ONE, TWO, STRANGE = "0x00158d0000000001", "0x00158d0000000002", "0x00158d0000000003"


@pytest.fixture(scope="module")
def spoken(platform: Platform) -> Iterator[dict[str, Client]]:
    """A plug with two probes, and a hub that speaks for two fridges; both at the broker."""
    platform.add_point("ILR 1")
    platform.add_point("ILR 2")
    tasmota = ["--dialect", "tasmota", "--hardware-id", "kitchen", "--zone", "Asia/Kolkata", "--probe"]
    plug = platform.say("device", "enrol", "plug-1", *tasmota, f"DS18B20-{PROBES[1]}=ambient", "--json")
    hub = platform.say("device", "enrol", "hub-1", "--kind", "bridge", "--dialect", "zigbee2mqtt", "--json")
    for number, hardware in enumerate((ONE, TWO), 1):
        platform.say("device", "bridge", "hub-1", f"fridge-{number}", hardware, "--storage-point", f"ILR {number}")
    given = [json.loads(line) for line in (plug, hub)]
    clients = {one["device_id"]: Client(platform.mqtt_port, one["username"], one["password"]) for one in given}
    for client in clients.values():
        client.__enter__()
    yield clients
    for client in clients.values():
        client.__exit__(None, None, None)


def telemetry(at: int, *celsius: float) -> bytes:
    local = iso(at + 19_800 * SECOND).removesuffix("Z")[:19]
    told: dict[str, Any] = {"Time": local, "TempUnit": "C"}
    told |= {f"DS18B20-{n}": {"Id": PROBES[n - 1], "Temperature": one} for n, one in enumerate(celsius, 1)}
    return json.dumps(told).encode()


def said(hub: Client, hardware: str, **told: Any) -> None:
    assert hub.publish(f"zigbee2mqtt/{hardware}", json.dumps(told).encode())


def test_a_plug_with_two_probes_is_read_in_its_own_zone(platform: Platform, spoken: dict[str, Client]):
    at = now() // SECOND * SECOND - 60 * SECOND
    assert spoken["plug-1"].publish("tele/kitchen/SENSOR", telemetry(at, 4.5625, 24.5))
    wait_until(lambda: len(platform.readings("plug-1")) == 2, 20, "both probes")

    assert sorted(platform.readings("plug-1")) == [
        (f"DS18B20-{PROBES[0]}", at, 456),
        (f"DS18B20-{PROBES[1]}", at, 2450),
    ]


def test_a_hub_s_devices_each_get_their_own_and_a_stranger_is_kept(platform: Platform, spoken: dict[str, Client]):
    hub = spoken["hub-1"]
    said(hub, ONE, temperature=4.5, humidity=61, battery=90, device_temperature=31)
    said(hub, TWO, temperature=5.25)
    said(hub, STRANGE, temperature=6.5)
    wait_until(lambda: platform.readings("fridge-2"), 20, "the second fridge")
    refused = [one for one in platform.items("/api/v1/refusals") if one["hardware_id"] == STRANGE]

    temperatures = [value for channel, _, value in platform.readings("fridge-1") if channel == "temperature"]
    assert temperatures == [450]
    assert [value for _, _, value in platform.readings("fridge-2")] == [525]
    assert [(one["device_id"], one["reason"]) for one in refused] == [("hub-1", "unknown-device")]

    asked = json.dumps({"device_id": "fridge-3", "hardware_id": STRANGE}).encode()
    platform.ask("/api/v1/devices/hub-1/speaks-for", asked)
    assert platform.ask(f"/api/v1/refusals/{refused[0]['id']}/release", b"{}")["released"]
    wait_until(lambda: platform.readings("fridge-3"), 20, "what the stranger said")
    assert [value for _, _, value in platform.readings("fridge-3")] == [650]


def test_nobody_says_anything_on_the_topics_of_others(platform: Platform, spoken: dict[str, Client]):
    before = len(platform.readings("plug-1"))
    with Client(platform.mqtt_port, "hub-1", spoken["hub-1"].password) as rogue:
        rogue.publish("tele/kitchen/SENSOR", telemetry(now(), 9.5), within_s=0.5)
    said(spoken["hub-1"], TWO, temperature=5.5)
    wait_until(lambda: len(platform.readings("fridge-2")) >= 2, 20, "what came after it")

    assert len(platform.readings("plug-1")) == before


def test_what_was_durable_when_the_gate_died_counts_once(platform: Platform, spoken: dict[str, Client]):
    before = len([one for one in platform.readings("fridge-1") if one[0] == "temperature"])
    platform.dies_at("gate.appended")  # on disk, and its PUBACK was not sent: the broker sends it again
    said(spoken["hub-1"], ONE, temperature=7.25)
    wait_until(lambda: platform.has_died_at("gate.appended"), 20, "the gate to die")
    wait_until(platform.is_well, 30, "the gate to be back")
    said(spoken["hub-1"], ONE, temperature=7.5)

    def told() -> list[int]:
        return [value for channel, _, value in platform.readings("fridge-1") if channel == "temperature"][before:]

    wait_until(lambda: 750 in told(), 20, "what came after it")
    assert told() == [725, 750]


def test_what_is_said_while_the_gate_is_away_waits_for_it(platform: Platform, spoken: dict[str, Client]):
    before = len(platform.readings("fridge-2"))
    platform.dies_at("gate.received")
    said(spoken["hub-1"], TWO, temperature=3.25)
    wait_until(lambda: platform.has_died_at("gate.received"), 20, "the gate to die")
    said(spoken["hub-1"], TWO, temperature=3.5)
    wait_until(lambda: len(platform.readings("fridge-2")) == before + 2, 40, "both")

    assert [value for _, _, value in platform.readings("fridge-2")][before:] == [325, 350]


def test_whoever_watches_sees_what_the_hub_says_now(platform: Platform, spoken: dict[str, Client]):
    assert platform.ask("/api/v1/devices/hub-1/heard")["items"] == []
    said(spoken["hub-1"], ONE, temperature=4.25)
    wait_until(lambda: platform.ask("/api/v1/devices/hub-1/heard")["items"], 20, "the message")
    [message] = platform.ask("/api/v1/devices/hub-1/heard")["items"]

    reading = message["readings"][0]
    assert (message["verdict"], message["topic"]) == ("accepted", f"zigbee2mqtt/{ONE}")
    assert (reading["value"], reading["device_id"], reading["storage_point"]["name"]) == (4.25, "fridge-1", "ILR 1")


def test_a_device_that_is_enrolled_while_all_runs_is_heard_at_once(platform: Platform, spoken: dict[str, Client]):
    given = json.loads(
        platform.say("device", "enrol", "node-1", "--dialect", "esphome", "--hardware-id", "shed", "--json")
    )
    with Client(platform.mqtt_port, "node-1", given["password"]) as node:
        assert node.publish("shed/sensor/fridge_temperature/state", b"4.75")
        wait_until(lambda: platform.readings("node-1"), 20, "its first reading")
        platform.say("device", "end", "node-1")
        wait_until(lambda: node.drops, 20, "the broker to turn it away")

    assert [value for _, _, value in platform.readings("node-1")] == [475]
