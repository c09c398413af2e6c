"""What the verbs of the books promise, as one types them."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from coldchain.__main__ import main
from coldchain.clock import SECOND
from coldchain.credentials import matches
from coldchain.data_dir import DataDir
from coldchain.facts import Facts
from coldchain.journal.sqlite import SqliteJournal
from coldchain.topics import SETTINGS
from registry import places, users
from registry.settling import open_at
from tests.helpers_registry import EVERYTHING

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Type a verb; gives the exit code and what stands on both outputs. `--data` is added."""

    def typed(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--data", str(tmp_path / "data")])
        out, err = capsys.readouterr()
        return code, out, err

    return typed


@pytest.fixture
def data_dir(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


def test_a_storage_point_is_added_to_books_that_were_not_there(say: Say, data_dir: DataDir):
    code, out, _ = say("storage-point", "add", "ILR 2", "--class", "refrigerator")
    books = open_at(data_dir)
    with books.read() as shelf:
        assert (code, out.strip()) == (0, shelf.storage_points.called("ILR 2")[0].storage_point_id)
        assert not shelf.users.any_administrator(0)
    books.close()


def test_with_json_it_is_told_whole(say: Say):
    code, out, _ = say("storage-point", "add", "ILR 2", "--class", "freezer", "--place", "Our district", "--json")
    told = json.loads(out)

    assert (code, set(told), told["name"], told["storage_class"]) == (
        0,
        {"id", "name", "storage_class", "place"},
        "ILR 2",
        "freezer",
    )
    assert told["place"]["name"]["hi"] == "हमारा ज़िला"


def test_devices_are_let_in_and_told_a_line_each(say: Say, data_dir: DataDir):
    say("storage-point", "add", "ILR 2", "--class", "refrigerator")
    code, out, _ = say("device", "add", "pi-0001", "pi-0002", "--storage-point", "ILR 2", "--interval", "60", "--json")
    first, second = [json.loads(line) for line in out.splitlines()]

    assert code == 0
    assert list(first) == ["device_id", "username", "password", "mqtt_url", "topic"]
    assert (first["device_id"], first["username"]) == ("pi-0001", "pi-0001")
    assert (first["mqtt_url"], second["topic"]) == ("mqtt://127.0.0.1:1883", "coldchain/v1/pi-0002/readings")

    journal = SqliteJournal(data_dir.root)
    facts = Facts(entry.item for entry in journal.read(SETTINGS, 0))
    journal.close()
    known = facts.device("pi-0001")
    assert known is not None
    assert matches(known.credential, first["password"])
    assert facts.interval_at("pi-0001", 0) == 60 * SECOND
    assert len(facts.placements("pi-0002", "tvc")) == 1
    assert "pi-0002:" in (data_dir.broker / "passwd").read_text()


def test_where_the_platform_runs_is_where_devices_are_sent(say: Say, data_dir: DataDir):
    data_dir.root.mkdir()
    data_dir.running.write_text('{"mqtt_url": "mqtt://store.example:18830", "mqtt_port": null}')
    _, out, _ = say("device", "add", "pi-0001", "--json")

    assert json.loads(out)["mqtt_url"] == "mqtt://store.example:18830"


def test_of_several_devices_none_is_let_in_where_one_is_known(say: Say):
    say("device", "add", "pi-0001")
    code, out, err = say("device", "add", "pi-0002", "pi-0001", "pi-0003", "--json")
    _, listed, _ = say("device", "list", "--json")

    assert (code, out) == (2, "")
    assert err == "coldchain device: the device pi-0001 is enrolled already\n"
    assert [json.loads(line)["device_id"] for line in listed.splitlines()] == ["pi-0001"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("storage-point", "add", "ILR", "--class", "ambient"), "no storage class"),
        (("storage-point", "add", "ILR", "--class", "freezer", "--place", "Atlantis"), "no place is called"),
        (("device", "add", "Pi 1"), "no device id"),
        (("device", "add", "pi-0001", "--storage-point", "Nowhere"), "no storage point is called"),
        (("device", "add", "pi-0001", "--interval", "0"), "1 to 86400 seconds"),
        (("device", "end", "pi-0001"), "no device 'pi-0001'"),
    ],
)
def test_what_is_refused_is_said_in_one_line_with_exit_code_2(say: Say, arguments: tuple[str, ...], why: str):
    code, out, err = say(*arguments)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert why in err


def test_lists_show_what_there_is(say: Say):
    say("storage-point", "add", "ILR 2", "--class", "refrigerator")
    say("device", "add", "pi-0001", "--storage-point", "ILR 2")
    say("device", "add", "pi-0002", "--interval", "60")
    _, points, _ = say("storage-point", "list")
    _, devices, _ = say("device", "list")

    assert "refrigerator  ILR 2, Our district" in points
    assert [line.split() for line in devices.splitlines()] == [
        ["pi-0001", "every", "300", "s", "ILR", "2"],
        ["pi-0002", "every", "60", "s", "not", "placed"],
    ]


def test_a_device_that_is_ended_is_gone_from_list_and_broker(say: Say, data_dir: DataDir):
    say("device", "add", "pi-0001", "pi-0002")
    code, _, _ = say("device", "end", "pi-0001")
    _, listed, _ = say("device", "list")

    assert (code, "pi-0001" in listed, "pi-0002" in listed) == (0, False, True)
    assert "pi-0001" not in (data_dir.broker / "passwd").read_text()


def test_a_user_is_added_with_the_password_from_standard_input(
    say: Say, data_dir: DataDir, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    code, _, _ = say("user", "add", "asha", "--role", "cold-chain-handler", "--password-stdin")
    books = open_at(data_dir)
    user = users.sign_in(books, "asha", "correct horse", "192.0.2.7", 2**41).user
    with books.read() as shelf:
        top = places.top(shelf)

    assert code == 0
    assert [(one.role, one.place_id) for one in user.memberships] == [("cold-chain-handler", top.place_id)]
    books.close()


@pytest.mark.parametrize(
    ("typed", "role", "why"),
    [
        ("short\n", "vaccinator", "at least 8 characters"),
        ("", "vaccinator", "no password came"),
        ("correct horse\n", "king", "no role"),
    ],
)
def test_a_user_that_could_not_sign_in_is_refused(
    say: Say, data_dir: DataDir, monkeypatch: pytest.MonkeyPatch, typed: str, role: str, why: str
):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    code, _, err = say("user", "add", "asha", "--role", role, "--password-stdin")

    assert code == 2
    assert why in err
    assert not data_dir.books.exists()


@pytest.mark.parametrize("verb", ["registry", "storage-point", "device", "user"])
def test_each_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])

    assert ended.value.code == 0
    assert len(capsys.readouterr().out) > 200


def test_thirty_thousand_are_listed_page_by_page(data_dir: DataDir):
    import time

    from registry import enrolment, storage_points

    books = open_at(data_dir)
    with books.begin() as shelf:
        top = places.top(shelf).place_id
        for number in range(3_000):
            storage_points.add(shelf, f"ILR {number:05}", "refrigerator", top)
        enrolment.enrol(shelf, [f"pi-{number:05}" for number in range(30_000)], 0)
    with books.read() as shelf:
        begun = time.process_time()
        seen, after = 0, ""
        while page := shelf.devices.page(EVERYTHING, after, 500):
            seen, after = seen + len(page), page[-1].device_id
        per_page = (time.process_time() - begun) / 61
        cursor = ("ILR 02900", "")
        begun = time.process_time()
        points = shelf.storage_points.page(EVERYTHING, cursor, 500)
        last_page = time.process_time() - begun

    assert (seen, len(points)) == (30_000, 100)
    assert per_page < 0.05
    assert last_page < 0.05
    books.close()


def test_a_device_of_another_dialect_is_let_in_with_its_topics(say: Say, data_dir: DataDir, tmp_path: Path):
    mapping = tmp_path / "mapping.json"
    mapping.write_text('{"temperature": "data.t"}')
    speech = [
        "--dialect",
        "json",
        "--hardware-id",
        "box",
        "--topic",
        "shed/#",
        "--topic",
        "barn/+",
        "--probe",
        "t2=ambient",
    ]
    code, out, _ = say(
        "device", "enrol", "box-1", *speech, "--mapping", str(mapping), "--zone", "Asia/Kolkata", "--json"
    )
    books = open_at(data_dir)
    with books.read() as shelf:
        device = shelf.devices.get("box-1")
    books.close()

    assert (code, json.loads(out)["topics"]) == (0, ["shed/#", "barn/+"])
    assert (device.dialect, device.hardware_id, device.zone) == ("json", "box", "Asia/Kolkata")
    assert (device.probes, device.mapping) == ({"t2": "ambient"}, '{"temperature":"data.t"}')
    assert "topic write shed/#" in (data_dir.broker / "acl").read_text()


def test_a_bridge_is_told_for_whom_it_speaks(say: Say, data_dir: DataDir):
    say("storage-point", "add", "ILR 2", "--class", "refrigerator")
    say("device", "enrol", "hub-1", "--kind", "bridge", "--dialect", "zigbee2mqtt")
    code, out, _ = say("device", "bridge", "hub-1", "fridge-1", "0x01", "--storage-point", "ILR 2", "--interval", "600")
    again = say("device", "bridge", "hub-1", "fridge-1", "0x01")
    books = open_at(data_dir)
    with books.read() as shelf:
        [row] = shelf.devices.speaks_for("hub-1")
        assert [one.interval for one in shelf.devices.declared(["fridge-1"])["fridge-1"]] == [600 * SECOND]
    books.close()

    assert (code, out.strip(), again[0]) == (0, "hub-1 speaks for fridge-1", 0)
    assert (row.device_id, row.hardware_id, row.until) == ("fridge-1", "0x01", None)
    assert "fridge-1" not in (data_dir.broker / "passwd").read_text()


def test_what_cannot_be_understood_of_a_device_is_said(say: Say):
    for wrong, why in (
        (["--dialect", "klingon"], "there is no dialect"),
        (["--probe", "ambient"], "CHANNEL=ROLE"),
        (["--mapping", "/no/such/file"], "cannot be read"),
        (["--topic", "#"], "every topic"),
    ):
        code, _, err = say("device", "enrol", "box-1", *wrong)
        assert code != 0
        assert why in err
