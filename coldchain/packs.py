"""A pack: one device's message of one or more readings, the unit of work from the outbox to the journal.

Inside, readings are columns, a column a channel. (device_id, outbox_id, seq) is a pack's identity; a device that
numbers nothing has packs without acknowledgement. Server side only; a Pi has SenML (`coldchain/senml.py`).
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Literal

import msgspec

from coldchain.readings import Reading

Quality = Literal["trusted", "device", "arrival", "undated"]
"""How a pack's instants came to be: a trusted clock, the device's own word, our arrival time, or none at all."""

NO_OUTBOX = "0"

FROM_FILE = "file"
"""The outbox of packs that a person carried in: their device was not heard when they came."""


class Column(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One channel's part of a pack. `measured_at` in ms UTC, `values` in hundredths of `unit` (centidegrees).

    `faulty_at` and `faults` stand beside, likewise as long as each other: instants at which there was no value.
    """

    channel: str
    unit: str
    measured_at: tuple[int, ...]
    values: tuple[int, ...]
    faulty_at: tuple[int, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def is_temperature(self) -> bool:
        return self.unit == "Cel"

    def readings(self) -> Iterator[Reading]:
        for at, value in zip(self.measured_at, self.values, strict=True):
            yield Reading(self.channel, at, value)
        for at, fault in zip(self.faulty_at, self.faults, strict=True):
            yield Reading(self.channel, at, None, fault)


class Pack(msgspec.Struct, frozen=True, array_like=True, tag="pack", gc=False):
    """What the gate believed. `outbox_id` is "0" where the device named none, `seq` None where it numbers nothing."""

    device_id: str
    outbox_id: str
    seq: int | None
    received_at: int
    quality: Quality
    columns: tuple[Column, ...]

    @property
    def is_from_file(self) -> bool:
        return self.seq is None and self.outbox_id == FROM_FILE

    def __len__(self) -> int:
        return sum(len(c.measured_at) + len(c.faulty_at) for c in self.columns)

    def digest(self) -> bytes:
        """Eight bytes that tell this content from another under the same number, whenever it arrives."""
        return blake2b(_encoder.encode(self.columns), digest_size=8).digest()


_encoder = msgspec.msgpack.Encoder()
