"""A reader shows a run as it is, and leaves every file as it found it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from actors.journal import files
from actors.journal.reader import open_run
from actors.journal.rows import ledger_rows, trade_rows
from actors.journal.schema import NewerRunError, NotARunError
from actors.journal.sqlite import SqliteJournal
from actors.journal.verify import verify
from actors.testing.examples import (
    ADA,
    BOB,
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


def test_a_reader_shows_all_that_was_written(database: Path) -> None:
    batch = a_batch(GENESIS, LIFE)

    with open_run(database.parent) as run:
        assert run.manifest() == MANIFEST
        assert run.meta() == META | {
            "manifest": MANIFEST,
            "genesis": GENESIS.hash,
            "run_id": RUN,
            "commands_from": "1",
            "writer_epoch": "1",
        }
        assert run.head().hash == batch.entries[-1].hash
        assert tuple(run.entries()) == batch.entries
        assert list(run.events()) == list(zip(batch.entries, LIFE, strict=True))
        assert run.state()["tick"][1:] == ("1", len(LIFE))
        assert [row[2:] for row in run.process_log()] == [("started", '{"pid":1}')]


def test_facts_are_the_events_alone(database: Path) -> None:
    with open_run(database) as run:
        assert list(run.facts()) == list(enumerate(LIFE, start=1))
        assert list(run.facts(3, upto=5)) == [(4, LIFE[3]), (5, LIFE[4])]


def test_ledger_and_trades_are_those_of_the_events(database: Path) -> None:
    with open_run(database) as run:
        numbered = list(enumerate(LIFE, start=1))
        assert list(run.transfers()) == [r for n, event in numbered for r in ledger_rows(n, event)]
        assert list(run.trades()) == [r for n, event in numbered for r in trade_rows(n, event)]


def test_trades_can_be_chosen_by_agent_status_and_place(database: Path) -> None:
    with open_run(database) as run:
        assert [trade.agent_id for trade in run.trades(agent_id=ADA)] == [ADA, ADA, ADA]
        failed, cancelled = run.trades(status="failed")
        assert (failed.agent_id, failed.reason, failed.price) == (
            BOB,
            "position_insufficient",
            None,
        )
        assert (cancelled.order_id, cancelled.reason) == ("by-hand", "trading_halted")
        assert [trade.reason for trade in run.trades(7)] == ["reduction", "trading_halted"]
        assert run.last_trades(1, status="success")[0].seq == 8


def test_entries_can_be_chosen_by_type_agent_and_place(database: Path) -> None:
    with open_run(database) as run:
        spawned = run.entries(event_type="AgentSpawned")
        assert [entry.agent_id for entry in spawned] == [ADA, BOB]
        newest = run.entries(agent_id=BOB, newest_first=True, limit=2)
        assert [entry.event_type for entry in newest] == ["AgentQuarantined", "AgentFailed"]
        last = len(LIFE)
        assert [entry.seq for entry in run.entries(after_seq=last - 3)] == [
            last - 2,
            last - 1,
            last,
        ]
        down = run.entries(after_seq=last - 3, newest_first=True)
        assert [entry.seq for entry in down] == [last, last - 1, last - 2]
        assert list(run.entries(limit=0)) == []
        assert list(run.entries(event_type="Nothing")) == []


@pytest.mark.parametrize("limit", [None, 999, 1000, 1001, 2001])
def test_pages_join_without_a_seam(tmp_path: Path, limit: int | None) -> None:
    async def live() -> None:
        journal = await SqliteJournal.create(tmp_path, RUN, MANIFEST, META)
        many = (an_allocation() for _ in range(2500))
        await journal.append(a_batch(GENESIS, [OPENED, *many]))
        await journal.close()

    asyncio.run(live())
    expected = list(range(1, 2502))

    with open_run(tmp_path) as run:
        assert [entry.seq for entry in run.entries(limit=limit)] == expected[:limit]
        down = [entry.seq for entry in run.entries(limit=limit, newest_first=True)]
        assert down == expected[::-1][:limit]
        assert sum(1 for _ in run.transfers()) == 3 + 2500


def test_a_running_run_can_be_read_and_verified(tmp_path: Path) -> None:
    async def live() -> None:
        journal = await SqliteJournal.create(tmp_path, RUN, MANIFEST, META)
        head = await journal.append(a_batch(GENESIS, LIFE))
        with open_run(tmp_path) as run:
            assert run.head() == head
            head = await journal.append(a_batch(head, [an_allocation()]))
            assert run.head() == head
        assert verify(tmp_path).head == head
        await journal.close()

    asyncio.run(live())


def test_a_reader_cannot_write(database: Path) -> None:
    with open_run(database) as run, pytest.raises(sqlite3.OperationalError, match="readonly"):
        run.connection.execute("DELETE FROM process_log")


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (a)")


REFUSED = {
    "nothing there": lambda path: None,
    "a folder without a run": lambda path: path.mkdir(),
    "an empty file": lambda path: path.touch(),
    "random bytes": lambda path: path.write_bytes(bytes(range(256)) * 64),
    "text": lambda path: path.write_text("seq,event\n" * 500),
    "a few bytes": lambda path: path.write_bytes(b"SQLite"),
    "a foreign database": _foreign,
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_what_is_no_run_is_refused_and_not_touched(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "thing"
    make(path)
    before = path.read_bytes() if path.is_file() else None

    for look in (open_run, verify, lambda it: asyncio.run(SqliteJournal.open(it))):
        with pytest.raises(NotARunError, match="thing"):
            look(path)

    assert (path.read_bytes() if path.is_file() else None) == before
    assert [found.name for found in tmp_path.iterdir()] == ["thing"][: path.exists()]


def test_a_run_of_a_newer_version_is_refused_and_not_touched(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = database.read_bytes()

    for look in (open_run, verify, lambda it: asyncio.run(SqliteJournal.open(it))):
        with pytest.raises(NewerRunError, match="version 99"):
            look(database)

    assert database.read_bytes() == before


def test_reading_changes_no_byte(database: Path) -> None:
    before = database.read_bytes()

    with open_run(database) as run:
        list(run.events())
    verify(database)

    assert database.read_bytes() == before


def test_a_folder_that_takes_no_file_can_be_read(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write anywhere, so the first attempt is made to fail."""
    attempt, modes = files._open_reader, []

    def refuse_first(path: Path, mode: str) -> sqlite3.Connection:
        modes.append(mode)
        if mode == "mode=ro":
            error = sqlite3.OperationalError("attempt to write a readonly database")
            error.sqlite_errorcode = sqlite3.SQLITE_READONLY_DIRECTORY
            raise error
        return attempt(path, mode)

    monkeypatch.setattr(files, "_open_reader", refuse_first)
    with open_run(database) as run:
        assert run.head().seq == len(LIFE)
    assert modes == ["mode=ro", "mode=ro&immutable=1"]

    database.with_name("run.db-wal").write_bytes(b"somebody is writing")
    with pytest.raises(EventSourcingError, match="cannot be read"):
        open_run(database)


def test_damage_in_the_middle_is_named_and_not_a_traceback(database: Path) -> None:
    raw = bytearray(database.read_bytes())
    for page in range(4096, len(raw), 4096):
        raw[page : page + 64] = b"\xff" * 64
    database.write_bytes(raw)

    with (
        pytest.raises(EventSourcingError, match=r"damaged|cannot be read"),
        open_run(database) as run,
    ):
        list(run.entries())
