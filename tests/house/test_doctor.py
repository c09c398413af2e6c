"""`coldchain doctor` says what is wrong, and what to do, in a sentence a check."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from api.doctor import examine
from coldchain.data_dir import DataDir
from dashboards import web_files
from tests.helpers_house import COLDCHAIN, Up, everything, wait_until


def doctor(root: Path) -> tuple[int, str]:
    told = subprocess.run([*COLDCHAIN, "doctor", "--data", str(root)], capture_output=True, text=True, check=False)
    return told.returncode, told.stdout


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, told = doctor(tmp_path / "nowhere")
    assert code == 1
    assert "nowhere is not there" in told


def test_a_house_that_does_not_run_is_not_well(tmp_path: Path) -> None:
    troubles = {finding.about: finding.told for finding in examine(DataDir(tmp_path)) if not finding.is_well}
    assert "start `coldchain up" in troubles["line"]
    assert "start `coldchain up" in troubles["desk"]
    assert "gate.db does not exist yet" in troubles["gate.db"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    DataDir(tmp_path).gate.write_bytes(b"this was a database once" * 500)
    troubles = {finding.about: finding.told for finding in examine(DataDir(tmp_path)) if not finding.is_well}
    assert "not a database" in troubles["gate.db"]


@pytest.mark.servers
def test_a_house_that_runs_is_well_until_a_part_hangs(tmp_path: Path) -> None:
    if web_files() is None:
        pytest.skip("the pages are not built here (make)")
    with everything(Up(tmp_path / "data")) as up:
        code, told = doctor(up.root)
        assert code == 0, told
        assert "stream.judge" in told

        line = up.children()["line"]
        os.kill(line, signal.SIGSTOP)
        try:
            code, told = doctor(up.root)
            assert code == 1
            assert "!!  gate" in told
        finally:
            os.kill(line, signal.SIGCONT)
        wait_until(lambda: doctor(up.root)[0] == 0, 20, "it to be well again")
