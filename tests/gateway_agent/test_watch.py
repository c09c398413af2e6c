"""The local watch: the platform's judgement at the fridge, and the command that rings."""

import subprocess
import threading
from dataclasses import dataclass, field, replace

import pytest

from coldchain.answers import Configuration
from coldchain.clock import DAY, HOUR, MINUTE, SECOND
from coldchain.rules import RuleSet, parse_rules
from gateway_agent import alarm as alarms
from gateway_agent.alarm import Alarm, Siren
from gateway_agent.clocks import Moment
from gateway_agent.sensors import Sensed
from gateway_agent.settings import NO_RULES
from gateway_agent.watch import Watch
from tests.helpers_gateway_agent import SHORT_RULES
from tests.tales import NEW_YEAR

HOT = Alarm("HEAT", "alarm", "tvc", "alarm")
COOL = Alarm("HEAT", "ended", "tvc", "alarm")


@dataclass
class Fridge:
    """A watch, minute by minute."""

    watch: Watch
    minute: int = 0
    boot_id: str = "boot-1"
    urgent: list[int] = field(default_factory=list)
    alarms: list[tuple[int, Alarm]] = field(default_factory=list)

    def now(self) -> Moment:
        return Moment(self.boot_id, self.minute * MINUTE, NEW_YEAR + self.minute * MINUTE, is_trusted=False)

    def measures(self, *values: int | str, minutes: int = 1) -> "Fridge":
        for value in values:
            for _ in range(minutes):
                self.minute += 1
                sensed = Sensed("tvc", None, value) if isinstance(value, str) else Sensed("tvc", value)
                noted = self.watch.note(self.now(), [sensed])
                if noted.is_urgent:
                    self.urgent.append(self.minute)
                self.alarms += [(self.minute, alarm) for alarm in noted.alarms]
        return self


def fridge(rules: RuleSet = SHORT_RULES, own: dict[str, RuleSet] | None = None) -> Fridge:
    return Fridge(Watch(rules, own or {}, ["tvc"], MINUTE, 5 * MINUTE))


def test_an_alarm_rings_when_the_time_is_full_and_ends_with_the_first_reading_in_range():
    told = fridge().measures(500).measures(900, minutes=12).measures(700, 700)

    assert told.alarms == [(12, HOT), (14, COOL)]


def test_a_short_visit_rings_nothing():
    assert fridge().measures(500).measures(900, minutes=10).measures(700).alarms == []


def test_each_rule_rings_for_itself():
    told = fridge().measures(900, minutes=11).measures(-100, minutes=6)

    assert told.alarms == [(11, HOT), (12, COOL), (17, Alarm("FRZE", "alarm", "tvc", "alarm"))]


def test_a_crossing_is_urgent_in_both_directions():
    assert fridge().measures(500, 900, 950, 700, 700, -60, -49).urgent == [2, 4, 6, 7]


def test_a_fault_that_begins_changes_or_ends_is_urgent():
    assert fridge().measures(500, "unplugged", "unplugged", "checksum", 500, 500).urgent == [2, 4, 5]


def test_a_first_reading_in_range_is_not_urgent_but_a_first_one_out_is():
    assert fridge().measures(500).urgent == []
    assert fridge().measures(900).urgent == [1]


def test_a_fault_neither_ends_nor_feeds_a_run():
    told = fridge().measures(900, minutes=5).measures("checksum").measures(900, minutes=5)

    assert told.alarms == [(11, HOT)]


def test_what_goes_on_survives_a_restart():
    before = fridge().measures(900, minutes=8)
    after = fridge()
    after.minute = before.minute
    after.watch.resume(before.watch.as_text(), before.now())

    assert after.measures(900, minutes=5).alarms == [(11, HOT)]


def test_the_time_off_counts_where_the_clock_knows_it():
    before = fridge().measures(900, minutes=8)
    after = fridge()
    after.minute, after.boot_id = before.minute + 30, "boot-2"
    after.watch.resume(before.watch.as_text(), after.now())

    assert after.measures(900).alarms == [(39, HOT)]


def test_a_clock_that_woke_where_it_fell_asleep_still_moves_on():
    before = fridge().measures(900, minutes=8)
    after = fridge()
    after.minute, after.boot_id = before.minute - 5, "boot-2"
    after.watch.resume(before.watch.as_text(), after.now())

    assert [alarm for _, alarm in after.measures(900, minutes=4).alarms] == [HOT]


def test_a_ringing_alarm_rings_again_after_a_restart():
    before = fridge().measures(900, minutes=20)
    after = fridge()
    after.minute = before.minute
    after.watch.resume(before.watch.as_text(), before.now())

    assert after.watch.alarms() == [HOT]
    assert after.measures(900, 500).alarms == [(22, COOL)]


def test_a_day_off_is_no_continuation():
    before = fridge().measures(900, minutes=20)
    after = fridge()
    late = Moment("boot-2", 0, before.now().wall + 2 * DAY, is_trusted=True)
    after.watch.resume(before.watch.as_text(), late)

    assert after.watch.alarms() == []


def test_another_limit_is_another_matter():
    before = fridge().measures(900, minutes=20)
    other = replace(SHORT_RULES, rules=tuple(replace(rule, limit=rule.limit + 100) for rule in SHORT_RULES.rules))
    after = fridge(other)
    after.watch.resume(before.watch.as_text(), before.now())

    assert after.watch.alarms() == []


def test_an_added_up_rule_survives_a_restart_too():
    rules = parse_rules(
        '[[rule]]\ncode = "SUM"\noperator = ">"\nlimit_c = 8\nmode = "cumulative"\nduration_s = 600\nwindow_s = 7200\n',
        "sum.toml",
    )
    before = fridge(rules).measures(900, minutes=4).measures(500, minutes=4).measures(900, minutes=4)
    after = fridge(rules)
    after.minute = before.minute
    after.watch.resume(before.watch.as_text(), before.now())

    assert [alarm.code for _, alarm in after.measures(900, minutes=6).alarms] == ["SUM"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": 1}', '{"at":1,"last":["b",1,1],"going_on":{"tvc":[{}]}}'])
def test_what_cannot_be_read_of_earlier_is_left(text):
    told = fridge()
    told.watch.resume(text, told.now())

    assert told.measures(900, minutes=11).alarms == [(11, HOT)]


def test_nothing_is_noted_while_all_is_well():
    assert fridge().measures(500, minutes=5).watch.as_text() == ""


def test_limits_that_the_server_wishes_ring_after_their_own_time():
    told = fridge()
    told.watch.judge_by(MINUTE, Configuration(low_c=3.0, high_c=6.0))
    told.measures(650, minutes=7).measures(250, minutes=7)

    assert [(minute, alarm.code, alarm.state) for minute, alarm in told.alarms] == [
        (6, "HIGH", "alarm"),
        (8, "HIGH", "ended"),
        (13, "LOW", "alarm"),
    ]
    assert told.urgent == [1, 8]


def test_a_sensor_can_have_rules_of_its_own():
    told = fridge(own={"tvc": RuleSet("none", 1, ())})
    told.watch.judge_by(MINUTE, Configuration(low_c=3.0, high_c=6.0))

    assert told.measures(5000, minutes=30).alarms == []


def test_a_late_answer_does_not_turn_the_watch_back():
    told = fridge().measures(900, minutes=9)
    late = Moment("boot-1", 3 * MINUTE, NEW_YEAR + 3 * MINUTE, is_trusted=False)
    told.watch.note(late, [Sensed("other", 500)])

    assert told.measures(900, minutes=2).alarms == [(11, HOT)]


def test_a_thousand_quiet_hours_cost_no_memory():
    told = fridge()
    for hour in range(1000):
        told.watch.note(Moment("boot-1", hour * HOUR, hour * HOUR, is_trusted=True), [Sensed("tvc", 500)])

    assert told.watch.as_text() == ""


# The siren


class Bell:
    """A command that a test can break."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.told: list[list[str]] = []
        self.rang = threading.Semaphore(0)
        self.tried = threading.Semaphore(0)

    def __call__(self, argv):
        self.tried.release()
        if self.failures > 0:
            self.failures -= 1
            raise subprocess.CalledProcessError(1, argv)
        self.told.append(list(argv))
        self.rang.release()


def test_the_command_is_told_code_state_and_channel():
    bell = Bell()
    siren = Siren(["siren", "--loud"], command=bell)
    siren.ring(HOT)
    assert bell.rang.acquire(timeout=5)
    siren.ring(COOL)
    assert bell.rang.acquire(timeout=5)
    siren.stop()

    assert bell.told == [["siren", "--loud", "HEAT", "alarm", "tvc"], ["siren", "--loud", "HEAT", "ended", "tvc"]]


def test_a_command_that_fails_is_logged_and_tried_again(monkeypatch, caplog):
    monkeypatch.setattr(alarms, "FIRST_PAUSE_S", 0.01)
    bell = Bell(failures=3)
    siren = Siren(["siren"], command=bell)
    siren.ring(HOT)
    assert bell.rang.acquire(timeout=5)
    siren.stop()

    assert bell.told == [["siren", "HEAT", "alarm", "tvc"]]
    assert caplog.text.count("tried again") == 3


def test_a_newer_state_takes_the_place_of_one_that_could_not_be_told(monkeypatch):
    bell = Bell(failures=1)
    siren = Siren(["siren"], command=bell)
    siren.ring(HOT)
    assert bell.tried.acquire(timeout=5)
    siren.ring(COOL)
    assert bell.rang.acquire(timeout=5)
    siren.stop()

    assert bell.told == [["siren", "HEAT", "ended", "tvc"]]


def test_a_warning_rings_only_where_it_shall():
    quiet, loud = Bell(), Bell()
    warning = replace(HOT, severity="warning")
    for siren in (Siren(["siren"], command=quiet), Siren(["siren"], with_warnings=True, command=loud)):
        siren.ring(warning)
        siren.stop(5)

    assert (len(quiet.told), len(loud.told)) == (0, 1)


def test_without_a_command_an_alarm_is_logged_all_the_same(caplog):
    siren = Siren([])
    siren.ring(HOT)
    siren.stop()

    assert "HEAT on tvc: alarm" in caplog.text


def test_ringing_never_waits_for_the_command():
    may_end = threading.Event()

    def slow(argv: object) -> None:
        may_end.wait(10)

    siren = Siren(["siren"], command=slow)
    for _ in range(100):
        siren.ring(HOT)
    may_end.set()
    siren.stop(5)


def test_a_real_command_runs_and_a_missing_one_is_told(tmp_path):
    alarms.run(["/bin/sh", "-c", f'echo "$@" > {tmp_path}/rang', "siren", "HEAT", "alarm", "tvc"])
    assert (tmp_path / "rang").read_text() == "HEAT alarm tvc\n"

    with pytest.raises(OSError, match="no-such-siren"):
        alarms.run([str(tmp_path / "no-such-siren")])
    with pytest.raises(subprocess.SubprocessError):
        alarms.run(["/bin/false"])


def test_seconds_are_seconds():
    assert SHORT_RULES.rules[0].duration == 600 * SECOND


def test_a_switch_that_changes_is_urgent_and_never_rings():
    told = fridge(own={"mains": NO_RULES})

    for value in (100, 100, 0, 0):
        told.minute += 1
        noted = told.watch.note(told.now(), [Sensed("mains", value, None, "/")])
        told.urgent += [told.minute] * noted.is_urgent
        assert not noted.alarms

    assert told.urgent == [3]
