"""The room of judgement as it runs on one machine."""

import asyncio
import logging
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing

from coldchain.data_dir import DataDir
from coldchain.journal import Journal
from stream.judge import Judge, Stuck
from stream.runners import embedded

log = logging.getLogger("stream")

BREATH_S = 1.0
REST_S = 60.0
"""Between two steps of adding up, and after all days that are over have their totals."""


async def serve(data_dir: DataDir, journal: Journal) -> None:
    """Judge what is journalled, until cancelled."""
    with closing(Judge(data_dir.stream)) as judge, ThreadPoolExecutor(1, "judge") as thread:
        log.info("judging from reading %d on", judge.passed_readings + 1)
        async with asyncio.TaskGroup() as group:
            group.create_task(embedded.run(judge, journal, thread), name="judge")
            group.create_task(_add_up(judge, thread), name="day totals")


async def _add_up(judge: Judge, thread: Executor) -> None:
    """Make the totals of days that are over, a little at a time, between the judge's batches; until cancelled."""
    while True:
        try:
            is_more = await asyncio.get_running_loop().run_in_executor(thread, judge.add_up)
        except Stuck as why:
            log.warning("%s; the totals of days wait", why)
            is_more = False
        await asyncio.sleep(BREATH_S if is_more else REST_S)
