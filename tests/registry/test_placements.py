"""What placements promise."""

import pytest

from coldchain.facts import Facts, Placed
from coldchain.judgement import ALWAYS
from registry import placements
from registry.books import Books
from registry.dated import NeverHolds, Overlapping
from registry.devices import NoSuchDevice
from registry.placements import BadPlacement, NoSuchPlacement, NotPlaced, Placement
from registry.storage_points import NoSuchStoragePoint
from tests.helpers_registry import EVERYTHING, block, fridge, logger, published
from tests.tales import hour


def spans(rows: list[Placement]) -> list[tuple[str, int, int | None]]:
    return [(row.channel, row.since, row.until) for row in rows]


def test_a_device_that_was_never_placed_has_always_stood_where_it_is_placed_first(books: Books):
    with books.begin() as shelf:
        point = fridge(shelf)
        logger(shelf)
        placed = placements.place(shelf, "logger-1", point.storage_point_id, hour(9))

    assert (placed.since, placed.until, placed.channel, placed.role) == (ALWAYS, None, "*", "product")
    [fact] = [fact for fact in published(books) if isinstance(fact, Placed)]
    assert (fact.placement_id, fact.storage_class, fact.since) == (placed.placement_id, "refrigerator", ALWAYS)


def test_moving_ends_where_it_stood_and_begins_where_it_stands(books: Books):
    with books.begin() as shelf:
        one, other = fridge(shelf, "ILR 1"), fridge(shelf, "ILR 2")
        logger(shelf, point=one)
        placements.place(shelf, "logger-1", other.storage_point_id, hour(5))
        rows = shelf.placements.of_device("logger-1")

        assert spans(rows) == [("*", ALWAYS, hour(5)), ("*", hour(5), None)]
        assert [row.storage_point_id for row in shelf.placements.standing(EVERYTHING, hour(4))] == [
            one.storage_point_id
        ]
        assert [row.storage_point_id for row in shelf.placements.standing(EVERYTHING, hour(5))] == [
            other.storage_point_id
        ]
        assert spans(shelf.placements.at_points([one.storage_point_id], hour(4), hour(9))) == [("*", ALWAYS, hour(5))]
        assert shelf.placements.at_points([one.storage_point_id], hour(5), hour(9)) == []


def test_placing_it_where_it_stands_changes_nothing(books: Books):
    with books.begin() as shelf:
        point = fridge(shelf)
        logger(shelf, point=point)
    published(books)
    with books.begin() as shelf:
        placements.place(shelf, "logger-1", point.storage_point_id, hour(5))

        assert spans(shelf.placements.of_device("logger-1")) == [("*", ALWAYS, None)]
    assert published(books) == []


def test_a_move_may_be_dated_back_between_others(books: Books):
    with books.begin() as shelf:
        first, second, third = (fridge(shelf, f"ILR {number}") for number in (1, 2, 3))
        logger(shelf, point=first)
        placements.place(shelf, "logger-1", third.storage_point_id, hour(9))
        placements.place(shelf, "logger-1", second.storage_point_id, hour(10), since=hour(3))

        assert spans(shelf.placements.of_device("logger-1")) == [
            ("*", ALWAYS, hour(3)),
            ("*", hour(3), hour(9)),
            ("*", hour(9), None),
        ]


def test_a_move_to_come_is_refused(books: Books):
    with books.begin() as shelf:
        logger(shelf)
        with pytest.raises(BadPlacement, match="when it comes"):
            placements.place(shelf, "logger-1", fridge(shelf).storage_point_id, hour(1), since=hour(2))


def test_a_sensor_stands_at_one_point_at_an_instant(books: Books):
    with books.begin() as shelf:
        one, other = fridge(shelf, "ILR 1"), fridge(shelf, "ILR 2")
        logger(shelf, point=one)
        placements.place(shelf, "logger-1", other.storage_point_id, hour(5))
        with pytest.raises(Overlapping):
            placements.place(shelf, "logger-1", one.storage_point_id, hour(9), since=hour(5))


def test_several_sensors_stand_at_one_point(books: Books):
    with books.begin() as shelf:
        point = fridge(shelf)
        for name in ("logger-1", "logger-2"):
            logger(shelf, name, point)

        assert [row.device_id for row in shelf.placements.standing(EVERYTHING, hour(1))] == ["logger-1", "logger-2"]


def test_a_channel_placed_by_itself_keeps_where_it_stood_with_its_device(books: Books):
    with books.begin() as shelf:
        one, other = fridge(shelf, "ILR 1"), fridge(shelf, "ILR 2")
        logger(shelf, point=one)
        placements.place(shelf, "logger-1", other.storage_point_id, hour(5), channel="amb", role="ambient")
        points = {one.storage_point_id: "one", other.storage_point_id: "other"}
    facts = Facts(published(books))

    def stood(channel: str, at: int) -> list[str]:
        rows = facts.placements("logger-1", channel)
        return [points[row.storage_point_id] for row in rows if row.since <= at and (row.until or at + 1) > at]

    assert (stood("amb", hour(4)), stood("amb", hour(5))) == (["one"], ["other"])
    assert (stood("tvc", hour(4)), stood("tvc", hour(5))) == (["one"], ["one"])


def test_a_device_that_moves_takes_its_channels_along_each_in_its_role(books: Books):
    with books.begin() as shelf:
        one, other = fridge(shelf, "ILR 1"), fridge(shelf, "ILR 2")
        logger(shelf, point=one)
        placements.place(shelf, "logger-1", one.storage_point_id, hour(1), channel="door", role="door")
        placements.place(shelf, "logger-1", other.storage_point_id, hour(5))
        now = shelf.placements.of_devices(["logger-1"], hour(6))

    assert {(row.channel, row.role, row.storage_point_id) for row in now} == {
        ("*", "product", other.storage_point_id),
        ("door", "door", other.storage_point_id),
    }


def test_what_is_taken_away_stands_nowhere_until_it_is_placed_again(books: Books):
    with books.begin() as shelf:
        point = fridge(shelf)
        logger(shelf, point=point)
        placements.take_away(shelf, "logger-1", hour(2))
        with pytest.raises(NotPlaced):
            placements.take_away(shelf, "logger-1", hour(3))
        placements.place(shelf, "logger-1", point.storage_point_id, hour(4))

        assert spans(shelf.placements.of_device("logger-1")) == [("*", ALWAYS, hour(2)), ("*", hour(4), None)]
        assert shelf.placements.of_devices(["logger-1"], hour(3)) == []


def test_a_correction_takes_the_place_of_what_was_wrong_and_says_so(books: Books):
    with books.begin() as shelf:
        one, other = fridge(shelf, "ILR 1"), fridge(shelf, "ILR 2")
        logger(shelf, point=one)
        [wrong] = shelf.placements.of_device("logger-1")
    published(books)
    with books.begin() as shelf:
        right = placements.correct(
            shelf, wrong.placement_id, hour(9), storage_point_id=other.storage_point_id, since=hour(1)
        )

        assert shelf.placements.of_device("logger-1") == [right]
        assert shelf.placements.several([wrong.placement_id])[wrong.placement_id].superseded_by == right.placement_id
        with pytest.raises(NoSuchPlacement):
            placements.correct(shelf, wrong.placement_id, hour(9))
    facts = [fact for fact in published(books) if isinstance(fact, Placed)]
    assert [(fact.placement_id, fact.void) for fact in facts] == [
        (wrong.placement_id, True),
        (right.placement_id, False),
    ]


def test_a_correction_overlaps_nothing_and_has_a_length(books: Books):
    with books.begin() as shelf:
        one, other = fridge(shelf, "ILR 1"), fridge(shelf, "ILR 2")
        logger(shelf, point=one)
        placements.place(shelf, "logger-1", other.storage_point_id, hour(5))
        first, second = shelf.placements.of_device("logger-1")
        with pytest.raises(Overlapping):
            placements.correct(shelf, second.placement_id, hour(9), since=hour(4))
        with pytest.raises(NeverHolds):
            placements.correct(shelf, first.placement_id, hour(9), since=hour(5), until=hour(5))


def test_what_makes_no_sense_is_refused(books: Books):
    with books.begin() as shelf:
        point = fridge(shelf).storage_point_id
        logger(shelf)
        with pytest.raises(BadPlacement, match="no role"):
            placements.place(shelf, "logger-1", point, hour(1), role="ceiling")
        with pytest.raises(BadPlacement, match="no channel"):
            placements.place(shelf, "logger-1", point, hour(1), channel="")
        with pytest.raises(NoSuchStoragePoint):
            placements.place(shelf, "logger-1", "nowhere", hour(1))
        with pytest.raises(NoSuchDevice):
            placements.place(shelf, "nobody", point, hour(1))


def test_who_stands_is_told_of_one_place_and_below(books: Books):
    with books.begin() as shelf:
        rampur = block(shelf, "Rampur")
        logger(shelf, "logger-1", fridge(shelf))
        logger(shelf, "logger-2", fridge(shelf, place=rampur))

        assert [row.device_id for row in shelf.placements.standing(rampur.path, hour(1))] == ["logger-2"]
