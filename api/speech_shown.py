"""How a device speaks, as the desk is told of it and shows it; and the token that stands for a device in an address."""

import json
from typing import Protocol

from api import models
from api.access import Scope
from api.shown import instant_shown
from ingest.dialects import checked_mapping
from registry import devices, speech
from registry.devices import Credentials, Device, SpokenFor
from registry.speech import BadSpeech, Speech

DOT = "."
"""Stands between name and password; no device's name has one."""

NOBODY = "-"
"""No device's name: they have three signs at least."""


class Shelf(devices.Shelf, Protocol):
    """Devices and places."""


def speech_of(asked: models.SpeechAsked, *, is_bridge: bool) -> Speech:
    """What was asked, checked as the books and the gate will take it.

    Raises BadSpeech, BadMapping, filters.BadFilter, dialects.NoSuchDialect.
    """
    told = speech.checked(
        asked.dialect,
        asked.hardware_id,
        asked.topics,
        asked.probes,
        asked.mapping,
        asked.zone,
        is_bridge=is_bridge,
    )
    if told.mapping is not None:
        checked_mapping(json.loads(told.mapping))
    return told


def speech_shown(shelf: Shelf, device: Device, scope: Scope) -> models.SpeechShown:
    speaks_for = shelf.devices.speaks_for(device.device_id)
    spoken_for = shelf.devices.spoken_for(device.device_id)
    seen = _seen(shelf, [*(one.device_id for one in speaks_for), *(one.bridge_id for one in spoken_for)], scope)
    return models.SpeechShown(
        dialect=device.dialect,
        hardware_id=device.hardware_id,
        topics=list(device.topics),
        probes=dict(device.probes),
        mapping=device.mapping,
        zone=device.zone,
        speaks_for=[spoken_shown(one) for one in speaks_for if one.device_id in seen],
        spoken_for=[spoken_shown(one) for one in spoken_for if one.bridge_id in seen],
    )


def spoken_shown(one: SpokenFor) -> models.Spoken:
    return models.Spoken(
        bridge_id=one.bridge_id,
        device_id=one.device_id,
        hardware_id=one.hardware_id,
        from_=instant_shown(one.since),
        to=instant_shown(one.until),
    )


def token_of(given: Credentials) -> str:
    """What a device that can show no name and password puts into the address instead. A secret as they are."""
    return f"{given.device_id}{DOT}{given.password}"


def device_and_password(token: str) -> tuple[str, str]:
    """The two that a token is made of; of one that we never gave, such as nobody has."""
    device_id, _, password = token.partition(DOT)
    return device_id or NOBODY, password


def _seen(shelf: Shelf, device_ids: list[str], scope: Scope) -> set[str]:
    known = shelf.devices.several(sorted(set(device_ids)))
    places = shelf.places.several(sorted({one.place_id for one in known.values()}))
    return {key for key, one in known.items() if scope.covers(places[one.place_id].path)}


__all__ = ["BadSpeech", "device_and_password", "speech_of", "speech_shown", "spoken_shown", "token_of"]
