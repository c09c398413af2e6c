"""Berlinger Fridge-tag 2, 2 E, 2 L and Ultra Low: 30 to 60 days as the device saw them, newest first, of some models
also a reading every few minutes.

Times are the device's own, without a zone. Level 0 of its alarms is the lower limit, level 1 the upper.
"""

from itertools import pairwise

from ingest.files.berlinger import DAY_MINUTES, Section, Text, Told
from ingest.files.logger_file import Beyond, DaySummary, DeviceAlarm, LoggerFile, Side

NAME = "fridge-tag"
MODELS = ("Q-tag Fridge-tag", "Fridge-tag")

SIDES: dict[int, Side] = {0: "low", 1: "high"}

MOST_MINUTES_A_DAY = 2 * DAY_MINUTES
"""A clock that was set back makes a day longer than it is."""

Levels = dict[int, tuple[int, int]]
"""By number: limit in centidegrees, minutes until its alarm."""


def read(text: Text, model: str) -> LoggerFile:
    """Raises Damaged."""
    configuration = text.needed(text.root, "Conf")
    serial = text.serial(configuration)
    text.check_unit(configuration)
    levels = _levels(text, configuration)
    history = text.needed(text.root, "Hist")
    created_at = text.instant(text.get(history, "TS Report Creation"))
    activated_at = text.instant_or_none(text.find(history, "TS Actv"))
    days: list[DaySummary] = []
    alarms: list[DeviceAlarm] = []
    for expected, (number, section) in enumerate(text.numbered(history), 1):
        if number != expected:
            raise text.damaged(section.line, f"day {number} stands where day {expected} belongs")
        days.append(_day(text, serial, section, levels, (activated_at, created_at)))
        alarms += _alarms(text, serial, section, levels)
    for newer, older in pairwise(days):
        if older.day >= newer.day:
            raise text.damaged(older.line, f"{older.day} stands after {newer.day}: the newest day comes first")
    interval = text.interval(configuration)
    has_probe = text.section(configuration, "Ext Sensor") is not None
    measured = text.measured(serial, interval, has_probe=has_probe)
    text.check_signature()
    return LoggerFile(NAME, model, measured, tuple(days), tuple(alarms))


def _levels(text: Text, configuration: Section) -> Levels:
    levels: Levels = {}
    for number, level in text.numbered(text.needed(configuration, "Alarm")):
        limit = text.get(level, "T AL")
        value = text.temperature(limit)
        if number not in SIDES or value is None:
            raise text.damaged(level.line, "a limit is level 0 (lower) or 1 (upper), and a temperature")
        levels[number] = (value, text.minutes(text.get(level, "t AL")))
    return levels


def _day(text: Text, serial: str, section: Section, levels: Levels, lived: tuple[int | None, int]) -> DaySummary:
    told = text.get(section, "Date")
    day = text.day(told)
    activated_at, created_at = lived
    begins, ends = text.midnight(day, told.line), text.next_midnight(day, told.line)
    since = max(begins, activated_at) if activated_at is not None and activated_at < ends else begins
    low, high, mean = (text.temperature(text.get(section, key)) for key in ("Min T", "Max T", "Avrg T"))
    if low is not None and high is not None and low > high:
        raise text.damaged(section.line, "the day's lowest temperature lies above its highest")
    return DaySummary(
        hardware_id=serial,
        day=day,
        since=since,
        until=max(since, min(ends, created_at)),
        low=low,
        high=high,
        mean=mean,
        low_at=text.instant_of_day(day, text.find(section, "TS Min T")),
        high_at=text.instant_of_day(day, text.find(section, "TS Max T")),
        beyond=tuple(
            Beyond(SIDES[number], *levels[number], _minutes(text, level))
            for number, level in _told_levels(text, section, levels)
        ),
        lost_minutes=_lost(text, section),
        line=section.line,
    )


def _alarms(text: Text, serial: str, section: Section, levels: Levels) -> list[DeviceAlarm]:
    day = text.day(text.get(section, "Date"))
    alarms = []
    for number, level in _told_levels(text, section, levels):
        at = text.instant_of_day(day, text.find(level, "TS A"))
        if at is not None:
            limit, after = levels[number]
            minutes = _minutes(text, level)
            alarms.append(DeviceAlarm(serial, at, SIDES[number], limit, after, minutes, line=level.line))
    return alarms


def _told_levels(text: Text, section: Section, levels: Levels) -> list[tuple[int, Section]]:
    told = list(text.numbered(text.needed(section, "Alarm")))
    for number, level in told:
        if number not in levels:
            raise text.damaged(level.line, f"the configuration knows no limit {number}")
    if len(told) < len(levels):
        raise text.damaged(section.line, "the day does not tell of every limit: the file is cut off")
    return told


def _minutes(text: Text, level: Section) -> int:
    return text.minutes(text.get(level, "t Acc"), MOST_MINUTES_A_DAY)


def _lost(text: Text, section: Section) -> int:
    """For how long the probe was away: the outer one, where there is one, is the one that measures."""
    for name in ("Ext Sensor timeout", "Int Sensor timeout"):
        timeout = text.section(section, name)
        if timeout is not None:
            told: Told = text.get(timeout, "t AccST")
            return text.minutes(told, MOST_MINUTES_A_DAY)
    return 0
