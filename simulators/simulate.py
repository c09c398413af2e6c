"""A simulation: a district's gateways at a platform that runs already, ours or somebody else's."""

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from coldchain.clock import DAY, now
from coldchain.data_dir import DataDir
from coldchain.errors import Conflict, Refused, Unavailable
from registry.settling import broker_address, open_at
from simulators import accounts, district, enrolment, fleet, story
from simulators.accounts import Account
from simulators.district import Block, District, Facility, Point
from simulators.fleet import Pace

ACCOUNTS = "accounts.jsonl"
LIVED_UNTIL = "lived-until.json"

SENDS_WITHIN_S = 24 * 3600.0
TOLD_EVERY_S = 60.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """`days` of past, `speed` times as fast as it was (None: as fast as it goes); then real time, or the end."""

    district: District
    days: float = 1.0
    speed: float | None = None
    past_only: bool = False


class NothingRuns(Unavailable):
    """No platform of ours runs on the data directory."""


class DevicesKnown(Conflict):
    """Devices of the district are in the books already, and their passwords are not known here."""


class NoAccounts(Refused):
    """Nobody of the district has an account."""


def at_data(data_dir: DataDir, plan: Plan, say: Say) -> None:
    """At the platform that runs on this data directory; the district is enrolled there the first time.

    Runs until interrupted, or until the past is durable. Raises NothingRuns, DevicesKnown, fleet.NotDurable.
    """
    if broker_address(data_dir) is None:
        raise NothingRuns(f"nothing runs on {data_dir.root}: start `coldchain up --data {data_dir.root}` first")
    outboxes = enrolment.outboxes_of(data_dir)
    given = _accounts_at(data_dir, outboxes / ACCOUNTS, plan.district, say)
    _perform(plan, given, enrolment.mqtt_url(data_dir), outboxes, say)


def at_broker(mqtt_url: str, given: dict[str, Account], plan: Plan, say: Say) -> None:
    """At a broker, with accounts that somebody gave us. Raises NoAccounts, fleet.NotDurable."""
    with tempfile.TemporaryDirectory(prefix="coldchain-simulate-") as outboxes:
        _perform(plan, given, mqtt_url, Path(outboxes), say)


def district_of(given: dict[str, Account], interval_s: int = 60) -> District:
    """One centre with a refrigerator for each account, where nobody described a district."""
    points = tuple(Point(f"ILR {number}", "ilr", device, interval_s) for number, device in enumerate(sorted(given), 1))
    facility = Facility({"en": "Centre"}, "community-health-centre", points)
    return District({"en": "District"}, "Asia/Kolkata", (Block({"en": "Block"}, "village", (facility,)),))


def _accounts_at(data_dir: DataDir, path: Path, of: District, say: Say) -> dict[str, Account]:
    wanted = {point.device_id for point in of.points()}
    given = accounts.read(path) if path.exists() else {}
    with contextlib.closing(open_at(data_dir)) as books:
        known = enrolment.known(books, wanted)
        strangers = sorted(known - given.keys())
        if strangers:
            raise DevicesKnown(
                f"{', '.join(strangers[:3])} {'and others ' if len(strangers) > 3 else ''}are enrolled already, by "
                "somebody else: give a district with other devices"
            )
        if not known:
            enrolled = enrolment.enrol(books, of, now(), is_whole=False)
            given |= {account.device_id: account for account in enrolled}
            accounts.write(path, given.values())
            enrolment.tell(books, data_dir, enrolled)
            say(f"{of.name['en']}: {len(enrolled)} storage points and their devices are enrolled")
    return {device: account for device, account in given.items() if device in wanted}


def _perform(plan: Plan, given: dict[str, Account], mqtt_url: str, outboxes: Path, say: Say) -> None:
    if not given.keys() & {point.device_id for point in plan.district.points()}:
        raise NoAccounts("none of the district's devices has an account: give theirs with --accounts")
    at = now()
    begin = at - int(plan.days * DAY)
    laid_out = story.uneventful(plan.district, begin, at)
    driven = fleet.of_district(plan.district, laid_out, given, mqtt_url, outboxes, _lived_until(outboxes))
    pace = Pace(begin, plan.speed) if plan.speed is not None else Pace(at, 1.0)
    with _progress(say) as told:
        try:
            if plan.speed is None:
                driven.rehearse(at, lambda done, of: told("measured", done, of))
                say(f"{driven.readings:,} readings of the past lie in the agents' outboxes")
            driven.connect()
            if plan.speed is None:
                driven.send_all(pace, SENDS_WITHIN_S, lambda done, of: told("acknowledged", done, of))
                say("all of them are durable")
            while not (plan.past_only and pace.now() >= at):
                driven.turn(pace)
                told("readings sent", driven.readings - driven.waiting(), driven.readings)
            driven.send_all(pace, SENDS_WITHIN_S)
        finally:
            lived = {gateway.device_id: gateway.due for gateway in driven.gateways}
            (outboxes / LIVED_UNTIL).write_text(json.dumps(lived), encoding="ascii")
            driven.close()


def _lived_until(outboxes: Path) -> dict[str, int]:
    """Up to where each device has come in an earlier simulation here; it lives on from there."""
    try:
        lived = json.loads((outboxes / LIVED_UNTIL).read_text(encoding="ascii"))
        return {str(device): int(at) for device, at in lived.items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}


@contextlib.contextmanager
def _progress(say: Say) -> Iterator[Callable[[str, int, int], None]]:
    last = time.monotonic()
    every = 2.0

    def told(what: str, done: int, of: int) -> None:
        nonlocal last, every
        if time.monotonic() - last >= every:
            say(f"{what}: {done:,} of {of:,}")
            last, every = time.monotonic(), min(2 * every, TOLD_EVERY_S)

    yield told


def shipped_or(path: Path | None) -> District:
    """The district of the file, else the one that ships. Raises district.BadDistrict."""
    return district.shipped() if path is None else district.read(path)
