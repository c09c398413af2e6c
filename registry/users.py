"""A user: a person who signs in, and may do what their roles allow within their places, as things are now.

Passwords are kept as argon2id; tokens are random and kept as SHA-256. Who guesses is made to wait, longer each time,
by name and by address; an unknown name takes as long as a known one. Names of people never reach a log.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from coldchain.clock import DAY, HOUR, MINUTE, SECOND, Clock, now
from coldchain.errors import ColdchainError, Conflict, NotFound, Refused
from coldchain.ids import new_id
from registry import dated, places
from registry.roles import MAY, PERMISSIONS, ROLES, Permission, Role
from registry.transactions import Books

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256
LONGEST_NAME = 64

SLIDES = 12 * HOUR
LONGEST_STAY = 7 * DAY
SLIDES_AFTER = 5 * MINUTE
"""A token in use is prolonged this often at most, so that reading stays reading."""

FREE_TRIES_BY_NAME = 5
FREE_TRIES_BY_ADDRESS = 20
"""A health centre is one address; a name is one person."""

FIRST_WAIT = 30 * SECOND
LONGEST_WAIT = 15 * MINUTE
FORGIVEN_AFTER = HOUR

FIRST_NAME = "admin"


@dataclass(frozen=True, slots=True)
class Membership:
    """The user holds the role in the place and all below it, in [since, until). `path` is the place's of now."""

    user_id: str
    role: Role
    place_id: str
    since: int
    until: int | None = None
    path: str = ""
    membership_id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class User:
    user_id: str
    username: str = field(repr=False)
    password_hash: str = field(repr=False)
    created_at: int
    ended_at: int | None = None
    memberships: tuple[Membership, ...] = ()

    def roles_at(self, at: int) -> list[Membership]:
        return [one for one in self.memberships if dated.holds(one, at)]

    def permissions_at(self, at: int) -> list[Permission]:
        """All that the user may do anywhere, in the order of the roles' table."""
        held: set[Permission] = set()
        for one in self.roles_at(at):
            held |= MAY[one.role]
        return [permission for permission in PERMISSIONS if permission in held]


@dataclass(frozen=True, slots=True)
class Token:
    """Who holds the token with this digest is the user, until it expires. Instants in ms UTC."""

    digest: str
    user_id: str
    issued_at: int
    expires_at: int

    def holds_at(self, at: int) -> bool:
        return at < self.expires_at


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often somebody failed under one key (a digest of a name or an address), and from when they may try again."""

    key: str
    failures: int
    last_at: int
    not_before: int = 0


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`token` is told once, here."""

    token: str = field(repr=False)
    expires_at: int
    user: User


class NoSuchUser(NotFound):
    """A user was named that the books do not know."""


class UsernameTaken(Conflict):
    """Another user bears the name."""


class BadUser(Refused):
    """A user was described in a way that cannot sign in."""


class WrongPassword(Refused):
    """Name and password do not belong together; which of the two is wrong is not said."""


class TooManyAttempts(Refused):
    """Somebody guesses. `retry_after` in ms."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many attempts; try again in {-(-retry_after // SECOND)} seconds")
        self.retry_after = retry_after


class NotSignedIn(ColdchainError):
    """The token is unknown, or no longer valid."""


class Users(Protocol):
    def get(self, user_id: str) -> User:
        """With the memberships, ended ones included. Raises NoSuchUser."""
        ...

    def several(self, user_ids: Sequence[str]) -> dict[str, User]:
        """Those there are of the ids, without memberships, by id."""
        ...

    def called(self, username: str) -> User | None:
        """Upper and lower case are one; a user who has ended is not found."""
        ...

    def page(self, within: str, after: str = "", limit: int = 100) -> list[User]:
        """Those, not ended, with a membership in the subtree of the path, by name, after the name."""
        ...

    def any_administrator(self, at: int) -> bool: ...

    def add(self, user: User) -> None: ...

    def save(self, user: User) -> None: ...

    def add_membership(self, membership: Membership) -> None: ...

    def end_membership(self, membership_id: str, until: int) -> None: ...

    def token(self, digest: str) -> Token | None: ...

    def save_token(self, token: Token) -> None: ...

    def drop_tokens(self, *, digest: str | None = None, user_id: str | None = None, expired_at: int = 0) -> None:
        """One, all of a user, and those that had expired by the instant."""
        ...

    def attempts(self, key: str) -> Attempts | None: ...

    def save_attempts(self, attempts: Attempts) -> None: ...

    def drop_attempts(self, *, key: str | None = None, last_before: int = 0) -> None: ...


class Shelf(places.Shelf, Protocol):
    @property
    def users(self) -> Users: ...


def permits(user: User, permission: Permission, place_path: str, at: int) -> bool:
    """Whether the user may do it in the place of the path, at the instant."""
    return any(
        permission in MAY[one.role] and one.path and place_path.startswith(one.path) for one in user.roles_at(at)
    )


def paths_permitted(user: User, permission: Permission, at: int) -> list[str]:
    """The subtrees in which the user may do it: none of them within another."""
    paths = sorted({one.path for one in user.roles_at(at) if permission in MAY[one.role] and one.path})
    return [path for path in paths if not any(path != other and path.startswith(other) for other in paths)]


def add(shelf: Shelf, username: str, password_hash: str, role: str, place_id: str, at: int) -> User:
    """A new user with one role. Hash the password before the transaction (`hashed`): it takes its time.

    Raises BadUser, UsernameTaken, NoSuchPlace.
    """
    place = places.of_now(shelf, place_id)
    name = checked_username(username)
    if shelf.users.called(name) is not None:
        raise UsernameTaken("a user of that name exists already")
    user = User(new_id(), name, password_hash, at)
    membership = Membership(user.user_id, checked_role(role), place.place_id, at, path=place.path)
    shelf.users.add(user)
    shelf.users.add_membership(membership)
    return replace(user, memberships=(membership,))


def grant(shelf: Shelf, user_id: str, role: str, place_id: str, since: int, until: int | None = None) -> Membership:
    """Raises NoSuchUser, NoSuchPlace, BadUser, dated.Overlapping, dated.NeverHolds."""
    user, place = shelf.users.get(user_id), places.of_now(shelf, place_id)
    membership = Membership(user_id, checked_role(role), place.place_id, since, until, place.path)
    same = [one for one in user.memberships if (one.role, one.place_id) == (membership.role, place_id)]
    dated.check_free(same, membership, f"the role {role} in {place.called()}")
    shelf.users.add_membership(membership)
    return membership


def withdraw(shelf: Shelf, user_id: str, membership_id: str, at: int) -> None:
    """The role ends now. Raises NoSuchUser, BadUser."""
    for one in shelf.users.get(user_id).memberships:
        if one.membership_id == membership_id and (one.until is None or one.until > at):
            shelf.users.end_membership(membership_id, max(at, one.since + 1))
            return
    raise BadUser("the user does not hold that role")


def set_password(shelf: Shelf, user_id: str, password_hash: str) -> None:
    """All who are signed in as this user are signed out. Raises NoSuchUser."""
    shelf.users.save(replace(shelf.users.get(user_id), password_hash=password_hash))
    shelf.users.drop_tokens(user_id=user_id)


def end(shelf: Shelf, user_id: str, at: int) -> None:
    """The user signs in no more; the notes they wrote keep their author. Raises NoSuchUser."""
    shelf.users.save(replace(shelf.users.get(user_id), ended_at=at))
    shelf.users.drop_tokens(user_id=user_id)


def sign_in(books: Books[Shelf], username: str, password: str, address: str, at: int) -> SignedIn:
    """Raises WrongPassword, TooManyAttempts.

    The attempt is counted before the password is looked at, so that many at once gain nothing.
    """
    keys = _keys(username, address)
    with books.begin() as shelf:
        for key, free_tries in keys.items():
            _count(shelf, key, free_tries, at)
        user = shelf.users.called(username.strip())
    known_by = user.password_hash if user is not None else _nobodys_hash()
    matches = _matches(known_by, password)
    if user is None or not matches:
        raise WrongPassword("name and password do not belong together")
    renewed = hashed(password) if _hasher().check_needs_rehash(known_by) else None
    token = secrets.token_urlsafe(32)
    with books.begin() as shelf:
        _forgive(shelf, *keys)
        if renewed is not None:
            shelf.users.save(replace(user, password_hash=renewed))
        shelf.users.drop_tokens(expired_at=at)
        shelf.users.save_token(Token(_digest(token), user.user_id, at, at + SLIDES))
        return SignedIn(token, at + SLIDES, shelf.users.get(user.user_id))


def sign_out(books: Books[Shelf], token: str) -> None:
    """The token is worth nothing from now on; one that never was changes nothing."""
    with books.begin() as shelf:
        shelf.users.drop_tokens(digest=_digest(token))


def who(books: Books[Shelf], token: str, at: int) -> tuple[User, int]:
    """The user who holds the token, and until when; a token in use is prolonged, to 7 days after the sign-in.

    Raises NotSignedIn.
    """
    with books.read() as shelf:
        held = shelf.users.token(_digest(token))
        if held is None or not held.holds_at(at):
            raise NotSignedIn("the token is not valid, or no longer")
        user = shelf.users.get(held.user_id)
    if user.ended_at is not None:
        raise NotSignedIn("the token is not valid, or no longer")
    prolonged = min(at + SLIDES, held.issued_at + LONGEST_STAY)
    if prolonged - held.expires_at < SLIDES_AFTER:
        return user, held.expires_at
    with books.begin() as shelf:
        if shelf.users.token(held.digest) is None:  # signed out in between
            raise NotSignedIn("the token is not valid, or no longer")
        shelf.users.save_token(replace(held, expires_at=prolonged))
    return user, prolonged


def first_administrator(books: Books[Shelf], clock: Clock = now) -> tuple[str, str] | None:
    """Name and password of an administrator, made where there is none; to be shown once."""
    at = clock()
    with books.read() as shelf:
        if shelf.users.any_administrator(at):
            return None
    password = secrets.token_hex(8)
    password_hash = hashed(password)
    with books.begin() as shelf:
        if shelf.users.any_administrator(at):
            return None
        name = FIRST_NAME
        while shelf.users.called(name) is not None:
            name = f"{FIRST_NAME}-{secrets.token_hex(2)}"
        add(shelf, name, password_hash, "administrator", places.top(shelf).place_id, at)
    return name, password


def hashed(password: str) -> str:
    """As it is kept; takes tens of milliseconds on purpose. Raises BadUser."""
    if len(password) < SHORTEST_PASSWORD:
        raise BadUser(f"a password has at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise BadUser(f"a password has at most {LONGEST_PASSWORD} characters")
    return _hasher().hash(password)


def checked_username(text: str) -> str:
    """The name as it is kept. Raises BadUser."""
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or any(c.isspace() for c in name):
        raise BadUser(f"a user's name has 1 to {LONGEST_NAME} characters and no spaces")
    return name


def checked_role(text: str) -> Role:
    """Raises BadUser."""
    for role in ROLES:
        if role == text:
            return role
    raise BadUser(f"{text!r} is no role; there are {', '.join(ROLES)}")


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # argon2id, with the library's parameters (RFC 9106, low memory)


@cache
def _nobodys_hash() -> str:
    """What an unknown name's password is compared with, so that it takes as long."""
    return _hasher().hash(secrets.token_urlsafe(16))


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher().verify(password_hash, password[: LONGEST_PASSWORD + 1])
    except (VerifyMismatchError, InvalidHashError):
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _keys(username: str, address: str) -> dict[str, int]:
    by_name = _digest(f"name:{username.strip().casefold()}")
    by_address = _digest(f"address:{address}")
    return {by_name: FREE_TRIES_BY_NAME, by_address: FREE_TRIES_BY_ADDRESS}


def _count(shelf: Shelf, key: str, free_tries: int, at: int) -> None:
    """Raises TooManyAttempts."""
    known = shelf.users.attempts(key)
    if known is None or at - max(known.last_at, known.not_before) > FORGIVEN_AFTER:
        known = Attempts(key, 0, at)
    if at < known.not_before:
        raise TooManyAttempts(known.not_before - at)
    failures = known.failures + 1
    wait = min(FIRST_WAIT << min(failures - free_tries, 16), LONGEST_WAIT) if failures >= free_tries else 0
    shelf.users.save_attempts(Attempts(key, failures, at, at + wait if wait else 0))
    shelf.users.drop_attempts(last_before=at - DAY)


def _forgive(shelf: Shelf, by_name: str, by_address: str) -> None:
    """The right name's failures are forgotten; of the address's only this attempt, which was none."""
    shelf.users.drop_attempts(key=by_name)
    known = shelf.users.attempts(by_address)
    if known is not None:
        shelf.users.save_attempts(replace(known, failures=known.failures - 1, not_before=0))
