"""A run of two hundred events to tamper with: a real arena, finished, on disk and in memory."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from actors.app.arena import Arena
from actors.app.folding import fold_run
from actors.journal.chain import Head, run_id_of
from actors.journal.reader import JournalReader, open_run
from actors.journal.sqlite import SqliteJournal
from arena.events import Event
from arena.experiment import manifest
from arena.treasury import Treasury
from tests.worlds import a_run, with_open_gates

DAYS = 84


async def live(folder: Path, at_end: Callable[[], None] = lambda: None) -> None:
    """Let a few agents rise, trade and go; a snapshot is taken on the way and at the end.

    `at_end` is called when all is done and nothing is closed.
    """
    few = ["population.baselines=[]", "evolution.agents_max=4"]
    experiment, market = a_run(days=DAYS, agents=3, overrides=few)
    experiment = with_open_gates(experiment)
    facts = manifest(experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, {})
    async with Arena(experiment, market, journal) as arena:
        await arena.backtest(DAYS // 2)
        await arena.save_snapshot()
        await arena.backtest()
        await arena.save_snapshot()
        await arena.complete()
        at_end()


def live_and_close(folder: Path) -> Path:
    """Live to the end, and return the folder."""
    asyncio.run(live(folder))
    return folder


@dataclass(frozen=True)
class Life:
    """A finished run, and what is true of it.

    Attributes:
        path: Its database; the anchors are beside it.
        image: The bytes of that database, for copies in memory.
    """

    path: Path
    image: bytes

    @classmethod
    def lived(cls, folder: Path) -> Life:
        path, plain = live_and_close(folder) / "run.db", folder / "plain.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(plain),))  # Without a -wal to look for.
        return cls(path, plain.read_bytes())

    @cached_property
    def entries(self) -> list[tuple[Head, Event]]:
        with open_run(self.path) as run:
            return [(Head(entry.seq, entry.hash), event) for entry, event in run.events()]

    @cached_property
    def genesis(self) -> Head:
        with open_run(self.path) as run:
            return Head(0, run.meta()["genesis"])

    @cached_property
    def heads(self) -> list[Head]:
        """The place and hash of each entry, by `seq`; of the manifest at 0."""
        return [self.genesis, *(head for head, _ in self.entries)]

    def treasury(self, seq: int) -> Treasury:
        with open_run(self.path) as run:
            return fold_run(run, seq)

    def copy(self) -> sqlite3.Connection:
        """Return the database in memory, without the triggers that would refuse to change it."""
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.deserialize(self.image)
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        return connection

    def reader(self, connection: sqlite3.Connection) -> JournalReader:
        """Return a reader of a copy that finds the anchors of the run."""
        return JournalReader(self.path, connection)


def columns(connection: sqlite3.Connection, table: str) -> Iterator[tuple[str, bool]]:
    """Yield the name of each column, and whether it is part of the key."""
    for row in connection.execute(f"PRAGMA table_info({table})"):
        yield row[1], bool(row[5])


def rows(connection: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    """Return all rows, by column."""
    cursor = connection.execute(f"SELECT * FROM {table}")
    names = [each[0] for each in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
