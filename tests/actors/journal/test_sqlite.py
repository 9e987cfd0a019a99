"""The database guards itself: it appears whole, refuses what is not an appendix, and lets go."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from actors.journal import files, placing
from actors.journal.chain import Head
from actors.journal.port import StorageError
from actors.journal.reader import open_run
from actors.journal.schema import APPLICATION_ID, migrations
from actors.journal.sqlite import SqliteJournal
from actors.journal.store import Store
from actors.journal.verify import verify
from actors.testing.examples import (
    GENESIS,
    LIFE,
    MANIFEST,
    META,
    OPENED,
    RUN,
    a_batch,
    an_allocation,
)
from arena.exceptions import EventSourcingError


def write(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute(statement)


LAST = len(LIFE)
COPY = """
    INSERT OR REPLACE INTO events (seq, event_id, event_type, type_version, timestamp, data,
                                   prev_hash, hash)
    SELECT {seq}, {event_id}, event_type, type_version, timestamp, data, {prev_hash}, 'x'
    FROM events WHERE seq = (SELECT max(seq) FROM events)
"""


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE events SET data = '{}' WHERE seq = 2", "append-only"),
        (f"DELETE FROM events WHERE seq = {LAST}", "append-only"),
        ("UPDATE capital_ledger SET amount = 1", "append-only"),
        ("DELETE FROM capital_ledger", "append-only"),
        ("INSERT OR REPLACE INTO events SELECT * FROM events WHERE seq = 2", "next number"),
        (COPY.format(seq=LAST + 2, event_id="'x'", prev_hash="hash"), "next number"),
        (COPY.format(seq=LAST + 1, event_id="'x'", prev_hash="'x'"), "entry before"),
        (COPY.format(seq=LAST + 1, event_id="event_id", prev_hash="hash"), "event_id is taken"),
        ("INSERT OR REPLACE INTO capital_ledger SELECT * FROM capital_ledger", "after the last"),
        (
            "INSERT INTO capital_ledger VALUES (23, 1, 'real', 'a', 'a', 1, 'r')",
            "CHECK constraint",
        ),
        (
            "INSERT INTO capital_ledger VALUES (23, 1, 'real', 'a', 'b', 0, 'r')",
            "CHECK constraint",
        ),
        (
            "INSERT INTO capital_ledger VALUES (23, 1, 'real', 'a', 'b', 1000000000000001, 'r')",
            "CHECK constraint",
        ),
        (
            "INSERT INTO capital_ledger VALUES (23, 1, 'euro', 'a', 'b', 1, 'r')",
            "CHECK constraint",
        ),
    ],
)
def test_the_triggers_refuse_a_hand_with_a_shell(database: Path, statement: str, why: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=why):
        write(database, statement)

    assert verify(database).ok


def test_the_events_have_no_gap_and_the_books_sum_to_zero_in_sql(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        (gapless,) = connection.execute("SELECT count(*) = max(seq) FROM events").fetchone()
        sums = connection.execute(
            "SELECT book, sum(delta) FROM capital_ledger_legs GROUP BY book"
        ).fetchall()

    assert gapless == 1
    assert sums == [("real", 0), ("virtual", 0)]


def test_the_legs_show_the_running_capital_of_an_agent(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        legs = connection.execute(
            "SELECT agent_id, old_capital, new_capital, delta FROM capital_ledger_legs"
            " WHERE account = 'agent:g000-001' ORDER BY event_seq, line"
        ).fetchall()

    assert legs[0] == ("g000-001", 0, 10**9, 10**9)
    assert all(old + delta == new for _, old, new, delta in legs)
    assert all(before[2] == after[1] for before, after in pairwise(legs))


def test_the_file_says_what_it_is_and_is_nobody_elses(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(migrations()),)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.stat().st_mode & 0o777 == 0o600


def test_a_finished_run_is_one_file_with_its_anchors_and_its_lock(database: Path) -> None:
    names = sorted(path.name for path in database.parent.iterdir())
    assert names == ["run.anchors.jsonl", "run.db", "run.lock"]


def test_the_writer_has_every_setting_that_durability_rests_on(database: Path) -> None:
    store = Store(database)
    with closing(store.connection) as connection:
        found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in files.WRITER}
        assert connection.isolation_level is None

    assert found == files.WRITER
    assert found["synchronous"] == 2


def test_a_setting_that_does_not_take_is_an_error(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "WRITER", {"synchronous": 7})

    with pytest.raises(StorageError, match="synchronous"):
        Store(database)


def test_until_it_is_complete_the_run_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def publish(building: Path, path: Path) -> None:
        with closing(sqlite3.connect(building)) as connection:
            seen.append(connection.execute("SELECT count(*) FROM meta").fetchone())
        seen.append(path.exists())
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(placing, "_publish", publish)
    with pytest.raises(StorageError, match="cannot create"):
        asyncio.run(SqliteJournal.create(tmp_path, RUN, MANIFEST, META))

    assert seen == [(6,), False]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["run.db", "run.db-wal", "run.db-journal"])
def test_a_run_is_never_created_over_what_is_there(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")

    with pytest.raises(FileExistsError, match=name):
        asyncio.run(SqliteJournal.create(tmp_path, RUN, MANIFEST, META))

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_of_two_who_create_one_run_only_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = files._build

    def build_slowly(path: Path, *given: Any) -> None:
        build(path, *given)
        (tmp_path / "run.db").write_text("theirs")

    monkeypatch.setattr(files, "_build", build_slowly)
    with pytest.raises(FileExistsError):
        asyncio.run(SqliteJournal.create(tmp_path, RUN, MANIFEST, META))

    assert (tmp_path / "run.db").read_text() == "theirs"


def test_a_folder_without_links_gets_its_run_by_renaming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    files.create_database(tmp_path / "run.db", RUN, MANIFEST, META)

    with open_run(tmp_path) as run:
        assert run.head() == GENESIS


def test_meta_cannot_take_the_names_that_the_chain_needs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="genesis"):
        asyncio.run(SqliteJournal.create(tmp_path, RUN, MANIFEST, {"genesis": "x"}))


def test_a_journal_goes_on_where_it_was_closed(database: Path) -> None:
    async def go_on() -> tuple[Head, int]:
        journal = await SqliteJournal.open(database)
        head = await journal.append(a_batch(await journal.head(), [an_allocation()]))
        balances = await journal.trial_balance()
        await journal.close()
        return head, sum(sum(accounts.values()) for accounts in balances.values())

    head, total = asyncio.run(go_on())

    assert (head.seq, total) == (len(LIFE) + 1, 0)
    assert verify(database).head == head


def test_a_disk_that_fails_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    async def fail() -> None:
        journal = await SqliteJournal.create(tmp_path, RUN, MANIFEST, META)
        await journal._thread.visit(
            lambda store: store.connection.execute("PRAGMA max_page_count = 1").fetchall()
        )
        big = a_batch(GENESIS, [OPENED, *(an_allocation() for _ in range(500))])
        with pytest.raises(StorageError) as caught:
            await journal.append(big)
        await journal._thread.visit(
            lambda store: store.connection.execute("PRAGMA max_page_count = 100000").fetchall()
        )
        assert caught.value.definite
        assert await journal.head() == GENESIS
        assert await journal.read() == []
        await journal.append(big)
        await journal.close()

    asyncio.run(fail())

    assert verify(tmp_path).ok


def test_a_batch_that_the_database_refuses_is_rolled_back(tmp_path: Path) -> None:
    async def refuse() -> None:
        journal = await SqliteJournal.create(tmp_path, RUN, MANIFEST, META)
        await journal._thread.visit(
            lambda store: store.connection.execute(
                "CREATE TEMP TRIGGER no AFTER INSERT ON main.trades"
                " BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        )
        with pytest.raises(EventSourcingError, match="refused the batch: no"):
            await journal.append(a_batch(GENESIS, LIFE))
        assert await journal.read() == []
        assert not await journal._thread.visit(lambda store: store.connection.in_transaction)
        await journal.close()

    asyncio.run(refuse())


def test_whoever_gives_up_waiting_leaves_a_whole_batch_or_none(tmp_path: Path) -> None:
    async def give_up() -> None:
        journal = await SqliteJournal.create(tmp_path, RUN, MANIFEST, META)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(journal.append(a_batch(GENESIS, LIFE)))
            group.create_task(asyncio.sleep(0)).add_done_callback(lambda _: waiting.cancel())
        head = await journal.head()
        assert head.seq in {0, len(LIFE)}
        await journal.append(a_batch(head, [an_allocation()] if head.seq else [OPENED]))
        await journal.close()

    asyncio.run(give_up())

    assert verify(tmp_path).ok


def test_no_thread_is_left_after_closing_or_failing(database: Path) -> None:
    before = threading.active_count()

    async def visit(path: Path) -> None:
        journal = await SqliteJournal.open(path)
        await journal.head()
        await journal.close()
        assert threading.active_count() == before

    asyncio.run(visit(database))
    with pytest.raises(EventSourcingError):
        asyncio.run(visit(database.parent / "nothing.db"))

    assert threading.active_count() == before
