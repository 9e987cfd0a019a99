"""Migrations are carried out one by one, each once, each as a whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from actors.journal import schema
from actors.journal.schema import check_schema, migrate, migrations, schema_version
from arena.exceptions import EventSourcingError

NEWEST = len(migrations())


@pytest.fixture
def empty() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


@pytest.mark.parametrize("upto", range(NEWEST + 1))
def test_a_database_can_be_brought_to_every_schema_that_there_was(
    empty: sqlite3.Connection, upto: int
) -> None:
    migrate(empty, upto)

    assert schema_version(empty) == upto
    assert check_schema(empty) == []


@pytest.mark.parametrize("upto", range(NEWEST + 1))
def test_from_every_schema_the_way_leads_to_the_newest(
    empty: sqlite3.Connection, upto: int
) -> None:
    migrate(empty, upto)
    migrate(empty)
    migrate(empty)

    assert schema_version(empty) == NEWEST
    assert check_schema(empty) == []


def test_a_migration_that_fails_leaves_nothing(
    empty: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (*migrations(), "CREATE TABLE more (a INTEGER);\nCREATE TABLE more (a INTEGER);\n")
    monkeypatch.setattr(schema, "migrations", lambda: broken)

    with pytest.raises(sqlite3.OperationalError, match="more already exists"):
        migrate(empty)

    assert schema_version(empty) == NEWEST
    assert check_schema(empty) == []
    assert not empty.in_transaction


@pytest.mark.parametrize("end", ["CREATE TABLE more (a INTEGER)", "-- more\nDROP TABLE trades\n"])
def test_a_migration_that_ends_within_a_statement_is_refused(
    empty: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    broken = (*migrations(), f"CREATE TABLE other (a INTEGER);\n{end}")
    monkeypatch.setattr(schema, "migrations", lambda: broken)

    with pytest.raises(EventSourcingError, match="ends within a statement"):
        migrate(empty)

    assert schema_version(empty) == NEWEST
    assert check_schema(empty) == []


def test_a_comment_may_stand_at_the_end(
    empty: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = (*migrations(), "CREATE TABLE other (a INTEGER);\n-- and that is all\n\n")
    monkeypatch.setattr(schema, "migrations", lambda: longer)

    migrate(empty)

    assert schema_version(empty) == NEWEST + 1
