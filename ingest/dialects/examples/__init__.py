"""Examples: for each dialect a table of messages, and what is understood of each. Tests run them, the docs show them.

All devices and numbers in them are made up.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from coldchain.clock import instant, iso
from coldchain.quantities import CELSIUS
from coldchain.readings import celsius
from ingest.dialects.decoded import Decoded, Sent

ARRIVED = "2026-03-01T12:00:05Z"
"""When the messages arrived that do not say otherwise."""


@dataclass(frozen=True, slots=True)
class Example:
    """`readings` as `coldchain decode` prints them; `refused` is part of the reason where it cannot be read.

    `told_as` is the dialect that it is recognised as.
    """

    dialect: str
    what: str
    sent: Sent
    readings: tuple[dict[str, Any], ...]
    refused: str | None
    told_as: str

    @property
    def shown(self) -> str:
        """The payload as people read it: text, or hexadecimal digits where it is none."""
        try:
            return self.sent.payload.decode()
        except UnicodeDecodeError:
            return self.sent.payload.hex()


@cache
def examples_of(dialect: str) -> Sequence[Example]:
    """Raises FileNotFoundError where a dialect has none."""
    path = Path(__file__).with_name(f"{dialect}.toml")
    return [_example(dialect, row) for row in tomllib.loads(path.read_text("utf-8"))["example"]]


def line_of(reading: Decoded) -> dict[str, Any] | None:
    """A temperature as `coldchain decode` prints it; None of any other quantity."""
    if reading.unit != CELSIUS:
        return None
    at = None if reading.measured_at is None else iso(reading.measured_at)
    said = {"fault": reading.fault} if reading.value is None else {"celsius": celsius(reading.value)}
    return {"device_id": reading.device_id, "sensor": reading.sensor, "measured_at": at, **said}


def _example(dialect: str, row: dict[str, Any]) -> Example:
    sent = Sent(
        row["topic"],
        bytes.fromhex(row["hex"]) if "hex" in row else row["payload"].encode(),
        instant(row.get("received_at", ARRIVED)),
        ZoneInfo(row.get("zone", "UTC")),
        row.get("mapping"),
    )
    readings = tuple({"measured_at": None} | reading for reading in row.get("readings", ()))
    return Example(dialect, row["what"], sent, readings, row.get("refused"), row.get("auto", dialect))
