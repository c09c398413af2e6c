"""A simple logger: a foreign device that numbers nothing, keeps nothing, and knows no answer.

It measures and publishes SenML with QoS 1, without `outbox` and `seq`; what it sends live has no time either and is
dated by its arrival. What the broker has taken, it forgets.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from coldchain.readings import FAULT_PREFIX
from coldchain.topics import mqtt_topic
from gateway_agent.settings import Broker
from gateway_agent.uplink import READINGS, Connected, FromUplink
from simulators.stand import Probe, Standing

CHANNEL = "temp"
PACK = 240
KEEPALIVE_S = 60


class SimpleLogger:
    """Driven like a gateway. What it measured before it was connected goes out at once, with times."""

    def __init__(
        self,
        device_id: str,
        broker: Broker,
        standing: Standing,
        interval: int,
        begin: int,
        tell: Callable[["SimpleLogger", FromUplink], None],
        is_on: Callable[[int], bool] = lambda at: True,
    ) -> None:
        self.device_id = device_id
        self.at = begin
        self.is_dead = False
        self._broker = broker
        self._standing = standing
        self._interval = interval
        self._tell = tell
        self._is_on = is_on
        self._due = -(-begin // interval) * interval
        self._past: list[tuple[int, Probe]] = []
        self._is_connected = False
        self._on_the_way: set[int] = set()
        self._client = self._new_client()

    @property
    def due(self) -> int:
        return self._due

    def live_through(self, until: int) -> int:
        count = 0
        while self._due <= until:
            self.at, self._due = self._due, self._due + self._interval
            if not self._is_on(self.at):
                continue
            self._standing.advance(self.at)
            self._past.append((self.at, self._standing.measure(self.at)))
            count += 1
        self.at = max(self.at, until)
        return count

    def connect(self) -> None:
        self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_S)
        self._client.loop_start()

    def hear(self, event: FromUplink) -> None:
        self._is_connected = isinstance(event, Connected)
        self.send()

    def send(self) -> None:
        """One reading goes without its time, several with theirs."""
        while self._is_connected and self._past:
            part, self._past = self._past[:PACK], self._past[PACK:]
            body = senml(self.device_id, part) if len(part) > 1 else senml_of_now(self.device_id, part[0][1])
            sent = self._client.publish(mqtt_topic(self.device_id, READINGS), body, qos=1)
            if sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS and not sent.is_published():
                self._on_the_way.add(sent.mid)

    def waiting(self) -> int:
        """Readings, and messages that the broker has yet to take."""
        return len(self._past) + len(self._on_the_way)

    def die(self) -> None:
        self.close()

    def close(self) -> None:
        self.is_dead = True
        self._client.disconnect()
        self._client.loop_stop()

    def _new_client(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=self.device_id, clean_session=True, protocol=MQTTv311)
        client.username_pw_set(self._broker.username, self._broker.password)
        client.max_inflight_messages_set(PACK)

        def on_connect(_client: Client, _userdata: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
            if not code.is_failure:
                self._tell(self, Connected())

        def on_publish(_client: Client, _userdata: Any, mid: int, _code: ReasonCode, _properties: Any) -> None:
            self._on_the_way.discard(mid)

        client.on_connect = on_connect
        client.on_publish = on_publish
        return client


def senml(device_id: str, measured: Sequence[tuple[int, Probe]]) -> bytes:
    """A foreign pack with times, in whole seconds."""
    base = measured[0][0] // 1000
    records = [{"n": CHANNEL, "t": at // 1000 - base, **_value(probe)} for at, probe in measured]
    records[0] = {"bn": f"{device_id}:", "bt": base, **records[0]}
    return json.dumps(records, separators=(",", ":")).encode()


def senml_of_now(device_id: str, probe: Probe) -> bytes:
    return json.dumps([{"bn": f"{device_id}:", "n": CHANNEL, **_value(probe)}], separators=(",", ":")).encode()


def _value(probe: Probe) -> dict[str, Any]:
    if probe.centidegrees is None:
        return {"vs": f"{FAULT_PREFIX}{probe.fault}"}
    return {"u": "Cel", "v": probe.centidegrees / 100}
