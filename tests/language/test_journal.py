"""The journal's contract: every adapter keeps it. Entries in order per key, none lost, named followers go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from coldchain.events import Heartbeat, Silence
from coldchain.journal import Entry, Journal, UnknownJournal, open_journal
from coldchain.journal.sqlite import SqliteJournal, lay_out, prune, write
from coldchain.sqlite import open_to_write, transaction
from coldchain.topics import READINGS, SILENCES

pytestmark = pytest.mark.anyio

ADAPTERS = {"sqlite": SqliteJournal}


@pytest.fixture(params=sorted(ADAPTERS))
def journal(request, tmp_path):
    opened = ADAPTERS[request.param](tmp_path)
    yield opened
    opened.close()


def beats(*instants: int) -> list[tuple[str, Heartbeat]]:
    return [("gate", Heartbeat("gate", at)) for at in instants]


async def first(count: int, entries: AsyncIterator[list[Entry]]) -> list[Entry]:
    found: list[Entry] = []
    async with asyncio.timeout(10), aclosing(entries):  # type: ignore[type-var]  # both are generators
        async for batch in entries:
            found += batch
            if len(found) >= count:
                break
    return found


def instants(entries: list[Entry]) -> list[int]:
    return [entry.item.at for entry in entries]


async def test_what_was_appended_is_followed_in_order(journal: Journal):
    await journal.append(READINGS, beats(1, 2))
    last = await journal.append(READINGS, beats(3))
    entries = await first(3, journal.follow(READINGS, "stream.judge", 0))

    assert instants(entries) == [1, 2, 3]
    assert entries[-1].offset == last
    assert [entry.key for entry in entries] == ["gate"] * 3


async def test_a_follower_goes_on_where_it_was(journal: Journal):
    await journal.append(READINGS, beats(1, 2, 3))
    [one, *_] = await first(3, journal.follow(READINGS, "stream.judge", 0))

    assert instants(await first(2, journal.follow(READINGS, "stream.judge", one.offset))) == [2, 3]


async def test_a_follower_that_came_first_gets_what_comes(journal: Journal):
    waiting = asyncio.create_task(first(2, journal.follow(READINGS, "stream.judge", 0)))
    await asyncio.sleep(0.05)
    await journal.append(READINGS, beats(1))
    await journal.append(READINGS, beats(2))

    assert instants(await waiting) == [1, 2]


async def test_two_followers_each_get_everything(journal: Journal):
    await journal.append(READINGS, beats(1, 2))
    followers = [first(2, journal.follow(READINGS, name, 0)) for name in ("stream.judge", "registry.devices")]

    assert [instants(entries) for entries in await asyncio.gather(*followers)] == [[1, 2], [1, 2]]


async def test_a_screen_gets_what_comes_from_now_on(journal: Journal):
    await journal.append(READINGS, beats(1))
    tail = journal.tail(READINGS)
    waiting = asyncio.create_task(first(1, tail))
    await asyncio.sleep(0.05)
    await journal.append(READINGS, beats(2))

    assert instants(await waiting) == [2]


async def test_topics_are_apart(journal: Journal):
    await journal.append(READINGS, beats(1))
    await journal.append(SILENCES, [("pi-0142", Silence("pi-0142", 1, 2))])

    [entry] = await first(1, journal.follow(SILENCES, "registry.silences", 0))
    assert entry.item == Silence("pi-0142", 1, 2)


async def test_more_than_a_batch_is_followed_to_the_end(journal: Journal):
    await journal.append(READINGS, beats(*range(1300)))

    assert instants(await first(1300, journal.follow(READINGS, "stream.judge", 0))) == list(range(1300))


def test_a_url_names_the_technology_and_the_place(tmp_path: Path):
    assert isinstance(open_journal(f"sqlite:{tmp_path}"), SqliteJournal)


def test_a_journal_of_a_technology_that_is_not_there_is_refused():
    for url in ("kafka://localhost", "sqlite:", "nonsense"):
        with pytest.raises(UnknownJournal):
            open_journal(url)


# What SQLite's own promises are


async def test_an_entry_is_durable_with_its_effect_or_not_at_all(tmp_path: Path):
    gate = open_to_write(tmp_path / "gate.db")
    lay_out(gate, READINGS)
    with suppress(KeyError), transaction(gate):
        write(gate, READINGS, beats(1))
        raise KeyError
    with transaction(gate):
        write(gate, READINGS, beats(2))
    gate.close()

    journal = SqliteJournal(tmp_path)
    assert instants(journal.read(READINGS, 0)) == [2]
    journal.close()


def test_before_its_writer_has_made_it_a_topic_is_empty(tmp_path: Path):
    journal = SqliteJournal(tmp_path)
    assert journal.read(READINGS, 0) == []
    open_to_write(tmp_path / "gate.db").close()
    assert journal.read(READINGS, 0) == []
    journal.close()


def test_only_what_everybody_has_passed_and_what_is_old_is_pruned(tmp_path: Path):
    gate = open_to_write(tmp_path / "gate.db")
    lay_out(gate, READINGS)
    last = write(gate, READINGS, beats(1, 2, 3))
    journal = SqliteJournal(tmp_path)

    assert prune(gate, READINGS, passed=last, before=0) == 0
    assert prune(gate, READINGS, passed=1, before=1 << 60) == 1
    assert instants(journal.read(READINGS, 0)) == [2, 3]

    prune(gate, READINGS, passed=last, before=1 << 60)
    assert write(gate, READINGS, beats(4)) == last + 1
    assert instants(journal.read(READINGS, 0)) == [3, 4]
    journal.close()
    gate.close()


async def test_what_a_writer_hands_on_need_not_be_read_and_nothing_is_missed_between(tmp_path: Path):
    journal = SqliteJournal(tmp_path)
    await journal.append(READINGS, beats(1, 2))
    [last] = (await first(2, journal.follow(READINGS, "stream.judge", 0)))[-1:]
    handed = [
        Entry(last.offset + 2, "gate", Heartbeat("gate", 4)),
        Entry(last.offset + 3, "gate", Heartbeat("gate", 5)),
    ]
    await journal.append(READINGS, beats(3))
    await journal.append(READINGS, beats(4, 5))
    journal.ring(READINGS, handed)

    following = await first(3, journal.follow(READINGS, "stream.judge", last.offset))
    onwards = await first(2, journal.follow(READINGS, "stream.judge", last.offset + 1))
    journal.close()

    assert instants(following) == [3, 4, 5]
    assert [entry is given for entry, given in zip(onwards, handed, strict=True)] == [True, True]


async def test_a_follower_amid_a_batch_that_was_handed_on_reads_the_rest_of_it(tmp_path: Path):
    journal = SqliteJournal(tmp_path)
    last = await journal.append(READINGS, beats(1, 2, 3))
    journal.ring(READINGS, [Entry(last - 2 + n, "gate", Heartbeat("gate", n + 1)) for n in range(3)])

    assert instants(await first(2, journal.follow(READINGS, "stream.judge", last - 2))) == [2, 3]
    journal.close()
