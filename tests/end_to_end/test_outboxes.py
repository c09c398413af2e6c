"""What happens to an agent's outbox happens to nobody's readings: a day offline, a cloned card, a wiped one."""

import shutil
import time

import pytest

from coldchain.clock import DAY, now
from tests.helpers_house import wait_until
from tests.helpers_pi import Pi, a_day_ago

pytestmark = pytest.mark.servers


def day(swing: int = 200) -> list[int]:
    """A day of minutes in a fridge, with two hours of frost in it."""
    return [-60 if 600 <= minute < 720 else 400 + minute * 7 % swing for minute in range(1440)]


def holds(platform, device_id, expected, within_s=60.0):
    wait_until(lambda: expected <= set(platform.readings(device_id)), within_s, "all that was measured to be readable")
    found = platform.readings(device_id)
    assert len(found) == len(set(found)), "a reading counts twice"
    return set(found)


def test_a_day_offline_arrives_once_and_is_judged_as_if_it_had_been_live(platform, tmp_path):
    [given] = platform.add_devices("pi-offline")
    pi = Pi(tmp_path / "pi", given)
    measured = pi.lives_through(day(), a_day_ago())
    with pi.running():
        found = holds(platform, "pi-offline", measured)
        codes = wait_for_codes(platform, "pi-offline", {"FRZE", "FRZE-WARN"})

    assert all(at > now() - DAY for _, at, _ in found - measured), "nothing but the live readings was added"
    assert codes == {"FRZE", "FRZE-WARN"}
    assert pi.waiting() <= 2


def wait_for_codes(platform, device_id, expected):
    wait_until(lambda: expected <= {row["rule"] for row in platform.excursions(device_id)}, 20, f"{expected}")
    return {row["rule"] for row in platform.excursions(device_id)}


def test_two_agents_with_one_cloned_outbox_lose_nothing(platform, tmp_path):
    [given] = platform.add_devices("pi-cloned")
    first = Pi(tmp_path / "first", given, machine="board-one")
    measured = first.lives_through(day(), a_day_ago())
    second = Pi(tmp_path / "second", given, machine="board-two")
    shutil.copy(first.outbox_path, second.outbox_path)
    second.measures(777)

    with first.running():
        holds(platform, "pi-cloned", measured)
        with second.running():
            wait_until(lambda: has(platform, "pi-cloned", 777, 3), 60, "what the second board measures")
        wait_until(lambda: has(platform, "pi-cloned", 450, 3), 60, "what the first board measures")
    found = holds(platform, "pi-cloned", measured)

    assert first.waiting() <= 2
    assert not [row for row in platform.items("/api/v1/refusals") if row["device_id"] == "pi-cloned"]
    assert measured <= found


def has(platform, device_id, value, count):
    return sum(1 for _, _, centidegrees in platform.readings(device_id) if centidegrees == value) >= count


def test_the_same_board_restored_from_an_old_image_becomes_two_voices_that_everybody_sees(platform, tmp_path):
    [given] = platform.add_devices("pi-restored")
    pi = Pi(tmp_path / "pi", given)
    with pi.running():
        wait_until(lambda: has(platform, "pi-restored", 450, 2), 30, "live readings")
    image = tmp_path / "image.db"
    shutil.copy(pi.outbox_path, image)
    with pi.running():
        wait_until(lambda: has(platform, "pi-restored", 450, 6), 30, "more readings")

    shutil.copy(image, pi.outbox_path)
    for rest in ("-wal", "-shm"):
        (tmp_path / "pi" / f"outbox.db{rest}").unlink(missing_ok=True)
    pi.measures(333)
    with pi.running():
        wait_until(lambda: refusals(platform, "pi-restored", "two-voices"), 30, "the refusal")
        wait_until(lambda: incident(platform, "two-voices"), 30, "the incident")
        wait_until(lambda: has(platform, "pi-restored", 333, 2), 30, "readings with a number of their own again")


def refusals(platform, device_id, reason):
    rows = platform.items("/api/v1/refusals")
    return [row for row in rows if row["device_id"] == device_id and row["reason"] == reason]


def incident(platform, kind):
    return [row for row in platform.items("/api/v1/incidents") if row["kind"] == kind]


def test_a_wiped_outbox_begins_anew_and_what_was_sent_stays(platform, tmp_path):
    [given] = platform.add_devices("pi-wiped")
    pi = Pi(tmp_path / "pi", given)
    measured = pi.lives_through(day()[:200], a_day_ago())
    with pi.running():
        holds(platform, "pi-wiped", measured)
        time.sleep(1.5)  # one more beat, to be acknowledged
    for name in ("outbox.db", "outbox.db-wal", "outbox.db-shm"):
        (tmp_path / "pi" / name).unlink(missing_ok=True)
    before = set(platform.readings("pi-wiped"))

    pi.measures(612)
    with pi.running():
        wait_until(lambda: has(platform, "pi-wiped", 612, 3), 30, "readings of the new outbox")

    assert before <= set(platform.readings("pi-wiped"))
    assert not refusals(platform, "pi-wiped", "two-voices")
