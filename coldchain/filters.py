"""A topic filter, as MQTT writes it (3.1.1, section 4.7): which topics it means, and whether two mean the same topic.

`+` stands for one level, `#` at the end for all that follow, none included; neither means topics that begin with `$`.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

from coldchain.errors import Refused

ANY, REST = "+", "#"
OURS = "coldchain"
LONGEST = 200

T = TypeVar("T")


class BadFilter(Refused):
    """A topic filter is none, or means topics that no device may have."""


def checked(text: str) -> str:
    """The filter itself, if a device may publish to what it means. Raises BadFilter."""
    levels = text.split("/")
    if not text or len(text) > LONGEST or not text.isprintable() or text != text.strip():
        raise BadFilter(f"{text[:LONGEST]!r} is no topic: give 1 to {LONGEST} characters, without space at its ends")
    if any((ANY in level or REST in level) and len(level) > 1 for level in levels) or REST in levels[:-1]:
        raise BadFilter(f"{text!r} is no topic filter: + stands alone between slashes, # alone at the end")
    if all(level in (ANY, REST) for level in levels):
        raise BadFilter(f"{text!r} means every topic: name at least one of its levels")
    if text.startswith("$"):
        raise BadFilter(f"{text!r} is the broker's own: topics of devices begin without $")
    if levels[0] == OURS or overlap(text, f"{OURS}/v1/#"):
        raise BadFilter(f"{text!r} means topics below {OURS}/, which devices have by their own name alone")
    return text


def matches(text: str, topic: str) -> bool:
    """Whether the filter means the topic."""
    if topic.startswith("$") and text[:1] in (ANY, REST):
        return False
    levels, parts = text.split("/"), topic.split("/")
    for number, level in enumerate(levels):
        if level == REST:
            return True
        if number == len(parts) or level not in (ANY, parts[number]):
            return False
    return len(levels) == len(parts)


def overlap(one: str, other: str) -> bool:
    """Whether there is a topic that both mean."""
    some, others = one.split("/"), other.split("/")
    for mine, theirs in zip(some, others, strict=False):
        if REST in (mine, theirs):
            return True
        if mine != theirs and ANY not in (mine, theirs):
            return False
    longer, length = (some, len(others)) if len(some) > len(others) else (others, len(some))
    return len(some) == len(others) or longer[length:] == [REST]


class Filters(Generic[T]):
    """What belongs to which filter; found in as many steps as a topic has levels, however many there are."""

    def __init__(self) -> None:
        self._root = _Node[T]()

    def add(self, text: str, value: T) -> None:
        node = self._root
        for level in text.split("/"):
            node = node.inner.setdefault(level, _Node())
        node.values.append(value)

    def find(self, topic: str) -> T | None:
        """Of the filter that means the topic; of several the one that names its first levels."""
        return next(self._found(self._root, topic.split("/"), 0, topic.startswith("$")), None)

    def _found(self, node: "_Node[T]", parts: list[str], depth: int, is_named: bool) -> Iterator[T]:
        if depth == len(parts):
            yield from node.values
        else:
            for level in (parts[depth],) if is_named else (parts[depth], ANY):
                if level in node.inner:
                    yield from self._found(node.inner[level], parts, depth + 1, is_named=False)
        if REST in node.inner and not is_named:
            yield from node.inner[REST].values


class _Node(Generic[T]):
    __slots__ = ("inner", "values")

    def __init__(self) -> None:
        self.inner: dict[str, _Node[T]] = {}
        self.values: list[T] = []
