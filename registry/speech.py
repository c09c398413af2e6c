"""How a device speaks: in which dialect, under which name of its own, on which topics, and which probe is which.

Ours is SenML below the device's own name, where nothing else need be said. Of another, the gate must know where it
publishes; the broker lets it publish there, and nobody else.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coldchain import dialects, filters
from coldchain.errors import Conflict, Refused
from coldchain.quantities import ROLES, Role

LONGEST_HARDWARE_ID = 100
LONGEST_CHANNEL = 64
LONGEST_MAPPING = 16_384
MOST_TOPICS = 16
MOST_PROBES = 64


@dataclass(frozen=True, slots=True)
class Speech:
    """`mapping` is JSON text, `zone` that of times that name none ("": its place's). `probes`: channel → role."""

    dialect: str = dialects.OURS
    hardware_id: str | None = None
    topics: Sequence[str] = ()
    probes: Mapping[str, Role] = field(default_factory=dict)
    mapping: str | None = None
    zone: str = ""


class BadSpeech(Refused):
    """A device was said to speak in a way that it cannot."""


class TopicTaken(Conflict):
    """Another device publishes there: whose a message is could not be told."""


def checked(
    dialect: str = "",
    hardware_id: str | None = None,
    topics: Sequence[str] | None = None,
    probes: Mapping[str, str] | None = None,
    mapping: str | None = None,
    zone: str = "",
    *,
    is_bridge: bool = False,
    is_behind_bridge: bool = False,
) -> Speech:
    """What was said of it, made whole: without topics those that the dialect's devices have by default.

    Raises BadSpeech, dialects.NoSuchDialect, filters.BadFilter.
    """
    known = dialects.dialect(dialect.strip().lower() or dialects.OURS)
    own = _hardware_id(hardware_id)
    if is_behind_bridge:
        if topics:
            raise BadSpeech("a device behind a bridge publishes nothing itself: its bridge has the topics")
        told: Sequence[str] = ()
    else:
        told = _topics(known, own, topics, is_bridge=is_bridge)
    return Speech(known.name, own, list(told), _probes(probes or {}), _mapping(mapping), _zone(zone))


def check_free(topics: Iterable[str], others: Iterable[tuple[str, Sequence[str]]]) -> None:
    """`others` are the devices that speak, each with its topics. Raises TopicTaken."""
    own = list(topics)
    for device_id, theirs in others:
        for taken in theirs:
            for one in own:
                if filters.overlap(one, taken):
                    raise TopicTaken(f"{one!r} means topics of the device {device_id} too, which has {taken!r}")


def _topics(
    known: dialects.KnownDialect, hardware_id: str | None, topics: Sequence[str] | None, *, is_bridge: bool
) -> Sequence[str]:
    if topics:
        if len(topics) > MOST_TOPICS:
            raise BadSpeech(f"a device has {MOST_TOPICS} topics at most; one filter may stand for many")
        told = [filters.checked(one) for one in topics]
    else:
        told = [filters.checked(one) for one in known.topics_of(hardware_id, is_bridge=is_bridge)]
    for place, one in enumerate(told):
        if any(filters.overlap(one, other) for other in told[:place]):
            raise BadSpeech(f"{one!r} means topics that another filter of the device means already")
    return told


def _hardware_id(text: str | None) -> str | None:
    told = (text or "").strip()
    if not told:
        return None
    if len(told) > LONGEST_HARDWARE_ID or not told.isprintable():
        raise BadSpeech(f"a hardware id has {LONGEST_HARDWARE_ID} printable characters at most")
    if any(sign in told for sign in (filters.ANY, filters.REST)) or told.startswith("$"):
        raise BadSpeech(f"{told!r} is no hardware id: MQTT means other topics by '+', '#' and '$'")
    return told


def _probes(probes: Mapping[str, str]) -> dict[str, Role]:
    if len(probes) > MOST_PROBES:
        raise BadSpeech(f"a device has {MOST_PROBES} probes at most")
    told: dict[str, Role] = {}
    for channel, text in probes.items():
        if not channel or len(channel) > LONGEST_CHANNEL:
            raise BadSpeech(f"{channel[:LONGEST_CHANNEL]!r} is no channel of a device")
        role = next((role for role in ROLES if role == text), None)
        if role is None:
            raise BadSpeech(f"{text!r} is no role of a probe; there are {', '.join(ROLES)}")
        told[channel] = role
    return told


def _mapping(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    if len(text) > LONGEST_MAPPING:
        raise BadSpeech(f"a mapping table has {LONGEST_MAPPING:,} characters at most")
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        raise BadSpeech("a mapping table is a JSON object, and this is no JSON") from None
    if not isinstance(table, dict):
        raise BadSpeech('a mapping table is a JSON object, such as {"temperature": "data.t"}')
    return json.dumps(table, ensure_ascii=False, separators=(",", ":"))


def _zone(text: str) -> str:
    told = text.strip()
    if told:
        try:
            ZoneInfo(told)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the text names a folder of the zone data
            raise BadSpeech(f"{told!r} is no time zone; write one like Asia/Kolkata") from None
    return told
