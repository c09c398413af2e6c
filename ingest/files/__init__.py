"""Logger files: what is carried in by hand is read here. One format is one file; which it is, its content says.

Nothing is guessed: a file is read whole, or refused with its name, the line and the reason.
"""

from collections.abc import Callable
from datetime import tzinfo

from ingest import csv_readings
from ingest.csv_readings import Damaged, NoSuchFile
from ingest.files import fridge_tag, q_tag, table
from ingest.files.berlinger import SIGNS, Text
from ingest.files.logger_file import DaySummary, DeviceAlarm, LoggerFile, Measured

__all__ = [
    "Damaged",
    "DaySummary",
    "DeviceAlarm",
    "LoggerFile",
    "Measured",
    "NoSuchFile",
    "as_sensors",
    "is_loggers_own",
    "read",
]

_BERLINGER: tuple[tuple[tuple[str, ...], Callable[[Text, str], LoggerFile]], ...] = (
    (fridge_tag.MODELS, fridge_tag.read),
    (q_tag.MODELS, q_tag.read),
)
"""How the devices call themselves whose files each reads."""


def is_loggers_own(content: bytes) -> bool:
    """Whether a logger wrote it in a format of its own; anything else is taken for a table."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").startswith(SIGNS.encode())


def read(file: str, content: bytes, zone: tzinfo) -> LoggerFile:
    """`file` is what it is called in what is said of it; `zone` is meant by times that name none. Raises Damaged."""
    if not is_loggers_own(content):
        return table.read(file, content, zone)
    text = Text(file, csv_readings.decoded(file, content), zone)
    model = text.get(text.root, "Device")
    for models, reads in _BERLINGER:
        if model.text.startswith(models):
            return reads(text, model.text)
    raise text.damaged(model.line, f"the files of a {model.text[:40]!r} are not known here: bring it to CSV")


def as_sensors(read_file: LoggerFile) -> csv_readings.Sensors:
    """Its readings as they are judged without a server: a sensor is called by its logger's serial number."""
    sensors: csv_readings.Sensors = {}
    for one in read_file.measured:
        sensor = sensors.setdefault(one.hardware_id, csv_readings.SensorReadings())
        sensor.readings |= {
            csv_readings.packed(at, value) for at, value in zip(one.measured_at, one.values, strict=True)
        }
        sensor.faulty_at |= set(one.faulty_at)
        if one.interval is not None:
            sensor.stated[one.oldest] = one.interval
    return sensors
