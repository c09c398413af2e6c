"""A district to rehearse with: blocks, facilities and storage points, each with its fridge and its device.

Written as TOML (`simulators/data/indravan.toml` is the shipped one and says how).
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from coldchain.errors import Refused
from coldchain.ids import device_id
from simulators import dice, fridge
from simulators.doors import Habits
from simulators.fridge import Make
from simulators.power import HAMLET, TOWN, VILLAGE, Supply, feeder
from simulators.stand import Stand
from simulators.weather import Weather

SHIPPED = "indravan.toml"
MAINS = "mains"
SIMPLE = "logger-"
"""How the id of a device begins that numbers no packs and keeps nothing."""

MAKES: dict[str, tuple[Make, str]] = {
    "ilr": (fridge.ILR, "refrigerator"),
    "tired-ilr": (fridge.TIRED_ILR, "refrigerator"),
    "household": (fridge.HOUSEHOLD, "refrigerator"),
    "walk-in-cooler": (fridge.WALK_IN_COOLER, "walk-in-cooler"),
    "deep-freezer": (fridge.DEEP_FREEZER, "freezer"),
}
"""A make's name in the file → how it behaves, and by which rules it is judged."""

PATTERNS = {"town": TOWN, "village": VILLAGE, "hamlet": HAMLET}

Name = dict[str, str]
"""Language → text; "en" is always there."""


class BadDistrict(Refused):
    """A district's file says something that cannot be laid out."""


@dataclass(frozen=True, slots=True)
class Point:
    name: str
    make: str
    device_id: str
    interval_s: int
    tells_mains: bool = False

    @property
    def storage_class(self) -> str:
        return MAKES[self.make][1]

    @property
    def is_simple(self) -> bool:
        return self.device_id.startswith(SIMPLE)

    @property
    def channels(self) -> tuple[str, ...]:
        """A walk-in cooler is watched at two heights, everything else in one place; some devices tell of the mains."""
        probes = ("tvc", "tvc-top") if self.make == "walk-in-cooler" else ("tvc",)
        return (*probes, MAINS) if self.tells_mains else probes


@dataclass(frozen=True, slots=True)
class Facility:
    name: Name
    type: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Block:
    name: Name
    supply: str
    facilities: tuple[Facility, ...]


@dataclass(frozen=True, slots=True)
class District:
    name: Name
    zone: str
    blocks: tuple[Block, ...]

    def points(self) -> Iterator[Point]:
        for block in self.blocks:
            for facility in block.facilities:
                yield from facility.points

    def stands(self) -> dict[str, Stand]:
        """Each device's fridge where it stands, without mishaps."""
        return {
            point.device_id: _stand(block, facility, point)
            for block in self.blocks
            for facility in block.facilities
            for point in facility.points
        }

    def with_only(self, count: int) -> "District":
        """The first so many storage points, for a small rehearsal."""
        left = count
        blocks = []
        for block in self.blocks:
            facilities = []
            for facility in block.facilities:
                points, left = facility.points[:left], left - len(facility.points[:left])
                if points:
                    facilities.append(Facility(facility.name, facility.type, points))
            if facilities:
                blocks.append(Block(block.name, block.supply, tuple(facilities)))
        return District(self.name, self.zone, tuple(blocks))


def shipped() -> District:
    """The invented district of 40 storage points."""
    return parse((files("simulators") / "data" / SHIPPED).read_text(encoding="utf-8"), SHIPPED)


def read(path: Path) -> District:
    """Raises BadDistrict."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as why:
        raise BadDistrict(f"{path}: {why}") from None
    return parse(text, str(path))


def parse(text: str, where: str) -> District:
    """Raises BadDistrict."""
    try:
        table = tomllib.loads(text)
        district = District(_name(table), str(table.get("zone", "Asia/Kolkata")), tuple(map(_block, table["block"])))
    except tomllib.TOMLDecodeError as why:
        raise BadDistrict(f"{where}: {why}") from None
    except KeyError as why:
        raise BadDistrict(f"{where}: {why.args[0]} is missing") from None
    except (TypeError, ValueError, AttributeError, Refused) as why:
        raise BadDistrict(f"{where}: {why}") from None
    ids = [point.device_id for point in district.points()]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise BadDistrict(f"{where}: {', '.join(twice)} stands in two places")
    return district


def _name(table: dict[str, Any]) -> Name:
    name = table["name"]
    if isinstance(name, str):
        return {"en": name}
    if not isinstance(name.get("en"), str):
        raise ValueError("a name must be a text or a table with en")
    return {str(language): str(text) for language, text in name.items()}


def _block(table: dict[str, Any]) -> Block:
    supply = str(table.get("supply", "village"))
    if supply not in PATTERNS:
        raise ValueError(f"supply must be one of {', '.join(PATTERNS)}, not {supply!r}")
    return Block(_name(table), supply, tuple(map(_facility, table["facility"])))


def _facility(table: dict[str, Any]) -> Facility:
    return Facility(_name(table), str(table.get("type", "primary-health-centre")), tuple(map(_point, table["points"])))


def _point(row: list[Any]) -> Point:
    if not isinstance(row, list) or len(row) not in (4, 5) or row[4:] not in ([], [MAINS]):
        raise ValueError(
            f'a point is written [name, make, device, seconds between readings], and "{MAINS}" if it tells'
        )
    name, make, device, interval_s = row[:4]
    if make not in MAKES:
        raise ValueError(f"{name}: the make must be one of {', '.join(MAKES)}, not {make!r}")
    if isinstance(interval_s, bool) or not isinstance(interval_s, int) or interval_s < 1:
        raise ValueError(f"{name}: {interval_s!r} is no number of seconds")
    return Point(str(name), make, device_id(str(device)), interval_s, row[4:] == [MAINS])


def _stand(block: Block, facility: Facility, point: Point) -> Stand:
    seed = dice.seed_of(point.device_id)
    building = dice.seed_of(facility.name["en"])
    is_store = facility.type == "district-store"
    own = feeder(building, TOWN)
    return Stand(
        seed=seed,
        make=MAKES[point.make][0],
        weather=Weather(
            dice.seed_of(block.name["en"]),
            mean=24.0 if is_store else 26.0 + dice.swing(building, 1),
            day=2.0 if is_store else 3.5,
        ),
        supply=Supply(
            feeder(dice.seed_of(block.name["en"]), PATTERNS[block.supply]), own, generator=90_000 if is_store else None
        ),
        habits=Habits(seed, on_session_days=18 if is_store else 12),
        calibration=0.2 * dice.swing(seed, 2),
        dt=60 if point.interval_s <= 60 else 150,
    )
