"""Books for tests: on SQLite always, and on PostgreSQL where its programs are installed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from registry.books import Books, open_books
from tests.helpers_registry import START

PROGRAMS = ("/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of books as they are at the first start, to be copied."""
    path = tmp_path_factory.mktemp("books") / "books.db"
    open_books(f"sqlite:///{path}", lambda: START).close()
    with suppress(FileNotFoundError):
        path.with_name("books.db-wal").unlink()
    return path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server of our own, without a database's name, with laid-out books in `template_books`."""
    initdb = shutil.which("initdb", path=os.pathsep.join((os.environ.get("PATH", ""), *PROGRAMS)))
    if initdb is None:
        pytest.skip("PostgreSQL is not installed here (no initdb): its half of the contract was not tested")
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed: its half was not tested")
    programs = Path(initdb).resolve().parent
    user = _somebody_else()
    home = Path(tempfile.mkdtemp(prefix="pg"))
    shutil.chown(home, user) if user else None
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "user": user, "cwd": home}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    initialise = [programs / "initdb", "-D", home / "data", "-U", "books", "--auth=trust", "--no-sync", "-E", "UTF8"]
    subprocess.run([*map(str, initialise), "--locale=C.UTF-8"], check=True, timeout=60, **quiet)  # type: ignore[call-overload]
    options = ["-D", home / "data", "-p", port, "-k", home, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    server = subprocess.Popen([str(programs / "postgres"), *map(str, options)], **quiet)  # type: ignore[call-overload]
    url = f"postgresql+psycopg://books@127.0.0.1:{port}"
    try:
        _until_it_answers(port)
        _execute(port, "CREATE DATABASE template_books")
        open_books(f"{url}/template_books", lambda: START).close()
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # fast: it does not wait for whoever is still connected
        server.wait(20)
        shutil.rmtree(home)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    """Books as they are at the first start."""
    if request.param == "sqlite":
        path = tmp_path / "books.db"
        shutil.copy(request.getfixturevalue("laid_out"), path)
        opened = open_books(f"sqlite:///{path}", lambda: START)
    else:
        url: str = request.getfixturevalue("postgresql")
        name = f"books_{time.monotonic_ns()}"
        _execute(int(url.rsplit(":", 1)[1]), f"CREATE DATABASE {name} TEMPLATE template_books")
        opened = open_books(f"{url}/{name}", lambda: START)
    yield opened
    opened.close()


def _somebody_else() -> str | None:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    pytest.skip("PostgreSQL does not run as root, and there is no other user here: its half was not tested")


def _until_it_answers(port: int) -> None:
    import psycopg

    until = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="books", dbname="postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def _execute(port: int, statement: str) -> None:
    import psycopg

    with closing(
        psycopg.connect(host="127.0.0.1", port=port, user="books", dbname="postgres", autocommit=True)
    ) as connection:
        connection.execute(statement.encode())
