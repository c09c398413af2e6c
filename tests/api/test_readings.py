"""Readings: exactly what was measured, page by page."""

import pytest

from coldchain.clock import HOUR, MINUTE
from tests.api.conftest import START, Person, World


@pytest.fixture
def told(world: World) -> World:
    world.device("pi-1", world.point("ILR 1"))
    world.hear("pi-1", *[(START - i * MINUTE, round(4 + i / 100, 2)) for i in range(600)])
    return world


def test_pages_hold_every_reading_once_and_in_order(told: World, boss: Person):
    items = boss.everything("/devices/pi-1/readings", limit=7)

    assert len(items) == 600
    assert items == sorted(items, key=lambda item: item["measured_at"])
    assert items == boss.everything("/devices/pi-1/readings")
    assert items[-1] == {"sensor": "tvc", "measured_at": "2026-01-03T00:00:00Z", "celsius": 4.0}


def test_from_is_inclusive_and_to_exclusive(told: World, boss: Person):
    items = boss.everything(
        "/devices/pi-1/readings", since="2026-01-02T23:50:00Z", until="2026-01-02T23:55:00Z", limit=2
    )

    assert [item["measured_at"][14:16] for item in items] == ["50", "51", "52", "53", "54"]


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02T23:58:00Z",
        "2026-01-02T23:58:00.000+00:00",
        "2026-01-03T05:28:00+05:30",
        "2026-01-03T05:28:00 05:30",
        "1767398280",
        "1767398280000",
        "2026-01-02T23:58:00",
    ],
)
def test_an_instant_may_be_iso_milliseconds_or_seconds(told: World, boss: Person, text: str):
    assert len(boss.get("/devices/pi-1/readings", since=text)["items"]) == 3


@pytest.mark.parametrize("text", ["yesterday", "", "1e400", "NaN", "9" * 17, "2026-13-01"])
def test_what_is_no_instant_is_told_clearly(told: World, boss: Person, text: str):
    problem = boss.get("/devices/pi-1/readings", 422, since=text)

    assert problem["detail"].startswith("from: ")
    assert problem["type"] == "urn:coldchain:problem:bad-query-instant"


def test_a_window_that_ends_before_it_begins_is_refused(told: World, boss: Person):
    boss.get("/devices/pi-1/readings", 422, since=START, until=START - 1)


@pytest.mark.parametrize("after", ["x", "W10", "WzEsMiwzXQ", "bnVsbA", "W3RydWUsIngiLDFd"])
def test_a_page_word_that_no_list_gave_out_is_refused(told: World, boss: Person, after: str):
    boss.get("/devices/pi-1/readings", 422, after=after)


def test_equal_instants_keep_all_their_values_and_equal_values_are_one(told: World, boss: Person):
    told.hear("pi-1", (START + HOUR, 5.5), (START + HOUR, 5.0), (START + HOUR, 5.0), (START + HOUR, -1.25))
    told.hear("pi-1", (START + HOUR, 5.0), channel="top")
    for limit in (1, 2, 3, 100):
        items = boss.everything("/devices/pi-1/readings", since=START + HOUR, limit=limit)
        assert [(item["sensor"], item["celsius"]) for item in items] == [
            ("top", 5.0),
            ("tvc", -1.25),
            ("tvc", 5.0),
            ("tvc", 5.5),
        ]


def test_a_fault_has_no_celsius_and_says_why(told: World, boss: Person):
    told.hear("pi-1", (START + HOUR, 4.0), faults=((START + HOUR, "unplugged"), (START + HOUR + 1, "checksum")))
    for limit in (1, 2, 100):
        items = boss.everything("/devices/pi-1/readings", since=START + HOUR, limit=limit)
        assert items == [
            {"sensor": "tvc", "measured_at": "2026-01-03T01:00:00Z", "celsius": None, "fault": "unplugged"},
            {"sensor": "tvc", "measured_at": "2026-01-03T01:00:00Z", "celsius": 4.0},
            {"sensor": "tvc", "measured_at": "2026-01-03T01:00:00.001Z", "celsius": None, "fault": "checksum"},
        ]


def test_what_is_no_temperature_has_its_own_unit(told: World, boss: Person):
    told.hear("pi-1", (START + HOUR, 61.5), channel="humidity", unit="%RH")
    [item] = boss.get("/devices/pi-1/readings", since=START + HOUR)["items"]

    assert (item["celsius"], item["unit"], item["value"]) == (None, "%RH", 61.5)


def test_a_device_that_never_spoke_has_an_empty_list(world: World, boss: Person):
    world.device("pi-1")

    assert boss.get("/devices/pi-1/readings") == {"items": [], "next": None}


@pytest.mark.parametrize("limit", [0, -1, 10_001, "many"])
def test_a_page_is_neither_empty_nor_endless(told: World, boss: Person, limit: object):
    problem = boss.get("/devices/pi-1/readings", 422, limit=limit)

    assert problem["errors"][0]["where"] == "query.limit"


def test_a_device_s_post_goes_to_the_gate_and_waits_where_there_is_none(told: World):
    answer = told.http.post("/api/v1/devices/pi-1/readings", content=b"[]", auth=("pi-1", "x"))

    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:coldchain:problem:gate-away"
    assert int(answer.headers["retry-after"]) > 0


def test_more_than_a_mebibyte_is_not_taken_at_all(told: World):
    answer = told.http.post("/api/v1/devices/pi-1/readings", content=b"x" * (1 << 20) + b"x", auth=("pi-1", "x"))

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
