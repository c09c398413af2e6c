"""The invented district."""

import pytest

from coldchain.clock import DAY, MINUTE, instant
from simulators import district
from simulators.stand import Standing

JUNE = instant("2026-06-01T00:00:00+05:30")


def test_the_shipped_district_has_forty_storage_points():
    points = list(district.shipped().points())

    assert len(points) == 40
    assert sum(point.interval_s == 60 for point in points) == 10
    assert {point.interval_s for point in points} == {60, 300}


def test_it_has_a_store_health_centres_and_all_kinds_of_fridge():
    shipped = district.shipped()
    kinds = {facility.type for block in shipped.blocks for facility in block.facilities}

    assert kinds == {"district-store", "community-health-centre", "primary-health-centre"}
    assert {point.make for point in shipped.points()} == set(district.MAKES)
    assert {point.storage_class for point in shipped.points()} == {"refrigerator", "freezer", "walk-in-cooler"}


def test_every_name_is_in_english_and_hindi():
    shipped = district.shipped()
    names = [shipped.name]
    for block in shipped.blocks:
        names += [block.name, *(facility.name for facility in block.facilities)]

    assert all(name["en"].isascii() and any("ऀ" <= letter <= "ॿ" for letter in name["hi"]) for name in names)


def test_left_to_itself_most_of_it_is_in_range_most_of_the_time():
    """A rehearsal in which everything is red teaches nothing, one in which nothing is neither."""
    out = whole = 0
    ever_out = set()
    for device, stand in district.shipped().stands().items():
        standing = Standing(stand, JUNE, JUNE + 7 * DAY)
        limit = -1500 if "freezer" in stand.make.name else 800
        for at in range(JUNE + DAY, JUNE + 7 * DAY, 10 * MINUTE):
            standing.advance(at)
            value = standing.measure(at).centidegrees or 0
            whole += 1
            if value > limit:
                out += 1
                ever_out.add(device)

    assert 0.001 < out / whole < 0.08
    assert 3 <= len(ever_out) <= 25


def test_places_on_one_feeder_go_dark_together():
    shipped = district.shipped()
    stands = shipped.stands()
    devtola = [point.device_id for facility in shipped.blocks[-1].facilities for point in facility.points]
    standings = [Standing(stands[device], JUNE, JUNE + 7 * DAY) for device in devtola]
    dark = []
    for at in range(JUNE, JUNE + 7 * DAY, 10 * MINUTE):
        for standing in standings:
            standing.advance(at)
        dark.append(sum(not standing.powered() for standing in standings))

    all_dark = dark.count(len(standings))
    most_lit = sum(0 < count < len(standings) / 2 for count in dark)
    assert all_dark > 3 * most_lit > 0


def test_a_smaller_one_can_be_cut_from_it():
    assert [p.device_id for p in district.shipped().with_only(5).points()] == [
        p.device_id for p in district.shipped().points()
    ][:5]


MINIMAL = '[[block]]\nname = "B"\n[[block.facility]]\nname = "F"\npoints = [["ILR", "ilr", "dev-1", 60]]\n'


def test_a_district_of_ones_own_can_be_short():
    assert next(district.parse('name = "D"\n' + MINIMAL, "d.toml").points()).device_id == "dev-1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MINIMAL, "d.toml: name is missing"),
        ('name = "D"\n', "d.toml: block is missing"),
        ('name = "D', "d.toml: "),
        ('name = "D"\n' + MINIMAL.replace("dev-1", "Dev_1"), "no device id"),
        ('name = "D"\n' + MINIMAL.replace('"ilr"', '"oven"'), "the make must be one of"),
        ('name = "D"\n' + MINIMAL.replace("60", "0"), "no number of seconds"),
        ('name = "D"\n' + MINIMAL + MINIMAL, "dev-1 stands in two places"),
        ('name = "D"\n' + MINIMAL.replace('name = "B"', 'name = "B"\nsupply = "moon"'), "supply must be one of"),
        ('name = "D"\nblock = 5\n', "d.toml: "),
    ],
)
def test_what_is_wrong_with_a_district_is_told(text, told):
    with pytest.raises(district.BadDistrict) as why:
        district.parse(text, "d.toml")

    assert told in str(why.value)
