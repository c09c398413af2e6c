"""A logger's file: what a device without a network measured and kept, for whoever carries the file away.

Beside readings, which are judged, a file may hold what the device made of them itself: a day's lowest and highest, its
own alarms. Those are evidence and are never judged.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Side = Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One channel's records in the order of the file. `values` in centidegrees, instants and `interval` in ms.

    `faulty_at` and `faults` stand beside: instants at which there was no value. `newest_line`: where the newest stands.
    """

    hardware_id: str
    channel: str
    measured_at: tuple[int, ...]
    values: tuple[int, ...]
    faulty_at: tuple[int, ...] = ()
    faults: tuple[str, ...] = ()
    interval: int | None = None
    newest_line: int = 1

    def __len__(self) -> int:
        return len(self.measured_at) + len(self.faulty_at)

    @property
    def oldest(self) -> int:
        return min(self.measured_at + self.faulty_at)

    @property
    def newest(self) -> int:
        return max(self.measured_at + self.faulty_at)


@dataclass(frozen=True, slots=True)
class Beyond:
    """How many minutes of a day lay beyond one of the device's own limits; its alarm needs `after_minutes`."""

    side: Side
    limit: int
    after_minutes: int
    minutes: int


@dataclass(frozen=True, slots=True)
class DaySummary:
    """What the device says of one of its days: [since, until) in ms UTC, temperatures in centidegrees.

    None where it says nothing, as when its probe was away. `lost_minutes`: for how long it was.
    """

    hardware_id: str
    day: date
    since: int
    until: int
    low: int | None
    high: int | None
    mean: int | None
    low_at: int | None
    high_at: int | None
    beyond: tuple[Beyond, ...]
    lost_minutes: int
    line: int


@dataclass(frozen=True, slots=True)
class DeviceAlarm:
    """The device's own alarm. It sounded `at` (ms UTC); it knows from when, until when and how far, or does not."""

    hardware_id: str
    at: int
    side: Side
    limit: int
    after_minutes: int
    minutes: int
    is_cumulative: bool = False
    since: int | None = None
    until: int | None = None
    extreme: int | None = None
    line: int = 1


@dataclass(frozen=True, slots=True)
class LoggerFile:
    """`form` names the format, `model` the device as it calls itself."""

    form: str
    model: str
    measured: tuple[Measured, ...] = ()
    days: tuple[DaySummary, ...] = ()
    alarms: tuple[DeviceAlarm, ...] = ()

    @property
    def hardware_ids(self) -> tuple[str, ...]:
        """Whose file it is; of a table there may be several."""
        told: tuple[Measured | DaySummary | DeviceAlarm, ...] = (*self.measured, *self.days, *self.alarms)
        return tuple(dict.fromkeys(one.hardware_id for one in told))

    @property
    def is_day_summary(self) -> bool:
        """Whether it knows days and no single reading."""
        return bool(self.days) and not self.measured

    def __len__(self) -> int:
        return sum(map(len, self.measured))
