"""The window: the web page (`web/`), built into files that the desk serves."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def web_files() -> Path | None:
    """The directory of the built page; None where it has not been built."""
    built = Path(__file__).parent / "web" / "dist"
    return built if (built / "index.html").is_file() else None


def inline_hashes(page: str) -> dict[str, list[str]]:
    """What stands in the page itself, as a content policy names it: {"script": ["'sha256-…'"], "style": […]}.

    The page's first style and the script that asks for the wall before any code has come save a round trip of a slow
    line each; by their hashes they are allowed, and nothing else that somebody might write into a page.
    """
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in _INLINE.findall(page):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    return hashes
