"""What a cumulative rule promises (transport indicators): time out of range is added up."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from coldchain.clock import HOUR, MINUTE
from coldchain.judgement import AT_REST, Tally, always, fold
from coldchain.rules import Rule, RuleSet
from tests.tales import QUARTER, every, hour, judge, story

TEN_HOURS = Rule("WARM", ">=", 3000, "cumulative", 10 * HOUR, "alarm")
HOUR_IN_FOUR = Rule("DIPS", "<=", -50, "cumulative", HOUR, "alarm", window=4 * HOUR)


def spells(*begins, length=5.0, warm=31.0, cool=20.0):
    """So many hours of warmth at each beginning, with one cool reading after each."""
    told = []
    for begin in begins:
        told += every(QUARTER, hour(begin), hour(begin + length - 0.25), warm)
        told.append((hour(begin + length), cool))
    return told


def test_two_spells_of_five_hours_are_ten():
    [interval] = judge(story(*spells(0, 20)), TEN_HOURS)

    assert (interval.started_at, interval.alarmed_at, interval.ended_at) == (hour(0), hour(25), None)
    assert (interval.extreme, interval.out, interval.unknown, interval.proven) == (3100, 10 * HOUR, 0, True)


def test_without_a_window_it_never_ends_and_never_arms_again():
    [interval] = judge(story(*spells(0, 20, 40, 60)), TEN_HOURS)

    assert interval.ended_at is None
    assert interval.out == 20 * HOUR


def test_a_gap_is_never_added():
    told = [*every(QUARTER, hour(0), hour(5), 31.0), *every(QUARTER, hour(20), hour(24.75), 31.0)]
    assert judge(story(*told), TEN_HOURS) == []

    [interval] = judge(story(*told, (hour(25), 31.0)), TEN_HOURS)
    assert (interval.alarmed_at, interval.out, interval.unknown) == (hour(25), 10 * HOUR, 15 * HOUR)


def test_short_dips_inside_the_window_add_up():
    dips = []
    for number in range(4):
        dips += [(hour(number), -0.5), (hour(number + 0.25), 0.5)]
    [interval] = judge(story(*dips), HOUR_IN_FOUR)

    assert (interval.started_at, interval.alarmed_at) == (hour(0), hour(3.25))


def test_it_ends_when_the_sum_inside_the_window_is_no_longer_full():
    dips = [*every(QUARTER, hour(0), hour(1), -0.6), *every(QUARTER, hour(1.25), hour(6), 4.0)]
    [interval] = judge(story(*dips), HOUR_IN_FOUR)

    assert (interval.alarmed_at, interval.ended_at) == (hour(1), hour(4.5))
    assert (interval.out, interval.extreme) == (75 * MINUTE, -60)


def test_a_reading_that_counts_in_part_is_where_the_interval_starts():
    rule = replace(HOUR_IN_FOUR, window=HOUR)
    told = [(minute * MINUTE, -0.5) for minute in range(0, 140, 20)]
    [interval] = judge(story(*told, (110 * MINUTE, -0.5)), replace(rule, duration=50 * MINUTE))

    assert (interval.started_at, interval.alarmed_at) == (0, 60 * MINUTE)


def test_a_reading_out_that_did_not_count_is_no_part_of_it():
    told = [(hour(0), 45.0), *every(QUARTER, hour(5), hour(15), 31.0)]
    [interval] = judge(story(*told), TEN_HOURS)

    assert (interval.started_at, interval.extreme, interval.unknown) == (hour(5), 3100, 0)


def test_the_worst_reading_of_a_spell_counts_even_if_a_gap_follows_it():
    told = [*every(QUARTER, hour(0), hour(5), 31.0), (hour(5.25), 45.0), *every(QUARTER, hour(8), hour(13), 31.0)]
    [interval] = judge(story(*told), TEN_HOURS)

    assert (interval.extreme, interval.unknown) == (4500, 165 * MINUTE)


def test_a_day_of_warmth_is_remembered_in_one_piece_where_there_is_no_window():
    told = story(*every(QUARTER, hour(0), hour(24), 31.0))
    memory, _ = fold(
        AT_REST,
        [at for at, _ in told],
        [value for _, value in told],
        always(RuleSet("tale", 1, (TEN_HOURS,)), QUARTER, "tvc"),
    )

    [tally] = memory.going_on
    assert isinstance(tally, Tally)
    assert len(tally.pieces) == 1


def test_when_nothing_is_left_in_the_window_nothing_is_remembered():
    told = [(hour(0), -0.5), *every(QUARTER, hour(0.25), hour(4.25), 4.0)]
    timeline = always(RuleSet("tale", 1, (HOUR_IN_FOUR,)), QUARTER, "tvc")
    ordered = story(*told)
    memory, _ = fold(AT_REST, [at for at, _ in ordered], [value for _, value in ordered], timeline)

    assert memory == AT_REST


OUT_OR_NOT = st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=40)


@given(OUT_OR_NOT, st.integers(1, 300), st.sampled_from([None, 0, 30, 240]))
def test_a_sum_is_full_at_the_earliest_when_it_is_out_from_now_on(
    told: list[tuple[int, bool]], duration: int, wider: int | None
):
    """`told`: minutes until the next reading, and whether that is out. Then out every minute until the alarm."""
    window = None if wider is None else (duration + wider) * MINUTE
    rule = Rule("WARM", ">=", 3000, "cumulative", duration * MINUTE, "alarm", window=window)
    timeline = always(RuleSet("tale", 1, (rule,)), QUARTER, "tvc")
    memory, at = AT_REST, hour(0)
    for minutes, is_out in told:
        at += minutes * MINUTE
        memory, _ = fold(memory, [at], [3000 if is_out else 0], timeline)
    [sum_so_far] = memory.going_on or [None]
    if not isinstance(sum_so_far, Tally) or sum_so_far.alarmed_at is not None or sum_so_far.last_out is None:
        return
    promised = sum_so_far.full_at_earliest()
    while not memory.open_intervals():
        at += MINUTE
        memory, _ = fold(memory, [at], [3000], timeline)
    [interval] = memory.open_intervals()

    assert interval.alarmed_at - MINUTE < promised <= interval.alarmed_at


def promised(*told: tuple[int, bool], duration: int) -> int:
    """So many minutes after the last reading the sum is full at the earliest, inside the last hour."""
    rule = Rule("WARM", ">=", 3000, "cumulative", duration * MINUTE, "alarm", window=HOUR)
    instants = [hour(0) + minutes * MINUTE for minutes, _ in told]
    timeline = always(RuleSet("tale", 1, (rule,)), QUARTER, "tvc")
    memory, _ = fold(AT_REST, instants, [3000 if is_out else 0 for _, is_out in told], timeline)
    [tally] = memory.going_on
    assert isinstance(tally, Tally)
    return (tally.full_at_earliest() - instants[-1]) // MINUTE


def test_what_leaves_the_window_must_be_made_up_for():
    assert promised((0, True), (10, False), (30, True), duration=60) == 60
    assert promised((0, True), (10, False), (30, True), duration=30) == 20


def test_of_what_has_left_the_window_in_part_the_rest_counts():
    assert promised((0, True), (20, False), (45, False), (70, True), duration=30) == 30
