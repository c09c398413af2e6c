"""Keys that whoever creates a record can make without asking anybody.

UUIDv7 (RFC 9562) for records, UUIDv4 for ids that appear in public. Time order is never read from an id.
"""

import os
import re
import time
import uuid

from coldchain.errors import Refused

DEVICE_ID = re.compile(r"[a-z0-9-]{3,32}")


class BadDeviceId(Refused):
    """A device was named in a way that topics and lists cannot carry."""


def new_id() -> str:
    """A fresh UUIDv7 as text."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def public_id() -> str:
    """A fresh UUIDv4 as text, for ids that strangers may see."""
    return str(uuid.uuid4())


def device_id(text: str) -> str:
    """The text itself if it names a device (`[a-z0-9-]{3,32}`). Raises BadDeviceId."""
    if DEVICE_ID.fullmatch(text) is None:
        raise BadDeviceId(f"{text!r} is no device id: use 3 to 32 of the characters a-z, 0-9 and '-'")
    return text


def sensor_id(device: str, channel: str) -> str:
    """How a sensor is named where its device is not at hand: `device:channel`, as in SenML."""
    return f"{device}:{channel}"
