"""`check_chain` goes on from any place that is known good, and names the first that is not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actors.journal import walk
from actors.journal.chain import HASHED, Entry, Head, digest, digests, entry_hash
from actors.journal.walk import check_chain
from actors.testing.examples import GENESIS, LIFE, TIME, a_batch
from arena.exceptions import EventSourcingError
from tests.actors.journal.conftest import Tamperer

ENTRIES = a_batch(GENESIS, LIFE).entries
HEADS = [GENESIS, *(Head(entry.seq, entry.hash) for entry in ENTRIES)]
LAST = len(LIFE)


@pytest.fixture
def connection(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database)) as connection:
        yield connection


@pytest.fixture(params=[1, 3, 500], ids="page of {}".format)
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PAGE", request.param)


@pytest.mark.usefixtures("page")
def test_an_untouched_chain_leads_to_the_head(connection: sqlite3.Connection) -> None:
    assert check_chain(connection, GENESIS) == HEADS[-1]


@pytest.mark.usefixtures("page")
def test_it_begins_and_ends_where_it_is_told(connection: sqlite3.Connection) -> None:
    for first, last in [(0, 0), (0, 1), (3, 9), (LAST - 1, LAST), (LAST, LAST)]:
        assert check_chain(connection, HEADS[first], last) == HEADS[last]


def test_what_lies_before_is_not_looked_at(
    tamperer: Tamperer, connection: sqlite3.Connection
) -> None:
    tamperer.execute("UPDATE events SET data = '{}' WHERE seq = 5")

    assert check_chain(connection, HEADS[5]) == HEADS[-1]
    with pytest.raises(EventSourcingError, match=r"^seq 5: "):
        check_chain(connection, HEADS[4])


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE events SET data = '{}' WHERE seq = 7", 7),
        ("UPDATE events SET command_id = CAST(x'ff' AS TEXT) WHERE seq = 7", 7),
        ("UPDATE events SET hash = prev_hash WHERE seq = 7", 7),
        ("UPDATE events SET event_id = 'x' WHERE seq = 7", 7),
        ("UPDATE events SET caused_by = 7 WHERE seq = 7", 7),
        ("UPDATE events SET timestamp = '2019' WHERE seq = 7", 7),
        ("DELETE FROM events WHERE seq = 7", 7),
    ],
)
def test_the_first_entry_at_fault_is_named(
    tamperer: Tamperer, connection: sqlite3.Connection, statement: str, seq: int
) -> None:
    tamperer.execute(statement)

    with pytest.raises(EventSourcingError) as error:
        check_chain(connection, GENESIS)

    assert error.value.seq == seq


def test_a_chain_that_ends_too_early_is_history_lost(connection: sqlite3.Connection) -> None:
    with pytest.raises(EventSourcingError, match=f"history lost after seq {LAST}"):
        check_chain(connection, GENESIS, LAST + 1)


def test_another_manifest_is_another_chain(connection: sqlite3.Connection) -> None:
    with pytest.raises(EventSourcingError, match=r"^seq 1: prev_hash is not the hash of seq 0"):
        check_chain(connection, Head(0, "0" * 64))


def test_the_connection_is_as_it_was(connection: sqlite3.Connection) -> None:
    check_chain(connection, GENESIS)

    assert connection.execute("SELECT event_type FROM events").fetchone() == ("ArenaOpened",)


def test_many_entries_are_hashed_as_each_one_alone() -> None:
    odd = [Entry(1, "e", "T", 1, "ä\0漢", TIME, "{}", None, "", "p", "h"), *ENTRIES]
    stored = [
        [None if (value := getattr(entry, name)) is None else str(value).encode() for entry in odd]
        for name in HASHED
    ]

    assert digests(stored) == [entry_hash(entry) for entry in odd]
    assert digests(stored) == [digest(row) for row in zip(*stored, strict=True)]
