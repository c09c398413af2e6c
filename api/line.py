"""`coldchain line`: the gate and the judge of one machine, in one process and one loop, on one journal.

Needs neither FastAPI nor SQLAlchemy, and must not load them: it is the part that runs on the smallest machines.
"""

import asyncio

import ingest.main
import stream.main
from api.processes import alone, run_until_told
from coldchain.data_dir import DataDir
from coldchain.journal.sqlite import SqliteJournal


def line(data_dir: DataDir, mqtt_url: str) -> int:
    """Run until SIGTERM or SIGINT. An error in either room ends both, and whoever started us starts us again."""
    with alone(data_dir.root / "line.lock", "`coldchain line`"):
        return run_until_told(_both(data_dir, mqtt_url))


async def _both(data_dir: DataDir, mqtt_url: str) -> None:
    journal = SqliteJournal(data_dir.root)
    try:
        async with asyncio.TaskGroup() as rooms:
            rooms.create_task(ingest.main.serve(data_dir, journal, mqtt_url), name="ingest")
            rooms.create_task(stream.main.serve(data_dir, journal), name="stream")
    finally:
        journal.close()
