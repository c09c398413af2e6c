"""`coldchain up`: everything on one machine, in the foreground: broker, line and desk, watched until told to stop."""

import asyncio
import http.client
import json
import logging
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from api import broker
from api.children import Child, Part, leash, say
from api.processes import alone
from api.settings import WILDCARDS, Address, without_secrets
from coldchain.clock import iso, now
from coldchain.data_dir import DataDir
from coldchain.errors import ColdchainError, Conflict, Unavailable

log = logging.getLogger("coldchain.up")

PORT_FREE_WITHIN_S = 6.0
"""After a kill -9 the kernel ends our children; the ports they held are free a moment later."""

SAME_WISH_S = 1.0
"""A terminal, `make` and `timeout` may each pass the same signal on; told again later, somebody is in a hurry."""

POLL_S = 0.1
POLL_TIMEOUT_S = 5.0
SLOW_START_S = 30.0
HOPELESS = 5
"""So many starts in a row that ended by themselves before anything was ever ready: starting again will not help."""


class PortTaken(Conflict):
    """Another program listens where we were told to listen."""


class CannotStart(Unavailable):
    """A part ended again and again before it was ever ready."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to run. `mqtt_url` is that of an external broker, with its secrets, or None for one of ours."""

    data_dir: DataDir
    listen: Address
    mqtt: Address
    mqtt_url: str | None = None
    broker: str = "auto"

    @property
    def url(self) -> str:
        return f"http://{self.listen.reachable}"

    @property
    def device_url(self) -> str:
        """The broker as devices reach it, without secrets."""
        if self.mqtt_url is not None:
            return without_secrets(self.mqtt_url)
        host = host_name() if self.mqtt.host in WILDCARDS else self.mqtt.host
        return f"mqtt://{Address(host, self.mqtt.port)}"


def host_name() -> str:
    """This machine's name where the network knows it, else the loopback."""
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        return "127.0.0.1"
    return name


def up(plan: Plan) -> int:
    """Run until SIGTERM, SIGINT or SIGHUP. Raises AlreadyRunning, PortTaken, NoBroker, CannotStart."""
    with alone(plan.data_dir.root / "up.lock", "`coldchain up`", wait_s=1.0), told_to_others(plan):
        return asyncio.run(watch(plan))


@contextmanager
def told_to_others(plan: Plan) -> Iterator[None]:
    """Have up.json say what runs here, while it does."""
    path = plan.data_dir.running
    write_whole(
        path,
        {
            "pid": os.getpid(),
            "listen": str(plan.listen),
            "url": plan.url,
            "mqtt_url": plan.device_url,
            "mqtt_host": None if plan.mqtt_url else plan.mqtt.reachable.host,
            "mqtt_port": None if plan.mqtt_url else plan.mqtt.port,
            "started_at": iso(now()),
        },
    )
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def write_whole(path: Path, table: dict[str, object]) -> None:
    """Whoever reads the file sees the old one or the new one, never a half."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(table) + "\n", encoding="utf-8")
    beside.replace(path)


async def watch(plan: Plan) -> int:
    told = asyncio.Event()
    children: list[Child] = []

    told_at = 0.0

    def stop() -> None:
        nonlocal told_at
        if not told.is_set():
            told_at = time.monotonic()
            told.set()
        elif time.monotonic() - told_at > SAME_WISH_S:
            for child in children:
                child.kill()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    stopping = asyncio.create_task(told.wait())
    running = asyncio.create_task(run(plan, children))
    try:
        await asyncio.wait({stopping, running}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        stopping.cancel()
        await end(children)
        running.cancel()
        with suppress(asyncio.CancelledError, ColdchainError):  # what it raised has gone out above
            await running
    log.info("everything has ended")
    return 0


async def run(plan: Plan, children: list[Child]) -> None:
    """Start the parts in order and keep them running. Raises PortTaken, NoBroker, CannotStart."""
    await free(plan.listen, "--listen")
    if plan.mqtt_url is None:
        await free(plan.mqtt, "--mqtt-port")
        broker.choose(plan.broker)
    await first_start(plan)
    keeping = []
    for part in parts(plan):
        child = Child(part)
        children.append(child)
        keeping.append(asyncio.create_task(child.keep()))
        if part.name == "broker":
            await listening(plan.mqtt, child)
    await healthy(plan, children)
    print(f"Coldchain is running: {plan.url}", flush=True)
    await asyncio.gather(*keeping)


def parts(plan: Plan) -> list[Part]:
    coldchain = (sys.executable, "-P", "-m", "coldchain")
    data = ("--data", str(plan.data_dir.root))
    told = [
        Part("line", (*coldchain, "line", *data), environment=_line_environment(plan)),
        Part(
            "desk",
            (*coldchain, "desk", *data, "--listen", str(plan.listen), "--mqtt-url", plan.device_url),
        ),
    ]
    if plan.mqtt_url is None:
        at = ("--mqtt-port", str(plan.mqtt.port), "--mqtt-host", plan.mqtt.host or "0.0.0.0")  # noqa: S104  (asked for)
        # It is asked to end, not killed, so that it writes down what waits for the gate.
        told.insert(0, Part("broker", (*coldchain, "broker", *data, *at, "--broker", plan.broker), signal.SIGTERM))
    return told


def _line_environment(plan: Plan) -> dict[str, str]:
    """The URL may carry a password, which a command line would show to every user of the machine."""
    return {"COLDCHAIN_MQTT_URL": plan.mqtt_url or f"mqtt://{plan.mqtt.reachable}"}


async def first_start(plan: Plan) -> None:
    """Have the books made and the broker's files written, by a process of its own: it needs much that we do not."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "api.first_start", "--data", str(plan.data_dir.root)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=leash(signal.SIGKILL, os.getpid()),
    )
    out, err = await process.communicate()
    say(err.splitlines(), "books")
    if process.returncode:
        raise CannotStart(f"the books in {plan.data_dir.root} cannot be opened; the lines above say why")
    sys.stdout.write(out.decode())
    sys.stdout.flush()


async def free(at: Address, option: str) -> None:
    """Raises PortTaken."""
    until = asyncio.get_running_loop().time() + PORT_FREE_WITHIN_S
    while (why := _why_taken(at)) is not None:
        if asyncio.get_running_loop().time() > until:
            raise PortTaken(f"cannot listen on {at} ({why}): give another {option}")
        await asyncio.sleep(POLL_S)


def _why_taken(at: Address) -> str | None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(at.host or None, at.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
    except OSError as why:
        return why.strerror or str(why)
    return None


async def listening(at: Address, child: Child) -> None:
    """Come back once somebody accepts connections there. Raises CannotStart."""
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(*at.reachable)
            writer.close()
            return
        hopeless(child)
        await asyncio.sleep(POLL_S / 4)


async def healthy(plan: Plan, children: list[Child]) -> None:
    """Come back once the desk says that all parts are well. Raises CannotStart."""
    loop = asyncio.get_running_loop()
    slow_at = loop.time() + SLOW_START_S
    while True:
        status, said = await asyncio.to_thread(ask_health, plan.url)
        if status == "ok":
            return
        for child in children:
            hopeless(child)
        if loop.time() > slow_at:
            log.warning("not ready yet: /health says %s", said)
            slow_at = loop.time() + SLOW_START_S
        await asyncio.sleep(POLL_S)


def hopeless(child: Child) -> None:
    """Raises CannotStart."""
    if child.failures >= HOPELESS:
        raise CannotStart(f"{child.part.name} ended {child.failures} times before it was ready; the log says why")


def ask_health(url: str) -> tuple[str, str]:
    """What /health says: its status, and all of it as text. A desk that does not answer is `silent`."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/health", timeout=POLL_TIMEOUT_S) as answer:
            body = answer.read(1 << 16).decode(errors="replace")
    except urllib.error.HTTPError as why:
        with why:
            body = why.read(1 << 16).decode(errors="replace")
    except (OSError, http.client.HTTPException) as why:
        return "silent", str(why)
    try:
        return str(json.loads(body)["status"]), body
    except (ValueError, KeyError, TypeError):
        return "unreadable", body[:200]


async def end(children: list[Child]) -> None:
    """First who works, at last the broker, which then writes down what it still holds."""
    workers = [child for child in children if child.part.name != "broker"]
    await asyncio.gather(*(child.end(within_s=10.0) for child in workers))
    for child in children:
        if child.part.name == "broker":
            await child.end(within_s=5.0)
