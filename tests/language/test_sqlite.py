"""What our SQLite promises: all or nothing, one writer, and a follower's position beside its effect."""

import contextlib
import os
import sqlite3
import subprocess
import sys

import pytest

from coldchain.sqlite import (
    POSITIONS,
    FileMissing,
    open_to_read,
    open_to_write,
    position,
    save_position,
    transaction,
)


@pytest.fixture
def writer(tmp_path):
    connection = open_to_write(tmp_path / "room.db")
    connection.execute("CREATE TABLE noun (name TEXT)")
    yield connection
    connection.close()


def names(connection):
    return [name for (name,) in connection.execute("SELECT name FROM noun ORDER BY rowid")]


def test_a_transaction_that_fails_leaves_nothing(writer):
    with contextlib.suppress(KeyError), transaction(writer):
        writer.execute("INSERT INTO noun VALUES ('half')")
        raise KeyError

    assert names(writer) == []
    with transaction(writer):
        writer.execute("INSERT INTO noun VALUES ('whole')")
    assert names(writer) == ["whole"]


def test_a_commit_that_fails_leaves_nothing_and_the_writer_can_go_on(writer):
    writer.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    writer.execute("CREATE TABLE part (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), transaction(writer):
        writer.execute("INSERT INTO part VALUES (7)")

    with transaction(writer):
        writer.execute("INSERT INTO noun VALUES ('after')")
    assert names(writer) == ["after"]
    assert writer.execute("SELECT count(*) FROM part").fetchone() == (0,)


def test_a_disk_that_is_full_says_so_and_leaves_what_was(writer):
    writer.execute("INSERT INTO noun VALUES ('before')")
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"), transaction(writer):
        writer.executemany("INSERT INTO noun VALUES (?)", [("x" * 1000,)] * 100)

    assert names(writer) == ["before"]
    writer.execute("PRAGMA max_page_count = 100000")
    with transaction(writer):
        writer.execute("INSERT INTO noun VALUES ('room again')")


def test_everybody_else_reads_only(writer, tmp_path):
    reader = open_to_read(tmp_path / "room.db")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("INSERT INTO noun VALUES ('intruder')")
    reader.close()


def test_a_file_that_its_writer_has_not_made_is_told_so(tmp_path):
    with pytest.raises(FileMissing, match=r"gate\.db"):
        open_to_read(tmp_path / "gate.db")


def test_a_reader_does_not_wait_for_the_writer(writer, tmp_path):
    reader = open_to_read(tmp_path / "room.db")
    with transaction(writer):
        writer.execute("INSERT INTO noun VALUES ('coming')")
        assert names(reader) == []
    assert names(reader) == ["coming"]
    reader.close()


def test_a_position_is_durable_with_its_effect_or_not_at_all(writer):
    writer.execute(POSITIONS)
    with transaction(writer):
        save_position(writer, "readings", "stream.judge", 7)
    with contextlib.suppress(KeyError), transaction(writer):
        save_position(writer, "readings", "stream.judge", 9)
        raise KeyError

    assert position(writer, "readings", "stream.judge") == 7
    assert position(writer, "readings", "registry.incidents") == 0


def test_a_commit_that_returned_survives_kill_9(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from coldchain.sqlite import open_to_write, transaction\n"
        "c = open_to_write(Path(sys.argv[1])); c.execute('CREATE TABLE noun (name TEXT)')\n"
        "with transaction(c): c.execute(\"INSERT INTO noun VALUES ('kept')\")\n"
        "c.execute('BEGIN IMMEDIATE'); c.execute(\"INSERT INTO noun VALUES ('lost')\")\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "room.db"
    died = subprocess.run([sys.executable, "-c", script, str(path)], check=False, cwd=os.getcwd())
    assert died.returncode == -9

    reader = open_to_read(path)
    assert names(reader) == ["kept"]
    reader.close()


def test_a_file_that_may_only_be_read_is_no_file_to_write(writer, tmp_path):
    """Of its own SQLite would open it, and be unable to write it even when others can again."""
    path = tmp_path / "room.db"
    path.chmod(0o444)
    opening = (
        f"from pathlib import Path; from coldchain.sqlite import open_to_write; open_to_write(Path({str(path)!r}))"
    )
    told = subprocess.run(
        [sys.executable, "-m", "tests.soak.modestly", sys.executable, "-c", opening],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "FileReadOnly: room.db may only be read" in told.stderr
