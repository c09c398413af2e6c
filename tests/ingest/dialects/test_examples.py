"""Every dialect's table of examples, as `coldchain decode` answers it; and a dialect without a table is refused."""

import pytest

from ingest.dialects import AUTO, DIALECTS, decode, recognise
from ingest.dialects.examples import examples_of, line_of
from ingest.refusals import Unreadable

EXAMPLES = [pytest.param(one, id=f"{name}: {one.what}") for name in DIALECTS for one in examples_of(name)]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_understood_as_its_table_says(example):
    if example.refused is not None:
        with pytest.raises(Unreadable, match=example.refused):
            decode(example.dialect, example.sent)
        return

    lines = [line for reading in decode(example.dialect, example.sent) if (line := line_of(reading)) is not None]

    assert lines == list(example.readings)


@pytest.mark.parametrize("example", EXAMPLES)
def test_auto_takes_an_example_for_what_it_is(example):
    assert recognise(example.sent).name == example.told_as
    if example.refused is None:
        assert decode(AUTO, example.sent) == decode(example.dialect, example.sent)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_has_examples_of_readings_and_of_none(name):
    examples = examples_of(name)

    assert any(len(one.readings) for one in examples)
    assert any(one.refused or not one.readings for one in examples)
