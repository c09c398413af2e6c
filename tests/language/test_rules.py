"""What rules promise: data with their sources, and a reason for whoever writes them wrong."""

import pytest

from coldchain.clock import HOUR, MINUTE
from coldchain.rules import BadRules, NoSuchRuleSet, built_in, parse_rules, rule_set
from tests.tales import shipped

GOOD = """
[[rule]]
code = "HEAT"
operator = ">"
limit_c = 8.0
mode = "consecutive"
duration_s = 36000
severity = "alarm"
"""


def test_heat_is_above_eight_degrees_for_ten_hours():
    heat = shipped("refrigerator", "HEAT")

    assert (heat.operator, heat.limit, heat.duration, heat.severity) == (">", 800, 10 * HOUR, "alarm")
    assert heat.is_out(801)
    assert not heat.is_out(800)


def test_frost_is_at_half_a_degree_below_zero_for_an_hour():
    frost = shipped("refrigerator", "FRZE")

    assert (frost.operator, frost.limit, frost.duration) == ("<=", -50, 60 * MINUTE)
    assert frost.is_out(-50)
    assert not frost.is_out(-49)


def test_every_alarm_of_a_store_has_an_earlier_warning_of_its_side():
    """An open door has five minutes in all, and a transport indicator's thresholds are those of its standard."""
    for rules in (one for name, one in built_in().items() if not name.startswith("transport-")):
        for alarm in (rule for rule in rules.rules if rule.severity == "alarm" and rule.quantity != "door"):
            of_its_side = [r for r in rules.rules if (r.quantity, r.is_upper) == (alarm.quantity, alarm.is_upper)]
            warnings = [rule for rule in of_its_side if rule.severity == "warning"]
            assert any(warning.duration < alarm.duration for warning in warnings), (rules.name, alarm.code)


def test_every_shipped_rule_says_where_it_comes_from_and_how_sure_that_is():
    for rules in built_in().values():
        for rule in rules.rules:
            assert rule.source
            assert rule.verified in ("V", "R", "P")


def test_a_set_that_does_not_ship_is_told_with_those_that_do():
    with pytest.raises(NoSuchRuleSet, match="refrigerator"):
        rule_set("fridge")


def test_people_write_their_own():
    rules = parse_rules(GOOD + 'sensor = "t*"\n', "mine.toml")

    [rule] = rules.rules
    assert (rules.name, rules.version) == ("mine.toml", 1)
    assert rule.watches("tvc")
    assert not rule.watches("ambient")


def test_a_limit_is_read_as_decimal_text():
    assert parse_rules(GOOD.replace("8.0", "8.005"), "mine").rules[0].limit == 801


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("[[rule]]", "[[rules]]"), r"\[\[rule\]\]"),
        (('code = "HEAT"', "code = 1"), "code must be a text"),
        (('">"', '"=="'), "operator must be one of"),
        (("limit_c = 8.0", "limit_c = nan"), "limit_c must be a number"),
        (("limit_c = 8.0", "limit_c = true"), "limit_c must be a number"),
        (("limit_c = 8.0", ""), "limit_c must be a number"),
        (("36000", "-1"), "duration_s must be a number of seconds"),
        (("36000", '"10h"'), "duration_s must be a number of seconds"),
        (('"alarm"', '"panic"'), "severity must be one of"),
        (('"consecutive"', '"sometimes"'), "mode must be one of"),
        (('severity = "alarm"', 'severity = "alarm"\nwindow_s = 5'), "window_s belongs to mode"),
        (('"consecutive"', '"cumulative"\nwindow_s = 5'), "never be full"),
        (('"consecutive"\nduration_s = 36000', '"cumulative"\nduration_s = 0'), "always full"),
        (('severity = "alarm"', 'severity = "alarm"\ncolour = 1'), "unknown key 'colour'"),
        (("36000", "= 36000"), "is no TOML"),
    ],
)
def test_what_cannot_be_judged_by_is_refused_with_the_reason(change, reason):
    with pytest.raises(BadRules, match=reason):
        parse_rules(GOOD.replace(*change), "mine.toml")


def test_a_code_stands_once():
    with pytest.raises(BadRules, match="twice"):
        parse_rules(GOOD + GOOD, "mine.toml")
