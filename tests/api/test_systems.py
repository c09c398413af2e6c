"""Health and figures."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from coldchain.clock import MINUTE
from stream.history import History
from tests.api.conftest import START, InProcess, Person, World, open_gate


@pytest.fixture
def broker() -> Iterator[int]:
    """Something that listens where a broker would."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_all_is_well_where_every_part_answers(world: World, broker: int):
    desk = world.app.state.desk
    world.app.state.desk = replace(desk, settings=replace(desk.settings, mqtt_url=f"mqtt://127.0.0.1:{broker}"))
    with open_gate(world):
        answer = world.http.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "parts": {"books": "ok", "history": "ok", "gate": "ok", "broker": "ok"},
    }


def test_a_part_that_is_away_is_named(world: World):
    answer = world.http.get("/health")

    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"
    assert answer.json()["parts"]["books"] == "ok"
    assert answer.json()["parts"]["gate"] == "away"


def figures(answer: httpx.Response) -> dict[str, float]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_figures_tell_what_the_gate_counted_what_is_open_and_who_is_silent(world: World):
    world.device("pi-1", world.point("ILR 1"))
    world.hear("pi-1", *[(START - i * 5 * MINUTE, 9.5) for i in range(40)])
    world.beat(*range(START, START + 20 * MINUTE, 10_000))
    world.http.get("/api/v1/nothing")
    with open_gate(world):
        told = figures(world.http.get("/metrics"))

    assert told["coldchain_gate_up"] == 1
    assert told["coldchain_readings_accepted_total"] == 7
    assert told['coldchain_messages_refused_total{reason="unreadable"}'] == 3
    assert told['coldchain_open_incidents{kind="heat"}'] == 1
    assert told["coldchain_silent_devices"] == 1
    assert told['coldchain_http_requests_total{method="GET",route="-",status="404"}'] == 1
    for lag in (
        'follower="stream.judge",topic="readings"',
        'follower="registry.incidents",topic="verdicts"',
        'follower="registry.refusals",topic="refused"',
    ):
        assert f"coldchain_follower_lag{{{lag}}}" in told
    assert told['coldchain_follower_lag{follower="registry.incidents",topic="verdicts"}'] > 0  # nobody follows here


def test_figures_are_there_without_a_gate(world: World):
    assert figures(world.http.get("/metrics"))["coldchain_gate_up"] == 0


def test_figures_of_requests_name_routes_and_never_devices(world: World, boss: Person):
    world.device("pi-secret")
    boss.get("/devices/pi-secret")
    text = world.http.get("/metrics").text

    assert "pi-secret" not in text
    assert 'route="/api/v1/devices/{device_id}"' in text


def test_figures_are_for_this_machine_or_who_has_the_token(world: World):
    for headers, status in (
        ({"authorization": "Bearer for the figures"}, 200),
        ({"authorization": "Bearer wrong"}, 403),
        ({"x-forwarded-for": "203.0.113.9"}, 403),
        ({"x-forwarded-for": "203.0.113.9", "authorization": "Bearer for the figures"}, 200),
        ({}, 200),
    ):
        assert world.http.get("/metrics", headers=headers).status_code == status, headers


def test_a_desk_answers_before_the_judge_has_made_its_file(world: World, boss: Person, tmp_path: Path):
    point = world.point("ILR 1")
    world.device("pi-1", point)
    app = create_app(
        world.books, History(tmp_path / "none.db"), world.refusals, world.gate, world.settings, world.clock
    )
    with httpx.Client(base_url="http://desk", transport=InProcess(app)) as http:
        early = Person(http, boss.token)
        assert http.get("/health").json()["parts"]["history"] == "away"
        assert early.get("/wall")["items"][0]["state"] == "silent"
        assert early.get(f"/storage-points/{point}/chart")["items"] == []
        assert early.get("/devices")["items"][0]["guarantee"] == "unheard"
        assert early.get("/devices/pi-1/readings")["items"] == []
        assert http.get("/metrics").status_code == 200
