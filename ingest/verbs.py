"""What the gate does from the command line: run alone, and judge files with no server."""

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coldchain.data_dir import DataDir
from coldchain.errors import Refused
from coldchain.rules import OPERATORS, NoSuchRuleSet, RuleSet, parse_rules, rule_set
from coldchain.verbs import Verb

EXIT_DAMAGED = 3


class BadArgument(Refused):
    """An argument cannot be used."""


def _describe_ingest(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where the files of this machine lie")
    parser.add_argument(
        "--mqtt-url",
        default="mqtt://127.0.0.1:1883",
        metavar="URL",
        help="the broker, as mqtt://USER:PASSWORD@HOST:PORT; without a user, the gate's own name and the password in "
        "DIR/broker/gate.password (default: %(default)s)",
    )
    parser.add_argument(
        "--disk-limit",
        type=float,
        default=90.0,
        metavar="PERCENT",
        help="so full may the disk be before nothing is acknowledged any more, unless 20 GiB are free "
        "(default: %(default)g)",
    )


def _run_ingest(arguments: Namespace) -> int:
    from coldchain import crash
    from coldchain.journal.sqlite import SqliteJournal
    from coldchain.logs import log_to_stderr
    from coldchain.processes import until_terminated
    from ingest.main import serve

    if not 0 < arguments.disk_limit <= 100:
        raise BadArgument("--disk-limit is a percentage above 0, up to 100")
    log_to_stderr("ingest")
    crash.arm_from(os.environ.get("COLDCHAIN_CRASH", ""))
    data_dir = DataDir(arguments.data)
    journal = SqliteJournal(data_dir.root)
    try:
        work = serve(data_dir, journal, arguments.mqtt_url, disk_limit=arguments.disk_limit / 100)
        asyncio.run(until_terminated(work))
    finally:
        journal.close()
    return 0


INGEST = Verb("hears devices over MQTT and HTTP, keeps what they say, acknowledges it", _describe_ingest, _run_ingest)


def _describe_judge(parser: ArgumentParser) -> None:
    parser.description = f"""{JUDGE_HELP}.

A file is a logger's own text (Berlinger Fridge-tag 2, 2 E, 2 L, Ultra Low, Q-tag CLm doc: told by its content, the
sensor is called by its serial number), or CSV with a header that names the columns sensor, measured_at and celsius, in
any order; further columns are left alone, except interval_s (see --interval), and so are lines that begin with "#".
measured_at is ISO 8601 or Unix seconds; celsius is a number, or empty or fault:NAME where the sensor had none. Rows may
stand in any order, the same row counts once, values outside -100…150 °C are faults, and so is 85.00 (a DS18B20 that has
not measured yet). "-" reads standard input.

Several files are judged as one set of readings: a sensor that goes on in the next file is one story.

A logger's file that holds only each day's lowest and highest is said to be a day summary on stderr, and not judged.

Exit code: 0 judged (whatever was found), 2 the arguments cannot be used, 3 a file is damaged: FILE:LINE: reason on
stderr, and nothing of that file is judged."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="CSV or logger files, or - for standard input")
    parser.add_argument(
        "--rules",
        default="refrigerator",
        metavar="SET|FILE",
        help="a set that ships (refrigerator, freezer), or a TOML file with [[rule]] tables: code, operator "
        f"({', '.join(OPERATORS)}), limit_c, mode (consecutive, cumulative), duration_s, window_s, severity, sensor "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--interval",
        type=float,
        metavar="S",
        help="seconds between readings; without it what the file says (a column interval_s, or a line "
        "'# interval_s: 300'), else the median spacing of each sensor. Gaps longer than twice of it are unknown time",
    )
    parser.add_argument("--zone", default="UTC", metavar="Z", help="of times that name none (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="a JSON line for each interval, fields as in /excursions")


def _run_judge(arguments: Namespace) -> int:
    from ingest import csv_readings, files

    rules = _rules(arguments.rules)
    zone = _zone(arguments.zone)
    if arguments.interval is not None and not 0 < arguments.interval < 10**9:
        raise BadArgument("--interval is a number of seconds above 0")
    interval = None if arguments.interval is None else round(arguments.interval * 1000)
    found = csv_readings.Found()
    is_damaged, has_readings = False, False
    for file in arguments.files:
        try:
            content = csv_readings.content_of(file)
            if not files.is_loggers_own(content):
                found.add(csv_readings.parse(file, content, zone))
                has_readings = True
                continue
            told = files.read(file, content, zone)
            found.add(files.as_sensors(told))
            has_readings |= bool(told.measured)
            if not told.measured:
                print(f"{file}: {'day summary, no readings' if told.days else 'no readings'}", file=sys.stderr)
        except csv_readings.Damaged as why:
            print(why, file=sys.stderr)
            is_damaged = True
    judged = found.judged(rules, interval)
    if not judged and (is_damaged or not has_readings):
        # that nothing was found would be said of files that nobody could read, or that hold nothing to judge
        return EXIT_DAMAGED if is_damaged else 0
    for line in csv_readings.json_lines(judged) if arguments.json else csv_readings.table(judged):
        print(line)
    return EXIT_DAMAGED if is_damaged else 0


def _rules(named: str) -> RuleSet:
    """Raises NoSuchRuleSet, BadRules and BadArgument."""
    try:
        return rule_set(named)
    except NoSuchRuleSet:
        path = Path(named)
        if not path.is_file():
            raise
        try:
            return parse_rules(path.read_text("utf-8"), named)
        except (OSError, UnicodeDecodeError) as why:
            raise BadArgument(f"{named} cannot be read: {why}") from why


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadArgument(f"there is no time zone {name!r}; write Asia/Kolkata or UTC") from None


JUDGE_HELP = "judges files of readings with no server, by the platform's own code"

JUDGE = Verb(JUDGE_HELP, _describe_judge, _run_judge)


def _describe_decode(parser: ArgumentParser) -> None:
    parser.description = f"""{DECODE_HELP}.

Each line has device_id (the hardware's own name), sensor (its channel), measured_at (ISO 8601, or null where the
message names no time), and celsius, or fault where the probe gave none. Nothing where the message holds no temperature
of a store. docs/dialects.md tells what each dialect understands.

Exit code: 0 read (whatever was in it), 2 the arguments cannot be used, 3 it cannot be read: the reason on stderr."""
    parser.add_argument(
        "--dialect", default="auto", metavar="NAME|auto", help="how the device speaks; auto tells by topic and shape"
    )
    parser.add_argument("--topic", default="", metavar="TOPIC", help="the MQTT topic that it was published to")
    parser.add_argument("--received-at", metavar="T", help="when it arrived, ISO 8601 or Unix seconds (default: now)")
    parser.add_argument("--zone", default="UTC", metavar="Z", help="of times that name none (default: %(default)s)")
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="TOML or JSON: where plain JSON has what")


def _run_decode(arguments: Namespace) -> int:
    import json

    from coldchain.clock import instant, now
    from ingest import dialects
    from ingest.dialects.examples import line_of
    from ingest.refusals import Unreadable

    zone = _zone(arguments.zone)
    received_at = now() if arguments.received_at is None else instant(arguments.received_at, zone)
    mapping = None if arguments.mapping is None else dialects.checked_mapping(_mapping(arguments.mapping))
    if arguments.dialect != dialects.AUTO:
        dialects.named(arguments.dialect)
    sent = dialects.Sent(arguments.topic, sys.stdin.buffer.read(), received_at, zone, mapping)
    try:
        readings = dialects.decode(arguments.dialect, sent)
    except Unreadable as why:
        print(f"coldchain decode: {why}", file=sys.stderr)
        return EXIT_DAMAGED
    for line in filter(None, map(line_of, readings)):
        print(json.dumps(line))
    return 0


def _mapping(path: Path) -> dict[str, Any]:
    """Raises BadArgument."""
    import json
    import tomllib

    try:
        text = path.read_text("utf-8")
        table = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (OSError, ValueError) as why:
        raise BadArgument(f"{path} cannot be read: {why}") from why
    if not isinstance(table, dict):
        raise BadArgument(f"{path} is no table")
    return table


DECODE_HELP = "reads one message of a device from standard input, and tells each temperature in it as a JSON line"

DECODE = Verb(DECODE_HELP, _describe_decode, _run_decode)
