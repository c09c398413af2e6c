"""What imports promise."""

import csv
import io

import pytest

from coldchain.clock import SECOND
from coldchain.facts import Enrolled
from registry import devices, imports, places
from registry.books import Books
from registry.imports import BadFile, Imported, NothingTaken
from tests.helpers_registry import EVERYTHING, START, block, fridge, logger, published
from tests.tales import hour

PLACES = """\
kind,name,name_hi,parent,zone,contact,lgd
block,Rampur,रामपुर,,,,101
facility,"PHC, Rampur",पीएचसी रामपुर,Rampur,,+91 00000 00000,102
"""
POINTS = """\
name,storage_class,place,equipment_model
ILR 1,refrigerator,"PHC, Rampur",ILR-60
DF 1,freezer,"PHC, Rampur",
"""
DEVICES = """\
device_id,storage_point,interval_s,model
logger-1,ILR 1,300,TempLog
logger-2,,,
"""


def take(books: Books, what: str, text: str | bytes, at: float = 0) -> Imported:
    content = text if isinstance(text, bytes) else text.encode()
    with books.begin() as shelf:
        return imports.take(shelf, what, content, hour(at))


def reasons(imported: Imported) -> list[tuple[int, str]]:
    return [(wrong.line, wrong.reason) for wrong in imported.errors]


def counts(imported: Imported) -> tuple[int, int, int]:
    return imported.created, imported.updated, len(imported.errors)


def test_places_points_and_devices_come_in_from_three_tables(books: Books):
    assert counts(take(books, "places", PLACES)) == (2, 0, 0)
    assert counts(take(books, "storage-points", POINTS)) == (2, 0, 0)
    imported = take(books, "devices", DEVICES)

    assert counts(imported) == (2, 0, 0)
    assert [one.device_id for one in imported.given] == ["logger-1", "logger-2"]
    with books.read() as shelf:
        clinic = places.find(shelf, "पीएचसी रामपुर")
        assert (clinic.called(), clinic.contact, clinic.kind) == ("PHC, Rampur", "+91 00000 00000", "facility")
        assert shelf.identifiers.find("lgd", "102").subject_id == clinic.place_id
        [placed] = shelf.placements.of_device("logger-1")
        point = shelf.storage_points.get(placed.storage_point_id)
        assert (point.name, point.place_id) == ("ILR 1", clinic.place_id)
        assert len(shelf.equipment.fillings(storage_point_id=point.storage_point_id)) == 1
        assert devices.interval_at(shelf.devices.declared(["logger-1"])["logger-1"], START) == 300 * SECOND


def test_the_same_files_twice_change_nothing(books: Books):
    for what, text in (("places", PLACES), ("storage-points", POINTS), ("devices", DEVICES)):
        take(books, what, text)
    for what, text in (("places", PLACES), ("storage-points", POINTS), ("devices", DEVICES)):
        again = take(books, what, text, at=5)

        assert (counts(again), again.given) == ((0, 0, 0), [])
    with books.read() as shelf:
        assert len(shelf.placements.of_device("logger-1")) == 1
        assert len(shelf.places.page(EVERYTHING)) == 3


def test_what_changed_in_the_table_changes_in_the_books(books: Books):
    for what, text in (("places", PLACES), ("storage-points", POINTS), ("devices", DEVICES)):
        take(books, what, text)

    assert counts(take(books, "places", PLACES.replace("Rampur,रामपुर", "Rampura,रामपुरा"))) == (0, 1, 1)
    assert counts(take(books, "devices", DEVICES.replace("logger-2,,,", "logger-2,DF 1,60,"), at=5)) == (0, 1, 0)
    with books.read() as shelf:
        assert places.find(shelf, "Rampura").called("hi") == "रामपुरा"
        [placed] = shelf.placements.of_device("logger-2")
        assert shelf.storage_points.get(placed.storage_point_id).name == "DF 1"


def test_good_rows_are_taken_and_wrong_ones_told_by_line(books: Books):
    imported = take(
        books,
        "places",
        'kind,name,parent\nblock,Rampur,\nvillage,"Two\nlines",\n\nblock,Lost,Atlantis\nblock,,\nblock,Sitapur,\n',
    )

    assert counts(imported) == (2, 0, 3)
    assert [line for line, _ in reasons(imported)] == [3, 6, 7]
    assert "village" in imported.errors[0].reason
    assert "Atlantis" in imported.errors[1].reason
    assert imported.errors[1].row == {"kind": "block", "name": "Lost", "parent": "Atlantis"}


def test_wrong_rows_come_back_as_a_table_to_mend_and_send_again(books: Books):
    imported = take(books, "places", "kind,name,contact\nblock,Rampur,\nvillage,Sitapur,+91 1\n")
    returned = imported.errors_as_csv()
    [row] = csv.DictReader(io.StringIO(returned))

    assert (row["kind"], row["name"], row["line"]) == ("village", "Sitapur", "3")
    assert "village" in row["reason"]
    assert row["contact"] == "'+91 1"  # a spreadsheet must not calculate with it
    assert counts(take(books, "places", returned.replace("village,", "block,", 1))) == (1, 0, 0)
    with books.read() as shelf:
        assert places.find(shelf, "Sitapur").contact == "+91 1"


def test_all_or_nothing_takes_nothing_where_a_row_is_wrong(books: Books):
    with pytest.raises(NothingTaken, match=r"1 rows are wrong, the first is line 3") as why, books.begin() as shelf:
        imports.take(shelf, "places", b"kind,name\nblock,Rampur\nvillage,Sitapur\n", START, all_or_nothing=True)

    assert [one.line for one in why.value.imported.errors] == [3]
    with books.read() as shelf:
        assert len(shelf.places.page(EVERYTHING)) == 1


def test_a_wrong_row_leaves_nothing_behind(books: Books):
    take(books, "places", PLACES)
    imported = take(books, "places", "kind,name,lgd,hfr\nblock,Sitapur,900,\nfacility,Clinic,,x\nblock,Nagar,,x\n")

    assert counts(imported) == (2, 0, 1)
    assert reasons(imported) == [(4, "line 3 describes the same already")]
    with books.read() as shelf:
        assert places.find(shelf, "Clinic").kind == "facility"
        with pytest.raises(places.NoSuchPlace):
            places.find(shelf, "Nagar")


def test_what_stands_twice_is_told(books: Books):
    take(books, "places", PLACES)

    assert counts(take(books, "storage-points", POINTS + POINTS.split("\n", 1)[1])) == (2, 0, 2)
    assert counts(take(books, "devices", "device_id\nlogger-7\nlogger-7\n")) == (1, 0, 1)


def test_places_may_stand_in_any_order(books: Books):
    imported = take(books, "places", "kind,name,parent\nfacility,Clinic,Rampur\nblock,Rampur,North\ndivision,North,\n")

    assert counts(imported) == (3, 0, 0)
    with books.read() as shelf:
        clinic = places.find(shelf, "Clinic")
        assert [place.called() for place in shelf.places.page(places.find(shelf, "North").path)] == [
            "Clinic",
            "North",
            "Rampur",
        ]
        assert clinic.path.count("/") == 5


def test_places_that_lie_in_each_other_are_told(books: Books):
    imported = take(books, "places", "kind,name,parent\nblock,One,Other\nblock,Other,One\n")

    assert counts(imported) == (0, 0, 2)


def test_a_row_with_the_tops_name_describes_the_top(books: Books):
    assert counts(take(books, "places", "kind,name,name_hi\nstate,Our district,हमारा राज्य\n")) == (0, 1, 0)
    with books.read() as shelf:
        assert (places.top(shelf).kind, places.top(shelf).called("hi")) == ("state", "हमारा राज्य")


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(books: Books, mark: str, ending: str):
    text = mark + PLACES.replace("\n", ending)

    assert counts(take(books, "places", text)) == (2, 0, 0)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "kind, name is missing"),
        (b"name\nRampur\n", "kind is missing"),
        (b"kind,name,colour\n", "colour"),
        (b"kind,name,name\n", "twice"),
        ("kind,name\nblock,Rämpur\n".encode("latin-1"), "line 2 is not UTF-8"),
        (b'kind,name\nblock,"Rampur\n', "no CSV"),
        (b"kind,name\nblock,Ram\x00pur\n" + b'"', "no CSV"),
    ],
)
def test_a_file_that_is_no_table_of_ours_is_refused_whole(books: Books, content: bytes, why: str):
    with pytest.raises(BadFile, match=why):
        take(books, "places", content)


def test_only_what_is_known_can_be_imported(books: Books):
    with pytest.raises(BadFile, match="places, storage-points, devices"):
        take(books, "people", PLACES)
    with pytest.raises(BadFile, match="larger"):
        take(books, "places", b"x" * (imports.LONGEST_FILE + 1))


@pytest.mark.parametrize(
    ("what", "row", "why"),
    [
        ("storage-points", "name,storage_class\nILR 1,lukewarm\n", "no storage class"),
        ("storage-points", "name,storage_class\nILR 1,refrigerator,extra\n", "more cells"),
        ("storage-points", "name,storage_class,mobile\nILR 1,refrigerator,perhaps\n", "yes or no"),
        ("storage-points", "name,storage_class\nTaken,freezer\n", "class stays"),
        ("devices", "device_id\nLogger 1\n", "no device id"),
        ("devices", "device_id,interval_s\nlogger-9,often\n", "whole number"),
        ("devices", "device_id,storage_point\nlogger-9,Nowhere\n", "no storage point"),
        ("devices", "device_id\ncoldchain-gate\n", "the gate's own"),
    ],
)
def test_what_a_row_gets_wrong_is_said(books: Books, what: str, row: str, why: str):
    with books.begin() as shelf:
        fridge(shelf, "Taken")
    [wrong] = take(books, what, row).errors

    assert why in wrong.reason


def test_who_may_change_one_place_imports_into_that_and_no_other(books: Books):
    with books.begin() as shelf:
        rampur, sitapur = block(shelf, "Rampur"), block(shelf, "Sitapur")
        logger(shelf, "logger-9", fridge(shelf, "ILR 9", sitapur))

        def mine(path: str) -> bool:
            return path.startswith(rampur.path)

        def bring(what: str, text: str) -> Imported:
            return imports.take(shelf, what, text.encode(), START, may=mine, top=rampur)

        assert counts(bring("storage-points", "name,storage_class,place\nILR 1,refrigerator,\n")) == (1, 0, 0)
        assert counts(bring("storage-points", "name,storage_class,place\nILR 1,refrigerator,Sitapur\n")) == (0, 0, 1)
        assert counts(bring("devices", "device_id,storage_point\nlogger-1,ILR 1\nlogger-2,ILR 9\n")) == (1, 0, 1)
        assert counts(bring("devices", "device_id,model\nlogger-9,Mine now\n")) == (0, 0, 1)
        assert counts(bring("places", "kind,name,parent\nfacility,Clinic,\nfacility,Other,Sitapur\n")) == (1, 0, 1)
        assert places.find(shelf, "Clinic").is_within(rampur.path)
        assert shelf.devices.get("logger-9").model == ""


def test_what_the_columns_are_is_written_where_one_looks():
    told = imports.__doc__ or ""
    for needed, optional in imports.COLUMNS.values():
        for column in needed | optional:
            assert column in told


SPEAKERS = """\
device_id,kind,dialect,hardware_id,topics,probes,zone,bridge
fridge-1,,,0x01,,,,hub-1
hub-1,bridge,zigbee2mqtt,,,,,
plug-1,,tasmota,kitchen,,DS18B20-1=ambient; door=door,Asia/Kolkata,
box-1,,json,,shed/#; barn/+,,,
"""


def test_devices_come_in_with_how_they_speak_and_with_their_bridges(books: Books):
    imported = take(books, "devices", SPEAKERS)

    assert counts(imported) == (4, 0, 0)
    assert {one.device_id for one in imported.given} == {"hub-1", "plug-1", "box-1"}
    with books.read() as shelf:
        assert [(row.bridge_id, row.hardware_id) for row in shelf.devices.spoken_for("fridge-1")] == [("hub-1", "0x01")]
        plug, box = shelf.devices.get("plug-1"), shelf.devices.get("box-1")
    assert (plug.dialect, next(iter(plug.topics)), plug.zone) == ("tasmota", "tele/kitchen/SENSOR", "Asia/Kolkata")
    assert plug.probes == {"DS18B20-1": "ambient", "door": "door"}
    assert list(box.topics) == ["shed/#", "barn/+"]
    assert counts(take(books, "devices", SPEAKERS, at=1)) == (0, 0, 0)


def test_a_place_in_another_zone_takes_the_times_of_its_devices_along(books: Books):
    take(books, "places", PLACES)
    take(books, "devices", 'device_id,place,dialect,hardware_id\nplug-1,"PHC, Rampur",tasmota,kitchen\n')
    zoned = PLACES.replace("पीएचसी रामपुर,Rampur,,", "पीएचसी रामपुर,Rampur,Asia/Kathmandu,")
    assert counts(take(books, "places", zoned, at=1)) == (0, 1, 0)
    told = [fact for fact in published(books) if isinstance(fact, Enrolled)]

    assert [(fact.device_id, fact.zone) for fact in told] == [("plug-1", "Asia/Kolkata"), ("plug-1", "Asia/Kathmandu")]


def test_how_a_device_speaks_changes_with_the_table(books: Books):
    take(books, "devices", SPEAKERS)
    imported = take(books, "devices", "device_id,dialect,hardware_id\nplug-1,tasmota,pantry\n", at=1)

    assert counts(imported) == (0, 1, 0)
    with books.read() as shelf:
        assert next(iter(shelf.devices.get("plug-1").topics)) == "tele/pantry/SENSOR"


def test_what_cannot_be_of_a_device_is_told_by_line(books: Books):
    rows = "device_id,dialect,probes,bridge,hardware_id\na-1,klingon,,,\na-2,,ambient,,\na-3,,,nobody,x\n"

    assert [(line, why[:22]) for line, why in reasons(take(books, "devices", rows))] == [
        (2, "there is no dialect 'k"),
        (3, "'ambient' says of no p"),
        (4, "no device 'nobody' is "),
    ]
