"""A logger's file goes through the same door as an agent's readings."""

from collections.abc import Iterator

import pytest

from coldchain.answers import RefusedPack, encode_refused
from coldchain.clock import MINUTE, SECOND, now
from coldchain.readings import Reading
from coldchain.topics import mqtt_topic
from gateway_agent.settings import Broker
from simulators.accounts import Account
from simulators.gateways import broker_of
from simulators.logger_files import LoggerFile, parse
from simulators.replay import NotDurable, NotLetIn, beats, replay, settings_for
from tests.helpers_simulators import Server, serving
from tests.tales import NEW_YEAR


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    with serving(tmp_path) as told:
        yield told


def a_week() -> LoggerFile:
    rows = "".join(f"{(NEW_YEAR + n * 5 * MINUTE) // SECOND},{4 + n % 20 / 10}\n" for n in range(2016))
    return parse(f"time,temp\n{rows}".encode(), "week.csv")


def settings(server: Server, tmp_path, file: LoggerFile):
    return settings_for("dev-1", broker_of(server.url, Account("dev-1", "x")), tmp_path / "o.db", file.interval())


@pytest.mark.servers
def test_all_of_it_arrives_and_the_interval_is_declared(server, tmp_path):
    file = a_week()
    told = []

    done = replay(file, settings(server, tmp_path, file), progress=lambda count, total: told.append((count, total)))

    assert server.readings["dev-1"] == {("tvc", reading.measured_at) for reading in file.readings}
    assert done.readings == 2016
    assert done.packs == len(server.bodies) == 9
    assert told[-1] == (2016, 2016)
    assert done.refused == ()


@pytest.mark.servers
def test_what_the_server_refuses_is_told(server, tmp_path):
    refused = RefusedPack(1, None, "wrongly-dated", "2099 is not yet")
    server.answer = lambda device: (mqtt_topic(device, "refused"), encode_refused(refused))
    file = a_week()

    assert set(replay(file, settings(server, tmp_path, file)).refused) == {refused}


@pytest.mark.servers
def test_it_can_be_slow(server, tmp_path):
    file = LoggerFile(tuple(Reading("tvc", NEW_YEAR + n * MINUTE, 400 + n) for n in range(10)))
    begun = now()

    replay(file, settings(server, tmp_path, file), speed=600.0)

    assert now() - begun >= 9 * MINUTE / 600
    assert len(server.readings["dev-1"]) == 10


@pytest.mark.servers
def test_a_server_that_is_deaf_is_told(server, tmp_path):
    server.is_deaf = True
    file = a_week()

    with pytest.raises(NotDurable, match="2016 of 2016 readings are not acknowledged"):
        replay(file, settings(server, tmp_path, file), patience_s=1.0)


def test_a_broker_that_is_not_there_is_told(tmp_path):
    nowhere = settings_for("dev-1", Broker("127.0.0.1", 1), tmp_path / "o.db", MINUTE)

    with pytest.raises(NotLetIn, match=r"127\.0\.0\.1:1 does not let dev-1 in"):
        replay(a_week(), nowhere)


def test_readings_of_one_instant_are_one_beat():
    gathered = beats([Reading("a", 1, 400), Reading("b", 1, None, "unplugged"), Reading("a", 2, 500)])

    assert [(moment.wall, [sensed.channel for sensed in beat]) for moment, beat in gathered] == [
        (1, ["a", "b"]),
        (2, ["a"]),
    ]


def test_a_file_of_one_reading_declares_the_usual_interval(tmp_path):
    one = LoggerFile((Reading("tvc", NEW_YEAR, 400),))

    assert settings_for("dev-1", Broker(), tmp_path / "o.db", one.interval()).interval == 300 * SECOND
