"""When a machine's time is known, and how well."""

from coldchain.clock import SECOND
from gateway_agent.clocks import (
    BEFORE_US,
    LONGEST_ROUND_TRIP,
    Moment,
    kernel_is_synchronized,
    known,
    machine_clock,
    narrowed,
)
from tests.tales import NEW_YEAR


def test_a_machine_that_ntp_keeps_is_trusted():
    assert machine_clock(has_rtc=False, is_synchronized=lambda: True)().is_trusted


def test_a_machine_that_nothing_keeps_is_not():
    assert not machine_clock(has_rtc=False, is_synchronized=lambda: False)().is_trusted


def test_a_real_time_clock_is_trusted_where_the_settings_vouch_for_it():
    assert machine_clock(has_rtc=True, is_synchronized=lambda: False)().is_trusted


def test_uptime_goes_on_and_the_boot_is_named():
    clock = machine_clock(has_rtc=True)
    first, second = clock(), clock()

    assert first.boot_id == second.boot_id != ""
    assert 0 < first.uptime <= second.uptime
    assert second.wall > BEFORE_US


def test_the_kernel_says_whether_it_is_kept():
    assert kernel_is_synchronized() in (True, False)


def test_a_moment_knows_the_offset_of_its_boot():
    assert Moment("boot-1", 5_000, NEW_YEAR + 5_000, is_trusted=False).offset == NEW_YEAR
    assert known(NEW_YEAR).offset == 0


def test_the_servers_word_gives_the_offset_within_half_a_round_trip():
    sent, received, at = 10 * SECOND, 12 * SECOND, NEW_YEAR

    assert narrowed(None, at, sent, received) == NEW_YEAR - 11 * SECOND


def test_an_offset_that_agrees_stays():
    assert narrowed(NEW_YEAR - 10_500, NEW_YEAR, 10_000, 12_000) == NEW_YEAR - 10_500


def test_an_offset_that_drifted_is_moved_no_further_than_it_must():
    assert narrowed(NEW_YEAR - 20_000, NEW_YEAR, 10_000, 12_000) == NEW_YEAR - 12_000
    assert narrowed(NEW_YEAR, NEW_YEAR, 10_000, 12_000) == NEW_YEAR - 10_000


def test_an_answer_that_took_too_long_says_nothing():
    assert narrowed(None, NEW_YEAR, 0, LONGEST_ROUND_TRIP + 1) is None
    assert narrowed(77, NEW_YEAR, 0, LONGEST_ROUND_TRIP + 1) == 77
    assert narrowed(None, NEW_YEAR, 5, 4) is None
