"""A folder that is a gateway at a fridge: a w1 tree of files, settings, an outbox, and the real `coldchain agent`."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from coldchain.clock import MINUTE, now
from gateway_agent.clocks import Moment
from gateway_agent.outbox import Beaten, Machine, Outbox
from gateway_agent.sensors import Sensed
from tests.helpers_end_to_end import Credentials
from tests.helpers_gateway_agent import lay_out_ds18b20, w1_text
from tests.helpers_house import COLDCHAIN

ROM = "28-0316a2795aff"
SERIAL = "0000000012345678"


@dataclass
class Pi:
    """`machine` is what tells one board from another; a card put into another board has the same outbox file."""

    folder: Path
    given: Credentials
    machine: str = SERIAL
    interval_s: int = 1
    process: subprocess.Popen[bytes] | None = None
    probe: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.probe = lay_out_ds18b20(self.folder / "w1", ROM, w1_text(4500))
        (self.folder / "serial").write_text(self.machine)
        (self.folder / "machine-id").write_text(f"id-of-{self.machine}")
        (self.folder / "agent.toml").write_text(
            f"""
device_id = "{self.given.device_id}"
[broker]
url = "{self.given.mqtt_url}"
password = "{self.given.password}"
[outbox]
path = "outbox.db"
min_free_mb = 0
[beat]
interval_s = {self.interval_s}
[packs]
jitter_s = 0
[clock]
has_rtc = true
[machine]
hardware_serial = "serial"
machine_id = "machine-id"
[[sensor]]
channel = "tvc"
kind = "ds18b20"
rom = "{ROM}"
base = "w1"
"""
        )

    @property
    def outbox_path(self) -> Path:
        return self.folder / "outbox.db"

    def measures(self, centidegrees: int) -> None:
        """Whole at once, as the kernel's file is."""
        beside = self.probe.with_name("next")
        beside.write_text(w1_text(centidegrees * 10))
        beside.replace(self.probe)

    def start(self) -> None:
        with (self.folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*COLDCHAIN, "agent", "--config", str(self.folder / "agent.toml")], stderr=log, env=dict(os.environ)
            )

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    @contextmanager
    def running(self) -> Iterator[None]:
        self.start()
        try:
            yield
        finally:
            self.stop()

    def outbox(self) -> Outbox:
        machine = Machine(self.machine, f"id-of-{self.machine}")
        return Outbox(self.outbox_path, self.given.device_id, machine, sync="off")

    def waiting(self) -> int:
        """How many readings are still to be acknowledged; only while the agent is stopped."""
        outbox = self.outbox()
        try:
            return outbox.waiting()
        finally:
            outbox.shut()

    def lives_through(self, values: list[int], begin: int, boot: str = "an-earlier-boot") -> set[tuple[str, int, int]]:
        """Beats of a minute that the agent's own outbox keeps, with nobody to send them to; gives what was measured."""
        outbox = self.outbox()
        try:
            outbox.begin_boot(boot)
            outbox.know_time(begin, "machine")
            outbox.keep(
                [
                    Beaten(Moment(boot, number * MINUTE, begin + number * MINUTE, True), [Sensed("tvc", value)])
                    for number, value in enumerate(values)
                ],
                60,
            )
        finally:
            outbox.shut()
        return {("tvc", begin + number * MINUTE, value) for number, value in enumerate(values)}


def a_day_ago() -> int:
    return (now() - 25 * 60 * MINUTE) // MINUTE * MINUTE
