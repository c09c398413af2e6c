"""Dialects: how the devices that people own say what they measured. One dialect is one file; see docs/dialects.md."""

from ingest.dialects.decoded import Decoded, Dialect, NoSuchDialect, Sent
from ingest.refusals import Unreadable

AUTO = "auto"

_ALL: tuple[Dialect, ...] = ()

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in _ALL}
"""By name. `auto` asks them in this order: whose topics are their own come first, shapes that many could have last."""

__all__ = ["AUTO", "DIALECTS", "Decoded", "Dialect", "NoSuchDialect", "Sent", "decode", "recognise"]


def decode(name: str, sent: Sent) -> list[Decoded]:
    """The readings of one message in the dialect of this name, or in the one that it is recognised as (`auto`).

    What the broker had kept and bears no time is no reading: nobody knows when it was measured.
    Raises Unreadable, and NoSuchDialect.
    """
    readings = (recognise(sent) if name == AUTO else named(name)).decode(sent)
    return [reading for reading in readings if reading.measured_at is not None] if sent.retained else readings


def named(name: str) -> Dialect:
    """Raises NoSuchDialect."""
    try:
        return DIALECTS[name]
    except KeyError:
        raise NoSuchDialect(f"there is no dialect {name!r}; there are {AUTO}, {', '.join(DIALECTS)}") from None


def recognise(sent: Sent) -> Dialect:
    """The dialect whose topic and shape the message has. Raises Unreadable."""
    for dialect in DIALECTS.values():
        if dialect.recognises(sent):
            return dialect
    raise Unreadable("neither its topic nor its shape is one of a dialect known here; name the dialect")
