"""`coldchain agent`: the gateway at the fridge, on a Raspberry Pi or any Linux machine."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from coldchain.verbs import Verb
from gateway_agent.settings import Settings, load

CONFIG = Path("/etc/coldchain/agent.toml")

EXIT_NOT_WELL = 1


def _describe(parser: ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help=f"the settings (default {CONFIG})")
    only = parser.add_mutually_exclusive_group()
    only.add_argument(
        "--traffic", action="store_true", help="tell about how many megabytes a month these settings cost, and end"
    )
    only.add_argument(
        "--check",
        action="store_true",
        help="try settings, clock, outbox, sensors and broker once, tell a line each, and end; 1 if something is amiss",
    )


def _run(arguments: Namespace) -> int:
    from coldchain import crash
    from coldchain.logs import log_to_stderr
    from gateway_agent import live

    settings = load(arguments.config)
    if arguments.check:
        return _check(settings)
    if arguments.traffic:
        from gateway_agent import traffic

        print(traffic.told(settings))
        return 0
    crash.arm_from(os.environ.get("COLDCHAIN_CRASH", ""))
    log_to_stderr("agent")
    live.run(settings)
    return 0


def _check(settings: Settings) -> int:
    from gateway_agent.check import check
    from gateway_agent.clocks import machine_clock
    from gateway_agent.live import sensor_of

    clock = machine_clock(settings.has_rtc)
    is_well = True
    for finding in check(settings, [sensor_of(sensor, clock) for sensor in settings.sensors], clock):
        print(finding, flush=True)
        is_well &= finding.is_well
    return 0 if is_well else EXIT_NOT_WELL


AGENT = Verb("keep, judge and send what the sensors of this gateway measure", _describe, _run)
