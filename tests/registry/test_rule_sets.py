"""What rule sets in force promise."""

import re
from dataclasses import replace
from typing import Any

import pytest

from coldchain.clock import DAY, HOUR
from coldchain.facts import Facts, RulesInForce
from coldchain.judgement import ALWAYS
from coldchain.rules import Rule, RuleSet, built_in
from registry import rule_sets
from registry.books import Books, Shelf, tables
from registry.rule_sets import BadRuleSet, ClassFollowed, InForce, NoSuchRules, RulesKnown
from tests.helpers_registry import fridge, published
from tests.tales import HEAT, hour, shipped


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
    with books.begin() as shelf:
        rule_sets.put_in_force(shelf, "freezer", (HEAT,), hour(1), hour(2))
        with pytest.raises(RulesKnown):
            rule_sets.put_in_force(shelf, "freezer", (HEAT,), hour(1), hour(3))


def test_a_class_nobody_has_rules_for_has_none(books: Books):
    with books.read() as shelf, pytest.raises(NoSuchRules):
        rule_sets.in_force_at(shelf, "ambient", hour(1))


def test_a_second_start_puts_nothing_in_force_again(books: Books):
    with books.begin() as shelf:
        rule_sets.lay_out(shelf, hour(1))
        assert [one.version for one in shelf.rule_sets.versions("refrigerator")] == [1]


# Edits, and rules of single points


def switched(**more: Any) -> Rule:
    door = shipped("refrigerator", "DOOR")
    return replace(door, **more)


def test_an_edit_says_whose_it_is_and_when_it_became_known(books: Books):
    with books.begin() as shelf:
        rule_sets.put_in_force(shelf, "carrier", (HEAT,), hour(5), hour(6), "user-1")
        [shipped_one, edited] = shelf.rule_sets.versions("carrier")

    assert (shipped_one.set_by, shipped_one.version) == (None, 1)
    assert (edited.set_by, edited.version, edited.since, edited.known_at) == ("user-1", 2, hour(5), hour(6))
    assert edited.storage_class == edited.rule_set.name == "carrier"


def test_an_override_holds_at_its_point_alone(books: Books):
    stricter = (replace(HEAT, duration=HOUR), switched())
    with books.begin() as shelf:
        one, other = fridge(shelf, "ILR 1").storage_point_id, fridge(shelf, "ILR 2").storage_point_id
        rule_sets.override(shelf, one, "refrigerator", stricter, hour(3), hour(4), "user-1")
        [known] = shelf.rule_sets.of_points([one, other])[one]
    facts = Facts(published(books))

    assert known.rule_set == RuleSet(f"point/{one}", 1, stricter)
    assert facts.rules_at("refrigerator", hour(3), one).rules == stricter
    assert facts.rules_at("refrigerator", hour(2), one) == facts.rules_at("refrigerator", hour(3), other)
    with books.read() as shelf:
        assert rule_sets.at_point(shelf, one, "refrigerator", hour(3)).rules == stricter
        assert rule_sets.at_point(shelf, one, "refrigerator", hour(2)) == built_in()["refrigerator"]
        assert rule_sets.at_point(shelf, other, "refrigerator", hour(3)) == built_in()["refrigerator"]
        assert list(shelf.rule_sets.of_points()) == [one]
        assert shelf.rule_sets.rule(f"point/{one}", 1, "DOOR") == switched()
        assert f"point/{one}" not in shelf.rule_sets.storage_classes()


def test_a_point_may_follow_its_class_again(books: Books):
    with books.begin() as shelf:
        point = fridge(shelf).storage_point_id
        rule_sets.override(shelf, point, "refrigerator", (replace(HEAT, limit=750),), hour(3), hour(4))
        back = rule_sets.follow_class_again(shelf, point, "refrigerator", hour(8), hour(9), "user-1")
    facts = Facts(published(books))

    assert (back.version, back.is_class_again, back.rule_set.rules) == (2, True, ())
    assert facts.rules_at("refrigerator", hour(7), point).rules[0].limit == 750
    assert facts.rules_at("refrigerator", hour(8), point) == built_in()["refrigerator"]
    with books.read() as shelf:
        assert rule_sets.at_point(shelf, point, "refrigerator", hour(8)) == built_in()["refrigerator"]


def test_a_point_that_follows_its_class_cannot_follow_it_again(books: Books):
    with books.begin() as shelf:
        point = fridge(shelf).storage_point_id
        with pytest.raises(ClassFollowed):
            rule_sets.follow_class_again(shelf, point, "refrigerator", hour(8), hour(9))
        rule_sets.override(shelf, point, "refrigerator", (HEAT,), hour(3), hour(9))
        rule_sets.follow_class_again(shelf, point, "refrigerator", hour(5), hour(9))
        with pytest.raises(ClassFollowed):
            rule_sets.follow_class_again(shelf, point, "refrigerator", hour(8), hour(9))


def test_an_edit_dated_before_another_holds_until_that_one(books: Books):
    early, late = replace(HEAT, limit=700), replace(HEAT, limit=900)
    with books.begin() as shelf:
        rule_sets.put_in_force(shelf, "freezer", (late,), hour(8), hour(9))
        rule_sets.put_in_force(shelf, "freezer", (early,), hour(5), hour(9))
    facts = Facts(published(books))

    limits = [facts.rules_at("freezer", hour(at)).rules[0].limit for at in (4, 5, 7, 8, 9)]
    assert limits == [-1500, 700, 700, 900, 900]
    with books.read() as shelf:
        assert [one.version for one in shelf.rule_sets.versions("freezer")] == [1, 3, 2]
        assert rule_sets.in_force_at(shelf, "freezer", hour(9)).version == 2


@pytest.mark.parametrize(("days", "earliest"), [(31, "class"), (400, "point")])
def test_rules_are_dated_back_and_ahead_within_bounds(books: Books, days: int, earliest: str):
    now = hour(0) + 500 * DAY
    with books.begin() as shelf:
        point = fridge(shelf).storage_point_id

        def put(since: int) -> None:
            if earliest == "class":
                rule_sets.put_in_force(shelf, "carrier", (HEAT,), since, now)
            else:
                rule_sets.override(shelf, point, "refrigerator", (HEAT,), since, now)

        put(now - days * DAY)
        put(now + 400 * DAY)
        with pytest.raises(BadRuleSet, match=f"by {days} days at most"):
            put(now - days * DAY - 1)
        with pytest.raises(BadRuleSet, match="ahead by 400 days at most"):
            put(now + 400 * DAY + 1)


@pytest.mark.parametrize(
    ("nonsense", "why"),
    [
        (replace(HEAT, limit=20_001), "between -200 and 200"),
        (replace(HEAT, code="<b>"), "a code has"),
        (replace(HEAT, code="H" * 41), "a code has"),
        (replace(HEAT, duration=31 * DAY + 1), "duration may be 31 days"),
        (replace(HEAT, mode="cumulative", duration=DAY, window=401 * DAY), "window may be 400 days"),
        (replace(HEAT, source="x" * 501), "source may have"),
        (replace(HEAT, verified="maybe"), "how sure it is"),
        (replace(HEAT, sensor=""), "the sensor is"),
        (switched(operator=">", limit=100), "one state of a switch"),
        (switched(operator=">=", limit=0), "one state of a switch"),
        (switched(quantity="power", operator="<", limit=0), "one state of a switch"),
    ],
)
def test_what_no_vaccine_store_could_mean_is_refused_and_changes_nothing(books: Books, nonsense: Rule, why: str):
    with books.begin() as shelf:
        with pytest.raises(BadRuleSet, match=re.escape(why)):
            rule_sets.put_in_force(shelf, "carrier", (HEAT, nonsense), hour(5), hour(6))
        with pytest.raises(BadRuleSet):
            rule_sets.put_in_force(shelf, "carrier", tuple(replace(HEAT, code=f"H{i}") for i in range(41)), 0, hour(6))
        assert len(shelf.rule_sets.versions("carrier")) == 1


def test_a_class_that_nobody_knows_gets_no_rules(books: Books):
    with books.begin() as shelf, pytest.raises(NoSuchRules):
        rule_sets.put_in_force(shelf, "point/x", (HEAT,), hour(5), hour(6))


# Books that were made when other sets shipped


def aged(shelf: Shelf, storage_class: str, *versions: InForce) -> None:
    """Books of before: the class has these versions alone."""
    with shelf.rule_sets._connection.begin_nested():  # type: ignore[attr-defined]  # no use case forgets rules
        for table in (tables.rules, tables.rules_in_force):
            shelf.rule_sets._connection.execute(table.delete().where(table.c.subject == storage_class))  # type: ignore[attr-defined]
    for one in versions:
        shelf.rule_sets.add(one)


def shipped_before(since: int = ALWAYS, version: int = 1, set_by: str | None = None) -> InForce:
    return InForce("carrier", since, RuleSet("carrier", version, (HEAT,)), hour(0), set_by=set_by)


def test_a_class_that_older_books_do_not_know_gets_what_ships_for_all_time(books: Books):
    with books.begin() as shelf:
        aged(shelf, "carrier")
        rule_sets.lay_out(shelf, hour(7))
        assert [(one.version, one.since) for one in shelf.rule_sets.versions("carrier")] == [(1, ALWAYS)]


def test_a_class_that_nobody_edited_gets_what_ships_now_as_the_next_version(books: Books):
    published(books)
    with books.begin() as shelf:
        aged(shelf, "carrier", shipped_before())
        rule_sets.lay_out(shelf, hour(7))
        rule_sets.lay_out(shelf, hour(8))
        [before, after] = shelf.rule_sets.versions("carrier")
    [fact] = published(books)

    assert (before.rule_set.rules, before.since) == ((HEAT,), ALWAYS)
    assert (after.rule_set.rules, after.since, after.version) == (built_in()["carrier"].rules, hour(7), 2)
    assert fact == after.fact()


def test_a_class_that_somebody_edited_keeps_its_rules(books: Books):
    with books.begin() as shelf:
        aged(shelf, "carrier", shipped_before(), shipped_before(hour(2), 2, "user-1"))
        rule_sets.lay_out(shelf, hour(7))
        assert [one.version for one in shelf.rule_sets.versions("carrier")] == [1, 2]
