"""What is measured at a storage point, each in its own words; and what speaks for the product there."""

from coldchain.clock import MINUTE
from registry import devices, placements, speech
from tests.api.conftest import START, Person, World

AT = START - MINUTE


def hear_all(world: World, device_id: str) -> None:
    world.hear(device_id, (AT, 4.5))
    world.hear(device_id, (AT, 31.0), channel="tamb")
    world.hear(device_id, (AT, 30.5), channel="DS18B20-2")
    world.hear(device_id, (AT, 1.0), channel="door", unit="bool")
    world.hear(device_id, (AT, 0.0), channel="mains", unit="/")
    world.hear(device_id, (AT, 61.0), channel="humidity", unit="%RH")
    world.hear(device_id, (AT, 2.95), channel="battery", unit="V")


def test_every_channel_is_told_with_its_quantity_and_role(world: World, boss: Person):
    point = world.point("ILR 1")
    world.device("box-1", point)
    with world.written() as shelf:
        devices.speak(shelf, "box-1", speech.checked(probes={"DS18B20-2": "ambient"}))
    hear_all(world, "box-1")
    items = boss.get(f"/storage-points/{point}/channels")["items"]

    assert [(one["sensor"], one["role"], one["quantity"]) for one in items] == [
        ("tvc", "product", "temperature"),
        ("DS18B20-2", "ambient", "temperature"),
        ("tamb", "ambient", "temperature"),
        ("door", "door", "door"),
        ("mains", "power", "power"),
        ("battery", "other", "battery"),
        ("humidity", "other", "humidity"),
    ]
    told = {one["sensor"]: (one["celsius"], one["value"], one["is_on"]) for one in items}
    assert (told["tvc"], told["door"], told["mains"], told["battery"]) == (
        (4.5, 4.5, None),
        (None, None, True),
        (None, None, False),
        (None, 2.95, None),
    )


def test_the_room_the_door_and_the_mains_do_not_colour_the_wall_as_product(world: World, boss: Person):
    point = world.point("ILR 1")
    world.device("box-1", point)
    with world.written() as shelf:
        devices.speak(shelf, "box-1", speech.checked(probes={"DS18B20-2": "ambient"}))
    hear_all(world, "box-1")
    [row] = boss.get("/wall")["items"]

    assert (row["celsius"], row["sensor"]) == (4.5, "tvc")


def test_a_fault_has_no_value(world: World, boss: Person):
    point = world.point("ILR 1")
    world.device("box-1", point)
    world.hear("box-1", (AT - MINUTE, 4.5), faults=((AT, "unplugged"),))
    [one] = boss.get(f"/storage-points/{point}/channels")["items"]

    assert (one["fault"], one["celsius"], one["value"]) == ("unplugged", None, None)


def test_a_channel_that_stands_elsewhere_is_told_there(world: World, boss: Person):
    here, there = world.point("ILR 1"), world.point("ILR 2")
    world.device("box-1", here)
    world.hear("box-1", (AT, 4.5))
    world.hear("box-1", (AT, 5.5), channel="tvc2")
    with world.written() as shelf:
        placements.place(shelf, "box-1", there, world.now, channel="tvc2", since=AT - MINUTE)

    assert [one["sensor"] for one in boss.get(f"/storage-points/{here}/channels")["items"]] == ["tvc"]
    assert [one["sensor"] for one in boss.get(f"/storage-points/{there}/channels")["items"]] == ["tvc2"]


def test_a_bridge_that_measures_nothing_is_no_row_of_the_wall(world: World, boss: Person):
    world.device("hub-1", kind="bridge")
    world.device("box-1")

    assert [one["id"] for one in boss.get("/wall")["not_placed"]] == ["box-1"]
    world.hear("hub-1", (AT, 14.5))
    assert {one["id"] for one in boss.get("/wall")["not_placed"]} == {"box-1", "hub-1"}
