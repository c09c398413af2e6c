"""A real broker, and behind it a server of a few lines that keeps what it hears and acknowledges it."""

import json
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from coldchain.answers import Acknowledgement, encode_acknowledgement
from coldchain.clock import now
from coldchain.ranges import Ranges
from coldchain.topics import mqtt_topic, of_mqtt_topic


@dataclass
class Server:
    """Keeps what is sent, and acknowledges what bears a number; while `deaf`, it does neither."""

    url: str
    readings: dict[str, set[tuple[str, int]]] = field(default_factory=lambda: defaultdict(set))
    bodies: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    durable: dict[tuple[str, str], Ranges] = field(default_factory=dict)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_deaf: bool = False
    answer: Callable[[str], tuple[str, bytes]] | None = None
    """Something else that the server says of each pack, as topic and body."""

    def hear(self, client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        device, leaf = of_mqtt_topic(message.topic) or ("", "")
        if leaf == "status":
            self.statuses[device] = json.loads(message.payload)
        if leaf != "readings" or self.is_deaf:
            return
        records = json.loads(message.payload)
        self.bodies.append((device, records))
        told = {record["n"]: record for record in records if record["n"] in ("outbox", "seq")}
        base = records[0].get("bt", 0)
        self.readings[device] |= {
            (record["n"], (base + record.get("t", 0)) * 1000)
            for record in records
            if record["n"] not in ("outbox", "seq", "clock")
        }
        if self.answer is not None:
            client.publish(*self.answer(device), qos=1)
        if "seq" in told:
            key = device, told["outbox"]["vs"]
            self.durable[key] = self.durable.get(key, Ranges()).with_number(told["seq"]["v"])
            ack = Acknowledgement(key[1], self.durable[key], now())
            client.publish(mqtt_topic(device, "ack"), encode_acknowledgement(ack), qos=1)


@contextmanager
def serving(directory: Path) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = directory / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    with subprocess.Popen(["mosquitto", "-c", str(configuration)], stderr=subprocess.DEVNULL) as process:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="server")
        try:
            until(lambda: connects(port))
            server = Server(f"mqtt://127.0.0.1:{port}")
            client.on_message = server.hear
            client.connect("127.0.0.1", port)
            client.loop_start()
            until(client.is_connected)
            client.subscribe("coldchain/v1/#", 1)
            yield server
        finally:
            client.disconnect()
            client.loop_stop()
            process.terminate()


def connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def until(is_so: Callable[[], object], within_s: float = 10.0) -> None:
    patience = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < patience
        time.sleep(0.02)
