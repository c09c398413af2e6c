"""The tables of examples in docs/dialects.md: `python -m tests.ingest.dialects.page` writes them anew."""

import re
from pathlib import Path

from ingest.dialects.examples import Example, examples_of

PAGE = Path(__file__).resolve().parents[3] / "docs/dialects.md"

_place = re.compile(r"<!-- examples: ([\w-]+) -->\n(?:(?:\|.*\n)+<!-- end -->\n)?")
LONGEST = 150


def written(page: str) -> str:
    """The page with every table as its examples are now."""
    return _place.sub(lambda found: f"<!-- examples: {found[1]} -->\n{_table(found[1])}<!-- end -->\n", page)


def told(page: str) -> list[str]:
    """The dialects that have a table there."""
    return [found[1] for found in _place.finditer(page)]


def _table(name: str) -> str:
    rows = ["| what | topic and message | understood |", "|---|---|---|"]
    for one in examples_of(name):
        message = f"`{one.sent.topic}`<br>{_code(_short(one.shown))}{_circumstances(one)}"
        rows.append(f"| {one.what} | {message} | {_understood(one)} |")
    return "".join(f"{row}\n" for row in rows)


def _understood(one: Example) -> str:
    if one.refused is not None:
        return "cannot be read"
    lines = [
        " ".join(
            [
                f"`{reading['device_id']}` `{reading['sensor']}`",
                f"**{reading['celsius']} °C**" if "celsius" in reading else f"**fault {reading['fault']}**",
                *([reading["measured_at"]] if reading["measured_at"] else []),
            ]
        )
        for reading in one.readings
    ]
    return "<br>".join(lines) or "–"


def _circumstances(one: Example) -> str:
    said = [f"zone {one.sent.zone}"] if str(one.sent.zone) != "UTC" else []
    said += [f"mapping {_code(repr(one.sent.mapping))}"] if one.sent.mapping else []
    return f"<br>{', '.join(said)}" if said else ""


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
