"""Transactions: the books are opened, read and written as one, or not at all."""

from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

Shelf_co = TypeVar("Shelf_co", covariant=True)


class Books(Protocol[Shelf_co]):
    """The books. What stands on the shelf says which nouns a use case works with."""

    def begin(self) -> AbstractContextManager[Shelf_co]:
        """One transaction that writes: alone from its first moment, durable when left, undone by an error.

        No await belongs inside. Raises coldchain.errors.Unavailable where others write for too long.
        """
        ...

    def read(self) -> AbstractContextManager[Shelf_co]:
        """One transaction that only reads: sees one state, waits for nobody, cannot write."""
        ...
