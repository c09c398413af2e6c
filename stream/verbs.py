"""What the room of judgement does from the command line."""

import asyncio
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from coldchain.verbs import Verb


def _describe(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data directory of this machine")


def _run(arguments: Namespace) -> int:
    from coldchain import crash
    from coldchain.data_dir import DataDir
    from coldchain.journal import open_journal
    from coldchain.logs import log_to_stderr
    from coldchain.processes import until_terminated
    from stream.main import serve

    log_to_stderr("stream")
    crash.arm_from(os.environ.get("COLDCHAIN_CRASH", ""))
    data_dir = DataDir(arguments.data)
    asyncio.run(until_terminated(serve(data_dir, open_journal(f"sqlite:{data_dir.root}"))))
    return 0


STREAM = Verb("judges what the gate has journalled, and announces verdicts and silences", _describe, _run)
