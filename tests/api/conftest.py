"""A desk with real books and a real history in a temporary directory, a clock that the test owns, and people."""

import asyncio
import hashlib
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from api.app import create_app
from api.gate_client import GateClient
from api.settings import Settings
from coldchain.clock import HOUR, MINUTE
from coldchain.data_dir import DataDir
from coldchain.events import Heartbeat
from coldchain.journal import Entry
from coldchain.journal.sqlite import SqliteJournal
from coldchain.packs import Column, Pack
from coldchain.readings import centidegrees
from coldchain.topics import SETTINGS
from ingest.gate import Gate, Message
from ingest.http import make_app, open_door
from ingest.keeper import Keeper
from ingest.refusals import Refusals
from registry import enrolment, incidents, places, storage_points, troubles, users
from registry.books import open_books
from registry.relay import relay
from stream.history import History
from stream.judge import Judge
from tests.tales import NEW_YEAR

PASSWORD = "an invented phrase"
START = NEW_YEAR + 48 * HOUR


@cache
def password_hash() -> str:
    return users.hashed(PASSWORD)


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The app on a free port, in a thread of its own; gives its URL."""
    bound = socket.socket(proto=socket.IPPROTO_TCP)  # named, else asyncio leaves Nagle's delay on
    bound.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended before it had begun"
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        bound.close()


@cache
def a_loop() -> asyncio.AbstractEventLoop:
    """One event loop for all desks that are asked without a socket, in a thread of its own."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


class InProcess(httpx.BaseTransport):
    """Hands requests to the app as a server would, without one. Its lifespan, and so the live pages, is not begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 5))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            answer = await self._inner.handle_async_request(request)
            assert isinstance(answer.stream, httpx.AsyncByteStream)
            body = b"".join([part async for part in answer.stream])  # as it was sent, packed or not
            return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body))

        return asyncio.run_coroutine_threadsafe(ask(), a_loop()).result(30)


class World:
    """Everything behind one desk. `now` is what its clock says."""

    def __init__(self, root: Path) -> None:
        self.data_dir = DataDir(root)
        self.now = START
        self.books = open_books(f"sqlite:///{self.data_dir.books}", self.clock)
        self.judge = Judge(self.data_dir.stream)
        self.history = History(self.data_dir.stream)
        self.gate = GateClient(self.data_dir.gate_socket)
        self.settings = Settings(self.data_dir, metrics_token="for the figures")
        self.refusals = Refusals(self.data_dir.gate)
        self.app = create_app(self.books, self.history, self.refusals, self.gate, self.settings, self.clock)
        self.http = httpx.Client(base_url="http://desk", transport=InProcess(self.app))
        self._journal = SqliteJournal(root)
        self._offset = 0
        self._settled = 0
        with self.books.read() as shelf:
            self.top = places.top(shelf).place_id

    def clock(self) -> int:
        return self.now

    # what stands where

    @contextmanager
    def written(self) -> Iterator[Any]:
        """The shelf, to write on; the desk looks anew afterwards."""
        with self.books.begin() as shelf:
            yield shelf
        self.app.state.desk.picture.books_changed()

    def place(self, name: str, parent_id: str | None = None, kind: str = "block") -> str:
        with self.written() as shelf:
            return places.add(shelf, kind, {"en": name, "hi": f"{name} (हि)"}, parent_id or self.top).place_id

    def point(self, name: str, place_id: str | None = None, storage_class: str = "refrigerator") -> str:
        with self.written() as shelf:
            return storage_points.add(shelf, name, storage_class, place_id or self.top).storage_point_id

    def device(self, device_id: str, point_id: str | None = None, **facts: Any) -> str:
        with self.written() as shelf:
            [given] = enrolment.enrol(
                shelf, [device_id], self.now, storage_point_id=point_id, interval=5 * MINUTE, **facts
            )
        return given.password

    # what happens

    def settle(self) -> None:
        """The judge learns what the books have to tell."""
        relay(self.books, self.data_dir.books)
        entries = self._journal.read(SETTINGS, self._settled, 10_000)
        if entries:
            self._settled = entries[-1].offset
            self._follow(self.judge.take(settings=entries))

    def hear(
        self,
        device_id: str,
        *readings: tuple[int, float],
        channel: str = "tvc",
        unit: str = "Cel",
        faults: tuple[tuple[int, str], ...] = (),
        seq: int | None = None,
    ) -> None:
        """The judge takes a pack in, and the books what follows from it."""
        self.settle()
        told = sorted(readings)
        column = Column(
            channel,
            unit,
            tuple(at for at, _ in told),
            tuple(centidegrees(str(value)) for _, value in told),
            tuple(at for at, _ in faults),
            tuple(fault for _, fault in faults),
        )
        received_at = max([*column.measured_at, *column.faulty_at])
        self._take(device_id, Pack(device_id, "0", seq, received_at, "trusted", (column,)))

    def beat(self, *instants: int) -> None:
        """The gate was alive at these instants."""
        self.settle()
        for at in instants:
            self._take("gate", Heartbeat("gate", at))

    def _take(self, key: str, item: Pack | Heartbeat) -> None:
        self._offset += 1
        self._follow(self.judge.take(readings=[Entry(self._offset, key, item)]))

    def _follow(self, taken: Any) -> None:
        with self.written() as shelf:
            incidents.take_verdicts(shelf, taken.verdicts, self.now)
            troubles.take_silences(shelf, taken.silences, self.now)

    # who asks

    def user(self, username: str, role: str = "administrator", place_id: str | None = None) -> "Person":
        """Signed in without the password's check, which takes its time on purpose."""
        token = f"the token of {username}"
        digest = hashlib.sha256(token.encode()).hexdigest()
        with self.books.begin() as shelf:
            user = users.add(shelf, username, password_hash(), role, place_id or self.top, self.now)
            shelf.users.save_token(users.Token(digest, user.user_id, self.now, self.now + users.SLIDES))
        return Person(self.http, token)

    def signed_in(self, username: str) -> "Person":
        answer = self.http.post("/api/v1/sign-in", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return Person(self.http, answer.json()["token"])

    def close(self) -> None:
        self.http.close()
        asyncio.run_coroutine_threadsafe(self.gate.close(), a_loop()).result(10)
        self._journal.close()
        self.refusals.close()
        self.judge.close()
        self.books.close()


@contextmanager
def open_gate(world: World) -> Iterator[Gate]:
    """The gate's own HTTP on its socket, in a thread of its own."""
    world.settle()
    gate = Gate(world.data_dir, world.clock)
    journal = SqliteJournal(world.data_dir.root)
    keeper = Keeper(gate, journal)
    is_open, is_over = threading.Event(), threading.Event()

    async def serve() -> None:
        counters = {"readings": 7, "packs": 2, "refused": {"unreadable": 3}, "is_stuck": False, "trouble": None}
        async with open_door(make_app(keeper, world.clock, lambda: counters), world.data_dir.gate_socket):
            is_open.set()
            await asyncio.to_thread(is_over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert is_open.wait(10)
    try:
        yield gate
    finally:
        is_over.set()
        thread.join(10)
        keeper.close()
        journal.close()


def message(device_id: str, payload: bytes, received_at: int = START) -> Message:
    return Message(device_id, "readings", f"coldchain/v1/{device_id}/readings", payload, received_at)


class Person:
    """Asks the desk with a token."""

    def __init__(self, http: httpx.Client, token: str) -> None:
        self._http = http
        self.token = token
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        """`since` and `until` are asked for as `from` and `to`."""
        asked = {{"since": "from", "until": "to"}.get(name, name): value for name, value in query.items()}
        answer = self._http.get(_full(path), params=asked or None, headers=self.headers)
        return _checked(answer, status)

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self._http.post(_full(path), json=body, headers=self.headers)
        return _checked(answer, status)

    def everything(self, path: str, **query: Any) -> list[Any]:
        """All pages of a list."""
        items: list[Any] = []
        page = self.get(path, **query)
        while True:
            items += page["items"]
            if page["next"] is None:
                return items
            page = self.get(page["next"])


def _full(path: str) -> str:
    return path if path.startswith(("/api/", "/health", "/metrics")) else f"/api/v1{path}"


def _checked(answer: Any, status: int) -> Any:
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:500]}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", answer.headers
        document = answer.json()
        assert document["status"] == status
        assert document["type"].startswith("urn:coldchain:problem:")
        assert document["detail"]
    return answer.json() if answer.content else None


@pytest.fixture(scope="session")
def fresh_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books as the first start makes them, to be copied."""
    path = tmp_path_factory.mktemp("books") / "books.db"
    open_books(f"sqlite:///{path}", lambda: START).close()
    return path


def copied_world(fresh_books: Path, root: Path) -> World:
    shutil.copy(fresh_books, DataDir(root).books)
    return World(root)


@pytest.fixture
def world(tmp_path: Path, fresh_books: Path) -> Iterator[World]:
    made = copied_world(fresh_books, tmp_path)
    yield made
    made.close()


@pytest.fixture
def boss(world: World) -> Person:
    """The administrator of the whole."""
    return world.user("the.boss")


@pytest.fixture(scope="module")
def shared(fresh_books: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """For a module whose tests change nothing that another of them looks at."""
    made = copied_world(fresh_books, tmp_path_factory.mktemp("shared"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def someone(shared: World) -> Person:
    return shared.user("someone")
