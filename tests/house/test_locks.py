"""What is installed is pinned to the byte, and no file says where from."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_package_has_its_hashes_and_no_registry_is_named() -> None:
    told = subprocess.run(
        [sys.executable, ROOT / ".ci" / "lock.py", "--check"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr


def test_the_locks_have_what_the_project_asks_for() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for lock, extras in (("server.txt", ["server"]), ("broker.txt", ["broker"]), ("dev.txt", ["server", "dev"])):
        locked = {line.partition("==")[0] for line in (ROOT / "requirements" / lock).read_text().splitlines()}
        for extra in extras:
            for requirement in asked[extra]:
                name = requirement.partition(">")[0].partition("[")[0].strip()
                assert name in locked or name == "coldchain", f"{name} is not in requirements/{lock}: make lock"
