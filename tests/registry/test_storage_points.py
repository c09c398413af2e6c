"""What a storage point promises."""

import pytest

from registry import placements, places, storage_points
from registry.books import Books
from registry.places import NoSuchPlace
from registry.storage_points import (
    AmbiguousStoragePoint,
    BadStoragePoint,
    NameTaken,
    NoSuchStoragePoint,
    StoragePointInUse,
)
from tests.helpers_registry import EVERYTHING, START, block, district, fridge, logger
from tests.tales import hour


def test_a_point_is_known_by_the_name_that_people_gave_it(books: Books):
    with books.begin() as shelf:
        point = storage_points.add(shelf, "  ILR   2 ", "refrigerator", district(shelf).place_id)

    with books.read() as shelf:
        assert storage_points.find(shelf, "ILR 2") == point
        assert storage_points.find(shelf, point.storage_point_id).name == "ILR 2"


def test_a_name_is_taken_once_in_a_place_and_free_in_another(books: Books):
    with books.begin() as shelf:
        fridge(shelf, "ILR 1")
        elsewhere = fridge(shelf, "ILR 1", block(shelf, "Rampur"))
        with pytest.raises(NameTaken, match="ILR 1"):
            fridge(shelf, "ILR 1")

        assert shelf.storage_points.called("ILR 1", elsewhere.place_id) == [elsewhere]


def test_a_name_that_two_places_use_names_no_point(books: Books):
    with books.begin() as shelf:
        fridge(shelf, "ILR 1")
        fridge(shelf, "ILR 1", block(shelf, "Rampur"))

        with pytest.raises(AmbiguousStoragePoint, match="2 storage points"):
            storage_points.find(shelf, "ILR 1")


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_name_that_nobody_could_read_is_refused(books: Books, name: str):
    with books.begin() as shelf, pytest.raises(BadStoragePoint):
        fridge(shelf, name)


def test_a_class_without_rules_is_refused_with_those_there_are(books: Books):
    with books.begin() as shelf, pytest.raises(BadStoragePoint, match="freezer, refrigerator"):
        storage_points.add(shelf, "Shelf", "ambient", district(shelf).place_id)


def test_a_point_needs_a_place_that_is_there(books: Books):
    with books.begin() as shelf, pytest.raises(NoSuchPlace):
        storage_points.add(shelf, "ILR 1", "refrigerator", "nowhere")


def test_a_point_in_use_is_not_ended(books: Books):
    with books.begin() as shelf:
        point = fridge(shelf)
        logger(shelf, point=point)
        with pytest.raises(StoragePointInUse):
            storage_points.end(shelf, point.storage_point_id, hour(2))

        placements.take_away(shelf, "logger-1", hour(1))
        assert not storage_points.end(shelf, point.storage_point_id, hour(2)).is_kept_at(hour(2))


def test_ending_keeps_the_point_and_frees_its_name(books: Books):
    with books.begin() as shelf:
        old = fridge(shelf, "ILR 1")
        storage_points.end(shelf, old.storage_point_id, START)
        new = fridge(shelf, "ILR 1")

        assert storage_points.find(shelf, "ILR 1") == new
        assert shelf.storage_points.get(old.storage_point_id).ended_at == START
        with pytest.raises(NoSuchStoragePoint, match="has ended"):
            storage_points.of_now(shelf, old.storage_point_id)


def test_a_list_holds_what_lies_in_the_place_and_below_it_in_order_of_names(books: Books):
    with books.begin() as shelf:
        rampur, sitapur = block(shelf, "Rampur"), block(shelf, "Sitapur")
        clinic = places.add(shelf, "facility", {"en": "Clinic"}, rampur.place_id)
        for name, place in [("c", clinic), ("a", rampur), ("b", sitapur), ("d", district(shelf))]:
            fridge(shelf, name, place)

        def names(path: str) -> str:
            return "".join(point.name for point in shelf.storage_points.page(path))

        assert (names(EVERYTHING), names(rampur.path), names(sitapur.path)) == ("abcd", "ac", "b")


def test_a_list_comes_in_pages(books: Books):
    with books.begin() as shelf:
        for number in range(7):
            fridge(shelf, f"ILR {number}")
        seen: list[str] = []
        after = None
        while page := shelf.storage_points.page(EVERYTHING, after, limit=3):
            seen += [point.name for point in page]
            after = (page[-1].name, page[-1].storage_point_id)

    assert seen == [f"ILR {number}" for number in range(7)]
