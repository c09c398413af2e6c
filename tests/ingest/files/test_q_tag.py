"""A Q-tag's file: the readings of one journey and what its own limits made of them."""

from datetime import UTC, datetime

import pytest

from coldchain.clock import MINUTE
from ingest import files
from ingest.files import Damaged, DeviceAlarm
from tests.helpers_files import JOURNEY, every_five_minutes, q_tag
from tests.tales import hour

SIX = datetime(2026, 1, 1, 6)  # noqa: DTZ001  a logger's clock knows no zone
JOURNEYS = every_five_minutes(SIX, 6, "4.5", minutes=10)
FIRED = (
    "TS S: 2026-01-01 07:00, t A: 95, TS A: 2026-01-01 07:30, TS E: 2026-01-01 08:35, T M: 11.4, TS M: 2026-01-01 08:00"
)


def test_a_journey_has_readings_ten_minutes_apart():
    told = files.read("journey.txt", q_tag(JOURNEYS).encode(), UTC)
    [one] = told.measured

    assert (told.form, told.hardware_ids, told.alarms, told.days) == ("q-tag", (JOURNEY,), (), ())
    assert (one.interval, one.values, one.measured_at[:2]) == (
        10 * MINUTE,
        (450,) * 6,
        (hour(6), hour(6) + 10 * MINUTE),
    )


def test_an_alarm_says_from_when_until_when_and_how_far():
    told = files.read("journey.txt", q_tag(JOURNEYS, fired=FIRED).encode(), UTC)

    [alarm] = told.alarms
    assert alarm == DeviceAlarm(
        JOURNEY,
        at=hour(7.5),
        side="high",
        limit=800,
        after_minutes=30,
        minutes=95,
        since=hour(7),
        until=hour(8) + 35 * MINUTE,
        extreme=1140,
        line=alarm.line,
    )


def test_an_alarm_that_goes_on_has_no_end():
    going_on = FIRED.replace("TS E: 2026-01-01 08:35", "TS E:")
    [alarm] = files.read("journey.txt", q_tag(JOURNEYS, fired=going_on).encode(), UTC).alarms

    assert alarm.until is None


def test_a_limit_that_was_broken_and_never_sounded_is_no_alarm():
    told = files.read("journey.txt", q_tag(JOURNEYS, fired="TS S: 2026-01-01 07:00, t A: 12, TS A:").encode(), UTC)

    assert told.alarms == ()


def test_a_logger_that_never_set_out_holds_nothing():
    told = files.read("journey.txt", q_tag([]).encode(), UTC)

    assert (len(told), told.is_day_summary) == (0, False)


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        ("Type: 2", "Type: 7", "is no type of a limit"),
        ("  1:\n   TS S", "  3:\n   TS S", "the configuration does not know"),
        ("t A: 95", "t A: many", "are no minutes"),
        ("TS A: 2026-01-01 07:30", "TS A: yesterday", "is no time"),
        ("Logging Interval: 10", "Logging Interval: ten", "are no minutes"),
        ("\nRes:", "\nRest:", "Res is missing"),
    ],
)
def test_a_damaged_one_is_refused_with_its_line(good: str, bad: str, reason: str):
    whole = q_tag(JOURNEYS, fired=FIRED)
    assert good in whole

    with pytest.raises(Damaged, match=rf"^journey\.txt:\d+: .*{reason}"):
        files.read("journey.txt", whole.replace(good, bad, 1).encode(), UTC)
