"""Refusals, and readings by HTTP: through the gate, never around it."""

from collections.abc import Iterator

import pytest

from coldchain.readings import Reading
from coldchain.senml import encode
from ingest.gate import Gate
from registry import devices
from tests.api.conftest import START, Person, World, message, open_gate

WRONG = b'[{"bn":"pi-1:","n":"tvc","v":"warm"}]'


@pytest.fixture
def gate(world: World) -> Iterator[Gate]:
    world.password = world.device("pi-1", world.point("ILR 1", world.place("Mine")))  # type: ignore[attr-defined]
    with open_gate(world) as gate:
        yield gate


def pack(seq: int, celsius: int = 456) -> bytes:
    return encode("pi-1", "9f86d081884c7d65", seq, [Reading("tvc", START - 60_000, celsius)])


def test_a_device_posts_its_packs_and_is_told_what_is_durable(world: World, gate: Gate):
    auth = ("pi-1", world.password)  # type: ignore[attr-defined]
    first = world.http.post("/api/v1/devices/pi-1/readings", content=pack(1), auth=auth)
    again = world.http.post("/api/v1/devices/pi-1/readings", content=pack(1), auth=auth)
    third = world.http.post("/api/v1/devices/pi-1/readings", content=pack(3), auth=auth)

    assert first.status_code == again.status_code == 200
    assert first.json() == {"outbox": "9f86d081884c7d65", "durable": [[1, 1]], "at": START}
    assert third.json()["durable"] == [[1, 1], [3, 3]]


def test_a_simple_device_is_told_how_many_were_taken(world: World, gate: Gate):
    auth = ("pi-1", world.password)  # type: ignore[attr-defined]
    answer = world.http.post("/api/v1/devices/pi-1/readings", json=[{"n": "tvc", "u": "Cel", "v": 4.5}], auth=auth)

    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})


def test_wrong_credentials_are_refused_with_a_challenge(world: World, gate: Gate):
    for auth in (("", ""), ("pi-1", "wrong"), ("pi-2", "x")):
        answer = world.http.post("/api/v1/devices/pi-1/readings", content=pack(1), auth=auth)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")


def test_a_person_s_token_is_no_device_s_password(world: World, gate: Gate, boss: Person):
    answer = world.http.post("/api/v1/devices/pi-1/readings", content=pack(1), headers=boss.headers)

    assert answer.status_code == 401


def test_what_the_gate_refuses_is_told_with_its_reason(world: World, gate: Gate):
    auth = ("pi-1", world.password)  # type: ignore[attr-defined]
    answer = world.http.post("/api/v1/devices/pi-1/readings", content=WRONG, auth=auth)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason"] == "unreadable"


def test_the_outbox_of_a_device_shows_what_is_durable(world: World, gate: Gate, boss: Person):
    gate.take([message("pi-1", pack(n)) for n in (1, 2, 5)])

    assert boss.get("/devices/pi-1")["outbox"] == {
        "id": "9f86d081884c7d65",
        "waiting": None,
        "lost": [],
        "durable": [[1, 2], [5, 5]],
    }


def test_refusals_are_listed_newest_first_in_pages(world: World, gate: Gate, boss: Person):
    gate.take([message("pi-1", WRONG), message("pi-1", b"\xff"), message("pi-1", WRONG)])
    items = boss.everything("/refusals", limit=1)

    assert [(one["reason"], one["count"], one["size"]) for one in items] == [
        ("unreadable", 1, 1),
        ("unreadable", 2, 37),
    ]
    assert items[1]["excerpt"] == WRONG.decode()


def test_what_nobody_enrolled_concerns_the_top_alone(world: World, gate: Gate, boss: Person):
    mine = world.user("me", "programme-manager", world.place("Other"))
    handler = world.user("hand", "cold-chain-handler")
    gate.take([message("stranger-1", pack(1)), message("pi-1", WRONG)])

    assert {one["device_id"] for one in boss.get("/refusals")["items"]} == {"stranger-1", "pi-1"}
    assert mine.get("/refusals")["items"] == []
    stranger = next(one for one in boss.get("/refusals")["items"] if one["device_id"] == "stranger-1")
    mine.post(f"/refusals/{stranger['id']}/release", {}, 404)
    handler.post(f"/refusals/{stranger['id']}/release", {}, 403)


def test_a_person_releases_a_refusal_once_it_can_be_believed(world: World, gate: Gate, boss: Person):
    gate.take([message("late-1", encode("late-1", "0a", 1, [Reading("tvc", START, 450)]))])
    [refusal] = boss.get("/refusals")["items"]

    still = boss.post(f"/refusals/{refusal['id']}/release", {})
    assert (still["released"], still["reason"]) == (False, "unknown-device")

    with world.written() as shelf:
        devices.enrol(shelf, ["late-1"], world.now)
    world.settle()
    assert boss.post(f"/refusals/{refusal['id']}/release", {})["released"] is True
    [released] = boss.get("/refusals")["items"]
    assert (released["released_by"], released["released_at"]) == ("the.boss", "2026-01-03T00:00:00Z")


def test_a_refusal_that_is_none_is_404(world: World, gate: Gate, boss: Person):
    boss.post("/refusals/999/release", {}, 404)
    boss.post("/refusals/x/release", {}, 422)


def test_without_a_gate_a_release_waits(world: World, boss: Person):
    with open_gate(world) as gate:
        gate.take([message("pi-1", WRONG)])
    [refusal] = boss.get("/refusals")["items"]

    boss.post(f"/refusals/{refusal['id']}/release", {}, 503)
