"""Shares: what no rule calls out is in range, and unknown time is a share of its own."""

from coldchain.exposure import Exposure, Shares, shares_of
from coldchain.exposure.shares import worst_of
from coldchain.rules import rule_set

FRIDGE = [rule for rule in rule_set("refrigerator").rules if rule.quantity == "temperature"]


def test_the_tightest_limits_divide():
    exposure = Exposure({800: 1, 801: 2, 200: 4, 199: 8, -50: 16, 1500: 32}, unknown=64)

    assert shares_of(exposure, FRIDGE) == Shares(in_range=5, below=24, above=34, unknown=64)


def test_where_no_rule_watches_all_known_time_is_in_range():
    assert shares_of(Exposure({9900: 3}, 4), ()) == Shares(3, 0, 0, 4)


def test_shares_add_up_to_the_whole():
    one, other = Shares(1, 2, 3, 4), Shares(10, 20, 30, 40)

    assert (one + other).whole == 110
    assert one + other == Shares(11, 22, 33, 44)


def test_of_several_probes_the_one_least_in_range_speaks():
    assert worst_of([Shares(5, 0, 0, 5), Shares(4, 6, 0, 0), Shares(9, 0, 1, 0)]) == Shares(4, 6, 0, 0)
    assert worst_of([Shares(5, 0, 0, 5), Shares(5, 5, 0, 0)]) == Shares(5, 5, 0, 0)
