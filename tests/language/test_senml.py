"""What an agent's packs look like on the wire (RFC 8428); `tests/ingest` reads them back."""

import json

from coldchain.readings import Reading
from coldchain.senml import encode
from tests.tales import NEW_YEAR

OUTBOX = "9f86d081884c7d65"


def test_a_pack_names_its_device_outbox_number_and_time_once():
    readings = [Reading("tvc", NEW_YEAR, 456), Reading("tvc", NEW_YEAR + 60_000, None, "unplugged")]

    assert json.loads(encode("pi-0142", OUTBOX, 57, readings)) == [
        {"bn": "pi-0142:", "bt": 1767225600, "n": "outbox", "vs": OUTBOX},
        {"n": "seq", "v": 57},
        {"n": "clock", "vs": "trusted"},
        {"n": "tvc", "t": 0, "u": "Cel", "v": 4.56},
        {"n": "tvc", "t": 60, "vs": "fault:unplugged"},
    ]


def test_milliseconds_are_kept():
    readings = [Reading("tvc", NEW_YEAR + 250, 456), Reading("tvc", NEW_YEAR + 60_001, 457)]
    *_, first, second = json.loads(encode("pi-0142", OUTBOX, 1, readings))

    assert (first["t"], second["t"]) == (0.25, 60.001)


def test_readings_that_stand_in_no_order_keep_their_instants():
    readings = [Reading("tvc", NEW_YEAR + 60_000, 456), Reading("amb", NEW_YEAR, 2100)]
    *_, first, second = json.loads(encode("pi-0142", OUTBOX, 1, readings))

    assert (first["t"], second["t"]) == (0, -60)


def test_readings_that_nobody_can_date_have_no_time():
    records = json.loads(encode("pi-0142", OUTBOX, 1, [Reading("tvc", 0, 456)], dated=False))

    assert records[2] == {"n": "clock", "vs": "undated"}
    assert not any(key in record for record in records for key in ("t", "bt"))


def test_the_same_pack_is_the_same_bytes():
    readings = [Reading("tvc", NEW_YEAR, -50)]

    assert encode("pi-0142", OUTBOX, 1, readings) == encode("pi-0142", OUTBOX, 1, readings)
