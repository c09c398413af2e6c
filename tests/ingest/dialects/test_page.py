"""docs/dialects.md tells of every dialect, with its examples as they are; and its own command does what it says."""

import io
import re
import shlex
import sys
from types import SimpleNamespace

from coldchain.__main__ import main
from ingest.dialects import DIALECTS
from ingest.dialects.plain_json import KEYS
from tests.ingest.dialects.page import PAGE, told, written

TEXT = PAGE.read_text("utf-8")


def test_every_dialect_has_its_section_and_its_table():
    assert sorted(told(TEXT)) == sorted(DIALECTS)
    assert [name for name in DIALECTS if f"\n### {name}\n" not in TEXT] == []


def test_the_tables_are_the_examples_as_they_are():
    assert written(TEXT) == TEXT, "python -m tests.ingest.dialects.page writes them anew"


def test_every_key_of_a_mapping_is_explained():
    assert [key for key in KEYS if f"| `{key}` |" not in TEXT] == []


def test_the_command_at_its_top_answers_what_stands_below_it(capsys, monkeypatch):
    [(payload, command, answer)] = re.findall(r"```sh\necho '(.*)' \| coldchain (.*)\n(.*)\n```", TEXT)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(payload.encode())))

    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out == f"{answer}\n"
