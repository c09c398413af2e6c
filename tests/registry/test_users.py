"""What users, roles and signing in promise."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from coldchain.clock import DAY, HOUR, MINUTE, SECOND
from registry import places, users
from registry.books import Books, open_books
from registry.dated import Overlapping
from registry.roles import MAY, PERMISSIONS, ROLES, Permission, Role
from registry.users import (
    BadUser,
    NoSuchUser,
    NotSignedIn,
    TooManyAttempts,
    User,
    UsernameTaken,
    WrongPassword,
    permits,
)
from tests.helpers_registry import START, block, district
from tests.tales import hour

PASSWORD = "correct horse"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Of earlier, weaker days: wrong passwords are told quickly, and a right one strengthens it."""

HERE = "192.0.2.7"


@pytest.fixture
def asha(books: Books) -> User:
    """A cold-chain handler of Rampur, which has a clinic and a neighbour."""
    with books.begin() as shelf:
        rampur = block(shelf, "Rampur")
        block(shelf, "Sitapur")
        places.add(shelf, "facility", {"en": "Clinic"}, rampur.place_id)
        return users.add(shelf, "Asha", HASH, "cold-chain-handler", rampur.place_id, START)


def path(books: Books, name: str) -> str:
    with books.read() as shelf:
        return places.find(shelf, name).path


def sign_in(books: Books, name: str = "Asha", password: str = PASSWORD, at: int = START, address: str = HERE) -> str:
    return users.sign_in(books, name, password, address, at).token


# Roles and places


def test_a_role_holds_in_its_place_and_below_and_nowhere_else(books: Books, asha: User):
    def may(permission: Permission, name: str) -> bool:
        return permits(asha, permission, path(books, name), hour(1))

    assert may("incidents.acknowledge", "Rampur")
    assert may("incidents.acknowledge", "Clinic")
    assert not may("incidents.acknowledge", "Sitapur")
    assert not may("incidents.acknowledge", "Our district")
    assert not may("users.write", "Rampur")


def test_a_role_follows_its_place_as_things_are_now(books: Books, asha: User):
    with books.begin() as shelf:
        clinic, sitapur = places.find(shelf, "Clinic"), places.find(shelf, "Sitapur")
        places.move(shelf, clinic.place_id, sitapur.place_id, hour(1), hour(1))
        moved = shelf.users.get(asha.user_id)

    assert not permits(moved, "points.read", path(books, "Clinic"), hour(2))


def test_roles_begin_and_end(books: Books, asha: User):
    with books.begin() as shelf:
        sitapur = places.find(shelf, "Sitapur")
        users.grant(shelf, asha.user_id, "vaccinator", sitapur.place_id, hour(5), hour(9))
        with pytest.raises(Overlapping):
            users.grant(shelf, asha.user_id, "vaccinator", sitapur.place_id, hour(8))
        user = shelf.users.get(asha.user_id)

    may = [permits(user, "points.read", sitapur.path, hour(at)) for at in (4, 5, 8, 9)]
    assert may == [False, True, True, False]
    assert users.paths_permitted(user, "points.read", hour(6)) == sorted([path(books, "Rampur"), sitapur.path])


def test_a_role_that_was_taken_away_permits_nothing(books: Books, asha: User):
    with books.begin() as shelf:
        users.withdraw(shelf, asha.user_id, asha.memberships[0].membership_id, hour(5))
        user = shelf.users.get(asha.user_id)
        with pytest.raises(BadUser):
            users.withdraw(shelf, asha.user_id, asha.memberships[0].membership_id, hour(6))

    assert permits(user, "points.read", path(books, "Rampur"), hour(4))
    assert not permits(user, "points.read", path(books, "Rampur"), hour(5))


def test_what_lies_within_another_permitted_place_is_named_once(books: Books, asha: User):
    with books.begin() as shelf:
        users.grant(shelf, asha.user_id, "vaccinator", places.find(shelf, "Clinic").place_id, START)
        user = shelf.users.get(asha.user_id)

    assert users.paths_permitted(user, "points.read", hour(1)) == [path(books, "Rampur")]


def test_the_table_of_roles_is_as_it_should_be():
    assert set(MAY) == set(ROLES)
    assert MAY["administrator"] == set(PERMISSIONS)
    for role in ROLES:
        if role != "administrator":
            assert "users.write" not in MAY[role]
    writers: list[Role] = [role for role in ROLES if "devices.write" in MAY[role]]
    assert writers == ["administrator", "programme-manager"]


# Names and passwords


def test_a_name_is_one_person_in_any_spelling(books: Books, asha: User):
    with books.begin() as shelf, pytest.raises(UsernameTaken):
        users.add(shelf, "ASHA", HASH, "vaccinator", district(shelf).place_id, START)
    assert sign_in(books, "aSHa")


@pytest.mark.parametrize("name", ["", "  ", "two words", "x" * 65, "new\nline", "\x07bell"])
def test_a_name_that_nobody_could_type_is_refused(books: Books, name: str):
    with books.begin() as shelf, pytest.raises(BadUser):
        users.add(shelf, name, HASH, "vaccinator", district(shelf).place_id, START)


def test_a_password_has_eight_characters_at_least():
    with pytest.raises(BadUser, match="at least 8"):
        users.hashed("sevenal")
    with pytest.raises(BadUser, match="at most"):
        users.hashed("x" * 257)


def test_passwords_are_kept_as_argon2id_and_tokens_as_digests(tmp_path: Path):
    books = open_books(f"sqlite:///{tmp_path}/books.db", lambda: START)
    with books.begin() as shelf:
        users.add(shelf, "Asha", HASH, "vaccinator", district(shelf).place_id, START)
    token = sign_in(books)
    books.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"$argon2id$" in kept
    assert PASSWORD.encode() not in kept
    assert token.encode() not in kept


def test_a_weak_hash_is_strengthened_when_its_owner_signs_in(books: Books, asha: User):
    sign_in(books)
    with books.read() as shelf:
        kept = shelf.users.get(asha.user_id).password_hash

    assert kept != HASH
    assert not PasswordHasher().check_needs_rehash(kept)
    assert sign_in(books)


def test_a_person_is_not_shown_by_accident(books: Books, asha: User, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        sign_in(books)
        with pytest.raises(WrongPassword) as why:
            sign_in(books, "Asha", "wrong password")

    assert "Asha" not in repr(asha) + str(why.value) + caplog.text
    assert "argon2" not in repr(asha)


# Signing in


def test_who_signs_in_is_known_by_the_token_until_it_expires(books: Books, asha: User):
    signed_in = users.sign_in(books, "Asha", PASSWORD, HERE, START)

    assert signed_in.expires_at == START + 12 * HOUR
    assert users.who(books, signed_in.token, START + HOUR)[0].user_id == asha.user_id
    with pytest.raises(NotSignedIn):
        users.who(books, signed_in.token + "x", START)
    with pytest.raises(NotSignedIn):
        users.who(books, signed_in.token, START + 25 * HOUR)


def test_a_token_in_use_is_prolonged_for_seven_days_at_most(books: Books, asha: User):
    token = sign_in(books)
    at = START
    while at < START + 7 * DAY:
        _, until = users.who(books, token, at)
        at += 5 * HOUR

    assert until == START + 7 * DAY
    with pytest.raises(NotSignedIn):
        users.who(books, token, START + 7 * DAY)


def test_reading_with_a_token_writes_nothing_for_five_minutes(books: Books, asha: User):
    token = sign_in(books)

    assert users.who(books, token, START + 4 * MINUTE)[1] == START + 12 * HOUR
    assert users.who(books, token, START + 6 * MINUTE)[1] == START + 12 * HOUR + 6 * MINUTE


def test_signing_out_ends_one_token_and_no_other(books: Books, asha: User):
    one, other = sign_in(books), sign_in(books)
    users.sign_out(books, one)
    users.sign_out(books, "never was")

    with pytest.raises(NotSignedIn):
        users.who(books, one, START)
    assert users.who(books, other, START)[0].user_id == asha.user_id


def test_a_new_password_signs_out_everywhere(books: Books, asha: User):
    token = sign_in(books)
    with books.begin() as shelf:
        users.set_password(shelf, asha.user_id, users.hashed("another horse"))

    with pytest.raises(NotSignedIn):
        users.who(books, token, START)
    with pytest.raises(WrongPassword):
        sign_in(books)
    assert sign_in(books, password="another horse")


def test_who_has_left_signs_in_no_more_and_is_not_found(books: Books, asha: User):
    token = sign_in(books)
    with books.begin() as shelf:
        users.end(shelf, asha.user_id, hour(1))

    with pytest.raises(NotSignedIn):
        users.who(books, token, START)
    with pytest.raises(WrongPassword):
        sign_in(books)
    with books.read() as shelf:
        assert shelf.users.page(path(books, "Rampur")) == []
        with pytest.raises(NoSuchUser):
            shelf.users.get("nobody")


# Guessing


def fail(books: Books, times: int, at: int, name: str = "Asha", address: str = HERE) -> list[int | None]:
    """How long each guess is told to wait, in seconds; None where it was merely wrong."""
    waits: list[int | None] = []
    for _ in range(times):
        try:
            sign_in(books, name, "wrong password", at, address)
        except WrongPassword:
            waits.append(None)
        except TooManyAttempts as why:
            waits.append(why.retry_after // SECOND)
    return waits


def test_five_wrong_passwords_and_then_one_waits_longer_each_time(books: Books, asha: User):
    assert fail(books, 6, START) == [None] * 5 + [30]
    with pytest.raises(TooManyAttempts):
        sign_in(books)  # the right one waits too
    assert fail(books, 2, START + 30 * SECOND) == [None, 60]
    assert fail(books, 2, START + 90 * SECOND) == [None, 120]
    assert sign_in(books, at=START + 210 * SECOND)
    assert fail(books, 1, START + 211 * SECOND) == [None]


def test_a_restart_forgets_no_guess(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/books.db"
    books = open_books(url, lambda: START)
    fail(books, 5, START)
    books.close()
    books = open_books(url, lambda: START)

    assert fail(books, 1, START) == [30]
    books.close()


def test_unknown_names_are_held_back_alike_and_say_the_same(books: Books, asha: User):
    with pytest.raises(WrongPassword) as of_nobody:
        sign_in(books, "nobody", PASSWORD)
    with pytest.raises(WrongPassword) as of_asha:
        sign_in(books, "Asha", "wrong password")

    assert str(of_nobody.value) == str(of_asha.value)
    assert fail(books, 5, START, name="nobody") == [None] * 4 + [30]


def test_one_address_that_tries_many_names_is_held_back(books: Books, asha: User):
    waits = [fail(books, 1, START, name=f"guess-{number}")[0] for number in range(21)]

    assert waits == [None] * 20 + [30]
    assert fail(books, 1, START, name="guess-99", address="192.0.2.8") == [None]


def test_one_persons_success_does_not_excuse_the_others_at_the_address(books: Books, asha: User):
    for number in range(19):
        fail(books, 1, START, name=f"guess-{number}")
    assert sign_in(books)

    assert [fail(books, 1, START, name=f"more-{number}")[0] for number in range(2)] == [None, 30]


def test_guesses_are_forgiven_after_an_hour_of_rest(books: Books, asha: User):
    fail(books, 5, START)

    assert fail(books, 5, START + 2 * HOUR) == [None] * 5


def test_many_at_once_gain_no_more_guesses(books: Books, asha: User):
    with ThreadPoolExecutor(12) as at_once:
        waits = list(at_once.map(lambda _: fail(books, 1, START)[0], range(12)))

    assert waits.count(None) == 5


# The first administrator


def test_the_first_administrator_is_made_once(books: Books):
    made = users.first_administrator(books, lambda: START)
    assert made is not None
    user = users.sign_in(books, *made, HERE, START).user

    assert (made[0], user.roles_at(START)[0].role) == ("admin", "administrator")
    assert users.first_administrator(books, lambda: hour(1)) is None
    assert set(user.permissions_at(START)) == set(PERMISSIONS)


def test_another_administrator_makes_it_needless(books: Books):
    with books.begin() as shelf:
        users.add(shelf, "Asha", HASH, "administrator", district(shelf).place_id, START)

    assert users.first_administrator(books, lambda: START) is None


def test_users_of_a_place_are_listed_by_name(books: Books, asha: User):
    with books.begin() as shelf:
        for name in ("Zoya", "bina"):
            users.add(shelf, name, HASH, "vaccinator", places.find(shelf, "Clinic").place_id, START)
        first = shelf.users.page(places.find(shelf, "Rampur").path, limit=2)
        rest = shelf.users.page(places.find(shelf, "Rampur").path, first[-1].username, limit=2)

    assert [user.username for user in first + rest] == ["Asha", "bina", "Zoya"]
