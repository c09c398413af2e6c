"""An interval: one stay out of range that met its rule. A derived fact: readings, placements and rules give it."""

from dataclasses import dataclass

from coldchain.clock import MINUTE, iso
from coldchain.readings import celsius
from coldchain.rules import Rule, Severity


@dataclass(frozen=True, slots=True)
class Interval:
    """Instants in ms UTC, `extreme` in centidegrees, `out` and `unknown` in ms.

    `ended_at` is None while the sensor is still out, and for ever where its sensor was moved before it came back
    (`cut`): such an interval is closed by a person. `out` leaves the unknown time out; `proven` says that the
    known time alone meets the rule. `stay` is the placement that was judged, None where there was none yet.
    """

    code: str
    rule_set: str
    rule_version: int
    severity: Severity
    stay: str | None
    started_at: int
    alarmed_at: int
    ended_at: int | None
    extreme: int
    out: int
    unknown: int
    proven: bool
    cut: bool = False


def as_shown(interval: Interval) -> dict[str, object]:
    """The fields that `/excursions` and `coldchain judge` share."""
    return {
        "rule": interval.code,
        "severity": interval.severity,
        "started_at": iso(interval.started_at),
        "alarmed_at": iso(interval.alarmed_at),
        "ended_at": None if interval.ended_at is None else iso(interval.ended_at),
        "extreme_c": celsius(interval.extreme),
        "minutes_out": minutes(interval.out),
        "minutes_unknown": minutes(interval.unknown),
        "proven": interval.proven,
    }


def minutes(milliseconds: int) -> float:
    return round(milliseconds / MINUTE, 3)


def meets(rule: Rule, known: int) -> bool:
    """Whether so much known time out of range alone meets the rule."""
    return known >= rule.duration
