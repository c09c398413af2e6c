"""Packs as SenML JSON (RFC 8428), the way an agent writes them. Standard library only; the gate reads them.

`[{"bn":"pi-0142:","bt":1767225600,"n":"outbox","vs":"9f86d081884c7d65"},{"n":"seq","v":57},
  {"n":"tvc","u":"Cel","t":0,"v":4.56},{"n":"tvc","t":60,"vs":"fault:unplugged"}]`
"""

import json
from collections.abc import Sequence
from typing import Any

from coldchain.readings import FAULT_PREFIX, Reading

OUTBOX = "outbox"
SEQ = "seq"
CLOCK = "clock"
UNDATED = "undated"
"""`{"n":"clock","vs":"undated"}`: the boot ended before its time was known; times in the pack mean nothing."""

TRUSTED = "trusted"
"""`{"n":"clock","vs":"trusted"}`: the agent knew its time from NTP, an RTC or our acknowledgement."""

RESERVED = frozenset({OUTBOX, SEQ, CLOCK})
"""Names in a pack that are no channel."""


def encode(device_id: str, outbox_id: str, seq: int, readings: Sequence[Reading], *, dated: bool = True) -> bytes:
    """One pack. Instants keep their milliseconds, temperatures their two decimals."""
    base = readings[0].measured_at // 1000 if dated and readings else 0
    records: list[dict[str, Any]] = [{"bn": f"{device_id}:", "n": OUTBOX, "vs": outbox_id}]
    if dated:
        records[0] = {"bn": f"{device_id}:", "bt": base, "n": OUTBOX, "vs": outbox_id}
    records.append({"n": SEQ, "v": seq})
    records.append({"n": CLOCK, "vs": TRUSTED if dated else UNDATED})
    for reading in readings:
        record: dict[str, Any] = {"n": reading.channel}
        if dated:
            record["t"] = _seconds(reading.measured_at - base * 1000)
        if reading.centidegrees is None:
            record["vs"] = f"{FAULT_PREFIX}{reading.fault}"
        else:
            record["u"] = reading.unit
            record["v"] = reading.centidegrees / 100
        records.append(record)
    return json.dumps(records, separators=(",", ":")).encode()


def _seconds(milliseconds: int) -> int | float:
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000
