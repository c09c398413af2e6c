"""What the dated facts of the books promise: the highest revision counts; belonging goes by the instant."""

from hypothesis import given
from hypothesis import strategies as st

from coldchain.clock import MINUTE
from coldchain.facts import DEFAULT_INTERVAL, Enrolled, Facts, Placed, RulesInForce
from coldchain.judgement import ALWAYS
from coldchain.quantities import Role
from coldchain.rules import RuleSet, rule_set
from tests.stories import tales
from tests.tales import FRZE, HEAT, hour

PI = "pi-0142"


def placed(placement_id, since, until=None, *, channel="*", storage_class="refrigerator", revision=1, **more):
    role = more.pop("role", "product")
    return Placed(placement_id, revision, PI, channel, "ilr-2", storage_class, role, since=since, until=until, **more)


def of_temperature(name):
    return tuple(rule for rule in rule_set(name).rules if rule.quantity == "temperature")


def test_a_sensor_that_nobody_has_placed_is_judged_as_a_refrigerator():
    stretch = Facts().timeline(PI, "tvc").at(hour(0))

    assert stretch.rules == of_temperature("refrigerator")
    assert (stretch.stay, stretch.interval) == (None, DEFAULT_INTERVAL)


def test_belonging_is_decided_by_the_instant():
    facts = Facts([placed("a", hour(0), hour(5)), placed("b", hour(7), storage_class="freezer")])
    timeline = facts.timeline(PI, "tvc")

    assert [timeline.at(hour(h)).stay for h in (-1, 0, 4.9, 5, 7)] == [None, "a", "a", None, "b"]
    assert timeline.at(hour(-1)).is_judged
    assert not timeline.at(hour(5)).is_judged
    assert timeline.at(hour(7)).rules == of_temperature("freezer")


def test_a_sensors_own_placement_outranks_its_devices():
    facts = Facts([placed("device", ALWAYS), placed("own", hour(1), channel="amb", role="ambient")])

    assert facts.timeline(PI, "tvc").at(hour(2)).stay == "device"
    assert not facts.timeline(PI, "amb").at(hour(2)).is_judged


def test_the_highest_revision_counts_whatever_comes_last():
    facts = Facts([placed("a", ALWAYS, hour(1), revision=2)])

    assert not facts.note(placed("a", ALWAYS))
    assert facts.timeline(PI, "tvc").at(hour(2)).stay is None


def test_a_void_placement_never_was():
    facts = Facts([placed("a", hour(0), void=True)])

    assert facts.timeline(PI, "tvc").at(hour(1)).stay is None
    assert facts.timeline(PI, "tvc").at(hour(1)).is_judged


def test_the_rules_of_a_class_change_from_an_instant():
    milder = RuleSet("refrigerator", 2, (HEAT, FRZE))
    facts = Facts([RulesInForce("refrigerator", 1, hour(3), milder)])
    timeline = facts.timeline(PI, "tvc")

    assert timeline.at(hour(2)).rules == of_temperature("refrigerator")
    assert (timeline.at(hour(3)).rules, timeline.at(hour(3)).rule_version) == ((HEAT, FRZE), 2)


def test_the_declared_interval_holds_from_when_it_was_declared():
    facts = Facts([Enrolled(PI, 1, "", "senml", ((ALWAYS, 5 * MINUTE), (hour(1), MINUTE)))])

    assert facts.interval_at(PI, hour(0)) == 5 * MINUTE
    assert facts.interval_at(PI, hour(1)) == MINUTE
    assert facts.timeline(PI, "tvc").at(hour(2)).longest_known == 2 * MINUTE


def test_a_device_that_was_ended_is_enrolled_no_longer():
    facts = Facts([Enrolled(PI, 1, "", "senml", ())])
    assert facts.device(PI) is not None

    facts.note(Enrolled(PI, 2, "", "senml", (), ended_at=hour(1)))
    assert facts.device(PI) is None


@given(tales(), st.randoms(use_true_random=False))
def test_facts_in_any_order_give_the_same_timeline(tale, random):
    in_order, shuffled = Facts(tale.facts), Facts(random.sample(tale.facts * 2, len(tale.facts) * 2))

    for channel in tale.readings:
        assert in_order.timeline(tale.device_id, channel) == shuffled.timeline(tale.device_id, channel)


def test_a_doors_channel_is_judged_by_the_rules_of_doors_and_an_ambient_one_by_none():
    facts = Facts([placed("device", ALWAYS)])

    assert [rule.code for rule in facts.timeline(PI, "door", "bool").at(hour(1)).rules] == ["DOOR"]
    assert [rule.code for rule in facts.timeline(PI, "mains", "/").at(hour(1)).rules] == ["POWR", "POWR-WARN"]
    assert not facts.timeline(PI, "tamb").at(hour(1)).is_judged
    assert not facts.timeline(PI, "humidity", "%RH").at(hour(1)).is_judged


def test_the_devices_record_says_which_probe_is_which():
    probes: tuple[tuple[str, Role], ...] = (("TempC_SHT", "ambient"), ("TempC_DS", "freezer"))
    facts = Facts([Enrolled(PI, 1, "", "chirpstack", (), probes=probes), placed("device", ALWAYS)])

    assert not facts.timeline(PI, "TempC_SHT").at(hour(1)).is_judged
    assert facts.timeline(PI, "TempC_DS").at(hour(1)).rule_set == "freezer"


def test_a_point_has_rules_of_its_own_from_an_instant_until_its_class_counts_again():
    own = RuleSet("point/ilr-2", 1, (HEAT,))
    facts = Facts(
        [
            placed("device", ALWAYS),
            RulesInForce("refrigerator", 1, hour(3), own, "ilr-2"),
            RulesInForce("refrigerator", 1, hour(5), RuleSet("point/ilr-2", 2, ()), "ilr-2", is_class_again=True),
            RulesInForce("refrigerator", 1, hour(1), RuleSet("point/other", 1, (FRZE,)), "other"),
        ]
    )
    timeline = facts.timeline(PI, "tvc")

    assert [timeline.at(hour(h)).rule_set for h in (2, 3, 4, 5)] == [
        "refrigerator",
        *["point/ilr-2"] * 2,
        "refrigerator",
    ]
    assert timeline.at(hour(3)).rules == (HEAT,)
