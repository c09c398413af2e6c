"""What ids promise: anybody can make one, and devices have names that topics can carry."""

import uuid

import pytest

from coldchain.ids import BadDeviceId, device_id, new_id, public_id, sensor_id


def test_a_new_id_is_a_uuid_of_version_seven_and_a_public_one_of_version_four():
    for make, version in ((new_id, 7), (public_id, 4)):
        made = uuid.UUID(make())
        assert (made.version, made.variant) == (version, uuid.RFC_4122)


def test_ids_made_in_one_breath_differ():
    assert len({new_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("name", ["pi-0142", "abc", "0" * 32])
def test_a_device_id_is_lower_case_digits_and_hyphens(name):
    assert device_id(name) == name


@pytest.mark.parametrize(
    "name", ["", "ab", "a" * 33, "Pi-0142", "pi_0142", "pi/0142", "pi+", "#", "pi-0142\n", "पी-01"]
)
def test_any_other_name_is_refused(name):
    with pytest.raises(BadDeviceId):
        device_id(name)


def test_a_sensor_is_named_as_in_senml():
    assert sensor_id("pi-0142", "tvc") == "pi-0142:tvc"
