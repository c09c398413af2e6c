"""A switch as the kernel shows it: a file that says 0 or 1: a door contact, a relay on the mains, a power supply.

`/sys/class/gpio/gpio17/value` and `/sys/class/power_supply/AC/online` are such files (Documentation/ABI of the Linux
kernel: sysfs-gpio, sysfs-class-power).
"""

from dataclasses import dataclass
from pathlib import Path

from coldchain.quantities import NO, YES
from coldchain.readings import UNPLUGGED, UNREADABLE
from gateway_agent.sensors import Sensed

UNIT = "/"


@dataclass(frozen=True, slots=True)
class Switch:
    """`is_inverted` where 0 means open, or power. Gives 100 for yes and 0 for no."""

    channel: str
    path: Path
    is_inverted: bool = False

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,)

    def read(self) -> list[Sensed]:
        try:
            text = self.path.read_text("ascii", errors="replace").strip()
        except OSError as why:
            return [Sensed(self.channel, None, UNPLUGGED if isinstance(why, FileNotFoundError) else UNREADABLE, UNIT)]
        if text not in ("0", "1"):
            return [Sensed(self.channel, None, UNREADABLE, UNIT)]
        return [Sensed(self.channel, YES if (text == "1") != self.is_inverted else NO, None, UNIT)]
