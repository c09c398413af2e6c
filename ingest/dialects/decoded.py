"""What a dialect makes of one message: its readings, each with the hardware's own name and channel."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, NamedTuple, Protocol

from coldchain.errors import NotFound, Refused
from coldchain.quantities import CELSIUS


class Decoded(NamedTuple):
    """One value of one probe. `value` is None exactly where `fault` says why."""

    device_id: str
    """The hardware's own identifier, as the message or its topic gives it."""

    sensor: str
    """Its channel; distinct probes are distinct."""

    measured_at: int | None
    """Milliseconds UTC; None where the message names no time, and its arrival dates it."""

    value: int | None
    """Hundredths of `unit`."""

    fault: str | None = None
    unit: str = CELSIUS
    """As SenML registers it (RFC 8428): Cel, %RH, V, %EL; bool of a door or of power, which is 0 or 100."""

    role: str | None = None
    """What the probe is by its make (`ambient`), where the dialect knows; a device's record outranks it."""


class Sent(NamedTuple):
    """One message as it was published. `received_at`: ms UTC. `zone` is meant by times that name none."""

    topic: str
    payload: bytes
    received_at: int
    zone: tzinfo = UTC
    mapping: Mapping[str, Any] | None = None
    """Where plain JSON has what (`plain_json.py`). Where a bare number says no unit, its `unit` (C, F, K) is meant."""

    retained: bool = False
    """The broker had kept it for whoever subscribes: nobody knows how old it is."""


class Dialect(Protocol):
    """How the devices of one kind speak. Knows no clock and keeps nothing.

    Where they publish unless told otherwise stands in `coldchain/data/dialects.toml`, for books and broker.
    """

    name: str

    def recognises(self, sent: Sent) -> bool:
        """Whether topic and shape are this dialect's own; never raises."""
        ...

    def decode(self, sent: Sent) -> list[Decoded]:
        """The readings in it, none where it holds none. Raises Unreadable."""
        ...


class BadMapping(Refused):
    """A mapping table cannot be used."""


class NoSuchDialect(NotFound):
    """No dialect has this name."""
