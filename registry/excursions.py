"""An excursion: an interval of the judge as the books keep it: at which storage point, in which incident, since when.

The judge's word over a span is the whole truth there (`Verdict`). What had been kept and what is true now are compared
here, without a shelf: each interval is opened, widened, closed or withdrawn, or nothing happened.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from coldchain.errors import NotFound
from coldchain.events import FOREVER, Verdict
from coldchain.ids import new_id
from coldchain.judgement import Interval
from coldchain.rules import Rule

Side = Literal["heat", "frost", "door", "power"]
"""Which way it is out of range: too hot, too cold, open, without power."""

SWITCHED: frozenset[Side] = frozenset({"door", "power"})
"""Of these there is no worst temperature."""

Change = Literal["opened", "widened", "closed", "withdrawn"]
RuleKey = tuple[str, str, str]
"""Device, channel and code: one rule on one sensor."""


@dataclass(frozen=True, slots=True)
class Excursion:
    """`storage_point_id` is where the sensor stood (None: nobody had placed it). Instants in ms UTC.

    `known_at` is when we had what stands here, `withdrawn_at` when it turned out that there was nothing.
    """

    device_id: str
    channel: str
    side: Side
    storage_point_id: str | None
    interval: Interval
    known_at: int
    incident_id: str | None = None
    withdrawn_at: int | None = None
    excursion_id: str = field(default_factory=new_id)

    @property
    def rule_key(self) -> RuleKey:
        return self.device_id, self.channel, self.interval.code

    @property
    def subject(self) -> str:
        """What is concerned: the storage point, or the device where nobody has placed it."""
        return self.storage_point_id or self.device_id

    @property
    def last_known_at(self) -> int:
        """The last instant of which it is known that it was out; of a sum that it was out at least until then."""
        return last_known(self.interval)

    @property
    def reaches(self) -> int:
        """The last instant that is known to belong to it; FOREVER while it goes on."""
        return reach(self.interval)


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of one excursion, as it stands now."""

    change: Change
    excursion: Excursion


class NoSuchExcursion(NotFound):
    """An excursion was named that the books do not know."""


class Excursions(Protocol):
    def get(self, excursion_id: str) -> Excursion:
        """Raises NoSuchExcursion."""
        ...

    def page(
        self,
        within: str,
        *,
        device_ids: Sequence[str] | None = None,
        storage_point_ids: Sequence[str] | None = None,
        since: int | None = None,
        until: int | None = None,
        withdrawn: bool = False,
        after: tuple[int, str] | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> list[Excursion]:
        """Those of points (or unplaced devices) in the subtree of the path that touch [since, until).

        In order of start and id, after the cursor (started_at, excursion_id). With `withdrawn` those as well.
        """
        ...

    def reaching(self, device_ids: Sequence[str], since: int) -> list[Excursion]:
        """Those of the devices, not withdrawn, that begin or reach at or after the instant."""
        ...

    def of_subjects(self, subjects: Sequence[str], since: int) -> list[Excursion]:
        """The same, of storage points and unplaced devices."""
        ...

    def of_incidents(self, incident_ids: Sequence[str]) -> list[Excursion]:
        """All of the incidents, withdrawn ones too, in order of start."""
        ...

    def withdrawn_starts(self, rule_keys: Sequence[RuleKey], starts: Sequence[int]) -> list[Excursion]:
        """Those withdrawn, of any of the rules on sensors, that begin at any of the instants."""
        ...

    def add(self, excursions: Sequence[Excursion]) -> None: ...

    def save(self, excursions: Sequence[Excursion]) -> None: ...


class Shelf(Protocol):
    @property
    def excursions(self) -> Excursions: ...


def last_known(interval: Interval) -> int:
    return max(interval.alarmed_at, interval.started_at + interval.out + interval.unknown)


def reach(interval: Interval) -> int:
    """Of one that was cut short by a move, what was measured of it; of others, the end."""
    if interval.cut:
        return last_known(interval)
    return FOREVER if interval.ended_at is None else interval.ended_at


def overlap(one: Interval, other: Interval) -> bool:
    """Whether the two overlap or touch."""
    return one.started_at <= reach(other) and other.started_at <= reach(one)


def after_verdicts(had: Sequence[Interval], verdicts: Iterable[Verdict]) -> list[Interval]:
    """What is true of one rule on one sensor once its verdicts, in their order, have been heard."""
    truth = list(had)
    for verdict in verdicts:
        outside = [one for one in truth if not verdict.since <= one.started_at < verdict.until]
        truth = [*outside, *verdict.intervals]
    return sorted(truth, key=lambda one: (one.started_at, one.alarmed_at))


def compare(had: Sequence[Excursion], truth: Sequence[Interval]) -> tuple[list[Changed], list[Interval]]:
    """What became of the excursions of one rule on one sensor; and the intervals that are new.

    An interval is the same excursion as before where it starts at the same instant, else where the two overlap: late
    readings move its start. Storage points and instants of knowing are for the caller to set.
    """
    left, taken, new = list(had), [], []
    for interval in truth:
        same = _same(left, interval)
        if same is not None:
            left.remove(same)
            taken.append((same, interval))
        else:
            new.append(interval)
    for interval in list(new):
        overlapped = next((one for one in left if overlap(one.interval, interval)), None)
        if overlapped is not None:
            left.remove(overlapped)
            new.remove(interval)
            taken.append((overlapped, interval))
    changed = [Changed("withdrawn", one) for one in left]
    for before, interval in taken:
        if before.interval != interval:
            change: Change = "closed" if _is_over(interval) and not _is_over(before.interval) else "widened"
            changed.append(Changed(change, replace(before, interval=interval)))
    return changed, new


def is_told(before: Interval, after: Interval) -> bool:
    """Whether the change is worth a line in the incident's history. A stay that merely goes on is none."""
    if _is_over(after):
        return before != after
    return _grown_away(before) != _grown_away(after)


def side_of(rule: Rule | None, code: str) -> Side:
    """By what it watches; by its code where the books do not have the rule (they were made anew, the judge was not)."""
    if rule is None:
        return next((side for start, side in _SIDES_BY_CODE if code.startswith(start)), "heat")
    if rule.quantity == "temperature":
        return "heat" if rule.is_upper else "frost"
    return "door" if rule.quantity == "door" else "power"


_SIDES_BY_CODE: tuple[tuple[str, Side], ...] = (("FR", "frost"), ("DOOR", "door"), ("POWR", "power"))


def _same(candidates: Sequence[Excursion], interval: Interval) -> Excursion | None:
    begun = [one for one in candidates if one.interval.started_at == interval.started_at]
    exact = [one for one in begun if one.interval.alarmed_at == interval.alarmed_at]
    return next(iter(exact or begun), None)


def _is_over(interval: Interval) -> bool:
    return interval.cut or interval.ended_at is not None


def _grown_away(interval: Interval) -> Interval:
    return replace(interval, extreme=0, out=0, unknown=0)
