"""What the broker's files promise, and that a real broker keeps it."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from coldchain.credentials import matches
from coldchain.data_dir import DataDir
from coldchain.topics import mqtt_topic
from registry import broker_files, enrolment
from registry.books import Books, open_books
from registry.devices import GATE_USER, Credentials
from registry.settling import settle_devices
from tests.helpers_registry import START

MOSQUITTO = shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path)


@pytest.fixture
def kept(data_dir: DataDir, laid_out: Path) -> Iterator[Books]:
    shutil.copy(laid_out, data_dir.books)
    books = open_books(f"sqlite:///{data_dir.books}", lambda: START)
    yield books
    books.close()


def enrol(books: Books, *names: str) -> list[Credentials]:
    with books.begin() as shelf:
        return enrolment.enrol(shelf, names, START)


def passwords(data_dir: DataDir) -> dict[str, str]:
    lines = (data_dir.broker / "passwd").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines)


def test_who_is_in_the_books_is_in_the_file_and_nobody_else(kept: Books, data_dir: DataDir):
    [one, _] = enrol(kept, "pi-0001", "pi-0002")
    with kept.begin() as shelf:
        enrolment.retire(shelf, "pi-0002", START)
    broker_files.write(kept, data_dir)
    known = passwords(data_dir)

    assert set(known) == {GATE_USER, "pi-0001"}
    assert matches(known["pi-0001"], one.password)
    assert matches(known[GATE_USER], broker_files.gate_password(data_dir))


def test_only_their_owner_reads_them(kept: Books, data_dir: DataDir):
    broker_files.write(kept, data_dir)

    for name in ("passwd", "acl", "gate.password"):
        assert (data_dir.broker / name).stat().st_mode & 0o777 == 0o600


def test_the_gates_password_stays_when_the_files_are_written_again(kept: Books, data_dir: DataDir):
    broker_files.write(kept, data_dir)
    before = passwords(data_dir)[GATE_USER], data_dir.gate_password.read_text()
    broker_files.write(kept, data_dir)

    assert (passwords(data_dir)[GATE_USER], data_dir.gate_password.read_text()) == before


def test_files_that_were_lost_are_made_again(kept: Books, data_dir: DataDir):
    enrol(kept, "pi-0001")
    broker_files.write(kept, data_dir)
    for name in ("passwd", "acl", "gate.password"):
        (data_dir.broker / name).unlink()
    broker_files.write(kept, data_dir)

    assert set(passwords(data_dir)) == {GATE_USER, "pi-0001"}


def test_whoever_writes_last_has_read_last(kept: Books, data_dir: DataDir):
    def add(number: int) -> None:
        enrol(kept, f"pi-{number:04}")
        broker_files.write(kept, data_dir)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passwords(data_dir)) == 13


def test_a_process_that_is_no_broker_is_left_alone(kept: Books, data_dir: DataDir):
    other = subprocess.Popen(["sleep", "60"])
    broker_files.write(kept, data_dir)
    (data_dir.broker / "mosquitto.pid").write_text(str(other.pid))
    try:
        assert not broker_files.tell_broker(data_dir)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_thirty_thousand_devices_are_written_in_a_moment(kept: Books, data_dir: DataDir):
    enrol(kept, *(f"pi-{number:05}" for number in range(30_000)))
    begun = time.process_time()
    broker_files.write(kept, data_dir)

    assert len(passwords(data_dir)) == 30_001
    assert time.process_time() - begun < 2


# A real broker


@contextmanager
def mosquitto(data_dir: DataDir) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    directory = data_dir.broker
    who = ["user root"] if os.geteuid() == 0 else []
    told = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous false",
        f"password_file {directory / 'passwd'}",
        f"acl_file {directory / 'acl'}",
        f"pid_file {directory / 'mosquitto.pid'}",
        "sys_interval 1",
        *who,
    ]
    (directory / "mosquitto.conf").write_text("\n".join(told) + "\n")
    broker = subprocess.Popen(
        [str(MOSQUITTO), "-c", str(directory / "mosquitto.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: _listens(port) and (directory / "mosquitto.pid").exists())
        data_dir.running.write_text(f'{{"mqtt_port": {port}, "mqtt_url": "mqtt://broker.example:{port}"}}')
        yield port
    finally:
        broker.send_signal(signal.SIGTERM)
        broker.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def until(held: Callable[[], object], within_s: float = 10) -> None:
    end = time.monotonic() + within_s
    while not held():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


class Person:
    """Somebody at the broker, and what they heard."""

    def __init__(self, port: int, username: str | None, password: str | None) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.code: int | None = None
        self.lost = False
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        self._client.username_pw_set(username, password)
        self._client.on_connect = self._connected
        self._client.on_message = lambda _, __, message: self.heard.append((message.topic, bytes(message.payload)))
        self._client.on_disconnect = self._disconnected
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        until(lambda: self.code is not None)

    def _connected(self, client: object, userdata: object, flags: object, code: ReasonCode, more: object) -> None:
        self.code = code.value

    def _disconnected(self, *_: object) -> None:
        self.lost = True

    @property
    def is_in(self) -> bool:
        return self.code == 0

    def hear(self, *topics: str) -> "Person":
        done = threading.Event()
        self._client.on_subscribe = lambda *_: done.set()
        self._client.subscribe([(topic, 1) for topic in topics])
        assert done.wait(10)
        return self

    def say(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> "Person":
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)
        return self

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def there(kept: Books, data_dir: DataDir) -> Iterator[tuple[int, dict[str, Person]]]:
    """A broker, with two devices and the gate at it."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed here")
    given = enrol(kept, "pi-0001", "pi-0002")
    broker_files.write(kept, data_dir)
    with mosquitto(data_dir) as port:
        people = {one.device_id: Person(port, one.device_id, one.password) for one in given}
        people["gate"] = Person(port, GATE_USER, broker_files.gate_password(data_dir))
        yield port, people
        for person in people.values():
            person.leave()


@pytest.mark.servers
def test_who_has_the_right_password_is_let_in_and_nobody_else(there: tuple[int, dict[str, Person]]):
    port, people = there
    strangers = [
        Person(port, "pi-0001", "wrong"),
        Person(port, "pi-0001", ""),
        Person(port, "pi-0003", "x"),
        Person(port, GATE_USER, "wrong"),
        Person(port, None, None),
    ]
    for stranger in strangers:
        stranger.leave()

    assert all(person.is_in for person in people.values())
    assert not any(stranger.is_in for stranger in strangers)


@pytest.mark.servers
def test_the_gate_hears_what_devices_say_below_their_own_name(there: tuple[int, dict[str, Person]]):
    _, people = there
    gate, one, _ = people["gate"], people["pi-0001"], people["pi-0002"]
    gate.hear("coldchain/v1/+/readings", "coldchain/v1/+/status")
    for topic in (
        mqtt_topic("pi-0002", "readings"),
        mqtt_topic("pi-0001", "ack"),
        mqtt_topic("pi-0001", "other"),
        "coldchain/v1/readings",
        "$SYS/broker/uptime",
    ):
        one.say(topic, b"forbidden")
    one.say(mqtt_topic("pi-0001", "status"), b"status", retain=True).say(mqtt_topic("pi-0001", "readings"), b"pack")
    until(lambda: len(gate.heard) == 2)

    assert gate.heard == [
        (mqtt_topic("pi-0001", "status"), b"status"),
        (mqtt_topic("pi-0001", "readings"), b"pack"),
    ]


@pytest.mark.servers
def test_a_device_hears_its_own_answers_and_nothing_else(there: tuple[int, dict[str, Person]]):
    _, people = there
    gate, one, other = people["gate"], people["pi-0001"], people["pi-0002"]
    one.hear("#", "$SYS/#", "coldchain/v1/#", "coldchain/v1/+/readings", mqtt_topic("pi-0002", "ack"))
    other.say(mqtt_topic("pi-0002", "readings"), b"secret").say(mqtt_topic("pi-0002", "status"), b"secret")
    gate.say(mqtt_topic("pi-0002", "ack"), b"secret").say(mqtt_topic("pi-0002", "config"), b"secret", retain=True)
    time.sleep(1.5)  # longer than the broker's own news need to come
    assert one.heard == []

    one.hear(mqtt_topic("pi-0001", "ack"))
    gate.say(mqtt_topic("pi-0001", "ack"), b"durable")
    until(lambda: (mqtt_topic("pi-0001", "ack"), b"durable") in one.heard)
    assert {topic for topic, _ in one.heard} == {mqtt_topic("pi-0001", "ack")}


@pytest.mark.servers
def test_a_device_that_was_just_let_in_is_let_in(there: tuple[int, dict[str, Person]], kept: Books, data_dir: DataDir):
    port, people = there
    given = enrol(kept, "pi-0003")
    settle_devices(kept, data_dir, given)
    new = Person(port, "pi-0003", given[0].password)
    new.leave()

    assert new.is_in
    assert not any(person.lost for person in people.values())


@pytest.mark.servers
def test_a_device_that_was_taken_out_is_turned_away(
    there: tuple[int, dict[str, Person]], kept: Books, data_dir: DataDir
):
    _, people = there
    with kept.begin() as shelf:
        enrolment.retire(shelf, "pi-0002", START)
    settle_devices(kept, data_dir)

    until(lambda: people["pi-0002"].lost)
    assert not people["pi-0001"].lost
    assert not people["gate"].lost


@pytest.mark.servers
def test_a_broker_that_does_not_take_its_files_up_is_told_of(
    there: tuple[int, dict[str, Person]], data_dir: DataDir, monkeypatch: pytest.MonkeyPatch
):
    port, _ = there
    monkeypatch.setattr(broker_files, "RELOADS_WITHIN_S", 0.2)
    with pytest.raises(broker_files.NotReloaded):
        broker_files.await_admission(data_dir, ("127.0.0.1", port), Credentials("pi-0009", "never enrolled"))
