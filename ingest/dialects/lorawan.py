"""What the network servers of LoRaWAN have in common: the object that a device's codec made of its few bytes.

Not a dialect itself: ChirpStack and The Things Stack put this object into their own envelopes.
"""

from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from coldchain.quantities import CELSIUS
from ingest.dialects.instants import instant_in
from ingest.dialects.keys import AMBIENT, words_of
from ingest.dialects.payloads import Table
from ingest.dialects.tables import LOG, Found, found_in
from ingest.refusals import Unreadable

PROBES = frozenset({"ds", "tmp", "ext", "external", "probe"})
"""Words of a probe on a cable; what is in the housing then measures the room."""

HOUSINGS = frozenset({"sht", "internal", "builtin", "board"})


def found_in_object(decoded_object: Any, payload: Any, server: str) -> list[Found]:
    """The quantities that a codec found. Raises Unreadable where no codec read what the device sent."""
    if decoded_object is None:
        if payload:
            raise Unreadable(f"{server} did not decode what the device sent: give its device profile a codec")
        return []
    items = decoded_object if isinstance(decoded_object, list) else [decoded_object]
    if not all(isinstance(item, dict) for item in items):
        raise Unreadable("what the codec made of the message is no object")
    found = [
        one
        for number, item in enumerate(items)
        for one in found_in(item, path="" if len(items) == 1 else str(number), allowed=LOG | {"internal"})
    ]
    if any(_is_cable(one) for one in found):
        found = [_in_housing(one) for one in found]
    return sorted(found, key=lambda one: one.role == AMBIENT)  # what hangs in the store comes first


def dated(found: list[Found], decoded_object: Any, at: int | None, zone: tzinfo) -> Iterator[tuple[Found, int | None]]:
    """Each quantity with its instant: the message's, but its own in the log of a device that was out of reach.

    What stands in a log without a time is no reading. Raises Unreadable.
    """
    rows = dict(_rows_of_log(decoded_object))
    instants = {id(row): instant_in(row, zone) for row in rows.values()}
    for one in found:
        row = rows.get(id(one.table))
        own = at if row is None else instants[id(row)]
        if own is not None or row is None:
            yield one, own


def _rows_of_log(decoded_object: Any) -> Iterator[tuple[int, Table]]:
    """The identity of every table in a log, with the row that it belongs to."""
    for item in decoded_object if isinstance(decoded_object, list) else [decoded_object]:
        log = item.get("history") if isinstance(item, dict) else None
        for row in log if isinstance(log, list) else ():
            if isinstance(row, dict):
                yield from ((id(table), row) for table in _tables_of(row))


def _tables_of(value: Any) -> Iterator[Table]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _tables_of(inner)


def without_nulls(table: Table, *keys: str) -> Any:
    """The first value of these keys that is there at all."""
    return next((table[key] for key in keys if table.get(key) is not None), None)


def _is_cable(found: Found) -> bool:
    return found.unit == CELSIUS and bool(PROBES.intersection(words_of(found.sensor)))


def _in_housing(found: Found) -> Found:
    words = words_of(found.sensor)
    is_housing = HOUSINGS.intersection(words) or words in (("temperature",), ("temp",))
    return found._replace(role=AMBIENT) if found.unit == CELSIUS and is_housing else found
