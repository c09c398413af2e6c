"""HTTP: the same packs and answers as over MQTT, and a socket that only its owner may open."""

import asyncio
import base64
import stat
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette

from coldchain.data_dir import DataDir
from coldchain.journal.sqlite import SqliteJournal
from coldchain.topics import mqtt_topic
from ingest.gate import Gate
from ingest.http import SocketPathTooLong, make_app, open_door
from ingest.keeper import Keeper
from ingest.senml import LONGEST
from ingest.space import Space
from tests.helpers_ingest import (
    ARRIVED,
    OTHER,
    OUTBOX,
    PI,
    OwnClock,
    enrolled,
    numbers,
    refused,
    released,
    sent,
    tell_settings,
)
from tests.ingest.test_credentials import credential

pytestmark = pytest.mark.anyio


@pytest.fixture
def data_dir(tmp_path):
    data_dir = DataDir(tmp_path)
    tell_settings(data_dir, enrolled(PI, credential=credential("s3cret")), enrolled(OTHER, credential=credential("o")))
    return data_dir


@asynccontextmanager
async def desk(data_dir, **gate):
    """The desk's end of a gate's socket."""
    clock = OwnClock()
    journal = SqliteJournal(data_dir.root)
    keeper = Keeper(Gate(data_dir, clock, **gate), journal)
    app = make_app(keeper, clock, keeper.counters)
    try:
        async with (
            open_door(app, data_dir.gate_socket),
            httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(uds=str(data_dir.gate_socket)), base_url="http://gate"
            ) as client,
        ):
            yield client
    finally:
        keeper.close()
        journal.close()


async def post(client, payload, device_id=PI, auth=(PI, "s3cret")):
    return await client.post(f"/devices/{device_id}/readings", content=payload, auth=auth)


async def test_a_numbered_pack_is_acknowledged_as_over_mqtt(data_dir):
    async with desk(data_dir) as client:
        first = await post(client, sent(1, 4.5).payload)
        again = await post(client, sent(1, 4.5).payload)

    assert (first.status_code, first.json()) == (200, {"outbox": OUTBOX, "durable": [[1, 1]], "at": ARRIVED})
    assert again.json() == first.json()
    assert numbers(data_dir) == [(PI, 1)]


async def test_a_foreign_pack_is_accepted_and_counted(data_dir):
    async with desk(data_dir) as client:
        answer = await post(client, b'[{"n":"tvc","v":4.5},{"n":"tamb","v":31}]')

    assert (answer.status_code, answer.json()) == (202, {"accepted": 2})


@pytest.mark.parametrize(
    ("payload", "status", "reason"),
    [
        (b"warm", 400, "unreadable"),
        (b" " * (LONGEST + 1), 413, "oversized"),
        (sent(1, 4.5, begin=ARRIVED).payload, 422, "wrongly-dated"),
    ],
)
async def test_a_refusal_is_a_problem_document_with_the_reason(data_dir, payload, status, reason):
    async with desk(data_dir) as client:
        answer = await post(client, payload)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason"] == reason
    assert [(one.reason, one.topic) for one in refused(data_dir)] == [(reason, mqtt_topic(PI, "readings"))]


async def test_a_refusal_whose_number_could_be_read_is_durable_too(data_dir):
    async with desk(data_dir) as client:
        await post(client, sent(1, 4.5).payload)
        answer = await post(client, sent(1, 9.5).payload)

    told = answer.json()
    assert (answer.status_code, told["reason"], told["seq"], told["durable"]) == (409, "two-voices", 1, [[1, 1]])


@pytest.mark.parametrize(
    ("device_id", "auth"),
    [
        (PI, None),
        (PI, (PI, "wrong")),
        (PI, (OTHER, "o")),
        (OTHER, (PI, "s3cret")),
        ("pi-9999", ("pi-9999", "s3cret")),
    ],
)
async def test_without_the_devices_own_credentials_nothing_is_taken_nor_kept(data_dir, device_id, auth):
    async with desk(data_dir) as client:
        answer = await post(client, sent(1, 4.5).payload, device_id, auth)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert (numbers(data_dir), refused(data_dir)) == ([], [])


@pytest.mark.parametrize("header", ["Basic", "Basic !!", "Bearer abc", "Basic " + base64.b64encode(b"\xff:x").decode()])
async def test_credentials_that_cannot_be_read_are_none(data_dir, header):
    async with desk(data_dir) as client:
        answer = await client.post(f"/devices/{PI}/readings", content=b"[]", headers={"authorization": header})

    assert answer.status_code == 401


async def test_a_changed_password_counts_at_once_and_the_old_one_no_more(data_dir):
    async with desk(data_dir) as client:
        await post(client, sent(1, 4.5).payload)
        await asyncio.to_thread(tell_settings, data_dir, enrolled(PI, 2, credential=credential("new")))
        old = await post(client, sent(2, 4.5).payload)
        new = await post(client, sent(2, 4.5).payload, auth=(PI, "new"))

    assert (old.status_code, new.status_code) == (401, 200)


async def test_while_nothing_can_be_made_durable_it_says_so_and_when_to_come_again(data_dir):
    async with desk(data_dir, space=lambda: Space(0.95, 0)) as client:
        answer = await post(client, sent(1, 4.5).payload)
        counters = (await client.get("/metrics.json")).json()

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert counters["is_stuck"] is True
    assert "95% full" in counters["trouble"]
    assert numbers(data_dir) == []


async def test_a_person_releases_a_refusal_and_is_told_what_came_of_it(data_dir):
    async with desk(data_dir) as client:
        await post(client, b"warm")
        still = await client.post("/refusals/1/release", json={"by": "asha"})
        missing = await client.post("/refusals/77/release", json={"by": "asha"})
        unnamed = await client.post("/refusals/1/release", json={})

    assert (still.status_code, still.json()["released"], still.json()["reason"]) == (200, False, "unreadable")
    assert (missing.status_code, unnamed.status_code) == (404, 400)
    assert released(data_dir) == []


async def test_a_release_that_works_is_told_with_its_readings(data_dir):
    clock = OwnClock(ARRIVED)
    gate = Gate(data_dir, clock)
    gate.take([sent(1, 4.5, 4.6, device_id="pi-new")])
    gate.close()
    await asyncio.to_thread(tell_settings, data_dir, enrolled("pi-new"))
    async with desk(data_dir) as client:
        answer = await client.post("/refusals/1/release", json={"by": "asha"})

    assert answer.json() == {"released": True, "readings": 2}
    assert [one.by for one in released(data_dir)] == ["asha"]


async def test_what_was_counted_is_told(data_dir):
    async with desk(data_dir) as client:
        await post(client, sent(1, 4.5, 4.6).payload)
        await post(client, sent(1, 4.5, 4.6).payload)
        await post(client, b"warm")
        told = (await client.get("/metrics.json")).json()

    assert {name: told[name] for name in ("packs", "readings", "repeated", "refused", "batches", "is_stuck")} == {
        "packs": 1,
        "readings": 2,
        "repeated": 1,
        "refused": {"unreadable": 1},
        "batches": 3,
        "is_stuck": False,
    }


async def test_the_socket_is_its_owners_alone_and_goes_with_the_gate(data_dir):
    data_dir.gate_socket.touch()  # a killed gate left one behind
    async with desk(data_dir):
        mode = data_dir.gate_socket.stat().st_mode

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    assert not data_dir.gate_socket.exists()


async def test_a_directory_too_deep_for_a_socket_is_told(tmp_path):
    with pytest.raises(SocketPathTooLong):
        async with open_door(Starlette(), tmp_path / ("x" * 99)):
            pass
