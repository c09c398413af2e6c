"""What the gate makes of devices that speak other dialects than ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from coldchain.clock import HOUR, MINUTE
from coldchain.data_dir import DataDir
from coldchain.dialects import dialect
from coldchain.facts import Enrolled, SpokenFor
from coldchain.packs import Pack
from ingest.dialects.decoded import Decoded
from ingest.foreign import channel_of
from ingest.gate import Gate, Message
from ingest.heard import MOST_KEPT, MOST_STRANGERS, WATCHED_FOR
from tests.helpers_ingest import ARRIVED, OwnClock, arrived, open_gate, packs, refused, take, tell_settings, verdicts

PLUG = "plug-1"
HUB = "hub-1"
ALWAYS = -(1 << 62)
ON_THE_DOT = "2026-01-01T12:00:00"
"""ARRIVED, as Tasmota writes it."""


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path)


def device(device_id: str, name: str, hardware_id: str | None = None, revision: int = 1, **more: Any) -> Enrolled:
    topics = dialect(name).topics_of(hardware_id, is_bridge=more.get("is_bridge", False))
    return Enrolled(device_id, revision, "", name, ((0, MINUTE),), hardware_id=hardware_id, **{"topics": topics} | more)


def plain(device_id: str) -> Enrolled:
    """Behind a bridge: without topics."""
    return Enrolled(device_id, 1, "", "senml", ((0, MINUTE),))


def hub(*speaks_for: SpokenFor, revision: int = 1, name: str = "zigbee2mqtt") -> Enrolled:
    return device(HUB, name, is_bridge=True, revision=revision, speaks_for=speaks_for)


def came(topic: str, payload: Any, at: int = ARRIVED, **more: Any) -> Message:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message("", "", topic, body, at, **more)


def probes(*celsius: float, time: str = ON_THE_DOT) -> dict[str, Any]:
    told = {f"DS18B20-{n}": {"Id": f"0000000000A{n}", "Temperature": one} for n, one in enumerate(celsius, 1)}
    return {"Time": time, **told, "TempUnit": "C"}


def shown(some: list[Pack]) -> list[tuple[str, str, dict[str, list[int]]]]:
    return [(pack.device_id, pack.quality, {c.channel: list(c.values) for c in pack.columns}) for pack in some]


SENSOR = "tele/kitchen/SENSOR"


def test_a_message_with_two_probes_is_a_pack_with_two_columns(data_dir: DataDir):
    tell_settings(data_dir, device(PLUG, "tasmota", "kitchen", zone="Asia/Kolkata"))
    with open_gate(data_dir) as gate:
        [outcome] = take(gate, came(SENSOR, probes(4.56, 5.1, time="2026-01-01T17:30:00")))

    assert (outcome.verdict, outcome.readings) == ("accepted", 2)
    assert shown(packs(data_dir)) == [(PLUG, "device", {"DS18B20-0000000000A1": [456], "DS18B20-0000000000A2": [510]})]
    assert [column.measured_at for column in packs(data_dir)[0].columns] == [(ARRIVED,)] * 2


def test_what_bears_no_time_is_dated_by_its_arrival_and_a_fault_is_a_fault(data_dir: DataDir):
    tell_settings(data_dir, device("node-1", "esphome", "shed"))
    with open_gate(data_dir) as gate:
        take(gate, came("shed/sensor/fridge_temperature/state", b"4.25"))
        take(gate, came("shed/sensor/fridge_temperature/state", b"nan", ARRIVED + MINUTE))

    first, second = packs(data_dir)
    assert (first.quality, first.columns[0].measured_at, first.columns[0].values) == ("arrival", (ARRIVED,), (425,))
    assert (second.columns[0].faulty_at, second.columns[0].values) == ((ARRIVED + MINUTE,), ())


def test_what_holds_no_reading_is_no_mistake(data_dir: DataDir):
    tell_settings(data_dir, hub())
    with open_gate(data_dir) as gate:
        outcomes = take(
            gate,
            came("zigbee2mqtt/bridge/state", {"state": "online"}),
            came("zigbee2mqtt/fridge/availability", b"online"),
        )
        assert gate.counts["ignored"] == 2

    assert verdicts(outcomes) == ["ignored", "ignored"]
    assert (packs(data_dir), refused(data_dir)) == ([], [])


def test_what_the_broker_had_kept_and_bears_no_time_is_no_reading(data_dir: DataDir):
    tell_settings(data_dir, device("node-1", "esphome", "shed"), device(PLUG, "tasmota", "kitchen"))
    with open_gate(data_dir) as gate:
        outcomes = take(
            gate,
            came("shed/sensor/fridge_temperature/state", b"4.25", retained=True),
            came(SENSOR, probes(4.5), retained=True),
        )

    assert verdicts(outcomes) == ["ignored", "accepted"]


def test_a_bridge_gives_each_device_its_own_pack(data_dir: DataDir):
    spoken = (SpokenFor("Fridge 1", "fridge-1", ALWAYS), SpokenFor("store/fridge-2", "fridge-2", ALWAYS))
    tell_settings(data_dir, hub(*spoken), plain("fridge-1"), plain("fridge-2"))
    with open_gate(data_dir) as gate:
        take(
            gate,
            came("zigbee2mqtt/fridge 1", {"temperature": 4.5}),
            came("zigbee2mqtt/store/fridge-2", {"temperature": 5}),
        )

    assert shown(packs(data_dir)) == [
        ("fridge-1", "arrival", {"temperature": [450]}),
        ("fridge-2", "arrival", {"temperature": [500]}),
    ]


def test_whom_the_bridge_speaks_for_is_asked_of_the_instant_of_the_reading(data_dir: DataDir):
    before = SpokenFor("a1", "fridge-1", ALWAYS, ARRIVED)
    tell_settings(data_dir, hub(before, SpokenFor("a1", "fridge-2", ARRIVED)), plain("fridge-1"), plain("fridge-2"))
    with open_gate(data_dir) as gate:
        take(gate, came("zigbee2mqtt/a1", {"temperature": 4, "last_seen": ARRIVED - 1}))
        take(gate, came("zigbee2mqtt/a1", {"temperature": 5, "last_seen": ARRIVED}))

    assert [pack.device_id for pack in packs(data_dir)] == ["fridge-1", "fridge-2"]


GATEWAY = "v1/gateway/telemetry"


def gateway(**devices: float) -> Message:
    return came(GATEWAY, {name: [{"ts": ARRIVED, "values": {"temperature": one}}] for name, one in devices.items()})


def test_of_a_message_that_is_half_unknown_the_known_half_is_kept_and_nothing_is_lost(data_dir: DataDir):
    known = SpokenFor("alpha", "fridge-1", ALWAYS)
    tell_settings(data_dir, hub(known, name="thingsboard"), plain("fridge-1"), plain("fridge-2"))
    with open_gate(data_dir) as gate:
        message = gateway(alpha=4.5, beta=6.5, gamma=7)
        [outcome] = take(gate, message)
        assert (outcome.verdict, outcome.readings, outcome.refused) == ("accepted", 1, None)
        first, second = refused(data_dir)
        assert [(one.device_id, one.reason, one.hardware_id) for one in (first, second)] == [
            (HUB, "unknown-device", "beta"),
            (HUB, "unknown-device", "gamma"),
        ]
        assert first.payload == message.payload

        assert not gate.release(1, "r.meena").released
        tell_settings(data_dir, hub(known, SpokenFor("beta", "fridge-2", ALWAYS), revision=2, name="thingsboard"))
        assert gate.release(1, "r.meena").released
        assert not gate.release(2, "r.meena").released

    assert {pack.device_id: pack.columns[0].values for pack in packs(data_dir)} == {
        "fridge-1": (450,),
        "fridge-2": (650,),
    }


def test_a_device_that_ended_is_spoken_for_no_more(data_dir: DataDir):
    gone = Enrolled("fridge-1", 1, "", "senml", ((0, MINUTE),), ended_at=ARRIVED - HOUR)
    tell_settings(data_dir, hub(SpokenFor("a1", "fridge-1", ALWAYS)), gone)
    with open_gate(data_dir) as gate:
        assert verdicts(take(gate, came("zigbee2mqtt/a1", {"temperature": 4}))) == ["refused"]


def test_other_hardware_than_the_devices_own_is_refused_by_name(data_dir: DataDir):
    own = device(PLUG, "json", "A4:C1:38:00:00:01", topics=("shed/#",))
    tell_settings(data_dir, own)
    with open_gate(data_dir) as gate:
        take(gate, came("shed/1", {"mac": "a4:c1:38:00:00:01", "temperature": 4}))
        take(gate, came("shed/2", {"mac": "a4:c1:38:00:00:02", "temperature": 5}))

    assert len(packs(data_dir)) == 1
    [one] = refused(data_dir)
    assert (one.reason, one.hardware_id) == ("unknown-device", "a4:c1:38:00:00:02")
    assert one.detail == "it is of the hardware 'a4:c1:38:00:00:02'; the device plug-1 is 'A4:C1:38:00:00:01'"


def test_below_its_own_name_a_device_may_have_any_topics(data_dir: DataDir):
    tell_settings(data_dir, device(PLUG, "json", "Shed", topics=("shed/#",)), device("plug-2", "tasmota", "kitchen"))
    with open_gate(data_dir) as gate:
        outcomes = take(gate, came("shed/1/x", {"temperature": 4}), came("shed/2/y", {"temperature": 5, "mac": "a4c1"}))

    assert verdicts(outcomes) == ["accepted", "refused"]


@pytest.mark.parametrize(("hardware_id", "whose"), [("Shed", ""), (None, "shed/")])
def test_two_topics_of_a_device_are_two_probes(data_dir: DataDir, hardware_id: str | None, whose: str):
    tell_settings(data_dir, device(PLUG, "json", hardware_id, topics=("shed/#",)))
    with open_gate(data_dir) as gate:
        take(gate, came("shed/fridge", {"temperature": 4}), came("shed/room", {"temperature": 31}))
        take(gate, came("shed/data", {"temperature": 5}))

    channels = [column.channel for pack in packs(data_dir) for column in pack.columns]
    rest = "temperature" if hardware_id else "shed/temperature"
    assert channels == [f"{whose}fridge/temperature", f"{whose}room/temperature", rest]


def test_the_only_topic_of_a_device_needs_no_name(data_dir: DataDir):
    tell_settings(data_dir, device(PLUG, "json", topics=("shed/fridge",)))
    with open_gate(data_dir) as gate:
        take(gate, came("shed/fridge", {"temperature": 4}))

    assert [column.channel for pack in packs(data_dir) for column in pack.columns] == ["temperature"]


def test_another_name_in_a_topic_of_many_is_another_device(data_dir: DataDir):
    tell_settings(data_dir, device(PLUG, "tasmota", "kitchen", topics=("tele/+/SENSOR",)))
    with open_gate(data_dir) as gate:
        outcomes = take(gate, came(SENSOR, probes(4.5)), came("tele/kitchen2/SENSOR", probes(4.5)))

    assert verdicts(outcomes) == ["accepted", "refused"]


def test_several_devices_are_never_mixed_into_one(data_dir: DataDir):
    tell_settings(data_dir, device(PLUG, "thingsboard", topics=(GATEWAY,)))
    with open_gate(data_dir) as gate:
        assert verdicts(take(gate, gateway(alpha=4, beta=5))) == ["refused"]

    [one] = refused(data_dir)
    assert (one.reason, "'alpha', 'beta'" in one.detail, "as a bridge" in one.detail) == ("unreadable", True, True)


def test_a_reading_ahead_of_its_arrival_is_refused_and_the_others_are_kept(data_dir: DataDir):
    tell_settings(data_dir, device(PLUG, "thingsboard"))
    ahead = ARRIVED + 6 * MINUTE
    body = [{"ts": ts, "values": {"temperature": 4}} for ts in (ARRIVED, ahead, ARRIVED - MINUTE)]
    with open_gate(data_dir) as gate:
        [outcome] = take(gate, came("v1/devices/me/telemetry", body))

    assert (outcome.verdict, outcome.readings) == ("accepted", 2)
    assert [(one.reason, one.ahead_ms) for one in refused(data_dir)] == [("wrongly-dated", 6 * MINUTE)]


def test_what_the_broker_sends_again_counts_once_and_what_the_device_says_again_counts_again(data_dir: DataDir):
    tell_settings(data_dir, hub(SpokenFor("a1", "fridge-1", ALWAYS)), plain("fridge-1"))
    with open_gate(data_dir) as gate:
        one = came("zigbee2mqtt/a1", {"temperature": 4}, mid=7)
        take(gate, one)
        again = came("zigbee2mqtt/a1", {"temperature": 4}, ARRIVED + HOUR, mid=7, is_again=True)
        assert verdicts(take(gate, again)) == ["repeated"]
    with open_gate(data_dir) as gate:  # a gate that was killed before its PUBACK
        assert verdicts(take(gate, again)) == ["repeated"]
        anew = came("zigbee2mqtt/a1", {"temperature": 4}, ARRIVED + 2 * HOUR, mid=8)
        other = came("zigbee2mqtt/a2", {"temperature": 4}, ARRIVED + 2 * HOUR, mid=7, is_again=True)
        assert verdicts(take(gate, anew, other)) == ["accepted", "refused"]

    assert len(packs(data_dir)) == 2


def test_the_same_words_on_another_topic_are_another_message(data_dir: DataDir):
    spoken = (SpokenFor("a1", "fridge-1", ALWAYS), SpokenFor("a2", "fridge-2", ALWAYS))
    tell_settings(data_dir, hub(*spoken), plain("fridge-1"), plain("fridge-2"))
    with open_gate(data_dir) as gate:
        take(gate, came("zigbee2mqtt/a1", {"temperature": 4}, mid=7))
        other = came("zigbee2mqtt/a2", {"temperature": 4}, mid=7, is_again=True)  # whose first sending we never had
        assert verdicts(take(gate, other)) == ["accepted"]

    assert [pack.device_id for pack in packs(data_dir)] == ["fridge-1", "fridge-2"]


def test_a_topic_of_no_record_is_kept_and_believed_once_there_is_one(data_dir: DataDir):
    tell_settings(data_dir, plain("fridge-1"))
    with open_gate(data_dir) as gate:
        assert verdicts(take(gate, came(SENSOR, probes(4.5)))) == ["refused"]
        tell_settings(data_dir, device(PLUG, "tasmota", "kitchen"))
        assert gate.release(1, "r.meena").released
        tell_settings(data_dir, device(PLUG, "tasmota", "kitchen", revision=2, ended_at=ARRIVED))
        assert verdicts(take(gate, came(SENSOR, probes(4.75)))) == ["refused"]

    assert [pack.device_id for pack in packs(data_dir)] == [PLUG]


def test_equal_words_on_two_topics_are_two_refusals(data_dir: DataDir):
    tell_settings(data_dir, device("node-1", "esphome", "shed"))
    with open_gate(data_dir) as gate:
        for topic in ("shed/sensor/one_temperature/state", "shed/sensor/two_temperature/state"):
            take(gate, came(topic, b"warm"), came(topic, b"warm"))

    assert [one.topic for one in refused(data_dir)] == [
        "shed/sensor/one_temperature/state",
        "shed/sensor/two_temperature/state",
    ]


def test_what_a_bridge_hears_of_strangers_leaves_room_for_its_own_trouble(data_dir: DataDir):
    tell_settings(data_dir, hub())
    with open_gate(data_dir) as gate:
        strange = [came("zigbee2mqtt/a1", {"temperature": 4, "n": n}) for n in range(1_050)]
        take(gate, *strange)
        take(gate, came("zigbee2mqtt/a1", b"{"), arrived([{"n": "tvc", "v": 4}], device_id="pi-9999"))

    kept = refused(data_dir)
    assert [one.reason for one in kept].count("unknown-device") == 1_001
    assert [one.reason for one in kept[1_000:]] == ["flooding", "unreadable", "unknown-device"]


def test_a_mapping_that_cannot_be_used_is_a_refusal_that_says_so(data_dir: DataDir):
    tell_settings(data_dir, device("box-1", "json", "shed", mapping='{"wrong":1,"temperature":"t"}'))
    with open_gate(data_dir) as gate:
        assert verdicts(take(gate, came("shed/x", {"t": 4}))) == ["refused"]

    assert "a mapping has no 'wrong'" in refused(data_dir)[0].detail


def test_a_device_of_another_dialect_may_use_a_topic_of_its_own_name(data_dir: DataDir):
    tell_settings(data_dir, device("box-1", "json", topics=()))
    with open_gate(data_dir) as gate:
        outcomes = take(gate, arrived({"temperature": "4.5"}, device_id="box-1"))

    assert verdicts(outcomes) == ["accepted"]
    assert shown(packs(data_dir)) == [("box-1", "arrival", {"temperature": [450]})]


def cbor(outbox: bool) -> bytes:
    """A pack as RFC 8428 section 6 writes it: {-2: "pi-0142:", -3: 1767268800, 0: "tvc", 1: "Cel", 2: 4.5}."""
    base = bytes.fromhex("21") + b"\x68pi-0142:" + bytes.fromhex("22") + bytes.fromhex("1a695661c0")
    reading = bytes.fromhex("00") + b"\x63tvc" + bytes.fromhex("01") + b"\x63Cel" + bytes.fromhex("02f94480")
    if not outbox:
        return bytes.fromhex("81a5") + base + reading
    named = bytes.fromhex("00") + b"\x66outbox" + bytes.fromhex("03") + b"\x62ab"
    number = bytes.fromhex("a2 00") + b"\x63seq" + bytes.fromhex("02 07")
    return bytes.fromhex("83a4") + base + named + number + bytes.fromhex("a3") + reading


@pytest.mark.parametrize("outbox", [False, True])
def test_our_own_packs_may_come_as_cbor(data_dir: DataDir, outbox: bool):
    with open_gate(data_dir, "pi-0142") as gate:
        [outcome] = take(gate, arrived(cbor(outbox)))

    [pack] = packs(data_dir)
    assert outcome.verdict == "accepted"
    assert (pack.seq, pack.outbox_id) == ((7, "ab") if outbox else (None, "0"))
    assert [(column.channel, column.measured_at, column.values) for column in pack.columns] == [
        ("tvc", (1_767_268_800_000,), (450,))
    ]


@pytest.mark.parametrize(
    "body", [b"\x81", b"\x81\x01", b"\x81\xa1\x00\x00", b"\x9f", b"\xd9\xd9\xf7", b"\x81\xa2\x00\x61a\x02\xf9\x7e\x00"]
)
def test_broken_cbor_is_refused(data_dir: DataDir, body: bytes):
    with open_gate(data_dir, "pi-0142") as gate:
        assert verdicts(take(gate, arrived(body))) == ["refused"]

    assert refused(data_dir)[0].reason == "unreadable"


def test_channels_are_short_and_printable_and_stay_distinct():
    def named(sensor: str, role: str | None = None) -> str:
        return channel_of(Decoded("x", sensor, None, 400, role=role))

    assert named("DS18B20-1") == "DS18B20-1"
    assert named("तापमान 1") == "तापमान 1"
    assert named("TempC_SHT", "ambient") == "TempC_SHT/ambient"
    assert named("ambient_temperature", "ambient") == "ambient_temperature"
    assert len({named("x" * 70 + end) for end in "ab"}) == 2
    assert len({named(f"a{sign}b") for sign in "\0\1_"}) == 3
    assert all(len(named(sensor)) <= 64 and named(sensor).isprintable() for sensor in ("x" * 70, "a\0b", "\n"))


# What arrives, for whoever watches


def watched(gate: Gate, device_id: str, after: int = 0) -> list[Any]:
    return gate.heard(device_id, after)[0]


def test_nothing_is_kept_of_whom_nobody_watches(data_dir: DataDir):
    tell_settings(data_dir, device(PLUG, "tasmota", "kitchen"))
    with open_gate(data_dir) as gate:
        take(gate, came(SENSOR, probes(4.5)))
        assert watched(gate, PLUG) == []
        take(gate, came(SENSOR, probes(4.6)))
        assert len(watched(gate, PLUG)) == 1


def test_whoever_watches_sees_what_was_understood_and_what_was_refused(data_dir: DataDir):
    tell_settings(data_dir, hub(SpokenFor("a1", "fridge-1", ALWAYS)), plain("fridge-1"))
    with open_gate(data_dir) as gate:
        assert watched(gate, HUB) == []
        take(gate, came("zigbee2mqtt/a1", {"temperature": 4.5}))
        take(gate, came("zigbee2mqtt/a2", {"temperature": 5.5}), came("zigbee2mqtt/a1", b"\xff\x00"))
        one, two, three = watched(gate, HUB)
        assert watched(gate, HUB, after=two.number) == [three]
        [stranger] = gate.heard(HUB, 0)[1]

    [reading] = one.readings
    assert (one.verdict, one.topic, one.payload, one.dialect) == (
        "accepted",
        "zigbee2mqtt/a1",
        '{"temperature": 4.5}',
        "zigbee2mqtt",
    )
    assert (reading.hardware_id, reading.sensor, reading.value, reading.device_id) == (
        "a1",
        "temperature",
        450,
        "fridge-1",
    )
    assert (two.verdict, two.reason, two.readings[0].device_id) == ("refused", "unknown-device", None)
    assert (three.verdict, three.reason, three.payload, three.is_text) == ("refused", "unreadable", "ff 00", False)
    assert (stranger.hardware_id, stranger.count, stranger.readings["temperature"].value) == ("a2", 1, 550)


def test_who_is_spoken_for_is_no_stranger_any_more(data_dir: DataDir):
    tell_settings(data_dir, hub(), plain("fridge-1"))
    with open_gate(data_dir) as gate:
        take(gate, came("zigbee2mqtt/a2", {"temperature": 5.5}))
        tell_settings(data_dir, hub(SpokenFor("A2", "fridge-1", ALWAYS), revision=2))

        assert gate.heard(HUB, 0)[1] == []


def test_strangers_are_few_and_the_latest(data_dir: DataDir):
    tell_settings(data_dir, hub())
    with open_gate(data_dir) as gate:
        take(gate, *(came(f"zigbee2mqtt/a{n}", {"temperature": 5.5}) for n in range(MOST_STRANGERS + 5)))
        met = gate.heard(HUB, 0)[1]

    assert [len(met), met[0].hardware_id] == [MOST_STRANGERS, f"a{MOST_STRANGERS + 4}"]


def test_whoever_watches_a_device_behind_a_bridge_learns_nothing_of_the_others(data_dir: DataDir):
    spoken = (SpokenFor("alpha", "fridge-1", ALWAYS), SpokenFor("beta", "fridge-2", ALWAYS))
    tell_settings(data_dir, hub(*spoken, name="thingsboard"), plain("fridge-1"), plain("fridge-2"))
    with open_gate(data_dir) as gate:
        watched(gate, "fridge-1")
        take(gate, gateway(alpha=4.5, beta=6.5))
        take(gate, gateway(beta=6.5))
        take(gate, gateway(alpha=4.25))
        both, alone = watched(gate, "fridge-1")

    assert ([one.device_id for one in both.readings], both.payload) == (["fridge-1"], "")
    assert (alone.payload[:9], both.verdict) == ('{"alpha":', "accepted")


def test_of_our_own_packs_too_whoever_watches_sees_the_readings(data_dir: DataDir):
    with open_gate(data_dir, "pi-0142") as gate:
        watched(gate, "pi-0142")
        take(gate, arrived([{"n": "tvc", "v": 4.5}]), arrived([{"n": "tvc", "v": "4.5"}]))
        good, bad = watched(gate, "pi-0142")

    assert [(one.sensor, one.value, one.measured_at) for one in good.readings] == [("tvc", 450, None)]
    assert (bad.verdict, bad.reason, bad.readings) == ("refused", "unreadable", [])


def test_watching_ends_by_itself_and_holds_little(data_dir: DataDir):
    tell_settings(data_dir, device(PLUG, "tasmota", "kitchen"))
    clock = OwnClock()
    with open_gate(data_dir, clock=clock) as gate:
        watched(gate, PLUG)
        take(gate, *(came(SENSOR, probes(4.5 + n / 100)) for n in range(MOST_KEPT + 5)))
        assert len(watched(gate, PLUG)) == MOST_KEPT
        clock.at += WATCHED_FOR
        gate.beat()
        assert not gate._lately.is_watched
