"""The agent as time passes: one loop beats, keeps, listens and sends; sensors, broker and siren have own threads."""

import logging
import signal
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from coldchain.clock import SECOND
from gateway_agent.agent import Agent, open_outbox
from gateway_agent.alarm import Siren
from gateway_agent.beat import Beat
from gateway_agent.clocks import Moment, Moments, machine_clock
from gateway_agent.senses import Senses
from gateway_agent.sensors import Sensed, Sensor
from gateway_agent.sensors.ds18b20 import Ds18b20
from gateway_agent.sensors.simulated import Simulated
from gateway_agent.sensors.switch import Switch
from gateway_agent.settings import SensorSettings, Settings
from gateway_agent.uplink import FromUplink, MqttUplink

log = logging.getLogger("agent")

GATHERING = 3 * SECOND
"""How long, in ms, a beat's first answers wait for the others, so that one flush and one pack serve them all."""

LONGEST_WAIT_S = 1.0
"""How often what is due is looked for while nothing happens."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A sensor answered to the beat of this moment."""

    moment: Moment
    readings: list[Sensed]


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody wants the agent to end."""


Event = Answered | Stop | FromUplink


class Live:
    """`events` are put in by the threads around it; `run` takes them out until it is told to stop."""

    def __init__(self, agent: Agent, clock: Moments, events: "SimpleQueue[Event]") -> None:
        self._agent = agent
        self._clock = clock
        self._events = events
        self._gathered: list[Answered] = []
        self._is_stopping = False
        self._due = clock().uptime  # the first beat comes at once, so that whoever starts an agent sees it work

    def run(self) -> None:
        senses = Senses(self._agent.sensors, lambda moment, readings: self._events.put(Answered(moment, readings)))
        try:
            while not self._is_stopping:
                self._beat_if_due(senses)
                self._take_events()
                self._keep_what_is_gathered()
                self._agent.send()
        finally:
            senses.stop()

    def _beat_if_due(self, senses: Senses) -> None:
        moment, beat = self._clock(), Beat(self._agent.interval)
        if moment.uptime >= self._due:
            began = beat.began(self._due, moment.uptime)
            senses.beat(Moment(moment.boot_id, began, moment.wall - (moment.uptime - began), moment.is_trusted))
            self._due = beat.after(moment.uptime)
        else:
            self._due = min(self._due, beat.after(moment.uptime))  # the interval may have become shorter

    def _take_events(self) -> None:
        """Wait for the next event, or until something is due; then take all there are."""
        wait_s = min(LONGEST_WAIT_S, (self._due - self._clock().uptime) / SECOND)
        try:
            self._take(self._events.get(timeout=max(wait_s, 0.0)))
            while True:
                self._take(self._events.get_nowait())
        except Empty:
            return

    def _take(self, event: Event) -> None:
        if isinstance(event, Answered):
            self._gathered.append(event)
        elif isinstance(event, Stop):
            self._is_stopping = True
        else:
            self._agent.hear(event)

    def _keep_what_is_gathered(self) -> None:
        """Keep each beat that every sensor has answered, or that has waited long enough."""
        now = self._clock().uptime
        beats: dict[Moment, list[Sensed]] = {}
        for answered in self._gathered:
            beats.setdefault(answered.moment, []).extend(answered.readings)
        whole = {moment for moment, readings in beats.items() if self._is_whole(readings, now - moment.uptime)}
        ready = {moment: readings for moment, readings in beats.items() if moment in whole or self._is_stopping}
        if ready:
            self._gathered = [answered for answered in self._gathered if answered.moment not in ready]
            self._agent.keep_many(sorted(ready.items(), key=lambda beat: beat[0].uptime))

    def _is_whole(self, readings: list[Sensed], waited: int) -> bool:
        expected = sum(len(sensor.channels) for sensor in self._agent.sensors)
        return len(readings) >= expected or waited >= min(GATHERING, self._agent.interval // 2)


def sensor_of(settings: SensorSettings, clock: Moments) -> Sensor:
    if settings.kind == "ds18b20":
        return Ds18b20(settings.channel, settings.rom, settings.base)
    if settings.kind == "switch":
        return Switch(settings.channel, settings.path, settings.is_inverted)
    return Simulated(settings.channel, settings.mean, settings.swing, settings.period, lambda: clock().uptime)


def run(settings: Settings) -> None:
    """Be the agent of this machine until SIGTERM or SIGINT. Raises OutboxUnusable."""
    clock = machine_clock(settings.has_rtc)
    events: SimpleQueue[Event] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: events.put(Stop()))
    siren = Siren(settings.alarm_command, with_warnings=settings.rings_on_warnings)
    uplink = MqttUplink(settings.device_id, settings.broker, events.put)
    agent = Agent(
        settings,
        [sensor_of(sensor, clock) for sensor in settings.sensors],
        clock,
        uplink.publish,
        outbox=open_outbox(settings),
        ring=siren.ring,
    )
    log.info("%s beats every %d ms, outbox %s", settings.device_id, agent.interval, agent.outbox.outbox_id)
    uplink.start()
    try:
        Live(agent, clock, events).run()
    finally:
        uplink.stop()
        agent.stop()
        siren.stop()
