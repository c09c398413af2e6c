"""The machine of the demo: free ports, an invented password, a fresh directory."""

import fcntl
import re
import socket

import pytest

from simulators.demo import LOCK, DemoRuns, NotADemo, _fresh
from simulators.machine import NoFreePort, free_port, invented_password


def test_a_port_that_is_taken_is_stepped_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert port < free_port("127.0.0.1", port) < port + 50


def test_a_port_that_is_free_is_taken():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]

    assert free_port("127.0.0.1", port) == port


def test_an_address_that_is_not_ours_has_no_free_port():
    with pytest.raises(NoFreePort):
        free_port("192.0.2.1", 8000)


def test_a_password_can_be_typed_and_is_another_each_time():
    passwords = {invented_password() for _ in range(20)}

    assert len(passwords) > 10
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-\d{4}", password) for password in passwords)


def test_an_earlier_demo_is_swept_away(tmp_path):
    root = tmp_path / "demo"
    with _fresh(root):
        (root / "books.db").write_text("old")
        (root / "broker").mkdir()
        (root / "broker" / "acl").write_text("old")

    with _fresh(root):
        assert [child.name for child in root.iterdir()] == [LOCK]


def test_anything_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(NotADemo, match="holds something that is no earlier demo"), _fresh(tmp_path):
        pytest.fail("it must not come so far")

    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_two_demos_do_not_share_a_directory(tmp_path):
    with (tmp_path / LOCK).open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        with pytest.raises(DemoRuns, match="runs on"), _fresh(tmp_path):
            pytest.fail("it must not come so far")
