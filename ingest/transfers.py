"""A transfer that was answered: the same one again is answered the same, and is written no second time.

Only where nothing of it was doubted: what was may be believed the next time.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

LAYOUT = (
    """
CREATE TABLE IF NOT EXISTS transfers (
    device_id TEXT NOT NULL, transfer_id TEXT NOT NULL, digest TEXT NOT NULL, answer BLOB NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (device_id, transfer_id, digest)
) WITHOUT ROWID""",
)


class Doubt(msgspec.Struct, frozen=True):
    """Why so many records were not taken; `kept` says that they are there to be read again."""

    reason: str
    detail: str
    records: int
    kept: bool


class ReportAnswer(msgspec.Struct, frozen=True):
    """What became of a report: whose it was, how many values, and alarms of the device itself, were taken."""

    hardware_id: str | None
    device_ids: tuple[str, ...]
    readings: int
    alarms: int
    refused: tuple[Doubt, ...] = ()


def joined(answers: Iterable[tuple[int, ReportAnswer]]) -> list[ReportAnswer]:
    """One answer a report, in the order of the reports' numbers, though a report came in several pieces."""
    whole: dict[int, ReportAnswer] = {}
    for number, part in answers:
        before = whole.get(number)
        whole[number] = part if before is None else _sum(before, part)
    return [whole[number] for number in sorted(whole)]


def _sum(one: ReportAnswer, other: ReportAnswer) -> ReportAnswer:
    return ReportAnswer(
        one.hardware_id,
        tuple(dict.fromkeys((*one.device_ids, *other.device_ids))),
        one.readings + other.readings,
        one.alarms + other.alarms,
        (*one.refused, *other.refused),
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """`at`: ms UTC."""

    device_id: str
    transfer_id: str
    digest: str
    answer: Sequence[ReportAnswer]
    at: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[ReportAnswer])


def known(
    connection: sqlite3.Connection, device_id: str, transfer_id: str, digest: str
) -> Sequence[ReportAnswer] | None:
    """What was answered to the same content under the same id."""
    row = connection.execute(
        "SELECT answer FROM transfers WHERE device_id = ? AND transfer_id = ? AND digest = ?",
        (device_id, transfer_id, digest),
    ).fetchone()
    return None if row is None else _decoder.decode(row[0])


def remember(connection: sqlite3.Connection, answered: Sequence[Answered]) -> None:
    """Inside the gate's transaction."""
    connection.executemany(
        "INSERT OR REPLACE INTO transfers VALUES (?, ?, ?, ?, ?)",
        [(one.device_id, one.transfer_id, one.digest, _encoder.encode(one.answer), one.at) for one in answered],
    )


def forget(connection: sqlite3.Connection, before: int) -> None:
    connection.execute("DELETE FROM transfers WHERE at < ?", (before,))
