"""A logger's file: any CSV with instants and temperatures in it, whatever its maker called the columns.

What is not told is guessed, and what was guessed is told: the separator, the header behind a preamble, the column of
time (or two, date and time), the columns of temperature, the order of day and month. Every other doubt is an error
with its line.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Literal, NamedTuple

from coldchain.clock import BadInstant, instant
from coldchain.errors import Refused
from coldchain.readings import (
    FAULT_PREFIX,
    RANGE,
    UNREADABLE,
    NotANumber,
    Reading,
    centidegrees,
    is_possible,
)

Order = Literal["day-first", "month-first"]

DEFAULT_CHANNEL = "tvc"
LONGEST_PREAMBLE = 60

_TIME_WORDS = re.compile(r"time|date|measured_at|zeit|datum|fecha|hora|heure|समय|दिनांक|^ts$|^at$", re.I)
_DATE_WORDS = re.compile(r"date|datum|fecha|दिनांक", re.I)
_WARM_WORDS = re.compile(r"temp|celsius|fahrenheit|°|\btvc\b|\btamb\b|\btfrz\b|probe|तापमान|\(c\)|\(f\)|deg", re.I)
_OTHER_WORDS = re.compile(
    r"humid|%|\brh\b|batt|volt|serial|index|^no\.?$|^#$|^id$|record|door|power|alarm|dew|lux", re.I
)
_FAHRENHEIT = re.compile(r"°\s*f\b|fahrenheit|\(f\)|deg\.?\s*f\b", re.I)
_NOTHING = {"---", "--", "-", "nan", "n/a", "na", "null", "none", "err", "error", "nc", "ol", "open", "fail"}
_SLASHED = re.compile(
    r"(?P<a>\d{1,4})[/.-](?P<b>\d{1,2})[/.-](?P<c>\d{2,4})"
    r"(?:[ T,]+(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:[.,]\d+)?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
)


class BadFile(Refused):
    """A logger's file that cannot be read. The text begins with FILE:LINE."""


class Wishes(NamedTuple):
    """What somebody told instead of having it guessed. `columns`: a column's name → the channel it shall be."""

    zone: tzinfo = UTC
    time_column: str | None = None
    columns: Mapping[str, str] = {}
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class LoggerFile:
    """Readings in order of time, and in sentences what was guessed."""

    readings: tuple[Reading, ...]
    guesses: tuple[str, ...] = ()

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(sorted({reading.channel for reading in self.readings}))

    def interval(self) -> int:
        """The usual spacing of one channel's readings, in ms (the median; 0 where there are not two)."""
        last: dict[str, int] = {}
        spacings = []
        for reading in self.readings:
            if reading.channel in last and reading.measured_at > last[reading.channel]:
                spacings.append(reading.measured_at - last[reading.channel])
            last[reading.channel] = reading.measured_at
        return sorted(spacings)[len(spacings) // 2] if spacings else 0


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where in a row the instants (one cell or two) and the temperatures stand; `sensor` where rows name theirs."""

    times: tuple[int, ...]
    temperatures: tuple[tuple[int, str, bool], ...]
    """Column, channel, whether it is in degrees Fahrenheit."""
    sensor: int | None = None


@dataclass(slots=True)
class _Lines:
    """The file's rows with their line numbers; where each error says where."""

    name: str
    rows: list[tuple[int, list[str]]]
    separator: str
    guesses: list[str] = field(default_factory=list)

    def error(self, line: int, why: str) -> BadFile:
        return BadFile(f"{self.name}:{line}: {why}")


def read(path: Path, wishes: Wishes = Wishes()) -> LoggerFile:  # noqa: B008  (frozen)
    """Raises BadFile."""
    try:
        body = path.read_bytes()
    except OSError as why:
        raise BadFile(f"{path}: {why.strerror}") from None
    return parse(body, str(path), wishes)


def parse(body: bytes, name: str, wishes: Wishes = Wishes()) -> LoggerFile:  # noqa: B008  (frozen)
    """Raises BadFile."""
    lines = _lines(_text(body), name)
    layout, begin = _layout(lines, wishes)
    rows = lines.rows[begin:]
    order = wishes.order or _order(lines, layout, rows)
    readings: list[Reading] = []
    devices: set[str] = set()
    for line, row in rows:
        at = _instant(lines, line, row, layout, order, wishes.zone)
        for column, channel, is_fahrenheit in layout.temperatures:
            cell = row[column].strip() if column < len(row) else ""
            if not cell:
                continue
            if layout.sensor is not None:
                channel = _channel_of_row(row, layout.sensor, wishes, devices)  # noqa: PLW2901
            readings.append(_reading(lines, line, channel, at, cell, is_fahrenheit))
    if len(devices) > 1:
        raise BadFile(f"{name}:1: holds readings of several devices ({', '.join(sorted(devices))}): send each alone")
    if not readings:
        raise BadFile(f"{name}:1: holds no reading")
    readings.sort(key=lambda reading: (reading.measured_at, reading.channel))
    return LoggerFile(tuple(readings), tuple(lines.guesses))


def _text(body: bytes) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", errors="replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")  # what loggers' own programs write on Windows


def _lines(text: str, name: str) -> _Lines:
    plain = text.splitlines()
    counts = {mark: Counter(line.count(mark) for line in plain if line.count(mark)) for mark in ";\t,|"}
    separator = max(counts, key=lambda mark: max(counts[mark].values(), default=0))
    rows = [
        (number, row)
        for number, row in enumerate(csv.reader(plain, delimiter=separator, skipinitialspace=True), 1)
        if any(cell.strip() for cell in row)
    ]
    if not rows:
        raise BadFile(f"{name}:1: is empty")
    return _Lines(name, rows, separator)


def _layout(lines: _Lines, wishes: Wishes) -> tuple[_Layout, int]:
    """The columns, and the number of the first row with readings. Raises BadFile."""
    for number, (line, row) in enumerate(lines.rows[:LONGEST_PREAMBLE]):
        names = [cell.strip() for cell in row]
        following = lines.rows[number + 1][1] if number + 1 < len(lines.rows) else None
        if _is_header(names, following, wishes):
            return _layout_of_header(lines, line, names, number, wishes), number + 1
        if _is_data(row):
            break
    line, row = lines.rows[0]
    if not _is_data(row):
        raise lines.error(line, "no header names a time and a temperature: give --time-column and --column")
    columns = [index for index in range(1, len(row)) if _number(row[index]) is not None]
    lines.guesses.append(f"no header: the first column is the time, {_listed(columns)} the temperature")
    channels = _numbered(len(columns))
    return _Layout((0,), tuple(zip(columns, channels, [False] * len(columns), strict=True))), 0


def _is_header(names: list[str], following: list[str] | None, wishes: Wishes) -> bool:
    """Whether a row names the columns: one is called like a time, none is a value, and values follow."""
    if wishes.time_column is not None:
        return wishes.time_column in names
    times = [index for index, name in enumerate(names) if _TIME_WORDS.search(name)]
    if len(names) < 2 or not times or any(_is_value(name) for name in names):
        return False
    if any(_WARM_WORDS.search(name) for name in names) or following is None:
        return True
    return any(index < len(following) and _is_value(following[index].strip()) for index in times)


def _is_value(cell: str) -> bool:
    """Whether a cell holds a number or an instant."""
    return _number(cell) is not None or (cell[:1].isdigit() and _is_instant(cell))


def _is_instant(cell: str) -> bool:
    try:
        _parsed(cell, "day-first", UTC)
    except (BadInstant, ValueError):
        return re.match(r"\d{1,4}[-/.:]\d", cell) is not None  # one that this order of day and month does not allow
    return True


def _is_data(row: list[str]) -> bool:
    return len(row) >= 2 and _is_instant(row[0].strip()) and any(_number(cell) is not None for cell in row[1:])


def _layout_of_header(lines: _Lines, line: int, names: list[str], number: int, wishes: Wishes) -> _Layout:
    times = _time_columns(lines, line, names, wishes)
    for wished in wishes.columns:
        if wished not in names and "sensor" not in map(str.lower, names):
            raise lines.error(line, f"there is no column {wished!r}; there are {', '.join(filter(None, names))}")
    lowered = [name.lower() for name in names]
    if "sensor" in lowered and "celsius" in lowered:
        column = lowered.index("celsius")
        return _Layout(times, ((column, "", False),), lowered.index("sensor"))
    chosen = [index for index, name in enumerate(names) if name in wishes.columns]
    if not chosen:
        chosen = _temperature_columns(lines, names, times, number)
    if not chosen:
        raise lines.error(line, f"no column looks like a temperature ({', '.join(filter(None, names))}): give --column")
    temperatures = []
    for index in chosen:
        name = names[index]
        channel = wishes.columns.get(name) or (DEFAULT_CHANNEL if len(chosen) == 1 else slug(name))
        temperatures.append((index, channel, bool(_FAHRENHEIT.search(name))))
    twice = [channel for channel, count in Counter(channel for _, channel, _ in temperatures).items() if count > 1]
    if twice:
        raise lines.error(line, f"several columns would be the channel {twice[0]!r}: give --column NAME=channel")
    if not wishes.columns:
        told = ", ".join(f"{names[index]!r} as {channel}" for index, channel, _ in temperatures)
        lines.guesses.append(f"temperatures: {told}")
    return _Layout(times, tuple(temperatures))


def _time_columns(lines: _Lines, line: int, names: list[str], wishes: Wishes) -> tuple[int, ...]:
    if wishes.time_column is not None:
        return (names.index(wishes.time_column),)
    candidates = [index for index, name in enumerate(names) if _TIME_WORDS.search(name)]
    exact = [index for index in candidates if names[index].lower() == "measured_at"]
    both = [index for index in candidates if re.search(r"date.*time|time.*date|timestamp", names[index], re.I)]
    dates = [index for index in candidates if _DATE_WORDS.search(names[index])]
    if exact or both:
        times: tuple[int, ...] = ((exact or both)[0],)
    elif dates and len(candidates) > 1 and _holds_dates_alone(lines, dates[0]):
        rest = [index for index in candidates if index != dates[0]]
        times = (dates[0], rest[0])
    else:
        times = (candidates[0],)
    lines.guesses.append("time: " + " and ".join(repr(names[index]) for index in times))
    return times


def _holds_dates_alone(lines: _Lines, column: int) -> bool:
    cells = [row[column].strip() for _, row in lines.rows[-3:] if column < len(row)]
    return bool(cells) and not any(":" in cell for cell in cells)


def _temperature_columns(lines: _Lines, names: list[str], times: tuple[int, ...], number: int) -> list[int]:
    """Those that are called like one; else those that hold numbers and are not called like something else."""
    open_ones = [i for i, name in enumerate(names) if i not in times and not _OTHER_WORDS.search(name)]
    called = [index for index in open_ones if _WARM_WORDS.search(names[index])]
    sample = [row for _, row in lines.rows[number + 1 : number + 21]]

    def holds_numbers(index: int) -> bool:
        cells = [row[index] for row in sample if index < len(row) and row[index].strip()]
        return bool(cells) and any(_number(cell) is not None for cell in cells)

    return [index for index in (called or open_ones) if holds_numbers(index)] or called


def _order(lines: _Lines, layout: _Layout, rows: Iterable[tuple[int, list[str]]]) -> Order:
    """Whether 03/04 is a day in April: as the whole file allows, else as India writes."""
    is_slashed = False
    for _, row in rows:
        found = _SLASHED.match(row[layout.times[0]].strip()) if layout.times[0] < len(row) else None
        if found is None or len(found["a"]) == 4:
            continue
        is_slashed = True
        if int(found["a"]) > 12:
            return "day-first"
        if int(found["b"]) > 12:
            return "month-first"
    if is_slashed:
        lines.guesses.append("dates are read as day/month/year")
    return "day-first"


def _instant(lines: _Lines, line: int, row: list[str], layout: _Layout, order: Order, zone: tzinfo) -> int:
    if max(layout.times) >= len(row):
        raise lines.error(line, "the row is too short to have a time")
    text = " ".join(row[column].strip() for column in layout.times)
    try:
        return _parsed(text, order, zone)
    except (BadInstant, ValueError):
        raise lines.error(line, f"{text[:40]!r} is no instant") from None


def _parsed(text: str, order: Order, zone: tzinfo) -> int:
    """Raises BadInstant or ValueError."""
    if text.isdigit() and len(text) == 13:
        return int(text)
    found = _SLASHED.fullmatch(text)
    if found is None or (len(found["a"]) == 4 and found["half"] is None and "-" in text):
        return instant(text, zone)
    first, second, third = int(found["a"]), int(found["b"]), int(found["c"])
    if len(found["a"]) == 4:
        year, month, day = first, second, third
    else:
        year = third + 2000 if third < 100 else third
        day, month = (first, second) if order == "day-first" else (second, first)
    hour = int(found["h"] or 0)
    if found["half"]:
        hour = hour % 12 + (12 if found["half"][0] in "Pp" else 0)
    moment = datetime(year, month, day, hour, int(found["m"] or 0), int(found["s"] or 0), tzinfo=zone)
    return round(moment.timestamp()) * 1000


def _channel_of_row(row: list[str], column: int, wishes: Wishes, devices: set[str]) -> str:
    name = row[column].strip() if column < len(row) else ""
    device, colon, channel = name.rpartition(":")
    if colon:
        devices.add(device)
    return wishes.columns.get(name) or slug(channel) or DEFAULT_CHANNEL


def _reading(lines: _Lines, line: int, channel: str, at: int, cell: str, is_fahrenheit: bool) -> Reading:
    if cell.startswith(FAULT_PREFIX):
        return Reading(channel, at, None, slug(cell.removeprefix(FAULT_PREFIX)) or UNREADABLE)
    if cell.lower() in _NOTHING:
        return Reading(channel, at, None, UNREADABLE)
    number = _number(cell)
    if number is None:
        raise lines.error(line, f"{cell[:40]!r} is no temperature")
    if is_fahrenheit:
        number = (number - 32) * 5 / 9
    try:
        value = centidegrees(number) if abs(number) < 1000 else None
    except NotANumber as why:
        raise lines.error(line, str(why)) from None
    if value is None or not is_possible(value):
        return Reading(channel, at, None, RANGE)
    return Reading(channel, at, value)


def _number(cell: str) -> Decimal | None:
    """A decimal number, with point or comma, with or without its unit."""
    text = re.sub(r"\s*(°\s*[CF]|[CF])?\s*$", "", cell.strip()).replace("−", "-")
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        text = text.replace(",", ".")
    return Decimal(text) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", text) else None


def slug(name: str) -> str:
    """A channel's name as SenML can carry it (RFC 8428, section 4.5.1)."""
    plain = re.sub(r"\(.*?\)|°\s*[CF]\b|celsius", " ", name, flags=re.I)
    return re.sub(r"[^a-z0-9]+", "-", (plain.strip() or name).lower()).strip("-")[:32]


def _numbered(count: int) -> list[str]:
    return [DEFAULT_CHANNEL] if count == 1 else [f"probe-{number}" for number in range(1, count + 1)]


def _listed(columns: list[int]) -> str:
    names = [f"column {column + 1}" for column in columns]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
