"""Telling: which of its numbers are durable is said to an outbox at once; where much is said, only now and then.

Ranges grow, so that a later word contains the earlier ones: under heavy traffic one word for several packs is enough.
An agent has a window of packs under way, and is told before half of it is used up. Such a word goes out with QoS 0: the
next one contains it, and an agent that hears none sends again and is answered.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from coldchain.answers import Acknowledgement, RefusedPack, encode_acknowledgement, encode_refused
from coldchain.topics import mqtt_topic
from ingest.gate import Message, Outcome

ACK_LEAF = "ack"
REFUSED_LEAF = "refused"

MUCH = 64
"""From so many messages in a batch on, words are saved."""

PACKS_A_WORD = 4
LONGEST_S = 0.8
"""After so many packs, or so long after the word before (a quarter longer at most), an outbox is told in any case."""


class Publish(Protocol):
    def __call__(self, topic: str, payload: bytes, *, qos: int) -> None: ...


OutboxKey = tuple[str, str]
Said = tuple[str, bytes]
"""Topic and body."""


def answers(batch: Sequence[Message], outcomes: Sequence[Outcome]) -> list[Said]:
    """All that can be said after a batch: ranges once an outbox, each refusal once."""
    durable: dict[OutboxKey, Acknowledgement] = {}
    for message, outcome in zip(batch, outcomes, strict=True):
        if outcome.acknowledgement is not None:
            durable[message.device_id, outcome.acknowledgement.outbox_id] = outcome.acknowledgement
    said = [(mqtt_topic(device_id, ACK_LEAF), encode_acknowledgement(told)) for (device_id, _), told in durable.items()]
    return said + refusals(batch, outcomes)


def refusals(batch: Sequence[Message], outcomes: Sequence[Outcome]) -> list[Said]:
    refused: dict[tuple[str, RefusedPack], None] = {}
    for message, outcome in zip(batch, outcomes, strict=True):
        if outcome.refused is not None:
            refused[message.device_id, outcome.refused] = None
    return [(mqtt_topic(device_id, REFUSED_LEAF), encode_refused(told)) for device_id, told in refused]


@dataclass(slots=True)
class _Waiting:
    """The newest word for an outbox that was not said yet, and for how many packs it stands."""

    told: Acknowledgement
    packs: int = 0


class Teller:
    """Says it through `publish`, in the loop's thread; what it did not say when it ends, the next sending asks for."""

    def __init__(self, publish: Publish, clock: Callable[[], float] = time.monotonic) -> None:
        self._publish = publish
        self._clock = clock
        self._waiting: dict[OutboxKey, _Waiting] = {}
        self._told_at: dict[OutboxKey, float] = {}

    def note(self, batch: Sequence[Message], outcomes: Sequence[Outcome]) -> None:
        """What became of a batch: said now, or left for a later word."""
        now = self._clock()
        touched: dict[OutboxKey, _Waiting] = {}
        for message, outcome in zip(batch, outcomes, strict=True):
            told = outcome.acknowledgement
            if told is None:
                continue
            key = (message.device_id, told.outbox_id)
            waiting = self._waiting.get(key)
            if waiting is None:
                waiting = self._waiting[key] = _Waiting(told)
            waiting.told = told
            waiting.packs += 1
            touched[key] = waiting
        is_quiet = len(batch) < MUCH
        for key, waiting in touched.items():
            if is_quiet or waiting.packs >= PACKS_A_WORD or now - self._told_at.get(key, 0.0) >= LONGEST_S:
                self._say(key, waiting.told, now, qos=1 if is_quiet else 0)
        for topic, body in refusals(batch, outcomes):
            self._publish(topic, body, qos=1)

    def catch_up(self) -> None:
        """Say what has waited long enough; forget when outboxes were told that need no patience any more."""
        now = self._clock()
        for key in [key for key in self._waiting if now - self._told_at.get(key, 0.0) >= LONGEST_S]:
            self._say(key, self._waiting[key].told, now, qos=0)
        for key in [key for key, at in self._told_at.items() if now - at >= LONGEST_S and key not in self._waiting]:
            del self._told_at[key]

    async def keep_on(self) -> None:
        """Catch up, for ever."""
        while True:
            await asyncio.sleep(LONGEST_S / 4)
            if self._told_at:
                self.catch_up()

    def _say(self, key: OutboxKey, told: Acknowledgement, now: float, qos: int) -> None:
        del self._waiting[key]
        self._told_at[key] = now
        self._publish(mqtt_topic(key[0], ACK_LEAF), encode_acknowledgement(told), qos=qos)
