"""A contact: how a person is reached; and duties: who is told for a place, in which role, and when.

Looked up when something is sent, so that who is on duty then is told. Numbers and addresses stay in the books.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, get_args

from coldchain.errors import NotFound, Refused
from coldchain.ids import new_id
from registry import dated, places

Channel = Literal["sms", "e-mail", "voice", "chat", "webhook"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

Call = Literal["first", "second", "informed"]
CALLS: tuple[Call, ...] = get_args(Call)


@dataclass(frozen=True, slots=True)
class Contact:
    """`address` is a number, an address or a URL, as its channel wants it. Unverified ones are told nothing."""

    channel: Channel
    address: str = field(repr=False)
    language: str = "en"
    user_id: str | None = None
    verified_at: int | None = None
    ended_at: int | None = None
    contact_id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Duty:
    """The contact is told of what happens in the place and below, in [since, until); `call` says in which turn."""

    contact_id: str
    place_id: str
    call: Call
    since: int
    until: int | None = None
    duty_id: str = field(default_factory=new_id)


class NoSuchContact(NotFound):
    """A contact was named that the books do not know."""


class BadContact(Refused):
    """A contact was described in a way that nobody can be reached by."""


class Contacts(Protocol):
    def get(self, contact_id: str) -> Contact:
        """Raises NoSuchContact."""
        ...

    def add(self, contact: Contact) -> None: ...

    def save(self, contact: Contact) -> None: ...

    def duties(self, contact_id: str) -> list[Duty]:
        """In order of time."""
        ...

    def add_duty(self, duty: Duty) -> None: ...

    def end_duty(self, duty_id: str, until: int) -> None: ...

    def on_duty(self, path: str, call: Call, at: int) -> list[Contact]:
        """Verified contacts, not ended, with such a duty for the place of the path or one above it."""
        ...


class Shelf(places.Shelf, Protocol):
    @property
    def contacts(self) -> Contacts: ...


def add(shelf: Shelf, channel: str, address: str, language: str = "en", user_id: str | None = None) -> Contact:
    """A contact that is still to be verified. Raises BadContact."""
    if not address.strip():
        raise BadContact("a contact needs a number or an address")
    contact = Contact(_channel(channel), address.strip(), language, user_id)
    shelf.contacts.add(contact)
    return contact


def verify(shelf: Shelf, contact_id: str, at: int) -> Contact:
    """Somebody answered there. Raises NoSuchContact."""
    contact = shelf.contacts.get(contact_id)
    if contact.verified_at is None:
        contact = replace(contact, verified_at=at)
        shelf.contacts.save(contact)
    return contact


def end(shelf: Shelf, contact_id: str, at: int) -> Contact:
    """Raises NoSuchContact."""
    contact = replace(shelf.contacts.get(contact_id), ended_at=at)
    shelf.contacts.save(contact)
    return contact


def assign(shelf: Shelf, contact_id: str, place_id: str, call: str, since: int, until: int | None = None) -> Duty:
    """Raises NoSuchContact, NoSuchPlace, BadContact, dated.Overlapping, dated.NeverHolds."""
    shelf.contacts.get(contact_id)
    place = places.of_now(shelf, place_id)
    duty = Duty(contact_id, place.place_id, _call(call), since, until)
    same = [one for one in shelf.contacts.duties(contact_id) if (one.place_id, one.call) == (place_id, duty.call)]
    dated.check_free(same, duty, f"the duty for {place.called()}")
    shelf.contacts.add_duty(duty)
    return duty


def who_is_told(shelf: Shelf, place_id: str, call: str, at: int) -> list[Contact]:
    """Those on duty for the place, at the instant. Raises NoSuchPlace, BadContact."""
    return shelf.contacts.on_duty(places.of_now(shelf, place_id).path, _call(call), at)


def _channel(text: str) -> Channel:
    for channel in CHANNELS:
        if channel == text:
            return channel
    raise BadContact(f"{text!r} is no way to reach anybody; there are {', '.join(CHANNELS)}")


def _call(text: str) -> Call:
    for call in CALLS:
        if call == text:
            return call
    raise BadContact(f"{text!r} is no turn; there are {', '.join(CALLS)}")
