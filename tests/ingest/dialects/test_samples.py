"""Messages caught from devices that people own, which lie beside the project: each is told by `auto` for what it is."""

import json
from pathlib import Path

import pytest

from ingest.dialects import AUTO, Sent, decode
from ingest.dialects.examples import line_of
from tests.helpers_ingest import ARRIVED

SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples" / "mqtt-payloads.json"
CAUGHT = json.loads(SAMPLES.read_text("utf-8")) if SAMPLES.exists() else []


@pytest.mark.skipif(not CAUGHT, reason="the samples lie beside the project, and are not there")
def test_there_are_samples():
    assert len(CAUGHT) >= 12


@pytest.mark.parametrize("sample", [pytest.param(one, id=one["id"]) for one in CAUGHT])
def test_a_message_that_was_caught_is_understood(sample):
    readings = decode(
        AUTO, Sent(sample["topic"], sample["payload"].encode(), ARRIVED, retained=sample.get("retain", False))
    )

    lines = [line for reading in readings if (line := line_of(reading)) is not None]
    wanted = [one[key] for one in sample["expected"] for key in ("temp_c", "ambient_c") if key in one]
    assert [line["celsius"] for line in lines] == wanted
    named = {one["device"] for one in sample["expected"] if "device" in one}
    assert named <= {line["device_id"] for line in lines}
