"""Berlinger Q-tag CLm doc: one journey, a reading every few minutes, and up to five limits with their alarms.

A limit is consecutive or cumulative, cold or hot (types 1 to 4), or off (0).
"""

from typing import NamedTuple

from ingest.files.berlinger import Section, Text, Told
from ingest.files.logger_file import DeviceAlarm, LoggerFile, Side

NAME = "q-tag"
MODELS = ("Q-tag CLm",)

OFF = "0"
TYPES: dict[str, tuple[Side, bool]] = {
    "1": ("low", False),
    "2": ("high", False),
    "3": ("low", True),
    "4": ("high", True),
}
"""By type: the side, and whether its minutes are added up."""


class Limit(NamedTuple):
    side: Side
    is_cumulative: bool
    limit: int
    after_minutes: int


def read(text: Text, model: str) -> LoggerFile:
    """Raises Damaged."""
    configuration = text.needed(text.root, "Conf")
    serial = text.serial(configuration)
    text.check_unit(configuration)
    limits = _limits(text, configuration)
    result = text.needed(text.root, "Res")
    alarms = [
        alarm
        for number, section in text.numbered(text.needed(result, "Alarm"))
        for alarm in _alarms(text, serial, section, limits.get(number))
    ]
    measured = text.measured(serial, text.interval(configuration), has_probe=False)
    text.check_signature()
    return LoggerFile(NAME, model, measured, (), tuple(alarms))


def _limits(text: Text, configuration: Section) -> dict[int, Limit]:
    limits = {}
    for number, section in text.numbered(text.needed(configuration, "Alarm")):
        kind = text.get(section, "Type")
        if kind.text == OFF:
            continue
        if kind.text not in TYPES:
            raise text.damaged(kind.line, f"{kind.text[:10]!r} is no type of a limit: there are {', '.join(TYPES)}")
        value = text.temperature(text.get(section, "T AL"))
        if value is None:
            raise text.damaged(section.line, "a limit is a temperature")
        limits[number] = Limit(*TYPES[kind.text], value, text.minutes(text.get(section, "t AL")))
    return limits


def _alarms(text: Text, serial: str, section: Section, limit: Limit | None) -> list[DeviceAlarm]:
    """A limit may have been broken several times, or never."""
    alarms = []
    for line in section.children:
        told = {key: Told(value, line.line) for key, value in line.fields.items()}
        at = text.instant_or_none(told.get("TS A"))
        if at is None:
            continue
        if limit is None:
            raise text.damaged(line.line, "an alarm of a limit that the configuration does not know")
        alarms.append(
            DeviceAlarm(
                hardware_id=serial,
                at=at,
                side=limit.side,
                limit=limit.limit,
                after_minutes=limit.after_minutes,
                minutes=text.minutes(told["t A"]) if "t A" in told else 0,
                is_cumulative=limit.is_cumulative,
                since=text.instant_or_none(told.get("TS S")),
                until=text.instant_or_none(told.get("TS E")),
                extreme=text.temperature(told["T M"]) if told.get("T M") and told["T M"].text else None,
                line=line.line,
            )
        )
    return alarms
