"""What the books make of what devices say of themselves."""

import json
from typing import Any

import pytest

from coldchain.clock import SECOND
from coldchain.events import Status
from registry import enrolment, outboxes
from registry.books import Books
from registry.devices import Declared
from registry.outboxes import Outbox
from tests.helpers_registry import logger
from tests.tales import hour


def say(books: Books, at: float, body: Any, device: str = "logger-1") -> None:
    told = body if isinstance(body, bytes) else json.dumps(body).encode()
    with books.begin() as shelf:
        outboxes.take_statuses(shelf, [Status(device, hour(at), told)])


def online(outbox: str = "a" * 16, interval_s: int = 60, since: int = 0, **more: Any) -> dict[str, Any]:
    told = {"state": "online", "outbox": outbox, "waiting": 3, "lost": [], "interval_s": interval_s}
    return {**told, "interval_since": since, "version": "1", "clock": "trusted", "disk": "ok", **more}


def declared(books: Books) -> list[tuple[int, int]]:
    with books.read() as shelf:
        rows: list[Declared] = shelf.devices.declared(["logger-1"]).get("logger-1", [])
    return [(row.since, row.interval // SECOND) for row in rows]


def boxes(books: Books) -> list[Outbox]:
    with books.read() as shelf:
        return shelf.outboxes.of_devices(["logger-1"]).get("logger-1", [])


@pytest.fixture
def enrolled(books: Books) -> Books:
    with books.begin() as shelf:
        logger(shelf)
    return books


def test_an_agents_first_interval_has_always_held(enrolled: Books):
    say(enrolled, 5, online())

    assert declared(enrolled) == [(0, 60)]


def test_a_later_interval_holds_from_its_instant(enrolled: Books):
    say(enrolled, 5, online())
    say(enrolled, 9, online(interval_s=120, since=hour(8)))
    say(enrolled, 9.5, online(interval_s=120, since=hour(8)))

    assert declared(enrolled) == [(0, 60), (hour(8), 120)]


def test_a_new_cards_first_interval_does_not_rewrite_the_past(enrolled: Books):
    say(enrolled, 5, online("a" * 16))
    say(enrolled, 9, online("b" * 16, interval_s=300))

    assert declared(enrolled) == [(0, 60), (hour(9), 300)]


def test_an_interval_from_a_clock_that_runs_ahead_holds_from_when_we_heard_of_it(enrolled: Books):
    say(enrolled, 5, online(since=hour(9_000)))

    assert declared(enrolled) == [(hour(5) + outboxes.AHEAD, 60)]


def test_what_waits_and_what_was_lost_is_noted(enrolled: Books):
    say(enrolled, 5, online(waiting=812, lost=[[4, 6]]))
    say(enrolled, 6, online(waiting=0, lost=[[9, 9], [5, 7]]))
    [box] = boxes(enrolled)

    assert (box.first_heard_at, box.last_heard_at, box.waiting) == (hour(5), hour(6), 0)
    assert box.lost.pairs() == [[4, 7], [9, 9]]


def test_the_will_says_only_that_the_device_is_gone(enrolled: Books):
    say(enrolled, 5, online())
    say(enrolled, 6, {"state": "offline"})
    with enrolled.read() as shelf:
        said = shelf.outboxes.said(["logger-1"])["logger-1"]

    assert (said.state, said.received_at, said.interval) == ("offline", hour(6), 60 * SECOND)
    assert boxes(enrolled)[0].waiting == 3


def test_an_older_word_that_comes_late_changes_nothing(enrolled: Books):
    say(enrolled, 6, online(waiting=1))
    say(enrolled, 5, online(waiting=99))

    assert boxes(enrolled)[0].waiting == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"online",
        b"\xff\xfe",
        [],
        {"state": 7},
        {"interval_s": "60"},
        {"interval_s": -1},
        {"interval_s": 1.5},
        {"interval_s": True},
        {"interval_s": 10**30},
        {"outbox": 5, "lost": "all", "waiting": "many", "interval_since": None},
        {"lost": [[5, 1]], "outbox": "x" * 65},
    ],
)
def test_what_foreign_devices_mean_by_it_harms_nothing(enrolled: Books, body: Any):
    say(enrolled, 5, body)

    assert (declared(enrolled), boxes(enrolled)) == ([], [])


def test_devices_that_are_unknown_or_have_ended_are_not_heard(enrolled: Books):
    with enrolled.begin() as shelf:
        enrolment.retire(shelf, "logger-1", hour(1))
    say(enrolled, 5, online())
    say(enrolled, 5, online(), device="nobody")

    with enrolled.read() as shelf:
        assert shelf.outboxes.said(["logger-1", "nobody"]) == {}
