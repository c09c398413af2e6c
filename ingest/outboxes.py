"""An outbox: where a device's packs wait, and which of its numbers are durable with us.

Kept in the gate's file with the packs themselves, the busy ones in memory too. What a number stood for is remembered
as a digest as long as the packs are in the journal, so that another content under the same number is noticed.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from coldchain.clock import DAY
from coldchain.ranges import Range, Ranges
from coldchain.sqlite import nothing_where_unmade, open_to_read

MOST_RANGES = 1_024
"""An outbox with more holes than this is no outbox: its acknowledgements would outgrow its packs."""

FORGOTTEN_AFTER = 400 * DAY

REMEMBERED = 20_000
"""Outboxes in memory, and voices; each takes some 300 bytes."""


class Outbox(NamedTuple):
    """`number` is its key in our file, 0 before it has one."""

    device_id: str
    outbox_id: str
    number: int
    durable: Ranges

    @property
    def key(self) -> tuple[str, str]:
        return self.device_id, self.outbox_id


class Voice(NamedTuple):
    """What a durable number stood for: the digest of its pack, or of its message where that was refused."""

    digest: bytes
    is_refused: bool


LAYOUT = (
    """
CREATE TABLE IF NOT EXISTS outboxes (
    number INTEGER PRIMARY KEY, device_id TEXT NOT NULL, outbox_id TEXT NOT NULL,
    durable BLOB NOT NULL, heard_at INTEGER NOT NULL,
    UNIQUE (device_id, outbox_id)
)""",
    """
CREATE TABLE IF NOT EXISTS voices (
    day INTEGER NOT NULL, outbox INTEGER NOT NULL, seq INTEGER NOT NULL,
    digest BLOB NOT NULL, is_refused INTEGER NOT NULL,
    PRIMARY KEY (day, outbox, seq)
) WITHOUT ROWID""",
)
"""`day` is that of the arrival, so that what is written lies together and what is old goes in one piece."""


class Outboxes:
    """The shelf. `get` and `voice` read; what `save` wrote is in memory once `remember` is told of the commit."""

    def __init__(self, connection: sqlite3.Connection, remembered: int = REMEMBERED) -> None:
        self._connection = connection
        self._most = remembered
        self._remembered: OrderedDict[tuple[str, str], Outbox] = OrderedDict()
        self._voices: dict[tuple[int, int], Voice] = {}  # the newest: what comes twice mostly comes twice at once

    def get(self, device_id: str, outbox_id: str) -> Outbox:
        """A new one where none is known."""
        known = self._remembered.get((device_id, outbox_id))
        if known is not None:
            self._remembered.move_to_end((device_id, outbox_id))
            return known
        row = self._connection.execute(
            "SELECT number, durable FROM outboxes WHERE device_id = ? AND outbox_id = ?", (device_id, outbox_id)
        ).fetchone()
        if row is None:
            return Outbox(device_id, outbox_id, 0, Ranges())
        return Outbox(device_id, outbox_id, row[0], Ranges(_ranges.decode(row[1])))

    def numbered(self, outbox: Outbox, at: int) -> Outbox:
        """With a key in our file, made where it had none. Inside the gate's transaction."""
        if outbox.number:
            return outbox
        number = self._connection.execute(
            "INSERT INTO outboxes (device_id, outbox_id, durable, heard_at) VALUES (?, ?, ?, ?) RETURNING number",
            (outbox.device_id, outbox.outbox_id, _encoder.encode(outbox.durable.ranges), at),
        ).fetchone()[0]
        return outbox._replace(number=number)

    def voice(self, outbox: Outbox, seq: int) -> Voice | None:
        """What the number stood for; None where that is forgotten."""
        known = self._voices.get((outbox.number, seq))
        if known is not None:
            return known
        row = self._connection.execute(
            f"{_DAYS} SELECT digest, is_refused FROM voices WHERE day IN (SELECT day FROM days) "
            "AND outbox = ? AND seq = ? ORDER BY day DESC LIMIT 1",
            (outbox.number, seq),
        ).fetchone()
        return Voice(row[0], bool(row[1])) if row else None

    def save(
        self, changed: Iterable[Outbox], voices: Iterable[tuple[int, int, bytes, bool]], day: int, at: int
    ) -> None:
        """Write ranges, and (outbox number, seq, digest, is_refused). Inside the gate's transaction."""
        self._connection.executemany(
            "UPDATE outboxes SET durable = ?, heard_at = ? WHERE number = ?",
            [(_encoder.encode(outbox.durable.ranges), at, outbox.number) for outbox in changed],
        )
        self._connection.executemany(
            "INSERT INTO voices (day, outbox, seq, digest, is_refused) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET digest = excluded.digest, is_refused = excluded.is_refused",
            [(day, *voice) for voice in voices],
        )

    def remember(self, changed: Iterable[Outbox], voices: Mapping[tuple[int, int], tuple[bytes, bool]]) -> None:
        """What was saved is committed; voices by outbox number and seq."""
        for key, voice in voices.items():
            self._voices.pop(key, None)
            self._voices[key] = Voice(*voice)
        while len(self._voices) > self._most:
            del self._voices[next(iter(self._voices))]
        for outbox in changed:
            self._remembered[outbox.key] = outbox
            self._remembered.move_to_end(outbox.key)
        while len(self._remembered) > self._most:
            self._remembered.popitem(last=False)

    def forget(self, voices_before: int, now: int) -> None:
        """Drop voices of days before the instant, and outboxes long unheard. Inside the gate's transaction."""
        self._connection.execute("DELETE FROM voices WHERE day < ?", (voices_before // DAY,))
        self._voices.clear()
        gone = self._connection.execute(
            "DELETE FROM outboxes WHERE heard_at < ? RETURNING device_id, outbox_id", (now - FORGOTTEN_AFTER,)
        ).fetchall()
        for device_id, outbox_id in gone:
            self._remembered.pop((device_id, outbox_id), None)


_DAYS = """
WITH RECURSIVE days (day) AS (
    SELECT min(day) FROM voices
    UNION ALL SELECT (SELECT min(day) FROM voices WHERE day > days.day) FROM days WHERE day IS NOT NULL
)"""
"""The days that there are voices of, each found in one step of the index."""

_encoder = msgspec.msgpack.Encoder()
_ranges = msgspec.msgpack.Decoder(tuple[Range, ...])


def durable_ranges(gate_file: Path, device_ids: Collection[str]) -> dict[tuple[str, str], Ranges]:
    """For the desk, by device and outbox; nothing where the gate has not made its file yet. Read-only."""
    with nothing_where_unmade(), closing(open_to_read(gate_file)) as connection:
        rows = connection.execute(
            "SELECT device_id, outbox_id, durable FROM outboxes WHERE device_id IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(list(device_ids)).decode(),),
        )
        return {(device_id, outbox_id): Ranges(_ranges.decode(body)) for device_id, outbox_id, body in rows}
    return {}
