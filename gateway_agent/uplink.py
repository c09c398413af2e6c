"""The uplink: one MQTT session at a broker, QoS 1, which comes back by itself, in a loop that one can read.

Each connection has a paho client of its own: what is under way is in the outbox's keeping, not in the client's.
"""

import logging
import random
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from queue import Empty, SimpleQueue
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from coldchain.topics import mqtt_topic, of_mqtt_topic
from gateway_agent.settings import Broker
from gateway_agent.status import OFFLINE

log = logging.getLogger("agent.uplink")

READINGS, STATUS = "readings", "status"
ACK, CONFIG, REFUSED = "ack", "config", "refused"

KEEPALIVE_S = 60
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0

Uplink = Callable[[str, bytes, bool], bool]
"""Takes a leaf of the device's topic, a body, and whether the broker shall retain it. False where nobody listens."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker listens, and will pass on what the server says."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    why: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The server said something: an acknowledgement, a configuration, a refusal."""

    leaf: str
    body: bytes


FromUplink = Connected | Disconnected | Heard


class MqttUplink:
    """Tells what happens through `tell`, from threads of its own. Publishing is for one thread."""

    def __init__(self, device_id: str, broker: Broker, tell: Callable[[FromUplink], None]) -> None:
        self._device_id = device_id
        self._broker = broker
        self._tell = tell
        self._client: Client | None = None
        self._is_stopping = threading.Event()
        self._is_over = threading.Event()
        self._was_connected = False
        self._last_why = ""
        self._thread = threading.Thread(target=self._come_back_for_ever, name="uplink", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye, where somebody listens, and end."""
        client = self._client
        if client is not None:
            goodbye = client.publish(mqtt_topic(self._device_id, STATUS), OFFLINE, qos=1, retain=True)
            if goodbye.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                goodbye.wait_for_publish(2.0)
        self._is_stopping.set()
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def publish(self, leaf: str, body: bytes, retain: bool) -> bool:
        client = self._client
        if client is None:
            return False
        sent = client.publish(mqtt_topic(self._device_id, leaf), body, qos=1, retain=retain)
        return sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _come_back_for_ever(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._is_stopping.is_set():
            self._was_connected = False
            try:
                why = self._stay_connected()
            except (OSError, ValueError) as trouble:  # no route, no name, no such port, no such authority
                why = str(trouble) or type(trouble).__name__
            self._client = None
            if self._is_stopping.is_set():
                return
            if self._was_connected:
                pause = FIRST_PAUSE_S
            self._note(why)
            self._is_stopping.wait(pause * (0.5 + random.random()))  # noqa: S311  jitter is no secret
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _note(self, why: str) -> None:
        if self._was_connected or why != self._last_why:  # a broker that is away for days fills no log
            log.warning("no broker at %s:%d: %s; trying on", self._broker.host, self._broker.port, why)
        self._last_why = why
        if self._was_connected:
            self._tell(Disconnected(why))

    def _stay_connected(self) -> str:
        """One connection from its beginning to its end; gives why it ended. Raises OSError where there is none."""
        ended: list[str] = []
        self._is_over.clear()
        if self._is_stopping.is_set():
            return "stopping"
        client = self._new_client(ended)
        client.connect(self._broker.host, self._broker.port, KEEPALIVE_S)
        client.loop_start()
        try:
            self._is_over.wait()
            if self._is_stopping.is_set():
                client.disconnect()
        finally:
            client.loop_stop()
        return ended[0] if ended else "the connection was closed"

    def _new_client(self, ended: list[str]) -> Client:
        client = _client(session_name(self._device_id, self._broker), self._broker, clean_session=False)
        client.will_set(mqtt_topic(self._device_id, STATUS), OFFLINE, qos=1, retain=True)

        def on_connect(client: Client, _userdata: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
            if code.is_failure:
                ended.append(f"the broker refuses the device: {code}")
                self._is_over.set()
                return
            client.subscribe([(mqtt_topic(self._device_id, leaf), 1) for leaf in (ACK, CONFIG, REFUSED)])

        def on_subscribe(client: Client, _userdata: Any, _mid: int, codes: list[ReasonCode], _properties: Any) -> None:
            if any(code.is_failure for code in codes):
                log.error("the broker lets the device not hear the server: its access list is at fault")
            self._client, self._was_connected, self._last_why = client, True, ""
            self._tell(Connected())

        def on_message(_client: Client, _userdata: Any, message: MQTTMessage) -> None:
            parts = of_mqtt_topic(message.topic)
            if parts is not None:
                self._tell(Heard(parts[1], bytes(message.payload)))

        def on_disconnect(_client: Client, _userdata: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
            ended.append(f"the connection ended: {code}")
            self._is_over.set()

        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_message = on_message
        client.on_disconnect = on_disconnect
        return client


def why_no_broker(device_id: str, broker: Broker, patience_s: float = 10.0) -> str | None:
    """Try the broker once, beside an agent that may be at work: None where it lets the device in, else why not."""
    answer: SimpleQueue[str | None] = SimpleQueue()
    client = _client(f"{device_id}-check", broker, clean_session=True)
    client.on_connect = lambda _c, _u, _f, code, _p: answer.put(str(code) if code.is_failure else None)
    try:
        client.connect(broker.host, broker.port, KEEPALIVE_S)
        client.loop_start()
        return answer.get(timeout=patience_s)
    except (OSError, ValueError) as why:
        return str(why) or type(why).__name__
    except Empty:
        return "it does not answer"
    finally:
        client.disconnect()
        client.loop_stop()


def session_name(device_id: str, broker: Broker) -> str:
    """The client id of our session at the broker: always the same, and none that a neighbour could take over."""
    return f"{device_id}-{blake2b(broker.password.encode(), digest_size=8).hexdigest()}"


def _client(client_id: str, broker: Broker, *, clean_session: bool) -> Client:
    """A client for one connection. Raises OSError where the authorities cannot be read."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=clean_session,
        protocol=MQTTv311,
        reconnect_on_failure=False,
    )
    client.username_pw_set(broker.username, broker.password)
    if broker.is_tls:
        client.tls_set(ca_certs=str(broker.tls_ca) if broker.tls_ca else None)
    client.on_socket_open = _without_delay
    return client


def _without_delay(_client: Client, _userdata: Any, own: Any) -> None:
    """Small packets go at once: held back for the answer to the last (Nagle, 40 ms), they would halve the window."""
    with suppress(OSError):  # a socket that is already closed again says so where it is used
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
