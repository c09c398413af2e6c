"""The watch: the platform's own judgement over this gateway's readings, by local limits, with no network at all.

What is going on survives a restart: it is kept as text in the outbox, in the transaction of the readings.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coldchain import __version__
from coldchain.answers import Configuration
from coldchain.clock import HOUR
from coldchain.judgement import AT_REST, Memory, Run, Tally, Timeline, always, fold
from coldchain.judgement.tally import Piece
from coldchain.quantities import CELSIUS
from coldchain.readings import centidegrees
from coldchain.rules import Rule, RuleSet, Severity
from gateway_agent.alarm import Alarm
from gateway_agent.clocks import Moment
from gateway_agent.sensors import Sensed

log = logging.getLogger("agent.watch")

WISHED_HIGH, WISHED_LOW = "HIGH", "LOW"
"""The codes of the limits that the server wishes."""

LONGEST_OFF = 24 * HOUR
"""A restart later than this, in ms, is no continuation of what was going on before."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What a beat's readings were to the local limits. `is_urgent`: a limit was crossed, or a fault began or ended."""

    is_urgent: bool
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """One channel: what it is judged by, what is going on, and what the last reading was."""

    timeline: Timeline
    memory: Memory = AT_REST
    last: Sensed | None = None
    ringing: tuple[tuple[str, Severity], ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        return self.timeline.stretches[0].rules

    def crosses(self, sensed: Sensed) -> bool:
        """Whether this reading is on another side of some limit than the last, or a fault begins, changes or ends."""
        fault_before = self.last.fault if self.last else None
        if sensed.unit != CELSIUS:  # a door that opens, power that goes: worth telling at once
            return self.last is not None and (sensed.centidegrees, sensed.fault) != (
                self.last.centidegrees,
                fault_before,
            )
        return sensed.fault != fault_before or self._out(sensed) != self._out(self.last)

    def _out(self, sensed: Sensed | None) -> list[bool]:
        value = sensed.centidegrees if sensed else None
        return [value is not None and rule.is_out(value) for rule in self.rules]


class Watch:
    """All channels of this gateway. Judged by a clock of its own, which never goes back and counts the time off."""

    def __init__(
        self,
        rules: RuleSet,
        own_rules: Mapping[str, RuleSet],
        channels: Sequence[str],
        interval: int,
        wished_after: int,
    ) -> None:
        self._rules = rules
        self._own_rules = own_rules
        self._wished = Configuration()
        self._wished_after = wished_after
        self._interval = interval
        self._at: int | None = None
        self._last: Moment | None = None
        self._channels = {channel: Watched(self._timeline(channel)) for channel in channels}

    def judge_by(self, interval: int, wished: Configuration) -> None:
        """Another interval (ms) or other limits, from the next reading on; a run that goes on is judged to its end."""
        self._interval, self._wished = interval, wished
        for channel, watched in self._channels.items():
            self._channels[channel] = replace(watched, timeline=self._timeline(channel))

    def note(self, moment: Moment, readings: Sequence[Sensed]) -> Noted:
        """Judge one beat's readings."""
        at = self._advanced_to(moment)
        is_urgent = False
        alarms: list[Alarm] = []
        for sensed in readings:
            before = self._channels.get(sensed.channel) or Watched(self._timeline(sensed.channel))
            is_urgent |= before.crosses(sensed)
            after = _judged(before, at, sensed)
            self._channels[sensed.channel] = after
            alarms += _changes(sensed.channel, before, after)
        return Noted(is_urgent, tuple(alarms))

    def alarms(self) -> list[Alarm]:
        """What rings now."""
        return [
            Alarm(code, "alarm", channel, severity)
            for channel, watched in self._channels.items()
            for code, severity in watched.ringing
        ]

    def as_text(self) -> str:
        """What must be known after a restart; empty where nothing is going on."""
        going_on = {
            channel: [_as_table(one) for one in watched.memory.going_on]
            for channel, watched in self._channels.items()
            if watched.memory.going_on
        }
        if not going_on or self._last is None:
            return ""
        last = [self._last.boot_id, self._last.uptime, self._last.wall]
        table = {"version": __version__, "at": self._at, "last": last, "going_on": going_on}
        return json.dumps(table, separators=(",", ":"))

    def resume(self, text: str, moment: Moment) -> None:
        """Take up what `as_text` told before a restart, as far as the rules are the same."""
        if not text:
            return
        try:
            self._resume(json.loads(text), moment)
        except (ValueError, KeyError, TypeError):
            log.warning("what an earlier version noted of the alarms cannot be read; the watch begins anew")

    def _resume(self, table: dict[str, Any], moment: Moment) -> None:
        if table["version"] != __version__:
            raise ValueError("another version's memory may have another shape")
        boot_id, uptime, wall = table["last"]
        last = Moment(boot_id, uptime, wall, is_trusted=False)
        if _elapsed(last, moment, self._interval) > LONGEST_OFF:
            return
        known = {channel: watched for channel, watched in self._channels.items() if channel in table["going_on"]}
        for channel, watched in known.items():
            rules = {rule.code: rule for rule in watched.rules}
            rows = table["going_on"][channel]
            memory = Memory(tuple(one for row in rows if (one := _of_table(row, rules)) is not None))
            self._channels[channel] = replace(watched, memory=memory, ringing=_ringing(memory))
        self._at, self._last = table["at"], last

    def _advanced_to(self, moment: Moment) -> int:
        """A slow sensor's late answer is judged as of now: the watch's clock never goes back."""
        if self._at is None or self._last is None:
            self._at, self._last = moment.wall, moment
        elif (elapsed := _elapsed(self._last, moment, self._interval)) > 0:
            self._at, self._last = self._at + elapsed, moment
        return self._at

    def _timeline(self, channel: str) -> Timeline:
        own = self._own_rules.get(channel)
        if own is not None:
            return always(own, self._interval, channel)
        rules = (*self._rules.rules, *self._wished_rules())
        return always(RuleSet(self._rules.name, self._rules.version, rules), self._interval, channel)

    def _wished_rules(self) -> list[Rule]:
        wished = ((WISHED_HIGH, ">", self._wished.high_c), (WISHED_LOW, "<", self._wished.low_c))
        return [
            Rule(code, operator, centidegrees(str(limit)), "consecutive", self._wished_after, "alarm")
            for code, operator, limit in wished
            if limit is not None
        ]


def _elapsed(last: Moment, moment: Moment, interval: int) -> int:
    """Time between two moments in ms: within a boot by its uptime, over a restart by the time of day.

    A clock that woke where it fell asleep, or behind, says too little; then one interval has passed at least.
    """
    if last.boot_id == moment.boot_id:
        return max(0, moment.uptime - last.uptime)
    return max(interval, moment.wall - last.wall)


def _judged(before: Watched, at: int, sensed: Sensed) -> Watched:
    if sensed.centidegrees is None:
        return replace(before, last=sensed)  # no evidence: a gap, which the fold sees at the next number
    memory, _ = fold(before.memory, [at], [sensed.centidegrees], before.timeline)
    if memory is before.memory and not memory.going_on:
        return Watched(before.timeline, memory, sensed)
    return Watched(before.timeline, memory, sensed, _ringing(memory))


def _ringing(memory: Memory) -> tuple[tuple[str, Severity], ...]:
    return tuple((interval.code, interval.severity) for interval in memory.open_intervals())


def _changes(channel: str, before: Watched, after: Watched) -> list[Alarm]:
    if before.ringing == after.ringing:
        return []
    ended = [one for one in before.ringing if one not in after.ringing]
    begun = [one for one in after.ringing if one not in before.ringing]
    return [
        *(Alarm(code, "ended", channel, severity) for code, severity in ended),
        *(Alarm(code, "alarm", channel, severity) for code, severity in begun),
    ]


_KINDS: dict[str, type[Run] | type[Tally]] = {"run": Run, "tally": Tally}


def _as_table(one: Run | Tally) -> dict[str, Any]:
    kind = "tally" if isinstance(one, Tally) else "run"
    table = {name: getattr(one, name) for name in one.__dataclass_fields__ if name != "rule"}
    return {"kind": kind, "code": one.rule.code, "limit": one.rule.limit, **table}


def _of_table(table: dict[str, Any], rules: Mapping[str, Rule]) -> Run | Tally | None:
    """None where the rule has another limit now, or is gone."""
    kind, code, limit = table.pop("kind"), table.pop("code"), table.pop("limit")
    rule = rules.get(code)
    if rule is None or rule.limit != limit:
        return None
    if "pieces" in table:
        table["pieces"] = tuple(Piece(*piece) for piece in table["pieces"])
    return _KINDS[kind](rule=rule, **table)
