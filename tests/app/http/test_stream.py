"""A stream, begun anywhere and begun again anywhere, misses nothing and repeats nothing."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
from contextlib import aclosing, closing

import pytest

from actors.app.arena import Arena
from actors.app.http import stream
from actors.app.http.stream import follow
from actors.app.inspecting import entry_data
from actors.journal.chain import run_id_of
from actors.journal.reader import open_run
from actors.journal.sqlite import SqliteJournal
from arena.experiment import manifest
from tests.worlds import a_run

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def entries(seen):
    with open_run(seen) as run:
        return [*run.entries()]


def parsed(block: bytes) -> tuple[int, str, dict]:
    """Return id, event and data of one event of a stream."""
    fields = dict(line.split(": ", 1) for line in block.decode().rstrip("\n").split("\n"))
    return int(fields["id"]), fields["event"], json.loads(fields["data"])


async def take(reading, position: int, count: int, kind: str | None = None):
    """Return the next `count` events after `position`, and hang up."""
    found = []
    async with aclosing(follow(reading, position, kind)) as blocks:
        async for block in blocks:
            if not block.startswith(b":"):
                found.append(parsed(block))
            if len(found) == count:
                break
    return found


async def test_it_is_the_journal_in_order_and_as_it_stands_there(seen, entries, open_web):
    async with open_web(seen) as web:
        found = await take(web.reading, 0, len(entries))

    expected = [(each.seq, each.event_type, entry_data(each)) for each in entries]
    assert found == expected


async def test_whoever_comes_back_with_the_last_id_goes_on_right_there(seen, entries, open_web):
    count, found, last = len(entries), [], 0
    for size in (1, 7, count // 2, 1, count - count // 2 - 9):
        async with open_web(seen) as web:  # Each time another server.
            found += await take(web.reading, last, size)
        last = found[-1][0]

    assert [seq for seq, _, _ in found] == [each.seq for each in entries]


async def test_one_type_can_be_followed_through_a_long_history(
    seen, entries, open_web, monkeypatch
):
    monkeypatch.setattr(stream, "PAGE", 3)
    cycles = [each.seq for each in entries if each.event_type == "EvolutionCycleComplete"]
    async with open_web(seen) as web:
        found = await take(web.reading, 0, len(cycles), "EvolutionCycleComplete")

    assert [seq for seq, _, _ in found] == cycles


async def test_where_nothing_happens_it_says_that_it_is_there(seen, entries, open_web, monkeypatch):
    monkeypatch.setattr(stream, "KEEP_ALIVE_S", 0.01)
    async with open_web(seen) as web, aclosing(follow(web.reading, entries[-1].seq)) as blocks:
        said = [await anext(blocks) for _ in range(4)]

    assert said == [b": arena\n\n", *[b": still here\n\n"] * 3]


async def test_last_event_id_wins_over_after_seq_and_who_hangs_up_is_forgotten(
    seen, entries, open_web
):
    last, sent, gone = entries[-1].seq, [], asyncio.Event()
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/stream",
        "query_string": b"after_seq=1&type=RunCompleted",
        "headers": [(b"last-event-id", str(last - 2).encode())],
    }

    async def receive():
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if b"RunCompleted" in message.get("body", b""):
            gone.set()

    async with open_web(seen) as web:
        await web.app(scope, receive, send)

    assert dict(sent[0]["headers"])[b"content-type"].startswith(b"text/event-stream")
    bodies = [each["body"] for each in sent[1:] if each["body"].startswith(b"id")]
    assert [parsed(each)[0] for each in bodies] == [last]


async def test_what_is_written_meanwhile_comes_once_and_in_order(tmp_path, open_web):
    experiment, market = a_run(days=6, agents=4)
    facts = manifest(experiment)
    journal = await SqliteJournal.create(tmp_path, run_id_of(facts), facts, {})
    async with Arena(experiment, market, journal) as arena, open_web(tmp_path) as web:
        async with asyncio.TaskGroup() as group:
            early = group.create_task(take(web.reading, 0, 12))
            late = group.create_task(take(web.reading, 10, 3))
            await arena.backtest(6)
        head = arena.cast.allocator.head.seq
        rest = await take(web.reading, 12, head - 12)

    assert [seq for seq, _, _ in await early] == [*range(1, 13)]
    assert [seq for seq, _, _ in await late] == [11, 12, 13]
    assert [seq for seq, _, _ in rest] == [*range(13, head + 1)]


async def test_it_ends_where_another_run_takes_the_place_of_the_one_it_began_with(
    seen, tmp_path, open_web, monkeypatch
):
    monkeypatch.setattr(stream, "PAGE", 10)
    copied, other = (shutil.copytree(seen, tmp_path / name) for name in ("run", "other"))
    with closing(sqlite3.connect(other / "run.db")) as db:
        db.execute("DROP TRIGGER events_update")
        db.execute("UPDATE events SET hash = prev_hash WHERE seq = 10")
        db.commit()
    found = []
    async with open_web(copied) as web:
        async for block in follow(web.reading, 0):
            found.append(block)
            os.replace(other / "run.db", copied / "run.db") if len(found) == 5 else None

    assert [parsed(block)[0] for block in found[1:]] == [*range(1, 11)]


async def test_it_ends_before_a_damaged_entry(seen, tmp_path, open_web):
    copied = shutil.copytree(seen, tmp_path / "run")
    async with open_web(copied) as web:
        with closing(sqlite3.connect(copied / "run.db")) as db:
            db.execute("DROP TRIGGER events_update")
            db.execute("UPDATE events SET data = '{}' WHERE seq = 7")
            db.commit()
        found = [block async for block in follow(web.reading, 0)]

    assert [parsed(block)[0] for block in found[1:]] == [*range(1, 7)]


async def test_what_is_no_id_is_refused(seen, open_web):
    async with open_web(seen) as web:
        for wrong in ("x", "-1", "1.5"):
            found = await web.client.get("/api/v1/stream", headers={"Last-Event-ID": wrong})
            assert (found.status_code, found.json()["code"]) == (422, "invalid_parameter")
