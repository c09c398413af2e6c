"""What the README points at is there: the ten-second table, the promises' tests, the pages beside it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROOMS = {path.name for path in ROOT.iterdir() if path.is_dir()}
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def named_paths(text: str) -> list[str]:
    """Paths in backticks, such as `ingest/gate.py` or `api/routes/`."""
    in_backticks: list[str] = re.findall(r"`([\w.-]+(?:/[\w.-]*)+)`", text)
    return [path for path in in_backticks if path.partition("/")[0] in ROOMS]


def test_the_table_and_the_promises_name_files_that_exist() -> None:
    paths = named_paths(README)
    assert len(paths) > 30
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_link_leads_nowhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_promise_names_a_test() -> None:
    promised = README.partition("## What is promised")[2]
    rows = [line for line in promised.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert len(rows) >= 7
    assert all("`tests/" in row for row in rows)
