"""Places, storage points and their imports."""

import httpx

from registry import users
from tests.api.conftest import Person, World


def test_a_place_lies_in_another_and_takes_its_zone(world: World, boss: Person):
    made = boss.post("/places", {"kind": "facility", "name": {"en": "PHC", "hi": "प्रा"}, "parent_id": world.top}, 201)

    assert (made["parent_id"], made["zone"], made["name"]) == (world.top, "Asia/Kolkata", {"en": "PHC", "hi": "प्रा"})
    assert made in boss.get("/places")["items"]


def test_a_place_that_makes_no_sense_is_refused(world: World, boss: Person):
    for body, status in (
        ({"kind": "planet", "name": {"en": "X"}, "parent_id": world.top}, 422),
        ({"kind": "block", "name": {}, "parent_id": world.top}, 422),
        ({"kind": "block", "name": {"en": " "}, "parent_id": world.top}, 422),
        ({"kind": "block", "name": {"en": "X"}, "parent_id": world.top, "zone": "Mars/Base"}, 422),
        ({"kind": "block", "name": {"en": "X"}, "parent_id": "never-was"}, 404),
        ({"kind": "block", "name": {"en": "X"}}, 422),
    ):
        boss.post("/places", body, status)


def test_a_storage_point_stands_in_a_place(world: World, boss: Person):
    made = boss.post("/storage-points", {"name": "ILR 1", "storage_class": "refrigerator", "place_id": world.top}, 201)

    assert made["place"]["id"] == world.top
    assert boss.get("/storage-points")["items"] == [made]
    full = boss.get(f"/storage-points/{made['id']}")
    assert (full["limits"], full["zone"], full["row"]["state"]) == (
        {"heat_c": 8.0, "frost_c": -0.5},
        "Asia/Kolkata",
        "empty",
    )
    boss.post("/storage-points", {"name": "ILR 1", "storage_class": "freezer", "place_id": world.top}, 409)
    boss.post("/storage-points", {"name": "ILR 2", "storage_class": "oven", "place_id": world.top}, 422)


def test_lists_of_places_and_points_come_in_pages(world: World, boss: Person):
    for number in range(5):
        world.place(f"Block {number}")
        world.point(f"ILR {number}")

    assert len(boss.everything("/places", limit=2)) == 6
    assert [one["name"] for one in boss.everything("/storage-points", limit=2)] == [f"ILR {n}" for n in range(5)]


def test_pages_hold_over_several_subtrees(world: World):
    mine, other, third = (world.place(f"Block {n}") for n in range(3))
    person = world.user("me", "session-planner", mine)
    with world.written() as shelf:
        users.grant(shelf, shelf.users.called("me").user_id, "vaccinator", third, world.now)
    for number, place in enumerate((mine, third, other, third, mine)):
        world.point(f"ILR {number}", place)

    for limit in (1, 2, 10):
        assert [one["name"] for one in person.everything("/storage-points", limit=limit)] == [
            "ILR 0",
            "ILR 1",
            "ILR 3",
            "ILR 4",
        ]


def post_table(world: World, person: Person, what: str, table: str, accept: str = "application/json") -> httpx.Response:
    return world.http.post(
        f"/api/v1/imports/{what}",
        content=table.encode(),
        headers={**person.headers, "content-type": "text/csv", "accept": accept},
    )


TABLE = "name,storage_class,place\nILR 1,refrigerator,Block\nILR 2,fridge,Block\nILR 3,refrigerator,Nowhere\n"


def test_a_table_is_taken_but_for_its_wrong_rows(world: World, boss: Person):
    world.place("Block")
    told = post_table(world, boss, "storage-points", TABLE).json()

    assert (told["created"], told["updated"]) == (1, 0)
    assert [(one["line"], one["row"]) for one in told["errors"]] == [
        (3, ["ILR 2", "fridge", "Block"]),
        (4, ["ILR 3", "refrigerator", "Nowhere"]),
    ]
    assert post_table(world, boss, "storage-points", TABLE).json()["created"] == 0
    assert [one["name"] for one in boss.get("/storage-points")["items"]] == ["ILR 1"]


def test_the_wrong_rows_can_be_had_as_a_table_to_mend(world: World, boss: Person):
    world.place("Block")
    answer = post_table(world, boss, "storage-points", TABLE, "text/csv")

    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.text.splitlines()
    assert lines[0] == "name,storage_class,place,line,reason"
    assert lines[1].startswith("ILR 2,fridge,Block,3,")


def test_imported_devices_get_their_passwords_once(world: World, boss: Person):
    world.point("ILR 1")
    told = post_table(world, boss, "devices", "device_id,storage_point,interval_s\npi-1,ILR 1,60\n").json()

    [given] = told["credentials"]
    assert given["device_id"] == "pi-1"
    assert "pi-1:" in (world.data_dir.broker / "passwd").read_text()
    assert boss.get("/devices/pi-1")["interval_s"] == 60
    assert post_table(world, boss, "devices", "device_id\npi-1\n").json()["credentials"] == []


def test_a_file_that_is_no_table_is_refused(world: World, boss: Person):
    for what, table in (("places", "colour\nred\n"), ("places", '"'), ("people", "name\nx\n")):
        assert post_table(world, boss, what, table).status_code == 422


def test_an_import_reaches_no_further_than_one_s_places_and_learns_nothing_of_others(world: World):
    mine, theirs = world.place("Mine"), world.place("Theirs")
    world.point("Their ILR", theirs)
    me = world.user("me", "programme-manager", mine)
    table = "name,storage_class,place\nILR 1,refrigerator,{}\n"

    assert post_table(world, me, "storage-points", table.format("Mine")).json()["created"] == 1
    foreign = post_table(world, me, "storage-points", table.format("Theirs")).json()
    never = post_table(world, me, "storage-points", table.format("Never")).json()
    assert foreign["created"] == never["created"] == 0
    assert foreign["errors"][0]["reason"].replace("Theirs", "Never") == never["errors"][0]["reason"]


def test_rows_without_a_place_lie_in_one_s_own(world: World):
    mine = world.place("Mine")
    me = world.user("me", "programme-manager", mine)
    post_table(world, me, "storage-points", "name,storage_class\nILR 1,refrigerator\n")

    [point] = me.get("/storage-points")["items"]
    assert point["place"]["id"] == mine
