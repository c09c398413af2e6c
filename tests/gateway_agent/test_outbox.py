"""What the outbox promises: nothing is lost, no number is given twice, nothing leaves but by the server's word."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from coldchain.clock import DAY, MINUTE
from coldchain.ranges import Ranges, ranges_of
from gateway_agent.clocks import Moment
from gateway_agent.outbox import Beaten, Outbox, Room, relabelled, without
from gateway_agent.outbox_file import OutboxUnusable
from gateway_agent.sensors import Sensed
from tests.helpers_gateway_agent import (
    OTHER_PI,
    THIS_PI,
    outbox_of,
    quality_of,
    readings_of,
    seq_of,
    some_outbox,
)
from tests.tales import NEW_YEAR

BOOT = "boot-1"


def beaten(number: int, value: int | None = 500, *, is_urgent: bool = False, boot_id: str = BOOT) -> Beaten:
    """The beat of minute `number`."""
    moment = Moment(boot_id, number * MINUTE, NEW_YEAR + number * MINUTE, is_trusted=True)
    sensed = Sensed("tvc", value) if value is not None else Sensed("tvc", None, "unplugged")
    return Beaten(moment, [sensed], is_urgent)


def dated(outbox: Outbox, boot_id: str = BOOT) -> Outbox:
    outbox.begin_boot(boot_id)
    outbox.know_time(NEW_YEAR, "machine")
    return outbox


def seqs(outbox: Outbox) -> list[int]:
    return outbox.packs_after(-1, 10**9)


def packs(outbox: Outbox) -> list[list[dict[str, object]]]:
    return [json.loads(outbox.pack(seq) or b"") for seq in seqs(outbox)]


@pytest.fixture
def outbox(tmp_path):
    outbox = dated(some_outbox(tmp_path))
    yield outbox
    outbox.shut()


def test_an_id_is_64_random_bits_made_with_the_file(tmp_path):
    ids = []
    for name in ("one", "two"):
        outbox = some_outbox(tmp_path / name)
        ids.append(outbox.outbox_id)
        outbox.shut()

    assert len(set(ids)) == 2
    assert all(len(bytes.fromhex(one)) == 8 for one in ids)


def test_the_id_and_the_numbers_go_on_after_a_restart(tmp_path):
    outbox = dated(some_outbox(tmp_path))
    outbox.keep([beaten(1, is_urgent=True)], 60)
    before = outbox.outbox_id
    outbox.shut()

    outbox = dated(some_outbox(tmp_path))
    outbox.keep([beaten(2, is_urgent=True)], 60)

    assert outbox.outbox_id == before
    assert [(outbox_of(pack), seq_of(pack)) for pack in packs(outbox)] == [(before, 1), (before, 2)]
    outbox.shut()


def test_a_number_is_not_given_again_after_its_pack_has_gone(tmp_path):
    outbox = dated(some_outbox(tmp_path))
    outbox.keep([beaten(1, is_urgent=True)], 60)
    outbox.acknowledge(Ranges(((1, 1),)))
    outbox.shut()

    outbox = dated(some_outbox(tmp_path))
    outbox.keep([beaten(2, is_urgent=True)], 60)

    assert seqs(outbox) == [2]
    outbox.shut()


def test_a_pack_closes_at_n_readings(outbox):
    outbox.keep([beaten(number) for number in range(7)], 3)

    assert [len(readings_of(pack)) for pack in packs(outbox)] == [3, 3]
    assert (outbox.unpacked, outbox.waiting()) == (1, 7)


def test_a_pack_closes_at_once_after_an_urgent_beat(outbox):
    outbox.keep([beaten(1), beaten(2, 900, is_urgent=True), beaten(3)], 60)

    assert [readings_of(pack) for pack in packs(outbox)] == [
        [(NEW_YEAR + MINUTE, "tvc", 5), (NEW_YEAR + 2 * MINUTE, "tvc", 9)]
    ]
    assert outbox.unpacked == 1


def test_a_fault_is_kept_as_a_fault(outbox):
    outbox.keep([beaten(1, None, is_urgent=True)], 60)

    assert readings_of(packs(outbox)[0]) == [(NEW_YEAR + MINUTE, "tvc", "fault:unplugged")]


def test_readings_in_no_pack_yet_survive_a_restart(tmp_path):
    outbox = dated(some_outbox(tmp_path))
    outbox.keep([beaten(1), beaten(2)], 60)
    outbox.shut()

    outbox = some_outbox(tmp_path)
    outbox.begin_boot(BOOT)

    assert (outbox.unpacked, outbox.waiting()) == (2, 2)
    outbox.close(60, of_this_boot=True)
    assert seqs(outbox) == [1]
    outbox.shut()


def test_thirty_days_of_minutes_are_kept(tmp_path):
    outbox = dated(some_outbox(tmp_path))
    minutes = 30 * DAY // MINUTE
    for day in range(30):
        outbox.keep([beaten(day * 1440 + minute) for minute in range(1440)], 60)

    assert outbox.waiting() == minutes
    assert len(seqs(outbox)) == minutes // 60
    outbox.shut()
    assert (tmp_path / "outbox.db").stat().st_size < 10_000_000

    outbox = some_outbox(tmp_path)
    assert outbox.waiting() == minutes
    outbox.acknowledge(ranges_of([[1, minutes // 60]]))
    assert outbox.waiting() == 0
    outbox.shut()


def test_packs_leave_by_ranges_and_only_those(outbox):
    outbox.keep([beaten(number, is_urgent=True) for number in range(1, 8)], 60)

    assert outbox.acknowledge(ranges_of([[1, 2], [4, 4], [6, 6]])) == 4
    assert seqs(outbox) == [3, 5, 7]
    assert outbox.waiting() == 3


def test_a_pack_stays_byte_for_byte_what_it_was(tmp_path):
    outbox = dated(some_outbox(tmp_path))
    outbox.keep([beaten(1, 457, is_urgent=True)], 60)
    before = outbox.pack(1)
    outbox.know_time(NEW_YEAR + 1234, "machine")
    outbox.shut()

    outbox = dated(some_outbox(tmp_path))

    assert outbox.pack(1) == before
    outbox.shut()


def test_a_card_put_into_other_hardware_takes_a_new_id_and_new_numbers(tmp_path):
    outbox = dated(some_outbox(tmp_path))
    outbox.keep([beaten(number, 400 + number, is_urgent=True) for number in range(1, 6)], 60)
    outbox.acknowledge(ranges_of([[1, 2]]))
    before = outbox.outbox_id, [readings_of(pack) for pack in packs(outbox)]
    outbox.shut()
    (tmp_path / "clone").mkdir()
    shutil.copy(tmp_path / "outbox.db", tmp_path / "clone")

    clone = some_outbox(tmp_path / "clone", OTHER_PI)
    original = some_outbox(tmp_path, THIS_PI)

    assert (original.outbox_id, seqs(original)) == (before[0], [3, 4, 5])
    assert clone.outbox_id != before[0]
    assert [(outbox_of(pack), seq_of(pack)) for pack in packs(clone)] == [(clone.outbox_id, n) for n in (1, 2, 3)]
    assert [readings_of(pack) for pack in packs(clone)] == before[1]
    assert clone.next_seq == 4
    clone.shut()
    original.shut()


def test_a_clone_keeps_its_new_id_from_then_on(tmp_path):
    some_outbox(tmp_path).shut()
    clone = some_outbox(tmp_path, OTHER_PI)
    clone.shut()

    again = some_outbox(tmp_path, OTHER_PI)

    assert again.outbox_id == clone.outbox_id
    again.shut()


def test_a_wiped_card_starts_an_outbox_of_its_own(tmp_path):
    outbox = dated(some_outbox(tmp_path))
    outbox.keep([beaten(1, is_urgent=True)], 60)
    before = outbox.outbox_id
    outbox.shut()
    for file in tmp_path.glob("outbox.db*"):
        file.unlink()

    wiped = some_outbox(tmp_path)

    assert wiped.outbox_id != before
    assert wiped.next_seq == 1
    wiped.shut()


def test_a_renewed_pack_has_the_same_readings():
    body = (
        b'[{"bn":"pi-0142:","bt":1767225600,"n":"outbox","vs":"00"},{"n":"seq","v":57},'
        b'{"n":"clock","vs":"trusted"},{"n":"tvc","t":0.25,"u":"Cel","v":4.56}]'
    )

    assert relabelled(body, "11", 1) == body.replace(b'"00"', b'"11"').replace(b"57", b"1")


def test_a_boot_whose_time_was_never_known_goes_out_undated(tmp_path):
    outbox = some_outbox(tmp_path)
    outbox.begin_boot("boot-1")
    outbox.keep([beaten(1), beaten(2)], 60)
    assert outbox.close(60, of_this_boot=True) is False
    assert seqs(outbox) == []

    dated(outbox, "boot-2")
    outbox.keep([beaten(3, is_urgent=False, boot_id="boot-2")], 60)
    outbox.close(60, of_this_boot=True)

    assert [quality_of(pack) for pack in packs(outbox)] == ["undated", "trusted"]
    assert readings_of(packs(outbox)[0]) == [(None, "tvc", 5), (None, "tvc", 5)]
    outbox.shut()


def test_a_boot_whose_time_was_known_is_dated_though_it_ended(tmp_path):
    outbox = dated(some_outbox(tmp_path))
    outbox.keep([beaten(1)], 60)
    outbox.begin_boot("boot-2")
    outbox.close(60, of_this_boot=False)

    assert readings_of(packs(outbox)[0]) == [(NEW_YEAR + MINUTE, "tvc", 5)]
    outbox.shut()


def test_readings_before_the_time_was_known_are_dated_once_it_is(tmp_path):
    outbox = some_outbox(tmp_path)
    outbox.begin_boot(BOOT)
    outbox.keep([beaten(1), beaten(2)], 60)
    outbox.know_time(NEW_YEAR + 5, "server")
    outbox.close(60, of_this_boot=True)

    assert [at for at, _, _ in readings_of(packs(outbox)[0])] == [NEW_YEAR + MINUTE + 5, NEW_YEAR + 2 * MINUTE + 5]
    outbox.shut()


def test_a_month_without_time_closes_bit_by_bit(tmp_path):
    outbox = some_outbox(tmp_path)
    outbox.begin_boot(BOOT)
    outbox.keep([beaten(number) for number in range(5000)], 60)
    outbox.know_time(NEW_YEAR, "server")
    steps = 1
    while outbox.close(60, of_this_boot=True):
        steps += 1

    assert steps > 1
    assert outbox.unpacked == 0
    assert sum(len(readings_of(pack)) for pack in packs(outbox)) == 5000
    outbox.shut()


# A damaged file


def damage(path: Path) -> None:
    """As a worn card does it: pages of something else in the middle."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 12_000)


def filled(folder: Path) -> str:
    outbox = dated(some_outbox(folder))
    outbox.keep([beaten(number, is_urgent=True) for number in range(200)], 60)
    outbox.shut()
    return outbox.outbox_id


@pytest.mark.parametrize("harm", [damage, lambda path: path.write_bytes(b"no database at all, just text\n" * 200)])
def test_a_damaged_file_is_put_aside_and_a_new_outbox_begins(tmp_path, harm, caplog):
    before = filled(tmp_path)
    harm(tmp_path / "outbox.db")

    outbox = dated(some_outbox(tmp_path))
    outbox.keep([beaten(1, is_urgent=True)], 60)

    assert outbox.outbox_id != before
    assert seqs(outbox) == [1]
    assert (tmp_path / "outbox.db.damaged-1").exists()
    assert "damaged" in caplog.text
    outbox.shut()


def test_a_file_damaged_twice_is_put_aside_twice(tmp_path):
    for _ in range(2):
        filled(tmp_path)
        damage(tmp_path / "outbox.db")
    some_outbox(tmp_path).shut()

    assert sorted(file.name for file in tmp_path.glob("*.damaged-?")) == ["outbox.db.damaged-1", "outbox.db.damaged-2"]


def test_damage_that_shows_while_at_work_costs_no_new_reading(tmp_path):
    filled(tmp_path)
    outbox = some_outbox(tmp_path)
    outbox.begin_boot(BOOT)
    before = outbox.outbox_id
    damage(tmp_path / "outbox.db")
    outbox._file.connection.execute("PRAGMA shrink_memory")

    for number in range(300, 500):
        outbox.keep([beaten(number, is_urgent=True)], 60)
        outbox.acknowledge(ranges_of([[1, 150]]))

    assert outbox.outbox_id != before
    assert (tmp_path / "outbox.db.damaged-1").exists()
    assert outbox.offset == NEW_YEAR
    outbox.shut()


def test_two_agents_cannot_have_one_outbox(tmp_path):
    outbox = some_outbox(tmp_path)

    with pytest.raises(OutboxUnusable, match="another agent is at work"):
        some_outbox(tmp_path)
    outbox.shut()
    some_outbox(tmp_path).shut()


def test_an_outbox_that_cannot_be_made_says_where(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(OutboxUnusable, match=r"file/outbox\.db"):
        some_outbox(tmp_path / "file")


# A full disk


class Disk:
    """A small disk that the outbox shares with nobody."""

    def __init__(self, size: int) -> None:
        self.size = size

    def free_bytes(self, path: Path) -> int:
        used = sum(file.stat().st_size for file in path.parent.glob("outbox.db*"))
        return max(0, self.size - used)


def test_a_full_disk_drops_the_oldest_packs_and_tells_their_numbers(tmp_path):
    outbox = dated(some_outbox(tmp_path, room=Room("drop-oldest", 1_000_000, Disk(3_000_000).free_bytes)))
    for number in range(12_000):
        assert outbox.keep([beaten(number, is_urgent=True)], 60) == 0

    [(first, last)] = outbox.lost()
    assert outbox.is_full
    assert first == 1
    assert seqs(outbox) == list(range(last + 1, 12_001))
    assert outbox.waiting() == 12_000 - last
    assert len(seqs(outbox)) > 3_000
    assert (tmp_path / "outbox.db").stat().st_size < 3_000_000
    outbox.shut()


def test_a_full_disk_can_stop_the_outbox_instead_and_tells_how_much_was_not_kept(tmp_path):
    outbox = dated(some_outbox(tmp_path, room=Room("stop", 1_000_000, Disk(3_000_000).free_bytes)))
    not_kept = sum(outbox.keep([beaten(number, is_urgent=True)], 60) for number in range(12_000))

    assert not_kept > 0
    assert (outbox.is_full, outbox.not_kept, outbox.lost()) == (True, not_kept, Ranges())
    assert seqs(outbox) == list(range(1, 12_001 - not_kept))
    outbox.shut()


def test_what_the_server_takes_makes_room_again(tmp_path):
    outbox = dated(some_outbox(tmp_path, room=Room("stop", 1_000_000, Disk(4_000_000).free_bytes)))
    number = 0
    while outbox.keep([beaten(number, is_urgent=True)], 60) == 0:
        number += 1

    outbox.acknowledge(ranges_of([[1, number]]))

    assert outbox.keep([beaten(number + 1, is_urgent=True)], 60) == 0
    assert outbox.not_kept == 1
    outbox.shut()


def test_what_was_not_kept_is_remembered_over_a_restart(tmp_path):
    full = Room("stop", 1, lambda path: 0)
    outbox = dated(some_outbox(tmp_path, room=full))
    outbox.keep([beaten(1), beaten(2)], 60)
    outbox.shut()

    outbox = some_outbox(tmp_path, room=full)

    assert outbox.not_kept == 2
    outbox.shut()


def test_readings_without_a_time_give_way_too(tmp_path):
    outbox = some_outbox(tmp_path, room=Room("drop-oldest", 1_000_000, Disk(2_000_000).free_bytes))
    outbox.begin_boot(BOOT)
    for number in range(0, 60_000, 100):
        outbox.keep([beaten(one) for one in range(number, number + 100)], 60)

    assert outbox.not_kept > 0
    assert outbox.waiting() == outbox.unpacked == 60_000 - outbox.not_kept
    outbox.shut()


def test_a_disk_that_takes_nothing_at_all_loses_the_new_and_goes_on(tmp_path, caplog):
    outbox = dated(some_outbox(tmp_path))
    outbox.keep([beaten(1, is_urgent=True)], 60)
    pages = outbox._file.connection.execute("PRAGMA page_count").fetchone()[0]
    outbox._file.connection.execute(f"PRAGMA max_page_count = {pages}")

    kept_out = sum(outbox.keep([beaten(number, is_urgent=True)], 60) for number in range(2, 400))

    assert kept_out > 0
    assert outbox.is_full
    assert outbox.waiting() == len(seqs(outbox)) == 399 - kept_out
    assert "not kept" in caplog.text

    outbox._file.connection.execute("PRAGMA max_page_count = 100000")
    assert outbox.keep([beaten(400, is_urgent=True)], 60) == 0
    assert outbox.is_full is False
    outbox.shut()


def test_a_lost_number_that_the_server_had_after_all_is_not_lost(tmp_path):
    outbox = dated(some_outbox(tmp_path, room=Room("drop-oldest", 1_000_000, Disk(2_000_000).free_bytes)))
    outbox.keep([beaten(number, is_urgent=True) for number in range(8_000)], 60)
    outbox.keep([beaten(8_000, is_urgent=True)], 60)
    [(first, last)] = outbox.lost()

    outbox.acknowledge(ranges_of([[first, first + 2]]))

    assert outbox.lost() == Ranges(((first + 3, last),))
    outbox.shut()


def test_ranges_without_others():
    assert without(ranges_of([[1, 9], [20, 29]]), ranges_of([[3, 4], [9, 21], [29, 40]])) == Ranges(
        ((1, 2), (5, 8), (22, 28))
    )
    assert without(ranges_of([[1, 9]]), ranges_of([[0, 9]])) == Ranges()
    assert without(ranges_of([[5, 9]]), ranges_of([[0, 3]])) == Ranges(((5, 9),))


@pytest.mark.parametrize(("sync", "expected"), [("full", 2), ("off", 0)])
def test_a_commit_is_flushed_unless_the_settings_say_otherwise(tmp_path, sync, expected):
    outbox = Outbox(tmp_path / "outbox.db", "pi-0142", THIS_PI, sync=sync)
    connection: sqlite3.Connection = outbox._file.connection
    told = [connection.execute("PRAGMA synchronous").fetchone()[0]]
    outbox.acknowledge(Ranges())  # which is spared its own flush
    told.append(connection.execute("PRAGMA synchronous").fetchone()[0])
    journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    outbox.shut()

    assert (told, journal) == ([expected, expected], "wal")
