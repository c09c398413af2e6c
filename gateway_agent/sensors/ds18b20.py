"""A DS18B20 as the kernel's w1_therm driver shows it: `<base>/<rom>/w1_slave`, two lines of text.

    4a 01 4b 46 7f ff 06 10 f7 : crc=f7 YES
    4a 01 4b 46 7f ff 06 10 f7 t=20625

Documentation/w1/slaves/w1_therm.rst of the Linux kernel; DS18B20 data sheet (Maxim 19-7487), pages 3 and 6.
"""

import errno
import re
from dataclasses import dataclass
from pathlib import Path

from coldchain.readings import CHECKSUM, POWER_ON, RANGE, UNPLUGGED, UNREADABLE
from gateway_agent.sensors import Sensed

BASE = Path("/sys/bus/w1/devices")

POWER_ON_MILLIDEGREES = 85_000
"""What the scratchpad holds until the first conversion; no fridge was ever so warm, so it is never a number."""

LOWEST, HIGHEST = -55_000, 125_000
"""Millidegrees that this chip can measure; a broken line reads −127 °C."""

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO)
_CHECK = re.compile(r"crc=[0-9a-f]{2} (YES|NO)\s*$")
_TEMPERATURE = re.compile(r"t=(-?\d{1,7})\s*$")
_WHOLE = re.compile(r"-?\d{1,7}")
_ALL_ZERO = "00 00 00 00 00 00 00 00 00"


@dataclass(frozen=True, slots=True)
class Ds18b20:
    channel: str
    rom: str
    base: Path = BASE

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,)

    def read(self) -> list[Sensed]:
        return [self._sensed()]

    def _sensed(self) -> Sensed:
        folder = self.base / self.rom
        try:
            text = (folder / "w1_slave").read_text("ascii", errors="replace")
            return answered(self.channel, text)
        except OSError as why:
            return self._without_w1_slave(folder, why)

    def _without_w1_slave(self, folder: Path, why: OSError) -> Sensed:
        """Newer kernels can be built with the file `temperature` alone: millidegrees, checked by the driver."""
        if why.errno != errno.ENOENT:
            return Sensed(self.channel, None, _fault_of(why))
        try:
            text = (folder / "temperature").read_text("ascii", errors="replace").strip()
        except OSError as why_not_either:
            return Sensed(self.channel, None, _fault_of(why_not_either))
        if _WHOLE.fullmatch(text) is None:
            return Sensed(self.channel, None, UNREADABLE)
        return measured(self.channel, int(text))


def answered(channel: str, text: str) -> Sensed:
    """What the text of `w1_slave` says."""
    lines = text.splitlines()
    if len(lines) < 2:
        return Sensed(channel, None, UNREADABLE)
    check = _CHECK.search(lines[0])
    if check is None:
        return Sensed(channel, None, UNREADABLE)
    if check[1] != "YES":
        return Sensed(channel, None, CHECKSUM)
    if lines[0].startswith(_ALL_ZERO):  # a line shorted to ground: zeros, whose checksum is right, and 0.000 °C
        return Sensed(channel, None, UNREADABLE)
    temperature = _TEMPERATURE.search(lines[1])
    if temperature is None:
        return Sensed(channel, None, UNREADABLE)
    return measured(channel, int(temperature[1]))


def measured(channel: str, millidegrees: int) -> Sensed:
    if millidegrees == POWER_ON_MILLIDEGREES:
        return Sensed(channel, None, POWER_ON)
    if not LOWEST <= millidegrees <= HIGHEST:
        return Sensed(channel, None, RANGE)
    return Sensed(channel, centidegrees_of(millidegrees))


def centidegrees_of(millidegrees: int) -> int:
    """Half away from zero: 20625 → 2063, −625 → −63."""
    size = (abs(millidegrees) + 5) // 10
    return size if millidegrees >= 0 else -size


def _fault_of(why: OSError) -> str:
    return UNPLUGGED if why.errno in _GONE else UNREADABLE
