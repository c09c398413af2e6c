"""The fire: one act after another against a platform under load, and after each the whole truth is asked for.

Nothing lost, nothing twice, every interval as the oracle has it, whoever died and wherever. Driven by one seed.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from coldchain.clock import DAY, MINUTE, iso, now
from coldchain.facts import Fact
from coldchain.journal.sqlite import SqliteJournal
from coldchain.readings import Reading
from coldchain.senml import encode
from coldchain.topics import SETTINGS
from tests import oracle
from tests.helpers_end_to_end import Credentials, Publisher, Readings
from tests.helpers_house import wait_until
from tests.soak.load import Gateway, Sender, begin_measuring, begin_sending, left_out, senders, wait_for
from tests.soak.rig import POINTS_OF, Rig

IN_COHORT = 3
CLASSES = ("transport-1", "walk-in-cooler")
ACTS_A_COHORT = 6
"""So long the same devices are on fire; then others take over, so that each question stays a small one."""

TROUBLE_S = 3.0
FLOOD = 20_000
QUIETLY, LONGEST_S, AS_ON_A_BUSY_MACHINE = 20, 2.0, 5
"""Packs of the steady device while another floods, and within how much each of them is durable: so many seconds, or so
many times what it took before, where the machine has other work."""

AGENT = "agent-1"
MAY_CUT_OFF = (AGENT, "agent.acknowledged")
"""Deaths that may come between a beat's reading and its keeping; what was kept before is never lost."""


@dataclass
class Figures:
    """What was done and what was found. `crossed`: alarms whose timer ran while somebody died."""

    acts: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    at_points: int = 0
    readings: int = 0
    lost: int = 0
    twice: int = 0
    invented: int = 0
    intervals: int = 0
    wrong: int = 0
    crossed: int = 0
    unkept: int = 0
    slowest_s: float = 0.0

    @property
    def killed(self) -> int:
        return self.kills.total()

    def told(self) -> str:
        kills = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        return (
            f"{self.acts.total()} acts; {self.killed} kills, {self.at_points} of them at named points ({kills}); "
            f"{self.readings:,} readings sent, {self.lost} lost, {self.twice} twice, {self.invented} invented; "
            f"{self.intervals} intervals compared, {self.wrong} wrong, {self.crossed} with a timer that ran through a "
            f"death; {self.unkept} beats cut off before they were kept; "
            f"slowest durable pack beside a flood {self.slowest_s:.2f} s"
        )


class Fire:
    """`act` does one thing and then asks for everything; `end` asks for all that ever was."""

    def __init__(self, rig: Rig, folder: Path, seed: int, acts: int) -> None:
        self.rig = rig
        self.dice = random.Random(seed)
        self.figures = Figures()
        cohorts = 2 + acts // ACTS_A_COHORT
        self._waiting = senders(rig, self.dice, cohorts, IN_COHORT)
        steady, self._flooding, agent = self.rig.add_devices("steady", "flooding", "gateway", interval=1)
        self._steady = Publisher(steady)
        self.gateway: Gateway = begin_measuring(rig, folder / "gateway", agent, AGENT)
        self._spent: list[Sender] = []
        self.sender = self._next_cohort()

    def close(self) -> None:
        for sender in (*self._spent, self.sender):
            sender.close()
        self._steady.close()

    def act(self, name: str) -> None:
        """One of `deck`. The load goes on meanwhile, and for a random moment before."""
        if self.figures.acts.total() % ACTS_A_COHORT == ACTS_A_COHORT - 1 and self._waiting:
            self.sender.pause()
            self._spent.append(self.sender)
            self.sender = self._next_cohort()
        self.figures.acts[name.partition(" ")[0]] += 1
        time.sleep(self.dice.uniform(0.3, 2.0))
        verb, _, rest = name.partition(" ")
        deed: Callable[[str], None] = getattr(self, f"_{verb}")
        deed(rest)
        time.sleep(self.dice.uniform(0.1, 1.0))
        self.all_is_there()

    def _next_cohort(self) -> Sender:
        """One is placed nowhere yet, the others each in a point of another class."""
        sender = begin_sending(self._waiting.pop(), self.dice)
        for publisher, storage_class in zip(sender.publishers[1:], CLASSES, strict=True):
            self._place(publisher, storage_class)
        return sender

    # Acts

    def _kill(self, part: str) -> None:
        self._killed(part)
        self.rig.kill(part)

    def _kill_at(self, point: str) -> None:
        part = next(part for part, points in POINTS_OF.items() if point in points)
        self._killed(part, point)
        meanwhile = self._have_the_books_announce if point == "books.relayed" else _nothing
        self.rig.kill_at(AGENT if part == "agent" else part, point, meanwhile)

    def _kill_all(self, _: str) -> None:
        for part in self.rig.parts:
            self._killed(part)
        self.rig.kill_all()

    def _fill(self, part: str) -> None:
        """The disk is full for one part."""
        with self.rig.full_disk(part):
            time.sleep(TROUBLE_S)

    def _lock(self, part: str) -> None:
        """The part's file may only be read, and the part starts anew on it."""
        self._killed(part)
        file = {"gate": "gate.db", "judge": "stream.db", "books": "books.db"}[part]
        with self.rig.read_only(file, part):
            time.sleep(1.0)
            before = [publisher.durable for publisher in self.sender.publishers]
            time.sleep(TROUBLE_S)
            if part == "gate":
                assert [publisher.durable for publisher in self.sender.publishers] == before, "durable, and nowhere"

    def _flood(self, _: str) -> None:
        """One device sends rubbish as fast as it can; another one's packs are durable as soon as ever."""
        self.sender.pause()
        self._all_is_durable()
        quietly = max(self._steady_pack(number) for number in range(QUIETLY))
        flood = Publisher(self._flooding, in_flight=1_000)
        try:
            wait_until(flood.is_connected, 10, "the flooding device to be connected")
            flood.publish(*(b"rubbish %d" % self.dice.randrange(10**9) for _ in range(FLOOD)))
            took = [self._steady_pack(number) for number in range(QUIETLY)]
        finally:
            flood.close()
            self.sender.go_on()
        self.figures.slowest_s = max(self.figures.slowest_s, *took)
        longest_s = max(LONGEST_S, AS_ON_A_BUSY_MACHINE * quietly)
        assert max(took) < longest_s, f"a good device waited {max(took):.1f} s for its turn, {quietly:.1f} s before"

    def _repeat(self, _: str) -> None:
        """Everything again, and some of it in other packs under other numbers, as from a card that was copied."""
        self.sender.again(self.dice)
        self.sender.cut_anew(self.dice)

    def _jump(self, _: str) -> None:
        """Clocks: one is a day ahead and is not believed, others tell of days that are long judged."""
        publisher = self.sender.publishers[0]
        refused = len(publisher.refusals)
        ahead = [Reading("tvc", now() + DAY + number * MINUTE, 4_000) for number in range(5)]
        publisher.publish(encode(publisher.given.device_id, "00000000000000bb", refused + 1, ahead))
        self.sender.late(self.dice)
        wait_until(lambda: len(publisher.refusals) > refused, 20, "the future to be refused")

    def _part(self, part: str) -> None:
        """Gone for an hour of recorded time, and more than an hour's readings wait for it.

        The broker, which has them all by then, dies as well and may forget them.
        """
        self._killed(part)
        with self.rig.held(part):
            for _ in range(5):
                self.sender.an_hour()
                time.sleep(0.5)
            if part != "broker":
                self._kill("broker")

    def _killed(self, part: str, point: str | None = None) -> None:
        self.sender.note_death()
        self.figures.kills[point or part] += 1
        self.figures.at_points += point is not None

    def _have_the_books_announce(self) -> None:
        """A device is placed since it exists; that the books die before they answer is what is wanted."""
        with suppress(OSError, HTTPException):
            self._place(self.sender.publishers[0], "refrigerator")

    def _place(self, publisher: Publisher, storage_class: str) -> None:
        self.rig.place(publisher.given.device_id, f"point {self.dice.randrange(10**9)}", storage_class)

    def _steady_pack(self, number: int) -> float:
        publisher = self._steady
        seq = publisher.pack([Reading("tvc", now() - (QUIETLY + 10 - number) * MINUTE, 450)])
        begun = time.monotonic()
        publisher.send(seq)
        wait_until(lambda: not publisher.waiting(), 30, "the steady device's pack to be durable")
        return time.monotonic() - begun

    # What must be there

    def all_is_there(self) -> None:
        """Raises AssertionError where anything is lost, twice, invented or judged otherwise than by the oracle."""
        with self._paused():
            self._all_is_durable()
            for publisher in self.sender.publishers:
                self._holds(publisher)
            for publisher in self.sender.publishers:
                self._is_judged(publisher)
        self._gateway_is_there()

    def end(self) -> None:
        """Everything of all devices, and the figures."""
        self.sender.pause()
        for sender in (*self._spent, self.sender):
            for publisher in sender.publishers:
                self._holds(publisher)
                told = self._is_judged(publisher)
                self.figures.intervals += len(told)
                self.figures.crossed += _crossed(told, publisher.given.device_id, sender.crossed)
                self.figures.readings += len(publisher.log())
        self._holds(self._steady)
        self.figures.readings += len(self._steady.log()) + len(self.gateway.served) + len(self.gateway.backlog)
        self.figures.intervals += len(self._gateway_is_there())

    @contextmanager
    def _paused(self) -> Iterator[None]:
        self.sender.pause()
        yield
        self.sender.go_on()

    def _all_is_durable(self) -> None:
        wait_until(self.rig.is_well, 60, "the platform to be well again")
        for publisher in self.sender.publishers:
            publisher.send_until_durable(90)

    def _holds(self, publisher: Publisher) -> None:
        device_id, log = publisher.given.device_id, publisher.log()
        found: list[tuple[str, int, int]] = []

        def is_all_there() -> bool:
            found[:] = self.rig.readings(device_id)
            return len(found) >= len(log)

        with suppress(AssertionError):  # the figures below say it better
            wait_until(is_all_there, 60, "all readings to be readable")
        lost, invented = log - set(found), set(found) - log
        self.figures.lost += len(lost)
        self.figures.invented += len(invented)
        self.figures.twice += len(found) - len(set(found))
        assert not lost, f"{len(lost)} readings of {device_id} are lost, such as {min(lost)}"
        assert not invented, f"{len(invented)} readings of {device_id} that it never sent, such as {min(invented)}"
        assert len(found) == len(set(found)), f"readings of {device_id} count twice"

    def _is_judged(self, publisher: Publisher) -> list[oracle.Told]:
        """The books' excursions are the oracle's intervals, field by field."""
        given = publisher.given
        told = self._as_by_the_oracle(given, publisher.log())
        expected = sorted(map(_shown, told), key=str)
        found: list[tuple[Any, ...]] = []

        def agree() -> bool:
            found[:] = sorted(map(_of_row, self.rig.excursions(given.device_id)), key=str)
            return found == expected

        with suppress(AssertionError):
            wait_until(agree, 60, "the oracle's intervals")
        differing = set(found) ^ set(expected)
        self.figures.wrong += len(differing)
        assert found == expected, f"of {given.device_id} the oracle says otherwise: {sorted(differing, key=str)[:4]}"
        return told

    def _as_by_the_oracle(self, given: Credentials, readings: Readings) -> list[oracle.Told]:
        """By what the books have announced of devices, placements and rules."""
        facts = settings_of(self.rig.data)
        return oracle.intervals(given.device_id, "tvc", {(at, value) for _, at, value in readings}, facts)

    def _gateway_is_there(self) -> list[oracle.Told]:
        """Of what the probe gave only the beats are missing that a kill cut off before they were kept."""
        gateway, given = self.gateway, self.gateway.pi.given
        wait_for(gateway, beats=2)
        may_miss = sum(self.figures.kills[name] for name in MAY_CUT_OFF)
        beats = len(gateway.served) - 1  # the last is on its way
        found: list[tuple[str, int, int]] = []

        def missing() -> list[int]:
            live = [value for _, _, value in sorted(set(found) - gateway.backlog, key=lambda one: one[1])]
            numbers = left_out(live, list(gateway.served))
            assert numbers is not None, "the gateway never measured that, or not in this order"
            return [number for number in numbers if number < beats]

        def is_all_there() -> bool:
            found[:] = self.rig.readings(given.device_id)
            return gateway.backlog <= set(found) and len(missing()) <= may_miss

        with suppress(AssertionError):  # the sentences below say it better
            wait_until(is_all_there, 60, "what the gateway measured to be readable")
        self.figures.unkept = len(missing())
        lost = len(gateway.backlog - set(found)) + max(0, len(missing()) - may_miss)
        self.figures.lost += lost
        self.figures.twice += len(found) - len(set(found))
        assert not lost, f"{lost} readings of the gateway are lost ({missing()}), beside {may_miss} cut off by kills"
        assert len(found) == len(set(found)), "readings of the gateway count twice"
        return self._backlog_is_judged(given)

    def _backlog_is_judged(self, given: Credentials) -> list[oracle.Told]:
        """With what comes live an interval may grow between two questions: both are asked until they agree."""
        told: list[oracle.Told] = []

        def agree() -> bool:
            readings = set(self.rig.readings(given.device_id))
            told[:] = self._as_by_the_oracle(given, readings)
            rows = sorted(map(_of_row, self.rig.excursions(given.device_id)), key=str)
            return _without_growth(rows) == _without_growth(sorted(map(_shown, told), key=str))

        wait_until(agree, 60, "the oracle's intervals of the gateway")
        return told


def settings_of(data: Path) -> list[Fact]:
    """All facts that the books ever announced."""
    journal = SqliteJournal(data)
    facts: list[Fact] = []
    after = 0
    while entries := journal.read(SETTINGS, after):
        facts += [entry.item for entry in entries]
        after = entries[-1].offset
    journal.close()
    return facts


def _nothing() -> None:
    """The load alone brings somebody to the point."""


def _shown(told: oracle.Told) -> tuple[Any, ...]:
    ended_at = None if told.ended_at is None else iso(told.ended_at)
    minutes = round(told.out / MINUTE, 3), round(told.unknown / MINUTE, 3)
    return (
        *(told.code, told.severity, iso(told.started_at), iso(told.alarmed_at), ended_at, told.extreme),
        *(*minutes, told.proven),
    )


def _of_row(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        *(row["rule"], row["severity"], row["started_at"], row["alarmed_at"], row["ended_at"]),
        *(round(row["extreme_c"] * 100), row["minutes_out"], row["minutes_unknown"], row["proven"]),
    )


def _without_growth(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Of intervals that are still open only what cannot change with the next reading."""
    return [row if row[4] is not None else row[:4] for row in rows]


def _crossed(told: list[oracle.Told], device_id: str, deaths: list[tuple[str, int]]) -> int:
    """How many alarms had their timer running while a part died."""
    instants = [at for device, at in deaths if device == device_id]
    return sum(any(one.started_at <= at < one.alarmed_at for at in instants) for one in told)


# Decks


def deck(dice: random.Random) -> list[str]:
    """Each named point twice and each other act once, in any order, so that most kills are at named points."""
    acts = [f"kill_at {point}" for points in POINTS_OF.values() for point in points] * 2
    acts += [f"kill {part}" for part in ("broker", "gate", "judge", "books", AGENT)]
    acts += [f"fill {part}" for part in ("gate", "judge", "books")]
    acts += [f"lock {dice.choice(('gate', 'judge', 'books'))}", f"part {dice.choice(('gate', 'judge', 'broker'))}"]
    acts += ["flood", "repeat", "jump", "kill_all"]
    return dice.sample(acts, len(acts))


def short_deck(dice: random.Random) -> list[str]:
    """A few of each kind."""
    acts = [f"kill_at {dice.choice(points)}" for points in POINTS_OF.values()]
    acts += [f"kill {dice.choice(('broker', 'gate', 'judge', 'books', AGENT))}"]
    acts += [f"lock {dice.choice(('gate', 'judge'))}", f"fill {dice.choice(('gate', 'judge', 'books'))}", "jump"]
    return dice.sample(acts, len(acts))
