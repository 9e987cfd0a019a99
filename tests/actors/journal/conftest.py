from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from actors.journal.sqlite import SqliteJournal
from actors.testing.examples import GENESIS, LIFE, MANIFEST, META, RUN, a_batch


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The `run.db` of a small life, finished and closed."""

    async def live() -> None:
        journal = await SqliteJournal.create(tmp_path, RUN, MANIFEST, META)
        await journal.record("started", {"pid": 1})
        await journal.append(a_batch(GENESIS, LIFE, {"tick": "1"}))
        await journal.close()

    asyncio.run(live())
    return tmp_path / "run.db"


class Tamperer:
    """Somebody with a shell, who knows about the triggers and puts them back."""

    def __init__(self, database: Path) -> None:
        self.database = database

    def execute(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            triggers = connection.execute(
                "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
            ).fetchall()
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute("PRAGMA ignore_check_constraints = ON")
            for statement in statements:
                connection.execute(statement)
            for _, sql in triggers:
                connection.execute(sql)


@pytest.fixture
def tamperer(database: Path) -> Tamperer:
    return Tamperer(database)
