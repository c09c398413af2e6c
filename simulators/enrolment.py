"""Enrolment: a district goes into the books, places, storage points and devices, all in one transaction."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from coldchain.clock import SECOND
from coldchain.data_dir import DataDir
from registry import enrolment, facilities, places, settling, storage_points, users
from registry.books import Books, Shelf
from registry.devices import Credentials
from registry.settling import settle_devices
from simulators.accounts import Account
from simulators.district import District, Facility, Point

FACILITY_TYPES = {"district-store": "district-store"}
"""A facility's type in the district → in the books; what is not here is a cold-chain point."""


def enrol(books: Books, district: District, at: int, *, is_whole: bool) -> list[Account]:
    """The district's places, storage points and devices, each device placed at its point for all time.

    `is_whole`: the books are for this district alone, whose name the top place takes; else it is put under the top.
    Raises what the books refuse: then nothing is taken in.
    """
    with books.begin() as shelf:
        top = places.top(shelf)
        if is_whole:
            places.describe(shelf, top.place_id, kind="district", name=district.name, zone=district.zone)
            root = top.place_id
        else:
            root = places.add(shelf, "district", district.name, top.place_id, zone=district.zone).place_id
        accounts: list[Account] = []
        for block in district.blocks:
            block_id = places.add(shelf, "block", block.name, root).place_id
            for facility in block.facilities:
                accounts += _enrol_facility(shelf, facility, block_id, at)
    return accounts


def enrol_unplaced(books: Books, device_id: str, interval: int, at: int, kind: str = "agent") -> Account:
    """A device that nobody has placed yet, and that measures every `interval` ms."""
    with books.begin() as shelf:
        given = enrolment.enrol(shelf, [device_id], at, kind=kind, interval=interval)
    return Account(device_id, given[0].password)


def add_user(books: Books, name: str, password: str, role: str, at: int) -> str:
    """A user of the whole of the books; gives the id."""
    password_hash = users.hashed(password)
    with books.begin() as shelf:
        return users.add(shelf, name, password_hash, role, places.top(shelf).place_id, at).user_id


def tell(books: Books, data_dir: DataDir, accounts: Sequence[Account] = ()) -> None:
    """The gate and the judge know of it, and a broker that runs lets the devices in, when this comes back.

    Raises registry.broker_files.NotReloaded.
    """
    settle_devices(books, data_dir, [Credentials(one.device_id, one.password) for one in accounts])


def mqtt_url(data_dir: DataDir) -> str:
    """Where a device on this machine finds the broker."""
    address = settling.broker_address(data_dir)
    return settling.mqtt_url(data_dir) if address is None else f"mqtt://{address[0]}:{address[1]}"


def known(books: Books, device_ids: Iterable[str]) -> set[str]:
    """Which of the devices the books have, ended or not."""
    with books.read() as shelf:
        return set(shelf.devices.several(list(device_ids)))


def outboxes_of(data_dir: DataDir) -> Path:
    """Where simulated devices of a data directory keep what is not acknowledged yet."""
    path = data_dir.root / "rehearsal"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _enrol_facility(shelf: Shelf, facility: Facility, block_id: str, at: int) -> list[Account]:
    place = places.add(shelf, "facility", facility.name, block_id)
    facilities.describe(shelf, place.place_id, FACILITY_TYPES.get(facility.type, "cold-chain-point"))
    return [_enrol_point(shelf, point, place.place_id, at) for point in facility.points]


def _enrol_point(shelf: Shelf, point: Point, place_id: str, at: int) -> Account:
    added = storage_points.add(shelf, point.name, point.storage_class, place_id)
    given = enrolment.enrol(
        shelf,
        [point.device_id],
        at,
        storage_point_id=added.storage_point_id,
        kind="logger" if point.is_simple else "agent",
        interval=point.interval_s * SECOND,
    )
    return Account(point.device_id, given[0].password)
