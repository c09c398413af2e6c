"""An outbox: where an agent keeps its packs until we have them; 64 random bits, made anew with a new card.

What waits in it and what it had to drop (`lost`) it tells itself, in its status. Which of its numbers are durable the
gate keeps, in the transaction that makes them so (`gate.db`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from coldchain.clock import MINUTE, SECOND
from coldchain.events import Status
from coldchain.ranges import Ranges, ranges_of
from registry import devices
from registry.devices import Device

AHEAD = 5 * MINUTE
"""A device cannot have begun to measure later than this after we heard of it."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Instants in ms UTC, by our clock. `waiting` packs as of the last word, None where it does not say."""

    device_id: str
    outbox_id: str
    first_heard_at: int
    last_heard_at: int
    waiting: int | None = None
    lost: Ranges = field(default_factory=Ranges)


@dataclass(frozen=True, slots=True)
class Said:
    """What a device last said of itself. `body` is the whole of it, for showing; instants in ms UTC."""

    device_id: str
    received_at: int
    state: str
    body: dict[str, Any]

    @property
    def outbox_id(self) -> str | None:
        told = self.body.get("outbox")
        return told if isinstance(told, str) and 0 < len(told) <= 64 else None

    @property
    def waiting(self) -> int | None:
        return _whole(self.body.get("waiting"))

    @property
    def lost(self) -> Ranges:
        try:
            return ranges_of(self.body.get("lost") or [])
        except (ValueError, TypeError):
            return Ranges()  # the status of a foreign device may use the word for something else

    @property
    def interval(self) -> int | None:
        """ms between readings, where it is one that a device can keep."""
        seconds = _whole(self.body.get("interval_s"))
        if seconds is None or not devices.SHORTEST_INTERVAL <= seconds * SECOND <= devices.LONGEST_INTERVAL:
            return None
        return seconds * SECOND

    @property
    def interval_since(self) -> int:
        """0 for the first interval of an outbox."""
        return _whole(self.body.get("interval_since")) or 0


class Outboxes(Protocol):
    def of_devices(self, device_ids: Sequence[str]) -> dict[str, list[Outbox]]:
        """By device, the one that was heard last at the end; a device without any is missing."""
        ...

    def save(self, outbox: Outbox) -> None: ...

    def said(self, device_ids: Sequence[str]) -> dict[str, Said]:
        """By device, what it last said of itself; one that said nothing is missing."""
        ...

    def note_said(self, said: Said) -> None: ...


class Shelf(devices.Shelf, Protocol):
    @property
    def outboxes(self) -> Outboxes: ...


def take_statuses(shelf: Shelf, statuses: Sequence[Status]) -> None:
    """Note what devices say of themselves: their outboxes, and how often they measure.

    What is no JSON object, and what ended or unknown devices say, is passed over: the gate keeps the messages.
    """
    known = shelf.devices.several(sorted({status.device_id for status in statuses}))
    for status in statuses:
        device = known.get(status.device_id)
        said = read(status)
        if device is not None and device.ended_at is None and said is not None:
            _take(shelf, device, said)


def read(status: Status) -> Said | None:
    """None where the message is no JSON object."""
    try:
        body = json.loads(status.body)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    state = body.get("state")
    return Said(status.device_id, status.received_at, state if isinstance(state, str) else "online", body)


def _take(shelf: Shelf, device: Device, said: Said) -> None:
    before = shelf.outboxes.said([device.device_id]).get(device.device_id)
    if before is not None and before.received_at > said.received_at:
        return
    if said.state == "offline" and before is not None:  # the will says only that: what was said before still holds
        shelf.outboxes.note_said(Said(device.device_id, said.received_at, said.state, before.body))
        return
    shelf.outboxes.note_said(said)
    known = shelf.outboxes.of_devices([device.device_id]).get(device.device_id, [])
    outbox = _outbox(said, known)
    if outbox is not None:
        shelf.outboxes.save(outbox)
    if said.interval is not None:
        since = _measured_so_since(said, outbox, known)
        devices.declare(shelf, device.device_id, said.interval, since, said.received_at, said.outbox_id)


def _outbox(said: Said, known: Sequence[Outbox]) -> Outbox | None:
    if said.outbox_id is None:
        return None
    same = next((outbox for outbox in known if outbox.outbox_id == said.outbox_id), None)
    first_heard_at = said.received_at if same is None else same.first_heard_at
    lost = said.lost if same is None else _together(same.lost, said.lost)
    return Outbox(said.device_id, said.outbox_id, first_heard_at, said.received_at, said.waiting, lost)


def _measured_so_since(said: Said, outbox: Outbox | None, known: Sequence[Outbox]) -> int:
    """Of a device's first outbox, its first interval has always held; of a later one, since we heard of that."""
    if said.interval_since > 0:
        return min(said.interval_since, said.received_at + AHEAD)
    is_first = outbox is None or not any(other.outbox_id != outbox.outbox_id for other in known)
    if is_first or outbox is None:
        return 0
    return outbox.first_heard_at


def _together(one: Ranges, other: Ranges) -> Ranges:
    for first, last in other:
        one = one.with_range(first, last)
    return one


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 53:
        return None
    return value
