"""Equipment monitoring through the desk and the real gate: what is believed is judged, nothing lost, nothing twice."""

import gzip
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from coldchain.clock import iso
from coldchain.events import DeviceSaid, Refusal
from coldchain.journal.sqlite import SqliteJournal
from coldchain.packs import Pack
from coldchain.topics import EVIDENCE, READINGS, REFUSED, Topic
from registry import devices, evidence
from tests.api.conftest import Person, World, open_gate
from tests.api.test_logger_files import judge
from tests.ingest.test_cce_interop import record, report, transfer
from tests.tales import hour

SENDER = "emd-platform"
HOT = [record(quarter / 4, TVC=9.0, ALRM="HEAT" if quarter >= 40 else None) for quarter in range(42)]


class Platform:
    """A maker's platform that sends what its devices measured."""

    def __init__(self, world: World, password: str) -> None:
        self.world = world
        self.password = password

    def send(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Any:
        """Signed by Basic unless headers are given."""
        signed = httpx.BasicAuth(SENDER, self.password) if headers is None else httpx.Auth()
        answer = self.world.http.post("/api/v1/cce-interop", content=body, headers=headers, auth=signed)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        self.answer: httpx.Response = answer
        return answer.json()


@pytest.fixture
def point(world: World) -> str:
    return world.point("ILR 7")


@pytest.fixture
def platform(world: World, point: str) -> Iterator[Platform]:
    """Known to speak for one logger, of the device `ilr-7` at the point; the gate is open."""
    password = world.device(SENDER, kind="bridge")
    world.device("ilr-7", point)
    with world.written() as shelf:
        devices.speak_for(shelf, SENDER, "ilr-7", "LG-0071", world.now)
        devices.declare(shelf, "ilr-7", 900_000, -(1 << 62), world.now)
    with open_gate(world):
        yield Platform(world, password)


def packed_by(platform: Platform) -> dict[str, str]:
    return {"content-encoding": "gzip", "authorization": f"Bearer {SENDER}.{platform.password}"}


def on(world: World, topic: Topic, kind: type) -> list[Any]:
    journal = SqliteJournal(world.data_dir.root)
    try:
        return [entry.item for entry in journal.read(topic, 0, 100_000) if isinstance(entry.item, kind)]
    finally:
        journal.close()


def test_what_is_sent_is_judged(world: World, platform: Platform, point: str, boss: Person):
    answer = platform.send(transfer(report(*HOT)))
    judge(world)

    assert answer == {
        "readings": 42,
        "reports": [
            {"hardware_id": "LG-0071", "device_ids": ["ilr-7"], "readings": 42, "alarms": 1, "refused": []},
        ],
    }
    [heat] = [one for one in boss.get("/excursions")["items"] if one["rule"] == "HEAT"]
    assert (heat["storage_point_id"], heat["started_at"]) == (point, "2026-01-01T00:00:00Z")


def test_the_devices_own_alarm_stands_beside(world: World, platform: Platform, point: str, boss: Person):
    platform.send(transfer(report(*HOT)))
    platform.send(transfer(report(record(10.5, TVC=9.0, ALRM="HEAT")), transfer_id="t-2"))
    with world.written() as shelf:
        evidence.take_said(shelf, on(world, EVIDENCE, DeviceSaid), world.now)
    [alarm] = boss.get(f"/storage-points/{point}/evidence", since=iso(hour(0)), until=iso(hour(24)))["items"]

    assert (alarm["code"], alarm["from"], alarm["to"]) == ("HEAT", "2026-01-01T10:00:00Z", "2026-01-01T10:30:00Z")
    assert (alarm["kind"], alarm["source"], alarm["device_id"]) == ("device-alarm", "cce-interop", "ilr-7")


@pytest.mark.parametrize("begin", [0, 100])
def test_it_may_be_packed_in_one_piece_or_more(platform: Platform, begin: int):
    body = transfer(report(*HOT))
    packed = b"".join(gzip.compress(part) for part in (body[:begin], body[begin:]) if part)
    answer = platform.send(packed, headers=packed_by(platform))

    assert answer["readings"] == 42


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer {}.{}"},
        {"authorization": "Bearer {}:{}"},
        {"authorization": "Token {}.{}"},
        {"x-api-key": "{}.{}"},
        {"X-Auth-Token": "{}:{}"},
    ],
)
def test_a_token_is_as_good_as_basic(platform: Platform, headers: dict[str, str]):
    told = {name: value.format(SENDER, platform.password) for name, value in headers.items()}

    assert platform.send(transfer(report(record(1))), headers=told)["readings"] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Basic nonsense"},
        {"authorization": "Bearer emd-platform.guess"},
        {"authorization": "Bearer nobody.guess"},
        {"x-api-key": "guess"},
        {"x-nothing": "at all"},
    ],
)
def test_who_shows_no_credentials_is_asked_for_them(world: World, platform: Platform, headers: dict[str, str]):
    platform.send(transfer(report(record(1))), 401, headers)

    assert "Basic" in platform.answer.headers["www-authenticate"]
    assert on(world, READINGS, Pack) == []


def test_the_same_transfer_again_is_answered_the_same_and_written_once(world: World, platform: Platform):
    first = platform.send(transfer(report(*HOT)))
    again = platform.send(transfer(report(*HOT)))

    assert again == first
    assert len(on(world, READINGS, Pack)) == len(on(world, EVIDENCE, DeviceSaid)) == 1


def test_the_same_id_with_other_content_is_another_transfer(world: World, platform: Platform):
    platform.send(transfer(report(record(1))))
    platform.send(transfer(report(record(2))))

    assert len(on(world, READINGS, Pack)) == 2


def test_repeats_and_disorder_give_the_same_excursions(world: World, platform: Platform, boss: Person):
    parts = [transfer(report(*HOT[begin : begin + 6]), transfer_id=f"t-{begin}") for begin in range(0, 42, 6)]
    overlapping = transfer(report(*reversed(HOT[3:30])), transfer_id="resent")
    for part in [*reversed(parts), overlapping, *parts]:
        platform.send(part)
    judge(world)

    [heat] = [one for one in boss.get("/excursions")["items"] if one["rule"] == "HEAT"]
    assert (heat["started_at"], heat["minutes_out"]) == ("2026-01-01T00:00:00Z", 615.0)


def test_hardware_that_nobody_knows_is_kept_until_it_is_enrolled_and_released(
    world: World, platform: Platform, point: str, boss: Person
):
    answer = platform.send(transfer(report(record(1)), report(*HOT, LSER="LG-0099", ESER="EM-0099")))
    known, strange = answer["reports"]
    [kept] = boss.get("/refusals")["items"]

    assert (known["readings"], strange["readings"]) == (1, 0)
    assert [(one["reason"], one["records"], one["kept"]) for one in strange["refused"]] == [
        ("unknown-device", 42, True)
    ]
    assert (kept["device_id"], kept["reason"], "LG-0099" in kept["detail"]) == (SENDER, "unknown-device", True)

    release = f"/refusals/{kept['offset']}/release" if "offset" in kept else f"/refusals/{kept['id']}/release"
    assert boss.post(release)["released"] is False
    world.device("ilr-9", point)
    with world.written() as shelf:
        devices.speak_for(shelf, SENDER, "ilr-9", "LG-0099", world.now)
    world.settle()
    released = boss.post(release)
    judge(world)

    assert (released["released"], released["readings"]) == (True, 42)
    assert {one["device_id"] for one in boss.get("/excursions")["items"]} == {"ilr-9"}


def test_hardware_that_nobody_knows_is_offered_for_enrolment(world: World, platform: Platform, boss: Person):
    platform.send(transfer(report(record(1, TVC=5.5), record(2, TVC=6.5), LSER="LG-0099", ESER=None)))
    [stranger] = boss.get(f"/devices/{SENDER}/heard")["strangers"]

    assert (stranger["hardware_id"], stranger["count"]) == ("LG-0099", 1)
    [reading] = stranger["readings"]
    assert (reading["sensor"], reading["unit"], reading["value"]) == ("tvc", "Cel", 6.5)


def test_a_transfer_with_doubts_is_read_anew_when_it_comes_again(world: World, platform: Platform, point: str):
    strange = transfer(report(record(1), LSER="LG-0099", ESER="EM-0099"))
    assert platform.send(strange)["readings"] == 0
    world.device("ilr-9", point)
    with world.written() as shelf:
        devices.speak_for(shelf, SENDER, "ilr-9", "LG-0099", world.now)
    world.settle()

    assert platform.send(strange)["readings"] == 1


def test_one_bad_record_keeps_no_other_back(world: World, platform: Platform):
    answer = platform.send(transfer(report(record(1), record(2, TVC="cold"), record(3, XNEW=1))))

    [one] = answer["reports"]
    assert (one["readings"], [(doubt["reason"], doubt["records"]) for doubt in one["refused"]]) == (
        2,
        [("unreadable", 1)],
    )


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"\x1f\x8b\x00", 400), (b"[]", 422), (b'{"data": [1]}', 422)]
)
def test_what_cannot_be_read_is_kept_and_not_asked_for_again(
    world: World, platform: Platform, body: bytes, status: int
):
    told = platform.send(body, status)

    [kept] = on(world, REFUSED, Refusal)
    assert (kept.payload, kept.reason) == (body, "unreadable")
    assert "need not be sent again" in told["detail"]


def test_a_packet_that_was_cut_is_kept_as_it_came(world: World, platform: Platform):
    cut = gzip.compress(transfer(report(*HOT)))[:-20]
    platform.send(cut, 400, packed_by(platform))

    [kept] = on(world, REFUSED, Refusal)
    assert kept.payload == cut


def test_a_bomb_is_not_unpacked(world: World, platform: Platform):
    bomb = gzip.compress(b" " * (64 << 20))
    assert len(bomb) < 1 << 20
    platform.send(bomb, 413, packed_by(platform))

    assert on(world, REFUSED, Refusal) == []


def test_more_than_a_mebibyte_is_not_taken(platform: Platform):
    platform.send(b" " * ((1 << 20) + 1), 413)


def test_where_no_room_is_left_for_doubts_the_sender_keeps_them(world: World, platform: Platform):
    reports = [report(record(1), LSER=f"LG-{number}", ESER=None) for number in range(1_001)]
    platform.send(transfer(*reports), 429)

    assert int(platform.answer.headers["retry-after"]) > 0


def test_a_large_transfer_is_answered_as_a_whole_and_known_again(world: World, platform: Platform):
    many = [record(one / 100, TVC=4.0 + one % 5) for one in range(1_200)]
    body = transfer(
        report(*many), report(record(1, TVC="cold"), record(2)), report(record(1), LSER="LG-0099", ESER=None)
    )
    first, again = platform.send(body), platform.send(body)

    assert [one["readings"] for one in first["reports"]] == [1_200, 1, 0]
    assert [len(one["refused"]) for one in first["reports"]] == [0, 1, 1]
    assert again == first
    assert [len(pack) for pack in on(world, READINGS, Pack)].count(500) == 2  # what was not doubted came once


def test_while_the_gate_is_away_the_sender_is_asked_to_wait(world: World):
    world.device(SENDER, kind="bridge")
    answer = world.http.post("/api/v1/cce-interop", content=transfer(report(record(1))), auth=(SENDER, "x"))

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def test_doors_and_power_of_a_transfer_are_judged(world: World, platform: Platform, boss: Person):
    quarters = range(4 * 25 + 2)
    platform.send(transfer(report(*[record(one / 4, SVA=0, DORV=900 if one == 8 else 0) for one in quarters])))
    judge(world)

    assert {"DOOR", "POWR"} <= {one["rule"] for one in boss.get("/excursions")["items"]}


def test_a_transfer_is_heard(world: World, platform: Platform, boss: Person):
    platform.send(transfer(report(record(1))))
    judge(world)

    assert boss.get("/devices/ilr-7")["last_heard_at"] == iso(world.now)
