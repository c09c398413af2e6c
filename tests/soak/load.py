"""The load: devices that keep a log of all they said, and gateways whose probe gives each number once.

Both are oracles of their own: what a publisher's log holds must be readable, each once and no more; of a gateway only
the beat that it was just about to keep may be missing where it was killed.
"""

import os
import random
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from coldchain.clock import DAY, MINUTE, now
from coldchain.readings import Reading
from tests.helpers_end_to_end import Credentials, Publisher
from tests.helpers_gateway_agent import w1_text
from tests.helpers_pi import Pi
from tests.soak.rig import Rig

IN_PACK = 20
EVERY_S = 0.05
BEGINS_BEFORE = 60 * DAY

TEMPERATURES = (400, 400, 500, 812, 900, 1200, -51, -80, 150)


@dataclass
class Fridge:
    """A made-up fridge over recorded time: hours in range and hours beyond either limit, and gaps between."""

    dice: random.Random
    at: int = field(default_factory=lambda: now() - BEGINS_BEFORE)
    value: int = 400
    left: int = 30

    def pack(self, size: int = IN_PACK) -> list[Reading]:
        return [self._reading() for _ in range(size)]

    def _reading(self) -> Reading:
        if self.left == 0:
            self.value, self.left = self.dice.choice(TEMPERATURES), self.dice.choice((5, 40, 70, 70, 200, 700))
        self.left -= 1
        self.at += MINUTE + self.dice.randrange(-1000, 1000)
        if self.dice.random() < 0.002:
            self.at += self.dice.choice((5, 90)) * MINUTE
        return Reading("tvc", self.at, self.value + self.dice.randrange(3))


@dataclass
class Sender:
    """Some publishers that send pack after pack, in a thread of their own, until it is closed.

    `pause` stops the flow for as long as somebody counts.
    """

    publishers: list[Publisher]
    fridges: list[Fridge]
    crossed: list[tuple[str, int]] = field(default_factory=list)
    """(device, recorded instant) at which a part of the platform died."""

    def __post_init__(self) -> None:
        self._flows = threading.Event()
        self._flows.set()
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._thread.join()
        for publisher in self.publishers:
            publisher.close()

    def pause(self) -> None:
        self._flows.clear()
        with self._lock:
            return

    def go_on(self) -> None:
        self._flows.set()

    def note_death(self) -> None:
        with self._lock:
            self.crossed += [(p.given.device_id, f.at) for p, f in zip(self.publishers, self.fridges, strict=True)]

    def an_hour(self) -> None:
        """What an hour of recorded time brings, at once."""
        self.send(60 // IN_PACK)

    def send(self, packs: int = 1) -> None:
        with self._lock:
            for publisher, fridge in zip(self.publishers, self.fridges, strict=True):
                publisher.send(*(publisher.pack(fridge.pack()) for _ in range(packs)))

    def again(self, dice: random.Random) -> None:
        """Everything that was ever sent, in disorder."""
        with self._lock:
            for publisher in self.publishers:
                publisher.send(*dice.sample(sorted(publisher.packs), len(publisher.packs)))

    def cut_anew(self, dice: random.Random) -> None:
        """Some readings of old packs, cut into new ones."""
        with self._lock:
            for publisher in self.publishers:
                old = [
                    reading
                    for _, readings in dice.sample(sorted(publisher.packs.items()), 3)
                    for reading in readings[1]
                ]
                for begin in range(0, len(old), 7):
                    publisher.send(publisher.pack(old[begin : begin + 7]))

    def late(self, dice: random.Random) -> None:
        """A pack from between two that were sent long ago, as of a logger that found its notes."""
        with self._lock:
            for publisher, fridge in zip(self.publishers, self.fridges, strict=True):
                begin = dice.randrange(fridge.at - 2 * DAY, fridge.at)
                publisher.send(publisher.pack([Reading("tvc", begin + n * MINUTE, 420) for n in range(5)]))

    def _run(self) -> None:
        while not self._ending.wait(EVERY_S):
            if self._flows.is_set():
                self.send()


def senders(rig: Rig, dice: random.Random, count: int, devices: int) -> list[Sequence[Credentials]]:
    """The devices of so many cohorts, enrolled at once, since each call of the command line takes its time."""
    names = [f"fridge-{dice.randrange(10**6):06d}-{number}" for number in range(count * devices)]
    given = rig.add_devices(*names, interval=60)
    return [given[begin : begin + devices] for begin in range(0, len(given), devices)]


def begin_sending(given: Sequence[Credentials], dice: random.Random) -> Sender:
    return Sender([Publisher(one) for one in given], [Fridge(random.Random(dice.random())) for _ in given])


# Gateways


@dataclass
class Gateway:
    """A real `coldchain agent` as a part of the rig. Its probe is a pipe that gives each number once, in order.

    `served`: what the agent has read. It had been at work before, offline: `backlog`.
    """

    pi: Pi
    served: list[int] = field(default_factory=list)
    backlog: set[tuple[str, int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.pi.probe.unlink()
        os.mkfifo(self.pi.probe)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="probe", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._thread.join()

    def _serve(self) -> None:
        """Wait for a reader, give it one number, wait until it is gone."""
        number = 0
        while not self._ending.wait(0.002):
            pipe = _opened(self.pi.probe)
            if pipe is None:
                continue
            with suppress(BrokenPipeError):
                os.write(pipe, w1_text(10 * value_of(number)).encode())
                self.served.append(value_of(number))
                number += 1
            os.close(pipe)
            while not self._ending.wait(0.002) and (still := _opened(self.pi.probe)) is not None:
                os.close(still)


def value_of(number: int) -> int:
    """Centidegrees of the n-th beat: ten minutes fine, ten too cold, and the same number not again for twenty."""
    return 200 + number % 600 if number // 600 % 2 == 0 else -60 - number % 600


def _opened(pipe: Path) -> int | None:
    """The pipe's writing end, None while nobody reads."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def begin_measuring(rig: Rig, folder: Path, given: Credentials, name: str) -> Gateway:
    """A gateway that has been offline for two hours, in frost for the last of them, and is online from now on."""
    pi = Pi(folder, given)
    backlog = pi.lives_through([400] * 60 + [-70] * 50, (now() - 120 * MINUTE) // MINUTE * MINUTE)
    gateway = Gateway(pi, backlog=backlog)
    rig.add(name, ("agent", "--config", str(folder / "agent.toml")))
    return gateway


def left_out(found: Sequence[int], served: Sequence[int]) -> list[int] | None:
    """Numbers of the beats that were served and not found; None where what was found was not served in that order."""
    missing = []
    matched = 0
    for number, value in enumerate(served):
        if matched < len(found) and found[matched] == value:
            matched += 1
        else:
            missing.append(number)
    return missing if matched == len(found) else None


def wait_for(gateway: Gateway, beats: int, within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    goal = len(gateway.served) + beats
    while len(gateway.served) < goal:
        assert time.monotonic() < end, "the gateway measures nothing"
        time.sleep(0.05)
