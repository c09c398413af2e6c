"""The wheel is whole: whoever installs it has the verbs, the rules, the migrations and the built pages."""

import configparser
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards import web_files

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    if web_files() is None:
        pytest.skip("the pages are not built here (make)")
    pytest.importorskip("hatchling", reason="hatchling is not installed here (make)")
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(directory.glob("*.whl"))) as built:
        yield built


def test_it_has_the_pages_and_not_what_they_are_made_of(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert "dashboards/web/dist/index.html" in names
    assert any(name.startswith("dashboards/web/dist/") and name.endswith(".js") for name in names)
    assert not [name for name in names if "node_modules" in name or name.startswith("dashboards/web/src")]


def test_it_has_the_rules_and_the_migrations(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert "coldchain/data/rules.toml" in names
    assert [name for name in names if name.startswith("registry/books/migrations/versions/")]


def test_it_has_every_room_and_every_verb(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    points = configparser.ConfigParser()
    points.read_string(wheel.read(next(n for n in names if n.endswith("entry_points.txt"))).decode())
    verbs = dict(points["coldchain.verbs"])
    assert {"up", "broker", "line", "desk", "doctor", "api", "agent", "device", "user"} <= verbs.keys()
    for value in verbs.values():
        assert f"{value.partition(':')[0].replace('.', '/')}.py" in names
    assert points["console_scripts"]["coldchain"] == "coldchain.__main__:main"


def test_it_carries_no_tests_and_no_tools(wheel: zipfile.ZipFile) -> None:
    assert not [name for name in wheel.namelist() if name.startswith(("tests/", ".ci/", "docs/", "requirements/"))]
