"""What a phone of 2016 over 2G has to fetch before it sees the wall, and what is kept for the next time."""

import gzip
import json
import re
from pathlib import Path

import pytest

MOST = 75_000
WEB = Path(__file__).parents[2] / "dashboards" / "web"


def first_files(built: Path, language: str) -> list[Path]:
    """The page, what it names, and the words of one language."""
    page = (built / "index.html").read_text("utf-8")
    named = re.findall(r'(?:src|href)="/(assets/[^"]+|icon\.svg|manifest[^"]+)"', page)
    words = json.loads(re.findall(r'\(document, (\{"en".*?\})\)', page)[0])
    return [built / "index.html", *(built / name for name in named), built / words[language].lstrip("/")]


@pytest.mark.parametrize("language", ["en", "hi"])
@pytest.mark.parametrize("ending", [".br", ".gz"])
def test_the_first_load_is_at_most_75_kb_compressed(built: Path, language: str, ending: str) -> None:
    files = first_files(built, language)

    assert len(files) >= 4
    assert sum(file.with_name(file.name + ending).stat().st_size for file in files) <= MOST


def test_the_chart_library_waits_until_a_storage_point_is_opened(built: Path) -> None:
    first = "".join(file.read_text("utf-8") for file in first_files(built, "en"))
    later = "".join(file.read_text("utf-8") for file in (built / "assets").glob("Point-*.js"))

    assert "tzDate" not in first
    assert "tzDate" in later


def test_every_file_lies_beside_its_packed_ones(built: Path) -> None:
    for file in built.rglob("*"):
        if file.suffix in (".html", ".js", ".css", ".svg", ".webmanifest"):
            assert file.with_name(file.name + ".br").is_file()
            assert gzip.decompress(file.with_name(file.name + ".gz").read_bytes()) == file.read_bytes()


def test_assets_bear_their_content_in_their_names(built: Path) -> None:
    plain = [file.name for file in (built / "assets").iterdir() if file.suffix in (".js", ".css")]

    assert plain
    assert all(re.search(r"-[A-Za-z0-9_-]{8}\.(js|css)$", name) for name in plain)


def test_the_service_worker_keeps_every_file_of_the_window(built: Path) -> None:
    worker = (built / "sw.js").read_text("utf-8")

    assert "%" not in worker.replace("100%", "")
    for file in (built / "assets").iterdir():
        if file.suffix in (".js", ".css"):
            assert f"/assets/{file.name}" in worker


def test_the_lock_file_names_no_registry() -> None:
    lock = (WEB / "package-lock.json").read_text("utf-8")

    assert '"resolved"' not in lock
    assert "registry" not in lock


def test_versions_are_pinned() -> None:
    package = json.loads((WEB / "package.json").read_text("utf-8"))
    wanted = {**package["dependencies"], **package["devDependencies"]}

    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
