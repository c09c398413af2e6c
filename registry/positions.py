"""Positions: how far a follower of a topic has come; kept with the effect, in the same transaction."""

from typing import Protocol

from coldchain.topics import Topic


class Positions(Protocol):
    def get(self, topic: Topic, follower: str) -> int:
        """The last offset whose effect is in the books; 0 before the first."""
        ...

    def save(self, topic: Topic, follower: str, offset: int) -> None: ...


class Shelf(Protocol):
    @property
    def positions(self) -> Positions: ...
