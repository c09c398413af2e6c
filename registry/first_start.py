"""The first start: what every set of books has: a place at the top, and the rules that ship."""

from typing import Protocol

from registry import places, rule_sets

TOP_NAME = {"en": "Our district", "hi": "हमारा ज़िला"}


class Shelf(places.Shelf, rule_sets.Shelf, Protocol):
    """Places and rule sets."""


def lay_out(shelf: Shelf, at: int) -> None:
    """Add what is missing; a second time nothing is."""
    if shelf.places.top() is None:
        places.add(shelf, "district", TOP_NAME, None)
    rule_sets.lay_out(shelf, at)
