"""How facts travel in the journal: MessagePack, one decoder a topic. Server side only."""

from typing import Any

import msgspec

from coldchain.errors import ColdchainError
from coldchain.events import DeviceSaid, OnReadings, OnRefused, OnSilences, Status, Verdict
from coldchain.facts import Fact
from coldchain.topics import EVIDENCE, READINGS, REFUSED, SETTINGS, SILENCES, STATUS, VERDICTS, Topic

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[Topic, msgspec.msgpack.Decoder[Any]] = {
    READINGS: msgspec.msgpack.Decoder(OnReadings),
    REFUSED: msgspec.msgpack.Decoder(OnRefused),
    STATUS: msgspec.msgpack.Decoder(Status),
    EVIDENCE: msgspec.msgpack.Decoder(DeviceSaid),
    VERDICTS: msgspec.msgpack.Decoder(Verdict),
    SILENCES: msgspec.msgpack.Decoder(OnSilences),
    SETTINGS: msgspec.msgpack.Decoder(Fact),
}


class Damaged(ColdchainError):
    """A journal entry that this version of Coldchain cannot read."""


def encode(item: Any) -> bytes:
    return _encoder.encode(item)


def decode(topic: Topic, body: bytes) -> Any:
    """The fact in a journal entry of this topic. Raises Damaged."""
    try:
        return _decoders[topic].decode(body)
    except msgspec.DecodeError as why:
        raise Damaged(f"an entry of {topic} cannot be read: {why}") from why
