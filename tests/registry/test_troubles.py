"""What becomes of silences, faults, outages and refusals."""

from typing import Any

import pytest

from coldchain.events import Fault, OnSilences, Outage, Refusal, Released, Silence
from registry import incidents, placements, places, troubles, users
from registry.books import Books
from registry.incidents import Incident
from tests.helpers_registry import EVERYTHING, START, block, district, fridge, known, logger
from tests.tales import hour


@pytest.fixture
def point_id(books: Books) -> str:
    """ILR 1 of Rampur, in which logger-1 stands."""
    with books.begin() as shelf:
        point = fridge(shelf, "ILR 1", block(shelf, "Rampur"))
        logger(shelf, "logger-1", point)
    return point.storage_point_id


def report(books: Books, *reports: OnSilences, at: int = START) -> list[Incident]:
    with books.begin() as shelf:
        troubles.take_silences(shelf, reports, at)
    return known(books)[1]


def refuse(books: Books, *reasons: str, received: float = 1, outbox: str | None = None, **more: Any) -> list[Incident]:
    refusals = [
        Refusal("logger-1", "coldchain/v1/logger-1/readings", b"[]", hour(received), reason, "…", outbox, **more)
        for reason in reasons
    ]
    with books.begin() as shelf:
        troubles.take_refusals(shelf, refusals, hour(received))
    return known(books)[1]


def silence(begun: float, back: float | None = None) -> Silence:
    return Silence("logger-1", hour(begun - 0.25), hour(begun), None if back is None else hour(back))


def test_a_silence_is_an_incident_where_the_device_stands(books: Books, point_id: str):
    [incident] = report(books, silence(1))

    assert (incident.kind, incident.state, incident.severity) == ("silence", "open", "warning")
    assert (incident.started_at, incident.storage_point_ids) == (hour(0.75), (point_id,))
    assert incident.device_ids == ("logger-1",)


def test_it_ends_when_the_device_speaks_again(books: Books, point_id: str):
    report(books, silence(1))
    [incident] = report(books, silence(1, back=3), at=hour(3))

    assert (incident.state, incident.ended_at) == ("ended", hour(3))


def test_another_silence_is_another_incident(books: Books, point_id: str):
    found = report(books, silence(1), silence(1, back=3), silence(5))

    assert [incident.state for incident in found] == ["ended", "open"]


def test_reports_that_come_twice_change_nothing(books: Books, point_id: str):
    reports: list[OnSilences] = [silence(1), silence(1, back=3), Outage(hour(4), hour(5))]
    reports += [Fault("logger-1", "tvc", "unplugged", hour(6)), Fault("logger-1", "tvc", "unplugged", hour(6), hour(7))]
    first = report(books, *reports)
    with books.read() as shelf:
        revisions = [shelf.incidents.revisions(one.incident_id) for one in first]
    again = report(books, *reports, at=hour(99))

    with books.read() as shelf:
        assert (again, [shelf.incidents.revisions(one.incident_id) for one in again]) == (first, revisions)


def test_a_fault_is_an_incident_of_its_sensor_where_that_stands(books: Books, point_id: str):
    with books.begin() as shelf:
        other = fridge(shelf, "ILR 2")
        placements.place(shelf, "logger-1", other.storage_point_id, hour(1), channel="amb", role="ambient")
    [tvc, amb] = report(
        books,
        Fault("logger-1", "tvc", "unplugged", hour(2)),
        Fault("logger-1", "amb", "checksum", hour(3)),
    )

    assert (tvc.kind, tvc.detail, tvc.storage_point_ids) == ("fault", "unplugged", (point_id,))
    assert (amb.detail, amb.storage_point_ids) == ("checksum", (other.storage_point_id,))


def test_our_own_outage_is_one_incident_of_the_platform_and_no_devices(books: Books, point_id: str):
    [incident] = report(books, Outage(hour(1), hour(2)))

    assert (incident.kind, incident.state, incident.device_ids) == ("platform", "ended", ())
    assert (incident.started_at, incident.ended_at) == (hour(1), hour(2))


def test_a_device_that_stands_nowhere_has_its_silence_where_it_belongs(books: Books):
    with books.begin() as shelf:
        logger(shelf)
        top = district(shelf).place_id
    [incident] = report(books, silence(1))

    assert (incident.place_id, incident.storage_point_ids) == (top, ())


def test_a_silence_of_one_that_was_never_enrolled_harms_nothing(books: Books):
    [incident] = report(books, silence(1))

    with books.read() as shelf:
        assert incident.place_id == district(shelf).place_id


def test_who_may_not_see_the_place_does_not_see_the_silence(books: Books, point_id: str):
    report(books, silence(1))
    with books.begin() as shelf:
        sitapur = block(shelf, "Sitapur")

        assert shelf.incidents.page(sitapur.path) == []
        assert len(shelf.incidents.page(places.find(shelf, "Rampur").path)) == 1


# Refusals


def test_two_voices_under_one_name_are_one_incident_until_a_person_closes_it(books: Books, point_id: str):
    with books.begin() as shelf:
        asha = users.add(shelf, "asha", "no hash", "cold-chain-handler", district(shelf).place_id, START).user_id
    [incident] = refuse(books, "two-voices", "two-voices", outbox="a" * 16)
    assert (incident.kind, incident.state, incident.severity) == ("two-voices", "open", "alarm")
    assert (incident.detail, incident.storage_point_ids) == ("a" * 16, (point_id,))
    with books.begin() as shelf:
        incidents.close(shelf, incident.incident_id, asha, "the copied card is taken out", hour(5))

    [still_closed] = refuse(books, "two-voices", received=4, outbox="a" * 16)
    assert still_closed.state == "ended"
    assert len(refuse(books, "two-voices", received=6, outbox="a" * 16)) == 2
    assert len(refuse(books, "two-voices", received=6, outbox="b" * 16)) == 3


def test_a_clock_that_runs_ahead_is_an_incident_and_one_that_is_merely_wrong_is_not(books: Books, point_id: str):
    assert refuse(books, "wrongly-dated") == []
    [incident] = refuse(books, "wrongly-dated", ahead_ms=400_000)

    assert (incident.kind, incident.device_ids) == ("clock", ("logger-1",))


def test_other_refusals_are_no_incidents(books: Books, point_id: str):
    assert refuse(books, "unreadable", "oversized", "unknown-device", "flooding") == []
    with books.begin() as shelf:
        troubles.take_refusals(shelf, [Released(7, "asha", hour(1))], hour(1))

        assert shelf.incidents.page(EVERYTHING) == []
