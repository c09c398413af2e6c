"""SenML as devices send it (RFC 8428, JSON): bytes become a pack, or the reason why they cannot.

The door's hot path: one typed decoding a message and a few plain steps a record. A pack is believed or refused whole.

Strict where a mistake could pass for a temperature: what is no JSON, a text or a truth value where a number belongs,
two values in one record, a key that stands twice. Lenient where nothing can be mistaken: unknown labels are ignored
(unless they end in `_`, RFC 8428 section 4.4), a unit that nobody names is °C, a simple device may leave its own name
out.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from coldchain.clock import MINUTE, SECOND, YEAR_2000
from coldchain.packs import NO_OUTBOX, Column, Pack, Quality
from coldchain.readings import (
    FAULT_PREFIX,
    HIGHEST,
    LOWEST,
    POWER_ON,
    POWER_ON_VALUE,
    RANGE,
    NotANumber,
    centidegrees,
    centidegrees_of_float,
)
from coldchain.senml import CLOCK, OUTBOX, RESERVED, SEQ, TRUSTED, UNDATED
from ingest.refusals import Oversized, Unbelieved, Unreadable, WronglyDated, payload_digest

LONGEST = 256 * 1024
"""Bytes of the longest message that is read."""

MOST_AHEAD = 5 * MINUTE
MOST_COLUMNS = 256
HIGHEST_SEQ = 1 << 53
"""Beyond it JSON numbers are no longer exact everywhere."""

NEWEST_VERSION = 10
"""RFC 8428 section 4.4: a `bver` above one's own must not be read."""

RELATIVE_S = 1 << 28
"""Times below this many seconds are relative to their arrival (RFC 8428 section 4.5.3)."""

CELSIUS = "Cel"
TRUTH = "bool"
"""The unit of columns that came as `vb`: 0 or 100."""

Number = int | float | UnsetType
Text = str | UnsetType


class Record(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One record, as RFC 8428 labels it."""

    bn: Text = UNSET
    bt: Number = UNSET
    bu: Text = UNSET
    bv: Number = UNSET
    bs: Number = UNSET
    bver: Number = UNSET
    n: Text = UNSET
    u: Text = UNSET
    v: Number = UNSET
    vs: Text = UNSET
    vb: bool | UnsetType = UNSET
    vd: Text = UNSET
    s: Number = UNSET
    t: Number = UNSET
    ut: Number = UNSET


LABELS = frozenset(Record.__struct_fields__)

_channel = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]{0,63}")
_outbox_id = re.compile(r"[A-Za-z0-9_-]{1,64}")
_fault = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,39}")
_unit = re.compile(r"[\x21-\x7e]{1,16}")

_records = msgspec.json.Decoder(list[Record])
_objects = msgspec.json.Decoder(list[dict[str, Any]], float_hook=Decimal)
_plain_objects = msgspec.json.Decoder(list[dict[str, Any]])
_encoder = msgspec.json.Encoder()


def parse(device_id: str, payload: bytes, received_at: int, latest: int | None = None) -> Pack:
    """The pack that the device sent, as it arrived at this instant (ms UTC). `latest`: our time, where it is later.

    Raises Oversized, Unreadable or WronglyDated, which tell the pack's outbox and number where those can be read.
    """
    if len(payload) > LONGEST:
        raise Oversized(
            f"a message of {len(payload):,} bytes (digest {payload_digest(payload).hex()}) "
            f"is longer than {LONGEST:,}; only its beginning is kept"
        )
    plain = _plain_pack(device_id, payload, received_at, latest)
    if plain is not None:
        return plain
    try:
        return _Reader(device_id, payload, received_at, latest).pack()
    except Unbelieved as why:
        why.outbox_id, why.seq = identity(device_id, payload)
        raise


def identity(device_id: str, payload: bytes) -> tuple[str | None, int | None]:
    """Outbox and number of a pack that is not believed, as far as they can be made out; never raises.

    More lenient than `parse`, so that an agent is told to delete what would never be believed.
    """
    if len(payload) > LONGEST:
        return None, None
    try:
        records = json.loads(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None, None
    outbox_id, seq, base = None, None, ""
    for record in records if isinstance(records, list) else ():
        if not isinstance(record, dict):
            continue
        base = record.get("bn", base)
        name = f"{base}{record.get('n', '')}"
        if name in (OUTBOX, f"{device_id}:{OUTBOX}"):
            told = record.get("vs")
            outbox_id = told if isinstance(told, str) and _outbox_id.fullmatch(told) else None
        elif name in (SEQ, f"{device_id}:{SEQ}"):
            told = record.get("v")
            is_number = isinstance(told, int) and not isinstance(told, bool) and 0 <= told < HIGHEST_SEQ
            seq = told if is_number else None
    if seq is not None and outbox_id is None:
        outbox_id = NO_OUTBOX
    return outbox_id, seq


class _Plain(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The labels that an agent uses, in the records of a pack without faults."""

    n: str
    v: Number = UNSET
    u: Text = UNSET
    t: Number = UNSET
    vs: Text = UNSET
    bn: Text = UNSET
    bt: Number = UNSET


_plain_records = msgspec.json.Decoder(list[_Plain])

_name_of = attrgetter("n")
_unit_of = attrgetter("u")
_hundredths_of: dict[Number, int] = {}
"""What was worked out before, since sensors say the same few thousand numbers again and again."""

MOST_REMEMBERED = 50_000


def _plain_pack(device_id: str, payload: bytes, received_at: int, latest: int | None = None) -> Pack | None:
    """The pack, where it is just what an agent writes (`coldchain/senml.py`); else None, and `_Reader` says what it is.

    The same pack as `_Reader` makes, for a third of the work: what holds for every record is asked of all at once.
    """
    try:
        records = _plain_records.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if len(records) < 4 or b"\\" in payload:
        return None
    own, number, clock = records[:3]
    base, seq, outbox_id = own.bt, number.v, own.vs
    if not (own.n == OUTBOX and number.n == SEQ and clock.n == CLOCK and clock.vs == TRUSTED):
        return None
    if own.bn != f"{device_id}:" or type(base) is not int or not 2 * RELATIVE_S <= base < 1e12:
        return None
    if type(seq) is not int or not 0 <= seq < HIGHEST_SEQ:
        return None
    if type(outbox_id) is not str or _outbox_id.fullmatch(outbox_id) is None:
        return None
    columns = _plain_columns(records[3:], base)
    if columns is None:
        return None
    colons = 9 + device_id.count(":") + sum(len(c.measured_at) * (4 + c.channel.count(":")) for c in columns)
    if payload.count(b":") != colons:  # a label more than there should be, or one that stands twice
        return None
    if max(c.measured_at[-1] for c in columns) - (latest or received_at) > MOST_AHEAD:
        return None
    return Pack(device_id, outbox_id, seq, received_at, "trusted", columns)


def _plain_columns(records: list[_Plain], base: int) -> tuple[Column, ...] | None:
    names = dict.fromkeys(map(_name_of, records))
    if len(names) > MOST_COLUMNS:
        return None
    if len(names) == 1:
        column = _plain_column(records, base)
        return None if column is None else (column,)
    columns = [_plain_column([record for record in records if record.n == name], base) for name in names]
    known = [column for column in columns if column is not None]
    return tuple(known) if len(known) == len(columns) else None


def _plain_column(records: list[_Plain], base: int) -> Column | None:
    """None where a record has no value, no time or another unit, and where instants are not in order."""
    channel = records[0].n
    if channel in RESERVED or _channel.fullmatch(channel) is None:
        return None
    if set(map(_unit_of, records)) != {CELSIUS}:
        return None
    try:
        instants = [round((base + record.t) * SECOND) for record in records]  # type: ignore[operator]
    except (TypeError, ValueError, OverflowError):  # no time, or one beyond any calendar
        return None
    values = _plain_values(records)
    if values is None or min(values) < LOWEST or max(values) > HIGHEST:
        return None
    if instants[0] < YEAR_2000 or any(map(int.__gt__, instants, instants[1:])):
        return None
    return Column(channel, CELSIUS, tuple(instants), tuple(values))


def _plain_values(records: list[_Plain]) -> list[int] | None:
    """None where a record has no number, or one of which only its text can tell."""
    try:
        return [_hundredths_of[record.v] for record in records]
    except KeyError:
        values = [value for record in records if (value := _plain_value(record.v)) is not None]
        return values if len(values) == len(records) else None


def _plain_value(v: Number) -> int | None:
    """Hundredths, and kept in mind; None where there is no number, none of a store, or only its text can tell."""
    if v is UNSET or not -1e6 < v < 1e6:
        return None
    value = v * 100 if isinstance(v, int) else centidegrees_of_float(v)
    if value is None or value == POWER_ON_VALUE:
        return None
    if len(_hundredths_of) >= MOST_REMEMBERED:
        _hundredths_of.clear()
    _hundredths_of[v] = value
    return value


class _Growing:
    """A column while it grows."""

    __slots__ = ("channel", "faults", "faulty_at", "measured_at", "unit", "values")

    def __init__(self, channel: str, unit: str | None) -> None:
        self.channel = channel
        self.unit = unit
        self.measured_at: list[int] = []
        self.values: list[int] = []
        self.faulty_at: list[int] = []
        self.faults: list[str] = []

    def frozen(self) -> Column:
        return Column(
            self.channel,
            self.unit or CELSIUS,
            tuple(self.measured_at),
            tuple(self.values),
            tuple(self.faulty_at),
            tuple(self.faults),
        )


class _Reader:
    """One message being read, record by record; the base fields in effect go with it (RFC 8428 section 4.1)."""

    def __init__(self, device_id: str, payload: bytes, received_at: int, latest: int | None = None) -> None:
        self.device_id = device_id
        self.payload = payload
        self.received_at = received_at
        self._latest = latest or received_at
        self.base_name: str | None = None
        self.base_time: int | float | None = None
        self.base_ms: int | None = None  # the same where it is a whole second that no offset makes relative
        self.base_unit: str | None = None
        self.base_value_in: int | None = None  # the number of the record that set it
        self.columns: dict[tuple[str, str | None], _Growing] = {}
        self.by_arrival = False
        self.outbox_id: str | None = None
        self.seq: int | None = None
        self.clock: str | None = None
        self.exact: list[dict[str, Any]] | None = None

    def pack(self) -> Pack:
        records = _decode(self.payload)
        named: dict[str | UnsetType, _Growing | str] = {}
        for number, record in enumerate(records):
            if record.bn is not UNSET or record.bt is not UNSET:
                self._note_base(record)
                named = {}
            if record.bu is not UNSET or record.bv is not UNSET or record.bver is not UNSET:
                self._note_more_base(record, number)
            name = record.n
            target = named.get(name)
            if target is None:
                if name is UNSET and _is_base_alone(record):
                    continue
                target = named[name] = self._target("" if name is UNSET else name, number)
            if isinstance(target, str):
                self._note_about_pack(target, record, number)
            else:
                self._note_reading(target, record, number)
        return self._finished()

    def _note_base(self, record: Record) -> None:
        if record.bn is not UNSET:
            self.base_name = record.bn
        if record.bt is not UNSET:
            self.base_time = record.bt
            is_plain = isinstance(record.bt, int) and 2 * RELATIVE_S <= record.bt < 1e12
            self.base_ms = int(record.bt) * SECOND if is_plain else None

    def _note_more_base(self, record: Record, number: int) -> None:
        if record.bu is not UNSET:
            self.base_unit = record.bu
        if record.bv is not UNSET:
            self.base_value_in = number
        if record.bver is not UNSET and not 0 < record.bver <= NEWEST_VERSION:
            raise Unreadable(f"record {number + 1}: bver is above {NEWEST_VERSION}, the newest version there is")

    def _target(self, name: str, number: int) -> "_Growing | str":
        """The column that a name means, or which word about the pack itself."""
        own = f"{self.device_id}:"
        full = f"{self.base_name or ''}{name}"
        if full.startswith(own):
            channel = full[len(own) :]
        elif self.base_name is None and ":" not in name:
            channel = name
        else:
            raise Unreadable(f"record {number + 1}: the name is not below the device's own, which is {own!r}")
        if channel in (OUTBOX, SEQ, CLOCK):
            return channel
        if _channel.fullmatch(channel) is None:
            raise Unreadable(f"record {number + 1}: the name is none that RFC 8428 allows, or longer than 64")
        return self._column(channel, None)

    def _column(self, channel: str, unit: str | None) -> _Growing:
        column = self.columns.get((channel, unit))
        if column is None:
            if len(self.columns) >= MOST_COLUMNS:
                raise Unreadable(f"there are more than {MOST_COLUMNS} channels in one pack")
            column = self.columns[(channel, unit)] = _Growing(channel, unit)
        return column

    def _note_reading(self, column: _Growing, record: Record, number: int) -> None:
        t = record.t
        if t is not UNSET:
            if self.base_ms is not None and isinstance(t, int) and 0 <= t < RELATIVE_S:  # the usual: spare the call
                at = self.base_ms + t * SECOND
            else:
                at = self._instant(t)
        elif self.base_time is not None:
            at = self._instant(0)
        else:
            at = self.received_at
            self.by_arrival = True
        v = record.v
        if v is UNSET:
            self._note_no_number(column, record, at, number)
            return
        if record.vs is not UNSET or record.vb is not UNSET or record.s is not UNSET or record.vd is not UNSET:
            raise Unreadable(f"record {number + 1}: there is more than one value in it")
        unit = record.u
        if unit is UNSET:
            unit = self.base_unit or CELSIUS
        if unit != column.unit:
            column = self._in_unit(column, unit, number)
        value = self._hundredths(v, number)
        if value is None or (unit == CELSIUS and (not LOWEST <= value <= HIGHEST or value == POWER_ON_VALUE)):
            column.faulty_at.append(at)
            column.faults.append(POWER_ON if value == POWER_ON_VALUE else RANGE)
        else:
            column.measured_at.append(at)
            column.values.append(value)

    def _hundredths(self, v: int | float, number: int) -> int | None:
        """The value in hundredths of its unit, half away from zero; None where it is immense."""
        if self.base_value_in is not None or not -1e6 < v < 1e6:
            return self._exact(number)
        if isinstance(v, int):
            return v * 100
        value = centidegrees_of_float(v)
        return self._exact(number) if value is None else value

    def _note_no_number(self, column: _Growing, record: Record, at: int, number: int) -> None:
        """A fault, a truth value, or nothing that can be believed."""
        if record.s is not UNSET or record.vd is not UNSET:
            raise Unreadable(f"record {number + 1}: sums and data are no readings")
        if record.vb is not UNSET:
            if record.vs is not UNSET:
                raise Unreadable(f"record {number + 1}: there is more than one value in it")
            column = self._in_unit(column, TRUTH, number)
            column.measured_at.append(at)
            column.values.append(100 if record.vb else 0)
            return
        if record.vs is UNSET:
            if self.base_value_in is None:
                raise Unreadable(f"record {number + 1}: there is no value in it")
            raise Unreadable(f"record {number + 1}: a base value alone is no reading")
        if not record.vs.startswith(FAULT_PREFIX):
            raise Unreadable(f"record {number + 1}: a text stands where a number belongs")
        fault = record.vs[len(FAULT_PREFIX) :]
        if _fault.fullmatch(fault) is None:
            raise Unreadable(f"record {number + 1}: the fault has no name of up to 40 plain letters and digits")
        column.faulty_at.append(at)
        column.faults.append(fault)

    def _in_unit(self, column: _Growing, unit: str, number: int) -> _Growing:
        """The channel's column for this unit; the one begun by a fault takes the first unit that is named."""
        if column.unit is None:
            if _unit.fullmatch(unit) is None:
                raise Unreadable(f"record {number + 1}: the unit is no unit")
            column.unit = unit
            return column
        if column.unit == unit:
            return column
        if _unit.fullmatch(unit) is None:
            raise Unreadable(f"record {number + 1}: the unit is no unit")
        return self._column(column.channel, unit)

    def _instant(self, t: int | float) -> int:
        """Milliseconds UTC of `t` seconds after the base time."""
        base = self.base_time or 0
        if not (-1e12 < t < 1e12 and -1e12 < base < 1e12):
            is_ahead = t > 0 if abs(t) >= 1e12 else base > 0
            raise WronglyDated("a time lies beyond any calendar", ahead_ms=HIGHEST_SEQ if is_ahead else None)
        seconds = base + t
        at = seconds * SECOND if isinstance(seconds, int) else round(seconds * SECOND)
        if -RELATIVE_S < seconds < RELATIVE_S:
            self.by_arrival = True
            return self.received_at + at
        return at

    def _exact(self, number: int) -> int | None:
        """The record's value in hundredths from its decimal digits; None where it is immense."""
        try:
            value = self._decimal(number)
            return centidegrees(value) if abs(value) < 10**12 else None
        except (NotANumber, InvalidOperation):
            return None

    def _decimal(self, number: int) -> Decimal:
        """The record's value as its digits say, the base value added."""
        if self.exact is None:
            self.exact = _objects.decode(self.payload)
        value = Decimal(self.exact[number]["v"])
        if self.base_value_in is not None:
            value += Decimal(self.exact[self.base_value_in]["bv"])
        return value

    def _note_about_pack(self, word: str, record: Record, number: int) -> None:
        """Outbox, number and clock: what a pack says of itself."""
        where = f"record {number + 1}"
        if word == SEQ:
            if record.v is UNSET or record.vs is not UNSET:
                raise Unreadable(f"{where}: seq must be a number")
            seq = record.v if self.base_value_in is None else self._decimal(number)
            if not 0 <= seq < HIGHEST_SEQ or seq != int(seq):
                raise Unreadable(f"{where}: seq must be a whole number from 0 to 2^53 - 1")
            if self.seq is not None and self.seq != seq:
                raise Unreadable(f"{where}: seq stands twice")
            self.seq = int(seq)
            return
        told = record.vs
        if told is UNSET or record.v is not UNSET or record.vb is not UNSET:
            raise Unreadable(f"{where}: {word} must be a text (vs)")
        if word == CLOCK:
            if told not in (TRUSTED, UNDATED):
                raise Unreadable(f"{where}: clock must be {TRUSTED!r} or {UNDATED!r}")
            if self.clock is not None and self.clock != told:
                raise Unreadable(f"{where}: clock stands twice")
            self.clock = told
            return
        if _outbox_id.fullmatch(told) is None:
            raise Unreadable(f"{where}: outbox must have 1 to 64 of the characters A-Z, a-z, 0-9, '-' and '_'")
        if self.outbox_id is not None and self.outbox_id != told:
            raise Unreadable(f"{where}: outbox stands twice")
        self.outbox_id = told

    def _finished(self) -> Pack:
        grown = [column for column in self.columns.values() if column.measured_at or column.faulty_at]
        is_question = self.seq is not None and self.clock == UNDATED  # its acknowledgement tells an agent our time
        if not grown and not is_question:
            raise Unreadable("there is no reading in it")
        quality: Quality = "device"
        if self.clock == UNDATED:
            quality = "undated"
            for column in grown:
                column.measured_at = [self.received_at] * len(column.measured_at)
                column.faulty_at = [self.received_at] * len(column.faulty_at)
        else:
            self._check_dates(grown)
            if self.by_arrival:
                quality = "arrival"
            elif self.clock == TRUSTED:
                quality = "trusted"
        return Pack(
            self.device_id,
            self.outbox_id or NO_OUTBOX,
            self.seq,
            self.received_at,
            quality,
            tuple(column.frozen() for column in grown),
        )

    def _check_dates(self, grown: list[_Growing]) -> None:
        instants = [part for column in grown for part in (column.measured_at, column.faulty_at) if part]
        ahead = max(map(max, instants)) - self._latest
        if ahead > MOST_AHEAD:
            raise WronglyDated(
                f"a reading lies {ahead // SECOND:,} s ahead of its arrival, more than {MOST_AHEAD // SECOND} s",
                ahead_ms=min(ahead, HIGHEST_SEQ),
            )
        if min(map(min, instants)) < YEAR_2000:
            raise WronglyDated("a reading lies before the year 2000")


def _decode(payload: bytes) -> list[Record]:
    try:
        records = _records.decode(payload)
    except msgspec.ValidationError as why:
        return _decode_with_unknown_labels(payload, why)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
        raise Unreadable(f"it is no JSON: {_said(why)}") from None
    if b"\\" in payload or payload.count(b":") != _encoder.encode(records).count(b":"):
        _refuse_repeated_keys(payload)  # colons are missing where a key took the place of another, or was escaped
    return records


def _decode_with_unknown_labels(payload: bytes, why: msgspec.ValidationError) -> list[Record]:
    """RFC 8428 section 4.4: unknown labels are ignored, unless one ends in `_` and so demands to be understood."""
    try:
        objects = _plain_objects.decode(payload)
        unknown = {label for record in objects for label in record if label not in LABELS}
        if not unknown:
            raise Unreadable(f"it is no SenML: {_said(why)}")
        if any(label.endswith("_") for label in unknown):
            raise Unreadable("an unknown label ends in '_': what it says must be understood, and is not")
        _refuse_repeated_keys(payload)
        known = [{label: record[label] for label in record if label in LABELS} for record in objects]
        return msgspec.convert(known, list[Record])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as trouble:
        raise Unreadable(f"it is no SenML: {_said(trouble)}") from None


def _refuse_repeated_keys(payload: bytes) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            raise Unreadable("a key stands twice in one record: which of the two is meant?")
        return table

    try:
        json.loads(payload, object_pairs_hook=once)
    except (ValueError, RecursionError) as why:
        raise Unreadable(f"it is no JSON: {type(why).__name__}") from None


def _is_base_alone(record: Record) -> bool:
    """A record that sets base fields and says nothing itself; our leniency, some libraries write such."""
    return record.v is UNSET and record.vs is UNSET and record.vb is UNSET and record.s is UNSET and record.vd is UNSET


def _said(why: Exception) -> str:
    return str(why)[:160] if isinstance(why, msgspec.MsgspecError) else type(why).__name__
