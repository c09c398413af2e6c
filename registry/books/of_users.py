"""Users, their contacts, and how far followers have come, in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, select

from coldchain import wire
from coldchain.facts import Fact
from coldchain.topics import SETTINGS, Topic
from registry.books import tables
from registry.books.rows import fetched, few, holds, in_subtree, insert, made, update, upsert, values
from registry.contacts import Call, Contact, Duty, NoSuchContact
from registry.relay import Announcement
from registry.users import Attempts, Membership, NoSuchUser, Token, User

_users = tables.users.c
_memberships = tables.memberships.c


class SqlUsers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, user_id: str) -> User:
        rows = fetched(self._connection, select(tables.users).where(_users.user_id == user_id))
        if not rows:
            raise NoSuchUser("there is no such user")
        return self._with_memberships(rows)[0]

    def several(self, user_ids: Sequence[str]) -> dict[str, User]:
        found = {}
        for some in few(user_ids):
            for row in fetched(self._connection, select(tables.users).where(_users.user_id.in_(some))):
                found[row["user_id"]] = made(User, row, memberships=())
        return found

    def called(self, username: str) -> User | None:
        statement = select(tables.users).where(_users.folded_name == username.casefold(), _users.ended_at.is_(None))
        rows = fetched(self._connection, statement)
        return self._with_memberships(rows)[0] if rows else None

    def page(self, within: str, after: str = "", limit: int = 100) -> list[User]:
        places = tables.places
        here = (
            select(_memberships.user_id)
            .join(places, places.c.place_id == _memberships.place_id)
            .where(in_subtree(places.c.path, within))
        )
        statement = (
            select(tables.users)
            .where(_users.user_id.in_(here), _users.ended_at.is_(None), _users.folded_name > after.casefold())
            .order_by(_users.folded_name)
            .limit(limit)
        )
        return self._with_memberships(fetched(self._connection, statement))

    def any_administrator(self, at: int) -> bool:
        held = exists().where(
            _memberships.role == "administrator",
            holds(tables.memberships, at),
            _users.user_id == _memberships.user_id,
            _users.ended_at.is_(None),
        )
        return bool(self._connection.execute(select(held)).scalar())

    def add(self, user: User) -> None:
        insert(self._connection, tables.users, [_user_row(user)])

    def save(self, user: User) -> None:
        update(self._connection, tables.users, [_user_row(user)])

    def add_membership(self, membership: Membership) -> None:
        insert(self._connection, tables.memberships, [values(membership, without=("path",))])

    def end_membership(self, membership_id: str, until: int) -> None:
        update(self._connection, tables.memberships, [{"membership_id": membership_id, "until": until}])

    def token(self, digest: str) -> Token | None:
        rows = fetched(self._connection, select(tables.tokens).where(tables.tokens.c.digest == digest))
        return made(Token, rows[0]) if rows else None

    def save_token(self, token: Token) -> None:
        upsert(self._connection, tables.tokens, values(token))

    def drop_tokens(self, *, digest: str | None = None, user_id: str | None = None, expired_at: int = 0) -> None:
        table = tables.tokens.c
        gone = table.expires_at <= expired_at
        if digest is not None:
            gone |= table.digest == digest
        if user_id is not None:
            gone |= table.user_id == user_id
        self._connection.execute(delete(tables.tokens).where(gone))

    def attempts(self, key: str) -> Attempts | None:
        rows = fetched(self._connection, select(tables.attempts).where(tables.attempts.c.key == key))
        return made(Attempts, rows[0]) if rows else None

    def save_attempts(self, attempts: Attempts) -> None:
        upsert(self._connection, tables.attempts, values(attempts))

    def drop_attempts(self, *, key: str | None = None, last_before: int = 0) -> None:
        table = tables.attempts.c
        gone = table.last_at < last_before
        if key is not None:
            gone |= table.key == key
        self._connection.execute(delete(tables.attempts).where(gone))

    def _with_memberships(self, rows: Sequence[RowMapping]) -> list[User]:
        held: dict[str, list[Membership]] = {}
        for some in few([row["user_id"] for row in rows]):
            statement = (
                select(tables.memberships, tables.places.c.path)
                .join(tables.places, tables.places.c.place_id == _memberships.place_id)
                .where(_memberships.user_id.in_(some))
                .order_by(_memberships.since, _memberships.membership_id)
            )
            for row in fetched(self._connection, statement):
                held.setdefault(row["user_id"], []).append(made(Membership, row))
        return [made(User, row, memberships=tuple(held.get(row["user_id"], ()))) for row in rows]


class SqlContacts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, contact_id: str) -> Contact:
        table = tables.contacts
        rows = fetched(self._connection, select(table).where(table.c.contact_id == contact_id))
        if not rows:
            raise NoSuchContact(f"there is no contact {contact_id!r}")
        return made(Contact, rows[0])

    def add(self, contact: Contact) -> None:
        insert(self._connection, tables.contacts, [values(contact)])

    def save(self, contact: Contact) -> None:
        update(self._connection, tables.contacts, [values(contact)])

    def duties(self, contact_id: str) -> list[Duty]:
        table = tables.duties
        statement = select(table).where(table.c.contact_id == contact_id).order_by(table.c.since)
        return [made(Duty, row) for row in fetched(self._connection, statement)]

    def add_duty(self, duty: Duty) -> None:
        insert(self._connection, tables.duties, [values(duty)])

    def end_duty(self, duty_id: str, until: int) -> None:
        update(self._connection, tables.duties, [{"duty_id": duty_id, "until": until}])

    def on_duty(self, path: str, call: Call, at: int) -> list[Contact]:
        contacts, duties = tables.contacts, tables.duties
        above = path.strip("/").split("/")
        told = select(duties.c.contact_id).where(duties.c.place_id.in_(above), duties.c.call == call, holds(duties, at))
        statement = select(contacts).where(
            contacts.c.contact_id.in_(told), contacts.c.verified_at.is_not(None), contacts.c.ended_at.is_(None)
        )
        return [made(Contact, row) for row in fetched(self._connection, statement.order_by(contacts.c.contact_id))]


class SqlAnnouncements:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, facts: Sequence[Fact]) -> None:
        insert(self._connection, tables.announcements, [{"body": wire.encode(fact)} for fact in facts])

    def waiting(self, limit: int) -> list[Announcement]:
        table = tables.announcements
        rows = self._connection.execute(select(table.c.number, table.c.body).order_by(table.c.number).limit(limit))
        return [Announcement(number, wire.decode(SETTINGS, body)) for number, body in rows]

    def relayed(self, numbers: Sequence[int]) -> None:
        table = tables.announcements
        for some in few(numbers):
            self._connection.execute(delete(table).where(table.c.number.in_(some)))


class SqlPositions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, topic: Topic, follower: str) -> int:
        table = tables.positions.c
        statement = select(table.position).where(table.topic == topic, table.follower == follower)
        return self._connection.execute(statement).scalar() or 0

    def save(self, topic: Topic, follower: str, offset: int) -> None:
        upsert(self._connection, tables.positions, {"topic": topic, "follower": follower, "position": offset})


def _user_row(user: User) -> dict[str, Any]:
    return values(user, without=("memberships",)) | {"folded_name": user.username.casefold()}
