"""What `coldchain` can do with the books from the command line: run them alone; storage points, devices, users."""

import asyncio
import json
import logging
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from coldchain.clock import SECOND, now
from coldchain.data_dir import DataDir
from coldchain.errors import Refused
from coldchain.topics import mqtt_topic
from coldchain.verbs import Verb

if TYPE_CHECKING:
    from registry.books import Books, Shelf
    from registry.devices import Device
    from registry.places import Place
    from registry.speech import Speech

PAGE = 500

log = logging.getLogger("registry")


class NoPassword(Refused):
    """A password was to come on standard input and did not."""


@contextmanager
def _books(arguments: Namespace) -> Iterator[tuple[DataDir, "Books"]]:
    from registry.settling import open_at

    data_dir = DataDir(arguments.data)
    books = open_at(data_dir)
    try:
        yield data_dir, books
    finally:
        books.close()


def _data_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="the data directory of `coldchain up`; made where there is none",
    )


def _json_option(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")


# coldchain registry


def _describe_registry(parser: ArgumentParser) -> None:
    parser.epilog = (
        "Follows what the gate and the judge report, keeps incidents, and tells the gate, the judge and the broker\n"
        "of devices, placements and rules. `coldchain up` runs it with the page; alone it is for taking rooms apart."
    )
    _data_option(parser)


def _run_registry(arguments: Namespace) -> int:
    from coldchain.journal.sqlite import SqliteJournal
    from coldchain.logs import log_to_stderr
    from registry.main import serve

    log_to_stderr("registry")

    async def until_told(data_dir: DataDir, books: "Books") -> None:
        journal = SqliteJournal(data_dir.root)
        serving = asyncio.create_task(serve(data_dir, books, journal))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        try:
            await serving
        except asyncio.CancelledError:
            log.info("told to end")
        finally:
            journal.close()

    with _books(arguments) as (data_dir, books):
        log.info("the books follow the journal")
        asyncio.run(until_told(data_dir, books))
    return 0


# coldchain storage-point


def _describe_storage_point(parser: ArgumentParser) -> None:
    parser.epilog = "Fridges come and go in a storage point and its history stays; sensors are placed at points."
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list")
    add = actions.add_parser(
        "add",
        help="add a storage point, such as a fridge's slot, and print its id",
        description="Add a storage point and print its id.",
    )
    add.add_argument("name", metavar="NAME", help='what people call it, such as "ILR 2"')
    add.add_argument(
        "--class",
        dest="storage_class",
        required=True,
        metavar="CLASS",
        help="by which rules it is judged: refrigerator, freezer, walk-in-cooler, walk-in-freezer, ultra-cold, "
        "carrier, transport-1, transport-2",
    )
    add.add_argument("--place", metavar="PLACE", help="name or id of the place it is in; the top without it")
    _data_option(add)
    _json_option(add)
    listed = actions.add_parser("list", help="list storage points")
    listed.add_argument("--place", metavar="PLACE", help="name or id of a place; everything without it")
    _data_option(listed)
    _json_option(listed)


def _run_storage_point(arguments: Namespace) -> int:
    return _add_point(arguments) if arguments.action == "add" else _list_points(arguments)


def _add_point(arguments: Namespace) -> int:
    from registry import storage_points
    from registry.settling import settle

    with _books(arguments) as (data_dir, books):
        with books.begin() as shelf:
            place = _place(shelf, arguments.place)
            point = storage_points.add(shelf, arguments.name, arguments.storage_class, place.place_id)
        settle(books, data_dir)
    told = {
        "id": point.storage_point_id,
        "name": point.name,
        "storage_class": point.storage_class,
        "place": {"id": place.place_id, "name": dict(place.name)},
    }
    print(json.dumps(told, ensure_ascii=False) if arguments.json else point.storage_point_id)
    return 0


def _list_points(arguments: Namespace) -> int:
    with _books(arguments) as (_, books), books.read() as shelf:
        within = _place(shelf, arguments.place).path
        after = None
        while page := shelf.storage_points.page(within, after, PAGE):
            lying = shelf.places.several(sorted({point.place_id for point in page}))
            for point in page:
                place = lying[point.place_id]
                told = {
                    "id": point.storage_point_id,
                    "name": point.name,
                    "storage_class": point.storage_class,
                    "place": {"id": place.place_id, "name": dict(place.name)},
                }
                text = f"{point.storage_point_id}  {point.storage_class:<12}  {point.name}, {place.called()}"
                print(json.dumps(told, ensure_ascii=False) if arguments.json else text)
            after = (page[-1].name, page[-1].storage_point_id)
    return 0


# coldchain device


def _describe_device(parser: ArgumentParser) -> None:
    parser.epilog = "Each device has its own password and speaks below its own name only."
    actions = parser.add_subparsers(dest="action", required=True, metavar="enrol|bridge|list|end")
    add = actions.add_parser(
        "add",
        aliases=["enrol"],
        help="let devices in, and print what they sign in with",
        description=(
            "Let devices in and print what each signs in with. Passwords are told here and never again.\n"
            "When this comes back, the broker and the gate know the devices. Works while Coldchain runs and while not."
        ),
    )
    add.add_argument("names", nargs="+", metavar="NAME", help="the device's id: 3 to 32 of a-z, 0-9 and '-'")
    add.add_argument(
        "--storage-point", metavar="S", help="id, or unique name, of the storage point at which their sensors stand"
    )
    add.add_argument(
        "--interval",
        type=int,
        metavar="SECONDS",
        help="how often the device measures, 300 without it; agents declare their own",
    )
    add.add_argument("--model", default="", help="what it is, for the list of devices")
    add.add_argument(
        "--kind",
        choices=("logger", "agent", "bridge"),
        default="logger",
        help="what it is; a bridge speaks for other devices",
    )
    _speech_options(add)
    _data_option(add)
    _json_option(add)
    bridge = actions.add_parser(
        "bridge",
        help="have a bridge speak for a device",
        description=(
            "Have a bridge pass on, as the device's, what hardware of this name measures: from now on, or for all\n"
            "time where nobody spoke for it before. A device that is not enrolled is, without a password."
        ),
    )
    bridge.add_argument("bridge", metavar="BRIDGE", help="the bridge's id")
    bridge.add_argument("name", metavar="DEVICE", help="the device's id")
    bridge.add_argument("hardware_id", metavar="HARDWARE_ID", help="the name that the bridge's messages bear")
    bridge.add_argument(
        "--storage-point", metavar="S", help="id, or unique name, of the storage point at which a new one stands"
    )
    bridge.add_argument("--interval", type=int, metavar="SECONDS", help="how often a new one measures, 300 without it")
    _data_option(bridge)
    listed = actions.add_parser("list", help="list devices, without what they sign in with")
    listed.add_argument("--place", metavar="PLACE", help="name or id of a place; everything without it")
    _data_option(listed)
    _json_option(listed)
    end = actions.add_parser("end", help="let devices speak no more; their history stays, their ids stay taken")
    end.add_argument("names", nargs="+", metavar="NAME", help="the devices' ids")
    _data_option(end)


def _run_device(arguments: Namespace) -> int:
    act: dict[str, Callable[[Namespace], int]] = {
        "add": _add_devices,
        "enrol": _add_devices,
        "bridge": _bridge_device,
        "list": _list_devices,
        "end": _end_devices,
    }
    return act[arguments.action](arguments)


def _add_devices(arguments: Namespace) -> int:
    from registry import enrolment, storage_points
    from registry.settling import mqtt_url, settle_devices

    speaks = _speech(arguments)
    with _books(arguments) as (data_dir, books):
        with books.begin() as shelf:
            point = None
            if arguments.storage_point is not None:
                point = storage_points.find(shelf, arguments.storage_point)
            given = enrolment.enrol(
                shelf,
                arguments.names,
                now(),
                storage_point_id=None if point is None else point.storage_point_id,
                interval=None if arguments.interval is None else arguments.interval * SECOND,
                model=arguments.model,
                kind=arguments.kind,
                speaks=speaks,
            )
        url = mqtt_url(data_dir)
        for one in given:
            told: dict[str, object] = {
                "device_id": one.device_id,
                "username": one.device_id,
                "password": one.password,
                "mqtt_url": url,
                "topic": mqtt_topic(one.device_id, "readings"),
            }
            if speaks.topics:
                told["topics"] = list(speaks.topics)
            topics = ", ".join(speaks.topics) or told["topic"]
            text = f"{one.device_id}  password {one.password}  broker {url}  topic {topics}"
            print(json.dumps(told) if arguments.json else text)
        sys.stdout.flush()  # the passwords are told once: before anything that may still fail
        settle_devices(books, data_dir, given)
    return 0


def _speech_options(parser: ArgumentParser) -> None:
    parser.add_argument("--dialect", default="", help="what it speaks, such as tasmota; ours (senml) without it")
    parser.add_argument("--hardware-id", metavar="ID", help="the name that its messages or its topic bear")
    parser.add_argument(
        "--topic",
        dest="topics",
        action="append",
        metavar="FILTER",
        help="where it publishes, as an MQTT filter; several times for several; without it, where its dialect does",
    )
    parser.add_argument(
        "--probe",
        dest="probes",
        action="append",
        default=[],
        metavar="CHANNEL=ROLE",
        help="which of its probes is what: product, freezer, ambient, door, power or other",
    )
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="a JSON table that says where plain JSON has what")
    parser.add_argument("--zone", default="", help="the time zone of times that name none; its place's without it")


def _speech(arguments: Namespace) -> "Speech":
    """Raises what speech.checked raises, and speech.BadSpeech where an option cannot be read."""
    from registry import speech

    probes = {}
    for told in arguments.probes:
        channel, sign, role = told.rpartition("=")
        if not sign:
            raise speech.BadSpeech(f"{told!r} says of no probe what it is: write it as CHANNEL=ROLE")
        probes[channel] = role
    try:
        mapping = None if arguments.mapping is None else arguments.mapping.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as why:
        raise speech.BadSpeech(f"the mapping table {arguments.mapping} cannot be read: {why}") from None
    return speech.checked(
        arguments.dialect,
        arguments.hardware_id,
        arguments.topics,
        probes,
        mapping,
        arguments.zone,
        is_bridge=arguments.kind == "bridge",
    )


def _bridge_device(arguments: Namespace) -> int:
    from registry import devices, enrolment, speech, storage_points
    from registry.settling import settle_devices

    with _books(arguments) as (data_dir, books):
        with books.begin() as shelf:
            if arguments.name in shelf.devices.several([arguments.name]):
                devices.speak_for(shelf, arguments.bridge, arguments.name, arguments.hardware_id, now())
            else:
                point = None
                if arguments.storage_point is not None:
                    point = storage_points.find(shelf, arguments.storage_point).storage_point_id
                enrolment.enrol(
                    shelf,
                    [arguments.name],
                    now(),
                    storage_point_id=point,
                    interval=None if arguments.interval is None else arguments.interval * SECOND,
                    speaks=speech.checked(hardware_id=arguments.hardware_id, is_behind_bridge=True),
                    bridge_id=arguments.bridge,
                )
        settle_devices(books, data_dir)
    print(f"{arguments.bridge} speaks for {arguments.name}")
    return 0


def _list_devices(arguments: Namespace) -> int:
    with _books(arguments) as (_, books), books.read() as shelf:
        within = _place(shelf, arguments.place).path
        after = ""
        while page := shelf.devices.page(within, after, PAGE):
            _print_devices(shelf, page, as_json=arguments.json)
            after = page[-1].device_id
    return 0


def _print_devices(shelf: "Shelf", page: list["Device"], *, as_json: bool) -> None:
    from registry.devices import interval_at

    at = now()
    ids = [device.device_id for device in page]
    declared = shelf.devices.declared(ids)
    standing = shelf.placements.of_devices(ids, at)
    points = shelf.storage_points.several(sorted({row.storage_point_id for row in standing}))
    stands = {row.device_id: points[row.storage_point_id] for row in standing}
    for device in page:
        point = stands.get(device.device_id)
        interval_s = interval_at(declared.get(device.device_id, []), at) // SECOND
        told = {
            "device_id": device.device_id,
            "model": device.model,
            "interval_s": interval_s,
            "storage_point": None if point is None else {"id": point.storage_point_id, "name": point.name},
        }
        text = f"{device.device_id:<32}  every {interval_s} s  {'not placed' if point is None else point.name}"
        print(json.dumps(told, ensure_ascii=False) if as_json else text)


def _end_devices(arguments: Namespace) -> int:
    from registry import enrolment
    from registry.settling import settle_devices

    with _books(arguments) as (data_dir, books):
        with books.begin() as shelf:
            for name in arguments.names:
                enrolment.retire(shelf, name, now())
        settle_devices(books, data_dir)
    return 0


# coldchain user


def _describe_user(parser: ArgumentParser) -> None:
    parser.epilog = (
        "What a person may do follows from the role, in its place and all below it. The first administrator is made\n"
        "by `coldchain up`, which shows the password once."
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="add")
    add = actions.add_parser(
        "add",
        help="add a person who may sign in",
        description="Add a person who may sign in, with a role in a place and all below it.",
    )
    add.add_argument("name", metavar="NAME", help="what they sign in as")
    add.add_argument(
        "--role",
        required=True,
        metavar="ROLE",
        help="administrator, programme-manager, session-planner, cold-chain-handler or vaccinator",
    )
    add.add_argument("--place", metavar="PLACE", help="name or id of the place; everything without it")
    add.add_argument(
        "--password-stdin",
        action="store_true",
        required=True,
        help="read the password (8 characters or more) from standard input, so that it stands in no list of processes",
    )
    _data_option(add)
    _json_option(add)


def _run_user(arguments: Namespace) -> int:
    from registry import users

    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise NoPassword("no password came on standard input: try  coldchain user add … --password-stdin < FILE")
    users.checked_role(arguments.role)
    password_hash = users.hashed(password)
    with _books(arguments) as (_, books), books.begin() as shelf:
        place = _place(shelf, arguments.place)
        user = users.add(shelf, arguments.name, password_hash, arguments.role, place.place_id, now())
    told = {"id": user.user_id, "username": user.username, "role": arguments.role, "place": place.place_id}
    print(json.dumps(told, ensure_ascii=False) if arguments.json else f"{user.username} may sign in")
    return 0


def _place(shelf: "Shelf", text: str | None) -> "Place":
    from registry import places

    return places.top(shelf) if text is None else places.find(shelf, text)


REGISTRY = Verb(
    "the books alone: incidents from verdicts, settings for gate and judge", _describe_registry, _run_registry
)
STORAGE_POINT = Verb(
    "add or list storage points: the slots that people know", _describe_storage_point, _run_storage_point
)
DEVICE = Verb("let devices in, list them, or end them", _describe_device, _run_device)
USER = Verb("add people who may sign in", _describe_user, _run_user)
