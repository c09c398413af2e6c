"""Many real agents in one process, at a real broker; behind it a server of a few lines that acknowledges."""

import json
from collections.abc import Iterator

import pytest

from coldchain.clock import DAY, HOUR, MINUTE, SECOND, now
from simulators import district, fleet, story
from simulators.accounts import Account
from simulators.fleet import NotDurable, Pace
from simulators.spans import spans
from simulators.stand import Probe
from tests.helpers_simulators import Server, serving, until

SIX = district.shipped().with_only(6)


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    with serving(tmp_path) as told:
        yield told


def accounts(of: district.District) -> dict[str, Account]:
    return {point.device_id: Account(point.device_id, "x") for point in of.points()}


def beats(begin: int, end: int, interval: int) -> set[int]:
    return set(range(-(-begin // interval) * interval, end + 1, interval))


@pytest.mark.servers
def test_the_past_is_sent_whole_and_in_big_packs(server, tmp_path):
    ready = now()
    told = story.uneventful(SIX, ready - DAY, ready)
    driven = fleet.of_district(SIX, told, accounts(SIX), server.url, tmp_path)
    driven.rehearse(ready)
    packs = driven.waiting() / 240
    driven.connect()

    driven.send_all(Pace(ready, 0.0), within_s=20)
    driven.close()

    for point in SIX.points():
        expected = beats(ready - DAY, ready, point.interval_s * SECOND)
        assert {at for channel, at in server.readings[point.device_id] if channel == "tvc"} == expected
    assert len(server.bodies) <= packs + 3 * len(driven.gateways)


@pytest.mark.servers
def test_it_goes_on_in_real_time(server, tmp_path):
    ready = now()
    one = district.parse(
        'name = "D"\n[[block]]\nname = "B"\n[[block.facility]]\nname = "F"\npoints = [["I", "ilr", "dev-1", 1]]\n', "d"
    )
    driven = fleet.of_district(one, story.uneventful(one, ready, ready), accounts(one), server.url, tmp_path)
    driven.connect()
    patience = now() + 20 * SECOND
    while len(server.readings["dev-1"]) < 3 and now() < patience:
        driven.turn(Pace(now(), 1.0))
    driven.close()

    latest = max(at for _, at in server.readings["dev-1"])
    assert latest % SECOND == 0
    assert abs(now() - latest) < 10 * SECOND
    until(lambda: server.statuses["dev-1"] == {"state": "offline"})


@pytest.mark.servers
def test_a_device_without_current_measures_nothing_and_a_dead_one_says_so(server, tmp_path):
    ready = now()
    told = story.uneventful(SIX, ready - 3 * HOUR, ready)
    off = {"store-ilr-1": spans([(ready - 2 * HOUR, ready - HOUR)])}
    told = story.Story(told.begin, told.ready, told.stands, off, {"store-df-2": ready - MINUTE})
    driven = fleet.of_district(SIX, told, accounts(SIX), server.url, tmp_path)
    driven.rehearse(ready)
    driven.connect()
    driven.send_all(Pace(ready, 0.0), within_s=20)
    driven.turn(Pace(ready + MINUTE, 0.0, clock=lambda: ready + MINUTE))
    until(lambda: server.statuses.get("store-df-2") == {"state": "offline"})
    driven.close()

    heard = {at for _, at in server.readings["store-ilr-1"]}
    assert not any(ready - 2 * HOUR <= at < ready - HOUR for at in heard)
    assert any(at >= ready - HOUR for at in heard)
    assert max(at for _, at in server.readings["store-df-2"]) < ready - MINUTE


@pytest.mark.servers
def test_a_simple_logger_numbers_nothing(server, tmp_path):
    ready = now()
    simple = district.parse(
        'name = "D"\n[[block]]\nname = "B"\n[[block.facility]]\nname = "F"\npoints = [["I", "ilr", "logger-1", 300]]\n',
        "d",
    )
    driven = fleet.of_district(
        simple, story.uneventful(simple, ready - DAY, ready), accounts(simple), server.url, tmp_path
    )
    driven.rehearse(ready)
    driven.connect()
    driven.send_all(Pace(ready, 0.0), within_s=20)
    until(lambda: len(server.readings["logger-1"]) == len(beats(ready - DAY, ready, 300 * SECOND)))
    driven.gateways[0].live_through(ready + 300 * SECOND)
    driven.gateways[0].send()
    until(lambda: len(server.bodies) == 3)
    driven.close()

    assert not any(record["n"] in ("seq", "outbox") for _, records in server.bodies for record in records)
    assert [list(record) for record in server.bodies[-1][1]] == [["bn", "n", "u", "v"]]


@pytest.mark.servers
def test_a_server_that_does_not_answer_is_told(server, tmp_path):
    server.is_deaf = True
    ready = now()
    driven = fleet.of_district(SIX, story.uneventful(SIX, ready - HOUR, ready), accounts(SIX), server.url, tmp_path)
    driven.rehearse(ready)
    driven.connect()

    with pytest.raises(NotDurable, match="still not acknowledged"):
        driven.send_all(Pace(ready, 0.0), within_s=1)
    driven.close()


def test_a_pace_catches_up_with_the_world():
    world = [1000]
    pace = Pace(0, 10.0, clock=lambda: world[0])

    world[0] = 1050
    assert pace.now() == 500
    world[0] = 2000
    assert pace.now() == 2000


def test_a_fault_of_a_simple_logger_is_told_as_one():
    from simulators.loggers import senml, senml_of_now

    assert json.loads(senml_of_now("logger-1", Probe(None, "unplugged"))) == [
        {"bn": "logger-1:", "n": "temp", "vs": "fault:unplugged"}
    ]
    assert json.loads(senml("logger-1", [(1000, Probe(450)), (61_000, Probe(None, "unplugged"))])) == [
        {"bn": "logger-1:", "bt": 1, "n": "temp", "t": 0, "u": "Cel", "v": 4.5},
        {"n": "temp", "t": 60, "vs": "fault:unplugged"},
    ]
