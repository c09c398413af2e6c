"""The gate: what devices send is believed or refused, and is durable before anybody is told that it is.

One writer of one file, in one thread: a batch of messages is one transaction, and what it answers holds from then on.
Nothing here waits, sends or logs a message's content; whoever carries messages (MQTT, HTTP) calls `take` and passes
its answers on.
"""

import fcntl
import logging
import sqlite3
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Literal

import msgspec

from coldchain import dialects
from coldchain.answers import Acknowledgement, RefusedPack
from coldchain.clock import DAY, Clock, now
from coldchain.data_dir import DataDir
from coldchain.errors import Conflict, Unavailable
from coldchain.events import DeviceSaid, Heartbeat, Refusal, Status
from coldchain.facts import Enrolled
from coldchain.filters import Filters
from coldchain.ids import DEVICE_ID
from coldchain.journal import Entry
from coldchain.journal import sqlite as journal
from coldchain.journal.sqlite import HANDED_ON, SqliteJournal
from coldchain.packs import FROM_FILE, Column, Pack
from coldchain.sqlite import give_back, open_to_write, transaction
from coldchain.topics import EVIDENCE, READINGS, REFUSED, SETTINGS, STATUS, of_mqtt_topic
from ingest import cce_interop, outboxes, refusals, retention, transfers
from ingest.foreign import Spoken, Told, by_hardware, dialect_of, is_cbor, json_of_cbor, understand
from ingest.heard import Heard, HeardLately, Stranger
from ingest.outboxes import MOST_RANGES, Outbox, Outboxes
from ingest.refusals import (
    UNKNOWN_DEVICES,
    Flooding,
    TwoVoices,
    Unbelieved,
    UnknownDevice,
    Unreadable,
    payload_digest,
)
from ingest.senml import LONGEST, identity, parse
from ingest.space import LIMIT, Guard, Measure, measure

GATE = "gate"
"""The key under which a gate's heartbeats stand in READINGS."""

READINGS_LEAF = "readings"
STATUS_LEAF = "status"
FILE_LEAF = "file"
"""Readings that a person carried in and the desk has read; never a topic of MQTT."""

TRANSFER_LEAF = "cce-interop"
"""A transfer of equipment monitoring, by HTTPS alone."""

LONGEST_TOPIC = 1_000
"""Signs of a topic that a refusal keeps."""

PAGES_AT_ONCE = 1_000
"""So many pages are given back to the disk in one go, some 20 ms long."""

log = logging.getLogger("ingest.gate")

Verdict = Literal["accepted", "repeated", "refused", "status", "ignored"]


class Message(msgspec.Struct, frozen=True, gc=False):
    """What a device sent, as it arrived (ms UTC). Of MQTT: its number there, and whether the broker sends it again.

    `retained`: the broker kept it and gives it to whoever comes; when it was sent nobody knows. Device and leaf are
    empty where the topic is not of our own making: whose it is, the devices' records say.
    """

    device_id: str
    leaf: str
    topic: str
    payload: bytes
    received_at: int
    retained: bool = False
    mid: int | None = None
    is_again: bool = False
    connection: int = 0


class Outcome(msgspec.Struct, gc=False):
    """What became of a message. The acknowledgement is that of its outbox after the whole batch."""

    verdict: Verdict
    readings: int = 0
    outbox: tuple[str, str] | None = None
    acknowledgement: Acknowledgement | None = None
    refused: RefusedPack | None = None
    reports: Sequence[transfers.ReportAnswer] = ()
    """Of a transfer: what became of each of its reports."""


@dataclass(frozen=True, slots=True)
class Release:
    """Whether a refusal was believed on a second look, and why not."""

    released: bool
    readings: int = 0
    reason: str | None = None
    detail: str | None = None


class AlreadyOpen(Conflict):
    """Another gate writes the files of this data directory."""


class NothingTold(Unavailable):
    """The books have not said yet which devices there are: whom to refuse cannot be known."""


@dataclass(slots=True)
class _Work:
    """A batch on its way through: what will be written, and what will hold once it is."""

    at: int
    packs: list[tuple[str, Pack]] = field(default_factory=list)
    last_offset: int = 0
    statuses: dict[str, tuple[Status, bytes]] = field(default_factory=dict)
    said: list[DeviceSaid] = field(default_factory=list)
    answered: list[transfers.Answered] = field(default_factory=list)
    outboxes: dict[tuple[str, str], Outbox] = field(default_factory=dict)
    voices: dict[tuple[int, int], tuple[bytes, bool]] = field(default_factory=dict)
    arrivals: dict[int, bytes] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    why: tuple[str, str] | None = None
    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


LAYOUT = (
    "CREATE TABLE IF NOT EXISTS statuses (device_id TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS arrivals (mid INTEGER PRIMARY KEY, digest BLOB NOT NULL)",
)
"""`arrivals`: packs that name neither number nor time, by the broker's number for them; see `_is_same_delivery`."""


class Gate:
    """Opened once a process; every method may run in any one thread at a time."""

    def __init__(self, data_dir: DataDir, clock: Clock = now, *, space: Measure | None = None, limit: float = LIMIT):
        """Raises AlreadyOpen."""
        self._data_dir = data_dir
        self._clock = clock
        self._lock = _locked(data_dir)
        self._connection = open_to_write(data_dir.gate)
        journal.lay_out(self._connection, READINGS, REFUSED, STATUS, EVIDENCE)
        for statement in (*LAYOUT, *outboxes.LAYOUT, *refusals.LAYOUT, *transfers.LAYOUT):
            self._connection.execute(statement)
        self._guard = Guard(space or measure(data_dir.root), limit)
        self._outboxes = Outboxes(self._connection)
        self._settings = SqliteJournal(data_dir.root)
        self._settings_read = 0
        self._enrolled: dict[str, Enrolled] = {}
        self._by_topic: Filters[Enrolled] | None = None
        self._spoken: dict[str, Spoken] = {}
        self._lately = HeardLately()
        self._durable: deque[list[Entry]] = deque(maxlen=HANDED_ON)
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.last_beat_at: int | None = None

    def close(self) -> None:
        self._settings.close()
        self._connection.close()
        self._lock.close()

    def take(self, batch: Sequence[Message]) -> list[Outcome]:
        """Judge each message and make the batch durable; gives an outcome for each, in order.

        All or nothing: raises Unavailable (no room, no books) or sqlite3.Error (no commit), and then nothing happened.
        """
        self._guard.check()
        self._learn(batch)
        work = _Work(self._clock())
        with transaction(self._connection):
            for message in batch:
                work.outcomes.append(self._outcome(message, work))
            self._write(work)
        self._hand_on(work)
        self._outboxes.remember(work.outboxes.values(), work.voices)
        self.counts.update(work.counts)
        self.counts["batches"] += 1
        self.refused.update(work.refused)
        return self._answered(work)

    def beat(self) -> None:
        """Say in READINGS that a gate is alive and would hear. Raises as `take` does."""
        self._guard.check()
        at = self._clock()
        with transaction(self._connection):
            journal.write(self._connection, READINGS, [(GATE, Heartbeat(GATE, at))])
        self.last_beat_at = at
        self._lately.forget(at)

    def release(self, offset: int, by: str) -> Release:
        """Judge a refused message once more, with today's code and today's devices, as of its arrival.

        What was ahead of its arrival and is not ahead of now may be believed: it was our own clock that was behind.

        Raises NoSuchRefusal, and as `take` does.
        """
        self._guard.check()
        refusal, is_released = refusals.refusal_at(self._connection, offset)
        if is_released:
            return Release(True)
        if refusal.reason in (refusals.Oversized.reason, Flooding.reason):
            return Release(False, 0, refusal.reason, "only its beginning was kept, or nothing of it")
        message = _again(refusal)
        self._learn([message])
        work = _Work(self._clock())
        try:
            with transaction(self._connection):
                outcome = self._believed(message, work, is_release=True, hardware_id=refusal.hardware_id)
                refusals.release(self._connection, offset, by, work.at)
                self._write(work)
        except Unbelieved as why:
            return Release(False, 0, why.reason, why.detail)
        self._outboxes.remember(work.outboxes.values(), work.voices)
        self.counts.update(work.counts)
        self.counts["released"] += 1
        return Release(True, outcome.readings)

    def prune(self) -> int:
        """Let go what every follower has passed and is old; gives how many packs and heartbeats."""
        with transaction(self._connection):
            return retention.apply(self._connection, self._outboxes, self._data_dir, self._clock())

    def give_back(self) -> int:
        """Give some of the room that pruning left back to the disk; gives how many pages, 0 once there are none."""
        return give_back(self._connection, PAGES_AT_ONCE)

    def enrolled(self, device_id: str) -> Enrolled | None:
        """The device as the books have it now, None where there is none, or no longer. Raises sqlite3.Error."""
        self._read_settings()
        return self._known(device_id)

    def heard(self, device_id: str, after: int) -> tuple[list[Heard], list[Stranger]]:
        """What was heard of the device lately, after this number, and which hardware of a bridge nobody knows.

        From now on the device is watched, for a while. Raises sqlite3.Error.
        """
        self._read_settings()
        return self._lately.since(device_id, after, self._clock()), self._lately.strangers(device_id)

    # Which devices there are

    def _learn(self, batch: Sequence[Message]) -> None:
        """Read what the books have told by now. Without it, only devices that are known can be judged."""
        try:
            self._read_settings()
        except sqlite3.Error:
            if any(self._record(message) is None for message in batch):
                raise
        if self._settings_read == 0:
            raise NothingTold("the books have told of no device and no rule yet: start `coldchain desk`")

    def _read_settings(self) -> None:
        while entries := self._settings.read(SETTINGS, self._settings_read):
            for entry in entries:
                self._note(entry)
            self._settings_read = entries[-1].offset

    def _note(self, entry: Entry) -> None:
        fact = entry.item
        if isinstance(fact, Enrolled):
            before = self._enrolled.get(fact.device_id)
            if before is None or before.revision < fact.revision:
                self._enrolled[fact.device_id] = fact
                if fact.topics or (before is not None and before.topics):
                    self._by_topic = None
                if fact.is_bridge:
                    self._spoken[fact.device_id] = by_hardware(fact)
                self._lately.know(fact.device_id, [one.hardware_id for one in fact.speaks_for if one.until is None])

    def _record(self, message: Message) -> Enrolled | None:
        """The device by which the message came: whose name it has, or whose topic."""
        if message.device_id:
            return self._known(message.device_id)
        if self._by_topic is None:
            self._by_topic = Filters()
            for device in sorted(self._enrolled.values(), key=lambda device: device.device_id):
                for one in device.topics if device.ended_at is None else ():
                    self._by_topic.add(one, device)
        return self._by_topic.find(message.topic)

    def _known(self, device_id: str) -> Enrolled | None:
        device = self._enrolled.get(device_id)
        return device if device is not None and device.ended_at is None else None

    # Judging one message

    def _outcome(self, message: Message, work: _Work) -> Outcome:
        if not self._lately.is_watched:
            return self._judged(message, work)
        work.told, work.why, packs = [], None, len(work.packs)
        outcome = self._judged(message, work)
        record = self._record(message)
        if record is not None:
            self._lately.note(
                record.device_id,
                dialect_of(record, message.topic),
                message.topic,
                message.payload,
                message.received_at,
                outcome.verdict,
                work.told,
                [pack for _, pack in work.packs[packs:]],
                work.why,
                is_retained=message.retained,
            )
        return outcome

    def _judged(self, message: Message, work: _Work) -> Outcome:
        try:
            return self._believed(message, work)
        except Unbelieved as why:
            return self._refused(message, why, work)
        except sqlite3.Error:
            raise  # the file's trouble, not the message's
        except Exception as why:  # one message must not stop all others, whatever we got wrong
            log.exception("a message could not be judged")
            return self._refused(message, Unreadable(f"our code failed on it ({type(why).__name__})"), work)

    def _believed(
        self, message: Message, work: _Work, *, is_release: bool = False, hardware_id: str | None = None
    ) -> Outcome:
        """Raises Unbelieved. `hardware_id`: whose part of the message is released."""
        device = self._record(message)
        if message.leaf == STATUS_LEAF:
            return self._status(message, device, work)
        if device is None:
            raise self._unknown(message)
        latest = max(message.received_at, work.at) if is_release else None
        if message.leaf == FILE_LEAF:
            return self._carried_in(message, work)
        if message.leaf == TRANSFER_LEAF:
            return self._transferred(message, device, work, latest)
        if message.leaf != READINGS_LEAF or device.dialect not in (dialects.OURS, dialects.OURS_IN_CBOR):
            return self._of_dialect(message, device, work, latest, hardware_id)
        payload = json_of_cbor(message.payload) if is_cbor(message.payload) else message.payload
        pack = parse(message.device_id, payload, message.received_at, latest)
        if pack.seq is None:
            return self._foreign(message, pack, work)
        outbox = self._outbox(pack.device_id, pack.outbox_id, work)
        digest = _digest(pack, message.payload)
        if pack.seq in outbox.durable:
            voice = self._voice(outbox, pack.seq, work)
            is_forgotten = voice is None
            was_refused = voice is not None and voice.is_refused and voice.digest == payload_digest(message.payload)
            if not (was_refused or (is_release and is_forgotten)):
                if voice is not None and voice.digest != digest:
                    raise TwoVoices(
                        "this number was given to other content before: two devices speak with one outbox",
                        outbox_id=pack.outbox_id,
                        seq=pack.seq,
                    )
                work.counts["repeated"] += 1
                return Outcome("repeated", len(pack), outbox.key)
            if not is_release:
                self._release_by_itself(message, work)
        return self._accepted(pack, outbox, digest, work)

    def _accepted(self, pack: Pack, outbox: Outbox, digest: bytes, work: _Work) -> Outcome:
        assert pack.seq is not None  # noqa: S101  a foreign pack has no outbox
        outbox = self._with_number(outbox, pack.seq, work)
        work.voices[outbox.number, pack.seq] = (digest, False)
        self._append(pack, work)
        return Outcome("accepted", len(pack), outbox.key)

    def _foreign(self, message: Message, pack: Pack, work: _Work) -> Outcome:
        """A pack without a number: nothing to acknowledge, and only the broker's word against counting it twice."""
        if pack.quality == "arrival":
            if message.retained:
                raise Unreadable("a retained message that names no time: its arrival is not when it was measured")
            if self._is_same_delivery(message, work):
                work.counts["repeated"] += 1
                return Outcome("repeated", len(pack))
        self._append(pack, work)
        return Outcome("accepted", len(pack))

    def _of_dialect(
        self, message: Message, device: Enrolled, work: _Work, latest: int | None, hardware_id: str | None
    ) -> Outcome:
        """What speaks no SenML of ours: packs of the devices it tells of, and refusals of what is not believed."""
        understood = understand(
            device,
            message.topic,
            message.payload,
            message.received_at,
            self._known,
            spoken=self._spoken.get(device.device_id, {}),
            retained=message.retained,
            latest=latest,
        )
        if latest is not None:  # a person's second look, at the part that was refused
            for why in understood.refused:
                if hardware_id is None or why.hardware_id == hardware_id:
                    raise why
        work.told = understood.told
        if not understood.told:
            work.counts["ignored"] += 1
            return Outcome("ignored")
        readings = sum(len(pack) for pack in understood.packs)
        is_by_arrival = any(pack.quality == "arrival" for pack in understood.packs)
        if latest is None and is_by_arrival and self._is_same_delivery(message, work):
            work.counts["repeated"] += 1
            return Outcome("repeated", readings)
        outcome = Outcome("ignored")
        for why in understood.refused if latest is None else ():
            outcome = self._refused(message, why, work)
        for pack in understood.packs:
            self._append(pack, work)
        if understood.refused:
            self._lately.meet(device.device_id, understood.told, message.received_at)
        return Outcome("accepted", readings) if understood.packs else outcome

    def _is_same_delivery(self, message: Message, work: _Work) -> bool:
        """Whether the broker only sends again what is durable already, since our PUBACK did not reach it.

        Without number and time a pack of equal content may well be another; the broker's number tells them apart.
        """
        if message.mid is None:
            return False
        digest = payload_digest(f"{message.device_id or message.topic}\n".encode() + message.payload)
        if message.is_again:
            known = work.arrivals.get(message.mid)
            if known is None:
                row = self._connection.execute("SELECT digest FROM arrivals WHERE mid = ?", (message.mid,)).fetchone()
                known = row[0] if row else None
            if known == digest:
                return True
        work.arrivals[message.mid] = digest
        return False

    def _carried_in(self, message: Message, work: _Work) -> Outcome:
        """Readings out of a logger's file: dated by the logger, and no sign that it is there now."""
        try:
            packs = _columns.decode(message.payload)
        except msgspec.MsgspecError:
            raise Unreadable("it is no list of columns of readings") from None
        for columns in packs:
            self._append(Pack(message.device_id, FROM_FILE, None, message.received_at, "device", columns), work)
        return Outcome("accepted", sum(len(one.measured_at) + len(one.faulty_at) for pack in packs for one in pack))

    def _transferred(self, message: Message, sender: Enrolled, work: _Work, latest: int | None) -> Outcome:
        """What can be believed of a transfer is taken, the rest kept report by report. Raises Unbelieved."""
        transfer = cce_interop.read(message.payload)
        if transfer.transfer_id is not None:
            known = transfers.known(self._connection, sender.device_id, transfer.transfer_id, transfer.digest)
            if known is not None:
                work.counts["repeated"] += 1
                return Outcome("repeated", sum(one.readings for one in known), reports=known)
        answers: list[transfers.ReportAnswer] = []
        for report in cce_interop.understood(transfer, sender, message.received_at, self._known, latest):
            if latest is not None and report.doubted:
                raise report.doubted[0].why
            doubts = tuple(self._doubted(message, one, work) for one in report.doubted)
            for pack in report.packs:
                self._append(pack, work)
            work.said += report.said
            device_ids = tuple(pack.device_id for pack in report.packs)
            answers.append(
                transfers.ReportAnswer(report.hardware_id, device_ids, report.readings, len(report.said), doubts)
            )
        if transfer.transfer_id is not None and not any(one.refused for one in answers):
            work.answered.append(
                transfers.Answered(sender.device_id, transfer.transfer_id, transfer.digest, answers, work.at)
            )
        return Outcome("accepted", sum(one.readings for one in answers), reports=answers)

    def _doubted(self, message: Message, doubted: cce_interop.Doubted, work: _Work) -> transfers.Doubt:
        if doubted.newest is not None:
            told = Told(doubted.newest, doubted.newest.sensor, None, doubted.why)
            self._lately.meet(message.device_id, [told], message.received_at)
        part = msgspec.structs.replace(message, payload=doubted.payload)
        is_kept = self._refused(part, doubted.why, work).refused is not None
        return transfers.Doubt(doubted.why.reason, doubted.why.detail, doubted.records, is_kept)

    def _append(self, pack: Pack, work: _Work) -> None:
        work.packs.append((pack.device_id, pack))
        work.counts["packs"] += 1
        work.counts["readings"] += len(pack)

    def _status(self, message: Message, device: Enrolled | None, work: _Work) -> Outcome:
        if not message.payload or (message.retained and device is None and message.device_id in self._enrolled):
            return Outcome("ignored")  # a retained status was cleared, or outlives its device
        if device is None:
            raise self._unknown(message)
        if len(message.payload) > LONGEST:
            raise refusals.Oversized(f"a status of {len(message.payload):,} bytes; only its beginning is kept")
        _check_status(message.payload)
        digest = payload_digest(message.payload)
        if self._status_digest(message.device_id, work) == digest:
            return Outcome("ignored")
        work.statuses[message.device_id] = (Status(message.device_id, message.received_at, message.payload), digest)
        work.counts["statuses"] += 1
        return Outcome("status")

    def _status_digest(self, device_id: str, work: _Work) -> bytes | None:
        if device_id in work.statuses:
            return work.statuses[device_id][1]
        row = self._connection.execute("SELECT digest FROM statuses WHERE device_id = ?", (device_id,)).fetchone()
        return row[0] if row else None

    def _unknown(self, message: Message) -> UnknownDevice:
        outbox_id, seq = (None, None)
        if message.leaf == READINGS_LEAF:
            outbox_id, seq = identity(message.device_id, message.payload)
        if not message.device_id:
            return UnknownDevice("the record of no device has this topic")
        is_ended = message.device_id in self._enrolled
        detail = "the device was ended" if is_ended else "no device of this name is enrolled"
        return UnknownDevice(detail, outbox_id=outbox_id, seq=seq)

    # Refusing one

    def _refused(self, message: Message, why: Unbelieved, work: _Work) -> Outcome:
        """Kept, and so durable like a pack; one that finds no room is only counted, and its device keeps it."""
        is_named = DEVICE_ID.fullmatch(message.device_id) is not None
        record = None if is_named else self._record(message)
        device_id = message.device_id if is_named else UNKNOWN_DEVICES if record is None else record.device_id
        work.why = (why.reason, why.detail)
        is_kept = refusals.refuse(
            self._connection, device_id, message.topic[:LONGEST_TOPIC], message.payload, message.received_at, why
        )
        work.refused[why.reason] += 1
        if not is_kept:
            work.counts["dropped"] += 1
            return Outcome("refused")
        told = RefusedPack(why.seq, why.outbox_id, why.reason, why.detail) if is_named else None
        if why.seq is None or why.outbox_id is None or not is_named:
            return Outcome("refused", refused=told)
        outbox = self._outbox(device_id, why.outbox_id, work)
        if why.seq not in outbox.durable:
            try:
                outbox = self._with_number(outbox, why.seq, work)
            except Flooding:
                return Outcome("refused", refused=told)
            work.voices[outbox.number, why.seq] = (payload_digest(message.payload), True)
        return Outcome("refused", outbox=outbox.key, refused=told)

    def _release_by_itself(self, message: Message, work: _Work) -> None:
        """The device sent a refused message again, and today it is believed."""
        offset = refusals.offset_of(self._connection, message.device_id, message.payload)
        if offset is not None:
            refusals.release(self._connection, offset, GATE, work.at)

    # Outboxes in the batch

    def _outbox(self, device_id: str, outbox_id: str, work: _Work) -> Outbox:
        return work.outboxes.get((device_id, outbox_id)) or self._outboxes.get(device_id, outbox_id)

    def _voice(self, outbox: Outbox, seq: int, work: _Work) -> outboxes.Voice | None:
        in_batch = work.voices.get((outbox.number, seq))
        return outboxes.Voice(*in_batch) if in_batch else self._outboxes.voice(outbox, seq)

    def _with_number(self, outbox: Outbox, seq: int, work: _Work) -> Outbox:
        """Raises Flooding."""
        durable = outbox.durable.with_number(seq)
        if len(durable.ranges) > MOST_RANGES:
            raise Flooding(f"the outbox has more than {MOST_RANGES:,} holes: send the oldest packs first")
        number = outbox.number or self._outboxes.numbered(outbox, work.at).number
        outbox = Outbox(outbox.device_id, outbox.outbox_id, number, durable)
        work.outboxes[outbox.key] = outbox
        return outbox

    # Writing the batch, and answering

    def handed_on(self) -> list[list[Entry]]:
        """The batches of READINGS that became durable since this was last asked, oldest first."""
        return [self._durable.popleft() for _ in range(len(self._durable))]

    def _hand_on(self, work: _Work) -> None:
        first = work.last_offset - len(work.packs) + 1
        if work.packs:
            self._durable.append([Entry(first + n, key, pack) for n, (key, pack) in enumerate(work.packs)])

    def _write(self, work: _Work) -> None:
        if work.packs:
            work.last_offset = journal.write(self._connection, READINGS, work.packs)
        if work.outboxes:
            voices = [(number, seq, *voice) for (number, seq), voice in work.voices.items()]
            self._outboxes.save(work.outboxes.values(), voices, work.at // DAY, work.at)
        if work.statuses:
            journal.write(self._connection, STATUS, [(key, status) for key, (status, _) in work.statuses.items()])
            self._connection.executemany(
                "INSERT INTO statuses VALUES (?, ?) ON CONFLICT DO UPDATE SET digest = excluded.digest",
                [(key, digest) for key, (_, digest) in work.statuses.items()],
            )
        if work.said:
            journal.write(self._connection, EVIDENCE, [(one.device_id, one) for one in work.said])
        if work.answered:
            transfers.remember(self._connection, work.answered)
        if work.arrivals:
            self._connection.executemany(
                "INSERT INTO arrivals VALUES (?, ?) ON CONFLICT DO UPDATE SET digest = excluded.digest",
                work.arrivals.items(),
            )

    def _answered(self, work: _Work) -> list[Outcome]:
        """The outcomes with the acknowledgements: one an outbox, with its ranges after the batch."""
        acknowledgements: dict[tuple[str, str], Acknowledgement] = {}
        for outcome in work.outcomes:
            if outcome.outbox is None:
                continue
            acknowledgement = acknowledgements.get(outcome.outbox)
            if acknowledgement is None:
                outbox = self._outboxes.get(*outcome.outbox)
                acknowledgement = Acknowledgement(outbox.outbox_id, outbox.durable, work.at)
                acknowledgements[outcome.outbox] = acknowledgement
            outcome.acknowledgement = acknowledgement
        return work.outcomes


def _locked(data_dir: DataDir) -> IO[bytes]:
    """What is durable is known from memory too: a second gate on the same file would count a pack twice.

    The kernel gives the lock back however we end. Raises AlreadyOpen.
    """
    data_dir.root.mkdir(parents=True, exist_ok=True)
    file = (data_dir.root / "gate.lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise AlreadyOpen(f"another gate runs on {data_dir.root}: stop it first, or give another --data") from None
    return file


def _again(refusal: Refusal) -> Message:
    """The refused message, as it came. On a topic of no device's record, whose it is may be known today."""
    named = of_mqtt_topic(refusal.topic)
    device_id = "" if named is None and refusal.device_id == UNKNOWN_DEVICES else refusal.device_id
    leaf = "" if named is None else named[1]
    return Message(device_id, leaf, refusal.topic, refusal.payload, refusal.received_at)


def _digest(pack: Pack, payload: bytes) -> bytes:
    """What tells a pack's content from another, whenever it arrives: of dates that we gave, the message's own bytes."""
    return payload_digest(payload) if pack.quality in ("arrival", "undated") else pack.digest()


def _check_status(payload: bytes) -> None:
    """Raises Unreadable where it is no JSON object."""
    try:
        _object.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Unreadable("a status must be a JSON object") from None


_object = msgspec.json.Decoder(dict[str, Any])
_columns = msgspec.msgpack.Decoder(list[tuple[Column, ...]])
