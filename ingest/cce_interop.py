"""Equipment monitoring as makers' platforms send it: WHO PQS E006 data in the `cce-interop` envelope (0.8.1).

A transfer holds reports, a report the records of one appliance. What can be believed of it is taken, record by record;
what cannot is told with its reason, and kept. Keys that nobody here knows are left alone.

Time is in UTC (`ABST`). `null` says that the device measures this and has no value now; a key that is absent, that it
does not measure it. A record tells of the 15 minutes that end at its time.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from coldchain.clock import MINUTE, SECOND, YEAR_2000
from coldchain.events import DeviceSaid
from coldchain.facts import Enrolled
from coldchain.packs import NO_OUTBOX, Column, Pack
from coldchain.quantities import CELSIUS, NO, YES
from coldchain.readings import HIGHEST, LOWEST, POWER_ON, POWER_ON_VALUE, RANGE, NotANumber, centidegrees
from ingest.dialects import Decoded
from ingest.refusals import Unbelieved, UnknownDevice, UnknownHardware, Unreadable, WronglyDated
from ingest.senml import MOST_AHEAD

LONGEST = 1 << 20
"""Bytes of a body as it is sent: what the requirements allow a sender."""

LONGEST_UNPACKED = 16 << 20

RECORDS_AT_ONCE = 500
"""Of one transfer: some 15 ms of the gate's time, in which nobody else is served."""

PERIOD_S = 900
PERIOD = PERIOD_S * SECOND

NOT_AVAILABLE = "not-available"
"""The fault where a value is `null` and no error says why."""

IDENTIFIERS = ("LSER", "LID", "ESER", "EID", "AMID", "ASER", "AID")
"""Under which names a report's hardware is looked for: the logger's, the monitoring device's, the appliance's."""

SOURCE = "cce-interop"

MINUTES_UNTIL = (0, 8)
"""Schemas older than this version count the compressor's run time in minutes, all others in seconds."""

LONGEST_HARDWARE_ID = 100
MOST_REASONS = 3
"""So many different reasons are told of one report's records."""

_instant = re.compile(r"(\d{8}T\d{6})(\.\d{1,9})?Z", re.ASCII)
_token = re.compile(r"[A-Za-z0-9]{1,16}", re.ASCII)
_number = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)

Table = Mapping[str, Any]

Known = Callable[[str], Enrolled | None]
"""The device of this name, if it may speak."""


class Quantity(NamedTuple):
    """What a key means here. `lowest` and `highest` in hundredths of the unit: beyond them a value is a fault."""

    channel: str
    unit: str
    lowest: int
    highest: int


QUANTITIES: dict[str, Quantity] = {
    "TVC": Quantity("tvc", CELSIUS, LOWEST, HIGHEST),
    "TFRZ": Quantity("tfrz", CELSIUS, LOWEST, HIGHEST),
    "TAMB": Quantity("tamb", CELSIUS, LOWEST, HIGHEST),
    "HAMB": Quantity("hamb", "%RH", 0, 100_00),
    "HCOM": Quantity("hcom", "%RH", 0, 100_00),
    "BEMD": Quantity("bemd", "d", 0, 10_000_00),
    "BLOG": Quantity("blog", "d", 0, 10_000_00),
}
"""The warmth of condensers and circuit boards is no temperature of the store, and is left alone."""

DOOR, POWER, COMPRESSOR = "door", "power", "compressor"
RUN_TIME = Quantity(COMPRESSOR, "s", 0, PERIOD_S * 100)
SECONDS = Quantity("", "s", 0, PERIOD_S * 100)
OPEN_SINCE = Quantity("", "s", 0, 366 * 86_400 * 100)
VOLTAGE = Quantity("", "V", 0, 1_000_00)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One message. `version` None where it names none that could be read."""

    transfer_id: str | None
    version: tuple[int, ...] | None
    meta: Table
    reports: Sequence[Any]
    digest: str


class Part(NamedTuple):
    """A piece of a transfer, a transfer itself; `numbers`: of which of the whole's reports each of its own is."""

    numbers: tuple[int, ...]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Doubted:
    """What of a report could not be believed, as a transfer of its own that can be read again; of how many records.

    `newest`: of hardware that nobody knows the vaccine's temperature in its last record, by which people may know it.
    """

    why: Unbelieved
    payload: bytes
    records: int
    newest: Decoded | None = None


@dataclass(slots=True)
class Report:
    """What a report came to: packs of the devices it tells of, what these made of it themselves, and doubts."""

    hardware_id: str | None = None
    packs: list[Pack] = field(default_factory=list)
    said: list[DeviceSaid] = field(default_factory=list)
    doubted: list[Doubted] = field(default_factory=list)

    @property
    def readings(self) -> int:
        return sum(map(len, self.packs))


def read(payload: bytes) -> Transfer:
    """Raises Unreadable."""
    if payload.startswith(b"\x1f\x8b"):
        raise Unreadable("it is packed (gzip) and cannot be unpacked, or was packed twice")
    try:
        told = _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as why:
        raise Unreadable(f"it is no JSON object in UTF-8: {str(why)[:160]}") from None
    meta, reports = told.get("meta"), told.get("data")
    if not isinstance(meta, dict) or not isinstance(reports, list) or not reports:
        raise Unreadable("a transfer is an object with `meta` and with reports in `data`")
    transfer_id = meta.get("transferId")
    return Transfer(
        transfer_id if isinstance(transfer_id, str) and 0 < len(transfer_id) <= 200 else None,
        _version(meta.get("schemaVersion")),
        meta,
        reports,
        sha256(payload).hexdigest(),
    )


def parts(payload: bytes) -> list[Part]:
    """The transfer in pieces of so many records as the gate takes in one breath; itself, where it cannot be read."""
    try:
        transfer = read(payload)
    except Unreadable:
        return [Part((), payload)]
    if sum(_records(told) for told in transfer.reports) <= RECORDS_AT_ONCE:
        return [Part(tuple(range(len(transfer.reports))), payload)]
    cut: list[Part] = []
    numbers: list[int] = []
    reports: list[Any] = []
    room = RECORDS_AT_ONCE
    for number, told in enumerate(transfer.reports):
        for piece in _pieces(told):
            if reports and _records(piece) > room:
                cut.append(Part(tuple(numbers), _alone(transfer, *reports)))
                numbers, reports, room = [], [], RECORDS_AT_ONCE
            numbers.append(number)
            reports.append(piece)
            room -= max(_records(piece), 1)
    cut.append(Part(tuple(numbers), _alone(transfer, *reports)))
    return cut


def _records(told: Any) -> int:
    records = told.get("records") if isinstance(told, dict) else None
    return len(records) if isinstance(records, list) else 0


def _pieces(told: Any) -> Iterator[Any]:
    """A report with too many records as several."""
    if _records(told) <= RECORDS_AT_ONCE:
        yield told
        return
    for begin in range(0, _records(told), RECORDS_AT_ONCE):
        yield {**told, "records": told["records"][begin : begin + RECORDS_AT_ONCE]}


def understood(
    transfer: Transfer, sender: Enrolled, received_at: int, known: Known, latest: int | None = None
) -> Iterator[Report]:
    """What each report comes to, in their order. `sender`: whose credentials came with it.

    `latest`: the instant that no record may be ahead of, where that is not the arrival.
    """
    read_by = _Context(transfer, sender, received_at, received_at if latest is None else latest, known)
    for told in transfer.reports:
        if not isinstance(told, dict):
            why = Unreadable("a report is no JSON object")
            yield Report(doubted=[Doubted(why, _alone(transfer, told), 0)])
        else:
            yield _Reader(read_by, told).report()


class _Context(NamedTuple):
    """By what every report of a transfer is read."""

    transfer: Transfer
    sender: Enrolled
    received_at: int
    latest: int
    known: Known


class _Reader:
    """One report being read."""

    def __init__(self, read_by: _Context, told: Table) -> None:
        self._transfer, self._sender, self._received_at, self._latest, self._known = read_by
        self._told = told
        self._columns: dict[str, dict[str, _Growing]] = {}
        self._alarms: dict[str, dict[int, list[str]]] = {}
        self._doubts: dict[tuple[type[Unbelieved], str], tuple[Unbelieved, list[Any]]] = {}

    def report(self) -> Report:
        report = Report()
        try:
            report.hardware_id, owners = self._owners()
            records = self._told.get("records")
            if not isinstance(records, list) or not records:
                raise Unreadable("a report has no records")
        except Unbelieved as why:
            told = self._told.get("records")
            records = told if isinstance(told, list) else []
            newest = self._newest(why.hardware_id, records) if why.hardware_id is not None else None
            report.doubted = [Doubted(why, _alone(self._transfer, self._told), len(records), newest)]
            return report
        for record in records:
            try:
                self._note(record, owners)
            except Unbelieved as why:
                self._doubt(why, record)
        report.packs = [self._pack(device_id, columns) for device_id, columns in self._columns.items()]
        report.said = [one for device_id, told in self._alarms.items() for one in self._said(device_id, told)]
        report.doubted = [
            Doubted(why, _alone(self._transfer, {**self._told, "records": doubted}), len(doubted))
            for why, doubted in self._doubts.values()
        ]
        return report

    def _newest(self, hardware_id: str, records: Sequence[Any]) -> Decoded | None:
        vaccine = QUANTITIES["TVC"]
        for record in reversed(records):
            try:
                at = self._instant(record["ABST"])
                value, fault = _measured(record, "TVC", vaccine, NOT_AVAILABLE)
            except (Unbelieved, LookupError, TypeError):
                continue
            return Decoded(hardware_id, vaccine.channel, at, value, fault or None, vaccine.unit)
        return None

    # Whose it is

    def _owners(self) -> tuple[str | None, "list[_Owner]"]:
        """The hardware's name in the sender's own record, and whose it was when. Raises UnknownDevice, Unreadable."""
        named = [(key, text) for key in IDENTIFIERS if isinstance(text := self._told.get(key), str) and text.strip()]
        sender = self._sender
        if not sender.is_bridge and sender.hardware_id is None:
            return (named[0][1] if named else None), [_Owner(sender.device_id)]
        if not named:
            raise Unreadable(f"the report names no device: {', '.join(IDENTIFIERS)} are all absent")
        for _, text in named:
            name = text.strip().casefold()
            if not sender.is_bridge and sender.hardware_id is not None and sender.hardware_id.casefold() == name:
                return text, [_Owner(sender.device_id)]
            behind = [one for one in sender.speaks_for if one.hardware_id.casefold() == name]
            if behind:
                return text, [_Owner(one.device_id, one.since, one.until) for one in behind]
        told = ", ".join(f"{key} {text[:60]!r}" for key, text in named)
        raise UnknownHardware(
            f"{sender.device_id} is not known to speak for {named[0][1][:60]!r} (the report names {told})",
            named[0][1].strip()[:LONGEST_HARDWARE_ID],
        )

    def _owner(self, owners: "list[_Owner]", at: int) -> str:
        for owner in owners:
            if owner.since <= at and (owner.until is None or at < owner.until):
                if self._known(owner.device_id) is None:
                    raise UnknownDevice(f"the device {owner.device_id} has ended")
                return owner.device_id
        raise UnknownDevice(f"{self._sender.device_id} was not known to speak for this hardware at the record's time")

    # One record

    def _note(self, record: Any, owners: "list[_Owner]") -> None:
        """Raises Unbelieved."""
        if not isinstance(record, dict):
            raise Unreadable("a record is no JSON object")
        at = self._instant(record.get("ABST"))
        device_id = self._owner(owners, at)
        found = list(self._values(record, at))
        columns = self._columns.setdefault(device_id, {})
        for quantity, instant, value, fault in found:
            columns.setdefault(quantity.channel, _Growing(quantity)).add(instant, value, fault)
        codes = _tokens(record.get("ALRM"))
        if codes:
            self._alarms.setdefault(device_id, {})[at] = codes
        else:
            self._alarms.setdefault(device_id, {}).setdefault(at, [])

    def _values(self, record: Table, at: int) -> "Iterator[_Value]":
        """Raises Unreadable where something stands for a number that is none: then the record is doubted whole."""
        error = next(iter(_tokens(record.get("LERR")) + _tokens(record.get("EERR"))), NOT_AVAILABLE)
        for key, quantity in QUANTITIES.items():
            if key in record:
                value, fault = _measured(record, key, quantity, error)
                yield _Value(quantity, at, value, fault)
        if "CMPR" in record and self._transfer.version is not None:
            value, fault = _measured(record, "CMPR", RUN_TIME, error, self._run_time_unit())
            yield _Value(RUN_TIME, at, value, fault)
        yield from _door(record, at, error)
        yield from _power(record, at, error)

    def _run_time_unit(self) -> int:
        """Seconds."""
        version = self._transfer.version
        return 60 if version is not None and version < MINUTES_UNTIL else 1

    def _instant(self, told: Any) -> int:
        found = _instant.fullmatch(told) if isinstance(told, str) else None
        try:
            if found is None:
                raise ValueError(told)
            moment = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            raise Unreadable("a record's ABST is no time: 20260131T140500Z is one") from None
        at = round(moment.timestamp()) * SECOND + int(Decimal(found[2] or 0) * SECOND)
        ahead = at - self._latest
        if ahead > MOST_AHEAD:
            raise WronglyDated(
                f"a record lies ahead of its arrival, more than {MOST_AHEAD // MINUTE} min", ahead_ms=ahead
            )
        if at < YEAR_2000:
            raise WronglyDated("a record lies before the year 2000")
        return at

    def _doubt(self, why: Unbelieved, record: Any) -> None:
        key = (type(why), why.detail)
        if key not in self._doubts and len(self._doubts) >= MOST_REASONS:
            key = next(reversed(self._doubts))
        self._doubts.setdefault(key, (why, []))[1].append(record)

    # What it comes to

    def _pack(self, device_id: str, columns: "dict[str, _Growing]") -> Pack:
        told = tuple(column.frozen() for column in columns.values())
        return Pack(device_id, NO_OUTBOX, None, self._received_at, "device", told)

    def _said(self, device_id: str, told: dict[int, list[str]]) -> Iterator[DeviceSaid]:
        """The alarms that begin at one instant, each until the last of the records in a row that tell it."""
        going_on: dict[str, dict[str, Any]] = {}
        begun: dict[int, list[dict[str, Any]]] = {}
        for at in sorted(told):
            going_on = {code: alarm for code, alarm in going_on.items() if code in told[at]}
            for code in told[at]:
                if code not in going_on:
                    going_on[code] = {"code": code, "since": at}
                    begun.setdefault(at, []).append(going_on[code])
                going_on[code]["until"] = at
        for at, alarms in begun.items():
            content = {"alarms": alarms, "source": SOURCE}
            yield DeviceSaid(device_id, "device-alarm", self._transfer.digest, at, content)


class _Owner(NamedTuple):
    """Whose the hardware was in [since, until)."""

    device_id: str
    since: int = -(1 << 62)
    until: int | None = None


class _Value(NamedTuple):
    quantity: Quantity
    at: int
    value: int | None
    fault: str


@dataclass(slots=True)
class _Growing:
    quantity: Quantity
    readings: set[tuple[int, int]] = field(default_factory=set)
    faults: set[tuple[int, str]] = field(default_factory=set)

    def add(self, at: int, value: int | None, fault: str) -> None:
        if value is None:
            self.faults.add((at, fault))
        else:
            self.readings.add((at, value))

    def frozen(self) -> Column:
        readings, faults = sorted(self.readings), sorted(self.faults)
        return Column(
            self.quantity.channel,
            self.quantity.unit,
            tuple(at for at, _ in readings),
            tuple(value for _, value in readings),
            tuple(at for at, _ in faults),
            tuple(fault for _, fault in faults),
        )


_DOOR = Quantity(DOOR, "bool", NO, YES)
_POWER = Quantity(POWER, "bool", NO, YES)


def _door(record: Table, at: int, error: str) -> Iterator[_Value]:
    """Open where it was open without a break: since `IDRV` seconds, or the whole period long (`DORV`).

    Openings that were over before the record's time have no place in it: only their sum is told.
    """
    if "DORV" not in record and "IDRV" not in record:
        return
    open_for, _ = _measured(record, "IDRV", OPEN_SINCE, error) if "IDRV" in record else (None, "")
    in_period, fault = _measured(record, "DORV", SECONDS, error) if "DORV" in record else (None, error)
    if open_for:
        since = at - open_for * 10
    elif in_period is not None and in_period >= PERIOD_S * 100:
        since = at - PERIOD
    elif in_period is None and open_for is None:
        yield _Value(_DOOR, at, None, fault)
        return
    else:
        yield _Value(_DOOR, at, NO, "")
        return
    yield _Value(_DOOR, max(since, YEAR_2000), YES, "")
    yield _Value(_DOOR, at, YES, "")


def _power(record: Table, at: int, error: str) -> Iterator[_Value]:
    """Mains count in seconds of the period, the sun in volts."""
    key, quantity = ("SVA", SECONDS) if "SVA" in record else ("DCSV", VOLTAGE)
    if key in record:
        told, fault = _measured(record, key, quantity, error)
        yield _Value(_POWER, at, None if told is None else YES if told > 0 else NO, fault)


def _measured(record: Table, key: str, quantity: Quantity, error: str, unit: int = 1) -> tuple[int | None, str]:
    """Hundredths, or None and the fault. Raises Unreadable where it is no number."""
    told = record[key]
    if told is None:
        return None, error
    if isinstance(told, bool) or not isinstance(told, int | Decimal | str):
        raise Unreadable(f"a record's {key} is no number")
    if isinstance(told, str) and _number.fullmatch(told) is None:
        raise Unreadable(f"a record's {key} is no number")
    try:
        value = centidegrees(Decimal(told)) * unit
    except NotANumber:
        return None, RANGE
    if quantity.unit == CELSIUS and value == POWER_ON_VALUE:
        return None, POWER_ON
    return (value, "") if quantity.lowest <= value <= quantity.highest else (None, RANGE)


def _tokens(told: Any) -> list[str]:
    """Codes that stand in one text, with spaces or commas between."""
    if not isinstance(told, str):
        return []
    return list(dict.fromkeys(_token.findall(told)))[:16]


def _version(told: Any) -> tuple[int, ...] | None:
    parts = told.split(".") if isinstance(told, str) else []
    if not 1 <= len(parts) <= 4 or not all(part.isascii() and part.isdecimal() and len(part) < 6 for part in parts):
        return None
    return tuple(map(int, parts))


def _alone(transfer: Transfer, *reports: Any) -> bytes:
    """Some reports as a transfer of their own, that can be read again when more is known."""
    return _encoder.encode({"meta": transfer.meta, "data": reports})


_decoder: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
