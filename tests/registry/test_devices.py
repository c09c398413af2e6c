"""What devices promise."""

import pytest

from coldchain.clock import SECOND
from coldchain.credentials import matches
from coldchain.facts import Enrolled, Facts, Placed
from coldchain.ids import BadDeviceId
from coldchain.judgement import ALWAYS
from registry import devices, enrolment, placements
from registry.books import Books
from registry.dated import Overlapping
from registry.devices import BadDevice, DeviceEnded, DeviceKnown, NoSuchDevice
from tests.helpers_registry import EVERYTHING, START, block, district, fridge, logger, published
from tests.tales import hour


def test_a_device_is_let_in_with_a_password_that_only_it_learns(books: Books):
    with books.begin() as shelf:
        [given] = enrolment.enrol(shelf, ["pi-0142"], START)
        device = shelf.devices.get("pi-0142")

    assert len(bytes.fromhex(given.password)) == 16
    assert matches(device.credential, given.password)
    assert not matches(device.credential, given.password + "x")
    assert given.password not in repr(given)
    assert device.credential not in repr(device)


def test_the_gate_learns_of_it(books: Books):
    published(books)
    with books.begin() as shelf:
        enrolment.enrol(shelf, ["pi-0142"], START, interval=60 * SECOND)
        credential = shelf.devices.get("pi-0142").credential

    assert published(books) == [Enrolled("pi-0142", 1, credential, "senml", ((ALWAYS, 60 * SECOND),))]


def test_several_are_let_in_together_or_not_at_all(books: Books):
    with books.begin() as shelf:
        logger(shelf, "known")
    with pytest.raises(DeviceKnown, match="known is enrolled already"), books.begin() as shelf:
        enrolment.enrol(shelf, ["new-1", "known", "new-2"], START)

    with books.read() as shelf:
        assert [device.device_id for device in shelf.devices.page(EVERYTHING)] == ["known"]


@pytest.mark.parametrize("name", ["ab", "Pi-0142", "pi_0142", "pi 0142", "x" * 33, "a/b", "#", "+++", "", "पी-01"])
def test_an_id_that_topics_cannot_carry_is_refused(books: Books, name: str):
    with books.begin() as shelf, pytest.raises(BadDeviceId):
        logger(shelf, name)


@pytest.mark.parametrize("names", [["coldchain-gate"], ["twice", "twice"]])
def test_an_id_that_is_not_to_be_had_is_refused(books: Books, names: list[str]):
    with books.begin() as shelf, pytest.raises(BadDevice):
        enrolment.enrol(shelf, names, START)


def test_an_id_is_never_used_again(books: Books):
    with books.begin() as shelf:
        logger(shelf, "old-1")
        enrolment.retire(shelf, "old-1", hour(1))
        with pytest.raises(DeviceKnown, match="never used again"):
            logger(shelf, "old-1")
        with pytest.raises(DeviceEnded):
            enrolment.retire(shelf, "old-1", hour(2))


def test_a_device_that_is_taken_out_stands_nowhere_and_signs_in_no_more(books: Books):
    with books.begin() as shelf:
        logger(shelf, point=fridge(shelf))
        enrolment.retire(shelf, "logger-1", hour(1))
    facts = Facts(published(books))

    with books.read() as shelf:
        assert shelf.devices.credentials() == []
        assert shelf.placements.of_devices(["logger-1"], hour(1)) == []
        assert shelf.devices.page(EVERYTHING) == []
        assert [device.device_id for device in shelf.devices.page(EVERYTHING, ended=True)] == ["logger-1"]
    assert facts.device("logger-1") is None
    assert [fact.until for fact in facts if isinstance(fact, Placed)] == [hour(1)]


def test_a_new_password_takes_the_old_ones_place(books: Books):
    with books.begin() as shelf:
        [old] = enrolment.enrol(shelf, ["pi-0142"], START)
        new = devices.renew_password(shelf, "pi-0142", hour(1))
        credential = shelf.devices.get("pi-0142").credential

    assert matches(credential, new.password)
    assert not matches(credential, old.password)


def test_what_a_device_declares_holds_from_its_instant(books: Books):
    with books.begin() as shelf:
        logger(shelf)
        devices.declare(shelf, "logger-1", 60 * SECOND, hour(2), hour(3))
        devices.declare(shelf, "logger-1", 900 * SECOND, hour(1), hour(3))
        declared = shelf.devices.declared(["logger-1"])["logger-1"]
    facts = Facts(published(books))

    for at, seconds in [(0.5, 300), (1, 900), (1.9, 900), (2, 60), (9, 60)]:
        assert devices.interval_at(declared, hour(at)) == facts.interval_at("logger-1", hour(at)) == seconds * SECOND


def test_what_was_known_is_declared_in_vain(books: Books):
    with books.begin() as shelf:
        logger(shelf)
        devices.declare(shelf, "logger-1", 60 * SECOND, hour(1), hour(1))
        published_before = shelf.devices.get("logger-1").revision

        assert devices.declare(shelf, "logger-1", 60 * SECOND, hour(1), hour(2)) is None
        assert devices.declare(shelf, "logger-1", 60 * SECOND, hour(4), hour(4)) is None
        assert devices.declare(shelf, "logger-1", 300 * SECOND, hour(0), hour(4)) is None
        assert shelf.devices.get("logger-1").revision == published_before


@pytest.mark.parametrize("seconds", [0, -60, 86_401])
def test_an_interval_that_no_device_keeps_is_refused(books: Books, seconds: int):
    with books.begin() as shelf, pytest.raises(BadDevice):
        enrolment.enrol(shelf, ["pi-0142"], START, interval=seconds * SECOND)


def test_wishes_go_out_and_limits_that_cross_do_not(books: Books):
    with books.begin() as shelf:
        logger(shelf)
        devices.wish(shelf, "logger-1", interval=120 * SECOND, low=200, high=800)
        with pytest.raises(BadDevice):
            devices.wish(shelf, "logger-1", low=800, high=200)
    fact = Facts(published(books)).device("logger-1")

    assert fact is not None
    assert (fact.wished_interval, fact.low, fact.high) == (120 * SECOND, 200, 800)


def test_a_device_belongs_to_the_place_where_it_last_stood(books: Books):
    with books.begin() as shelf:
        rampur = block(shelf, "Rampur")
        logger(shelf)
        assert shelf.devices.get("logger-1").place_id == district(shelf).place_id
        placements.place(shelf, "logger-1", fridge(shelf, place=rampur).storage_point_id, hour(1))
        placements.take_away(shelf, "logger-1", hour(2))

        assert [device.device_id for device in shelf.devices.page(rampur.path)] == ["logger-1"]


def test_a_bridge_speaks_for_others_one_at_a_time(books: Books):
    with books.begin() as shelf:
        enrolment.enrol(shelf, ["bridge-1", "bridge-2"], START, kind="bridge")
        logger(shelf)
        devices.speak_for(shelf, "bridge-1", "logger-1", "A4:C1", hour(3), hour(1))
        devices.speak_for(shelf, "bridge-2", "logger-1", "A4:C1", hour(3), hour(2))

        assert [(row.bridge_id, row.until) for row in shelf.devices.spoken_for("logger-1")] == [
            ("bridge-1", hour(2)),
            ("bridge-2", None),
        ]
        assert [row.device_id for row in shelf.devices.speaks_for("bridge-2")] == ["logger-1"]
        with pytest.raises(Overlapping):
            devices.speak_for(shelf, "bridge-1", "logger-1", "A4:C1", hour(3), hour(2))
        with pytest.raises(BadDevice, match="a bridge speaks, for a device that is none"):
            devices.speak_for(shelf, "logger-1", "bridge-1", "A4:C1", hour(3))


def test_one_that_nobody_let_in_is_not_there(books: Books):
    with books.begin() as shelf, pytest.raises(NoSuchDevice):
        devices.wish(shelf, "nobody")
