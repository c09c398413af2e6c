"""The line is what runs on the smallest machines: it loads neither the web framework nor the SQL toolkit."""

import subprocess
import sys

import pytest

HEAVY = ("fastapi", "sqlalchemy", "alembic", "pydantic", "argon2", "httpx", "jinja2")


@pytest.mark.parametrize("module", ["api.line", "api.up"])
def test_it_loads_nothing_heavy(module: str) -> None:
    program = (
        f"import sys, {module}, api.verbs, coldchain.__main__;"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
