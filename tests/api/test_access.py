"""Who may see and do what."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from api.access import Access, declared_by
from coldchain.clock import DAY, HOUR, MINUTE
from registry import users
from tests.api.conftest import PASSWORD, START, Person, World, copied_world

PUBLIC = {("GET", "/health"), ("GET", "/metrics"), ("POST", "/api/v1/sign-in")}
"""Nobody need sign in for these; /metrics has a door of its own."""

BY_DEVICE = {
    ("POST", "/api/v1/devices/{device_id}/readings"),
    ("POST", "/api/v1/{token}/telemetry"),
    ("POST", "/api/v1/cce-interop"),
}
"""The gate checks the device's own credentials."""

BY_TOKEN_ALONE = {("GET", "/api/v1/me"), ("POST", "/api/v1/sign-out"), ("GET", "/api/v1/dialects")}


def routes_of(routes: list[BaseRoute]) -> Iterator[APIRoute]:
    """Whether FastAPI keeps an included router whole or takes its routes over."""
    for route in routes:
        inside = getattr(route, "original_router", None)
        if inside is not None:
            yield from routes_of(inside.routes)
        elif isinstance(route, APIRoute):
            yield route


def declared(world: World) -> dict[tuple[str, str], Access | None]:
    return {
        (method, route.path): declared_by(route.dependant)
        for route in routes_of(list(world.app.routes))
        for method in route.methods or ()
    }


def test_every_route_says_which_permission_it_needs_and_how_the_place_is_found(world: World):
    told = declared(world)

    assert len(told) > 25
    assert [route for route, access in told.items() if access is None or not access.place] == []


def test_no_route_is_open_to_all_but_those_on_the_list(world: World):
    without = {route for route, access in declared(world).items() if access is not None and access.permission is None}

    assert without == PUBLIC | BY_DEVICE | BY_TOKEN_ALONE


def test_the_only_other_path_is_the_api_document(world: World):
    others = {getattr(route, "path", "") for route in world.app.routes if not hasattr(route, "original_router")}

    assert others == {"/api/openapi.json"}


def test_without_a_token_every_route_but_the_public_ones_answers_401(world: World):
    for (method, path), access in declared(world).items():
        if (method, path) in PUBLIC | BY_DEVICE:
            continue
        answer = world.http.request(method, path.replace("{", "").replace("}", ""), json={})
        assert answer.status_code == 401, (method, path, access)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


# Two districts that must not learn of each other


class Two:
    """Two blocks alike, each with a handler, a point, a device, an excursion, an incident and a refusal."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.mine, self.theirs = world.place("Mine"), world.place("Theirs")
        self.my_point, self.their_point = world.point("ILR 1", self.mine), world.point("ILR 1", self.theirs)
        world.device("mine-0001", self.my_point)
        world.device("theirs-0001", self.their_point)
        world.device("loose-0001", place_id=self.theirs)
        hot = [(START - 12 * HOUR + i * 5 * MINUTE, 9.5) for i in range(140)]
        for device in ("mine-0001", "theirs-0001", "loose-0001"):
            world.hear(device, *hot)
        self.me = world.user("me", "programme-manager", self.mine)
        self.boss = world.user("boss")


@pytest.fixture(scope="module")
def two(fresh_books: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """For tests that leave the districts as they are."""
    world = copied_world(fresh_books, tmp_path_factory.mktemp("two"))
    yield Two(world)
    world.close()


@pytest.fixture
def fresh(world: World) -> Two:
    """For tests that change them."""
    return Two(world)


LISTS = ("/places", "/storage-points", "/devices", "/excursions", "/incidents", "/refusals")


@pytest.mark.parametrize("path", LISTS)
def test_a_list_holds_nothing_of_another_place(two: Two, path: str):
    text = str(two.me.everything(path))

    for secret in ("Theirs", two.theirs, two.their_point, "theirs-0001", "loose-0001"):
        assert secret not in text
    assert path == "/refusals" or two.me.everything(path)
    assert path == "/refusals" or two.theirs in str(two.boss.everything(path)) or "theirs" in str(two.boss.get(path))


def test_the_wall_holds_nothing_of_another_place(two: Two):
    wall = two.me.get("/wall")

    assert [row["id"] for row in wall["items"]] == [two.my_point]
    assert wall["not_placed"] == []
    assert wall["place"]["id"] == two.mine
    assert wall["counts"] == {"act": 1, "watch": 0, "silent": 0, "fault": 0, "ok": 0}
    assert [row["id"] for row in two.boss.get("/wall")["not_placed"]] == ["loose-0001"]


def test_what_lies_outside_is_404_in_the_same_words_as_what_never_was(two: Two):
    [theirs] = two.boss.get("/incidents", place=two.theirs)["items"][:1]
    never = "never-was"
    for path, real in (
        ("/storage-points/{}", two.their_point),
        ("/storage-points/{}/chart", two.their_point),
        ("/storage-points/{}/evidence", two.their_point),
        ("/devices/{}", "theirs-0001"),
        ("/devices/{}/readings", "theirs-0001"),
        ("/incidents/{}", theirs["id"]),
        ("/wall?place={}", two.theirs),
        ("/events?place={}", two.theirs),
        ("/places?place={}", two.theirs),
        ("/places?place={}", two.world.top),
        ("/excursions?storage_point={}", two.their_point),
        ("/excursions?place={}", two.theirs),
        ("/incidents?place={}", two.theirs),
        ("/refusals?place={}", two.theirs),
        ("/devices?place={}", two.theirs),
    ):
        one, other = two.me.get(path.format(real), 404), two.me.get(path.format(never), 404)
        assert one["detail"].replace(real, never) == other["detail"]
        assert (one["type"], one["title"]) == (other["type"], other["title"])


def test_nothing_can_be_done_outside(two: Two):
    [theirs] = two.boss.get("/incidents", place=two.theirs)["items"][:1]
    for path, body in (
        ("/places", {"kind": "facility", "name": {"en": "X"}, "parent_id": two.theirs}),
        ("/places", {"kind": "facility", "name": {"en": "X"}, "parent_id": two.world.top}),
        ("/storage-points", {"name": "X", "storage_class": "refrigerator", "place_id": two.theirs}),
        ("/devices", {"device_id": "new-0001", "storage_point_id": two.their_point}),
        ("/devices", {"device_id": "new-0001", "place_id": two.theirs}),
        ("/devices", {"device_id": "new-0001"}),
        ("/devices/theirs-0001/placements", {"storage_point_id": two.my_point}),
        ("/devices/mine-0001/placements", {"storage_point_id": two.their_point}),
        ("/devices/theirs-0001/end", {}),
        ("/devices/theirs-0001/password", {}),
        (f"/incidents/{theirs['id']}/acknowledge", {"comment": "x"}),
        (f"/incidents/{theirs['id']}/notes", {"kind": "acted", "text": "x"}),
        (f"/incidents/{theirs['id']}/close", {"reason": "x"}),
        ("/refusals/1/release", {}),
    ):
        two.me.post(path, body, 404)


def test_an_excursion_list_of_a_foreign_device_is_as_empty_as_that_of_none(two: Two):
    assert two.me.get("/excursions", device="theirs-0001") == two.me.get("/excursions", device="never-was")
    assert len(two.me.get("/excursions", device="mine-0001")["items"]) == 2


def test_what_a_device_measured_at_foreign_points_stays_theirs_when_it_moves_here(fresh: Two):
    two = fresh
    moved_at = START - 6 * HOUR
    two.boss.post("/devices/theirs-0001/placements", {"storage_point_id": two.my_point, "from": str(moved_at)}, 201)

    seen = two.me.everything("/devices/theirs-0001/readings", limit=7)
    placements = two.me.get("/devices/theirs-0001")["placements"]

    assert min(item["measured_at"] for item in seen) == "2026-01-02T18:00:00Z"
    assert len(seen) < len(two.boss.everything("/devices/theirs-0001/readings")) == 140
    assert {one["storage_point"]["id"] for one in placements} == {two.my_point}


def test_the_parent_of_my_own_place_is_not_named_to_me(two: Two):
    [mine] = two.me.get("/places")["items"]

    assert (mine["id"], mine["parent_id"]) == (two.mine, None)
    assert two.world.top in {place["parent_id"] for place in two.boss.get("/places")["items"]}


def test_a_role_in_a_place_reaches_all_below_it_and_ends_when_it_ends(fresh: Two):
    two = fresh
    below = two.world.place("Below mine", two.mine, "facility")
    two.world.point("ILR 9", below)
    assert {point["name"] for point in two.me.get("/storage-points")["items"]} == {"ILR 1", "ILR 9"}

    with two.world.written() as shelf:
        user = shelf.users.called("me")
        users.withdraw(shelf, user.user_id, user.memberships[0].membership_id, two.world.now)
    two.world.now += 1
    two.me.get("/storage-points", 403)
    two.me.get(f"/storage-points/{two.my_point}", 404)


# Roles


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("vaccinator", ["points.read", "readings.read", "incidents.read"], ["devices", "refusals", "acknowledge"]),
        ("session-planner", ["devices.read"], ["refusals", "acknowledge", "enrol", "import"]),
        ("cold-chain-handler", ["incidents.acknowledge", "refusals.read"], ["enrol", "import", "release"]),
        ("programme-manager", ["devices.write", "import"], []),
    ],
)
def test_a_role_may_what_it_may_and_no_more(two: Two, role: str, may: list[str], may_not: list[str]):
    person = two.world.user(f"a-{role}", role, two.mine)
    [mine] = two.boss.get("/incidents", place=two.mine)["items"]
    deeds = {
        "devices": lambda: person.get("/devices", 403),
        "refusals": lambda: person.get("/refusals", 403),
        "acknowledge": lambda: person.post(f"/incidents/{mine['id']}/acknowledge", {"comment": "seen"}, 403),
        "enrol": lambda: person.post("/devices", {"device_id": "new-1", "storage_point_id": two.my_point}, 403),
        "import": lambda: person.post("/imports/devices", {}, 403),
        "release": lambda: two.world.http.post("/api/v1/refusals/1/release", headers=person.headers),
    }

    assert set(may) <= set(person.get("/me")["permissions"])
    for deed in may_not:
        deeds[deed]()


# Signing in


def test_a_token_tells_who_one_is_and_what_one_may(world: World):
    world.user("r.meena", "cold-chain-handler", world.place("Block"))
    told = world.http.post("/api/v1/sign-in", json={"username": "r.meena", "password": PASSWORD})

    assert told.json()["user"]["role"] == "cold-chain-handler"
    assert told.json()["user"]["places"][0]["name"]["en"] == "Block"
    assert told.json()["expires_at"] == "2026-01-03T12:00:00Z"
    assert told.headers["cache-control"] == "no-store"
    assert set(told.json()) == {"token", "expires_at", "user", "permissions"}


def test_a_wrong_password_and_an_unknown_name_are_told_alike(world: World):
    world.user("r.meena")
    wrong = world.http.post("/api/v1/sign-in", json={"username": "r.meena", "password": "wrong"})
    unknown = world.http.post("/api/v1/sign-in", json={"username": "nobody", "password": "wrong"})

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_who_guesses_has_to_wait(world: World):
    world.user("r.meena")
    answers = [world.http.post("/api/v1/sign-in", json={"username": "r.meena", "password": "wrong"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) == 30
    world.now += 31_000
    assert world.signed_in("r.meena").get("/me")


def test_a_token_expires(world: World, boss: Person):
    world.now += 11 * HOUR
    boss.get("/me")
    world.now += 11 * HOUR
    boss.get("/me")
    world.now += 13 * HOUR
    boss.get("/me", 401)


def test_a_token_in_use_ends_after_seven_days_all_the_same(world: World, boss: Person):
    for _ in range(20):
        world.now += 8 * HOUR
        boss.get("/me")
    world.now = START + 7 * DAY + 1
    boss.get("/me", 401)


def test_who_signed_out_is_out(boss: Person):
    boss.post("/sign-out", status=204)
    boss.get("/me", 401)


def test_a_password_never_comes_back_in_an_error(world: World):
    answer = world.http.post("/api/v1/sign-in", json={"username": "x", "password": ["my-secret"], "more": "my-secret"})

    assert answer.status_code == 422
    assert "my-secret" not in answer.text
