"""What docs/judgement.md shows is what the judge says: each example is read from the page and judged.

Twice: by the fold alone, over the whole set of readings; and by the platform's judge, which hears each reading in a
pack of its own, in no order, some of them twice.
"""

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from coldchain.clock import MINUTE, SECOND
from coldchain.exposure import kinetics
from coldchain.exposure.kinetics import days_to_end
from coldchain.facts import Enrolled, Fact, Facts, Placed, RulesInForce
from coldchain.journal import Entry
from coldchain.judgement import ALWAYS, Interval, judge
from coldchain.packs import Column, Pack
from coldchain.quantities import NO, YES
from coldchain.readings import celsius, centidegrees
from coldchain.rules import Rule, RuleSet, built_in, rule_set
from stream.judge import Judge
from tests.runners.hostile import Books
from tests.tales import NEW_YEAR

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/judgement.md").read_text(encoding="utf-8")

DEVICE = "pi-0142"
STATES = {"open": YES, "closed": NO, "there": YES, "gone": NO}
UNITS = {"door": "bool", "power": "bool"}


@dataclass(frozen=True, slots=True)
class Stage:
    """What is new at some moment, and what is true from then on."""

    facts: tuple[Fact, ...]
    readings: tuple[tuple[int, int], ...]
    outcome: tuple[str, ...]


@dataclass(slots=True)
class Example:
    """One fenced block of the page, read line by line. `channel` is the sensor, `interval` its declared ms."""

    storage_class: str = "refrigerator"
    codes: tuple[str, ...] = ()
    own: list[Rule] = field(default_factory=list)
    channel: str = "tvc"
    interval: int = 15 * MINUTE
    facts: list[Fact] = field(default_factory=list)
    readings: list[tuple[int, int]] = field(default_factory=list)
    outcome: list[str] = field(default_factory=list)

    @property
    def unit(self) -> str:
        return UNITS.get(self.channel, "Cel")

    def stages(self, block: str) -> Iterator[Stage]:
        """What stands between two outcomes is one stage; the first begins with the device and its rules."""
        for line in filter(None, map(str.strip, block.splitlines())):
            if self.outcome and not line.startswith("=>"):
                yield self._stage()
            self._read(line)
        yield self._stage()

    def rules(self) -> tuple[Rule, ...]:
        if self.own:
            return tuple(self.own)
        return tuple(rule for rule in rule_set(self.storage_class).rules if not self.codes or rule.code in self.codes)

    def _stage(self) -> Stage:
        beginnings = (
            Enrolled(DEVICE, 1, "", "senml", ((ALWAYS, self.interval),)),
            RulesInForce(self.storage_class, 1, ALWAYS, RuleSet(self.storage_class, 1, self.rules())),
        )
        stage = Stage((*beginnings, *self.facts), tuple(self.readings), tuple(self.outcome))
        self.facts, self.readings, self.outcome = [], [], []
        return stage

    def _read(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "=>":
            self.outcome.append(rest)
        elif word == "rules":
            self.storage_class, *codes = rest.split()
            self.codes = tuple(codes)
        elif word == "rule":
            self.own.append(rule(rest))
        elif word == "sensor":
            self.channel = rest
        elif word == "every":
            self.interval = amount(rest)
        elif word == "stands":
            self.facts.append(self._placement(rest.split()))
        elif word == "version":
            self.facts.append(self._version(rest))
        else:
            self.readings += self._readings(line.split())

    def _placement(self, words: list[str]) -> Placed:
        """`in ILR-1 [of freezer] [from 06:00] [to 09:00]`; named again it is a correction."""
        said = dict(zip(words[::2], words[1::2], strict=True))
        until = instant(said["to"]) if "to" in said else None
        return Placed(
            placement_id=said["in"],
            revision=1 if until is None else 2,
            device_id=DEVICE,
            channel="*",
            storage_point_id=said["in"],
            storage_class=said.get("of", self.storage_class),
            role="product",
            since=instant(said["from"]) if "from" in said else ALWAYS,
            until=until,
        )

    def _version(self, told: str) -> RulesInForce:
        """`2 from 05:00 [in ILR-1]: HEAT > 8.0 for 60 min`; the other rules stay as they are."""
        words, _, changed = told.partition(": ")
        number, _, since, *point = words.split()
        new = rule(changed)
        rules = tuple(new if old.code == new.code else old for old in self.rules())
        in_force = RuleSet(point[1] if point else self.storage_class, int(number), rules)
        return RulesInForce(
            self.storage_class, int(number), instant(since), in_force, storage_point_id=point[1] if point else None
        )

    def _readings(self, words: list[str]) -> Iterator[tuple[int, int]]:
        """`00:00 8.1`, or `00:00 to 10:00 [by 30 min] 8.1` with both ends."""
        first, last = instant(words[0]), instant(words[2] if words[1] == "to" else words[0])
        step = amount(" ".join(words[4:6])) if "by" in words else self.interval
        value = STATES[words[-1]] if words[-1] in STATES else centidegrees(words[-1])
        return ((at, value) for at in range(first, last + 1, step))


def rule(told: str) -> Rule:
    """`HEAT > 8.0 for 10 h`, `COLD <= 2.0 for 90 min in all [within 24 h]`."""
    code, operator, limit, _, *duration = told.split()
    is_sum = "all" in duration
    return Rule(
        code=code,
        operator=operator,
        limit=centidegrees(limit),
        mode="cumulative" if is_sum else "consecutive",
        duration=amount(" ".join(duration[:2])),
        severity="alarm",
        window=amount(" ".join(duration[-2:])) if "within" in duration else None,
    )


def instant(told: str) -> int:
    hours, minutes, *seconds = map(int, told.split(":"))
    return NEW_YEAR + (hours * 60 + minutes) * MINUTE + sum(seconds) * SECOND


def amount(told: str) -> int:
    number, unit = told.split()
    return int(number) * {"min": MINUTE, "h": 60 * MINUTE}[unit]


def clock(at: int) -> str:
    """Hours and minutes since the first midnight; 26:00 is two o'clock on the second day."""
    hours, minutes = divmod((at - NEW_YEAR) // MINUTE, 60)
    return f"{hours:02}:{minutes:02}"


def sentence(one: Interval, channel: str) -> str:
    """An interval as the page tells it; what goes without saying is left out."""
    ended = "still out" if one.ended_at is None else f"back {clock(one.ended_at)}"
    told = [
        f"{one.code} {one.severity} {clock(one.alarmed_at)}",
        f"out since {clock(one.started_at)}",
        "moved away" if one.cut else ended,
        f"{one.out // MINUTE} min known",
    ]
    if one.unknown:
        told.append(f"{one.unknown // MINUTE} min unknown")
    if not one.proven:
        told.append("not proven")
    if channel not in UNITS:
        told.append(f"worst {celsius(one.extreme)}")
    if one.stay is not None:
        told.append(f"in {one.stay}")
    if one.rule_version > 1:
        told.append(f"by version {one.rule_version}")
    return ", ".join(told)


def sentences(intervals: Iterable[Interval], channel: str) -> list[str]:
    ordered = sorted(intervals, key=lambda one: (one.started_at, one.alarmed_at, one.code))
    return [sentence(one, channel) for one in ordered] or ["nothing"]


BLOCKS = re.findall(r"\*\*(\d+\. [^*]+)\*\*[^`]*```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", [pytest.param(block, id=title) for title, block in BLOCKS])
def test_the_fold_gives_what_the_page_says(block):
    example = Example()
    facts: list[Fact] = []
    readings: set[tuple[int, int]] = set()
    for stage in example.stages(block):
        facts += stage.facts
        readings |= set(stage.readings)
        ordered = sorted(readings)
        found = judge(
            [at for at, _ in ordered],
            [value for _, value in ordered],
            Facts(facts).timeline(DEVICE, example.channel, example.unit),
        )

        assert sentences(found, example.channel) == list(stage.outcome)


@pytest.mark.parametrize("block", [pytest.param(block, id=title) for title, block in BLOCKS])
@pytest.mark.parametrize("seed", range(2))
def test_the_platform_gives_it_in_any_order_and_with_repeats(tmp_path, block, seed):
    dice = random.Random(seed)
    example, books = Example(), Books()
    judging = Judge(tmp_path / "stream.db")
    for stage in example.stages(block):
        heard = [*stage.readings, *dice.choices(stage.readings, k=5)] if stage.readings else []
        dice.shuffle(heard)
        packs = [
            Pack(DEVICE, "0f", seq, at, "device", (Column(example.channel, example.unit, (at,), (value,)),))
            for seq, (at, value) in enumerate(heard, 1)
        ]
        for verdict in judging.take(settings=entries(stage.facts)).verdicts + batches(judging, packs, dice):
            books.note(verdict)

        assert sentences(books.of((DEVICE, example.channel)), example.channel) == list(stage.outcome)
    judging.close()


def batches(judging, packs, dice):
    verdicts = []
    while packs:
        size = dice.choice([1, 5, 30])
        verdicts += judging.take(entries(packs[:size])).verdicts
        packs = packs[size:]
    return verdicts


def entries(items) -> list[Entry]:
    return [Entry(offset, DEVICE, item) for offset, item in enumerate(items, 1)]


def test_every_example_is_read():
    assert len(BLOCKS) == PAGE.count("```text\n")
    assert [title.partition(".")[0] for title, _ in BLOCKS] == [str(n) for n in range(1, len(BLOCKS) + 1)]


STORES = ("HEAT", "HEAT-WARN", "FRZE", "FRZE-WARN")
TRANSPORT = ("HEAT-45", "HEAT-30", "HEAT-10", "FRZE")
SWITCHED = {"door": "open", "power": "gone"}


def test_the_tables_of_temperatures_are_what_ships():
    shown = {cells[0].split()[0].strip("`"): cells[1:] for cells in rows(5)}
    ships = {name: {rule.code: rule for rule in rules.rules} for name, rules in built_in().items()}
    tables = [(name, TRANSPORT if name.startswith("transport") else STORES) for name in ships]

    assert {name: shown.get(name) for name, _ in tables} == {
        name: [limit_and_time(ships[name][code]) if code in ships[name] else "–" for code in codes]
        for name, codes in tables
    }


def test_the_table_of_doors_and_power_is_what_ships_in_every_set_but_three():
    shown = {tuple(cells) for cells in rows(4) if cells[0].strip("`") in {"DOOR", "POWR", "POWR-WARN"}}
    for name, rules in built_in().items():
        switched = [rule for rule in rules.rules if rule.quantity in SWITCHED]
        told = {(f"`{one.code}`", SWITCHED[one.quantity], lasting(one), str(one.severity)) for one in switched}

        assert told == (set() if name in {"carrier", "transport-1", "transport-2"} else shown)


def test_the_table_of_vial_monitors_is_what_is_computed():
    shown = {cells[0]: cells[1:] for cells in rows(5) if cells[0].startswith("VVM")}

    assert shown == {
        vvm.type: [days(days_to_end(vvm, Decimal(at))) for at in (5, 8, 25, 37)] for vvm in kinetics().vvms
    }


def days(number: Decimal) -> str:
    rounded = number.quantize(Decimal("0.1"))
    return f"{rounded:.0f}" if rounded >= 100 or rounded == rounded.to_integral_value() else str(rounded)


def rows(width: int) -> list[list[str]]:
    """The rows of the page's tables of so many columns, their cells stripped."""
    split = [line.strip().strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in cells] for cells in split if len(cells) == width]


def limit_and_time(one: Rule) -> str:
    return f"{one.operator} {celsius(one.limit)} °C, {lasting(one)}".replace("-", "−")


def lasting(one: Rule) -> str:
    whole, rest = divmod(one.duration, MINUTE)
    told = f"{whole // 60} h" if whole >= 60 and not whole % 60 else f"{whole} min"
    told = f"more than {told}" if rest else told
    return f"{told} in all" if one.mode == "cumulative" else told
