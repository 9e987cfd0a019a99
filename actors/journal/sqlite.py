"""`SqliteJournal`: the journal on disk.

One thread owns the connection (aiosqlite's), and whatever is asked is one visit to it: a batch is
begun, written and committed without a pause in which another question could see half of it, or a
cancelled caller could leave a transaction open.  Who is cancelled while waiting does not know the
outcome; the batch is on the record, or nothing is.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

import aiosqlite

from actors.journal.backup import Prove, verified_head
from actors.journal.chain import Entry, Head, genesis_hash
from actors.journal.codec import canonical
from actors.journal.files import create_database, database_path
from actors.journal.port import Batch, CommandRow, Snapshot, StorageError, TradeTotals
from actors.journal.reader import open_run
from actors.journal.store import Binding, Store
from actors.journal.upgrade import prepare_for_writing
from actors.journal.walk import check_chain
from arena.exceptions import EventSourcingError
from arena.words import Book, Scalar

T = TypeVar("T")


class SqliteJournal:
    """The history of one run in its `run.db`."""

    def __init__(self, thread: StoreThread) -> None:
        """Use `create` or `open`."""
        self._thread = thread

    @classmethod
    async def create(
        cls, path: str | os.PathLike[str], run_id: str, manifest: str, meta: Mapping[str, str]
    ) -> SqliteJournal:
        """Make a new run and return its empty journal.

        Args:
            path: An existing folder, which gets a `run.db`, or the file itself.
            run_id: The run's name.
            manifest: Canonical JSON of what the run is: the chain begins with its hash.
            meta: How it is run.  Not hashed.

        Raises:
            FileExistsError: A run is there already.
            ValueError: `meta` uses a name that the journal needs.
            StorageError: The folder takes no file, or SQLite refuses a setting.
        """
        database = database_path(path)

        def make() -> Store:
            create_database(database, run_id, manifest, meta)
            return Store(database)

        return cls(await StoreThread.start(make))

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        after_io_error: bool = False,
        prove: Prove = verified_head,
    ) -> SqliteJournal:
        """Return the journal of a run that exists; one of an older schema is upgraded.

        Args:
            path: The run's folder, or its file.
            after_io_error: Open it although the last writer left word of an I/O error; that word
                stays until the whole chain was read from the disk and found right.
            prove: What a run has to withstand before it is upgraded.

        Raises:
            HistoryLostError: It ends before an entry that it once had.
            EventSourcingError: It is no run, damaged, or of a newer version.
            LockedError: Somebody else is writing it.
            IoErrorLeftError: The last writer ended in an I/O error.
            StorageError: SQLite refuses a setting.
        """
        database = database_path(path)

        def ready(stored: Path) -> None:
            if after_io_error:
                _check_whole(stored)
            prepare_for_writing(stored, prove)

        binding = Binding(prepare=ready)

        def make() -> Store:
            return Store(database, after_io_error=after_io_error, binding=binding)

        return cls(await StoreThread.start(make))

    async def append(self, batch: Batch) -> Head:
        """See `Journal.append`."""
        return await self._thread.visit(lambda store: store.append(batch))

    async def read(self, after_seq: int = 0, limit: int = 1000) -> list[Entry]:
        """See `Journal.read`."""
        return await self._thread.visit(lambda store: store.read(after_seq, limit))

    async def head(self) -> Head:
        """See `Journal.head`."""
        return await self._thread.visit(lambda store: store.head())

    async def recall(self, command_ids: Sequence[str]) -> dict[str, CommandRow]:
        """See `Journal.recall`."""
        return await self._thread.visit(lambda store: store.recall(command_ids))

    async def trial_balance(self, upto: int | None = None) -> dict[Book, dict[str, int]]:
        """See `Journal.trial_balance`."""
        return await self._thread.visit(lambda store: store.trial_balance(upto))

    async def trade_totals(
        self,
        agent_id: str | None = None,
        low: str = "",
        high: str = "~",
        *,
        upto: int | None = None,
    ) -> TradeTotals:
        """See `Journal.trade_totals`."""
        return await self._thread.visit(lambda store: store.trade_totals(agent_id, low, high, upto))

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `Journal.save_snapshot`."""
        await self._thread.visit(lambda store: store.save_snapshot(snapshot))

    async def snapshots(self) -> list[Snapshot]:
        """See `Journal.snapshots`."""
        return await self._thread.visit(lambda store: store.snapshots())

    async def record(self, kind: str, data: Mapping[str, Scalar]) -> None:
        """See `Journal.record`."""
        text = canonical(data)
        await self._thread.visit(lambda store: store.record(kind, text))

    async def close(self) -> None:
        """See `Journal.close`; the -wal file is moved into the database and is gone."""
        await self._thread.close()


def _check_whole(path: Path) -> None:
    """Check the chain of the run at `path` from its first entry on."""
    with open_run(path) as run:
        check_chain(run.connection, Head(0, genesis_hash(run.manifest())))


class StoreThread(aiosqlite.Connection):
    """aiosqlite's worker thread with a `Store` on it, and a way to visit it."""

    def __init__(self, make: Callable[[], Store]) -> None:
        super().__init__(self._make, iter_chunk_size=64)
        self._factory = make
        self._store: Store | None = None

    def _make(self) -> sqlite3.Connection:
        self._store = self._factory()
        return self._store.connection

    @classmethod
    async def start(cls, make: Callable[[], Store]) -> StoreThread:
        """Start the thread and make the store on it; an error leaves no thread behind."""
        thread = cls(make)
        try:
            await thread
        except BaseException:
            thread._thread.join()
            raise
        return thread

    async def visit(self, work: Callable[[Store], T]) -> T:
        """Return what `work` returns, done on the thread after all that was asked before.

        Raises:
            EventSourcingError: The journal is closed.
            StorageError: SQLite failed where `work` has no answer of its own.
        """
        store = self._store
        if store is None:
            raise EventSourcingError("the journal is closed")
        try:
            answer = await self._execute(lambda: work(store))  # type: ignore[no-untyped-call] # theirs
            return cast("T", answer)
        except sqlite3.Error as error:
            raise StorageError(f"the database did not answer: {error}", definite=False) from error

    async def close(self) -> None:
        """Empty the -wal file, close the database, end the thread; a second call does nothing."""
        store = self._store
        if store is None:
            return
        try:
            await self.visit(Store.finish)
        finally:
            self._store = None
            await super().close()
            self._thread.join()
            store.release()
