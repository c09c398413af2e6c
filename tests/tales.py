"""Tiny helpers with which a test tells its story."""

from coldchain.clock import HOUR, MINUTE
from coldchain.judgement import Interval, always
from coldchain.judgement import judge as judge_columns
from coldchain.readings import centidegrees
from coldchain.rules import Rule, RuleSet, rule_set

Story = list[tuple[int, int]]

NEW_YEAR = 1_767_225_600_000  # 2026-01-01T00:00:00Z
QUARTER = 15 * MINUTE


def hour(number: float) -> int:
    """An instant so many hours into 2026."""
    return NEW_YEAR + round(number * HOUR)


def minute(number: float) -> int:
    return NEW_YEAR + round(number * MINUTE)


def story(*readings: tuple[int, float]) -> Story:
    """Readings as (instant, °C), sorted as the fold wants them, each once."""
    return sorted({(at, centidegrees(str(celsius))) for at, celsius in readings})


def every(step: int, begin: int, end: int, celsius: float) -> list[tuple[int, float]]:
    """The same temperature from `begin` to `end`, both included."""
    return [(at, celsius) for at in range(begin, end + 1, step)]


def judge(told: Story, *rules: Rule, interval: int = QUARTER) -> list[Interval]:
    timeline = always(RuleSet("tale", 1, rules), interval, "tvc")
    return judge_columns([at for at, _ in told], [value for _, value in told], timeline)


def shipped(name: str, code: str) -> Rule:
    return next(rule for rule in rule_set(name).rules if rule.code == code)


HEAT = shipped("refrigerator", "HEAT")
FRZE = shipped("refrigerator", "FRZE")
