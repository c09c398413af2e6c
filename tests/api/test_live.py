"""Live pages: what changed reaches those whom it concerns, at once, and nobody else."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from api.live import RESYNC, Event, Subscriber
from coldchain.clock import HOUR, MINUTE
from registry import users
from tests.api.conftest import START, Person, World, message, open_gate, serving

SOON_S = 5


class Page:
    """An open page: what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.is_over = False

    def of(self, name: str) -> list[Any]:
        return [data for event, data in self.told if event == name]


@contextmanager
def opened(world: World, person: Person, path: str = "/api/v1/events") -> Iterator[Page]:
    """Reads the stream in a thread until the block is left."""
    page = Page()
    with (
        serving(world.app) as url,
        httpx.Client(base_url=url, timeout=30, verify=False) as http,
        http.stream("GET", path, headers=person.headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in answer.headers

        def read() -> None:
            name = ""
            try:
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        name = line[7:]
                    elif line.startswith("data: "):
                        page.told.append((name, json.loads(line[6:])))
            except Exception:  # the test closes the stream under us
                pass
            page.is_over = True

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        until(lambda: bool(page.of("hello")))
        try:
            yield page
        finally:
            answer.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            thread.join(SOON_S)


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


@pytest.fixture
def point(world: World) -> str:
    point_id = world.point("ILR 1", world.place("Mine"))
    world.device("pi-1", point_id)
    world.hear("pi-1", (START - MINUTE, 4.0))
    return point_id


def test_a_reading_reaches_the_open_page(world: World, boss: Person, point: str):
    with opened(world, boss) as page:
        world.hear("pi-1", (START, 4.56))
        until(lambda: any(row["celsius"] == 4.56 for row in page.of("row")))
        row = page.of("row")[-1]

    assert page.told[0] == ("hello", {"at": "2026-01-03T00:00:00Z"})
    assert (row["id"], row["state"], row["point"]) == (point, "ok", [START, 46])
    assert "strip" not in row


def test_a_row_and_an_incident_reach_the_page_when_it_gets_hot(world: World, boss: Person, point: str):
    with opened(world, boss) as page:
        world.hear("pi-1", *[(START + i * 5 * MINUTE, 9.5) for i in range(14)])
        until(lambda: bool(page.of("incident")) and any(row["state"] == "hot" for row in page.of("row")))
        [incident] = page.of("incident")

    assert (incident["kind"], incident["state"], incident["storage_points"]) == ("heat", "open", [point])


def test_acknowledging_reaches_the_others(world: World, boss: Person, point: str):
    world.hear("pi-1", *[(START + i * 5 * MINUTE, 9.5) for i in range(14)])
    [incident] = boss.get("/incidents")["items"]
    with opened(world, boss) as page:
        boss.post(f"/incidents/{incident['id']}/acknowledge", {"comment": "seen"})
        until(lambda: any(one["state"] == "acknowledged" for one in page.of("incident")))
        until(lambda: any((row["incident"] or {}).get("acknowledged_by") == "the.boss" for row in page.of("row")))


def test_a_refusal_reaches_the_page(world: World, boss: Person, point: str):
    with open_gate(world) as gate, opened(world, boss) as page:
        time.sleep(0.3)  # the watch has looked once
        gate.take([message("pi-1", b"{")])
        until(lambda: page.of("refusal") == [{"device_id": "pi-1"}])


def test_what_moves_away_is_gone_from_here(world: World, boss: Person, point: str):
    world.device("pi-2")
    world.hear("pi-2", (START, 4.0))
    assert boss.get("/wall")["not_placed"]
    with opened(world, boss) as page:
        boss.post("/devices/pi-2/placements", {"storage_point_id": world.point("ILR 2")}, 201)
        until(lambda: page.of("gone") == [{"id": "pi-2"}])


def test_nothing_of_another_place_reaches_a_page(world: World, boss: Person, point: str):
    theirs = world.point("ILR 9", world.place("Theirs"))
    world.device("theirs-1", theirs)
    world.device("loose-1")
    me = world.user("me", "cold-chain-handler", boss.get(f"/storage-points/{point}")["place"]["id"])
    with open_gate(world) as gate, opened(world, me) as page:
        gate.take([message("theirs-1", b"{"), message("stranger-1", b"{")])
        for device in ("theirs-1", "loose-1"):
            world.hear(device, *[(START + i * 5 * MINUTE, 9.5) for i in range(14)])
        world.hear("pi-1", (START, 4.56))
        until(lambda: any(row["celsius"] == 4.56 for row in page.of("row")))
        time.sleep(0.5)

    assert {row["id"] for row in page.of("row")} == {point}
    assert {name for name, _ in page.told} == {"hello", "row"}


def test_a_place_narrows_what_a_page_is_told(world: World, boss: Person, point: str):
    other = world.place("Other")
    world.device("pi-2", world.point("ILR 2", other))
    with opened(world, boss, f"/api/v1/events?place={other}") as page:
        world.hear("pi-1", (START, 5.0))
        world.hear("pi-2", (START, 6.0))
        until(lambda: any(row["celsius"] == 6.0 for row in page.of("row")))

    assert {row["device_id"] for row in page.of("row")} == {"pi-2"}


def test_a_page_whose_token_is_worth_nothing_any_more_is_left(
    world: World, boss: Person, point: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.live.COMMENT_S", 0.1)
    with opened(world, boss) as page:
        boss.post("/sign-out", status=204)
        until(lambda: page.is_over)


def test_a_page_whose_role_ends_is_left(world: World, boss: Person, point: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("api.live.COMMENT_S", 0.1)
    me = world.user("me", "vaccinator")
    with opened(world, me) as page:
        with world.written() as shelf:
            user = shelf.users.called("me")
            users.withdraw(shelf, user.user_id, user.memberships[0].membership_id, world.now)
        world.now += HOUR
        until(lambda: page.is_over)


def test_a_page_that_cannot_follow_is_told_to_start_anew():
    page = Subscriber(lambda path: True)
    for number in range(300):
        page.tell(Event("row", {"id": str(number)}))

    told = [page.queue.get_nowait() for _ in range(page.queue.qsize())]
    assert told[0] == RESYNC
    assert len(told) == 300 - 256
