"""Events: what the rooms tell each other through the journal. Past tense, ids only, never a person."""

from hashlib import blake2b
from typing import Any

import msgspec

from coldchain.judgement import Interval
from coldchain.packs import Pack


class Heartbeat(msgspec.Struct, frozen=True, array_like=True, tag="beat", gc=False):
    """A gate was alive at this instant (ms UTC): time, as a message. Every 10 s, in READINGS."""

    gate: str
    at: int


class Refusal(msgspec.Struct, frozen=True, array_like=True, tag="refused"):
    """A message that could not be believed, kept whole with the reason. `reason` is a code, `detail` a sentence.

    Codes: unreadable, oversized, wrongly-dated, unknown-device, two-voices, flooding.
    """

    device_id: str
    topic: str
    payload: bytes
    received_at: int
    reason: str
    detail: str
    outbox_id: str | None = None
    seq: int | None = None
    ahead_ms: int | None = None
    hardware_id: str | None = None
    """Which hardware a bridge named that nobody knows here."""


class Released(msgspec.Struct, frozen=True, array_like=True, tag="released"):
    """A person had the refusal at this offset parsed again, and it was believed."""

    offset: int
    by: str
    at: int


class Status(msgspec.Struct, frozen=True, array_like=True, tag="status"):
    """What a device last said of itself, as its JSON object, when we had it (ms UTC)."""

    device_id: str
    received_at: int
    body: bytes


class DeviceSaid(msgspec.Struct, frozen=True, array_like=True, tag="said"):
    """A device made something of its readings itself: an alarm, a day's summary. Kept beside what is judged.

    `kind` as the books name it (`registry/evidence.py`), `digest` of the source's bytes (SHA-256, hexadecimal).
    """

    device_id: str
    kind: str
    digest: str
    happened_at: int
    content: dict[str, Any]


class Verdict(msgspec.Struct, frozen=True, array_like=True, tag="verdict"):
    """The whole truth about one rule on one sensor, for intervals that start in [since, until).

    Whoever keeps intervals replaces those it had there by `intervals`; empty means that nothing is left.
    """

    device_id: str
    channel: str
    code: str
    since: int
    until: int
    intervals: tuple[Interval, ...]

    @property
    def id(self) -> str:
        """Derived from the content, so that the same verdict bears the same id on every engine."""
        return blake2b(_encoder.encode(self), digest_size=16).hexdigest()


class Silence(msgspec.Struct, frozen=True, array_like=True, tag="silence"):
    """A device fell silent (`back_at` None), or spoke again. Instants of the gates' heartbeats, ms UTC."""

    device_id: str
    last_heard_at: int
    silent_at: int
    back_at: int | None = None


class Fault(msgspec.Struct, frozen=True, array_like=True, tag="fault"):
    """A sensor's last records are faults since this instant (`ended_at` None), or it measured again."""

    device_id: str
    channel: str
    fault: str
    since: int
    ended_at: int | None = None


class Outage(msgspec.Struct, frozen=True, array_like=True, tag="outage"):
    """Our own heartbeats were missing between these instants: nothing is known of the devices, and it is our fault."""

    since: int
    until: int


FOREVER = 1 << 62

OnReadings = Pack | Heartbeat
OnRefused = Refusal | Released
OnSilences = Silence | Fault | Outage

_encoder = msgspec.msgpack.Encoder()
