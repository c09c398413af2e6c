"""Who may hear and say what at our brokers. Every broker that is installed keeps every promise."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.broker import BROKERS, pid_file
from coldchain.credentials import credential_of
from coldchain.data_dir import DataDir
from tests.helpers_house import Client, RunningBroker, broker, wait_until

pytestmark = pytest.mark.servers

GATE = "coldchain-gate"
PASSWORDS = {GATE: "gate-secret", "pi-one": "one-secret", "pi-two": "two-secret"}

ACL = """\
user coldchain-gate
topic read coldchain/v1/+/readings
topic read coldchain/v1/+/status
topic write coldchain/v1/+/ack
topic write coldchain/v1/+/config
topic write coldchain/v1/+/refused

pattern write coldchain/v1/%u/readings
pattern write coldchain/v1/%u/status
pattern read coldchain/v1/%u/ack
pattern read coldchain/v1/%u/config
pattern read coldchain/v1/%u/refused
"""


def write_lists(data_dir: DataDir, passwords: dict[str, str]) -> None:
    data_dir.broker.mkdir(parents=True, exist_ok=True)
    path = data_dir.broker / "passwd"
    lines = {
        user: line for line in (path.read_text().splitlines() if path.exists() else ()) if (user := line.split(":")[0])
    }
    kept = [lines.get(user) or f"{user}:{credential_of(password)}" for user, password in passwords.items()]
    new = path.with_suffix(".new")
    new.write_text("\n".join(kept) + "\n")
    new.chmod(0o600)
    new.replace(path)
    (data_dir.broker / "acl").write_text(ACL)


@pytest.fixture(params=[known.name for known in BROKERS])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningBroker]:
    known = next(known for known in BROKERS if known.name == request.param)
    if not known.installed():
        pytest.skip(f"{known.name} is not installed here ({known.how_to_install})")
    data_dir = DataDir(tmp_path)
    write_lists(data_dir, PASSWORDS)
    with broker(known.name, data_dir) as running:
        wait_until(lambda: lets_in(running), what="the broker to know who is who")
        yield running


def lets_in(running: RunningBroker) -> bool:
    """A broker that asks somebody about passwords listens a moment before that one answers."""
    with Client(running.port, GATE, PASSWORDS[GATE], name="first") as first:
        return first.is_in


def gate(running: RunningBroker, *, persistent: bool = False, manual: bool = False) -> Client:
    return Client(running.port, GATE, PASSWORDS[GATE], name="the-gate", persistent=persistent, manual=manual)


def device(running: RunningBroker, name: str, will: bytes | None = None) -> Client:
    last_will = None if will is None else (f"coldchain/v1/{name}/status", will)
    return Client(running.port, name, PASSWORDS[name], will=last_will)


def readings(name: str) -> str:
    return f"coldchain/v1/{name}/readings"


EVERYTHING_OF_DEVICES = ("coldchain/v1/+/readings", "coldchain/v1/+/status")


def test_nobody_comes_in_without_the_right_password(running: RunningBroker) -> None:
    strangers = [
        Client(running.port),
        Client(running.port, "pi-one", "two-secret"),
        Client(running.port, "pi-one", ""),
        Client(running.port, "pi-three", "one-secret"),
        Client(running.port, "", ""),
        Client(running.port, "door", ""),
    ]
    for stranger in strangers:
        with stranger:
            assert not stranger.is_in


def test_a_device_is_heard_below_its_own_name_and_nowhere_else(running: RunningBroker) -> None:
    with gate(running) as listening, device(running, "pi-one") as one:
        assert listening.subscribe(*EVERYTHING_OF_DEVICES) == [True, True]
        for foreign in (readings("pi-two"), "coldchain/v1/pi-two/status", "coldchain/v1/pi-two/ack"):
            with device(running, "pi-one") as rogue:
                rogue.publish(foreign, b"not mine to say", within_s=0.3)
        assert one.publish(readings("pi-one"), b"mine")
        wait_until(lambda: b"mine" in listening.payloads(), what="the reading to arrive")
        assert listening.payloads() == [b"mine"]


def test_a_device_hears_what_is_meant_for_it_and_nothing_else(running: RunningBroker) -> None:
    with (
        gate(running) as speaking,
        device(running, "pi-one") as one,
        device(running, "pi-two") as two,
        device(running, "pi-one") as curious,
    ):
        assert one.subscribe("coldchain/v1/pi-one/ack") == [True]
        assert two.subscribe("coldchain/v1/pi-two/ack") == [True]
        curious.subscribe("#", "+/+/+/+", "$SYS/#", "coldchain/#", "coldchain/v1/pi-two/ack", *EVERYTHING_OF_DEVICES)
        assert two.publish(readings("pi-two"), b"a reading of another")
        assert two.publish("coldchain/v1/pi-two/status", b"a status of another", retain=True)
        assert speaking.publish("coldchain/v1/pi-two/ack", b"for two")
        assert speaking.publish("coldchain/v1/pi-one/ack", b"for one")
        wait_until(lambda: one.seen and two.seen, what="the acknowledgements to arrive")
        assert one.payloads() == [b"for one"]
        assert two.payloads() == [b"for two"]
        assert set(curious.payloads()) <= {b"for one"}
        with device(running, "pi-one") as late:
            late.subscribe("#", "coldchain/v1/pi-two/status")
            time.sleep(0.3)
            assert late.seen == []


def test_a_new_device_comes_in_and_those_inside_stay(running: RunningBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PASSWORDS, "pi-three", "three-secret")
    with gate(running) as listening, device(running, "pi-one") as one:
        listening.subscribe(*EVERYTHING_OF_DEVICES)
        write_lists(running.data_dir, PASSWORDS)
        read_again(running)

        def three_is_in() -> bool:
            with device(running, "pi-three") as three:
                return three.is_in and three.publish(readings("pi-three"), b"hello")

        wait_until(three_is_in, what="the new device to come in")
        wait_until(lambda: b"hello" in listening.payloads(), what="its reading to arrive")
        assert one.publish(readings("pi-one"), b"still here")
        assert (one.drops, listening.drops) == (0, 0)


def test_a_device_that_left_the_books_is_put_out(running: RunningBroker) -> None:
    with device(running, "pi-one") as one, device(running, "pi-two") as two:
        write_lists(running.data_dir, {name: word for name, word in PASSWORDS.items() if name != "pi-two"})
        read_again(running)
        wait_until(lambda: two.drops > 0, what="the device to be put out")
        assert one.is_in
        with device(running, "pi-two") as again:
            assert not again.is_in


def test_what_the_gate_did_not_acknowledge_comes_again(running: RunningBroker) -> None:
    with device(running, "pi-one") as one:
        listening = gate(running, persistent=True, manual=True).__enter__()
        listening.subscribe(*EVERYTHING_OF_DEVICES)
        one.publish(readings("pi-one"), b"held")
        wait_until(lambda: listening.seen, what="the reading to arrive")
        listening.break_off()
        one.publish(readings("pi-one"), b"while away")

        with gate(running, persistent=True, manual=True) as again:
            wait_until(lambda: set(again.payloads()) >= {b"held", b"while away"}, 30, "both to come again")


def test_what_waits_for_the_gate_outlives_the_broker_that_is_asked_to_end(running: RunningBroker) -> None:
    with gate(running, persistent=True) as listening:
        listening.subscribe(*EVERYTHING_OF_DEVICES)
    with device(running, "pi-one") as one:
        assert one.publish(readings("pi-one"), b"kept on disk")
    running.stop()
    running.start()
    wait_until(lambda: lets_in(running))

    with gate(running, persistent=True) as again:
        wait_until(lambda: b"kept on disk" in again.payloads(), 30, "the reading to arrive")


def test_a_broker_that_was_killed_starts_again_on_what_it_left(running: RunningBroker) -> None:
    running.kill()
    running.start()
    wait_until(lambda: lets_in(running))
    with device(running, "pi-one") as one:
        assert one.is_in


def test_the_last_will_is_what_stays_of_a_device_that_broke_off(running: RunningBroker) -> None:
    one = device(running, "pi-one", will=b"offline").__enter__()
    assert one.publish("coldchain/v1/pi-one/status", b"online", retain=True)
    one.break_off()

    def the_status() -> list[bytes]:
        with gate(running) as listening:
            listening.subscribe("coldchain/v1/+/status")
            wait_until(lambda: listening.seen, what="the retained status")
            return listening.payloads()

    wait_until(lambda: the_status() == [b"offline"], what="the will to be published")


def test_a_broker_beside_which_no_books_run_looks_for_changes_itself(tmp_path: Path) -> None:
    known = next((known for known in BROKERS if known.installed()), None)
    if known is None:
        pytest.skip("no broker is installed here")
    data_dir = DataDir(tmp_path)
    write_lists(data_dir, {GATE: PASSWORDS[GATE], "pi-one": PASSWORDS["pi-one"]})
    with broker(known.name, data_dir, "--watch") as running, device(running, "pi-one") as one:
        write_lists(data_dir, PASSWORDS)

        def two_is_in() -> bool:
            with device(running, "pi-two") as two:
                return two.is_in

        wait_until(two_is_in, what="the new device to come in")
        assert not pid_file(data_dir).exists()
        assert one.drops == 0


def test_a_device_may_say_what_its_record_names_and_the_gate_hears_it(running: RunningBroker) -> None:
    topics = ("tele/freezer.one/SENSOR", "home/+/BTtoMQTT/#")
    own = "".join(f"topic write {one}\n" for one in topics)
    heard = "".join(f"topic read {one}\n" for one in topics)
    (running.data_dir.broker / "acl").write_text(f"{ACL}\nuser {GATE}\n{heard}\nuser pi-one\n{own}")
    read_again(running)
    wait_until(lambda: may(running, GATE, topics[0]), what="the gate to be let hear more")
    said = ("tele/freezer.one/SENSOR", "home/shed/BTtoMQTT/A4C138000001", "home/shed/BTtoMQTT")
    with gate(running) as listening, device(running, "pi-one") as one:
        assert listening.subscribe(*topics) == [True, True]
        for foreign in ("tele/freezer.two/SENSOR", "home/shed/CLIMAtoMQTT/1"):
            with device(running, "pi-one") as rogue:
                rogue.publish(foreign, b"not mine to say", within_s=0.3)
        with device(running, "pi-two") as two:
            two.publish(said[0], b"not mine to say", within_s=0.3)
        for topic in said:
            assert one.publish(topic, topic.encode())
        wait_until(lambda: len(listening.seen) >= len(said), what="what the device said")
        assert [(seen.topic, seen.payload) for seen in listening.seen] == [(topic, topic.encode()) for topic in said]


def may(running: RunningBroker, user: str, topic: str) -> bool:
    """Whether what is said on the topic reaches the user, by what it is said to itself."""
    with Client(running.port, user, PASSWORDS[user]) as client:
        if client.subscribe(topic) != [True]:
            return False
        with device(running, "pi-one") as one:
            one.publish(topic, b"?", within_s=0.5)
        return bool(client.payloads())


def read_again(running: RunningBroker) -> None:
    """As the books do it after every change of a device."""
    path = pid_file(running.data_dir)
    if path.exists():
        os.kill(int(path.read_text()), signal.SIGHUP)


def test_whoever_takes_the_gates_client_id_hears_nothing_of_what_waits_for_it(running: RunningBroker) -> None:
    with gate(running, persistent=True) as listening:
        listening.subscribe(*EVERYTHING_OF_DEVICES)
    with device(running, "pi-one") as one:
        assert one.publish(readings("pi-one"), b"for the gate alone")
    with Client(running.port, "pi-two", PASSWORDS["pi-two"], name="the-gate", persistent=True) as thief:
        time.sleep(1.0)
        assert thief.seen == []
        with device(running, "pi-one") as one:
            assert one.publish(readings("pi-one"), b"and this")
        time.sleep(0.5)
        assert thief.seen == []
