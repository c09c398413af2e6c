"""What the books promise of how devices speak, and for whom."""

import pytest

from coldchain.dialects import NoSuchDialect
from coldchain.facts import Enrolled, Facts
from coldchain.filters import BadFilter
from registry import broker_files, devices, enrolment, placements, places, speech
from registry.books import Books, Shelf
from registry.devices import BadDevice, HardwareTaken, NotSpokenFor
from registry.speech import BadSpeech, TopicTaken
from tests.helpers_registry import START, district, fridge, logger, published
from tests.tales import hour

KITCHEN = speech.checked("tasmota", "kitchen")


def told(books: Books, device_id: str) -> Enrolled:
    """What the gate was told last."""
    facts = [one for one in published(books) if isinstance(one, Enrolled) and one.device_id == device_id]
    return max(facts, key=lambda one: one.revision)


def bridge(shelf: Shelf, device_id: str = "hub-1") -> str:
    enrolment.enrol(shelf, [device_id], START, kind="bridge", speaks=speech.checked("zigbee2mqtt", is_bridge=True))
    return device_id


def behind(shelf: Shelf, device_id: str, hardware_id: str, bridge_id: str = "hub-1", at: int = START) -> None:
    speaks = speech.checked(hardware_id=hardware_id, is_behind_bridge=True)
    assert enrolment.enrol(shelf, [device_id], at, speaks=speaks, bridge_id=bridge_id) == []


def test_the_gate_learns_all_of_it(books: Books):
    told_so = speech.checked("json", "box", ["shed/#"], {"t2": "ambient"}, '{ "temperature": "t" }', "Asia/Kathmandu")
    with books.begin() as shelf:
        enrolment.enrol(shelf, ["box-1"], START, speaks=told_so)
    fact = told(books, "box-1")

    assert (fact.dialect, fact.hardware_id, fact.topics, fact.probes) == (
        *("json", "box"),
        ("shed/#",),
        (("t2", "ambient"),),
    )
    assert (fact.mapping, fact.zone, fact.is_bridge) == ('{"temperature":"t"}', "Asia/Kathmandu", False)


def test_without_topics_it_has_those_of_its_dialect(books: Books):
    with books.begin() as shelf:
        enrolment.enrol(shelf, ["plug-1"], START, speaks=KITCHEN)

        assert next(iter(shelf.devices.get("plug-1").topics)) == "tele/kitchen/SENSOR"
        assert list(shelf.devices.get(bridge(shelf)).topics) == ["zigbee2mqtt/#"]


def test_a_zone_that_nobody_named_is_that_of_where_it_stands(books: Books):
    with books.begin() as shelf:
        enrolment.enrol(shelf, ["plug-1"], START, speaks=KITCHEN)
    assert told(books, "plug-1").zone == "Asia/Kolkata"

    with books.begin() as shelf:
        there = places.add(shelf, "block", {"en": "Beyond"}, district(shelf).place_id, zone="Asia/Kathmandu")
        placements.place(shelf, "plug-1", fridge(shelf, place=there).storage_point_id, hour(1))
    assert told(books, "plug-1").zone == "Asia/Kathmandu"


def test_a_topic_belongs_to_one_living_device(books: Books):
    with books.begin() as shelf:
        enrolment.enrol(shelf, ["plug-1"], START, speaks=KITCHEN)
        with pytest.raises(TopicTaken, match=r"'tele/\+/SENSOR' means topics of the device plug-1 too"):
            enrolment.enrol(shelf, ["plug-2"], START, speaks=speech.checked("tasmota", topics=["tele/+/SENSOR"]))
        devices.speak(shelf, "plug-1", KITCHEN)  # its own are no hindrance
        enrolment.retire(shelf, "plug-1", hour(1))
        enrolment.enrol(shelf, ["plug-3"], START, speaks=KITCHEN)


def test_one_device_of_a_broker_speaks_by_thingsboards_device_topics(books: Books):
    with books.begin() as shelf:
        enrolment.enrol(shelf, ["board-1"], START, speaks=speech.checked("thingsboard"))
        with pytest.raises(TopicTaken, match="board-1"):
            enrolment.enrol(shelf, ["board-2"], START, speaks=speech.checked("thingsboard"))
        enrolment.enrol(shelf, ["gw-1"], START, kind="bridge", speaks=speech.checked("thingsboard", is_bridge=True))


def test_several_devices_cannot_share_topics(books: Books):
    with books.begin() as shelf, pytest.raises(BadDevice, match="one by one"):
        enrolment.enrol(shelf, ["plug-1", "plug-2"], START, speaks=KITCHEN)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"dialect": "klingon"}, "there is no dialect 'klingon'; there are senml"),
        ({"topics": ["a/#", "a/b"]}, "another filter of the device means already"),
        ({"topics": [f"a/{n}" for n in range(17)]}, "16 topics at most"),
        ({"topics": ["#"]}, "every topic"),
        ({"hardware_id": "a+b"}, "no hardware id"),
        ({"hardware_id": "x" * 101}, "100 printable characters"),
        ({"probes": {"tvc": "king"}}, "no role of a probe"),
        ({"probes": {"": "ambient"}}, "no channel"),
        ({"mapping": "{"}, "this is no JSON"),
        ({"mapping": "[]"}, "a JSON object"),
        ({"zone": "../etc"}, "no time zone"),
        ({"topics": ["a/b"], "is_behind_bridge": True}, "its bridge has the topics"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(wrong: dict[str, object], says: str):
    with pytest.raises((BadSpeech, BadFilter, NoSuchDialect), match=says):
        speech.checked(**wrong)  # type: ignore[arg-type]


def test_a_device_behind_a_bridge_has_no_password_and_no_topics(books: Books):
    with books.begin() as shelf:
        bridge(shelf)
        behind(shelf, "fridge-1", "A1")

        assert [device_id for device_id, _ in shelf.devices.credentials()] == ["hub-1"]
        assert shelf.devices.topics() == [("hub-1", ["zigbee2mqtt/#"])]
    fact = told(books, "hub-1")
    assert (fact.is_bridge, [(one.hardware_id, one.device_id) for one in fact.speaks_for]) == (
        True,
        [("A1", "fridge-1")],
    )


def test_a_new_password_lets_it_sign_in_itself(books: Books):
    with books.begin() as shelf:
        bridge(shelf)
        behind(shelf, "fridge-1", "A1")
        devices.renew_password(shelf, "fridge-1", hour(1))

        assert [device_id for device_id, _ in shelf.devices.credentials()] == ["fridge-1", "hub-1"]


def test_one_name_of_hardware_is_one_device_at_a_time(books: Books):
    with books.begin() as shelf:
        bridge(shelf)
        bridge_two(shelf)
        behind(shelf, "fridge-1", "A1")
        with pytest.raises(HardwareTaken, match="passes on 'a1' as the device fridge-1 already"), shelf.attempt():
            behind(shelf, "fridge-2", "a1")
        behind(shelf, "fridge-3", "a1", "hub-2")
        devices.speak_no_more_for(shelf, "hub-1", "fridge-1", hour(2))
        logger(shelf, "fridge-4")
        devices.speak_for(shelf, "hub-1", "fridge-4", "a1", hour(2), hour(2))

        assert [(row.device_id, row.until) for row in shelf.devices.speaks_for("hub-1")] == [
            ("fridge-1", hour(2)),
            ("fridge-4", None),
        ]


def bridge_two(shelf: Shelf) -> None:
    speaks = speech.checked("zigbee2mqtt", "other", is_bridge=True)
    enrolment.enrol(shelf, ["hub-2"], START, kind="bridge", speaks=speaks)


def test_a_device_moves_from_bridge_to_bridge_and_both_are_told(books: Books):
    with books.begin() as shelf:
        bridge(shelf)
        bridge_two(shelf)
        behind(shelf, "fridge-1", "A1")
    published(books)
    with books.begin() as shelf:
        devices.speak_for(shelf, "hub-2", "fridge-1", "A1", hour(1))
        devices.speak_for(shelf, "hub-2", "fridge-1", "A1", hour(2))  # it does already
    facts = Facts(published(books))

    of_one, of_two = facts.device("hub-1"), facts.device("hub-2")
    assert of_one is not None
    assert of_two is not None
    assert [(one.device_id, one.until) for one in of_one.speaks_for] == [("fridge-1", hour(1))]
    assert [(one.since, one.until) for one in of_two.speaks_for] == [(hour(1), None)]


def test_whoever_is_spoken_for_does_not_speak_beside(books: Books):
    with books.begin() as shelf:
        bridge(shelf)
        behind(shelf, "fridge-1", "A1")
        with pytest.raises(BadDevice, match="a bridge speaks for fridge-1"):
            devices.speak(shelf, "fridge-1", KITCHEN)
        enrolment.enrol(shelf, ["plug-1"], START, speaks=KITCHEN)
        with pytest.raises(BadDevice, match="has topics of its own"):
            devices.speak_for(shelf, "hub-1", "plug-1", "A2", START)


@pytest.mark.parametrize(("hardware_id", "says"), [("", "under which name"), ("a/#", "no hardware id")])
def test_a_bridge_names_hardware(books: Books, hardware_id: str, says: str):
    with books.begin() as shelf:
        bridge(shelf)
        logger(shelf)
        with pytest.raises((BadDevice, BadSpeech), match=says):
            devices.speak_for(shelf, "hub-1", "logger-1", hardware_id, START)


def test_a_bridge_stays_one_while_it_speaks_for_somebody(books: Books):
    with books.begin() as shelf:
        bridge(shelf)
        behind(shelf, "fridge-1", "A1")
        with pytest.raises(BadDevice, match="stays a bridge"):
            devices.describe(shelf, "hub-1", kind="logger")
        with pytest.raises(NotSpokenFor):
            devices.speak_no_more_for(shelf, "hub-1", "hub-1", hour(1))
        enrolment.retire(shelf, "fridge-1", hour(1))
        assert devices.describe(shelf, "hub-1", kind="logger").kind == "logger"


def test_whoever_ends_speaks_for_nobody_any_more(books: Books):
    with books.begin() as shelf:
        bridge(shelf)
        behind(shelf, "fridge-1", "A1")
        enrolment.retire(shelf, "hub-1", hour(1))

        assert [row.until for row in shelf.devices.spoken_for("fridge-1")] == [hour(1)]
        bridge(shelf, "hub-9")
        devices.speak_for(shelf, "hub-9", "fridge-1", "A1", hour(2))


def test_the_broker_lets_each_say_what_its_record_names(books: Books):
    with books.begin() as shelf:
        enrolment.enrol(shelf, ["plug-1"], START, speaks=speech.checked("tasmota", topics=["tele/x/SENSOR", "a b/#"]))
        listed = broker_files.access_list(shelf.devices.topics()).splitlines()

    gate = listed[listed.index("user coldchain-gate") : listed.index("user plug-1")]
    assert {"topic read tele/x/SENSOR", "topic read a b/#"} <= set(gate)
    assert listed[listed.index("user plug-1") :] == ["user plug-1", "topic write tele/x/SENSOR", "topic write a b/#"]
