"""Mischief: what devices of the real world send now and then, and a platform must refuse, keep and show."""

import json
from collections.abc import Mapping
from typing import Protocol

from coldchain.clock import DAY, HOUR

READINGS = "readings"


class Speaker(Protocol):
    def publish(self, leaf: str, body: bytes) -> bool: ...


def messages(at: int) -> dict[str, bytes]:
    """Device → what it says: no number, a text for a number, a clock a day ahead, a battery that died in 1999."""
    return {
        "chc-gulmohar-3": b'[{"bn":"chc-gulmohar-3:","n":"tvc","u":"Cel","v":NaN}]',
        "phc-mohanpatti-1": _pack("phc-mohanpatti-1", at, "4.5"),
        "phc-nandighat-2": _pack("phc-nandighat-2", at + DAY + 2 * HOUR, 4.5),
        "phc-amrawat-2": _pack("phc-amrawat-2", 915_148_800_000, 4.5),
        "chc-devtola-2": b'{"temperature": 4.5}',
    }


def other_voice(device_id: str, outbox_id: str) -> bytes:
    """The outbox's first number with other content, as from a copied card."""
    base = {"bn": f"{device_id}:", "bt": 1_767_225_600, "n": "outbox", "vs": outbox_id}
    records = [base, {"n": "seq", "v": 1}, {"n": "tvc", "t": 0, "u": "Cel", "v": 4.5}]
    return json.dumps(records, separators=(",", ":")).encode()


def send(speakers: Mapping[str, Speaker], at: int) -> int:
    """Have each say its own; gives how many did."""
    told = [(speakers[device], body) for device, body in messages(at).items() if device in speakers]
    return sum(speaker.publish(READINGS, body) for speaker, body in told)


def _pack(device_id: str, at: int, value: object) -> bytes:
    record = {"bn": f"{device_id}:", "bt": at // 1000, "n": "tvc", "u": "Cel", "v": value}
    return json.dumps([record], separators=(",", ":")).encode()
