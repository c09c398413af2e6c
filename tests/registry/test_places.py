"""What places promise."""

import pytest

from registry import places
from registry.books import Books
from registry.dated import Overlapping
from registry.places import AmbiguousPlace, BadPlace, NoSuchPlace, PlaceInItself, PlaceInUse
from tests.helpers_registry import EVERYTHING, block, district
from tests.tales import hour


def test_the_first_start_makes_one_place_at_the_top(books: Books):
    with books.read() as shelf:
        top = places.top(shelf)

    assert (top.kind, top.called(), top.called("hi"), top.zone) == (
        "district",
        "Our district",
        "हमारा ज़िला",
        "Asia/Kolkata",
    )
    assert top.path == f"/{top.place_id}/"


def test_a_place_lies_in_its_parent_and_takes_its_zone(books: Books):
    with books.begin() as shelf:
        place = places.add(shelf, "block", {"en": "Rampur", "hi": "रामपुर"}, district(shelf).place_id)

        assert place.is_within(district(shelf).path)
        assert place.zone == "Asia/Kolkata"
        assert places.find(shelf, "रामपुर") == place


def test_there_is_one_top_only(books: Books):
    with books.begin() as shelf, pytest.raises(BadPlace, match="only one"):
        places.add(shelf, "nation", {"en": "India"}, None)


@pytest.mark.parametrize(
    ("kind", "name", "zone"),
    [("village", "Rampur", None), ("block", " ", None), ("block", "Rampur", "Mars/Olympus"), ("block", "R", "../etc")],
)
def test_what_makes_no_sense_is_refused(books: Books, kind: str, name: str, zone: str | None):
    with books.begin() as shelf, pytest.raises(BadPlace):
        places.add(shelf, kind, {"en": name}, district(shelf).place_id, zone=zone)


def test_a_name_that_two_bear_names_none(books: Books):
    with books.begin() as shelf:
        block(shelf, "Rampur")
        block(shelf, "Rampur")
        with pytest.raises(AmbiguousPlace):
            places.find(shelf, "Rampur")
        with pytest.raises(NoSuchPlace):
            places.find(shelf, "Atlantis")


def test_a_district_is_split_and_everything_below_goes_along(books: Books):
    with books.begin() as shelf:
        old, new = block(shelf, "Old"), block(shelf, "New")
        moved = block(shelf, "Moved", old.place_id)
        below = block(shelf, "Below", moved.place_id)
        places.move(shelf, moved.place_id, new.place_id, hour(5), hour(5))

        assert shelf.places.get(below.place_id).path == f"{new.path}{moved.place_id}/{below.place_id}/"
        assert [place.called() for place in shelf.places.page(old.path)] == ["Old"]
        assert [row.parent_id for row in shelf.places.lyings(moved.place_id)] == [old.place_id, new.place_id]


def test_a_place_has_one_parent_at_an_instant(books: Books):
    with books.begin() as shelf:
        one, other, moved = block(shelf, "One"), block(shelf, "Other"), block(shelf, "Moved")
        places.move(shelf, moved.place_id, one.place_id, hour(5), hour(9))
        places.move(shelf, moved.place_id, other.place_id, hour(2), hour(9))
        rows = shelf.places.lyings(moved.place_id)
        with pytest.raises(Overlapping):
            places.move(shelf, moved.place_id, one.place_id, hour(2), hour(9))

        assert [row.parent_id for row in rows[1:]] == [other.place_id, one.place_id]
        assert [(row.since, row.until) for row in rows[1:]] == [(hour(2), hour(5)), (hour(5), None)]
        assert shelf.places.get(moved.place_id).parent_id == one.place_id  # what was dated back is past


def test_no_place_lies_in_itself_now(books: Books):
    with books.begin() as shelf:
        outer = block(shelf, "Outer")
        inner = block(shelf, "Inner", outer.place_id)
        for parent in (inner, outer):
            with pytest.raises(PlaceInItself):
                places.move(shelf, outer.place_id, parent.place_id, hour(1), hour(1))


def test_no_place_ever_lay_in_itself(books: Books):
    with books.begin() as shelf:
        top, one, other = district(shelf), block(shelf, "One"), block(shelf, "Other")
        places.move(shelf, other.place_id, one.place_id, hour(1), hour(9))
        places.move(shelf, other.place_id, top.place_id, hour(5), hour(9))
        with pytest.raises(PlaceInItself):  # from 1 to 5 the other lay in it
            places.move(shelf, one.place_id, other.place_id, hour(3), hour(9))

        places.move(shelf, one.place_id, other.place_id, hour(5), hour(9))


def test_places_that_lay_in_each_other_at_different_times_are_no_circle(books: Books):
    with books.begin() as shelf:
        outer, middle, inner = block(shelf, "Outer"), block(shelf, "Middle"), block(shelf, "Inner")
        places.move(shelf, middle.place_id, outer.place_id, hour(0), hour(9))
        places.move(shelf, middle.place_id, district(shelf).place_id, hour(5), hour(9))
        places.move(shelf, outer.place_id, inner.place_id, hour(5), hour(9))

        moved = places.move(shelf, inner.place_id, middle.place_id, hour(3), hour(9))
        assert shelf.places.get(outer.place_id).is_within(moved.path)


def test_a_place_in_which_others_lie_is_not_ended(books: Books):
    with books.begin() as shelf:
        outer = block(shelf, "Outer")
        inner = block(shelf, "Inner", outer.place_id)
        with pytest.raises(PlaceInUse, match="Inner"):
            places.end(shelf, outer.place_id, hour(1))
        places.end(shelf, inner.place_id, hour(1))
        places.end(shelf, outer.place_id, hour(1))

        assert [place.called() for place in shelf.places.page(EVERYTHING)] == ["Our district"]
        with pytest.raises(NoSuchPlace, match="has ended"):
            places.of_now(shelf, outer.place_id)


def test_names_of_other_languages_stay_when_one_changes(books: Books):
    with books.begin() as shelf:
        place = places.describe(shelf, district(shelf).place_id, name={"en": "Sitapur"})

        assert dict(place.name) == {"en": "Sitapur", "hi": "हमारा ज़िला"}
        assert places.find(shelf, "Sitapur") == place
        with pytest.raises(NoSuchPlace):
            places.find(shelf, "Our district")


def test_a_list_comes_in_pages_by_name(books: Books):
    with books.begin() as shelf:
        for name in "dbeac":
            block(shelf, name)
        first = shelf.places.page(EVERYTHING, limit=4)
        rest = shelf.places.page(EVERYTHING, shelf.places.cursor(first[-1]), limit=4)

    assert [place.called() for place in first + rest] == ["Our district", "a", "b", "c", "d", "e"]
