"""What changed in the books and at the gate since somebody last asked: incidents, and messages refused."""

from api.live import IncidentChanged, RefusedMessage
from api.scoped import top_path
from ingest.refusals import Refusals
from registry import incidents
from registry.transactions import Books

AT_ONCE = 1_000


class IncidentWatch:
    """Knows where it was; what lies before its making is no news."""

    def __init__(self, books: Books[incidents.Shelf]) -> None:
        self._books = books
        self._position: int | None = None

    def __call__(self) -> list[IncidentChanged]:
        with self._books.read() as shelf:
            if self._position is None:
                self._position = self._newest(shelf)
                return []
            changed, self._position = shelf.incidents.changed_after(self._position, AT_ONCE)
            if not changed:
                return []
            points = shelf.storage_points.several(sorted({key for one in changed for key in one.storage_point_ids}))
            place_ids = {one.place_id for one in changed} | {point.place_id for point in points.values()}
            paths = {key: place.path for key, place in shelf.places.several(sorted(place_ids)).items()}
        return [
            IncidentChanged(
                one.incident_id,
                one.kind,
                one.state,
                paths[one.place_id],
                {key: paths[points[key].place_id] for key in one.storage_point_ids if key in points},
            )
            for one in changed
        ]

    def _newest(self, shelf: incidents.Shelf) -> int:
        position = 0
        while True:
            changed, following = shelf.incidents.changed_after(position, AT_ONCE)
            if len(changed) < AT_ONCE:
                return following
            position = following


class RefusalWatch:
    def __init__(self, refusals: Refusals, books: Books[incidents.Shelf]) -> None:
        self._refusals = refusals
        self._books = books
        self._newest: int | None = None

    def __call__(self) -> list[RefusedMessage]:
        newest = self._refusals.list(None, None, 1)
        last = newest[0].offset if newest else 0
        if self._newest is None or last <= self._newest:
            self._newest = last
            return []
        fresh = {one.device_id: None for one in self._refusals.list(None, None, AT_ONCE) if one.offset > self._newest}
        self._newest = last
        with self._books.read() as shelf:
            known = shelf.devices.several(list(fresh))
            places = shelf.places.several(sorted({device.place_id for device in known.values()}))
        top = top_path(self._books)
        return [
            RefusedMessage(device_id, places[known[device_id].place_id].path if device_id in known else top)
            for device_id in fresh
        ]
