"""The dialects that there are: how people call them, and where such devices publish unless told otherwise.

What they say is read in the gate (`ingest/dialects/`); here stands what the books and the page must know of it.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

from coldchain.errors import Refused

OURS = "senml"
"""What a device speaks of which nobody said more: on topics of its own name."""

OURS_IN_CBOR = "senml-cbor"

HARDWARE = "{id}"


class KnownDialect(NamedTuple):
    """`topics` are MQTT filters in which `{id}` stands for the hardware's own name; a bridge has others."""

    name: str
    title: str
    understands: str
    topics: tuple[str, ...] = ()
    bridge_topics: tuple[str, ...] = ()
    bridge_id: str | None = None
    """What a bridge calls itself unless it was given another name."""

    def topics_of(self, hardware_id: str | None, *, is_bridge: bool) -> tuple[str, ...]:
        """Where such a device publishes by default; none where that cannot be told without its hardware id."""
        filters = self.bridge_topics if is_bridge else self.topics
        own = hardware_id or (self.bridge_id if is_bridge else None)
        if own is None and any(HARDWARE in one for one in filters):
            return ()
        return tuple(one.replace(HARDWARE, own or "") for one in filters)


class NoSuchDialect(Refused):
    """A device was said to speak what nobody here understands."""


@cache
def dialects() -> dict[str, KnownDialect]:
    """By name."""
    text = resources.files("coldchain").joinpath("data/dialects.toml").read_text("utf-8")
    return {
        name: KnownDialect(
            name,
            table["title"],
            table["understands"],
            tuple(table.get("topics", ())),
            tuple(table.get("bridge_topics", ())),
            table.get("bridge_id"),
        )
        for name, table in tomllib.loads(text).items()
    }


def dialect(name: str) -> KnownDialect:
    """Raises NoSuchDialect."""
    try:
        return dialects()[name]
    except KeyError:
        raise NoSuchDialect(f"there is no dialect {name!r}; there are {', '.join(dialects())}") from None
