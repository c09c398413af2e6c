"""The room of judgement as it runs on one machine."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from coldchain.data_dir import DataDir
from coldchain.journal import Journal
from stream.judge import Judge
from stream.runners import embedded

log = logging.getLogger("stream")


async def serve(data_dir: DataDir, journal: Journal) -> None:
    """Judge what is journalled, until cancelled."""
    with closing(Judge(data_dir.stream)) as judge, ThreadPoolExecutor(1, "judge") as thread:
        log.info("judging from reading %d on", judge.passed_readings + 1)
        await embedded.run(judge, journal, thread)
