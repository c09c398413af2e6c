"""What the desk works with: one of each a process, handed to the routes."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.gate_client import GateClient
from api.live import Live
from api.metrics import Tallies
from api.picture import Picture
from api.settings import Settings
from coldchain.clock import Clock
from ingest.refusals import Refusals
from registry.books import Books
from registry.broker_files import NotReloaded
from registry.devices import Credentials
from registry.settling import settle, settle_devices
from stream.history import History

_log = logging.getLogger("api")


@dataclass(frozen=True, slots=True)
class Desk:
    books: Books
    history: History
    refusals: Refusals
    gate: GateClient
    settings: Settings
    clock: Clock
    picture: Picture
    live: Live
    tallies: Tallies

    def written(self) -> None:
        """After a change of the books: the gate and the judge learn of it, and we look anew."""
        settle(self.books, self.settings.data_dir)
        self.picture.books_changed()

    def devices_written(self, given: Sequence[Credentials] = ()) -> None:
        """After a change of devices: a broker of ours too knows whom to let in.

        One that does not take it up in time is told in the log: the devices are enrolled, and their passwords must
        reach whoever asked.
        """
        try:
            settle_devices(self.books, self.settings.data_dir, given)
        except NotReloaded as why:
            _log.error("%s", why)
        self.picture.books_changed()


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


Tools = Annotated[Desk, Depends(_desk)]
