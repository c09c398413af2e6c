"""A logger's file through the desk: judged like any readings, its own words beside, safe to repeat, refused whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from coldchain.clock import MINUTE, iso
from coldchain.journal.sqlite import SqliteJournal
from coldchain.packs import Pack
from coldchain.readings import centidegrees
from coldchain.topics import READINGS
from registry import placements
from tests.api.conftest import Person, World, open_gate
from tests.helpers_files import JOURNEY, SERIAL, every_five_minutes, fridge_tag, q_tag, three_days
from tests.tales import hour

MIDNIGHT = datetime(2026, 1, 1)  # noqa: DTZ001  a logger's clock knows no zone
AFTERWARDS = hour(24 * 4)
TOMORROW = datetime(2026, 1, 6)  # noqa: DTZ001
HOT = [*every_five_minutes(MIDNIGHT, 121, "9.5"), *every_five_minutes(datetime(2026, 1, 1, 10, 5), 2, "5.0")]  # noqa: DTZ001
SENT = [(hour(0) + round((at - MIDNIGHT).total_seconds()) * 1000, celsius) for at, celsius in HOT]
TAG_2_L = fridge_tag(three_days(hot=True), HOT, model="Q-tag Fridge-tag 2 L")


@contextmanager
def gate_of(world: World) -> Iterator[None]:
    """The gate is open; what it wrote is judged when it closes."""
    with open_gate(world):
        yield
    judge(world)


def judge(world: World) -> None:
    """The judge, and the books, follow the gate."""
    world.settle()
    journal = SqliteJournal(world.data_dir.root)
    passed = world.judge.passed_readings
    world._follow(world.judge.take(readings=journal.read(READINGS, passed, 100_000)))
    journal.close()


def carry_in(who: Person, content: str | bytes, status: int = 200, **query: str) -> Any:
    body = content if isinstance(content, bytes) else content.encode()
    answer = who._http.post("/api/v1/imports/readings", content=body, params=query, headers=who.headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def packs(world: World) -> list[Pack]:
    journal = SqliteJournal(world.data_dir.root)
    try:
        return [entry.item for entry in journal.read(READINGS, 0, 100_000) if isinstance(entry.item, Pack)]
    finally:
        journal.close()


@pytest.fixture(autouse=True)
def _afterwards(world: World) -> None:
    """Before anybody signs in."""
    world.now = AFTERWARDS


@pytest.fixture
def point(world: World) -> str:
    return world.point("ILR 2")


def test_a_logger_that_nobody_knows_is_enrolled_where_it_stood_and_its_readings_are_judged(
    world: World, boss: Person, point: str
):
    with gate_of(world):
        taken = carry_in(boss, TAG_2_L, point=point, zone="UTC")

    assert taken["devices"] == [
        {
            "device_id": f"fridge-tag-{SERIAL}",
            "hardware_id": SERIAL,
            "is_enrolled": True,
            "new": 123,
            "known": 0,
            "faults": 0,
            "from": "2026-01-01T00:00:00Z",
            "to": "2026-01-01T10:10:00Z",
        }
    ]
    assert (taken["is_known"], taken["days"], taken["alarms"]) == (False, 3, 1)
    [heat] = [one for one in boss.get("/excursions")["items"] if one["rule"] == "HEAT"]
    assert (heat["started_at"], heat["ended_at"]) == ("2026-01-01T00:00:00Z", "2026-01-01T10:05:00Z")
    assert heat["storage_point_id"] == point


def test_what_was_found_late_is_known_late(world: World, boss: Person, point: str):
    with gate_of(world):
        carry_in(boss, TAG_2_L, point=point, zone="UTC")

    with world.books.read() as shelf:
        found = shelf.excursions.page("/", limit=10)
    assert {one.known_at for one in found} == {AFTERWARDS}


def test_a_file_is_no_sign_of_its_logger(world: World, boss: Person, point: str):
    with gate_of(world):
        carry_in(boss, TAG_2_L, point=point, zone="UTC")
    world.beat(*range(AFTERWARDS, AFTERWARDS + 60 * MINUTE, MINUTE // 2))

    device = boss.get(f"/devices/fridge-tag-{SERIAL}")
    assert (device["last_heard_at"], device["silent_since"]) == (None, None)
    assert [one["kind"] for one in boss.get("/incidents")["items"]] == ["heat"]


def test_where_only_files_tell_nobody_knows_what_is_now(world: World, boss: Person, point: str):
    fine = fridge_tag(three_days(), every_five_minutes(MIDNIGHT, 5, "4.5"), model="Q-tag Fridge-tag 2 L")
    with gate_of(world):
        carry_in(boss, fine, point=point, zone="UTC")

    assert boss.get(f"/storage-points/{point}")["row"]["state"] == "silent"


def test_the_same_file_twice_changes_nothing(world: World, boss: Person, point: str):
    with gate_of(world):
        carry_in(boss, TAG_2_L, point=point, zone="UTC")
    before = (packs(world), boss.get("/excursions"), boss.get(f"/storage-points/{point}/evidence"))
    with gate_of(world):
        again = carry_in(boss, TAG_2_L, point=point, zone="UTC")

    assert (again["is_known"], again["devices"][0]["new"], again["devices"][0]["known"]) == (True, 0, 123)
    assert before == (packs(world), boss.get("/excursions"), boss.get(f"/storage-points/{point}/evidence"))


def test_of_the_next_export_only_what_is_new_is_sent(world: World, boss: Person, point: str):
    early = fridge_tag(three_days(), HOT[:80], model="Q-tag Fridge-tag 2 L", created="2026-01-03 09:00")
    with gate_of(world):
        carry_in(boss, early, point=point, zone="UTC")
    with gate_of(world):
        taken = carry_in(boss, TAG_2_L, zone="UTC")

    [one] = taken["devices"]
    assert (one["new"], one["known"], one["is_enrolled"]) == (43, 80, False)
    assert sum(len(pack) for pack in packs(world)) == 123


def test_the_same_file_in_another_zone_is_refused(world: World, boss: Person, point: str):
    with gate_of(world):
        carry_in(boss, TAG_2_L, point=point, zone="UTC")
        told = carry_in(boss, TAG_2_L, 409, point=point, zone="Asia/Kolkata")

    assert "read as those of UTC, not of Asia/Kolkata" in told["detail"]


def test_its_times_are_those_of_its_place(world: World, boss: Person, point: str):
    with gate_of(world):
        taken = carry_in(boss, TAG_2_L, point=point)

    assert (taken["zone"], taken["devices"][0]["from"]) == ("Asia/Kolkata", "2025-12-31T18:30:00Z")


def test_a_damaged_file_is_refused_with_its_line_and_nothing_is_taken(world: World, boss: Person, point: str):
    with gate_of(world):
        told = carry_in(boss, TAG_2_L[: len(TAG_2_L) // 2], 422, point=point)

    assert told["detail"].startswith("file:")
    assert (packs(world), boss.get("/devices")["items"]) == ([], [])


def test_readings_that_are_still_to_come_are_refused(world: World, boss: Person, point: str):
    with gate_of(world):
        early = fridge_tag(three_days(), every_five_minutes(TOMORROW, 3, "4.5"), model="Q-tag Fridge-tag 2 L")
        told = carry_in(boss, early, 422, point=point, zone="UTC")

    assert "lies ahead of now: are its times those of UTC?" in told["detail"]
    assert boss.get("/devices")["items"] == []


def test_days_and_alarms_of_the_logger_stand_beside(world: World, boss: Person, point: str):
    with gate_of(world):
        taken = carry_in(boss, fridge_tag(three_days(hot=True)), point=point, zone="UTC")
    shown = boss.get(f"/storage-points/{point}/evidence", since=iso(hour(0)), until=iso(hour(72)))["items"]

    assert taken["devices"][0]["new"] == 0
    assert [(one["kind"], one["day"] or one["code"]) for one in shown] == [
        ("day-summary", "2026-01-03"),
        ("device-alarm", "high"),
        ("day-summary", "2026-01-02"),
        ("day-summary", "2026-01-01"),
    ]
    assert (shown[1]["from"], shown[1]["limit_c"], shown[1]["minutes"]) == ("2026-01-02T18:10:00Z", 8.0, 702)
    assert (shown[2]["lowest_c"], shown[2]["highest_c"], shown[2]["mean_c"]) == (3.1, 11.2, 4.5)
    assert shown[2]["beyond"][1] == {"side": "high", "limit_c": 8.0, "after_minutes": 600, "minutes": 702}
    assert boss.get("/excursions")["items"] == []


def test_of_a_day_that_was_told_twice_the_fullest_telling_is_shown(world: World, boss: Person, point: str):
    with gate_of(world):
        later = carry_in(boss, fridge_tag(three_days(), created="2026-01-03 18:00"), point=point, zone="UTC")
        carry_in(boss, fridge_tag(three_days(), created="2026-01-03 09:00"), point=point, zone="UTC")
    days = boss.get(f"/storage-points/{point}/evidence", since=iso(hour(0)), until=iso(hour(96)))["items"]

    assert later["days"] == len(days) == 3
    assert days[0]["to"] == "2026-01-03T18:00:00Z"


def test_evidence_is_of_the_time_when_the_logger_stood_there(world: World, boss: Person, point: str):
    with gate_of(world):
        carry_in(boss, fridge_tag(three_days()), point=point, zone="UTC")
        elsewhere = world.point("ILR 3")
        with world.written() as shelf:
            placements.place(shelf, f"fridge-tag-{SERIAL}", elsewhere, AFTERWARDS, since=hour(30))
    days = [[one["day"] for one in boss.get(f"/storage-points/{one}/evidence")["items"]] for one in (point, elsewhere)]

    assert days == [["2026-01-02", "2026-01-01"], ["2026-01-03"]]


def test_a_journeys_own_interval_is_declared(world: World, boss: Person, point: str):
    with gate_of(world):
        carry_in(boss, q_tag(every_five_minutes(MIDNIGHT, 6, "4.5", minutes=10)), point=point, zone="UTC")

    assert boss.get(f"/devices/q-tag-{JOURNEY.lower()}")["interval_s"] == 600


TABLE = "sensor,measured_at,celsius\n{name},2026-01-01T00:00:00Z,4.5\n{name},2026-01-01T00:15:00Z,\n"


def test_a_table_finds_the_device_that_its_sensors_name(world: World, boss: Person, point: str):
    world.device("logger-7", point)
    with gate_of(world):
        taken = carry_in(boss, TABLE.format(name="logger-7:probe-2"))

    [one] = taken["devices"]
    assert (one["device_id"], one["new"], one["faults"]) == ("logger-7", 1, 1)
    [pack] = packs(world)
    assert pack.columns[0].channel == "probe-2"


def test_a_table_may_be_of_one_device_that_is_named(world: World, boss: Person, point: str):
    world.device("logger-7", point)
    with gate_of(world):
        taken = carry_in(boss, TABLE.format(name="Vaccine fridge"), device="logger-7")

    assert taken["devices"][0]["device_id"] == "logger-7"
    assert packs(world)[0].columns[0].values == (centidegrees("4.5"),)


def test_a_logger_that_nobody_knows_needs_a_storage_point(world: World, boss: Person):
    with gate_of(world):
        told = carry_in(boss, TAG_2_L, 404)

    assert f"no device here is '{SERIAL}': say at which storage point it stood" in told["detail"]


def test_a_logger_that_stood_elsewhere_is_not_moved_by_its_file(world: World, boss: Person, point: str):
    other = world.point("ILR 3")
    with gate_of(world):
        carry_in(boss, fridge_tag(three_days()), point=point, zone="UTC")
        told = carry_in(boss, TAG_2_L, 409, point=other, zone="UTC")

    assert "never stood at that storage point" in told["detail"]


def test_the_file_of_another_logger_is_not_the_devices(world: World, boss: Person, point: str):
    with gate_of(world):
        carry_in(boss, TAG_2_L, point=point, zone="UTC")
        other = fridge_tag(three_days(), serial="990100000072")
        told = carry_in(boss, other, 409, device=f"fridge-tag-{SERIAL}", zone="UTC")

    assert "the file is of '990100000072'" in told["detail"]


def test_who_stores_vaccine_carries_files_in_where_they_may(world: World, boss: Person):
    here, there = world.place("Rampur"), world.place("Sonpur")
    mine, other = world.point("ILR 1", here), world.point("ILR 1", there)
    handler = world.user("handler", "cold-chain-handler", here)
    with gate_of(world):
        assert "whoever may enrol devices must read it first" in carry_in(handler, TAG_2_L, 404, point=mine)["detail"]
        carry_in(boss, fridge_tag(three_days()), point=mine)
        assert carry_in(handler, TAG_2_L, point=mine)["devices"][0]["new"] == 123
        carry_in(handler, TAG_2_L, 404, point=other)
        world.user("looker", "vaccinator", here).post("/imports/readings", status=403)


def test_of_a_logger_elsewhere_nobody_learns_anything(world: World, boss: Person):
    here, there = world.place("Rampur"), world.place("Sonpur")
    mine, other = world.point("ILR 1", here), world.point("ILR 1", there)
    manager = world.user("manager", "programme-manager", here)
    with gate_of(world):
        never = carry_in(manager, TAG_2_L, 404)
        carry_in(boss, TAG_2_L, point=other, zone="UTC")

        assert carry_in(manager, TAG_2_L, 404) == never
        taken = carry_in(manager, TAG_2_L, point=mine, zone="UTC")
    assert (taken["is_known"], taken["devices"][0]["is_enrolled"]) == (False, True)
    assert [one["day"] for one in manager.get(f"/storage-points/{mine}/evidence")["items"] if one["day"]] == [
        "2026-01-03",
        "2026-01-02",
        "2026-01-01",
    ]


def test_no_file_makes_two_loggers_of_one_serial_number(world: World, boss: Person, point: str):
    with gate_of(world):
        carry_in(boss, TAG_2_L, point=point, zone="UTC")
        boss.post(f"/devices/fridge-tag-{SERIAL}/end")
        taken = carry_in(boss, fridge_tag(three_days()), point=point, zone="UTC")

    assert taken["devices"][0]["device_id"] == f"fridge-tag-{SERIAL}-2"


def test_while_the_gate_is_away_nothing_is_said_to_be_taken(world: World, boss: Person, point: str):
    carry_in(boss, TAG_2_L, 503, point=point, zone="UTC")
    with gate_of(world):
        taken = carry_in(boss, TAG_2_L, point=point, zone="UTC")

    assert (taken["is_known"], taken["devices"][0]["new"]) == (False, 123)


def test_many_readings_go_in_many_packs(world: World, boss: Person, point: str):
    rows = "".join(f"A-1,{1_767_225_600 + 60 * number},{4 + number % 3}\n" for number in range(5_000))
    with gate_of(world):
        taken = carry_in(boss, "sensor,measured_at,celsius\n" + rows, point=point)

    assert taken["devices"][0]["new"] == 5_000
    assert [len(pack) for pack in packs(world)] == [2_000, 2_000, 1_000]


def test_the_same_readings_give_the_same_excursions_by_file_and_by_message(world: World, boss: Person):
    by_file, by_message = world.point("ILR 2"), world.point("ILR 3")
    password = world.device("logger-7", by_message)
    senml = [{"bn": "logger-7:", "n": "tvc", "u": "Cel", "t": at // 1000, "v": float(told)} for at, told in SENT]
    with gate_of(world):
        carry_in(boss, TAG_2_L, point=by_file, zone="UTC")
        answer = world.http.post("/api/v1/devices/logger-7/readings", json=senml, auth=("logger-7", password))
    assert answer.status_code == 202

    told = [
        {(one["rule"], one["started_at"], one["ended_at"], one["minutes_out"], one["proven"]) for one in found}
        for found in (boss.get("/excursions", storage_point=point)["items"] for point in (by_file, by_message))
    ]
    assert told[0] == told[1] != set()
