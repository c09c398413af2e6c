"""A district goes into the books."""

import time

import pytest

from coldchain.clock import SECOND, now
from coldchain.data_dir import DataDir
from coldchain.errors import Conflict
from registry import devices, places
from registry.settling import open_at
from simulators import accounts, district, enrolment


@pytest.fixture
def data_dir(tmp_path) -> DataDir:
    return DataDir(tmp_path / "data")


def test_the_shipped_district_fits_into_the_books(data_dir):
    books = open_at(data_dir)
    begun = time.process_time()

    given = enrolment.enrol(books, district.shipped(), now(), is_whole=True)
    enrolment.tell(books, data_dir)

    assert time.process_time() - begun < 3
    assert len(given) == 40
    with books.read() as shelf:
        top = places.top(shelf)
        assert top.name["hi"] == "इंद्रावन"
        assert len(shelf.places.children(top.place_id)) == 5
        assert len(shelf.storage_points.page(top.path)) == 40
        assert len(shelf.placements.standing(top.path, now())) == 40
        interval = devices.interval_at(shelf.devices.declared(["store-df-2"])["store-df-2"], now())
        assert interval == 60 * SECOND
    books.close()
    assert (data_dir.broker / "passwd").read_text().count("\n") == 41


def test_a_district_can_stand_under_others(data_dir):
    books = open_at(data_dir)

    enrolment.enrol(books, district.shipped().with_only(2), now(), is_whole=False)

    with books.read() as shelf:
        top = places.top(shelf)
        assert [place.name["en"] for place in shelf.places.children(top.place_id)] == ["Indravan"]
    books.close()


def test_a_device_that_is_taken_undoes_it_all(data_dir):
    books = open_at(data_dir)
    enrolment.enrol_unplaced(books, "store-df-1", 60 * SECOND, now())

    with pytest.raises(Conflict):
        enrolment.enrol(books, district.shipped(), now(), is_whole=True)

    with books.read() as shelf:
        assert not shelf.places.children(places.top(shelf).place_id)
    assert enrolment.known(books, ["store-df-1", "store-df-2"]) == {"store-df-1"}
    books.close()


def test_accounts_are_kept_for_us_alone(tmp_path):
    path = tmp_path / "accounts.jsonl"

    accounts.write(path, [accounts.Account("dev-1", "secret")])

    assert accounts.read(path) == {"dev-1": accounts.Account("dev-1", "secret")}
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ['{"device_id": "dev-1"}', "dev-1 secret", "[]"])
def test_a_file_that_holds_no_accounts_is_told(tmp_path, text):
    path = tmp_path / "accounts.jsonl"
    path.write_text("\n" + text)

    with pytest.raises(accounts.BadAccounts, match=r"accounts\.jsonl:2: is no line of"):
        accounts.read(path)
