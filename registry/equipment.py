"""Equipment: the metal: a fridge, freezer or cold box that fills a storage point for a time, is moved and repaired.

Its PQS code and serial number are identifiers (`identifiers.py`).
"""

from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, get_args

from coldchain.errors import NotFound, Refused
from coldchain.ids import new_id
from registry import dated, storage_points

Condition = Literal["working", "needs-repair", "in-repair", "not-working", "written-off"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)


@dataclass(frozen=True, slots=True)
class Equipment:
    """`net_millilitres` is what it holds of vaccine, None where nobody knows."""

    equipment_id: str
    maker: str
    model: str
    storage_class: str
    net_millilitres: int | None = None
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class InCondition:
    equipment_id: str
    condition: Condition
    since: int
    until: int | None = None
    remark: str = ""
    in_condition_id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Filling:
    """The equipment fills the storage point in [since, until): one of either at an instant."""

    storage_point_id: str
    equipment_id: str
    since: int
    until: int | None = None
    filling_id: str = field(default_factory=new_id)


class NoSuchEquipment(NotFound):
    """Equipment was named that the books do not know."""


class BadEquipment(Refused):
    """Equipment was described in a way that it cannot be."""


class Equipments(Protocol):
    def get(self, equipment_id: str) -> Equipment:
        """Raises NoSuchEquipment."""
        ...

    def add(self, equipment: Equipment) -> None: ...

    def save(self, equipment: Equipment) -> None: ...

    def conditions(self, equipment_id: str) -> list[InCondition]:
        """In order of time."""
        ...

    def save_condition(self, condition: InCondition) -> None: ...

    def fillings(self, *, storage_point_id: str | None = None, equipment_id: str | None = None) -> list[Filling]:
        """Those of the point, or of the equipment, in order of time."""
        ...

    def save_filling(self, filling: Filling) -> None: ...


class Shelf(storage_points.Shelf, Protocol):
    @property
    def equipment(self) -> Equipments: ...


def add(
    shelf: Shelf, maker: str, model: str, storage_class: str, since: int, net_millilitres: int | None = None
) -> Equipment:
    """New equipment, working from `since` (ms UTC) on. Raises BadEquipment."""
    if not model.strip():
        raise BadEquipment("equipment needs the name of its model")
    if net_millilitres is not None and net_millilitres <= 0:
        raise BadEquipment("equipment holds more than nothing")
    equipment = Equipment(new_id(), maker.strip(), model.strip(), storage_class, net_millilitres)
    shelf.equipment.add(equipment)
    shelf.equipment.save_condition(InCondition(equipment.equipment_id, "working", since))
    return equipment


def find_in_condition(shelf: Shelf, equipment_id: str, condition: str, since: int, remark: str = "") -> InCondition:
    """Raises NoSuchEquipment, BadEquipment, dated.Overlapping."""
    shelf.equipment.get(equipment_id)
    known = shelf.equipment.conditions(equipment_id)
    before, until = dated.room_from(known, since, "the condition of the equipment")
    if before is not None:
        shelf.equipment.save_condition(replace(before, until=since))
    found = InCondition(equipment_id, _condition(condition), since, until, remark)
    shelf.equipment.save_condition(found)
    return found


def fill(shelf: Shelf, storage_point_id: str, equipment_id: str, since: int) -> Filling:
    """Put the equipment into the point from `since` on: it leaves where it was, and what was there leaves.

    Raises NoSuchStoragePoint, NoSuchEquipment, dated.Overlapping.
    """
    point = storage_points.of_now(shelf, storage_point_id)
    shelf.equipment.get(equipment_id)
    in_point = shelf.equipment.fillings(storage_point_id=storage_point_id)
    of_it = shelf.equipment.fillings(equipment_id=equipment_id)
    there, until_there = dated.room_from(in_point, since, f"what filled {point.name}")
    before, until_before = dated.room_from(of_it, since, "where the equipment stood")
    for filling in {f.filling_id: f for f in (there, before) if f is not None}.values():
        shelf.equipment.save_filling(replace(filling, until=since))
    until = min((edge for edge in (until_there, until_before) if edge is not None), default=None)
    filling = Filling(storage_point_id, equipment_id, since, until)
    shelf.equipment.save_filling(filling)
    return filling


def write_off(shelf: Shelf, equipment_id: str, at: int) -> Equipment:
    """It is used no more; what it filled is empty from `at` on. Raises NoSuchEquipment, dated.Overlapping."""
    equipment = replace(shelf.equipment.get(equipment_id), ended_at=at)
    find_in_condition(shelf, equipment_id, "written-off", at)
    for filling in shelf.equipment.fillings(equipment_id=equipment_id):
        if dated.holds(filling, at):
            shelf.equipment.save_filling(replace(filling, until=at))
    shelf.equipment.save(equipment)
    return equipment


def _condition(text: str) -> Condition:
    for condition in CONDITIONS:
        if condition == text:
            return condition
    raise BadEquipment(f"{text!r} is no condition; there are {', '.join(CONDITIONS)}")
