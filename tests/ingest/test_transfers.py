"""A transfer that was answered is known again for a week, and one answer a report is made of several."""

from pathlib import Path

from coldchain.clock import DAY, now
from coldchain.data_dir import DataDir
from coldchain.sqlite import open_to_write, transaction
from ingest import transfers
from ingest.transfers import Answered, Doubt, ReportAnswer
from tests.helpers_ingest import OwnClock, open_gate, tell_settings
from tests.helpers_ingest import enrolled as device

ANSWER = [ReportAnswer("LG-0071", ("ilr-7",), 42, 1, (Doubt("unreadable", "a record's TVC is no number", 1, True),))]


def answered(transfer_id: str = "t-1", digest: str = "d-1", at: int = 0) -> Answered:
    return Answered("emd-platform", transfer_id, digest, ANSWER, at)


def test_the_same_content_under_the_same_id_is_known(tmp_path: Path):
    connection = open_to_write(tmp_path / "it.db")
    for statement in transfers.LAYOUT:
        connection.execute(statement)
    with transaction(connection):
        transfers.remember(connection, [answered(), answered(digest="d-2")])

    assert transfers.known(connection, "emd-platform", "t-1", "d-1") == ANSWER
    assert transfers.known(connection, "emd-platform", "t-1", "d-2") == ANSWER
    assert transfers.known(connection, "emd-platform", "t-1", "d-3") is None
    assert transfers.known(connection, "emd-platform", "t-2", "d-1") is None
    assert transfers.known(connection, "emd-other", "t-1", "d-1") is None
    connection.close()


def test_after_a_week_it_is_forgotten(tmp_path: Path):
    data_dir = DataDir(tmp_path)
    tell_settings(data_dir, device("emd-platform"))
    clock = OwnClock(now())
    with open_gate(data_dir, clock=clock) as gate:
        connection = open_to_write(data_dir.gate)
        with transaction(connection):
            transfers.remember(connection, [answered(at=clock.at - 8 * DAY), answered("t-2", at=clock.at)])
        gate.prune()
        left = [row[0] for row in connection.execute("SELECT transfer_id FROM transfers")]
        connection.close()

    assert left == ["t-2"]


def test_the_pieces_of_a_report_are_answered_as_one():
    one = ReportAnswer("LG-0071", ("ilr-7",), 500, 1)
    other = ReportAnswer("LG-0071", ("ilr-7", "ilr-8"), 201, 0, ANSWER[0].refused)
    alone = ReportAnswer(None, (), 0, 0)

    assert transfers.joined([(0, one), (0, other), (1, alone)]) == [
        ReportAnswer("LG-0071", ("ilr-7", "ilr-8"), 701, 1, ANSWER[0].refused),
        alone,
    ]
