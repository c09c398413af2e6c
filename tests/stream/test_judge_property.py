"""The judgement gives what the text says, for any story, cut in any way."""

from dataclasses import fields
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from coldchain.facts import Facts
from coldchain.judgement import AT_REST, Interval, fold, judge
from tests import oracle
from tests.oracle import Told
from tests.stories import Tale, districts, tales, with_sums_alone


def told(interval: Interval) -> Told:
    """The judge's interval in the oracle's words."""
    return Told(**{field.name: getattr(interval, field.name) for field in fields(Told)})


def expected(tale: Tale, channel: str) -> list[Told]:
    return oracle.intervals(tale.device_id, channel, tale.readings[channel], tale.facts, tale.unit(channel))


@given(tales(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_judge_says_what_the_oracle_says(tale, random):
    shuffled = random.sample(tale.facts, len(tale.facts))
    facts = Facts(shuffled)

    for channel, readings in tale.readings.items():
        ordered = sorted(readings)
        found = judge(
            [at for at, _ in ordered],
            [value for _, value in ordered],
            facts.timeline("pi-0142", channel, tale.unit(channel)),
        )

        assert [told(interval) for interval in found] == expected(tale, channel)


@given(districts(("pi-0142",)).map(with_sums_alone))
@settings(deadline=None)
def test_the_judge_adds_up_as_the_oracle_does(district):
    [tale] = district
    for channel, readings in tale.readings.items():
        ordered = sorted(readings)
        timeline = Facts(tale.facts).timeline("pi-0142", channel, tale.unit(channel))
        found = judge([at for at, _ in ordered], [value for _, value in ordered], timeline)

        assert [told(interval) for interval in found] == expected(tale, channel)


@given(tales(), st.lists(st.integers(0, 60), max_size=8))
@settings(deadline=None)
def test_a_fold_cut_anywhere_gives_the_same(tale, cuts):
    facts = Facts(tale.facts)
    for channel, readings in tale.readings.items():
        ordered = sorted(readings)
        timeline = facts.timeline("pi-0142", channel, tale.unit(channel))
        memory, ended = AT_REST, []
        edges = [0, *sorted(cut for cut in cuts if cut < len(ordered)), len(ordered)]
        for begin, end in pairwise(edges):
            part = ordered[begin:end]
            memory, more = fold(memory, [at for at, _ in part], [value for _, value in part], timeline)
            ended += more

        whole, all_ended = fold(AT_REST, [at for at, _ in ordered], [value for _, value in ordered], timeline)
        assert (memory, ended) == (whole, all_ended)
