"""Devices: let in, placed, told of, taken out."""

import tomllib
from pathlib import Path

import pytest

from coldchain.clock import HOUR, MINUTE
from coldchain.credentials import matches
from coldchain.events import Status
from coldchain.journal.sqlite import SqliteJournal
from coldchain.topics import SETTINGS
from gateway_agent.settings import parse
from registry import outboxes
from tests.api.conftest import START, Person, World


@pytest.fixture
def point(world: World) -> str:
    return world.point("ILR 1", world.place("Block"))


def test_a_device_is_let_in_and_its_password_shown_once(world: World, boss: Person, point: str):
    given = boss.post("/devices", {"device_id": "pi-1", "storage_point_id": point, "interval_s": 60}, 201)

    assert given["username"] == "pi-1"
    assert given["topic"] == "coldchain/v1/pi-1/readings"
    assert given["mqtt_url"] == "mqtt://127.0.0.1:1883"
    assert given["qr_svg"].startswith("<svg")
    passwd = (world.data_dir.broker / "passwd").read_text()
    credential = next(line.split(":", 1)[1] for line in passwd.splitlines() if line.startswith("pi-1:"))
    assert matches(credential, given["password"])
    shown = boss.get("/devices/pi-1")
    assert given["password"] not in str(shown)
    assert (shown["interval_s"], shown["guarantee"], shown["storage_point"]["id"]) == (60, "unheard", point)


def test_its_settings_are_a_file_that_an_agent_starts_from(boss: Person, point: str):
    given = boss.post("/devices", {"device_id": "pi-1", "interval_s": 120, "storage_point_id": point}, 201)
    settings = parse(given["toml"], Path("agent.toml"))

    assert tomllib.loads(given["toml"])["broker"]["url"] == given["mqtt_url"]
    assert (settings.device_id, settings.broker.password) == ("pi-1", given["password"])
    assert (settings.broker.username, settings.interval) == ("pi-1", 120_000)


def test_the_gate_and_the_judge_learn_of_it_at_once(world: World, boss: Person, point: str):
    boss.post("/devices", {"device_id": "pi-1", "storage_point_id": point}, 201)
    journal = SqliteJournal(world.data_dir.root)
    keys = [entry.key for entry in journal.read(SETTINGS, 0)]
    journal.close()

    assert "device/pi-1" in keys
    assert any(key.startswith("placement/") for key in keys)


@pytest.mark.parametrize("device_id", ["Pi-1", "pi", "x" * 33, "pi_1", "pi 1", "coldchain-gate"])
def test_a_name_that_topics_cannot_carry_is_refused(boss: Person, point: str, device_id: str):
    boss.post("/devices", {"device_id": device_id, "storage_point_id": point}, 422)


def test_a_name_is_never_used_again(boss: Person, point: str):
    boss.post("/devices", {"device_id": "pi-1", "storage_point_id": point}, 201)
    boss.post("/devices", {"device_id": "pi-1"}, 409)
    assert boss.post("/devices/pi-1/end", {})["ended_at"] == "2026-01-03T00:00:00Z"
    boss.post("/devices", {"device_id": "pi-1"}, 409)
    boss.post("/devices/pi-1/end", {}, 409)


def test_a_device_that_ended_is_listed_only_when_asked_for_and_keeps_its_readings(
    world: World, boss: Person, point: str
):
    world.device("pi-1", point)
    world.hear("pi-1", (START, 4.5))
    boss.post("/devices/pi-1/end", {})

    assert boss.get("/devices")["items"] == []
    assert [one["device_id"] for one in boss.get("/devices", ended="true")["items"]] == ["pi-1"]
    assert len(boss.get("/devices/pi-1/readings")["items"]) == 1
    assert "pi-1" not in (world.data_dir.broker / "passwd").read_text()


def test_a_device_moves_and_the_judge_judges_anew_from_that_instant(world: World, boss: Person, point: str):
    freezer = world.point("DF 1", world.place("Other"), "freezer")
    world.device("pi-1", point)
    world.hear("pi-1", *[(START - i * 5 * MINUTE, -20.0) for i in range(120)])
    assert boss.get("/wall")["items"][0]["state"] == "cold"

    placed = boss.post("/devices/pi-1/placements", {"storage_point_id": freezer, "from": "2026-01-02T12:00:00Z"}, 201)
    world.settle()
    assert (placed["sensor"], placed["role"], placed["from"]) == ("*", "product", "2026-01-02T12:00:00Z")
    states = {row["id"]: row["state"] for row in boss.get("/wall")["items"]}
    assert states == {point: "empty", freezer: "ok"}
    assert [one["storage_point"]["name"] for one in boss.get("/devices/pi-1")["placements"]] == ["ILR 1", "DF 1"]


def test_a_sensor_may_stand_elsewhere_than_its_device(world: World, boss: Person, point: str):
    other = world.point("ILR 2")
    world.device("pi-1", point)
    boss.post("/devices/pi-1/placements", {"storage_point_id": other, "sensor": "top"}, 201)
    world.now += HOUR
    world.hear("pi-1", (world.now, 4.0))
    world.hear("pi-1", (world.now, 5.0), channel="top")

    assert {row["id"]: row["celsius"] for row in boss.get("/wall")["items"]} == {point: 4.0, other: 5.0}


@pytest.mark.parametrize("body", [{"role": "lid"}, {"from": "soon"}, {"from": "2999-01-01T00:00:00Z"}, {"sensor": ""}])
def test_a_placement_that_makes_no_sense_is_refused(world: World, boss: Person, point: str, body: dict[str, str]):
    world.device("pi-1", point)
    if body == {"sensor": ""}:
        boss.post("/devices/pi-1/placements", {"storage_point_id": point, **body}, 201)  # all of the device
    else:
        boss.post("/devices/pi-1/placements", {"storage_point_id": point, **body}, 422)


def test_what_a_device_says_of_itself_is_shown(world: World, boss: Person, point: str):
    world.device("pi-1", point)
    body = b'{"state":"online","outbox":"9f86d081884c7d65","waiting":37,"lost":[[3,4]],"clock":"trusted"}'
    with world.written() as shelf:
        outboxes.take_statuses(shelf, [Status("pi-1", START, body)])
    world.hear("pi-1", (START, 4.5), seq=1)
    [shown] = boss.get("/devices")["items"]

    assert shown["outbox"] == {"id": "9f86d081884c7d65", "waiting": 37, "lost": [[3, 4]], "durable": []}
    assert (shown["status"]["clock"], shown["guarantee"]) == ("trusted", "acknowledged")
    assert shown["last_heard_at"] == "2026-01-03T00:00:00Z"


def test_a_new_password_ends_the_old_one(world: World, boss: Person, point: str):
    old = world.device("pi-1", point)
    new = boss.post("/devices/pi-1/password")["password"]
    passwd = (world.data_dir.broker / "passwd").read_text()
    credential = next(line.split(":", 1)[1] for line in passwd.splitlines() if line.startswith("pi-1:"))

    assert matches(credential, new)
    assert not matches(credential, old)


def test_devices_come_in_pages(world: World, boss: Person):
    for number in range(7):
        world.device(f"pi-{number}")

    assert [one["device_id"] for one in boss.everything("/devices", limit=3)] == [f"pi-{n}" for n in range(7)]
