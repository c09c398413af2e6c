"""All of a kind that lies in some subtrees, page by page."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from registry import devices, places, storage_points
from registry.devices import Device
from registry.places import Place
from registry.storage_points import StoragePoint
from registry.transactions import Books

PAGE = 1_000

Item = TypeVar("Item")
Cursor = TypeVar("Cursor")


def every(fetch: Callable[[Cursor | None], Sequence[Item]], cursor: Callable[[Item], Cursor]) -> Iterator[Item]:
    """All items of a list that comes in pages of `PAGE`."""
    after = None
    while True:
        items = fetch(after)
        yield from items
        if len(items) < PAGE:
            return
        after = cursor(items[-1])


def places_in(shelf: places.Shelf, paths: Iterable[str]) -> list[Place]:
    return [
        place
        for path in paths
        for place in every(lambda after: shelf.places.page(path, after, PAGE), shelf.places.cursor)  # noqa: B023
    ]


def points_in(shelf: storage_points.Shelf, paths: Iterable[str]) -> list[StoragePoint]:
    return [
        point
        for path in paths
        for point in every(
            lambda after: shelf.storage_points.page(path, after, PAGE),  # noqa: B023  (consumed in the round)
            lambda point: (point.name, point.storage_point_id),
        )
    ]


def devices_in(shelf: devices.Shelf, paths: Iterable[str], *, ended: bool = False) -> list[Device]:
    return [
        device
        for path in paths
        for device in every(
            lambda after: shelf.devices.page(path, after or "", PAGE, ended=ended),  # noqa: B023  (consumed in the round)
            lambda device: device.device_id,
        )
    ]


def top_path(books: Books[places.Shelf]) -> str:
    """The path in which all lies; of empty books one that nobody holds."""
    with books.read() as shelf:
        top = shelf.places.top()
    return "//" if top is None else top.path
