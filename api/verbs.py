"""The front desk's verbs: everything on one machine (`up`), its three processes, the desk's HTTP alone, the doctor."""

import logging
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from api.processes import hush, run_until_told
from api.settings import DEFAULT_LISTEN, DEFAULT_MQTT_PORT, Address, Settings, address, broker_url, environment
from coldchain import crash
from coldchain.data_dir import DataDir
from coldchain.errors import ColdchainError
from coldchain.logs import log_to_stderr
from coldchain.verbs import Verb

log = logging.getLogger("coldchain")

REFUSED = 2

AtTheDesk = Callable[[Settings, Address], int]


def _data(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data", required=True, type=Path, metavar="DIR", help="the directory where everything is kept"
    )


def _listen(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--listen",
        default=DEFAULT_LISTEN,
        metavar="HOST:PORT",
        help=f"where people reach it (default {DEFAULT_LISTEN})",
    )


def _broker(parser: ArgumentParser, host_default: str) -> None:
    parser.add_argument(
        "--mqtt-port", type=int, default=DEFAULT_MQTT_PORT, metavar="N", help="our broker's port (default 1883)"
    )
    parser.add_argument(
        "--mqtt-host", metavar="HOST", help=f"the address our broker listens on (default: {host_default})"
    )
    parser.add_argument(
        "--broker",
        default="auto",
        metavar="NAME",
        help="which broker to bring: auto, or one by name (mosquitto, …); auto takes the first that is installed",
    )


def _describe_up(parser: ArgumentParser) -> None:
    _data(parser)
    _listen(parser)
    _broker(parser, "that of --listen")
    parser.add_argument(
        "--mqtt-url",
        metavar="URL",
        help="use a broker that runs elsewhere: mqtt://HOST:PORT; with a user and password put the URL into "
        "COLDCHAIN_MQTT_URL instead, where no other user of the machine can read it",
    )


def _run_up(arguments: Namespace) -> int:
    from api.up import Plan, up

    log_to_stderr("up")
    try:
        listen = address(arguments.listen)
        url = arguments.mqtt_url or environment().mqtt_url
        host = listen.host if arguments.mqtt_host is None else arguments.mqtt_host
        return up(
            Plan(
                data_dir=DataDir(arguments.data.resolve()),
                listen=listen,
                mqtt=Address(host, arguments.mqtt_port),
                mqtt_url=broker_url(url) if url else None,
                broker=arguments.broker,
            )
        )
    except ColdchainError as why:  # stderr is JSON lines to its end
        log.error("%s", why)  # noqa: TRY400  (it is a sentence for a person; where it was raised says no more)
        return REFUSED


def _describe_line(parser: ArgumentParser) -> None:
    _data(parser)
    _mqtt_url(parser)


def _mqtt_url(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--mqtt-url",
        metavar="URL",
        help="the broker, mqtt://HOST:PORT (default: COLDCHAIN_MQTT_URL, else mqtt://127.0.0.1:1883); a URL without "
        "a user means our own broker, whose password for the gate lies in the data directory",
    )


def _run_line(arguments: Namespace) -> int:
    from api.line import line

    told = environment()
    log_to_stderr("line")
    crash.arm_from(told.crash)
    data_dir = DataDir(arguments.data.resolve())
    url = arguments.mqtt_url or told.mqtt_url or f"mqtt://127.0.0.1:{DEFAULT_MQTT_PORT}"
    return line(data_dir, broker_url(url))


def _describe_desk(parser: ArgumentParser) -> None:
    _data(parser)
    _listen(parser)
    parser.add_argument(
        "--mqtt-url",
        metavar="URL",
        help="the broker as devices are told it when they are enrolled (default mqtt://127.0.0.1:1883)",
    )


def _run_desk(arguments: Namespace) -> int:
    from api.desk import desk

    return _at_the_desk(arguments, "desk", desk)


def _run_api(arguments: Namespace) -> int:
    from api.desk import http_alone

    return _at_the_desk(arguments, "api", http_alone)


def _at_the_desk(arguments: Namespace, process: str, work: AtTheDesk) -> int:
    told = environment()
    log_to_stderr(process)
    hush()
    crash.arm_from(told.crash)
    listen = address(arguments.listen)
    settings = Settings(
        data_dir=DataDir(arguments.data.resolve()),
        url=f"http://{listen.reachable}",
        mqtt_url=arguments.mqtt_url or f"mqtt://127.0.0.1:{DEFAULT_MQTT_PORT}",
        metrics_token=told.metrics_token,
    )
    return work(settings, listen)


def _describe_broker(parser: ArgumentParser) -> None:
    _data(parser)
    _broker(parser, "all addresses")
    parser.add_argument(
        "--watch",
        action="store_true",
        help="look for changes of the password file and the access list, where the books cannot signal the broker (in "
        "another container)",
    )


def _run_broker(arguments: Namespace) -> int:
    from api import broker

    log_to_stderr("broker")
    at = Address(arguments.mqtt_host or "0.0.0.0", arguments.mqtt_port)  # noqa: S104  (what a broker is for)
    chosen, data_dir = broker.choose(arguments.broker), DataDir(arguments.data.resolve())
    if arguments.watch:
        return run_until_told(broker.run_watching(chosen, data_dir, at))
    broker.run(chosen, data_dir, at)
    return 0


def _describe_doctor(parser: ArgumentParser) -> None:
    _data(parser)


def _run_doctor(arguments: Namespace) -> int:
    from api.doctor import examine, tell

    return tell(examine(DataDir(arguments.data.resolve())))


UP = Verb("everything on one machine, in the foreground: broker, gate, judge, books, pages", _describe_up, _run_up)
LINE = Verb("gate and judge in one process (a part of `up`)", _describe_line, _run_line)
DESK = Verb("books, pages and HTTP in one process (a part of `up`)", _describe_desk, _run_desk)
BROKER = Verb(
    "the MQTT broker that is installed, with the books' access list (a part of `up`)", _describe_broker, _run_broker
)
API = Verb("pages and HTTP alone, without following the journal", _describe_desk, _run_api)
DOCTOR = Verb("looks at a data directory and says what is wrong and what to do", _describe_doctor, _run_doctor)
