"""Which numbers of a device's outboxes are durable, as the gate's file has them. Read-only."""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

import msgspec

from coldchain.ranges import Range, Ranges
from coldchain.sqlite import FileMissing, open_to_read

_ranges = msgspec.msgpack.Decoder(tuple[Range, ...])


def durable_ranges(gate_file: Path, device_ids: Collection[str]) -> dict[tuple[str, str], Ranges]:
    """By device and outbox; nothing where the gate has not made its file yet."""
    try:
        with closing(open_to_read(gate_file)) as connection:
            rows = connection.execute(
                "SELECT device_id, outbox_id, durable FROM outboxes "
                "WHERE device_id IN (SELECT value FROM json_each(?))",
                (msgspec.json.encode(list(device_ids)).decode(),),
            ).fetchall()
    except FileMissing:
        return {}
    except sqlite3.OperationalError as why:
        if "no such table" in str(why):
            return {}
        raise
    return {(device_id, outbox_id): Ranges(_ranges.decode(body)) for device_id, outbox_id, body in rows}
