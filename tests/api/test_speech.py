"""How devices speak, whom bridges speak for, and what arrives of a device."""

from collections.abc import Iterator
from typing import Any

import pytest

from coldchain.facts import Enrolled
from coldchain.topics import SETTINGS
from ingest.gate import Gate, Message
from tests.api.conftest import START, Person, World, open_gate

PLUG: dict[str, Any] = {"dialect": "tasmota", "hardware_id": "kitchen"}
SENSOR = "tele/kitchen/SENSOR"


@pytest.fixture
def gate(world: World) -> Iterator[Gate]:
    world.mine = world.place("Mine")  # type: ignore[attr-defined]
    world.ilr = world.point("ILR 1", world.mine)  # type: ignore[attr-defined]
    with open_gate(world) as gate:
        yield gate


def came(gate: Gate, topic: str, payload: bytes, at: int = START) -> str:
    return gate.take([Message("", "", topic, payload, at)])[0].verdict


def enrolled(boss: Person, device_id: str, speech: dict[str, Any] | None = None, **more: Any) -> Any:
    return boss.post("/devices", {"device_id": device_id, "speech": speech, **more}, status=201)


def told_last(world: World, device_id: str) -> Enrolled:
    """What the gate was told of it."""
    facts = [entry.item for entry in world._journal.read(SETTINGS, 0, 10_000)]
    return [one for one in facts if isinstance(one, Enrolled) and one.device_id == device_id][-1]


def test_the_dialects_are_told_with_their_topics(boss: Person):
    items = {one["name"]: one for one in boss.get("/dialects")["items"]}

    assert items["tasmota"]["topics"][0] == "tele/{id}/SENSOR"
    assert items["zigbee2mqtt"]["title"] == "Zigbee2MQTT"


def test_a_device_is_enrolled_with_its_dialect_and_heard_by_its_topics(world: World, gate: Gate, boss: Person):
    enrolled(boss, "plug-1", PLUG, storage_point_id=world.ilr)  # type: ignore[attr-defined]
    assert came(gate, SENSOR, b'{"DS18B20":{"Id":"A1","Temperature":4.5},"TempUnit":"C"}') == "accepted"

    shown = boss.get("/devices/plug-1")
    assert (shown["dialect"], shown["speech"]["hardware_id"]) == ("tasmota", "kitchen")
    assert shown["speech"]["topics"][0] == SENSOR


def test_times_that_name_no_zone_are_those_of_the_device_else_of_its_place(world: World, gate: Gate, boss: Person):
    enrolled(boss, "plug-1", PLUG, storage_point_id=world.ilr)  # type: ignore[attr-defined]
    assert told_last(world, "plug-1").zone == "Asia/Kolkata"

    boss.post("/devices/plug-1/speech", {**PLUG, "zone": "Asia/Kathmandu"})
    assert told_last(world, "plug-1").zone == "Asia/Kathmandu"
    assert boss.get("/devices/plug-1")["speech"]["zone"] == "Asia/Kathmandu"


def test_how_a_device_speaks_is_changed_as_a_whole(world: World, gate: Gate, boss: Person):
    enrolled(boss, "plug-1", PLUG)
    changed = boss.post(
        "/devices/plug-1/speech",
        {"dialect": "json", "topics": ["shed/#"], "probes": {"t2": "ambient"}, "mapping": '{"temperature": "a.t"}'},
    )

    assert (changed["dialect"], changed["hardware_id"], changed["topics"]) == ("json", None, ["shed/#"])
    assert (changed["probes"], changed["mapping"]) == ({"t2": "ambient"}, '{"temperature":"a.t"}')
    assert told_last(world, "plug-1").probes == (("t2", "ambient"),)
    assert came(gate, SENSOR, b"{}") == "refused"
    assert came(gate, "shed/1", b'{"a": {"t": 4.5}}') == "accepted"


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"dialect": "klingon"}, 422, "there is no dialect 'klingon'"),
        ({"topics": ["#"]}, 422, "means every topic"),
        ({"topics": ["coldchain/v1/other/readings"]}, 422, "below coldchain/"),
        ({"topics": ["a/+", "a/b"]}, 422, "another filter of the device"),
        ({"topics": ["tele/+/SENSOR"]}, 409, "means topics of the device plug-1 too"),
        ({"dialect": "tasmota", "hardware_id": "a/#"}, 422, "no hardware id"),
        ({"zone": "Mars/Olympus"}, 422, "no time zone"),
        ({"mapping": "[1]"}, 422, "a JSON object"),
        ({"dialect": "json", "mapping": '{"nonsense": 1}'}, 422, "a mapping has no 'nonsense'"),
        ({"probes": {"a": "king"}}, 422, ""),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(boss: Person, asked: dict[str, Any], status: int, says: str):
    enrolled(boss, "plug-1", PLUG)
    enrolled(boss, "box-1")

    assert says in boss.post("/devices/box-1/speech", asked, status=status)["detail"]
    assert says in boss.post("/devices", {"device_id": "box-2", "speech": asked}, status=status)["detail"]


def test_topics_are_free_again_once_their_device_has_ended(boss: Person):
    enrolled(boss, "plug-1", PLUG)
    boss.post("/devices/plug-1/end")

    assert enrolled(boss, "plug-2", PLUG)["device_id"] == "plug-2"


HUB = {"dialect": "zigbee2mqtt"}


def test_a_bridge_speaks_for_a_device_that_is_enrolled_by_it(world: World, gate: Gate, boss: Person):
    enrolled(boss, "hub-1", HUB, kind="bridge", place_id=world.mine)  # type: ignore[attr-defined]
    assert came(gate, "zigbee2mqtt/a1", b'{"temperature": 4.5}') == "refused"
    spoken = boss.post(
        "/devices/hub-1/speaks-for",
        {"device_id": "fridge-1", "hardware_id": "a1", "storage_point_id": world.ilr, "interval_s": 600},  # type: ignore[attr-defined]
        status=201,
    )
    assert spoken == {"bridge_id": "hub-1", "device_id": "fridge-1", "hardware_id": "a1", "from": None, "to": None}
    [refusal] = boss.get("/refusals")["items"]
    assert (refusal["hardware_id"], refusal["topic"]) == ("a1", "zigbee2mqtt/a1")
    assert boss.post(f"/refusals/{refusal['id']}/release")["released"]

    assert came(gate, "zigbee2mqtt/a1", b'{"temperature": 4.75}') == "accepted"
    fridge = boss.get("/devices/fridge-1")
    assert (fridge["interval_s"], fridge["storage_point"]["name"]) == (600, "ILR 1")
    assert fridge["speech"]["spoken_for"] == [spoken]
    assert boss.get("/devices/hub-1")["speech"]["speaks_for"] == [spoken]
    assert "fridge-1" not in (world.data_dir.broker / "passwd").read_text()

    world.now += 1
    boss.post("/devices/hub-1/speaks-for/fridge-1/end", status=204)
    assert came(gate, "zigbee2mqtt/a1", b'{"temperature": 5}', world.now) == "refused"


def test_hardware_of_a_bridge_is_one_device_at_a_time(boss: Person):
    enrolled(boss, "hub-1", HUB, kind="bridge")
    boss.post("/devices/hub-1/speaks-for", {"device_id": "fridge-1", "hardware_id": "A1"}, status=201)

    again = boss.post("/devices/hub-1/speaks-for", {"device_id": "fridge-2", "hardware_id": "a1"}, status=409)
    assert "passes on 'a1' as the device fridge-1 already" in again["detail"]
    boss.get("/devices/fridge-2", status=404)
    boss.post("/devices/fridge-1/speaks-for", {"device_id": "hub-1", "hardware_id": "x"}, status=422)
    boss.post("/devices/fridge-1/speech", {"topics": ["a/b"]}, status=422)


def test_whoever_watches_sees_what_arrives_and_where_it_went(world: World, gate: Gate, boss: Person):
    enrolled(boss, "hub-1", HUB, kind="bridge", place_id=world.mine)  # type: ignore[attr-defined]
    boss.post(
        "/devices/hub-1/speaks-for",
        {"device_id": "fridge-1", "hardware_id": "a1", "storage_point_id": world.ilr},  # type: ignore[attr-defined]
        status=201,
    )
    assert boss.get("/devices/hub-1/heard") == {"items": [], "strangers": [], "next": None}
    came(gate, "zigbee2mqtt/a1", b'{"temperature": 4.5, "humidity": 61}')
    came(gate, "zigbee2mqtt/a2", b'{"temperature": "6.5"}')

    heard = boss.get("/devices/hub-1/heard")
    one, two = heard["items"]
    assert (one["verdict"], one["topic"], one["payload"]) == (
        "accepted",
        "zigbee2mqtt/a1",
        '{"temperature": 4.5, "humidity": 61}',
    )
    first = one["readings"][0]
    assert (first["value"], first["unit"], first["device_id"], first["storage_point"]["name"]) == (
        *(4.5, "Cel", "fridge-1"),
        "ILR 1",
    )
    assert (two["verdict"], two["reason"], two["readings"][0]["reason"]) == ("refused", *["unknown-device"] * 2)
    [stranger] = heard["strangers"]
    assert (stranger["hardware_id"], stranger["readings"][0]["value"]) == ("a2", 6.5)
    assert boss.get("/devices/hub-1/heard", after=two["number"])["items"] == []


def test_who_may_not_see_a_place_learns_nothing_of_what_arrives_there(world: World, gate: Gate, boss: Person):
    enrolled(boss, "plug-1", PLUG, place_id=world.mine)  # type: ignore[attr-defined]
    stranger = world.user("elsewhere", "programme-manager", world.place("Theirs"))
    handler = world.user("handler", "cold-chain-handler", world.mine)  # type: ignore[attr-defined]

    for path in ("/devices/plug-1/heard", "/devices/plug-1"):
        stranger.get(path, status=404)
    for path in ("speech", "speaks-for", "speaks-for/x-1/end"):
        body = {"device_id": "fridge-1", "hardware_id": "a1"} if path == "speaks-for" else PLUG
        stranger.post(f"/devices/plug-1/{path}", body, status=404)
        handler.post(f"/devices/plug-1/{path}", body, status=403)
    handler.get("/devices/plug-1/heard")


def test_a_bridge_cannot_be_made_to_speak_for_a_device_of_others(world: World, gate: Gate, boss: Person):
    enrolled(boss, "hub-1", HUB, kind="bridge", place_id=world.mine)  # type: ignore[attr-defined]
    enrolled(boss, "theirs-1", place_id=world.place("Theirs"))
    manager = world.user("manager", "programme-manager", world.mine)  # type: ignore[attr-defined]

    asked = {"device_id": "theirs-1", "hardware_id": "a1"}
    manager.post("/devices/hub-1/speaks-for", asked, status=404)


# ThingsBoard's door


def test_a_token_in_the_address_opens_the_door(world: World, gate: Gate, boss: Person):
    token = enrolled(boss, "board-1", {"dialect": "thingsboard"})["token"]
    body = [{"ts": START - 60_000, "values": {"temperature": 4.5}}, {"ts": START, "values": {"temperature": "4.6"}}]
    answer = world.http.post(f"/api/v1/{token}/telemetry", json=body)

    assert (answer.status_code, answer.json()) == (200, {"accepted": 2})
    assert gate.counts["readings"] == 2


def test_a_device_of_ours_may_use_that_door_too(world: World, gate: Gate, boss: Person):
    token = enrolled(boss, "pi-2")["token"]

    assert world.http.post(f"/api/v1/{token}/telemetry", json={"temperature": 4.5}).status_code == 200
    refused = world.http.post(f"/api/v1/{token}/telemetry", content=b"{")
    assert (refused.status_code, refused.json()["reason"]) == (400, "unreadable")


@pytest.mark.parametrize("token", ["pi-2", "pi-2.", "pi-2.wrong", "...", "x", "pi-2:wrong", ".x"])
def test_another_token_opens_nothing(world: World, gate: Gate, boss: Person, token: str):
    enrolled(boss, "pi-2")
    answer = world.http.post(f"/api/v1/{token}/telemetry", json={"temperature": 4.5})

    assert answer.status_code == 401
    assert gate.counts["packs"] == 0


def test_the_figures_name_no_token(world: World, gate: Gate, boss: Person):
    token = enrolled(boss, "pi-2")["token"]
    world.http.post(f"/api/v1/{token}/telemetry", json={"temperature": 4.5})
    figures = world.http.get("/metrics", headers={"Authorization": "Bearer for the figures"}).text

    assert "/api/v1/{token}/telemetry" in figures
    assert token not in figures


def test_senml_may_come_as_cbor(world: World, gate: Gate, boss: Person):
    password = enrolled(boss, "pi-2")["password"]
    body = bytes.fromhex("81a3 00") + b"\x63tvc" + bytes.fromhex("01") + b"\x63Cel" + bytes.fromhex("02f94480")
    headers = {"content-type": "application/senml+cbor"}
    answer = world.http.post("/api/v1/devices/pi-2/readings", content=body, auth=("pi-2", password), headers=headers)

    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
