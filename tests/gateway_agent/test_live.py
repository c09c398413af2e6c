"""The agent as time passes, in this process: threads around it, one loop, no broker."""

import threading
from queue import SimpleQueue

from coldchain.clock import SECOND
from gateway_agent.live import Answered, Event, Live, Stop, sensor_of
from gateway_agent.sensors import Sensed
from gateway_agent.sensors.ds18b20 import Ds18b20
from gateway_agent.settings import SensorSettings
from gateway_agent.uplink import Connected, Disconnected, Heard
from tests.helpers_gateway_agent import Gateway, OwnClock, Probe, gateway, readings_of
from tests.helpers_house import wait_until


class Alive:
    """A live agent in a thread, whose clock the test moves."""

    def __init__(self, pi: Gateway) -> None:
        self.pi = pi
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.live = Live(pi.agent, pi.clock, self.events)
        self.thread = threading.Thread(target=self.live.run)

    def __enter__(self) -> "Alive":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.events.put(Stop())
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.pi.stop()

    def kept(self) -> int:
        return self.pi.agent.outbox.waiting()

    def pass_(self, seconds: float) -> None:
        self.pi.clock.pass_(seconds)
        self.events.put(Disconnected("only to wake it"))


def test_the_first_beat_comes_at_once_and_the_next_on_the_grid(tmp_path):
    with Alive(gateway(tmp_path, clock=OwnClock(uptime=90 * SECOND), max_readings=2)) as alive:
        wait_until(lambda: alive.kept() == 1)
        alive.pass_(29)
        alive.pass_(2)
        wait_until(lambda: alive.kept() == 2)
        server, agent = alive.pi.server, alive.pi.agent
        alive.events.put(Connected())
        wait_until(lambda: server.packs)
        first, second = (at for at, _, _ in readings_of(server.packs[0]) if at is not None)

        assert second == 30 * SECOND + first  # 120 s of uptime, though the loop looked a second later
        assert agent.is_connected


def test_beats_slept_through_are_skipped(tmp_path):
    with Alive(gateway(tmp_path, interval=10 * SECOND)) as alive:
        wait_until(lambda: alive.kept() == 1)
        alive.pass_(3600)
        wait_until(lambda: alive.kept() == 2)
        alive.pass_(1)
        alive.pass_(10)
        wait_until(lambda: alive.kept() == 3)

        assert alive.kept() == 3


def test_a_shorter_interval_is_obeyed_at_once(tmp_path):
    with Alive(gateway(tmp_path, interval=3600 * SECOND)) as alive:
        wait_until(lambda: alive.kept() == 1)
        alive.events.put(Heard("config", b'{"interval_s":10}'))
        wait_until(lambda: alive.live._due - alive.pi.clock.uptime <= 10 * SECOND)
        alive.pass_(10)
        wait_until(lambda: alive.kept() == 2)


def test_a_beats_answers_are_kept_together(tmp_path):
    pi = gateway(tmp_path, probes=[Probe("tvc"), Probe("freezer", -2000)])
    with Alive(pi) as alive:
        alive.events.put(Connected())
        wait_until(lambda: pi.server.packs)

    assert sorted(channel for _, channel, _ in readings_of(pi.server.packs[0])) == ["freezer", "tvc"]


def test_an_answer_that_comes_late_does_not_hold_the_others(tmp_path):
    pi = gateway(tmp_path, probes=[Probe("tvc"), Probe("slow")])
    live = Live(pi.agent, pi.clock, SimpleQueue())
    now = pi.clock()
    live._take(Answered(now, [Sensed("tvc", 500)]))
    live._keep_what_is_gathered()
    assert pi.agent.outbox.waiting() == 0
    pi.clock.pass_(3)
    live._keep_what_is_gathered()
    assert pi.agent.outbox.waiting() == 1

    live._take(Answered(now, [Sensed("slow", 600)]))
    pi.clock.pass_(5)
    live._keep_what_is_gathered()
    assert pi.agent.outbox.waiting() == 2
    pi.stop()


def test_what_is_gathered_is_kept_when_the_agent_is_told_to_stop(tmp_path):
    pi = gateway(tmp_path, probes=[Probe("tvc"), Probe("slow")])
    live = Live(pi.agent, pi.clock, SimpleQueue())
    live._take(Answered(pi.clock(), [Sensed("tvc", 500)]))
    live._take(Stop())
    live._keep_what_is_gathered()

    assert pi.agent.outbox.waiting() == 1
    pi.stop()


def test_a_sensor_is_made_as_the_settings_say(tmp_path):
    probe = sensor_of(SensorSettings("tvc", "ds18b20", rom="28-00", base=tmp_path), OwnClock())
    assert probe == Ds18b20("tvc", "28-00", tmp_path)

    clock = OwnClock(uptime=0)
    wave = sensor_of(SensorSettings("tvc", "simulated", mean=500, swing=100, period=60 * SECOND), clock)
    told = []
    for _ in range(4):
        told += wave.read()
        clock.pass_(15)
    assert told == [Sensed("tvc", value) for value in (500, 600, 500, 400)]
