"""What sensors, equipment, facilities, identifiers, evidence, contacts and alerts promise."""

import hashlib

import pytest

from coldchain.events import DeviceSaid
from registry import alerts, contacts, equipment, evidence, facilities, identifiers, places, sensors
from registry.books import Books
from registry.contacts import BadContact
from registry.dated import Overlapping
from registry.equipment import BadEquipment
from registry.evidence import BadEvidence
from registry.facilities import BadFacility, NoSuchFacility
from registry.identifiers import BadIdentifier, IdentifierTaken, NoSuchIdentifier
from registry.incidents import Incident
from registry.sensors import BadSensor, NoSuchCorrection, NoSuchSensor
from tests.helpers_registry import START, block, district, fridge, logger
from tests.tales import hour

# Sensors


def test_another_name_makes_no_other_sensor(books: Books):
    with books.begin() as shelf:
        logger(shelf)
        sensors.note(shelf, "logger-1", "tvc", START)
        sensors.call(shelf, "logger-1", "tvc", "upper  basket")
        sensors.note(shelf, "logger-1", "tvc", hour(5), quantity="humidity")

        [sensor] = shelf.sensors.of_device("logger-1")
        assert (sensor.channel, sensor.label, sensor.quantity, sensor.known_at) == (
            "tvc",
            "upper basket",
            "temperature",
            START,
        )
        with pytest.raises(NoSuchSensor):
            sensors.call(shelf, "logger-1", "amb", "room")


def test_corrections_follow_each_other(books: Books):
    with books.begin() as shelf:
        logger(shelf)
        sensors.note(shelf, "logger-1", "tvc", START)
        first = sensors.correct(shelf, "logger-1", "tvc", -12, hour(1), hour(9), "calibration of spring")
        sensors.correct(shelf, "logger-1", "tvc", 7, hour(5), hour(9))
        with pytest.raises(Overlapping):
            sensors.correct(shelf, "logger-1", "tvc", 9, hour(5), hour(9))
        right = sensors.supersede(shelf, first.correction_id, -21, hour(10))

        known = shelf.sensors.corrections("logger-1", "tvc")
        assert [(one.offset, one.since, one.until) for one in known] == [(-21, hour(1), hour(5)), (7, hour(5), None)]
        assert known[0].correction_id == right.correction_id
        with pytest.raises(NoSuchCorrection):
            sensors.supersede(shelf, first.correction_id, 0, hour(11))


def test_a_broken_probe_is_not_corrected(books: Books):
    with books.begin() as shelf:
        logger(shelf)
        sensors.note(shelf, "logger-1", "tvc", START)
        with pytest.raises(BadSensor, match="replaced"):
            sensors.correct(shelf, "logger-1", "tvc", 10_01, hour(1), hour(1))


# Equipment


def test_a_new_fridge_takes_the_slot_and_the_old_one_keeps_its_history(books: Books):
    with books.begin() as shelf:
        point = fridge(shelf)
        old = equipment.add(shelf, "Maker", "ILR-60", "refrigerator", START, net_millilitres=61_500)
        new = equipment.add(shelf, "Maker", "ILR-90", "refrigerator", START)
        equipment.fill(shelf, point.storage_point_id, old.equipment_id, hour(1))
        equipment.fill(shelf, point.storage_point_id, new.equipment_id, hour(5))

        fillings = shelf.equipment.fillings(storage_point_id=point.storage_point_id)
        assert [(one.equipment_id, one.since, one.until) for one in fillings] == [
            (old.equipment_id, hour(1), hour(5)),
            (new.equipment_id, hour(5), None),
        ]


def test_equipment_fills_one_point_at_an_instant(books: Books):
    with books.begin() as shelf:
        one, other = fridge(shelf, "ILR 1"), fridge(shelf, "ILR 2")
        metal = equipment.add(shelf, "Maker", "ILR-60", "refrigerator", START)
        equipment.fill(shelf, one.storage_point_id, metal.equipment_id, hour(1))
        equipment.fill(shelf, other.storage_point_id, metal.equipment_id, hour(5))

        fillings = shelf.equipment.fillings(equipment_id=metal.equipment_id)
        assert [(one.since, one.until) for one in fillings] == [(hour(1), hour(5)), (hour(5), None)]


def test_conditions_follow_each_other_to_the_end(books: Books):
    with books.begin() as shelf:
        point = fridge(shelf)
        metal = equipment.add(shelf, "Maker", "ILR-60", "refrigerator", START)
        equipment.fill(shelf, point.storage_point_id, metal.equipment_id, hour(1))
        equipment.find_in_condition(shelf, metal.equipment_id, "needs-repair", hour(3), "thermostat")
        equipment.write_off(shelf, metal.equipment_id, hour(9))

        conditions = shelf.equipment.conditions(metal.equipment_id)
        assert [one.condition for one in conditions] == ["working", "needs-repair", "written-off"]
        assert shelf.equipment.fillings(storage_point_id=point.storage_point_id)[0].until == hour(9)
        with pytest.raises(BadEquipment):
            equipment.find_in_condition(shelf, metal.equipment_id, "tired", hour(10))


# Facilities and identifiers


def test_a_facility_is_a_place_of_that_kind(books: Books):
    with books.begin() as shelf:
        clinic = places.add(shelf, "facility", {"en": "Clinic"}, district(shelf).place_id)
        refuge = places.add(shelf, "facility", {"en": "Refuge"}, district(shelf).place_id)
        told = facilities.describe(
            shelf,
            clinic.place_id,
            "cold-chain-point",
            position=(25.6, 85.1),
            contingency_place_id=refuge.place_id,
        )

        assert shelf.facilities.get(clinic.place_id) == told
        with pytest.raises(NoSuchFacility):
            shelf.facilities.get(refuge.place_id)
        for place, kind, position, contingency in [
            (block(shelf, "Rampur"), "cold-chain-point", None, None),
            (clinic, "castle", None, None),
            (clinic, "cold-chain-point", (91.0, 0.0), None),
            (clinic, "cold-chain-point", None, clinic.place_id),
        ]:
            with pytest.raises(BadFacility):
                facilities.describe(shelf, place.place_id, kind, position=position, contingency_place_id=contingency)


def test_a_code_names_one_thing_in_its_system(books: Books):
    with books.begin() as shelf:
        one = identifiers.give(shelf, "place", "a", "LGD", " 1024 ")
        identifiers.give(shelf, "place", "a", "lgd", "1024")
        identifiers.give(shelf, "place", "b", "hfr", "1024")
        with pytest.raises(IdentifierTaken):
            identifiers.give(shelf, "place", "b", "lgd", "1024")
        with pytest.raises(BadIdentifier):
            identifiers.give(shelf, "place", "b", "two words", "1")

        assert shelf.identifiers.of("place", "a") == [one]
        identifiers.take_back(shelf, "lgd", "1024")
        with pytest.raises(NoSuchIdentifier):
            shelf.identifiers.find("lgd", "1024")


# Evidence


def test_the_same_source_twice_is_one(books: Books):
    digest = hashlib.sha256(b"a file").hexdigest()
    with books.begin() as shelf:
        assert evidence.keep(shelf, "day-summary", "point", digest, hour(0), hour(9), {"max_c": 7.9})
        assert not evidence.keep(shelf, "day-summary", "point", digest, hour(0), hour(10), {"max_c": 7.9})
        assert evidence.keep(shelf, "day-summary", "point", digest, hour(24), hour(10), {"max_c": 8.1})
        with pytest.raises(BadEvidence):
            evidence.keep(shelf, "rumour", "point", digest, hour(0), hour(9), {})

        kept = shelf.evidence.of_subject("point", hour(0), hour(24))
        assert [dict(one.content) for one in kept] == [{"max_c": 7.9}]


def alarm(digest: str, minutes: int) -> evidence.Said:
    return evidence.Said("device-alarm", "tag", digest, hour(3), {"alarms": [{"code": "high", "minutes": minutes}]})


def test_the_same_words_from_two_sources_are_kept_once(books: Books):
    first, second = (hashlib.sha256(source).hexdigest() for source in (b"one export", b"the next"))
    with books.begin() as shelf:
        assert evidence.keep_all(shelf, [alarm(first, 70)], hour(9)) == 1
        assert evidence.keep_all(shelf, [alarm(second, 70), alarm(second, 70)], hour(10)) == 0
        assert evidence.keep_all(shelf, [alarm(second, 95)], hour(10)) == 1

        assert [one.digest for one in shelf.evidence.of_subject("tag", hour(0), hour(24))] == [first, second]


def test_what_devices_say_is_kept_by_a_follower(books: Books):
    said = DeviceSaid("emd-1", "device-alarm", "0" * 64, hour(3), {"alarms": [{"code": "DOOR"}]})
    with books.begin() as shelf:
        evidence.take_said(shelf, [said, said], hour(9))
        evidence.take_said(shelf, [said], hour(10))

        [kept] = shelf.evidence.of_subject("emd-1", hour(0), hour(24))
    assert (kept.kind, kept.happened_at, kept.recorded_at) == ("device-alarm", hour(3), hour(9))
    assert dict(kept.content) == {"alarms": [{"code": "DOOR"}]}


# Contacts and alerts


def test_who_is_told_is_who_is_on_duty_there_or_above_and_answers(books: Books):
    with books.begin() as shelf:
        rampur = block(shelf, "Rampur")
        called = {}
        for name, place in [("top", district(shelf)), ("rampur", rampur), ("unverified", rampur), ("later", rampur)]:
            contact = contacts.add(shelf, "sms", f"+91 {name}")
            called[contact.contact_id] = name
            if name != "unverified":
                contacts.verify(shelf, contact.contact_id, START)
            since = hour(9) if name == "later" else START
            contacts.assign(shelf, contact.contact_id, place.place_id, "first", since)

        def told(place_id: str, at: int) -> set[str]:
            return {called[one.contact_id] for one in contacts.who_is_told(shelf, place_id, "first", at)}

        assert told(rampur.place_id, hour(1)) == {"top", "rampur"}
        assert told(rampur.place_id, hour(9)) == {"top", "rampur", "later"}
        assert told(district(shelf).place_id, hour(9)) == {"top"}
        assert contacts.who_is_told(shelf, rampur.place_id, "second", hour(9)) == []
        with pytest.raises(BadContact):
            contacts.add(shelf, "pigeon", "loft 3")


def test_nobody_is_told_the_same_thing_twice(books: Books):
    with books.begin() as shelf:
        incident = Incident("heat", district(shelf).place_id, hour(0), hour(1))
        shelf.incidents.add([incident])
        contact = contacts.add(shelf, "sms", "+91 00000 00000")
        owed = (incident.incident_id, contact.contact_id, 1, "heat", "hi")
        first, is_new = alerts.owe(shelf, *owed, at=hour(1))
        again, is_new_again = alerts.owe(shelf, *owed, at=hour(2))
        alerts.record_attempt(shelf, first.alert_id, "failed", hour(1), "busy")
        alerts.record_attempt(shelf, first.alert_id, "accepted", hour(2))

        assert (is_new, is_new_again, again) == (True, False, first)
        assert [(one.attempt, one.outcome) for one in shelf.alerts.deliveries(first.alert_id)] == [
            (1, "failed"),
            (2, "accepted"),
        ]
        assert shelf.alerts.of_incident(incident.incident_id) == [first]


def test_addresses_do_not_show_themselves(books: Books):
    with books.begin() as shelf:
        assert "+91" not in repr(contacts.add(shelf, "sms", "+91 00000 00000"))
