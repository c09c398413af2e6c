"""What topic filters mean."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldchain import filters
from coldchain.filters import BadFilter, Filters, matches, overlap

LEVELS = ("a", "b", "", "+", "#")


@pytest.mark.parametrize(
    ("text", "topic", "is_meant"),
    [
        ("tele/x/SENSOR", "tele/x/SENSOR", True),
        ("tele/+/SENSOR", "tele/x/SENSOR", True),
        ("tele/+/SENSOR", "tele/x/y/SENSOR", False),
        ("zigbee2mqtt/#", "zigbee2mqtt/store/fridge", True),
        ("zigbee2mqtt/#", "zigbee2mqtt", True),
        ("a/+", "a", False),
        ("a/+", "a/", True),
        ("+/b", "$SYS/b", False),
        ("tele/x/SENSOR", "tele/x/sensor", False),
    ],
)
def test_a_filter_means_what_mqtt_says(text: str, topic: str, is_meant: bool):
    assert matches(text, topic) is is_meant


def filters_of(levels: int) -> list[str]:
    some = ["/".join(parts) for n in range(1, levels + 1) for parts in product(LEVELS, repeat=n)]
    return [one for one in some if "#" not in one[:-1]]


TOPICS = ["/".join(parts) for n in range(1, 5) for parts in product(("a", "b", "c", ""), repeat=n)]


@given(st.sampled_from(filters_of(3)), st.sampled_from(filters_of(3)))
def test_two_overlap_where_a_topic_is_meant_by_both(one: str, other: str):
    assert overlap(one, other) == any(matches(one, topic) and matches(other, topic) for topic in TOPICS)


@given(st.lists(st.sampled_from(filters_of(3)), max_size=8), st.sampled_from(TOPICS))
def test_what_is_found_is_meant(some: list[str], topic: str):
    known: Filters[str] = Filters()
    for one in some:
        known.add(one, one)
    found = known.find(topic)

    assert (found is not None) == any(matches(one, topic) for one in some)
    assert found is None or matches(found, topic)


def test_of_several_the_one_counts_that_names_more():
    known: Filters[str] = Filters()
    for one in ("#", "+/x/SENSOR", "tele/#", "tele/+/SENSOR", "tele/x/SENSOR"):
        known.add(one, one)

    assert known.find("tele/x/SENSOR") == "tele/x/SENSOR"
    assert known.find("tele/y/SENSOR") == "tele/+/SENSOR"
    assert known.find("tele/y/STATE") == "tele/#"
    assert known.find("stat/x/SENSOR") == "+/x/SENSOR"
    assert known.find("$SYS/x/SENSOR") is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "#", "+", "+/+", "+/#", "a/#/b", "a+/b", "a/b#", "$SYS/#", "$share/x/y", " a", "a\nb", "a\0b", "x" * 201),
        *("coldchain/#", "coldchain/v1/pi-0142/readings", "+/v1/#", "+/+/+/readings", "coldchain", "coldchain/other"),
    ],
)
def test_no_device_has_topics_that_are_others_or_none(text: str):
    with pytest.raises(BadFilter):
        filters.checked(text)


@pytest.mark.parametrize(
    "text", ["tele/x/SENSOR", "+/sensor/+/state", "zigbee2mqtt/#", "v1/devices/me/telemetry", "a b/c"]
)
def test_topics_that_devices_have(text: str):
    assert filters.checked(text) == text
