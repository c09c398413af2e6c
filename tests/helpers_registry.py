"""What tests of the books say often."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from coldchain.clock import HOUR
from coldchain.events import FOREVER, Verdict
from coldchain.facts import Fact
from coldchain.judgement import Interval
from registry import enrolment, incidents, places, storage_points
from registry.books import Books, Shelf
from registry.excursions import Excursion
from registry.incidents import Incident
from registry.places import Place
from registry.storage_points import StoragePoint
from tests.tales import hour

START = hour(0)
EVERYTHING = "/"


def district(shelf: Shelf) -> Place:
    return places.top(shelf)


def block(shelf: Shelf, name: str, parent_id: str | None = None) -> Place:
    return places.add(shelf, "block", {"en": name}, parent_id or district(shelf).place_id)


def fridge(shelf: Shelf, name: str = "ILR 1", place: Place | None = None) -> StoragePoint:
    return storage_points.add(shelf, name, "refrigerator", (place or district(shelf)).place_id)


def logger(shelf: Shelf, device_id: str = "logger-1", point: StoragePoint | None = None) -> str:
    enrolment.enrol(shelf, [device_id], START, storage_point_id=None if point is None else point.storage_point_id)
    return device_id


def published(books: Books) -> list[Fact]:
    """The facts that wait to go out, which are then gone."""
    with books.begin() as shelf:
        waiting = shelf.announcements.waiting(10_000)
        shelf.announcements.relayed([one.number for one in waiting])
    return [one.fact for one in waiting]


def interval(begin: float, end: float | None = None, code: str = "HEAT", **more: Any) -> Interval:
    """Out of range from one hour of the tale to another, alarmed after an hour."""
    told: dict[str, Any] = {
        "code": code,
        "rule_set": "refrigerator",
        "rule_version": 1,
        "severity": "warning" if code.endswith("WARN") else "alarm",
        "stay": None,
        "started_at": hour(begin),
        "alarmed_at": hour(begin + 1),
        "ended_at": None if end is None else hour(end),
        "extreme": 950,
        "out": round((5 if end is None else end - begin) * HOUR),
        "unknown": 0,
        "proven": True,
    }
    return Interval(**(told | more))


def verdict(
    *intervals: Interval,
    device: str = "logger-1",
    channel: str = "tvc",
    since: float | None = None,
    until: float | None = None,
    code: str = "HEAT",
) -> Verdict:
    """What is true between the hours; without hours, for all time."""
    return Verdict(
        device,
        channel,
        intervals[0].code if intervals else code,
        -FOREVER if since is None else hour(since),
        FOREVER if until is None else hour(until),
        intervals,
    )


def hear(books: Books, *verdicts: Verdict, at: int = START) -> None:
    """One batch of verdicts."""
    with books.begin() as shelf:
        incidents.take_verdicts(shelf, verdicts, at)


def known(books: Books) -> tuple[list[Excursion], list[Incident]]:
    """Excursions, and incidents that are neither withdrawn nor merged, oldest first."""
    with books.read() as shelf:
        return (
            shelf.excursions.page(EVERYTHING, limit=10_000),
            list(reversed(shelf.incidents.page(EVERYTHING, limit=10_000))),
        )


def stay_of(shelf: Shelf, device_id: str) -> str:
    """The id of the placement in which the device stands."""
    return shelf.placements.of_device(device_id)[-1].placement_id


def at_stay(one: Interval, stay: str) -> Interval:
    return replace(one, stay=stay)


@contextmanager
def writing(books: Books) -> Iterator[Shelf]:
    with books.begin() as shelf:
        yield shelf
