"""Readings in a CSV file, as any logger's export can be brought to: read, joined, judged with no server.

Parsed at this door and nowhere else: what is damaged is told by file and line, never guessed.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import pairwise
from pathlib import Path
from statistics import median

from coldchain.clock import SECOND, BadInstant, instant
from coldchain.errors import NotFound, Refused
from coldchain.facts import DEFAULT_INTERVAL
from coldchain.judgement import ALWAYS, AT_REST, Interval, Stretch, Timeline, fold
from coldchain.judgement.interval import as_shown
from coldchain.readings import FAULT_PREFIX, LOWEST, POWER_ON_VALUE, centidegrees, is_possible
from coldchain.rules import RuleSet

SENSOR, MEASURED_AT, CELSIUS, INTERVAL = "sensor", "measured_at", "celsius", "interval_s"
NEEDED = (SENSOR, MEASURED_AT, CELSIUS)

STDIN = "-"

YEAR_1900 = -2_208_988_800_000
"""Older than any thermometer that writes files."""

AT_ONCE = 512
"""Readings folded at once: pieces wholly in range cost next to nothing."""

MOST_REMEMBERED = 100_000

_number = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_stated = re.compile(r"#\s*interval_s\s*[:=]\s*(\S+)\s*$")


class Damaged(Refused):
    """A file cannot be read as readings; the message begins with FILE:LINE."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")
        self.line = line
        self.reason = reason


class NoSuchFile(NotFound):
    """A file cannot be opened."""


@dataclass(slots=True)
class SensorReadings:
    """One sensor's part. `readings` are packed, see `packed`; `faulty_at` and the keys of `stated` in ms UTC.

    `stated` is the interval (ms) that the file names from an instant on. `newest`: the last instant, and its line.
    """

    readings: set[int] = field(default_factory=set)
    faulty_at: set[int] = field(default_factory=set)
    stated: dict[int, int] = field(default_factory=dict)
    newest: tuple[int, int] = (YEAR_1900, 0)

    def instants(self) -> list[int]:
        """Of all records, faults included, each once, in order."""
        return sorted({packed >> 16 for packed in self.readings} | self.faulty_at)


Sensors = dict[str, SensorReadings]


class Found:
    """What was read so far, of all files together: a sensor that goes on in the next file is one story."""

    def __init__(self) -> None:
        self._sensors: Sensors = {}

    def add(self, sensors: Sensors) -> None:
        for name, more in sensors.items():
            known = self._sensors.setdefault(name, SensorReadings())
            known.readings |= more.readings
            known.faulty_at |= more.faulty_at
            known.stated |= more.stated

    def judged(self, rules: RuleSet, interval: int | None) -> list[tuple[str, Interval]]:
        """All intervals by sensor, start and code. `interval` (ms) stands above what the files say."""
        return [
            (name, one)
            for name in sorted(self._sensors)
            for one in _judge(self._sensors[name], _timeline(self._sensors[name], rules, interval, name))
        ]


def read(file: str, zone: tzinfo) -> Sensors:
    """The readings of a file, `-` being standard input; `zone` is meant where a time names none.

    Raises NoSuchFile and Damaged.
    """
    return parse(file, content_of(file), zone)


def content_of(file: str) -> bytes:
    """Raises NoSuchFile."""
    try:
        return sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as why:
        raise NoSuchFile(f"{file} cannot be read: {why.strerror}") from why


def parse(file: str, content: bytes, zone: tzinfo) -> Sensors:
    """Raises Damaged."""
    return _Reader(file, decoded(file, content), zone).sensors()


def decoded(file: str, content: bytes) -> str:
    """Raises Damaged."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        line = content.count(b"\n", 0, why.start) + 1
        raise Damaged(file, line, "this is no UTF-8 text") from None


def json_lines(judged: list[tuple[str, Interval]]) -> Iterator[str]:
    """A JSON object for each interval, with the fields that `/excursions` has."""
    for sensor, interval in judged:
        yield json.dumps({"sensor": sensor, **as_shown(interval)}, ensure_ascii=False)


HEADINGS = ("sensor", "rule", "severity", "started", "alarmed", "ended", "°C", "min out", "min unknown", "proven")


def table(judged: list[tuple[str, Interval]]) -> Iterator[str]:
    """The same for people."""
    if not judged:
        yield "no interval out of range met its rule"
        return
    rows = [HEADINGS, *(_row(sensor, interval) for sensor, interval in judged)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(sensor: str, interval: Interval) -> tuple[str, ...]:
    shown = as_shown(interval)
    return (
        sensor,
        interval.code,
        interval.severity,
        str(shown["started_at"]),
        str(shown["alarmed_at"]),
        str(shown["ended_at"] or "still out"),
        str(shown["extreme_c"]),
        f"{shown['minutes_out']:g}",
        f"{shown['minutes_unknown']:g}",
        "yes" if interval.proven else "no",
    )


class _Reader:
    """One file being read, row by row."""

    def __init__(self, file: str, text: str, zone: tzinfo) -> None:
        self._file = file
        self._zone = zone
        first = next((line for line in io.StringIO(text) if line.strip() and not line.startswith("#")), "")
        self._is_semicolon = ";" in first and "," not in first
        delimiter = ";" if self._is_semicolon else ","
        self._rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        self._columns: dict[str, int] = {}
        self._width = 0
        self._interval: int | None = None
        self._sensors: Sensors = {}
        self._known_values: dict[str, int | None] = {}

    def sensors(self) -> Sensors:
        try:
            for row in self._rows:
                if not row or (len(row) == 1 and not row[0].strip()):
                    continue
                if row[0].startswith("#"):
                    self._note_comment(",".join(row))
                elif not self._columns:
                    self._note_header(row)
                else:
                    self._note_row(row)
        except csv.Error as why:
            raise self._damaged(str(why)) from None
        if not self._columns:
            raise Damaged(self._file, 1, f"there is no header; it must name {', '.join(NEEDED)}")
        if self._interval is not None:
            for sensor in self._sensors.values():
                sensor.stated.setdefault(sensor.instants()[0], self._interval)
        return self._sensors

    def _note_header(self, row: list[str]) -> None:
        names = [name.strip().lower() for name in row]
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise self._damaged(f"the header lacks {', '.join(missing)}; it must name {', '.join(NEEDED)}")
        for name in (*NEEDED, INTERVAL):
            if names.count(name) > 1:
                raise self._damaged(f"the header names {name} twice")
        self._columns = {name: names.index(name) for name in (*NEEDED, INTERVAL) if name in names}
        self._width = len(row)

    def _note_comment(self, comment: str) -> None:
        stated = _stated.match(comment)
        if stated is not None:
            self._interval = self._seconds(stated.group(1))

    def _note_row(self, row: list[str]) -> None:
        if len(row) < self._width or any(cell.strip() for cell in row[self._width :]):
            raise self._damaged(f"there are {len(row)} fields, the header has {self._width}")
        name = row[self._columns[SENSOR]].strip()
        if not name:
            raise self._damaged("the row names no sensor")
        sensor = self._sensors.get(name)
        if sensor is None:
            sensor = self._sensors[name] = SensorReadings()
        at = self._instant(row[self._columns[MEASURED_AT]])
        value = self._value(row[self._columns[CELSIUS]])
        if value is None:
            sensor.faulty_at.add(at)
        else:
            sensor.readings.add(packed(at, value))
        if at > sensor.newest[0]:
            sensor.newest = (at, self._rows.line_num)
        if INTERVAL in self._columns and (stated := row[self._columns[INTERVAL]].strip()):
            sensor.stated[at] = self._seconds(stated)

    def _instant(self, text: str) -> int:
        try:
            at = instant(text, self._zone)
        except (BadInstant, OverflowError):
            at = None
        if at is None or at < YEAR_1900 or "_" in text:
            raise self._damaged(f"{text[:40]!r} is no instant: write 2026-01-01T00:00:00Z, or Unix seconds")
        return at

    def _value(self, text: str) -> int | None:
        """Centidegrees; None for a fault, such as a value that no probe can have measured."""
        if text in self._known_values:  # a logger says the same few hundred values over and over
            return self._known_values[text]
        if len(self._known_values) >= MOST_REMEMBERED:
            self._known_values.clear()
        told = text.strip()
        if not told or told.startswith(FAULT_PREFIX):
            value = None
        else:
            if self._is_semicolon:
                told = told.replace(",", ".")
            if _number.fullmatch(told) is None:
                raise self._damaged(f"{text[:40]!r} is no temperature; a fault is an empty field or fault:NAME")
            hundredths = centidegrees(told)
            value = hundredths if is_possible(hundredths) and hundredths != POWER_ON_VALUE else None
        self._known_values[text] = value
        return value

    def _seconds(self, text: str) -> int:
        if _number.fullmatch(text) is None or not 0 < float(text) < 1e9:
            raise self._damaged(f"{text[:40]!r} is no interval in seconds")
        return round(float(text) * SECOND)

    def _damaged(self, reason: str) -> Damaged:
        return Damaged(self._file, self._rows.line_num, reason)


def packed(at: int, value: int) -> int:
    """Instant and value in one number that sorts as the fold wants them, and takes a third of a pair's memory."""
    return at << 16 | value - LOWEST


def instant_in(one: int) -> int:
    return one >> 16


def value_in(one: int) -> int:
    return (one & 0xFFFF) + LOWEST


def _judge(sensor: SensorReadings, timeline: Timeline) -> list[Interval]:
    in_order = sorted(sensor.readings)
    memory, ended = AT_REST, []
    for begin in range(0, len(in_order), AT_ONCE):
        part = in_order[begin : begin + AT_ONCE]
        memory, more = fold(memory, [one >> 16 for one in part], [(one & 0xFFFF) + LOWEST for one in part], timeline)
        ended += more
    return sorted([*ended, *memory.open_intervals()], key=lambda interval: (interval.started_at, interval.code))


def _timeline(sensor: SensorReadings, rules: RuleSet, interval: int | None, name: str) -> Timeline:
    """One stay under one set of rules; the interval as told, else as the file states it, else as it looks."""
    watching = rules.watching(name)
    if interval is not None:
        stated = {ALWAYS: interval}
    else:
        stated = sensor.stated or {ALWAYS: _median_spacing(sensor.instants())}
    stretches: list[Stretch] = []
    for since in sorted(stated):
        if not stretches or stretches[-1].interval != stated[since]:
            begin = since if stretches else ALWAYS
            stretches.append(Stretch(begin, watching, stated[since], None, rules.name, rules.version))
    return Timeline(tuple(stretches))


def _median_spacing(instants: list[int]) -> int:
    if len(instants) < 2:
        return DEFAULT_INTERVAL
    return round(median(later - earlier for earlier, later in pairwise(instants)))
