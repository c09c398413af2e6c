"""Traffic: how many bytes a month an agent's settings cost on a mobile link, from a pack as it is really written.

An estimate: one beat like another, no repeats, no alarms, IPv4 without options, an answer for each pack.
"""

from dataclasses import dataclass

from coldchain.answers import Acknowledgement, encode_acknowledgement
from coldchain.clock import DAY, MINUTE
from coldchain.ranges import Ranges
from coldchain.readings import Reading
from coldchain.senml import encode
from coldchain.topics import mqtt_topic
from gateway_agent.settings import Settings
from gateway_agent.uplink import ACK, KEEPALIVE_S, READINGS

MONTH = 30 * DAY

SEGMENT = 40
"""IPv4 and TCP headers of one segment, in bytes."""

TLS_RECORD = 22
"""What TLS 1.3 adds to a record: header 5, type 1, tag 16 bytes (RFC 8446, 5.2)."""

PUBLISH_HEADER = 3 + 2 + 2
"""MQTT 3.1.1, 3.3: fixed header for up to 16 kB, topic length, packet identifier."""

PUBACK = 4
PING = 2

SOME_INSTANT = 1_767_225_600_000
SOME_OUTBOX = "9f86d081884c7d65"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes a month, both ways together, headers of TCP and IP counted."""

    packs: int
    bytes_of_packs: int
    bytes_of_pings: int

    @property
    def megabytes(self) -> float:
        return (self.bytes_of_packs + self.bytes_of_pings) / 1_000_000


def traffic(settings: Settings) -> Traffic:
    """A month while somebody listens: each beat of every sensor, packed as the settings say."""
    beats = _beats_in_a_pack(settings)
    packs = MONTH // (beats * settings.interval)
    tls = TLS_RECORD if settings.broker.is_tls else 0
    answer = Acknowledgement(SOME_OUTBOX, Ranges(((1, packs),)), SOME_INSTANT)
    up = PUBLISH_HEADER + len(mqtt_topic(settings.device_id, READINGS)) + len(_pack(settings, beats, packs))
    down = PUBLISH_HEADER + len(mqtt_topic(settings.device_id, ACK)) + len(encode_acknowledgement(answer))
    segments = 2 * (2 + 2)  # a message and its PUBACK each way, and TCP's own acknowledgement of each
    one = up + down + 2 * PUBACK + 4 * tls + segments * SEGMENT
    pause = beats * settings.interval
    pings = MONTH // (KEEPALIVE_S * 1000) if pause > KEEPALIVE_S * 1000 else 0
    return Traffic(packs, packs * one, pings * (2 * (PING + tls) + 3 * SEGMENT))


def _beats_in_a_pack(settings: Settings) -> int:
    by_age = settings.max_age // settings.interval + 1
    by_size = max(1, settings.max_readings // len(settings.sensors))
    return min(by_age, by_size)


def _pack(settings: Settings, beats: int, seq: int) -> bytes:
    readings = [
        Reading(sensor.channel, SOME_INSTANT + beat * settings.interval, 456)
        for beat in range(beats)
        for sensor in settings.sensors
    ]
    return encode(settings.device_id, SOME_OUTBOX, seq, readings)


def told(settings: Settings) -> str:
    month = traffic(settings)
    minutes = settings.interval / MINUTE
    return (
        f"{len(settings.sensors)} sensors, a beat every {minutes:g} min, {month.packs} packs a month: "
        f"about {month.megabytes:.1f} MB both ways, {'with' if settings.broker.is_tls else 'without'} TLS"
    )
