"""What a crash point promises: nothing while it is not armed, one death while it is."""

import subprocess
import sys
from pathlib import Path

from coldchain import crash


def test_a_point_that_is_not_armed_does_nothing(tmp_path: Path):
    crash.point("gate.appended")


def test_an_armed_point_kills_its_process_once(tmp_path: Path):
    token = tmp_path / "token"
    script = (
        "import sys; from coldchain import crash\n"
        "crash.arm_from(sys.argv[1]); crash.point('gate.received'); crash.point('gate.appended'); print('lived')"
    )
    armed = f"gate.appended={token};books.read={tmp_path / 'other'}"
    token.touch()

    first, second = (
        subprocess.run([sys.executable, "-c", script, armed], check=False, capture_output=True, text=True)
        for _ in range(2)
    )
    assert (first.returncode, first.stdout) == (-9, "")
    assert (second.returncode, second.stdout) == (0, "lived\n")
    assert not token.exists()
