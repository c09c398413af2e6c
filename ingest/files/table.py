"""A table of readings (CSV) as any logger's export can be brought to: columns sensor, measured_at and celsius."""

from datetime import tzinfo

from coldchain.readings import UNREADABLE
from ingest import csv_readings
from ingest.csv_readings import SensorReadings
from ingest.files.logger_file import LoggerFile, Measured

NAME = "csv"
ONLY_CHANNEL = "tvc"
"""The channel of a sensor whose name does not tell it."""


def read(file: str, content: bytes, zone: tzinfo) -> LoggerFile:
    """A sensor that is called DEVICE:CHANNEL is a channel of that device, any other a device of its own.

    Raises Damaged.
    """
    sensors = csv_readings.parse(file, content, zone)
    return LoggerFile(NAME, "", tuple(_measured(name, sensors[name]) for name in sorted(sensors)))


def _measured(name: str, sensor: SensorReadings) -> Measured:
    device, colon, channel = name.rpartition(":")
    readings = sorted(sensor.readings)
    faulty_at = tuple(sorted(sensor.faulty_at))
    return Measured(
        hardware_id=device if colon else name,
        channel=channel if colon else ONLY_CHANNEL,
        measured_at=tuple(csv_readings.instant_in(packed) for packed in readings),
        values=tuple(csv_readings.value_in(packed) for packed in readings),
        faulty_at=faulty_at,
        faults=(UNREADABLE,) * len(faulty_at),
        interval=sensor.stated[min(sensor.stated)] if sensor.stated else None,
        newest_line=sensor.newest[1],
    )
