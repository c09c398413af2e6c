"""Whatever happens to a file on its way, it is read whole or refused with a line: never half, never by an accident."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from ingest import files
from ingest.files import Damaged, LoggerFile
from tests.helpers_files import day, every_five_minutes, fridge_tag, q_tag

NOON = datetime(2026, 1, 1, 12)  # noqa: DTZ001  a logger's clock knows no zone
ROWS = every_five_minutes(NOON, 4, "4.5")
TAG = fridge_tag([day(1, date(2026, 1, 1), hot="70, TS A: 13:00, C A: 0")], ROWS, model="Q-tag Fridge-tag 2 L").encode()
JOURNEY = q_tag(ROWS, fired="TS S: 2026-01-01 07:00, t A: 95, TS A: 2026-01-01 07:30, TS E:").encode()
ALL = (TAG, JOURNEY)
WHOLE = {content: files.read("it", content, UTC) for content in ALL}


def read(content: bytes) -> LoggerFile | int:
    """The file, or the line that is damaged."""
    try:
        return files.read("it", content, UTC)
    except Damaged as why:
        return int(str(why).removeprefix("it:").partition(":")[0])


def test_a_file_that_was_cut_anywhere_is_refused_or_whole():
    for content in ALL:
        told = [read(content[:length]) for length in range(len(content) + 1)]

        assert all(one == WHOLE[content] or isinstance(one, int) for one in told)
        assert [one for one in told if not isinstance(one, int)] == [WHOLE[content]] * 2  # with its last newline or not


def test_a_file_whose_beginning_is_gone_is_refused():
    for content in ALL:
        assert all(isinstance(read(content[length:]), int) for length in range(1, len(content)))


@given(st.sampled_from(ALL), st.data())
def test_a_file_that_lost_a_piece_is_refused_or_has_no_reading_more(content: bytes, data: st.DataObject):
    begin = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(begin, len(content)))
    told = read(content[:begin] + content[end:])

    if not isinstance(told, int):
        assert all(len(one) <= len(ROWS) for one in told.measured)


@given(st.binary(max_size=400))
def test_rubbish_after_the_first_word_is_refused(rubbish: bytes):
    assert isinstance(read(b"Device: Q-tag Fridge-tag 2\n" + rubbish), int)


@given(st.sampled_from(ALL), st.integers(0, 5_000), st.integers(0, 255))
def test_one_changed_byte_raises_nothing_but_a_refusal(content: bytes, where: int, byte: int):
    where %= len(content)

    read(content[:where] + bytes([byte]) + content[where + 1 :])
