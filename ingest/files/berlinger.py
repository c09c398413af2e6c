"""The text that Berlinger's loggers write: lines of `key: value`, indented by a space a level, and tables of tabs.

Read strictly: what is cut off, was saved in another encoding or was edited by hand is told by its line. Whether the
signature at the end is right only its maker can tell; that it is there and whole, we can.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo

from coldchain.clock import MINUTE, YEAR_2000
from coldchain.readings import RANGE as OUT_OF_RANGE
from coldchain.readings import UNPLUGGED, UNREADABLE, centidegrees, is_possible
from ingest.csv_readings import Damaged
from ingest.files.logger_file import Measured

SIGNS = "Device: "
"""How every such file begins."""

CHANNEL = "tvc"
TABLE_HEAD = ("yyyy-MM-dd hh:mm", "T")

LONGEST_LINE = 2_000
MOST_MINUTES = 100_000
DAY_MINUTES = 1_440

_next_field = re.compile(r", (?=[A-Za-z][A-Za-z0-9 ]{0,30}:)")
_temperature = re.compile(r"[+-]?\d{1,3}(\.\d{1,2})?", re.ASCII)
_missing = re.compile(r"-{2,3}(\.-+)?")
_no_time = re.compile(r"-{2,3}(:--)?")
_date = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_clock = re.compile(r"\d{2}:\d{2}", re.ASCII)
_instant = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}", re.ASCII)
_whole = re.compile(r"\d{1,6}", re.ASCII)
_serial = re.compile(r"[A-Za-z0-9-]{3,32}", re.ASCII)
_hexadecimal = re.compile(r"([0-9a-fA-F]{2}){8,}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Told:
    """A value, and the line that says it."""

    text: str
    line: int


@dataclass(slots=True)
class Section:
    """A line with all that is indented below it; a table's rows stand in `rows`, cell by cell."""

    line: int
    fields: dict[str, str]
    children: "list[Section]" = field(default_factory=list)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return next(iter(self.fields))

    @property
    def is_open(self) -> bool:
        """Whether lines may stand below it: it names itself and says nothing more."""
        return len(self.fields) == 1 and not self.fields[self.name]


class Text:
    """One file of the kind, as a tree; gives its parts typed. Every method raises Damaged with the line."""

    def __init__(self, file: str, text: str, zone: tzinfo) -> None:
        self.file = file
        self._zone = zone
        lines = text.removesuffix("\n").split("\n")
        self._last_line = len(lines)
        self.root = self._tree(lines)

    def damaged(self, line: int, reason: str) -> Damaged:
        return Damaged(self.file, line, reason)

    def _tree(self, lines: list[str]) -> Section:
        root = Section(1, {"": ""})
        path = [root]
        for number, line in enumerate((line.removesuffix("\r") for line in lines), 1):
            if not line.strip(" \t"):
                continue
            if len(line) > LONGEST_LINE or any(ord(sign) < 32 and sign != "\t" for sign in line):
                raise self.damaged(number, "this is no line of a logger's text")
            if line.startswith("\t"):
                if len(path) < 2 or not path[1].is_open:
                    raise self.damaged(number, "a table's row stands outside of any table")
                path[1].rows.append((number, line[1:].split("\t")))
                continue
            depth = len(line) - len(line.lstrip(" "))
            if depth >= len(path):
                raise self.damaged(number, "the line is indented below nothing")
            section = Section(number, self._fields(number, line.strip(" ")))
            del path[depth + 1 :]
            path[depth].children.append(section)
            if section.is_open:
                path.append(section)
        return root

    def _fields(self, number: int, line: str) -> dict[str, str]:
        parts = [line] if line.startswith("User String") else _next_field.split(line)
        fields: dict[str, str] = {}
        for part in parts:
            key, colon, value = part.partition(":")
            if not colon or not key or (value and not value.startswith(" ")):
                raise self.damaged(number, f"{part[:40]!r} is no 'key: value'")
            if key in fields:
                raise self.damaged(number, f"{key} stands twice in one line")
            fields[key] = value.strip()
        return fields

    # What stands where

    def section(self, within: Section, name: str) -> Section | None:
        """The section of this name."""
        found = [one for one in within.children if one.name == name]
        if len(found) > 1:
            raise self.damaged(found[1].line, f"{name} stands twice: are these two files in one?")
        return found[0] if found else None

    def needed(self, within: Section, name: str) -> Section:
        found = self.section(within, name)
        if found is None:
            raise self.damaged(self._end_of(within), f"{name} is missing: the file is cut off, or of another kind")
        return found

    def find(self, within: Section, key: str) -> Told | None:
        """The value of the key in a line below the section."""
        found = [Told(one.fields[key], one.line) for one in within.children if key in one.fields]
        if len(found) > 1:
            raise self.damaged(found[1].line, f"{key} stands twice: are these two files in one?")
        return found[0] if found else None

    def get(self, within: Section, key: str) -> Told:
        found = self.find(within, key)
        if found is None:
            raise self.damaged(self._end_of(within), f"{key} is missing: the file is cut off, or of another kind")
        return found

    def numbered(self, within: Section) -> Iterator[tuple[int, Section]]:
        """The sections that are called by a number."""
        for one in within.children:
            if _whole.fullmatch(one.name):
                yield int(one.name), one

    def _end_of(self, section: Section) -> int:
        """The last line that belongs to the section; of the whole file its last."""
        if section is self.root:
            return self._last_line
        last = section
        while last.children:
            last = last.children[-1]
        return max(last.line, *(number for number, _ in last.rows)) if last.rows else last.line

    # What is said

    def temperature(self, told: Told) -> int | None:
        """Centidegrees; None where the device says that it has none, or what no probe can have measured."""
        return self._measured(told)[0]

    def _measured(self, told: Told) -> tuple[int | None, str]:
        if _missing.fullmatch(told.text):
            return None, UNREADABLE
        if _temperature.fullmatch(told.text) is None:
            raise self.damaged(told.line, f"{told.text[:40]!r} is no temperature: write it like +4.5")
        value = centidegrees(told.text)
        return (value, "") if is_possible(value) else (None, OUT_OF_RANGE)

    def minutes(self, told: Told, most: int = MOST_MINUTES) -> int:
        if _whole.fullmatch(told.text) is None or int(told.text) > most:
            raise self.damaged(told.line, f"{told.text[:40]!r} are no minutes up to {most}")
        return int(told.text)

    def day(self, told: Told) -> date:
        if _date.fullmatch(told.text):
            try:
                return date.fromisoformat(told.text)
            except ValueError:
                pass
        raise self.damaged(told.line, f"{told.text[:40]!r} is no day: write it like 2026-01-31")

    def midnight(self, day: date, line: int) -> int:
        """When the device's day begins."""
        return self._at(datetime.combine(day, time()), line)

    def next_midnight(self, day: date, line: int) -> int:
        return self._at(datetime.combine(day, time()) + timedelta(days=1), line)

    def instant(self, told: Told) -> int:
        """A day with its time, as the device's own clock shows it."""
        if _instant.fullmatch(told.text):
            try:
                return self._at(datetime.fromisoformat(told.text), told.line)
            except ValueError:
                pass
        raise self.damaged(told.line, f"{told.text[:40]!r} is no time: write it like 2026-01-31 14:05")

    def instant_or_none(self, told: Told | None) -> int | None:
        if told is None or not told.text or _no_time.fullmatch(told.text):
            return None
        return self.instant(told)

    def instant_of_day(self, day: date, told: Told | None) -> int | None:
        """A time of that day; None where the device says none."""
        if told is None or not told.text or _no_time.fullmatch(told.text):
            return None
        if _clock.fullmatch(told.text) is None:
            return self.instant(told)
        return self.instant(Told(f"{day.isoformat()} {told.text}", told.line))

    def _at(self, moment: datetime, line: int) -> int:
        try:
            at = round(moment.replace(tzinfo=self._zone).timestamp()) * 1000
        except (OverflowError, ValueError):
            at = 0
        if at < YEAR_2000:
            raise self.damaged(line, f"{moment:%Y-%m-%d %H:%M} lies before the year 2000: the clock was never set")
        return at

    # What every file of the kind has

    def serial(self, configuration: Section) -> str:
        told = self.get(configuration, "Serial")
        if _serial.fullmatch(told.text) is None:
            raise self.damaged(told.line, f"{told.text[:40]!r} is no serial number")
        return told.text

    def check_unit(self, configuration: Section) -> None:
        unit = self.find(configuration, "Temp unit")
        if unit is not None and unit.text != "C":
            raise self.damaged(
                unit.line, f"the temperature unit is {unit.text[:10]!r}: set the logger to C, read again"
            )

    def interval(self, configuration: Section) -> int | None:
        """Between two readings, in ms; None of a device that keeps no single readings."""
        told = self.find(configuration, "Logging Interval")
        if told is None:
            return None
        minutes = self.minutes(told, DAY_MINUTES)
        if minutes == 0:
            raise self.damaged(told.line, "readings cannot be 0 minutes apart")
        return minutes * MINUTE

    def check_signature(self) -> None:
        """That the file is whole to its last sign: two signatures and a key, of one length."""
        certificate = self.needed(self.root, "Cert")
        signatures = [self.get(self.root, "Sig Cert"), self.get(self.root, "Sig")]
        key = self.find(certificate, "Public Key")
        for one in [key, *signatures] if key else signatures:
            if _hexadecimal.fullmatch(one.text) is None:
                raise self.damaged(one.line, "a signature is cut off, or is none: hexadecimal digits belong there")
            if len(one.text) != len(signatures[0].text):
                raise self.damaged(one.line, "a signature has the wrong length: the file is cut off, or was changed")

    def measured(self, serial: str, interval: int | None, *, has_probe: bool) -> tuple[Measured, ...]:
        """The table of single readings, where the file has one. `has_probe`: what is missing is a probe outside."""
        table = self.section(self.root, "Data")
        if table is None:
            return ()
        if not table.rows:
            raise self.damaged(table.line, "the table of readings has no head: the file is cut off")
        head, *rows = table.rows
        if tuple(head[1][:2]) != TABLE_HEAD:
            raise self.damaged(head[0], f"the table of readings must begin with {' and '.join(TABLE_HEAD)}")
        instants: list[int] = []
        values: list[int] = []
        faulty_at: list[int] = []
        faults: list[str] = []
        newest = (0, head[0])
        for line, cells in rows:
            if not 2 <= len(cells) <= 3 or (len(cells) == 3 and cells[2] not in ("", "x")):
                raise self.damaged(line, "a reading is a time, a temperature and, where it is beyond a limit, an x")
            at = self.instant(Told(cells[0], line))
            value, fault = self._measured(Told(cells[1], line))
            if value is not None:
                instants.append(at)
                values.append(value)
            else:
                faulty_at.append(at)
                faults.append(UNPLUGGED if has_probe and fault == UNREADABLE else fault)
            newest = max(newest, (at, line))
        if not rows:
            return ()
        return (
            Measured(
                serial,
                CHANNEL,
                tuple(instants),
                tuple(values),
                tuple(faulty_at),
                tuple(faults),
                interval,
                newest[1],
            ),
        )
