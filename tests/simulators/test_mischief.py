"""What devices of the real world send now and then: each of it must be refused by the gate, for its own reason."""

import pytest

from coldchain.clock import now
from coldchain.errors import Refused
from ingest.senml import parse
from simulators import mischief


@pytest.mark.parametrize(("device", "body"), mischief.messages(now()).items())
def test_the_gate_believes_none_of_it(device, body):
    with pytest.raises(Refused):
        parse(device, body, now())


def test_a_copied_card_speaks_well_and_under_a_number_that_was_given():
    pack = parse("dev-1", mischief.other_voice("dev-1", "9f86d081884c7d65"), now())

    assert (pack.outbox_id, pack.seq) == ("9f86d081884c7d65", 1)


def test_only_devices_that_are_there_speak():
    class Speaker:
        said = 0

        def publish(self, leaf: str, body: bytes) -> bool:
            self.said += 1
            return True

    speaker = Speaker()

    assert mischief.send({"phc-amrawat-2": speaker, "phc-kachnar-1": speaker}, now()) == 1
    assert speaker.said == 1
