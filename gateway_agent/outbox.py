"""The outbox: what this gateway measured and the server has not yet called durable, in a file that outlives power cuts.

A reading is kept first, with (boot, uptime); then it is closed into a numbered pack, whose bytes never change again.
Packs leave by the server's word alone. (device_id, outbox_id, seq) is a pack's identity for ever: so the outbox takes
a new id where its file may have become two, in other hardware or set back to an older copy of itself.
"""

import json
import logging
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, Literal, ParamSpec, TypeVar

from coldchain import crash, senml
from coldchain.quantities import CELSIUS
from coldchain.ranges import Range, Ranges
from coldchain.readings import Reading
from gateway_agent.clocks import Moment
from gateway_agent.outbox_file import OutboxFile, OutboxFull, is_damage, is_no_space
from gateway_agent.sensors import Sensed

log = logging.getLogger("agent.outbox")

TimeSource = Literal["machine", "server"]

FIRST_SEQ = 1
NEEDED_PAGES = 8
"""Free pages inside the file (32 KiB) with which the outbox goes on once the file may not grow any more."""

RESERVE_PAGES = 64
"""Up to how many free pages (256 KiB) the oldest packs are dropped, once they have to be."""

PACKS_AT_ONCE = 50
DROPPED_AT_ONCE = 32
READINGS_DROPPED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Machine:
    """What tells this gateway's hardware from another that a copy of its card is put into; empty where unknown."""

    serial: str = ""
    machine_id: str = ""

    @property
    def as_text(self) -> str:
        return f"{self.serial} {self.machine_id}"


@dataclass(frozen=True, slots=True)
class Room:
    """How many bytes of the disk are not the outbox's, and what happens when the others are used up.

    `drop-oldest` loses the oldest packs and tells their numbers; `stop` keeps them, loses the new readings and tells
    how many. `free_bytes` of the disk at a path is handed in, so that a test owns the disk.
    """

    when_full: Literal["drop-oldest", "stop"] = "drop-oldest"
    min_free: int = 0
    free_bytes: Callable[[Path], int] | None = None


@dataclass(frozen=True, slots=True)
class Beaten:
    """What one beat gave. After an urgent one the pack closes at once."""

    moment: Moment
    readings: Sequence[Sensed]
    is_urgent: bool = False


P = ParamSpec("P")
R = TypeVar("R")


def _on_the_file(deed: Callable[Concatenate["Outbox", P], R]) -> Callable[Concatenate["Outbox", P], R]:
    """A deed that, where the file turns out to be damaged, begins a new file and is done again there.

    Raises OutboxFull where nothing can be written.
    """

    def done(outbox: "Outbox", /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return deed(outbox, *args, **kwargs)
        except sqlite3.DatabaseError as why:
            if is_no_space(why):
                raise OutboxFull(f"the outbox {outbox.path} cannot be written: {why}") from why
            if not is_damage(why):
                raise
            outbox.begin_anew(str(why))
            return deed(outbox, *args, **kwargs)

    return done


class Outbox:
    """Every deed is one transaction: done when it returns, or not at all. One thread."""

    def __init__(
        self,
        path: Path,
        device_id: str,
        machine: Machine,
        *,
        sync: str = "full",
        room: Room | None = None,
        units: Mapping[str, str] | None = None,
    ) -> None:
        """`units` of the channels that are no temperatures. Raises OutboxUnusable."""
        self.path = path
        self.outbox_id = ""
        self.next_seq = FIRST_SEQ
        self.boot_id = ""
        self.offset: int | None = None
        """What to add to an uptime of this boot to have the time of day (ms); None while nobody knows."""
        self.time_source: TimeSource | None = None
        self.unpacked = 0
        """How many readings of this boot are in no pack yet."""
        self.not_kept = 0
        """How many readings the full disk kept out, since the file was made."""
        self.is_full = False
        """Whether the last readings found the disk full."""
        self._device_id = device_id
        self._machine = machine
        self._room = room or Room()
        self._units = units or {}
        self._file = OutboxFile(path, sync.upper())
        self._boot = 0
        self._waiting = 0
        self._watch = ""
        self._identify()

    def shut(self) -> None:
        self._file.close()

    # what is in it

    def waiting(self) -> int:
        """Readings that the server has not acknowledged, in packs or not."""
        return self._waiting

    @_on_the_file
    def lost(self) -> Ranges:
        """Numbers whose packs had to be dropped before the server had them."""
        return self._lost()

    @_on_the_file
    def facts(self) -> dict[str, str]:
        """Small facts that were noted here, and the outbox's own."""
        return self._file.facts()

    @_on_the_file
    def note(self, /, **facts: str) -> None:
        """Keep small facts."""
        with self._transaction():
            self._file.write_facts(**facts)

    # time

    @_on_the_file
    def begin_boot(self, boot_id: str) -> None:
        """From here on readings are of this boot; what earlier boots left can be closed now."""
        with self._transaction():
            self._begin_boot(boot_id)

    def _begin_boot(self, boot_id: str) -> None:
        file = self._file.connection
        file.execute("INSERT OR IGNORE INTO boots (boot_id) VALUES (?)", (boot_id,))
        file.execute(
            "DELETE FROM boots WHERE boot_id <> ? AND number NOT IN (SELECT boot FROM readings)",
            (boot_id,),
        )
        self.boot_id = boot_id
        self._recall()

    @_on_the_file
    def know_time(self, offset: int, source: TimeSource) -> None:
        """The time of day of this boot's uptimes is known, or known better."""
        with self._transaction() as file:
            file.execute("UPDATE boots SET offset_ms = ?, source = ? WHERE number = ?", (offset, source, self._boot))
        self.offset, self.time_source = offset, source

    # keeping

    def keep(self, beats: Iterable[Beaten], max_readings: int, watch: Callable[[], str] | None = None) -> int:
        """Keep what the beats gave in one transaction, closing packs at `max_readings` and after an urgent beat.

        `watch` gives the text of what is going on after the last beat, kept in the same transaction.
        Gives how many readings the full disk kept out.
        """
        beats = list(beats)
        try:
            self._make_room()
            self._keep(beats, max_readings, watch)
        except OutboxFull as why:
            count = sum(len(beat.readings) for beat in beats)
            log.error("%d readings are not kept: %s", count, why)  # noqa: TRY400  the sentence says it all
            self._note_not_kept(count)
            return count
        crash.point("agent.kept")
        return 0

    @_on_the_file
    def _keep(self, beats: list[Beaten], max_readings: int, watch: Callable[[], str] | None) -> None:
        with self._transaction() as file:
            for beat in beats:
                if beat.moment.boot_id != self.boot_id:
                    self._begin_boot(beat.moment.boot_id)
                file.executemany(
                    "INSERT INTO readings (boot, uptime, channel, centidegrees, fault) VALUES (?, ?, ?, ?, ?)",
                    [(self._boot, beat.moment.uptime, r.channel, r.centidegrees, r.fault) for r in beat.readings],
                )
                self.unpacked += len(beat.readings)
                self._waiting += len(beat.readings)
                self._close_what_is_due(max_readings, at_once=beat.is_urgent)
            if watch is not None and (text := watch()) != self._watch:
                self._file.write_facts(watch=text)
                self._watch = text

    def _close_what_is_due(self, max_readings: int, *, at_once: bool) -> None:
        if self.offset is None:
            return  # a pack tells the time, and nobody knows it yet
        while self.unpacked >= max_readings or (at_once and self.unpacked):
            self._close_one(self._boot, self.offset, max_readings)

    @_on_the_file
    def close(self, max_readings: int, *, of_this_boot: bool) -> bool:
        """Close into packs what earlier boots left, undated where their time was never known; and what this one has.

        Does a part of it, so that no beat waits long; True where there is more to do.
        """
        if not self._is_anything_to_close(of_this_boot):
            return False
        with self._transaction():
            for _ in range(PACKS_AT_ONCE):
                boot = self._oldest_boot()
                if boot is None or (boot == self._boot and not (of_this_boot and self.offset is not None)):
                    return False
                self._close_one(boot, self._offset_of(boot), max_readings)
        return True

    def _is_anything_to_close(self, of_this_boot: bool) -> bool:
        if self.unpacked and of_this_boot and self.offset is not None:
            return True
        return self._oldest_boot() not in (None, self._boot)

    @_on_the_file
    def close_question(self) -> int:
        """Close a pack without readings, whose acknowledgement will tell the time; gives its number."""
        with self._transaction():
            return self._add_pack([], is_dated=False, count=0)

    def _close_one(self, boot: int, offset: int | None, max_readings: int) -> None:
        file = self._file.connection
        rows = file.execute(
            "SELECT id, uptime, channel, centidegrees, fault FROM readings WHERE boot = ? ORDER BY id LIMIT ?",
            (boot, max_readings),
        ).fetchall()
        is_dated = offset is not None
        shift = offset if offset is not None else 0
        readings = [Reading(row[2], row[1] + shift, row[3], row[4], self._units.get(row[2], CELSIUS)) for row in rows]
        self._add_pack(readings, is_dated=is_dated, count=len(readings))
        file.execute("DELETE FROM readings WHERE boot = ? AND id <= ?", (boot, rows[-1][0]))
        if boot == self._boot:
            self.unpacked -= len(rows)

    def _add_pack(self, readings: list[Reading], *, is_dated: bool, count: int) -> int:
        seq = self.next_seq
        body = senml.encode(self._device_id, self.outbox_id, seq, readings, dated=is_dated)
        self._file.connection.execute("INSERT INTO packs VALUES (?, ?, ?)", (seq, count, body))
        self.next_seq = seq + 1
        self._file.write_facts(next_seq=str(self.next_seq))
        return seq

    def _oldest_boot(self) -> int | None:
        row = self._file.connection.execute("SELECT boot FROM readings ORDER BY id LIMIT 1").fetchone()
        return None if row is None else int(row[0])

    def _offset_of(self, boot: int) -> int | None:
        row = self._file.connection.execute("SELECT offset_ms FROM boots WHERE number = ?", (boot,)).fetchone()
        return None if row is None else row[0]

    # sending

    @_on_the_file
    def packs_after(self, seq: int, limit: int) -> list[int]:
        """The lowest numbers of packs above this one."""
        query = "SELECT seq FROM packs WHERE seq > ? ORDER BY seq LIMIT ?"
        return [row[0] for row in self._file.connection.execute(query, (seq, limit))]

    @_on_the_file
    def pack(self, seq: int) -> bytes | None:
        """The pack as it was closed, None where it has left the outbox."""
        row = self._file.connection.execute("SELECT body FROM packs WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else bytes(row[0])

    @_on_the_file
    def acknowledge(self, durable: Ranges) -> int:
        """The server has these numbers on disk: let their packs go. Gives how many went.

        Undone by a power cut it is only told again: no flush is spent on it.
        """
        crash.point("agent.acknowledged")
        with self._transaction(self._file.lazy_transaction):
            gone = sum(self._remove_packs(bounds) for bounds in durable)
            lost = self._lost()
            if (rest := without(lost, durable)) != lost:
                self._write_lost(rest)
        return gone

    def _remove_packs(self, bounds: Range) -> int:
        file = self._file.connection
        query = "SELECT coalesce(sum(readings), 0) FROM packs WHERE seq BETWEEN ? AND ?"
        self._waiting -= file.execute(query, bounds).fetchone()[0]
        return file.execute("DELETE FROM packs WHERE seq BETWEEN ? AND ?", bounds).rowcount

    @_on_the_file
    def renew(self, why: str) -> None:
        """Take a new id, and give every pack that waits a new number under it."""
        with self._transaction():
            self._renew(why)

    def _renew(self, why: str) -> None:
        before, self.outbox_id = self.outbox_id, new_outbox_id()
        log.warning("outbox %s is %s from now on: %s", before, self.outbox_id, why)
        self.next_seq = FIRST_SEQ
        file, seq = self._file.connection, -1
        while (
            row := file.execute("SELECT seq, body FROM packs WHERE seq > ? ORDER BY seq", (seq,)).fetchone()
        ) is not None:
            seq = row[0]
            body = relabelled(row[1], self.outbox_id, self.next_seq)
            file.execute("UPDATE packs SET seq = ?, body = ? WHERE seq = ?", (self.next_seq, body, seq))
            self.next_seq += 1  # never passes `seq`, so no number is taken twice
        self._write_lost(Ranges())
        self._file.write_facts(
            outbox_id=self.outbox_id, next_seq=str(self.next_seq), machine=self._machine.as_text, renewed=why
        )

    # the disk

    @_on_the_file
    def _make_room(self) -> None:
        """See that more can be written: on the disk, or in pages of the file that are free again.

        Raises OutboxFull where it cannot, and the settings want nothing dropped.
        """
        free = (self._room.free_bytes or free_bytes)(self.path)
        self.is_full = free < self._room.min_free
        if not self.is_full or self._file.free_pages() >= NEEDED_PAGES:
            return
        if self._room.when_full == "stop":
            raise OutboxFull(f"the disk has {free} bytes left, {self._room.min_free} must stay free")
        with self._transaction():
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        file, lost, dropped = self._file.connection, self._lost(), 0
        while self._file.free_pages() < RESERVE_PAGES:
            oldest = [row[0] for row in file.execute("SELECT seq FROM packs ORDER BY seq LIMIT ?", (DROPPED_AT_ONCE,))]
            if not oldest and not self._drop_oldest_readings():
                break
            for seq in oldest:
                lost = lost.with_number(seq)
                self._remove_packs((seq, seq))
            dropped += len(oldest)
        self._write_lost(lost)
        if dropped:
            log.error("the disk is full: the %d oldest packs had to go", dropped)

    def _drop_oldest_readings(self) -> int:
        """Readings whose time is not known yet have no number: how many went is counted."""
        gone = self._file.connection.execute(
            "DELETE FROM readings WHERE id IN (SELECT id FROM readings ORDER BY id LIMIT ?)",
            (READINGS_DROPPED_AT_ONCE,),
        ).rowcount
        self._file.write_facts(not_kept=str(self.not_kept + gone))
        self._recall()
        return gone

    def _note_not_kept(self, count: int) -> None:
        self.is_full = True
        self.not_kept += count
        try:
            self.note(not_kept=str(self.not_kept))
        except OutboxFull:
            log.warning("how many readings were not kept is known until the next restart only")

    def _lost(self) -> Ranges:
        rows = self._file.connection.execute("SELECT first, last FROM lost ORDER BY first")
        return Ranges(tuple((first, last) for first, last in rows))

    def _write_lost(self, lost: Ranges) -> None:
        self._file.connection.execute("DELETE FROM lost")
        self._file.connection.executemany("INSERT INTO lost VALUES (?, ?)", lost)

    # what of the file is known in memory

    @contextmanager
    def _transaction(
        self, kind: Callable[[], AbstractContextManager[sqlite3.Connection]] | None = None
    ) -> Iterator[sqlite3.Connection]:
        try:
            with (kind or self._file.transaction)() as file:
                yield file
        except BaseException:  # whatever it was, and it goes on
            self._recall()  # what the transaction had changed in memory is undone with it
            raise

    def begin_anew(self, why: str) -> None:
        """The file is damaged: put it aside and go on with a new one, which knows the time of this boot."""
        offset, source = self.offset, self.time_source
        self._file.begin_anew(why)
        self._identify()
        if self.boot_id:
            self.begin_boot(self.boot_id)
        if offset is not None and source is not None:
            self.know_time(offset, source)

    def _identify(self) -> None:
        """Make the id with the file, and another one where the file has come into other hardware."""
        facts = self._file.facts()
        with self._transaction():
            if "outbox_id" not in facts:
                self._file.write_facts(
                    outbox_id=new_outbox_id(), next_seq=str(FIRST_SEQ), machine=self._machine.as_text
                )
            self._recall()
            if facts and facts.get("machine") != self._machine.as_text:
                self._renew("the file lies in another machine than the one it was made in")

    def _recall(self) -> None:
        facts = self._file.facts()
        self.outbox_id = facts.get("outbox_id", "")
        self.next_seq = int(facts.get("next_seq", FIRST_SEQ))
        self.not_kept = int(facts.get("not_kept", 0))
        self._watch = facts.get("watch", "")
        file = self._file.connection
        row = file.execute("SELECT number, offset_ms, source FROM boots WHERE boot_id = ?", (self.boot_id,)).fetchone()
        self._boot, self.offset, self.time_source = row or (0, None, None)
        of_boot = "SELECT count(*) FROM readings WHERE boot = ?"
        self.unpacked = int(file.execute(of_boot, (self._boot,)).fetchone()[0])
        of_all = "SELECT (SELECT coalesce(sum(readings), 0) FROM packs) + (SELECT count(*) FROM readings)"
        self._waiting = int(file.execute(of_all).fetchone()[0])


def new_outbox_id() -> str:
    """64 random bits in hexadecimal."""
    return secrets.token_hex(8)


def relabelled(body: bytes, outbox_id: str, seq: int) -> bytes:
    """The same readings under another identity; for packs written by `coldchain.senml`."""
    records = json.loads(body)
    for record in records:
        if record["n"] == senml.OUTBOX:
            record["vs"] = outbox_id
        elif record["n"] == senml.SEQ:
            record["v"] = seq
    return json.dumps(records, separators=(",", ":")).encode()


def without(ranges: Ranges, gone: Ranges) -> Ranges:
    """The numbers of `ranges` that are not in `gone`."""
    kept: list[Range] = []
    for first, last in ranges:
        begin = first
        for gone_first, gone_last in gone:
            if gone_last < begin or gone_first > last:
                continue
            if gone_first > begin:
                kept.append((begin, gone_first - 1))
            begin = gone_last + 1
        if begin <= last:
            kept.append((begin, last))
    return Ranges(tuple(kept))


def free_bytes(path: Path) -> int:
    """What the disk of the path has left for us."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize
