"""A run: consecutive readings out of range, judged to their end by the rule in force at the first of them.

WHO PQS E003 and E006 DS01: one reading back in range ends it and clears the timer. Between two readings the
earlier one holds. A gap longer than twice the declared interval between two readings out does not end the run, else a
logger that loses a record now and then would hide any heat; it counts as unknown.
"""

from dataclasses import dataclass, replace

from coldchain.judgement.interval import Interval, meets
from coldchain.judgement.timeline import Stretch
from coldchain.rules import Rule


@dataclass(frozen=True, slots=True)
class Run:
    """Instants in ms UTC, `out` and `unknown` in ms up to `last_at`; `alarmed_at` once the duration was full."""

    rule: Rule
    rule_set: str
    rule_version: int
    stay: str | None
    started_at: int
    last_at: int
    extreme: int
    out: int = 0
    unknown: int = 0
    alarmed_at: int | None = None

    def continued_by(self, at: int, value: int, longest_known: int) -> "Run":
        known, unknown = self._since_last(at, longest_known)
        full = at - self.started_at >= self.rule.duration
        return replace(
            self,
            last_at=at,
            extreme=self.rule.worse(self.extreme, value),
            out=self.out + known,
            unknown=self.unknown + unknown,
            alarmed_at=at if self.alarmed_at is None and full else self.alarmed_at,
        )

    def ended_by(self, at: int, longest_known: int) -> Interval | None:
        """The interval that a reading back in range closes, if the rule was met.

        After a long gap the run ends with what was known: the gap is neither out nor unknown time of it.
        """
        known, _ = self._since_last(at, longest_known)
        return replace(self, out=self.out + known).interval(ended_at=at)

    def interval(self, ended_at: int | None = None, cut: bool = False) -> Interval | None:
        """What there is to tell of the run so far, None while its duration is not full."""
        if self.alarmed_at is None:
            return None
        return Interval(
            code=self.rule.code,
            rule_set=self.rule_set,
            rule_version=self.rule_version,
            severity=self.rule.severity,
            stay=self.stay,
            started_at=self.started_at,
            alarmed_at=self.alarmed_at,
            ended_at=ended_at,
            extreme=self.extreme,
            out=self.out,
            unknown=self.unknown,
            proven=meets(self.rule, self.out),
            cut=cut,
        )

    def _since_last(self, at: int, longest_known: int) -> tuple[int, int]:
        elapsed = at - self.last_at
        return (elapsed, 0) if elapsed <= longest_known else (0, elapsed)


def begun_by(at: int, value: int, rule: Rule, stretch: Stretch) -> Run:
    return Run(
        rule=rule,
        rule_set=stretch.rule_set,
        rule_version=stretch.rule_version,
        stay=stretch.stay,
        started_at=at,
        last_at=at,
        extreme=value,
        alarmed_at=at if rule.duration == 0 else None,
    )


def step(run: Run, at: int, value: int, longest_known: int) -> tuple[Run | None, Interval | None]:
    """Fold the next reading, in time order, into the run; None and the interval, if any, where that ends it."""
    if run.rule.is_out(value):
        return run.continued_by(at, value, longest_known), None
    return None, run.ended_by(at, longest_known)
