"""What `coldchain` can rehearse: a demo of everything, a district of simulated gateways, a logger's file."""

import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from coldchain.data_dir import DataDir
from coldchain.errors import Refused
from coldchain.verbs import Verb

if TYPE_CHECKING:
    from simulators.accounts import Account
    from simulators.logger_files import LoggerFile

DEMO_DATA = Path(".demo")
DEMO_DAYS = 7
EXIT_NOT_BELIEVED = 1


class Incomplete(Refused):
    """An option is missing that the others need."""


def _interrupted_when_told() -> None:
    """Whoever asks us to end has everything of ours ended first, as with Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):  # a shell that starts us in the background has SIGINT ignored
        signal.signal(number, interrupt)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < 1e9:
        raise ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10_000:
        raise ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise ArgumentTypeError(f"{text!r} is no port")
    return int(text)


# coldchain demo


def _describe_demo(parser: ArgumentParser) -> None:
    parser.epilog = (
        "Starts everything on a fresh directory, lets an invented district of 40 storage points live through its past\n"
        "week and then goes on in real time. Within five minutes one fridge reaches its alarm, one loses its current,\n"
        "one falls silent, one loses its probe. Ctrl-C ends all of it."
    )
    parser.add_argument(
        "--data", type=Path, default=DEMO_DATA, metavar="DIR", help="emptied at each start (default .demo)"
    )
    parser.add_argument("--listen", metavar="HOST:PORT", help="where the page is (default: 127.0.0.1 and a free port)")
    parser.add_argument("--mqtt-port", type=_port, metavar="N", help="the broker's port (default: 1883, or a free one)")
    parser.add_argument(
        "--days", type=_count, default=DEMO_DAYS, metavar="N", help="how much past there is (default 7)"
    )
    parser.add_argument("--points", type=_count, metavar="N", help="only the first N storage points of the district")


def _run_demo(arguments: Namespace) -> int:
    from api.settings import DEFAULT_LISTEN, DEFAULT_MQTT_PORT, Address, address
    from simulators import district
    from simulators.demo import Plan, demo
    from simulators.machine import free_port

    _interrupted_when_told()
    if arguments.listen is None:
        host, port = address(DEFAULT_LISTEN)
        listen = Address(host, free_port(host, port))
    else:
        listen = address(arguments.listen)
    mqtt_port = arguments.mqtt_port or free_port("127.0.0.1", DEFAULT_MQTT_PORT)
    whole = district.shipped()
    chosen = whole if arguments.points is None else whole.with_only(arguments.points)
    try:
        demo(Plan(DataDir(arguments.data), listen, mqtt_port, chosen, arguments.days))
    except KeyboardInterrupt:
        return 0  # the way to end it
    return 0


DEMO = Verb("a platform with an invented district on it, to look at", _describe_demo, _run_demo)


# coldchain simulate


def _where(parser: ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path, metavar="DIR", help="the data directory of a `coldchain up` that runs")
    where.add_argument("--mqtt-url", metavar="URL", help="any platform's broker: mqtt://HOST:PORT or mqtts://HOST:PORT")


def _describe_simulate(parser: ArgumentParser) -> None:
    parser.epilog = (
        "Real agents with simulated fridges, many in one process. With --data the district is enrolled at the first\n"
        "time; with --mqtt-url its devices must be: --accounts is what `coldchain device add --json` printed."
    )
    _where(parser)
    parser.add_argument("--district", type=Path, metavar="FILE", help="TOML; the invented one that ships without it")
    parser.add_argument("--accounts", type=Path, metavar="FILE", help="what the devices sign in with, for --mqtt-url")
    parser.add_argument("--points", type=_count, metavar="N", help="only the first N storage points of the district")
    parser.add_argument("--days", type=_positive, default=1.0, metavar="N", help="how much past to send (default 1)")
    parser.add_argument(
        "--speed", type=_positive, metavar="X", help="the past X times as fast as it was (default: as fast as it goes)"
    )
    parser.add_argument("--past-only", action="store_true", help="end when the past is durable, instead of going on")


def _run_simulate(arguments: Namespace) -> int:
    from simulators import accounts, simulate

    _interrupted_when_told()
    given: dict[str, Account] = {}
    if arguments.data is None:
        if arguments.accounts is None:
            raise Incomplete("--mqtt-url needs --accounts: a line a device, as `coldchain device add --json` prints it")
        given = accounts.read(arguments.accounts)
    if arguments.district is None and given:
        district = simulate.district_of(given)
    else:
        district = simulate.shipped_or(arguments.district)
    if arguments.points is not None:
        district = district.with_only(arguments.points)
    plan = simulate.Plan(district, arguments.days, arguments.speed, arguments.past_only)
    try:
        if arguments.data is not None:
            simulate.at_data(DataDir(arguments.data), plan, _say)
        else:
            simulate.at_broker(arguments.mqtt_url, given, plan, _say)
    except KeyboardInterrupt:
        return 0  # the way to end it
    return 0


SIMULATE = Verb("real agents with simulated fridges, at a platform that runs", _describe_simulate, _run_simulate)


# coldchain replay


def _describe_replay(parser: ArgumentParser) -> None:
    parser.epilog = (
        "Sends a logger's CSV as an agent would send it, and comes back when the platform has all of it on disk.\n"
        "The columns are guessed, and what was guessed is told. Sent twice it counts once."
    )
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    _where(parser)
    parser.add_argument(
        "--device", metavar="ID", help="the device that measured; with --data a new one is enrolled where none is known"
    )
    parser.add_argument("--username", metavar="NAME", help="with --mqtt-url: what the device signs in as")
    parser.add_argument("--password-stdin", action="store_true", help="read the device's password from standard input")
    parser.add_argument(
        "--speed", type=_positive, metavar="N", help="N times as fast as it was measured (default: at once)"
    )
    parser.add_argument("--time-column", metavar="NAME", help="the column of instants")
    parser.add_argument(
        "--zone", metavar="ZONE", help="the zone of instants that name none, such as Asia/Kolkata (default UTC)"
    )
    parser.add_argument(
        "--column", action="append", default=[], metavar="NAME=CHANNEL", help="a column of temperatures, once for each"
    )
    parser.add_argument("--month-first", action="store_true", help="03/04 is in March")
    parser.add_argument(
        "--patience",
        type=_positive,
        default=60.0,
        metavar="SECONDS",
        help="without any word of the platform (default 60)",
    )


def _run_replay(arguments: Namespace) -> int:
    from simulators import logger_files, replays
    from simulators.logger_files import Wishes

    _interrupted_when_told()
    wishes = Wishes(
        replays.zone(arguments.zone),
        arguments.time_column,
        dict(map(_column, arguments.column)),
        "month-first" if arguments.month_first else None,
    )
    file = logger_files.read(arguments.file, wishes)
    for guess in file.guesses:
        _say(guess)
    _say(f"{_many(len(file.readings), 'reading')} of {', '.join(file.channels)}")
    account, mqtt_url = _door(arguments, file)
    done = replays.replay_to(file, account, mqtt_url, arguments.speed, arguments.patience, _say)
    for refused in done.refused[:10]:
        print(f"coldchain replay: refused ({refused.reason}): {refused.detail}", file=sys.stderr)
    if done.refused:
        print(f"coldchain replay: kept but not believed: {_many(len(done.refused), 'pack')}", file=sys.stderr)
        return EXIT_NOT_BELIEVED
    print(f"durable, as device {account.device_id}: {_many(done.readings, 'reading')} in {_many(done.packs, 'pack')}")
    return 0


def _door(arguments: Namespace, file: "LoggerFile") -> "tuple[Account, str]":
    """As whom, and at which broker."""
    from simulators import replays
    from simulators.accounts import Account

    password = sys.stdin.readline().rstrip("\r\n") if arguments.password_stdin else ""
    if arguments.data is not None:
        device = arguments.device or arguments.username or replays.name_for(arguments.file)
        return replays.account_at(DataDir(arguments.data), device, password, file.interval())
    device = arguments.device or arguments.username
    if device is None or not password:
        raise Incomplete("--mqtt-url needs --device (or --username) and --password-stdin")
    return Account(device, password), replays.with_user(arguments.mqtt_url, arguments.username)


def _column(text: str) -> tuple[str, str]:
    name, equals, channel = text.rpartition("=")
    if not equals or not name or not channel:
        raise Incomplete(f"--column {text}: write NAME=CHANNEL, such as 'Probe 1'=tvc")
    return name, channel


REPLAY = Verb("send a logger's CSV through the same door as an agent", _describe_replay, _run_replay)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
