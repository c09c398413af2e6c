"""A gateway for tests: clocks that a test owns, a server that answers when told to, and a w1 tree of text files."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coldchain.answers import Acknowledgement, encode_acknowledgement
from coldchain.clock import SECOND
from coldchain.ranges import ranges_of
from coldchain.rules import parse_rules, rule_set
from gateway_agent.agent import Agent
from gateway_agent.alarm import Alarm
from gateway_agent.clocks import Moment
from gateway_agent.outbox import Machine, Outbox, Room
from gateway_agent.sensors import Sensed
from gateway_agent.settings import Broker, SensorSettings, Settings
from tests.tales import NEW_YEAR

DEVICE = "pi-0142"
THIS_PI = Machine("10000000a1b2c3d4", "3d1219c7c4c5404a")
OTHER_PI = Machine("10000000ffff0000", "3d1219c7c4c5404a")

SHORT_RULES = parse_rules(
    """
    [[rule]]
    code = "HEAT"
    operator = ">"
    limit_c = 8.0
    duration_s = 600
    [[rule]]
    code = "FRZE"
    operator = "<="
    limit_c = -0.5
    duration_s = 300
    """,
    "short.toml",
)


@dataclass
class OwnClock:
    """The machine's clocks: uptime runs, the time of day may be wrong."""

    boot_id: str = "boot-1"
    uptime: int = 100 * SECOND
    wall: int = NEW_YEAR
    is_trusted: bool = True

    def __call__(self) -> Moment:
        return Moment(self.boot_id, self.uptime, self.wall, self.is_trusted)

    def pass_(self, seconds: float) -> None:
        self.uptime += round(seconds * SECOND)
        self.wall += round(seconds * SECOND)

    def reboot(self, boot_id: str, wall: int | None = None, *, is_trusted: bool) -> None:
        """After a power cut: a new boot, whose clock says what it says."""
        self.boot_id, self.uptime, self.is_trusted = boot_id, 20 * SECOND, is_trusted
        self.wall = self.wall if wall is None else wall

    def steady(self) -> float:
        return self.uptime / SECOND


@dataclass
class Server:
    """Hears what the agent sends, and acknowledges what a test says; `answers` at once where it shall.

    `packs` are those heard for the first time, `bodies` all that came.
    """

    clock: OwnClock
    packs: list[list[dict[str, Any]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    is_away: bool = False
    answers: bool = False
    agent: Agent | None = None
    true_wall_minus_uptime: int | None = None
    have: dict[str, set[int]] = field(default_factory=dict)

    def uplink(self, leaf: str, body: bytes, retain: bool) -> bool:
        if self.is_away:
            return False
        if leaf == "status":
            assert retain
            self.statuses.append(json.loads(body))
            return True
        assert not retain
        pack = json.loads(body)
        if body not in self.bodies:
            self.packs.append(pack)
        self.bodies.append(body)
        self.have.setdefault(outbox_of(pack), set()).add(seq_of(pack))
        if self.answers:
            self.acknowledge_all()
        return True

    @property
    def seqs(self) -> list[int]:
        return [seq_of(pack) for pack in self.packs]

    def acknowledge(self, *pairs: tuple[int, int], outbox_id: str | None = None, at: int | None = None) -> None:
        assert self.agent is not None
        told = outbox_id or self.agent.outbox.outbox_id
        self.agent.on_acknowledgement(
            encode_acknowledgement(Acknowledgement(told, ranges_of(pairs), self.now() if at is None else at))
        )

    def acknowledge_all(self) -> None:
        assert self.agent is not None
        told = self.agent.outbox.outbox_id
        self.acknowledge(*((seq, seq) for seq in sorted(self.have.get(told, ()))))

    def now(self) -> int:
        """The server's own time, which is right."""
        if self.true_wall_minus_uptime is not None:
            return self.clock.uptime + self.true_wall_minus_uptime
        return self.clock.wall


def outbox_of(pack: list[dict[str, Any]]) -> str:
    return str(next(record["vs"] for record in pack if record["n"] == "outbox"))


def seq_of(pack: list[dict[str, Any]]) -> int:
    return int(next(record["v"] for record in pack if record["n"] == "seq"))


def quality_of(pack: list[dict[str, Any]]) -> str:
    return str(next(record["vs"] for record in pack if record["n"] == "clock"))


def readings_of(pack: list[dict[str, Any]]) -> list[tuple[int | None, str, float | str]]:
    """(instant in ms or None, channel, °C or fault) of each reading."""
    base = pack[0].get("bt")
    return [
        (
            None if base is None else round((base + record["t"]) * SECOND),
            record["n"],
            record["v"] if "v" in record else record["vs"],
        )
        for record in pack
        if record["n"] not in ("outbox", "seq", "clock")
    ]


@dataclass
class Probe:
    """A sensor that says what a test wants."""

    channel: str = "tvc"
    says: int | str = 500

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,)

    def read(self) -> list[Sensed]:
        if isinstance(self.says, str):
            return [Sensed(self.channel, None, self.says)]
        return [Sensed(self.channel, self.says)]


def some_settings(folder: Path, **changed: Any) -> Settings:
    settings = Settings(
        device_id=DEVICE,
        broker=Broker(),
        outbox=folder / "outbox.db",
        sensors=(SensorSettings("tvc", "simulated"),),
        rules=rule_set("refrigerator"),
        jitter=0,
        min_free=0,
        sync="off",
    )
    return replace(settings, **changed)


def some_outbox(folder: Path, machine: Machine = THIS_PI, room: Room | None = None) -> Outbox:
    return Outbox(folder / "outbox.db", DEVICE, machine, sync="off", room=room)


@dataclass
class Gateway:
    """An agent with everything around it."""

    agent: Agent
    clock: OwnClock
    server: Server
    probe: Probe
    rung: list[Alarm]

    def beats(self, count: int, celsius: int | str | None = None) -> None:
        """So many beats, each after an interval, each followed by sending."""
        for _ in range(count):
            self.clock.pass_(self.agent.interval / SECOND)
            if celsius is not None:
                self.probe.says = celsius
            self.agent.beat()
            self.agent.send()

    def stop(self) -> None:
        self.agent.stop()


def gateway(
    folder: Path,
    *,
    clock: OwnClock | None = None,
    server: Server | None = None,
    machine: Machine = THIS_PI,
    room: Room | None = None,
    dice: Callable[[], float] = lambda: 0.0,
    probes: Sequence[Probe] | None = None,
    **changed: Any,
) -> Gateway:
    clock = clock or OwnClock()
    server = server or Server(clock)
    sensors = probes or [Probe()]
    rung: list[Alarm] = []
    agent = Agent(
        some_settings(folder, **changed),
        sensors,
        clock,
        server.uplink,
        outbox=some_outbox(folder, machine, room),
        steady=clock.steady,
        ring=rung.append,
        dice=dice,
    )
    server.agent = agent
    return Gateway(agent, clock, server, sensors[0], rung)


def lay_out_ds18b20(base: Path, rom: str, text: str) -> Path:
    folder = base / rom
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "w1_slave"
    file.write_text(text)
    return file


def w1_text(millidegrees: int, check: str = "YES") -> str:
    return f"4a 01 4b 46 7f ff 06 10 f7 : crc=f7 {check}\n4a 01 4b 46 7f ff 06 10 f7 t={millidegrees}\n"
