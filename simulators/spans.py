"""Spans: stretches of time for which something holds, [since, until) in ms UTC."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Spans:
    """Sorted edges, a beginning and an end in turn; no two spans touch."""

    edges: tuple[int, ...] = ()

    def __contains__(self, at: int) -> bool:
        return bisect_right(self.edges, at) & 1 == 1

    def __iter__(self) -> Iterator[Span]:
        return iter(zip(self.edges[::2], self.edges[1::2], strict=True))

    def total(self) -> int:
        """How long in all, in ms."""
        return sum(until - since for since, until in self)

    def with_spans(self, more: Iterable[Span]) -> "Spans":
        return spans([*self, *more])


def spans(parts: Iterable[Span]) -> Spans:
    """The union of spans in any order; empty ones fall away."""
    edges: list[int] = []
    for since, until in sorted(part for part in parts if part[0] < part[1]):
        if edges and since <= edges[-1]:
            edges[-1] = max(edges[-1], until)
        else:
            edges += (since, until)
    return Spans(tuple(edges))
