"""An import: places, storage points or devices from a table that people keep (CSV, UTF-8, with or without a BOM).

    places:          kind, name, and if you like name_hi (or name_ and another language), parent, zone, contact,
                     lgd, hfr
    storage points:  name, storage_class, place, and if you like mobile, equipment_maker, equipment_model,
                     equipment_pqs
    devices:         device_id, and if you like storage_point, place, model, interval_s, kind, dialect, hardware_id,
                     topics, probes, mapping, zone, bridge

`topics` and `probes` (CHANNEL=ROLE) are parted by semicolons. A device with a `bridge` gets no password: the bridge
speaks for it, by its hardware_id.

`parent`, `place` and `storage_point` are names or ids; without one, the top. Places may stand in any order. A row that
is wrong is told with its line and its reason, and the others are taken. The same file twice changes nothing: a place is
known by its code, else by its name in its parent; a point by its name in its place; a device by its id.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from coldchain.clock import SECOND
from coldchain.errors import ColdchainError, Refused
from coldchain.judgement import ALWAYS
from registry import devices, enrolment, equipment, identifiers, placements, places, speech, storage_points
from registry.devices import Credentials

LONGEST_FILE = 16 * 1024 * 1024
Row = dict[str, str]

OVERFLOW = "\0overflow"
"""The key in a row for cells that stand beyond the last column."""

FORMULA = ("=", "+", "-", "@")

CODES = ("lgd", "hfr")
"""Columns that are identifiers of a place."""

SPEECH = ("dialect", "hardware_id", "topics", "probes", "mapping", "zone")
"""Columns that say how a device speaks; a row in which all are empty says nothing of it."""

COLUMNS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "places": (frozenset({"kind", "name"}), frozenset({"parent", "zone", "contact", *CODES})),
    "storage-points": (
        frozenset({"name", "storage_class"}),
        frozenset({"place", "mobile", "equipment_maker", "equipment_model", "equipment_pqs"}),
    ),
    "devices": (
        frozenset({"device_id"}),
        frozenset({"storage_point", "place", "model", "interval_s", "kind", "bridge", *SPEECH}),
    ),
}
"""By what is imported: the columns that must be there, and those that may."""


@dataclass(frozen=True, slots=True)
class WrongRow:
    """`line` as a text editor counts it; `row` as it stood, for sending back."""

    line: int
    reason: str
    row: Row
    may_come_right: bool = field(default=False, compare=False, repr=False)


@dataclass(slots=True)
class Imported:
    """What became of the file. `given` are the new devices' passwords, told once."""

    created: int = 0
    updated: int = 0
    errors: list[WrongRow] = field(default_factory=list)
    given: list[Credentials] = field(default_factory=list)
    columns: tuple[str, ...] = ()

    def errors_as_csv(self) -> str:
        """The wrong rows with the reason as a last column: mend them and send them again."""
        told = io.StringIO()
        writer = csv.DictWriter(told, [*self.columns, "line", "reason"], extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for wrong in self.errors:
            safe = {name: _harmless(text) for name, text in wrong.row.items()}
            writer.writerow(safe | {"line": str(wrong.line), "reason": wrong.reason})
        return told.getvalue()


class BadFile(Refused):
    """The file as a whole cannot be read."""


class NothingTaken(Refused):
    """Some rows are wrong, and all or nothing was asked for. `imported` tells which."""

    def __init__(self, imported: Imported) -> None:
        first = imported.errors[0]
        super().__init__(
            f"nothing was taken: {len(imported.errors)} rows are wrong, the first is line {first.line}: {first.reason}"
        )
        self.imported = imported


class BadRow(Refused):
    """A row is no row of the table."""


class Shelf(enrolment.Shelf, equipment.Shelf, identifiers.Shelf, Protocol):
    """Places, storage points with their equipment, devices with their placements, identifiers."""

    def attempt(self) -> AbstractContextManager[None]:
        """What is done inside is undone by an error, and what was done before it stays."""
        ...


MayPlace = Callable[[str], bool]
"""Whether whoever imports may change things in the place of the path."""


class NotYours(Refused):
    """A row concerns a place that whoever imports may not change."""


def take(
    shelf: Shelf,
    what: str,
    content: bytes,
    at: int,
    *,
    all_or_nothing: bool = False,
    may: MayPlace = lambda path: True,
    top: places.Place | None = None,
) -> Imported:
    """Import the file; `what` is places, storage-points or devices. `top`: where rows lie that name no place.

    Raises BadFile, NothingTaken (then the transaction is to be left by it).
    """
    rows = list(read(what, content))
    imported = Imported(columns=tuple(rows[0][1]) if rows else ())
    lying = _Lying(shelf, may, top or places.top(shelf))
    left: list[WrongRow] = [WrongRow(line, "", row) for line, row in rows]
    while left:
        wrong = list(_taken(lying, what, left, at, imported))
        imported.errors += [one for one in wrong if not one.may_come_right]
        waiting = [one for one in wrong if one.may_come_right]
        if len(waiting) == len(left):  # nothing that was taken since made a difference
            imported.errors += waiting
            break
        left = waiting
    imported.errors.sort(key=lambda one: one.line)
    if all_or_nothing and imported.errors:
        raise NothingTaken(imported)
    return imported


def _taken(lying: "_Lying", what: str, rows: Sequence[WrongRow], at: int, imported: Imported) -> Iterator[WrongRow]:
    """Take rows; gives those that could not be."""
    take_row, seen = _TAKE[what], lying.seen
    for one in rows:
        try:
            if OVERFLOW in one.row:
                raise BadRow(f"it has more cells than the first line names columns: {one.row[OVERFLOW]!r}")
            with lying.shelf.attempt():
                outcome, thing_id = take_row(lying, one.row, at, imported)
                if thing_id in seen:
                    raise BadRow(f"line {seen[thing_id]} describes the same already")
        except ColdchainError as why:
            # A place may lie in one that stands further down, and a bridge may.
            may_come = (places.NoSuchPlace, devices.NoSuchDevice)
            yield replace(one, reason=str(why), may_come_right=isinstance(why, may_come))
            continue
        seen[thing_id] = one.line
        imported.created += outcome == "created"
        imported.updated += outcome == "updated"


def read(what: str, content: bytes) -> Iterator[tuple[int, Row]]:
    """The rows with the lines they begin in; empty ones are left out. Raises BadFile."""
    if what not in COLUMNS:
        raise BadFile(f"{what!r} cannot be imported; there are {', '.join(COLUMNS)}")
    if len(content) > LONGEST_FILE:
        raise BadFile(f"the file is larger than {LONGEST_FILE >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        line = content[: why.start].count(b"\n") + 1
        raise BadFile(f"line {line} is not UTF-8: save the table as CSV UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        _check_columns(what, names)
        begins = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, _row(names, cells)
            begins = reader.line_num + 1
    except csv.Error as why:
        raise BadFile(f"line {reader.line_num} is no CSV: {why}") from None


@dataclass(frozen=True, slots=True)
class _Lying:
    """Where rows are to lie: on which shelf, and within what."""

    shelf: Shelf
    may: MayPlace
    top: places.Place
    seen: dict[str, int] = field(default_factory=dict)
    """In which line each thing was described."""

    def place(self, text: str) -> places.Place:
        """What may not be changed is not told from what does not exist. Raises NoSuchPlace, AmbiguousPlace."""
        return places.find(self.shelf, text, self.may) if text else self.top


def _take_place(lying: _Lying, row: Row, at: int, imported: Imported) -> tuple[str, str]:
    shelf = lying.shelf
    parent = lying.place(row.get("parent", ""))
    is_top = not row.get("parent") and row["name"] in lying.top.name.values()
    name = {"en": row["name"]} | {key[5:]: text for key, text in row.items() if key.startswith("name_") and text}
    codes = {system: row[system] for system in CODES if row.get(system)}
    known = lying.top if is_top else _place_of_codes(shelf, codes) or _place_in(shelf, parent, row["name"])
    outcome = ""
    if known is None:
        place = places.add(
            shelf,
            row["kind"],
            name,
            parent.place_id,
            zone=row.get("zone") or None,
            contact=row.get("contact", ""),
        )
        outcome = "created"
    else:
        if not lying.may(known.path):
            raise NotYours(f"you may change nothing in {known.called()!r}")
        place = places.describe(
            shelf,
            known.place_id,
            kind=row["kind"],
            name=name,
            zone=row.get("zone") or None,
            contact=row.get("contact") or None,
        )
        if place.zone != known.zone:
            devices.tell_zone(shelf, place)
        if row.get("parent") and known.parent_id not in (None, parent.place_id):
            place = places.move(shelf, known.place_id, parent.place_id, at, at)
        outcome = "updated" if place != known else ""
    for system, value in codes.items():
        identifiers.give(shelf, "place", place.place_id, system, value)
    return outcome, place.place_id


def _take_point(lying: _Lying, row: Row, at: int, imported: Imported) -> tuple[str, str]:
    shelf = lying.shelf
    place = lying.place(row.get("place", ""))
    known = shelf.storage_points.called(" ".join(row["name"].split()), place.place_id)
    if known:
        if known[0].storage_class != row["storage_class"]:
            raise storage_points.NameTaken(
                f"{known[0].name} is of class {known[0].storage_class}; a point's class stays: end it and add another"
            )
        point, outcome = known[0], ""
    else:
        point = storage_points.add(
            shelf, row["name"], row["storage_class"], place.place_id, is_mobile=_yes(row.get("mobile", ""))
        )
        outcome = "created"
    if row.get("equipment_model") and not shelf.equipment.fillings(storage_point_id=point.storage_point_id):
        metal = equipment.add(
            shelf, row.get("equipment_maker", ""), row["equipment_model"], point.storage_class, ALWAYS
        )
        equipment.fill(shelf, point.storage_point_id, metal.equipment_id, ALWAYS)
        outcome = outcome or "updated"
    return outcome, point.storage_point_id


def _take_device(lying: _Lying, row: Row, at: int, imported: Imported) -> tuple[str, str]:
    shelf = lying.shelf
    device_id, named = row["device_id"], row.get("storage_point", "")
    place = lying.place(row.get("place", ""))
    point = _point(lying, named, place if row.get("place") else None) if named else None
    interval = _milliseconds(row.get("interval_s", ""))
    known = shelf.devices.several([device_id]).get(device_id)
    if known is None:
        imported.given += enrolment.enrol(
            shelf,
            [device_id],
            at,
            storage_point_id=None if point is None else point.storage_point_id,
            place_id=place.place_id if point is None else point.place_id,
            kind=row.get("kind") or "logger",
            model=row.get("model", ""),
            interval=interval,
            speaks=_speech(row, is_bridge=row.get("kind") == "bridge"),
            bridge_id=_bridge(lying, row),
        )
        return "created", device_id
    if not lying.may(shelf.places.get(known.place_id).path):
        raise devices.DeviceKnown(f"the device {device_id} is enrolled already")
    described = devices.describe(shelf, device_id, model=row.get("model") or None, kind=row.get("kind") or None)
    bridge = _bridge(lying, row)
    if bridge is not None:
        devices.speak_for(shelf, bridge, device_id, row.get("hardware_id", ""), at)
    elif any(row.get(column) for column in SPEECH):
        described = devices.speak(shelf, device_id, _speech(row, is_bridge=described.kind == "bridge"))
    changed = shelf.devices.get(device_id) != known
    if interval is not None:
        changed |= devices.declare(shelf, device_id, interval, at, at) is not None
    if point is not None and not _stands_at(shelf, device_id, point.storage_point_id, at):
        placements.place(shelf, device_id, point.storage_point_id, at)
        changed = True
    return "updated" if changed else "", device_id


def _speech(row: Row, *, is_bridge: bool) -> speech.Speech:
    probes = {}
    for told in _parts(row.get("probes", "")):
        channel, sign, role = told.rpartition("=")
        if not sign:
            raise speech.BadSpeech(f"{told!r} says of no probe what it is: write it as CHANNEL=ROLE")
        probes[channel.strip()] = role.strip()
    return speech.checked(
        row.get("dialect", ""),
        row.get("hardware_id"),
        _parts(row.get("topics", "")),
        probes,
        row.get("mapping"),
        row.get("zone", ""),
        is_bridge=is_bridge,
        is_behind_bridge=bool(row.get("bridge")),
    )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _bridge(lying: _Lying, row: Row) -> str | None:
    """What may not be changed is not told from what does not exist. Raises NoSuchDevice."""
    named = row.get("bridge")
    if not named:
        return None
    bridge = lying.shelf.devices.several([named]).get(named)
    if bridge is None or not lying.may(lying.shelf.places.get(bridge.place_id).path):
        raise devices.NoSuchDevice(f"no device {named!r} is enrolled")
    return named


def _place_in(shelf: Shelf, parent: places.Place, name: str) -> places.Place | None:
    return next((place for place in shelf.places.called(name) if place.parent_id == parent.place_id), None)


def _place_of_codes(shelf: Shelf, codes: dict[str, str]) -> places.Place | None:
    for system, value in codes.items():
        try:
            found = shelf.identifiers.find(system, value)
        except identifiers.NoSuchIdentifier:
            continue
        if found.subject == "place":
            return places.of_now(shelf, found.subject_id)
    return None


def _point(lying: _Lying, text: str, place: places.Place | None) -> storage_points.StoragePoint:
    if place is not None:
        named = lying.shelf.storage_points.called(text, place.place_id)
        if named:
            return named[0]
    return storage_points.find(lying.shelf, text, lying.may)


def _stands_at(shelf: Shelf, device_id: str, storage_point_id: str, at: int) -> bool:
    standing = shelf.placements.of_devices([device_id], at)
    return any((row.channel, row.storage_point_id) == ("*", storage_point_id) for row in standing)


def _check_columns(what: str, names: Sequence[str]) -> None:
    needed, optional = COLUMNS[what]
    if missing := sorted(needed - set(names)):
        raise BadFile(f"the first line must name the columns; {', '.join(missing)} is missing")
    languages = {name for name in names if what == "places" and name.startswith("name_") and name[5:].isalpha()}
    if unknown := [name for name in names if name and name not in needed | optional | languages | {"line", "reason"}]:
        raise BadFile(f"the column {unknown[0]!r} is unknown; there are {', '.join(sorted(needed | optional))}")
    if len(set(names)) < len(names):
        raise BadFile("a column stands twice in the first line")


def _row(names: Sequence[str], cells: Sequence[str]) -> Row:
    padded = [*cells, *[""] * (len(names) - len(cells))]
    row = {name: _cell(cell) for name, cell in zip(names, padded, strict=False) if name not in ("", "line", "reason")}
    more = [cell for cell in cells[len(names) :] if cell.strip()]
    return row | {OVERFLOW: ", ".join(more)} if more else row


def _cell(text: str) -> str:
    """Without what `_harmless` may have put before it."""
    text = text.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA else text


def _milliseconds(text: str) -> int | None:
    if not text:
        return None
    if not text.isdigit():
        raise devices.BadDevice(f"interval_s must be a whole number of seconds, not {text!r}")
    return int(text) * SECOND


def _yes(text: str) -> bool:
    if text.lower() not in ("", "yes", "no", "true", "false", "1", "0"):
        raise storage_points.BadStoragePoint(f"mobile must be yes or no, not {text!r}")
    return text.lower() in ("yes", "true", "1")


def _harmless(text: str) -> str:
    """A spreadsheet that opens the file must not take a cell for a formula."""
    return f"'{text}" if text[:1] in FORMULA else text


_TAKE = {"places": _take_place, "storage-points": _take_point, "devices": _take_device}
