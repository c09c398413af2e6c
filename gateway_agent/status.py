"""The status: what an agent says of itself, retained at the broker, with `offline` as its last will."""

import json
from dataclasses import dataclass, replace
from typing import Any

from coldchain import __version__
from coldchain.answers import Configuration
from coldchain.ranges import Ranges
from gateway_agent.clocks import Moment

OFFLINE = b'{"state":"offline"}'


@dataclass(frozen=True, slots=True)
class Declared:
    """The interval that this agent promises, in ms, and since when: an uptime of a boot, and the instant once known.

    `at` is 0 for the first interval of an outbox: it holds for whatever is in it.
    """

    interval: int
    boot_id: str
    uptime: int
    at: int | None

    def as_text(self) -> str:
        return json.dumps([self.interval, self.boot_id, self.uptime, self.at])

    def dated_by(self, moment: Moment, offset: int | None) -> "Declared":
        """With its instant, if the time of the present boot is known. A change in a boot whose time nobody ever knew
        counts from now."""
        if self.at is not None or offset is None:
            return self
        uptime = self.uptime if self.boot_id == moment.boot_id else moment.uptime
        return Declared(self.interval, moment.boot_id, uptime, uptime + offset)


def declared(text: str, interval: int, moment: Moment) -> Declared:
    """The declaration kept as `text` if it is of this interval; else a new one, the first where there is none."""
    if not text:
        return Declared(interval, moment.boot_id, moment.uptime, 0)
    kept = Declared(*json.loads(text))
    return kept if kept.interval == interval else Declared(interval, moment.boot_id, moment.uptime, None)


@dataclass(frozen=True, slots=True)
class Status:
    """`waiting` readings without acknowledgement, `not_kept` readings that a full disk kept out; instants in ms."""

    outbox_id: str
    waiting: int
    lost: Ranges
    not_kept: int
    declared: Declared
    wished: Configuration
    is_time_known: bool
    is_disk_full: bool
    started_at: int | None

    def differs(self, other: "Status") -> bool:
        """Whether there is something to tell at once; how much waits changes with every beat."""
        return replace(self, waiting=0) != replace(other, waiting=0)

    def as_json(self) -> bytes:
        table: dict[str, Any] = {"state": "online", "outbox": self.outbox_id, "waiting": self.waiting}
        table["lost"] = self.lost.pairs()
        if self.not_kept:
            table["not_kept"] = self.not_kept
        if self.declared.at is not None:
            table["interval_s"] = _seconds(self.declared.interval)
            table["interval_since"] = self.declared.at
        limits = {"low_c": self.wished.low_c, "high_c": self.wished.high_c}
        if any(limit is not None for limit in limits.values()):
            table["limits"] = {name: limit for name, limit in limits.items() if limit is not None}
        table["version"] = __version__
        table["clock"] = "trusted" if self.is_time_known else "untrusted"
        table["disk"] = "full" if self.is_disk_full else "ok"
        table["started_at"] = self.started_at
        return json.dumps(table, separators=(",", ":")).encode()


def _seconds(milliseconds: int) -> int | float:
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000
