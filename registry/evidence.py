"""Evidence: what a source says, kept beside what is judged: day summaries, a device's own alarms, readings by hand.

Only readings are judged. The same source twice (the same digest) is one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal, Protocol, get_args

from coldchain.errors import Refused
from coldchain.events import DeviceSaid
from coldchain.ids import new_id

Kind = Literal["reading", "day-summary", "device-alarm", "manual-reading"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Evidence:
    """`subject` is a storage point's or a device's id; `digest` of the source's bytes (SHA-256, hexadecimal)."""

    kind: Kind
    subject: str
    digest: str
    happened_at: int
    recorded_at: int
    content: Mapping[str, Any]
    client_id: str | None = None
    evidence_id: str = field(default_factory=new_id)


class BadEvidence(Refused):
    """Something was handed in as evidence that is none."""


class Evidences(Protocol):
    def of_source(self, kind: Kind, digest: str) -> list[Evidence]: ...

    def noted(self, client_ids: Sequence[str]) -> set[str]:
        """Those of the ids under which something is kept."""
        ...

    def of_subject(self, subject: str, since: int, until: int) -> list[Evidence]:
        """Of [since, until), in order of what happened."""
        ...

    def add(self, evidence: Evidence) -> None: ...


class Shelf(Protocol):
    @property
    def evidence(self) -> Evidences: ...


def keep(
    shelf: Shelf,
    kind: str,
    subject: str,
    digest: str,
    happened_at: int,
    at: int,
    content: Mapping[str, Any],
    client_id: str | None = None,
) -> bool:
    """False where the source had been kept for the subject and instant already. Raises BadEvidence."""
    if len(digest) != 64:
        raise BadEvidence("evidence names its source by the SHA-256 of its bytes, in hexadecimal")
    same = shelf.evidence.of_source(_kind(kind), digest)
    if any((one.subject, one.happened_at) == (subject, happened_at) for one in same):
        return False
    shelf.evidence.add(Evidence(_kind(kind), subject, digest, happened_at, at, content, client_id))
    return True


@dataclass(frozen=True, slots=True)
class Said:
    """What a source says of the subject from `happened_at` (ms UTC) on, before it is kept."""

    kind: str
    subject: str
    digest: str
    happened_at: int
    content: Mapping[str, Any]

    @property
    def client_id(self) -> str:
        """The same for the same words, whichever source brings them: exports of a logger overlap."""
        words = json.dumps([self.kind, self.subject, self.happened_at, self.content], sort_keys=True)
        return blake2b(words.encode(), digest_size=16).hexdigest()


def keep_all(shelf: Shelf, said: Sequence[Said], at: int) -> int:
    """Keep what is not kept yet; gives how many. Raises BadEvidence."""
    by_client = {one.client_id: one for one in said}
    noted = shelf.evidence.noted(list(by_client))
    return sum(
        keep(shelf, one.kind, one.subject, one.digest, one.happened_at, at, one.content, client_id)
        for client_id, one in by_client.items()
        if client_id not in noted
    )


def take_said(shelf: Shelf, said: Sequence[DeviceSaid], at: int) -> None:
    """What the gate heard devices say of themselves."""
    keep_all(shelf, [Said(one.kind, one.device_id, one.digest, one.happened_at, one.content) for one in said], at)


def _kind(text: str) -> Kind:
    for kind in KINDS:
        if kind == text:
            return kind
    raise BadEvidence(f"{text!r} is no kind of evidence; there are {', '.join(KINDS)}")
