"""The demo: a fresh platform, an invented district, its past week, and then its present, in one command.

Everything in it is the product itself: `coldchain up` on real files, the real agents over the real broker. Only the
fridges are simulated.
"""

import fcntl
import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.settings import Address
from coldchain.clock import DAY, MINUTE, SECOND, now
from coldchain.data_dir import DataDir
from coldchain.errors import Conflict, Refused
from registry import incidents, places
from registry.books import Books
from registry.settling import open_at
from simulators import enrolment, fleet, mischief, story
from simulators.accounts import Account
from simulators.district import District
from simulators.fleet import Fleet, Pace
from simulators.gateways import Gateway, settings_of
from simulators.machine import Machine, has_caught_up, invented_password
from simulators.stand import Standing
from simulators.story import HORIZON, WARM_UP, Story

USER = "demo"
LOCK = "demo.lock"
LOG = "demo.log"
UNPLACED = "spare-agent-1"
SIMPLE = "logger-jharbera"
COPIED = "chc-devtola-1"

STARTS_WITHIN_S = 120.0
SENDS_WITHIN_S = 180.0
JUDGES_WITHIN_S = 120.0

UNTIL_READY = 15 * SECOND
"""How far ahead the page is expected to be ready when the story is laid out."""

ACKNOWLEDGED = 3
COMMENTS = (
    "Power was away; the lid stayed shut. VVM of all vials checked, none past the discard point. | बिजली गुल थी, "
    "ढक्कन बंद रखा। सभी वायल का VVM देखा।",
    "Ice packs taken out, thermostat turned up, shake test done on two vials. | आइस पैक निकाले, शेक टेस्ट किया।",
    "Moved everything to the other ILR until the fridge was cold again. | सब दूसरे आईएलआर में रखा।",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """`days` of past. The directory is emptied first, if it is an earlier demo's."""

    data_dir: DataDir
    listen: Address
    mqtt_port: int
    district: District
    days: int = 7


class DemoRuns(Conflict):
    """Another demo runs on the directory."""


class NotADemo(Refused):
    """The directory holds something that is no earlier demo."""


class Told:
    """What is told while one waits, with the time since the beginning."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._last = 0.0

    def step(self, text: str) -> None:
        print(f"── {time.monotonic() - self._begun:5.1f} s  {text}", flush=True)
        self._last = time.monotonic()

    def progress(self, what: str, done: int, of: int) -> None:
        """Now and then, so that nobody thinks it stands still."""
        if done < of and time.monotonic() - self._last > 2.0:
            self.step(f"{what}: {100 * done // max(of, 1)} %")


def demo(plan: Plan) -> None:
    """Run until interrupted. Raises DemoRuns, NotADemo, NotReady, UpEnded, NotDurable."""
    told = Told()
    with _fresh(plan.data_dir.root):
        logging.basicConfig(filename=plan.data_dir.root / LOG, level=logging.WARNING, force=True)
        password = invented_password()
        books = open_at(plan.data_dir)
        try:
            accounts = _enrol(books, plan, password)
            told.step(f"an invented district: {len(accounts) - 1} storage points, {len(accounts)} devices")
            _perform(books, plan, accounts, password, told)
        finally:
            books.close()


def _enrol(books: Books, plan: Plan, password: str) -> dict[str, Account]:
    at = now()
    given = enrolment.enrol(books, plan.district, at, is_whole=True)
    given.append(enrolment.enrol_unplaced(books, UNPLACED, 5 * MINUTE, at))
    enrolment.add_user(books, USER, password, "administrator", at)
    enrolment.tell(books, plan.data_dir)
    return {account.device_id: account for account in given}


def _perform(books: Books, plan: Plan, accounts: dict[str, Account], password: str, told: Told) -> None:
    machine = Machine(plan.data_dir, plan.listen, plan.mqtt_port, plan.data_dir.root / LOG)
    driven: Fleet | None = None
    try:
        ready = now() + UNTIL_READY
        laid_out = story.of_the_demo(plan.district, ready - plan.days * DAY, ready)
        driven = _fleet(plan, laid_out, accounts)
        driven.rehearse(now(), lambda done, of: told.progress("the past", done, of))
        told.step(f"{driven.readings:,} readings of the past {plan.days} days lie in the agents' outboxes")
        machine.await_ready(STARTS_WITHIN_S)
        told.step("the platform is up: broker, gate, judge, books, pages")
        _send(driven, machine, told)
        machine.await_(lambda: has_caught_up(plan.data_dir, books), JUDGES_WITHIN_S, "not all is judged")
        _acknowledge_some(books)
        told.step("judged; going on in real time")
        print(f"Coldchain is running: {machine.url} (sign in as {USER} / {password})", flush=True)
        while True:
            driven.turn(Pace(now(), 1.0))
            machine.check()
    finally:
        print("stopping", file=sys.stderr, flush=True)
        if driven is not None:
            driven.close()
        machine.end()


def _fleet(plan: Plan, laid_out: Story, accounts: dict[str, Account]) -> Fleet:
    mqtt_url = f"mqtt://127.0.0.1:{plan.mqtt_port}"
    outboxes = enrolment.outboxes_of(plan.data_dir)
    driven = fleet.of_district(plan.district, laid_out, accounts, mqtt_url, outboxes)
    spare = accounts[UNPLACED]
    stand = next(stand for device, stand in sorted(plan.district.stands().items()) if device != SIMPLE)
    settings = settings_of(
        spare,
        mqtt_url,
        outboxes / f"{UNPLACED}.db",
        channels=("tvc",),
        storage_class="refrigerator",
        interval=5 * MINUTE,
    )
    begin = laid_out.ready - DAY
    driven.add(Gateway(settings, Standing(stand, begin - WARM_UP, laid_out.ready + HORIZON), begin, driven.tell))
    return driven


def _send(driven: Fleet, machine: Machine, told: Told) -> None:
    begun = time.monotonic()
    driven.connect()
    driven.send_all(Pace(now(), 1.0), SENDS_WITHIN_S, lambda done, of: told.progress("acknowledged", done, of))
    machine.check()
    told.step(f"all of it is acknowledged, after {time.monotonic() - begun:.1f} s")
    speakers = {one.device_id: one for one in driven.gateways if isinstance(one, Gateway)}
    mischief.send(speakers, now())
    if COPIED in speakers:
        outbox_id = speakers[COPIED].agent.outbox.outbox_id
        speakers[COPIED].publish(mischief.READINGS, mischief.other_voice(COPIED, outbox_id))


def _acknowledge_some(books: Books) -> None:
    """What a district's people would have done by now about what is over."""
    at = now()
    with books.begin() as shelf:
        user = shelf.users.called(USER)
        over = shelf.incidents.page(places.top(shelf).path, states=("ended",), limit=50)
        heat_and_frost = [one for one in over if one.kind in ("heat", "frost")]
        for number, one in enumerate(heat_and_frost[:ACKNOWLEDGED]):
            if user is not None:
                incidents.acknowledge(shelf, one.incident_id, user.user_id, COMMENTS[number % len(COMMENTS)], at)


@contextmanager
def _fresh(root: Path) -> Iterator[None]:
    """An empty directory that is ours alone. Raises DemoRuns, NotADemo."""
    lock = root / LOCK
    if root.exists() and any(root.iterdir()) and not lock.exists():
        raise NotADemo(f"{root} holds something that is no earlier demo: give another --data, or empty it yourself")
    root.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoRuns(f"a demo runs on {root} already: stop it first, or give another --data") from None
        for child in root.iterdir():
            if child.name == LOCK:
                continue
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child)
            else:
                child.unlink()
        yield
