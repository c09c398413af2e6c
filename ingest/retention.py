"""Retention: what every named follower has passed and is older than a week leaves the gate's file."""

import sqlite3
from contextlib import closing
from pathlib import Path

from coldchain.clock import DAY
from coldchain.data_dir import DataDir
from coldchain.journal.sqlite import prune
from coldchain.sqlite import nothing_where_unmade, open_to_read
from coldchain.topics import EVIDENCE, READINGS, REFUSED, STATUS, Topic
from ingest import refusals, transfers
from ingest.outboxes import Outboxes

KEPT_FOR = 7 * DAY


def positions(data_dir: DataDir, topic: Topic) -> dict[str, int]:
    """How far each named follower of the topic is; they keep it in their own files, which are only read here."""
    found: dict[str, int] = {}
    for path in (data_dir.stream, data_dir.books):
        found.update(_positions(path, topic))
    return found


def apply(connection: sqlite3.Connection, outboxes: Outboxes, data_dir: DataDir, now: int) -> int:
    """Drop what may go; gives how many packs and heartbeats that were. Inside the gate's transaction."""
    before = now - KEPT_FOR
    readings = positions(data_dir, READINGS)
    dropped = prune(connection, READINGS, min(readings.values(), default=0), before)
    oldest = connection.execute(f"SELECT written_at FROM topic_{READINGS} ORDER BY offset LIMIT 1").fetchone()
    outboxes.forget(min(before, oldest[0] if oldest else before), now)
    for topic in (STATUS, EVIDENCE):
        prune(connection, topic, min(positions(data_dir, topic).values(), default=0), before)
    transfers.forget(connection, before)
    refusals.forget(connection, now - refusals.KEPT_FOR, positions(data_dir, REFUSED).values())
    return dropped


def _positions(path: Path, topic: Topic) -> dict[str, int]:
    with nothing_where_unmade(), closing(open_to_read(path)) as connection:
        return dict(connection.execute("SELECT follower, position FROM positions WHERE topic = ?", (topic,)).fetchall())
    return {}
