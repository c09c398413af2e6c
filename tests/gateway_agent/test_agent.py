"""The agent: what a beat becomes, when it goes, and what the server's word changes."""

import json

import pytest

from coldchain.answers import Configuration, RefusedPack, encode_configuration, encode_refused
from coldchain.clock import DAY, HOUR, MINUTE, SECOND
from coldchain.ranges import Ranges
from gateway_agent.clocks import known
from gateway_agent.outbox import Room
from gateway_agent.sensors import Sensed
from gateway_agent.status import OFFLINE
from gateway_agent.uplink import Connected, Disconnected, Heard
from tests.helpers_gateway_agent import (
    OTHER_PI,
    SHORT_RULES,
    Gateway,
    OwnClock,
    Probe,
    Server,
    gateway,
    outbox_of,
    quality_of,
    readings_of,
    seq_of,
)
from tests.tales import NEW_YEAR


@pytest.fixture
def begin(tmp_path):
    """Starts agents on one outbox, one after the other, and stops the last."""
    begun: list[Gateway] = []

    def start(**changed) -> Gateway:
        if begun:
            begun[-1].stop()
        begun.append(gateway(tmp_path, **changed))
        return begun[-1]

    yield start
    begun[-1].stop()


def values(server: Server) -> list[float | str]:
    return [value for pack in server.packs for _, _, value in readings_of(pack)]


def dated(pack) -> list[tuple[int, str, float | str]]:
    """The readings of a pack that tells the time."""
    return [(at, channel, value) for at, channel, value in readings_of(pack) if at is not None]


def instants(server: Server) -> list[int]:
    """When what came was measured, in order."""
    return sorted(at for pack in server.packs for at, _, _ in dated(pack))


def configuration(**wished) -> Heard:
    return Heard("config", encode_configuration(Configuration(**wished)))


# Packs


def test_while_somebody_listens_each_beat_goes_at_once(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(3, 456)

    assert pi.server.seqs == [1, 2, 3]
    assert readings_of(pi.server.packs[0]) == [(NEW_YEAR + MINUTE, "tvc", 4.56)]
    assert quality_of(pi.server.packs[0]) == "trusted"


def test_a_pack_waits_for_its_age(begin):
    pi = begin(max_age=2 * MINUTE)
    pi.agent.on_connected()
    pi.beats(2)
    assert pi.server.packs == []
    pi.beats(1)

    assert [len(readings_of(pack)) for pack in pi.server.packs] == [3]


def test_a_pack_that_is_full_does_not_wait(begin):
    pi = begin(max_age=2 * MINUTE, max_readings=2)
    pi.agent.on_connected()
    pi.beats(4)

    assert [len(readings_of(pack)) for pack in pi.server.packs] == [2, 2]


def test_offline_packs_become_full(begin):
    pi = begin(max_readings=20)
    pi.beats(45)
    assert pi.agent.outbox.waiting() == 45
    pi.agent.on_connected()

    assert sorted((seq_of(pack), len(readings_of(pack))) for pack in pi.server.packs) == [(1, 20), (2, 20), (3, 5)]


@pytest.mark.parametrize("second", [900, -60, "unplugged"])
def test_a_crossed_limit_or_a_fault_closes_the_pack_at_once(begin, second):
    pi = begin(max_age=2 * MINUTE)
    pi.agent.on_connected()
    pi.beats(1, 500)
    pi.beats(1, second)
    assert [len(readings_of(pack)) for pack in pi.server.packs] == [2]

    pi.beats(1, 500)
    assert [len(readings_of(pack)) for pack in pi.server.packs] == [2, 1]


def test_several_sensors_share_a_pack(begin):
    pi = begin(probes=[Probe("tvc", 456), Probe("freezer", "unplugged")])
    pi.agent.on_connected()
    pi.beats(1)

    assert [(channel, value) for _, channel, value in readings_of(pi.server.packs[0])] == [
        ("tvc", 4.56),
        ("freezer", "fault:unplugged"),
    ]


def test_what_was_in_no_pack_when_the_agent_died_goes_with_the_next(begin):
    begin().beats(3)
    pi = begin()
    pi.agent.on_connected()

    assert [len(readings_of(pack)) for pack in pi.server.packs] == [3]


# The server's word


def test_nothing_leaves_the_outbox_before_the_server_says_so(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(3)
    assert pi.agent.outbox.waiting() == 3
    pi.server.acknowledge((1, 2))

    assert pi.agent.outbox.packs_after(0, 10) == [3]


def test_another_outboxs_word_is_left_alone(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(3)
    pi.server.acknowledge((1, 3), outbox_id="ffffffffffffffff")

    assert pi.agent.outbox.waiting() == 3


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"outbox":1,"durable":[],"at":1}', b"\xff", b'{"at":NaN}'])
def test_what_is_no_acknowledgement_changes_nothing(begin, body):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(1)
    pi.agent.hear(Heard("ack", body))

    assert pi.agent.outbox.waiting() == 1


def test_without_an_answer_the_same_bytes_go_again(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(1)
    pi.clock.pass_(40)
    pi.agent.send()

    assert len(pi.server.bodies) == 2
    assert pi.server.bodies[0] == pi.server.bodies[1]


def test_after_a_reconnect_the_same_bytes_go_again(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(1)
    pi.agent.hear(Disconnected("a cut"))
    pi.agent.hear(Connected())

    assert pi.server.bodies[0] == pi.server.bodies[1]


def test_after_a_restart_the_same_bytes_go_again(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(1)
    before = pi.server.bodies
    pi = begin(clock=pi.clock)
    pi.agent.on_connected()

    assert pi.server.bodies == before


def test_a_day_offline_goes_out_newest_first_then_oldest_first_within_the_window(begin):
    pi = begin(max_readings=60)
    pi.beats(24 * 60)
    pi.agent.on_connected()
    assert pi.server.seqs == [24, *range(1, 10)]

    pi.server.answers = True
    pi.server.acknowledge_all()
    assert pi.server.seqs == [24, *range(1, 24)]
    assert pi.agent.outbox.waiting() == 0
    assert instants(pi.server) == [NEW_YEAR + minute * MINUTE for minute in range(1, 24 * 60 + 1)]


def test_an_alarm_overtakes_the_backlog(begin):
    pi = begin(max_readings=10)
    pi.beats(500)
    pi.agent.on_connected()
    sent = len(pi.server.packs)
    pi.beats(1, 900)

    assert len(pi.server.packs) == sent + 1
    assert values(pi.server)[-1] == 9


def test_the_backlog_waits_a_little_after_a_reconnect(begin):
    pi = begin(max_readings=10, jitter=10 * SECOND, dice=lambda: 0.5)
    pi.beats(50)
    pi.agent.on_connected()
    assert pi.server.seqs == [5]
    pi.clock.pass_(6)
    pi.agent.send()

    assert pi.server.seqs == [5, 1, 2, 3, 4]


def test_an_uplink_that_takes_nothing_loses_nothing(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.server.is_away = True
    pi.beats(3)
    pi.server.is_away = False
    pi.beats(1)

    assert pi.server.seqs == [1, 2, 3, 4]


def test_an_older_copy_of_the_file_is_noticed_and_takes_a_new_id(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(3)
    before = pi.agent.outbox.outbox_id
    pi.server.acknowledge((1, 5000))  # the server knows more than this file ever gave

    assert pi.agent.outbox.outbox_id != before
    assert pi.agent.outbox.waiting() == 3
    assert [(outbox_of(pack), seq_of(pack)) for pack in pi.server.packs[3:]] == [
        (pi.agent.outbox.outbox_id, seq) for seq in (3, 1, 2)
    ]


def test_two_voices_part_under_new_names(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(1)
    before = pi.agent.outbox.outbox_id
    refused = RefusedPack(1, before, "two-voices", "the number was taken")
    pi.agent.hear(Heard("refused", encode_refused(refused)))
    assert pi.agent.outbox.outbox_id not in ("", before)
    after = pi.agent.outbox.outbox_id
    pi.agent.hear(Heard("refused", encode_refused(refused)))

    assert pi.agent.outbox.outbox_id == after


def test_another_refusal_is_logged_and_waits_for_its_acknowledgement(begin, caplog):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(1)
    outbox_id = pi.agent.outbox.outbox_id
    pi.agent.hear(Heard("refused", encode_refused(RefusedPack(1, outbox_id, "wrongly-dated", "6 min ahead"))))
    pi.agent.hear(Heard("refused", b"nonsense"))

    assert "wrongly-dated" in caplog.text
    assert (pi.agent.outbox.outbox_id, pi.agent.outbox.waiting()) == (outbox_id, 1)


def test_a_card_in_other_hardware_sends_under_a_new_name(begin):
    pi = begin()
    pi.beats(2)
    before = pi.agent.outbox.outbox_id
    pi = begin(machine=OTHER_PI)
    pi.agent.on_connected()

    assert outbox_of(pi.server.packs[0]) == pi.agent.outbox.outbox_id != before


# Time


def untrusted(**clock) -> OwnClock:
    return OwnClock(is_trusted=False, **clock)


def test_a_machine_that_woke_at_the_hour_it_slept_dates_its_readings_once_ntp_is_there(begin):
    clock = untrusted(wall=NEW_YEAR - 3 * DAY)
    pi = begin(clock=clock)
    pi.agent.on_connected()
    pi.beats(2)
    assert [quality_of(pack) for pack in pi.server.packs] == ["undated"]  # the question for the time
    clock.wall, clock.is_trusted = NEW_YEAR + 2 * MINUTE, True
    pi.agent.send()

    assert [at for at, _, _ in readings_of(pi.server.packs[-1])] == [NEW_YEAR + MINUTE, NEW_YEAR + 2 * MINUTE]
    assert quality_of(pi.server.packs[-1]) == "trusted"


def test_a_machine_without_ntp_learns_the_time_from_an_acknowledgement(begin):
    clock = untrusted(wall=NEW_YEAR - 30 * DAY)
    server = Server(clock, true_wall_minus_uptime=NEW_YEAR - 100 * SECOND)
    pi = begin(clock=clock, server=server)
    pi.agent.on_connected()
    pi.agent.send()
    assert [readings_of(pack) for pack in server.packs] == [[]]
    clock.pass_(2)
    server.acknowledge_all()
    pi.beats(1, 456)

    assert server.statuses[-1]["clock"] == "trusted"
    assert quality_of(server.packs[-1]) == "trusted"
    [(at, _, value)] = dated(server.packs[-1])
    assert value == 4.56
    assert abs(at - (NEW_YEAR + MINUTE + 2 * SECOND)) <= 1 * SECOND
    assert pi.agent.outbox.time_source == "server"


def test_a_question_holds_no_reading_and_the_reading_is_dated_later(begin):
    clock = untrusted()
    server = Server(clock, true_wall_minus_uptime=NEW_YEAR - 100 * SECOND)
    pi = begin(clock=clock, server=server)
    pi.beats(1, 456)
    pi.agent.on_connected()
    pi.agent.send()
    assert pi.agent.outbox.waiting() == 1
    server.acknowledge_all()
    server.acknowledge_all()

    assert values(server) == [4.56]
    assert pi.agent.outbox.waiting() == 0


def test_one_question_is_asked_at_a_time(begin):
    pi = begin(clock=untrusted())
    pi.agent.on_connected()
    pi.beats(20)

    assert set(pi.server.seqs) == {1}


def test_an_answer_that_was_long_under_way_tells_no_time(begin):
    clock = untrusted()
    pi = begin(clock=clock)
    pi.agent.on_connected()
    pi.beats(1)
    clock.pass_(20)
    pi.server.acknowledge((1, 1))
    assert pi.agent.outbox.offset is None

    clock.pass_(1)  # it asks again, and hears at once
    pi.server.acknowledge((1, 2))
    assert pi.agent.outbox.offset is not None


def test_an_old_answer_that_the_broker_kept_tells_no_time(begin):
    pi = begin(clock=OwnClock())
    pi.agent.on_connected()
    pi.beats(1)
    pi.clock.reboot("boot-2", NEW_YEAR - DAY, is_trusted=False)
    pi = begin(clock=pi.clock)
    pi.agent.on_connected()
    pi.server.acknowledge((1, 1), at=NEW_YEAR - 7 * DAY)

    assert pi.agent.outbox.offset is None
    assert pi.agent.outbox.waiting() == 0


def test_a_boot_that_ended_without_time_goes_out_undated(begin):
    pi = begin(clock=untrusted())
    pi.beats(3, 456)
    pi.clock.reboot("boot-2", NEW_YEAR + DAY, is_trusted=True)
    pi = begin(clock=pi.clock)
    pi.agent.on_connected()
    pi.beats(1, 500)

    told = {quality_of(pack): readings_of(pack) for pack in pi.server.packs}
    assert told["undated"] == [(None, "tvc", 4.56)] * 3
    assert [value for _, _, value in told["trusted"]] == [5]


def test_a_restart_in_the_same_boot_remembers_its_time(begin):
    pi = begin()
    pi.beats(1)
    pi.clock.is_trusted, pi.clock.wall = False, NEW_YEAR - DAY
    pi = begin(clock=pi.clock)
    pi.agent.on_connected()

    assert instants(pi.server) == [NEW_YEAR + MINUTE]


def test_a_clock_that_jumps_without_ntp_changes_no_date(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(1)
    pi.clock.wall += 3 * HOUR
    pi.clock.is_trusted = False
    pi.beats(1)

    assert instants(pi.server) == [NEW_YEAR + MINUTE, NEW_YEAR + 2 * MINUTE]


def test_a_clock_that_ntp_puts_right_is_followed(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.beats(1)
    pi.clock.wall -= 3 * HOUR
    pi.beats(1)

    assert readings_of(pi.server.packs[1])[0][0] == NEW_YEAR + 2 * MINUTE - 3 * HOUR


def test_ntp_takes_the_place_of_the_servers_word(begin):
    clock = untrusted()
    server = Server(clock, answers=True, true_wall_minus_uptime=NEW_YEAR)
    pi = begin(clock=clock, server=server)
    pi.agent.on_connected()
    pi.beats(1)
    assert pi.agent.outbox.time_source == "server"
    clock.is_trusted = True
    pi.beats(1)

    assert pi.agent.outbox.time_source == "machine"
    assert pi.agent.outbox.offset == clock.wall - clock.uptime


def test_the_servers_word_is_followed_where_the_machine_drifts(begin):
    clock = untrusted()
    server = Server(clock, answers=True, true_wall_minus_uptime=NEW_YEAR)
    pi = begin(clock=clock, server=server)
    pi.agent.on_connected()
    pi.beats(2)
    server.true_wall_minus_uptime = NEW_YEAR + 5 * SECOND
    pi.beats(1)

    assert pi.agent.outbox.offset == NEW_YEAR + 5 * SECOND


# Many at once, as the rehearsal does


def test_a_week_is_kept_in_one_transaction_at_full_speed(begin):
    pi = begin(clock=OwnClock("rehearsal", uptime=NEW_YEAR + 7 * DAY, wall=NEW_YEAR + 7 * DAY))
    week = [(known(NEW_YEAR + minute * MINUTE), [Sensed("tvc", 500 + minute % 7)]) for minute in range(7 * 24 * 60)]
    pi.agent.keep_many(week)
    pi.server.answers = True
    pi.agent.on_connected()

    told = sorted(reading for pack in pi.server.packs for reading in dated(pack))
    assert told == [(at.wall, "tvc", (500 + minute % 7) / 100) for minute, (at, _) in enumerate(week)]
    assert pi.agent.outbox.waiting() == 0


def test_forty_agents_live_in_one_process(tmp_path):
    pis = [gateway(tmp_path / f"pi-{number}") for number in range(40)]
    for pi in pis:
        pi.server.answers = True
        pi.agent.on_connected()
        pi.beats(5)

    assert [pi.agent.outbox.waiting() for pi in pis] == [0] * 40
    assert len({pi.agent.outbox.outbox_id for pi in pis}) == 40
    for pi in pis:
        pi.stop()


# The local alarm


def test_a_local_alarm_needs_no_network(begin):
    pi = begin(rules=SHORT_RULES)
    pi.beats(1, 500)
    pi.beats(12, 900)
    pi.beats(1, 500)

    assert [(alarm.code, alarm.state) for alarm in pi.rung] == [("HEAT", "alarm"), ("HEAT", "ended")]


def test_a_local_alarm_survives_a_restart(begin):
    pi = begin(rules=SHORT_RULES)
    pi.beats(8, 900)
    pi = begin(rules=SHORT_RULES, clock=pi.clock)
    pi.beats(3, 900)
    assert [alarm.code for alarm in pi.rung] == ["HEAT"]

    pi = begin(rules=SHORT_RULES, clock=pi.clock)
    assert [alarm.code for alarm in pi.rung] == ["HEAT"]


def test_the_alarm_goes_on_when_the_disk_is_full(begin):
    pi = begin(rules=SHORT_RULES, room=Room("stop", 1, lambda path: 0))
    pi.beats(12, 900)

    assert [alarm.code for alarm in pi.rung] == ["HEAT"]
    assert pi.agent.outbox.not_kept == 12


# Configuration


def test_a_wished_interval_is_applied_kept_and_told(begin):
    pi = begin()
    pi.agent.on_connected()
    assert (pi.server.statuses[-1]["interval_s"], pi.server.statuses[-1]["interval_since"]) == (60, 0)
    pi.clock.pass_(90)
    pi.agent.hear(configuration(interval_s=300))

    assert pi.agent.interval == 300 * SECOND
    assert pi.server.statuses[-1]["interval_s"] == 300
    assert pi.server.statuses[-1]["interval_since"] == NEW_YEAR + 90 * SECOND
    pi = begin(clock=pi.clock)
    pi.agent.on_connected()
    assert pi.agent.interval == 300 * SECOND
    assert pi.server.statuses[-1]["interval_since"] == NEW_YEAR + 90 * SECOND


def test_a_change_in_a_boot_without_time_is_told_once_it_is_dated(begin):
    pi = begin(clock=untrusted())
    pi.agent.on_connected()
    pi.clock.pass_(90)
    pi.agent.hear(configuration(interval_s=300))
    assert "interval_s" not in pi.server.statuses[-1]
    pi.clock.pass_(10)
    pi.clock.is_trusted = True
    pi.agent.send()

    assert pi.server.statuses[-1]["interval_since"] == NEW_YEAR + 90 * SECOND


def test_a_change_in_a_boot_that_nobody_ever_dated_counts_from_the_next(begin):
    pi = begin(clock=untrusted())
    pi.agent.hear(configuration(interval_s=300))
    pi.clock.reboot("boot-2", NEW_YEAR + DAY, is_trusted=True)
    pi = begin(clock=pi.clock)
    pi.agent.on_connected()

    assert pi.server.statuses[-1]["interval_since"] == NEW_YEAR + DAY


def test_another_interval_in_the_file_is_told_with_its_beginning(begin):
    pi = begin()
    pi.beats(1)
    pi = begin(clock=pi.clock, interval=120 * SECOND)
    pi.agent.on_connected()

    assert (pi.server.statuses[-1]["interval_s"], pi.server.statuses[-1]["interval_since"]) == (
        120,
        NEW_YEAR + MINUTE,
    )


def test_wished_limits_are_applied_kept_and_told(begin):
    pi = begin(wished_limits_after=2 * MINUTE)
    pi.agent.on_connected()
    pi.agent.hear(configuration(low_c=3, high_c=6.5))
    assert pi.server.statuses[-1]["limits"] == {"low_c": 3.0, "high_c": 6.5}
    pi = begin(clock=pi.clock, wished_limits_after=2 * MINUTE)
    pi.beats(3, 660)

    assert [alarm.code for alarm in pi.rung] == ["HIGH"]


def test_an_empty_wish_takes_all_wishes_back(begin):
    pi = begin()
    pi.agent.on_connected()
    pi.agent.hear(configuration(interval_s=300, low_c=3))
    pi.agent.hear(Heard("config", b""))

    assert pi.agent.interval == 60 * SECOND
    assert "limits" not in pi.server.statuses[-1]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'{"interval_s":"fast"}', b'{"interval_s":0}', b'{"interval_s":99999}', b'{"low_c":8,"high_c":2}'],
)
def test_what_cannot_be_done_is_not_wished(begin, body, caplog):
    pi = begin()
    pi.agent.hear(Heard("config", body))

    assert pi.agent.interval == 60 * SECOND
    assert caplog.records


# The status


def test_the_status_tells_what_a_person_must_know(begin):
    pi = begin()
    pi.agent.on_connected()

    assert pi.server.statuses == [
        {
            "state": "online",
            "outbox": pi.agent.outbox.outbox_id,
            "waiting": 0,
            "lost": [],
            "interval_s": 60,
            "interval_since": 0,
            "version": pi.server.statuses[0]["version"],
            "clock": "trusted",
            "disk": "ok",
            "started_at": NEW_YEAR,
        }
    ]
    assert json.loads(OFFLINE) == {"state": "offline"}


def test_the_status_is_told_again_when_it_changes_and_not_with_every_beat(begin):
    pi = begin(interval=10 * SECOND)
    pi.agent.on_connected()
    pi.beats(30)

    assert 3 <= len(pi.server.statuses) <= 6
    assert pi.server.statuses[-1]["waiting"] >= 20


def test_a_full_disk_and_lost_numbers_are_told(begin):
    pi = begin(room=Room("drop-oldest", 1, lambda path: 0))
    pi.beats(300, 500)
    pi.beats(2, 900)
    pi.beats(60, 500)
    pi.beats(10, 900)
    pi.agent.on_connected()

    assert pi.server.statuses[-1]["disk"] == "full"
    told = Ranges(tuple((first, last) for first, last in pi.server.statuses[-1]["lost"]))
    assert told == pi.agent.outbox.lost()


def test_readings_that_a_full_disk_kept_out_are_told(begin):
    pi = begin(room=Room("stop", 1, lambda path: 0))
    pi.beats(3)
    pi.agent.on_connected()

    assert (pi.server.statuses[-1]["disk"], pi.server.statuses[-1]["not_kept"]) == ("full", 3)
