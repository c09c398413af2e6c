"""What rule sets in force promise."""

from dataclasses import replace

import pytest

from coldchain.facts import Facts, RulesInForce
from coldchain.judgement import ALWAYS
from coldchain.rules import built_in
from registry import rule_sets
from registry.books import Books
from registry.rule_sets import NoSuchRules, RulesKnown
from tests.helpers_registry import published
from tests.tales import HEAT, hour


def test_what_ships_is_in_force_for_all_time(books: Books):
    facts = [fact for fact in published(books) if isinstance(fact, RulesInForce)]

    assert {fact.storage_class: (fact.since, fact.rule_set) for fact in facts} == {
        name: (ALWAYS, rules) for name, rules in built_in().items()
    }
    with books.read() as shelf:
        assert shelf.rule_sets.storage_classes() == sorted(built_in())
        assert rule_sets.in_force_at(shelf, "freezer", hour(0)) == built_in()["freezer"]


def test_an_edit_is_the_next_version_from_an_instant(books: Books):
    stricter = replace(HEAT, limit=750, window=None)
    with books.begin() as shelf:
        in_force = rule_sets.put_in_force(shelf, "refrigerator", (stricter,), hour(5), hour(6))
    facts = Facts(published(books))

    assert in_force.version == 2
    assert facts.rules_at("refrigerator", hour(5)) == in_force.rule_set
    assert facts.rules_at("refrigerator", hour(4)) == built_in()["refrigerator"]
    with books.read() as shelf:
        assert rule_sets.in_force_at(shelf, "refrigerator", hour(5)).rules == (stricter,)
        assert shelf.rule_sets.rule("refrigerator", 1, "HEAT") == HEAT
        assert shelf.rule_sets.rule("refrigerator", 3, "HEAT") is None


def test_two_versions_cannot_begin_at_one_instant(books: Books):
    with books.begin() as shelf, pytest.raises(RulesKnown):
        rule_sets.put_in_force(shelf, "freezer", (HEAT,), ALWAYS, hour(1))


def test_a_class_nobody_has_rules_for_has_none(books: Books):
    with books.read() as shelf, pytest.raises(NoSuchRules):
        rule_sets.in_force_at(shelf, "ambient", hour(1))


def test_a_second_start_puts_nothing_in_force_again(books: Books):
    with books.begin() as shelf:
        rule_sets.lay_out(shelf, hour(1))
        assert [one.version for one in shelf.rule_sets.versions("refrigerator")] == [1]
