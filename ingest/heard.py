"""What was heard lately of a device that somebody watches: what was understood of it, and what was refused and why.

Kept in memory, for a while, of few; nothing is kept of whom nobody watches. Of the hardware that a bridge names and
nobody knows, its name and last readings are kept too, so that it can be enrolled.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from coldchain.clock import MINUTE
from coldchain.packs import Pack
from ingest.foreign import Told

WATCHED_FOR = MINUTE
"""So long is kept what comes after somebody asked; a page that watches asks again all the time."""

MOST_WATCHED = 200
MOST_KEPT = 50
MOST_READINGS = 40
MOST_STRANGERS = 200
EXCERPT = 2_000
HEX_EXCERPT = 256


class HeardReading(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reading of a message: `value` in hundredths of its unit, or a fault; to which device it went, or why not."""

    hardware_id: str | None
    sensor: str
    unit: str
    measured_at: int | None
    value: int | None
    fault: str | None = None
    device_id: str | None = None
    reason: str | None = None
    detail: str | None = None


class Heard(msgspec.Struct, frozen=True):
    """A message as it came. `payload` is its beginning: as text, or in hexadecimal digits where it is none."""

    number: int
    received_at: int
    topic: str
    size: int
    payload: str
    is_text: bool
    is_retained: bool
    dialect: str
    verdict: str
    readings: Sequence[HeardReading]
    reason: str | None
    detail: str | None


class Stranger(msgspec.Struct):
    """Hardware that a bridge named and that it speaks for no device of."""

    hardware_id: str
    last_at: int
    count: int = 0
    readings: dict[str, HeardReading] = msgspec.field(default_factory=dict)


@dataclass(slots=True)
class _Watch:
    until: int
    kept: deque[Heard] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))


class HeardLately:
    """Belongs to the gate, and is used in its thread. Instants in ms UTC."""

    def __init__(self) -> None:
        self._watches: OrderedDict[str, _Watch] = OrderedDict()
        self._strangers: dict[str, OrderedDict[str, Stranger]] = {}
        self._number = 0

    @property
    def is_watched(self) -> bool:
        return bool(self._watches)

    def since(self, device_id: str, after: int, now: int) -> list[Heard]:
        """What was heard of the device after this number; from now on it is watched, for a while."""
        self.forget(now)
        watch = self._watches.setdefault(device_id, _Watch(0))
        watch.until = now + WATCHED_FOR
        self._watches.move_to_end(device_id)
        while len(self._watches) > MOST_WATCHED:
            self._watches.popitem(last=False)
        return [one for one in watch.kept if one.number > after]

    def forget(self, now: int) -> None:
        """Whom nobody asked about for a while is watched no more."""
        for device_id in [key for key, watch in self._watches.items() if not now < watch.until <= now + WATCHED_FOR]:
            del self._watches[device_id]

    def strangers(self, bridge_id: str) -> list[Stranger]:
        """Hardware that the bridge named and nobody knew, the latest first."""
        return list(reversed(self._strangers.get(bridge_id, {}).values()))

    def meet(self, bridge_id: str, told: Sequence[Told], at: int) -> None:
        """Note which hardware of the message nobody knows."""
        met = self._strangers.setdefault(bridge_id, OrderedDict())
        for one in told:
            if one.why is None or one.why.hardware_id is None:
                continue
            stranger = met.setdefault(one.why.hardware_id, Stranger(one.why.hardware_id, at))
            stranger.last_at = at
            stranger.count += 1
            if len(stranger.readings) < MOST_READINGS or one.channel in stranger.readings:
                stranger.readings[one.channel] = _shown(one)
            met.move_to_end(one.why.hardware_id)
        while len(met) > MOST_STRANGERS:
            met.popitem(last=False)

    def know(self, bridge_id: str, hardware_ids: Sequence[str]) -> None:
        """The bridge speaks for these now: strangers no more."""
        known = {one.casefold() for one in hardware_ids}
        met = self._strangers.get(bridge_id, OrderedDict())
        for hardware_id in [one for one in met if one.casefold() in known]:
            del met[hardware_id]

    def note(
        self,
        by: str,
        dialect: str,
        topic: str,
        payload: bytes,
        received_at: int,
        verdict: str,
        told: Sequence[Told],
        packs: Sequence[Pack],
        why: tuple[str, str] | None,
        *,
        is_retained: bool = False,
    ) -> None:
        """Keep the message for those who watch the device that it came by, or one that it speaks of.

        Whoever watches a device behind a bridge sees its own readings, and the message only where it holds no others'.
        """
        readings = [_shown(one) for one in told] or [one for pack in packs for one in _of_pack(pack)]
        speaks_of = {one.device_id for one in readings if one.device_id is not None}
        for device_id in {by, *speaks_of} & self._watches.keys():
            is_own = device_id == by or speaks_of == {device_id}
            text, is_text = excerpt(payload) if is_own else ("", True)
            shown = readings if device_id == by else [one for one in readings if one.device_id == device_id]
            self._number += 1
            self._watches[device_id].kept.append(
                Heard(
                    number=self._number,
                    received_at=received_at,
                    topic=topic[:EXCERPT],
                    size=len(payload),
                    payload=text,
                    is_text=is_text,
                    is_retained=is_retained,
                    dialect=dialect,
                    verdict=verdict,
                    readings=shown[:MOST_READINGS],
                    reason=why[0] if why is not None and is_own else None,
                    detail=why[1] if why is not None and is_own else None,
                )
            )


def excerpt(payload: bytes) -> tuple[str, bool]:
    """The beginning of a payload, and whether it is text."""
    try:
        text = payload[: 4 * EXCERPT].decode("utf-8")
    except UnicodeDecodeError as why:
        text = payload[: why.start].decode("utf-8") if why.start >= 4 * EXCERPT - 3 else ""
    if text and all(sign.isprintable() or sign in "\r\n\t" for sign in text[:EXCERPT]):
        return text[:EXCERPT], True
    return payload[:HEX_EXCERPT].hex(" "), not payload


def _shown(one: Told) -> HeardReading:
    reading, why = one.reading, one.why
    return HeardReading(
        reading.device_id,
        one.channel,
        reading.unit,
        reading.measured_at,
        reading.value,
        reading.fault,
        one.device_id,
        None if why is None else why.reason,
        None if why is None else why.detail,
    )


def _of_pack(pack: Pack) -> list[HeardReading]:
    """The first ones, in the order of the pack."""
    shown = []
    for column in pack.columns:
        for one in islice(column.readings(), MOST_READINGS):
            at = None if pack.quality in ("arrival", "undated") else one.measured_at
            shown.append(HeardReading(None, one.channel, column.unit, at, one.centidegrees, one.fault, pack.device_id))
    return shown
