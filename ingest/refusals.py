"""A refusal: a message that could not be believed, kept whole with its reason, and released again by a person.

Bounded, so that one bad device can neither fill the disk nor hide the others: equal messages are counted once, a
device has at most `MOST` different ones of at most `MOST_BYTES` together, all unknown devices share one such pool, and
what did not fit is counted and told. A refusal that was kept is durable like a pack; one that did not fit is not.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar

from coldchain import wire
from coldchain.clock import DAY
from coldchain.errors import NotFound, Refused
from coldchain.events import FOREVER, Refusal, Released
from coldchain.journal import sqlite as journal
from coldchain.sqlite import FileMissing, open_to_read
from coldchain.topics import REFUSED, of_mqtt_topic

MOST = 1_000
MOST_BYTES = 16 * 1024 * 1024
KEPT_OF_OVERSIZED = 4_096
KEPT_FOR = 90 * DAY

UNKNOWN_DEVICES = "?"
"""The pool that all devices share which nobody enrolled, and the name of those that no device can bear."""

EXCERPT = 200


@dataclass(frozen=True, slots=True)
class KeptRefusal:
    """A refusal as people see it. `count` tells how often the same message came; instants in ms UTC."""

    offset: int
    device_id: str
    received_at: int
    last_at: int
    reason: str
    detail: str
    count: int
    size: int
    excerpt: str
    outbox_id: str | None
    seq: int | None
    topic: str
    hardware_id: str | None
    released_by: str | None
    released_at: int | None


class Unbelieved(Refused):
    """A message of a device was refused. Its identity is told as far as it could be read."""

    reason: ClassVar[str]

    hardware_id: str | None = None
    """Which hardware a bridge named that nobody knows here."""

    def __init__(
        self, detail: str, *, outbox_id: str | None = None, seq: int | None = None, ahead_ms: int | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.outbox_id = outbox_id
        self.seq = seq
        self.ahead_ms = ahead_ms


class Unreadable(Unbelieved):
    """It is no SenML JSON (RFC 8428), or says what no reading can be."""

    reason = "unreadable"


class Oversized(Unbelieved):
    """It is longer than any pack may be."""

    reason = "oversized"


class WronglyDated(Unbelieved):
    """A reading lies more than five minutes ahead of us (`ahead_ms`), or before 2000."""

    reason = "wrongly-dated"


class UnknownDevice(Unbelieved):
    """Nobody enrolled the device, or it was ended."""

    reason = "unknown-device"


class UnknownHardware(UnknownDevice):
    """The device that brought it speaks for no device with this hardware, or has other hardware itself."""

    def __init__(self, detail: str, hardware_id: str) -> None:
        super().__init__(detail)
        self.hardware_id = hardware_id


class TwoVoices(Unbelieved):
    """The number was given to other content before: two devices speak with one outbox."""

    reason = "two-voices"


class Flooding(Unbelieved):
    """The device sent more than is kept of one device."""

    reason = "flooding"


class NoSuchRefusal(NotFound):
    """No refusal stands at this offset."""


LAYOUT = (
    """
CREATE TABLE IF NOT EXISTS refusals (
    offset INTEGER PRIMARY KEY, pool TEXT NOT NULL, device_id TEXT NOT NULL, reason TEXT NOT NULL,
    digest BLOB NOT NULL, size INTEGER NOT NULL, kept INTEGER NOT NULL,
    received_at INTEGER NOT NULL, last_at INTEGER NOT NULL, count INTEGER NOT NULL DEFAULT 1,
    released_by TEXT, released_at INTEGER,
    UNIQUE (device_id, reason, digest)
)""",
    """
CREATE TABLE IF NOT EXISTS refusal_pools (
    pool TEXT PRIMARY KEY, kept INTEGER NOT NULL, bytes INTEGER NOT NULL, dropped INTEGER NOT NULL, told INTEGER
) WITHOUT ROWID""",
)
"""`offset` is the refusal's in the topic, where its payload lies, `size` the message's bytes, `kept` how many we have.
A pool's `kept` and `bytes` leave released ones out; `told` is the offset of its flooding refusal."""


class Refusals:
    """The shelf as others read it. Nothing stands on it before the gate has made its file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def list(self, device_ids: Collection[str] | None, after: int | None, limit: int) -> Sequence[KeptRefusal]:
        """The newest first, those below the offset `after`; of these devices alone, or of all."""
        if device_ids is not None and not device_ids:
            return []
        where = ["r.offset < ?"]
        values: list[object] = [after if after is not None else FOREVER]
        if device_ids is not None:
            where.append("r.device_id IN (SELECT value FROM json_each(?))")
            values.append(json.dumps([*device_ids]))
        return self._rows(f"{' AND '.join(where)} ORDER BY r.offset DESC LIMIT ?", *values, limit)

    def get(self, offset: int) -> KeptRefusal:
        """Raises NoSuchRefusal."""
        rows = self._rows("r.offset = ?", offset)
        if not rows:
            raise NoSuchRefusal(f"no refusal stands at {offset}")
        return rows[0]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _rows(self, condition: str, *values: object) -> Sequence[KeptRefusal]:
        try:
            if self._connection is None:
                self._connection = open_to_read(self._path)
            rows = self._connection.execute(
                "SELECT r.offset, r.device_id, r.received_at, r.last_at, r.count, r.size, r.released_by, "
                f"r.released_at, t.body FROM refusals r JOIN topic_{REFUSED} t USING (offset) WHERE {condition}",
                values,
            ).fetchall()
        except FileMissing:
            return []
        except sqlite3.OperationalError as why:
            if "no such table" in str(why):
                return []
            raise
        return [_shown(row) for row in rows]


def payload_digest(payload: bytes) -> bytes:
    """Eight bytes that tell one message from another."""
    return blake2b(payload, digest_size=8).digest()


def refuse(
    connection: sqlite3.Connection, device_id: str, topic: str, payload: bytes, received_at: int, why: Unbelieved
) -> bool:
    """Keep the message with the reason, or count it where it is kept already; False where the pool is full.

    Inside the gate's transaction.
    """
    digest = message_digest(topic, payload, why.hardware_id)
    counted = connection.execute(
        "UPDATE refusals SET count = count + 1, last_at = ? WHERE device_id = ? AND reason = ? AND digest = ?",
        (received_at, device_id, why.reason, digest),
    ).rowcount
    if counted:
        return True
    pool = _pool(device_id, why)
    kept = payload[:KEPT_OF_OVERSIZED] if isinstance(why, Oversized) else payload
    row = connection.execute("SELECT kept, bytes, told FROM refusal_pools WHERE pool = ?", (pool,)).fetchone()
    number, size, told = row or (0, 0, None)
    if number >= MOST or size + len(kept) > MOST_BYTES:
        _tell_flooding(connection, pool, device_id, topic, received_at, told)
        return False
    refusal = Refusal(
        device_id,
        topic,
        kept,
        received_at,
        why.reason,
        why.detail,
        why.outbox_id,
        why.seq,
        why.ahead_ms,
        why.hardware_id,
    )
    _insert(connection, refusal, pool, digest, len(payload), len(kept))
    _count(connection, pool, kept=1, size=len(kept))
    return True


def message_digest(topic: str, payload: bytes, hardware_id: str | None = None) -> bytes:
    """What tells a refused message from another of the same device: on topics of others the topic is part of it."""
    if of_mqtt_topic(topic) is not None:
        return payload_digest(payload)
    return payload_digest(f"{topic}\n{hardware_id or ''}\n".encode() + payload)


def _pool(device_id: str, why: Unbelieved) -> str:
    """What a bridge hears of strangers fills a pool of its own, and leaves room for the bridge's own trouble."""
    if why.hardware_id is not None:
        return f"{UNKNOWN_DEVICES}{device_id}"
    return UNKNOWN_DEVICES if isinstance(why, UnknownDevice) else device_id


def refusal_at(connection: sqlite3.Connection, offset: int) -> tuple[Refusal, bool]:
    """The refusal, and whether it was released already. Raises NoSuchRefusal."""
    row = connection.execute(
        f"SELECT t.body, r.released_at FROM refusals r JOIN topic_{REFUSED} t USING (offset) WHERE r.offset = ?",
        (offset,),
    ).fetchone()
    if row is None:
        raise NoSuchRefusal(f"no refusal stands at {offset}")
    refusal = wire.decode(REFUSED, row[0])
    assert isinstance(refusal, Refusal)  # noqa: S101  the table holds offsets of refusals alone
    return refusal, row[1] is not None


def release(connection: sqlite3.Connection, offset: int, by: str, at: int) -> None:
    """Note that the refusal was believed after all, and make room in its pool. Inside the gate's transaction."""
    pool, kept = connection.execute(
        "UPDATE refusals SET released_by = ?, released_at = ? WHERE offset = ? RETURNING pool, kept", (by, at, offset)
    ).fetchone()
    _count(connection, pool, kept=-1, size=-kept)
    key = connection.execute(f"SELECT key FROM topic_{REFUSED} WHERE offset = ?", (offset,)).fetchone()[0]
    journal.write(connection, REFUSED, [(key, Released(offset, by, at))])


def offset_of(connection: sqlite3.Connection, device_id: str, payload: bytes) -> int | None:
    """Where the same message stands refused and not released, for whatever reason."""
    row = connection.execute(
        "SELECT offset FROM refusals WHERE device_id = ? AND digest = ? AND released_at IS NULL AND reason != ?",
        (device_id, payload_digest(payload), Flooding.reason),
    ).fetchone()
    return row[0] if row else None


def forget(connection: sqlite3.Connection, before: int, followers: Collection[int]) -> int:
    """Drop what came last before the instant (ms), and make room in the pools; gives how many.

    `followers` are the positions of those who follow REFUSED: none is passed over. Inside the gate's transaction.
    """
    passed = min(followers, default=FOREVER)
    old = connection.execute(
        "DELETE FROM refusals WHERE last_at < ? AND offset <= ? RETURNING pool, kept, reason, released_at",
        (before, passed),
    ).fetchall()
    for pool, kept, reason, released_at in old:
        if reason == Flooding.reason:
            connection.execute("UPDATE refusal_pools SET told = NULL WHERE pool = ?", (pool,))
        elif released_at is None:
            _count(connection, pool, kept=-1, size=-kept)
    connection.execute(
        f"DELETE FROM topic_{REFUSED} WHERE written_at < ? AND offset <= ? "
        f"AND offset < (SELECT max(offset) FROM topic_{REFUSED}) AND offset NOT IN (SELECT offset FROM refusals)",
        (before, passed),
    )
    return len(old)


def _tell_flooding(
    connection: sqlite3.Connection, pool: str, device_id: str, topic: str, received_at: int, told: int | None
) -> None:
    """One refusal tells of all that found no room; its count is theirs."""
    connection.execute("UPDATE refusal_pools SET dropped = dropped + 1 WHERE pool = ?", (pool,))
    if told is not None:
        connection.execute("UPDATE refusals SET count = count + 1, last_at = ? WHERE offset = ?", (received_at, told))
        return
    whose = "of unknown devices together" if pool.startswith(UNKNOWN_DEVICES) else "of this device"
    detail = f"{MOST:,} refusals (16 MiB) {whose} are kept; what comes after is counted and not kept"
    refusal = Refusal(device_id, topic, b"", received_at, Flooding.reason, detail)
    offset = _insert(connection, refusal, pool, payload_digest(pool.encode()), 0, 0)
    connection.execute("UPDATE refusal_pools SET told = ? WHERE pool = ?", (offset, pool))


def _insert(connection: sqlite3.Connection, refusal: Refusal, pool: str, digest: bytes, size: int, kept: int) -> int:
    offset = journal.write(connection, REFUSED, [(refusal.device_id, refusal)])
    connection.execute(
        "INSERT INTO refusals (offset, pool, device_id, reason, digest, size, kept, received_at, last_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (offset, pool, refusal.device_id, refusal.reason, digest, size, kept, refusal.received_at, refusal.received_at),
    )
    return offset


def _shown(row: tuple[int, str, int, int, int, int, str | None, int | None, bytes]) -> KeptRefusal:
    offset, device_id, received_at, last_at, count, size, released_by, released_at, body = row
    refusal = wire.decode(REFUSED, body)
    return KeptRefusal(
        offset=offset,
        device_id=device_id,
        received_at=received_at,
        last_at=last_at,
        reason=refusal.reason,
        detail=refusal.detail,
        count=count,
        size=size,
        excerpt=_printable(refusal.payload[: 2 * EXCERPT]),
        outbox_id=refusal.outbox_id,
        seq=refusal.seq,
        topic=refusal.topic,
        hardware_id=refusal.hardware_id,
        released_by=released_by,
        released_at=released_at,
    )


def _printable(payload: bytes) -> str:
    text = payload.decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "·" for sign in text[:EXCERPT])


def _count(connection: sqlite3.Connection, pool: str, *, kept: int, size: int) -> None:
    connection.execute(
        "INSERT INTO refusal_pools (pool, kept, bytes, dropped) VALUES (?, ?, ?, 0) "
        "ON CONFLICT (pool) DO UPDATE SET kept = kept + excluded.kept, bytes = bytes + excluded.bytes",
        (pool, kept, size),
    )
