"""A gateway of the rehearsal: the real agent, with a simulated fridge at its probe and a clock that we own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from coldchain.errors import Refused
from coldchain.quantities import NO, YES
from coldchain.rules import rule_set
from gateway_agent.agent import Agent
from gateway_agent.alarm import Alarm
from gateway_agent.clocks import Moment, known
from gateway_agent.sensors import Sensed, switch
from gateway_agent.settings import NO_RULES, Broker, SensorSettings, Settings
from gateway_agent.uplink import FromUplink, MqttUplink
from simulators.accounts import Account
from simulators.district import MAINS
from simulators.stand import Standing

PACK = 240
"""Readings in a pack of the past; a live beat is a pack of its own."""

WINDOW = 40
AT_ONCE = 480
"""Beats of the past that are kept in one transaction."""

_NOWHERE = Path("/nonexistent")


class BadBroker(Refused):
    """A broker's URL cannot be read."""


def broker_of(mqtt_url: str, account: Account) -> Broker:
    """Raises BadBroker."""
    parts = urlsplit(mqtt_url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or port == 0:
        raise BadBroker("the broker's URL cannot be read: write mqtt://HOST:PORT or mqtts://HOST:PORT")
    is_tls = parts.scheme == "mqtts"
    username = unquote(parts.username or "") or account.device_id
    return Broker(parts.hostname, port or (8883 if is_tls else 1883), username, account.password, is_tls)


def settings_of(
    account: Account,
    mqtt_url: str,
    outbox: Path,
    *,
    channels: Sequence[str],
    storage_class: str,
    interval: int,
    window: int = WINDOW,
) -> Settings:
    """The settings that such an agent would have in its file; nothing of this machine is looked at."""
    return Settings(
        device_id=account.device_id,
        broker=broker_of(mqtt_url, account),
        outbox=outbox,
        sensors=tuple(_sensor(channel) for channel in channels),
        rules=rule_set(storage_class),
        interval=interval,
        max_readings=PACK,
        window=window,
        jitter=0,
        min_free=0,
        sync="off",
        hardware_serial=_NOWHERE,
        machine_id=_NOWHERE,
    )


def _sensor(channel: str) -> SensorSettings:
    if channel == MAINS:
        return SensorSettings(channel, "switch", rules=NO_RULES)
    return SensorSettings(channel, "simulated")


class FridgeProbe:
    """A sensor in a simulated fridge. Probes beyond the first hang a little higher, where it is warmer."""

    def __init__(self, standing: Standing, channels: Sequence[str], clock: Callable[[], int]) -> None:
        self.channels = tuple(channels)
        self._standing = standing
        self._clock = clock

    def read(self) -> list[Sensed]:
        at = self._clock()
        self._standing.advance(at)
        probe = self._standing.measure(at)
        sensed = [Sensed(self.channels[0], probe.centidegrees, probe.fault)]
        for number, channel in enumerate(self.channels[1:], 1):
            if channel == MAINS:
                sensed.append(Sensed(channel, YES if self._standing.powered() else NO, None, switch.UNIT))
                continue
            higher = None if probe.centidegrees is None else probe.centidegrees + 25 * number
            sensed.append(Sensed(channel, higher, probe.fault))
        return sensed


class Gateway:
    """One agent. `at` is its time, moved by whoever drives it; `is_on` says when it has current itself."""

    def __init__(
        self,
        settings: Settings,
        standing: Standing,
        begin: int,
        tell: Callable[["Gateway", FromUplink], None],
        is_on: Callable[[int], bool] = lambda at: True,
    ) -> None:
        self.device_id = settings.device_id
        self.at = begin
        self.is_dead = False
        self._is_on = is_on
        self._due = -(-begin // settings.interval) * settings.interval
        probe = FridgeProbe(standing, [sensor.channel for sensor in settings.sensors], lambda: self.at)
        self._uplink = MqttUplink(settings.device_id, settings.broker, lambda event: tell(self, event))
        self.agent = Agent(settings, [probe], self.moment, self._uplink.publish, ring=_silent)

    def moment(self) -> Moment:
        return known(self.at)

    @property
    def due(self) -> int:
        """When the next beat is, ms UTC."""
        return self._due

    def live_through(self, until: int) -> int:
        """All beats up to the instant, as fast as they go; gives how many readings they gave."""
        count = 0
        while self._due <= until:
            beats: list[tuple[Moment, list[Sensed]]] = []
            while self._due <= until and len(beats) < AT_ONCE:
                self.at, self._due = self._due, self._due + self.agent.interval
                if self._is_on(self.at):
                    beats.append((known(self.at), self.agent.sensors[0].read()))
            count += sum(len(readings) for _, readings in beats)
            self.agent.keep_many(beats)
        self.at = max(self.at, until)
        return count

    def connect(self) -> None:
        self._uplink.start()

    def hear(self, event: FromUplink) -> None:
        self.agent.hear(event)

    def send(self) -> None:
        self.agent.send()

    def publish(self, leaf: str, body: bytes) -> bool:
        """Say something that no agent would say."""
        return self._uplink.publish(leaf, body, False)

    def die(self) -> None:
        """Fall silent for good: the broker tells the last will, and nobody else says anything."""
        self.is_dead = True
        self._uplink.stop()

    def close(self) -> None:
        if not self.is_dead:
            self._uplink.stop()
        self.agent.stop()

    def waiting(self) -> int:
        """Readings that the server has not acknowledged."""
        return self.agent.outbox.waiting()


def _silent(_alarm: Alarm) -> None:
    """Forty sirens in one room help nobody."""
