"""The settings of an agent: one TOML file, read once at the start. `docs/raspberry-pi.md` explains each key."""

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from coldchain.clock import SECOND
from coldchain.errors import ColdchainError, Refused
from coldchain.ids import device_id as checked_device_id
from coldchain.quantities import CELSIUS
from coldchain.readings import centidegrees, is_possible
from coldchain.rules import RuleSet, parse_rules, rule_set
from gateway_agent.sensors import ds18b20, switch

Kind = Literal["ds18b20", "simulated", "switch"]
WhenFull = Literal["drop-oldest", "stop"]
Sync = Literal["full", "off"]

T = TypeVar("T")

MEGABYTE = 1_000_000
NO_RULES = RuleSet("none", 1, ())
"""For a sensor that is no fridge's: the room's, or a freezer's that somebody else watches."""

RESERVED_CHANNELS = frozenset({"outbox", "seq", "clock"})


@dataclass(frozen=True, slots=True)
class Broker:
    host: str = "localhost"
    port: int = 1883
    username: str = ""
    password: str = field(default="", repr=False)
    is_tls: bool = False
    tls_ca: Path | None = None
    """None: the machine's own list of authorities."""


@dataclass(frozen=True, slots=True)
class SensorSettings:
    """Centidegrees and ms; `rules` None means the agent's own. `path` and `is_inverted` are a switch's."""

    channel: str
    kind: Kind
    rom: str = ""
    base: Path = ds18b20.BASE
    mean: int = 500
    swing: int = 100
    period: int = 1_800 * SECOND
    rules: RuleSet | None = None
    path: Path = Path()
    is_inverted: bool = False

    @property
    def unit(self) -> str:
        return switch.UNIT if self.kind == "switch" else CELSIUS


@dataclass(frozen=True, slots=True)
class Settings:
    """All times in ms. What is left out of the file has these values."""

    device_id: str
    broker: Broker
    outbox: Path
    sensors: tuple[SensorSettings, ...]
    rules: RuleSet
    interval: int = 60 * SECOND
    max_readings: int = 60
    max_age: int = 0
    window: int = 10
    jitter: int = 10 * SECOND
    when_full: WhenFull = "drop-oldest"
    min_free: int = 100 * MEGABYTE
    sync: Sync = "full"
    has_rtc: bool = False
    hardware_serial: Path = Path("/proc/device-tree/serial-number")
    machine_id: Path = Path("/etc/machine-id")
    alarm_command: tuple[str, ...] = ()
    rings_on_warnings: bool = False
    wished_limits_after: int = 600 * SECOND
    """How long a limit that the server wishes must be crossed before it is a local alarm."""


class BadSettings(Refused):
    """The settings file says something that an agent cannot run with; the message names the file and the key."""


def load(path: Path) -> Settings:
    """Raises BadSettings."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as why:
        raise BadSettings(f"{path} cannot be read: {why}") from None
    return parse(text, path)


def parse(text: str, path: Path) -> Settings:
    """From TOML; paths in it are meant from the folder of `path`. Raises BadSettings."""
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as why:
        raise BadSettings(f"{path} is no TOML: {why}") from None
    return _Reader(path, text).settings(table)


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of the file: takes its keys one by one, each checked, and knows which nobody asked for."""

    file: Path
    name: str
    rows: dict[str, Any]
    asked: set[str] = field(default_factory=set)

    def bad(self, key: str, why: str) -> BadSettings:
        return BadSettings(f"{self.file}: {self.name}{key} {why}")

    def take(self, key: str) -> Any:
        self.asked.add(key)
        return self.rows.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.take(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise self.bad(key, "must be a text" if value is not None else "is missing")
        return value

    def one_of(self, key: str, allowed: Iterable[str], default: str | None = None) -> Any:
        value = self.text(key, default)
        if value not in allowed:
            raise self.bad(key, f"must be {' or '.join(repr(one) for one in allowed)}, not {value!r}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.bad(key, "must be true or false")
        return value

    def number(self, key: str, default: int, low: int, high: int) -> int:
        value = self.take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.bad(key, f"must be a whole number from {low} to {high}, not {_shown(value)}")
        return value

    def centidegrees(self, key: str, default: int) -> int:
        value = self.take(key)
        if value is None:
            return default
        is_number = not isinstance(value, bool) and isinstance(value, int | Decimal) and Decimal(value).is_finite()
        if not is_number or not is_possible(centidegrees(Decimal(value))):
            raise self.bad(key, f"must be degrees Celsius from -100 to 150, not {_shown(value)}")
        return centidegrees(Decimal(value))

    def path(self, key: str, default: Path | None = None) -> Path:
        value = self.text(key, str(default) if default is not None else None)
        return self.file.parent / value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.take(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self.bad(key, 'must be a list of texts, such as ["/usr/local/bin/siren", "--loud"]')
        return tuple(value)

    def table(self, key: str) -> "_Table":
        value = self.take(key)
        if value is not None and not isinstance(value, dict):
            raise self.bad(key, f"must be a table: write [{key}]")
        return _Table(self.file, f"{self.name}{key}.", value or {})

    def tables(self, key: str) -> list["_Table"]:
        value = self.take(key)
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value) or not value:
            raise self.bad(key, f"is missing: write at least one [[{key}]] table")
        return [_Table(self.file, f"{key} {number}, ", rows) for number, rows in enumerate(value, 1)]

    def done(self) -> None:
        """Whatever nobody asked for is a slip of the pen, and would be obeyed by nobody."""
        unknown = sorted(self.rows.keys() - self.asked)
        if unknown:
            raise self.bad(unknown[0], f"is unknown; known here: {', '.join(sorted(self.asked))}")


class _Reader:
    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self.text = text

    def settings(self, rows: dict[str, Any]) -> Settings:
        top = _Table(self.file, "", rows)
        device_id = self._or_bad(top, "device_id", lambda: checked_device_id(top.text("device_id")))
        broker = self._broker(top.table("broker"), device_id)
        outbox, beat, packs = top.table("outbox"), top.table("beat"), top.table("packs")
        clock, machine, alarm = top.table("clock"), top.table("machine"), top.table("alarm")
        interval = beat.number("interval_s", 60, 1, 3_600) * SECOND
        settings = Settings(
            device_id=device_id,
            broker=broker,
            outbox=outbox.path("path", Path("/var/lib/coldchain-agent/outbox.db")),
            when_full=outbox.one_of("when_full", ("drop-oldest", "stop"), "drop-oldest"),
            min_free=outbox.number("min_free_mb", 100, 0, 1_000_000) * MEGABYTE,
            sync=outbox.one_of("sync", ("full", "off"), "full"),
            interval=interval,
            max_readings=packs.number("max_readings", 60, 1, 2_000),
            max_age=packs.number("max_age_s", 0, 0, 7_200) * SECOND,
            window=packs.number("window", 10, 1, 1_000),
            jitter=packs.number("jitter_s", 10, 0, 3_600) * SECOND,
            has_rtc=clock.flag("has_rtc", False),
            hardware_serial=machine.path("hardware_serial", Path("/proc/device-tree/serial-number")),
            machine_id=machine.path("machine_id", Path("/etc/machine-id")),
            sensors=self._sensors(top.tables("sensor")),
            rules=self._rules(top, alarm),
            alarm_command=alarm.texts("command"),
            rings_on_warnings=alarm.flag("warnings", False),
            wished_limits_after=alarm.number("wished_limits_after_s", 600, 0, 86_400) * SECOND,
        )
        if settings.max_age > 2 * interval:
            raise packs.bad(
                "max_age_s",
                f"must be at most twice beat.interval_s, {2 * interval // SECOND} here: after three intervals "
                "without a pack the platform takes a device for silent",
            )
        for table in (top, outbox, beat, packs, clock, machine, alarm):
            table.done()
        return settings

    def _broker(self, table: _Table, device_id: str) -> Broker:
        url = table.text("url")
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise table.bad("url", f"has no port that can be: {url!r}") from None
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise table.bad("url", "must be mqtt://HOST:PORT, or mqtts://HOST:PORT with TLS")
        is_tls = parts.scheme == "mqtts"
        tls_ca = table.path("tls_ca") if "tls_ca" in table.rows else None
        if tls_ca is not None and not is_tls:
            raise table.bad("tls_ca", "belongs to TLS, and url says mqtt:// without it; write mqtts://")
        if tls_ca is not None and not tls_ca.is_file():
            raise table.bad("tls_ca", f"names {tls_ca}, where there is no file")
        username = table.text("username", unquote(parts.username or "") or device_id)
        password = self._password(table, unquote(parts.password or ""))
        table.done()
        return Broker(parts.hostname, port or (8883 if is_tls else 1883), username, password, is_tls, tls_ca)

    def _password(self, table: _Table, in_url: str) -> str:
        if "password" in table.rows and "password_file" in table.rows:
            raise table.bad("password", "stands beside password_file: keep one of the two")
        table.asked.update(("password", "password_file"))
        if "password_file" not in table.rows:
            return table.text("password") if "password" in table.rows else in_url
        path = table.path("password_file")
        try:
            return path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as why:
            raise table.bad("password_file", f"cannot be read: {why}") from None

    def _sensors(self, tables: list[_Table]) -> tuple[SensorSettings, ...]:
        sensors = [self._sensor(table) for table in tables]
        channels = [sensor.channel for sensor in sensors]
        for number, channel in enumerate(channels):
            if channel in channels[:number]:
                raise tables[number].bad("channel", f"{channel!r} stands twice; give each sensor its own")
        return tuple(sensors)

    def _sensor(self, table: _Table) -> SensorSettings:
        channel = table.text("channel")
        if not _can_be_a_channel(channel):
            raise table.bad("channel", f"{channel!r} is no name for one: use letters, digits, '-', '.' and '_'")
        kind: Kind = table.one_of("kind", ("ds18b20", "simulated", "switch"))
        name = table.text("rules", "") if "rules" in table.rows else None
        table.asked.add("rules")
        rules = None if name is None else self._named_rules(table, "rules", name)
        if kind == "ds18b20":
            rom = table.text("rom")
            if "/" in rom:
                raise table.bad("rom", "is the name of a folder under base, such as 28-0316a2795aff")
            sensor = SensorSettings(channel, kind, rom=rom, base=table.path("base", ds18b20.BASE), rules=rules)
        elif kind == "switch":
            is_inverted = table.flag("inverted", False)
            sensor = SensorSettings(channel, kind, rules=NO_RULES, path=table.path("path"), is_inverted=is_inverted)
        else:
            sensor = SensorSettings(
                channel,
                kind,
                mean=table.centidegrees("mean_c", 500),
                swing=table.centidegrees("swing_c", 100),
                period=table.number("period_s", 1_800, 1, 86_400) * SECOND,
                rules=rules,
            )
        table.done()
        return sensor

    def _rules(self, top: _Table, alarm: _Table) -> RuleSet:
        own = top.take("rule")
        if own is None:
            return self._named_rules(alarm, "rules", alarm.text("rules", "refrigerator"))
        if "rules" in alarm.rows:
            raise alarm.bad("rules", "stands beside [[rule]] tables: keep one of the two")
        alarm.asked.add("rules")
        return self._or_bad(top, "rule", lambda: parse_rules(self.text, str(self.file)))

    def _named_rules(self, table: _Table, key: str, name: str) -> RuleSet:
        """A set that ships, `none`, or a TOML file."""
        if name == NO_RULES.name:
            return NO_RULES
        if not name.endswith(".toml"):
            return self._or_bad(table, key, lambda: rule_set(name))
        path = self.file.parent / name
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as why:
            raise table.bad(key, f"cannot be read: {why}") from None
        return self._or_bad(table, key, lambda: parse_rules(text, str(path)))

    def _or_bad(self, table: _Table, key: str, deed: Callable[[], T]) -> T:
        try:
            return deed()
        except BadSettings:
            raise
        except ColdchainError as why:
            raise table.bad(key, f"is refused: {why}") from None


def _can_be_a_channel(text: str) -> bool:
    """SenML names (RFC 8428, 4.5.1), less ':' and '/', which join and part names."""
    allowed = text.replace("-", "").replace(".", "").replace("_", "")
    return allowed.isascii() and allowed.isalnum() and text[0].isalnum() and text not in RESERVED_CHANNELS


def _shown(value: object) -> str:
    return str(value) if isinstance(value, Decimal) else repr(value)
