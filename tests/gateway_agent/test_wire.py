"""What an agent writes is what the gate reads."""

import json

import pytest

from coldchain.clock import DAY, MINUTE
from gateway_agent.outbox import relabelled
from ingest.senml import parse
from tests.helpers_gateway_agent import DEVICE, OwnClock, Probe, Server, gateway, outbox_of, seq_of
from tests.tales import NEW_YEAR


@pytest.fixture
def bodies(tmp_path):
    """Packs of a gateway with two sensors that lived through a boot without a time, faults, and a learnt time."""
    clock = OwnClock(is_trusted=False, wall=NEW_YEAR - 30 * DAY)
    server = Server(clock, answers=True, true_wall_minus_uptime=NEW_YEAR)
    probes = [Probe("tvc"), Probe("freezer", -1850)]
    told = []
    for number in range(3):
        pi = gateway(tmp_path, clock=clock, server=server, probes=probes)
        pi.beats(3, 457 + number)
        pi.beats(2, "unplugged")
        if number:
            pi.agent.on_connected()
            pi.beats(2, -5)
        pi.stop()
        clock.reboot(f"boot-{number + 2}", is_trusted=False)
        told = server.bodies
    return told


def test_the_gate_believes_every_pack(bodies):
    packs = [parse(DEVICE, body, NEW_YEAR + DAY) for body in bodies]

    assert {pack.quality for pack in packs} == {"trusted", "undated"}
    assert [(pack.outbox_id, pack.seq) for pack in packs] == [
        (outbox_of(records), seq_of(records)) for records in map(json.loads, bodies)
    ]
    assert {column.channel for pack in packs for column in pack.columns} == {"tvc", "freezer"}
    assert {column.unit for pack in packs for column in pack.columns} == {"Cel"}


def test_the_gate_reads_the_integers_that_the_agent_kept(tmp_path):
    pi = gateway(tmp_path)
    values = [*range(-1000, 1000, 7), -5, 457, 800, 801, 15_000, -10_000]
    for value in values:
        pi.beats(1, value)
    pi.agent.on_connected()
    pi.server.answers = True
    pi.server.acknowledge_all()
    pi.stop()

    packs = [parse(DEVICE, body, NEW_YEAR + DAY) for body in pi.server.bodies]
    told = sorted(
        (reading.measured_at, reading.centidegrees)
        for pack in packs
        for column in pack.columns
        for reading in column.readings()
    )
    assert told == [(NEW_YEAR + (number + 1) * MINUTE, value) for number, value in enumerate(values)]


def test_a_renewed_pack_has_the_same_content_for_the_gate(bodies):
    for body in bodies:
        before = parse(DEVICE, body, NEW_YEAR + DAY)
        after = parse(DEVICE, relabelled(body, "ffffffffffffffff", 7), NEW_YEAR + DAY)

        assert (after.outbox_id, after.seq, after.digest()) == ("ffffffffffffffff", 7, before.digest())
