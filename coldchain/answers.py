"""Answers: what the server tells a device over MQTT (and HTTP): acknowledgements, refusals, configuration.

JSON, standard library only, so that the agent reads with the same code that the gate writes with.
"""

import json
from dataclasses import dataclass
from typing import Any

from coldchain.errors import Refused
from coldchain.ranges import Ranges, ranges_of


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """All sequence numbers of an outbox that are durable so far; `at` is the server's clock, ms UTC."""

    outbox_id: str
    durable: Ranges
    at: int


@dataclass(frozen=True, slots=True)
class RefusedPack:
    """A pack was kept but not believed. `seq` is None where it could not even be read."""

    seq: int | None
    outbox_id: str | None
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the server wishes of a device: seconds between readings, and its local limits in °C."""

    interval_s: int | None = None
    low_c: float | None = None
    high_c: float | None = None


class BadAnswer(Refused):
    """A message from the server that this agent cannot read."""


def encode_acknowledgement(ack: Acknowledgement) -> bytes:
    return _json({"outbox": ack.outbox_id, "durable": ack.durable.pairs(), "at": ack.at})


def decode_acknowledgement(body: bytes) -> Acknowledgement:
    """Raises BadAnswer."""
    try:
        table = json.loads(body)
        at = table["at"]
        if not isinstance(table["outbox"], str) or not isinstance(at, int):
            raise ValueError("outbox must be a text and at a number")
        return Acknowledgement(table["outbox"], ranges_of(table["durable"]), at)
    except (ValueError, TypeError, KeyError) as why:
        raise BadAnswer(f"the acknowledgement cannot be read: {why}") from None


def encode_refused(refused: RefusedPack) -> bytes:
    return _json({"seq": refused.seq, "outbox": refused.outbox_id, "reason": refused.reason, "detail": refused.detail})


def decode_refused(body: bytes) -> RefusedPack:
    """Raises BadAnswer."""
    try:
        table = json.loads(body)
        return RefusedPack(table.get("seq"), table.get("outbox"), str(table["reason"]), str(table.get("detail", "")))
    except (ValueError, TypeError, KeyError, AttributeError) as why:
        raise BadAnswer(f"the refusal cannot be read: {why}") from None


def encode_configuration(wished: Configuration) -> bytes:
    table = {"interval_s": wished.interval_s, "low_c": wished.low_c, "high_c": wished.high_c}
    return _json({key: value for key, value in table.items() if value is not None})


def decode_configuration(body: bytes) -> Configuration:
    """Raises BadAnswer; unknown keys are left alone."""
    try:
        table = json.loads(body)
        return Configuration(
            _number(table, "interval_s", int), _number(table, "low_c", float), _number(table, "high_c", float)
        )
    except (ValueError, TypeError, AttributeError) as why:
        raise BadAnswer(f"the configuration cannot be read: {why}") from None


def _number(table: dict[str, Any], key: str, kind: type) -> Any:
    value = table.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key} must be a number")
    return kind(value)


def _json(table: dict[str, Any]) -> bytes:
    return _encode(table).encode()


_encode = json.JSONEncoder(separators=(",", ":")).encode
