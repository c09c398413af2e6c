"""The lock files: made anew (`make lock`), or checked (`--check`): every package with its hashes, no registry named.

A lock that names where a package is fetched from ties everybody to one registry, and stops a mirror from serving.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
NPM_LOCK = ROOT / "dashboards" / "web" / "package-lock.json"

PYTHON_LOCKS = {
    "dev.txt": ["pyproject.toml", "--extra", "dev", "requirements/build.in"],
    "server.txt": ["pyproject.toml", "--extra", "server", "requirements/build.in", "-c", "requirements/dev.txt"],
    "broker.txt": ["pyproject.toml", "--extra", "broker", "-c", "requirements/dev.txt"],
    "uv.txt": ["requirements/uv.in"],
    "node.txt": ["requirements/node.in"],
}

PINNED = re.compile(r"^[A-Za-z0-9._-]+(\[[a-z0-9,-]+\])?==[^\s;]+( ;[^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def main() -> int:
    if "--check" not in sys.argv:
        make()
    troubles = [*python_troubles(), *npm_troubles()]
    for trouble in troubles:
        print(trouble, file=sys.stderr)
    return 1 if troubles else 0


def make() -> None:
    for name, sources in PYTHON_LOCKS.items():
        print(f"── {name}")
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
        command += ["--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"]
        command += [*sys.argv[1:], *sources, "-o", f"requirements/{name}"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PATH": path})


def python_troubles() -> Iterator[str]:
    for name in PYTHON_LOCKS:
        lines = (LOCKS / name).read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            if not (PINNED.match(line) or HASH.match(line)):
                yield f"requirements/{name}:{number}: neither `name==version` nor one of its hashes: {line[:60]}"


def npm_troubles() -> Iterator[str]:
    for name, package in json.loads(NPM_LOCK.read_text(encoding="utf-8"))["packages"].items():
        if "resolved" in package:
            yield f"package-lock.json: {name} says where it is fetched from (npm: omit-lockfile-registry-resolved)"
        if name and "integrity" not in package and not package.get("link"):
            yield f"package-lock.json: {name} has no hash"


if __name__ == "__main__":
    sys.exit(main())
