"""An alert: one contact is to be told of one incident, in one step; and the deliveries tried for it.

(incident, contact, step) is unique: nobody is told the same thing twice, whatever is repeated or restarted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from coldchain.errors import NotFound
from coldchain.ids import new_id

Outcome = Literal["delivered", "accepted", "failed"]
"""At the person's end, at the carrier's, or nowhere."""


@dataclass(frozen=True, slots=True)
class Alert:
    incident_id: str
    contact_id: str
    step: int
    template: str
    language: str
    raised_at: int
    alert_id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt. `remark` is what the carrier said, without the message and without the address."""

    alert_id: str
    attempt: int
    tried_at: int
    outcome: Outcome
    remark: str = ""


class NoSuchAlert(NotFound):
    """An alert was named that the books do not know."""


class Alerts(Protocol):
    def get(self, alert_id: str) -> Alert:
        """Raises NoSuchAlert."""
        ...

    def find(self, incident_id: str, contact_id: str, step: int) -> Alert | None: ...

    def of_incident(self, incident_id: str) -> list[Alert]:
        """In order of step and time."""
        ...

    def add(self, alert: Alert) -> None: ...

    def deliveries(self, alert_id: str) -> Sequence[Delivery]:
        """In the order in which they were tried."""
        ...

    def add_delivery(self, delivery: Delivery) -> None: ...


class Shelf(Protocol):
    @property
    def alerts(self) -> Alerts: ...


def owe(
    shelf: Shelf, incident_id: str, contact_id: str, step: int, template: str, language: str, at: int
) -> tuple[Alert, bool]:
    """The alert, and whether it is new: owed once, it is not owed again."""
    known = shelf.alerts.find(incident_id, contact_id, step)
    if known is not None:
        return known, False
    alert = Alert(incident_id, contact_id, step, template, language, at)
    shelf.alerts.add(alert)
    return alert, True


def record_attempt(shelf: Shelf, alert_id: str, outcome: Outcome, at: int, remark: str = "") -> Delivery:
    """Raises NoSuchAlert."""
    shelf.alerts.get(alert_id)
    delivery = Delivery(alert_id, len(shelf.alerts.deliveries(alert_id)) + 1, at, outcome, remark)
    shelf.alerts.add_delivery(delivery)
    return delivery
