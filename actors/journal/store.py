"""`Store`: a run's database, open for writing.  It is synchronous and belongs to one thread.

Every method is one visit: when it returns, no transaction is open, whatever went wrong.  What the
head is and how far the ledger was added up are known here alone, so that a caller who gave up
waiting cannot leave them behind the database.

Full is a refusal: nothing was written, and the next batch may fit.  Any other error of the disk is
the end: what is on it is not known any more, so nothing is written after it.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from actors.journal.anchors import Anchors, anchors_path, check_anchors, read_anchors
from actors.journal.chain import Entry, Head, check_follows
from actors.journal.files import check_run, connect_writer
from actors.journal.lock import WriterLock
from actors.journal.marker import check_marker, clear_marker, leave_marker
from actors.journal.port import (
    SNAPSHOTS_KEPT,
    Batch,
    CommandRow,
    KnownCommandError,
    Snapshot,
    StorageError,
    TradeTotals,
)
from actors.journal.rows import command_digest, fold_balances, ledger_rows, trade_rows
from actors.journal.trades import trade_totals
from actors.journal.upgrade import prepare_for_writing
from arena.exceptions import EventSourcingError
from arena.words import Book

_ADD_EVENT = """
    INSERT INTO events (seq, event_id, event_type, type_version, agent_id, timestamp, data,
                        caused_by, command_id, prev_hash, hash)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_LEDGER_ROW = """
    INSERT INTO capital_ledger (event_seq, line, book, debit_account, credit_account, amount,
                                reason)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_ADD_TRADE = """
    INSERT INTO trades (seq, line, order_id, agent_id, instrument, quantity, price, fee, slippage,
                        gas, status, reason, asked, cause, notional)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_COMMAND = """
    INSERT INTO commands (command_id, body_hash, first_seq, last_seq, body, digest)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_RECALL = """
    SELECT command_id, body_hash, first_seq, last_seq, body FROM commands WHERE command_id = ?
"""
_SET_STATE = """
    INSERT INTO arena_state (key, value, as_of_seq) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, as_of_seq = excluded.as_of_seq
"""
_READ = """
    SELECT seq, event_id, event_type, type_version, agent_id, timestamp, data, caused_by,
           command_id, prev_hash, hash
    FROM events WHERE seq > ? ORDER BY seq LIMIT ?
"""
_HEAD = "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1"
_HASH = "SELECT hash FROM events WHERE seq = ?"
_META = "SELECT value FROM meta WHERE key = ?"
_MOVED = """
    SELECT book, debit_account, credit_account, sum(amount) FROM capital_ledger
    WHERE event_seq > ? AND event_seq <= ? GROUP BY book, debit_account, credit_account
"""
_ADD_SNAPSHOT = """
    INSERT OR REPLACE INTO snapshots (seq, tick, version, state, state_hash, event_hash)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_DROP_SNAPSHOTS = """
    DELETE FROM snapshots
    WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?)
"""
_SNAPSHOTS = """
    SELECT seq, tick, version, CAST(state AS BLOB), CAST(event_hash AS BLOB),
           CAST(state_hash AS BLOB)
    FROM snapshots ORDER BY seq DESC
"""
_NEXT_EPOCH = "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'writer_epoch'"

_REFUSALS = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM}
"""What SQLite may answer, and nothing has happened."""

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}

_CHECKPOINT_PAGES = 1000
_PAGES_PER_COMMIT = 6
_ROWS_PER_PAGE = 10
"""When the -wal file is moved into the database, and what is taken for its growth."""


class Binding(NamedTuple):
    """How SQLite is reached.

    Attributes:
        check: Refuses what is no run.
        prepare: Makes a run of an older schema one of the newest.
        connect: Opens it for writing.
    """

    check: Callable[[Path], None] = check_run
    prepare: Callable[[Path], None] = prepare_for_writing
    connect: Callable[[Path], sqlite3.Connection] = connect_writer


class FencedError(StorageError):
    """Somebody else has begun to write this run; this writer is not its writer any more."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"another process has begun to write {str(path)!r}", definite=False)


class Store:
    """The rows of a run, on disk, with the lock on them and the anchors beside them."""

    def __init__(
        self,
        path: Path,
        *,
        after_io_error: bool = False,
        binding: Binding = Binding(),  # noqa: B008  # a value
    ) -> None:
        """Open a run that exists; see `SqliteJournal.open`.

        Args:
            path: Its database.
            after_io_error: Open it although the last writer left word of an I/O error.
            binding: How SQLite is reached.
        """
        self._path = path
        self._balances: dict[Book, dict[str, int]] = {book: {} for book in Book}
        self._added_up_to = 0
        self._stopped = False
        self._pages = 0
        with ExitStack() as undo:
            binding.check(path)  # A foreign file gets no lock beside it.
            self._lock = WriterLock(path)
            undo.callback(self._lock.release)
            check_marker(path, after_io_error=after_io_error)
            binding.prepare(path)
            self._connection = binding.connect(path)
            undo.callback(self._connection.close)
            self._begin()
            undo.pop_all()

    def _begin(self) -> None:
        """Check that nothing is missing, and become the writer."""
        try:
            self._head = self._stored_head()
            anchors = read_anchors(anchors_path(self._path))
            check_anchors(anchors or [], self._head, self._hash_at)
            self._epoch = self._next_epoch()
            self._anchors = Anchors(anchors_path(self._path), self._head)
            clear_marker(self._path)
        except OSError as error:
            if error.errno not in {errno.EIO, *_NO_SPACE}:
                raise
            raise self._failure(error) from error
        except sqlite3.OperationalError as error:
            raise self._failure(error) from error
        except sqlite3.DatabaseError as error:
            raise EventSourcingError(f"{str(self._path)!r} cannot be read: {error}") from error

    @property
    def connection(self) -> sqlite3.Connection:
        """The one connection that writes."""
        return self._connection

    def head(self) -> Head:
        """See `Journal.head`."""
        return self._head

    def append(self, batch: Batch) -> Head:
        """See `Journal.append`."""
        self._check_running()
        head = check_follows(self._head, batch.entries)
        pairs = list(zip(batch.entries, batch.events, strict=True))
        ledger = [row for entry, event in pairs for row in ledger_rows(entry.seq, event)]
        trades = [row for entry, event in pairs for row in trade_rows(entry.seq, event)]
        state = [(key, value, head.seq) for key, value in batch.state.items()]
        hashes = {self._head.seq: self._head.hash, **{e.seq: e.hash for e in batch.entries}}
        commands = [(*row, command_digest(row, hashes[row.last_seq])) for row in batch.commands]
        try:
            with self._transaction() as db:
                db.executemany(_ADD_EVENT, batch.entries)
                db.executemany(_ADD_LEDGER_ROW, ledger)
                db.executemany(_ADD_TRADE, trades)
                db.executemany(_ADD_COMMAND, commands)
                db.executemany(_SET_STATE, state)
        except EventSourcingError:
            known = self.recall([row.command_id for row in batch.commands])
            if known:
                raise KnownCommandError(sorted(known)) from None
            raise
        self._head = head
        self._note(rows=len(pairs) + len(ledger) + len(trades) + len(commands))
        return head

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Begin, make sure that nobody else writes, and commit; or undo it all."""
        self._check_running()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._check_epoch()
            yield self._connection
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        except BaseException:
            self._roll_back()
            raise

    def _check_running(self) -> None:
        if self._stopped:
            raise StorageError("the journal stopped at an error of the disk", definite=False)

    def _check_epoch(self) -> None:
        if self._stored_epoch() != self._epoch:
            raise FencedError(self._path)

    def _refusal(self, error: sqlite3.Error) -> EventSourcingError | StorageError:
        if not self._roll_back():
            return self._stop(error)
        if isinstance(error, sqlite3.IntegrityError):
            return EventSourcingError(f"the database refused the batch: {error}")
        return self._failure(error)

    def _failure(self, error: OSError | sqlite3.Error) -> StorageError:
        """Return what is to be said of a disk that is full; stop at one that fails."""
        if isinstance(error, OSError):
            full = error.errno in _NO_SPACE
        else:
            full = getattr(error, "sqlite_errorcode", 0) & 0xFF in _REFUSALS
        if not full:
            return self._stop(error)
        return StorageError(f"nothing was written: {error}", definite=True)

    def _stop(self, error: Exception) -> StorageError:
        """Write nothing any more, and leave word for who comes next."""
        self._stopped = True
        leave_marker(self._path, error)
        return StorageError(
            f"the disk failed, and it is not known how far: {error}", definite=False
        )

    def _roll_back(self) -> bool:
        """Undo what was begun; return whether the disk is known to be as it was."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return not self._connection.in_transaction and self._stored_head() == self._head
        except (sqlite3.Error, EventSourcingError):
            return False

    def _note(self, *, rows: int) -> None:
        """Anchor the head, and empty the -wal file before it is long.

        SQLite would do the second by itself, and not say if the disk failed at it.
        """
        with self._unless_full():
            self._anchors.note(self._head)
        self._pages += _PAGES_PER_COMMIT + rows // _ROWS_PER_PAGE
        if self._pages >= _CHECKPOINT_PAGES:
            self._pages = 0
            with self._unless_full():
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    @contextmanager
    def _unless_full(self) -> Iterator[None]:
        """Do what the next commit would do as well, if there is no room for it now."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            failure = self._failure(error)
            if not failure.definite:
                raise failure from error

    def _stored_head(self) -> Head:
        found = self._connection.execute(_HEAD).fetchone()
        return Head(*found) if found else Head(0, self._meta("genesis"))

    def _hash_at(self, seq: int) -> str | None:
        if seq == 0:
            return self._meta("genesis")
        found = self._connection.execute(_HASH, (seq,)).fetchone()
        return None if found is None else str(found[0])

    def _meta(self, key: str) -> str:
        found = self._connection.execute(_META, (key,)).fetchone()
        if found is None:
            raise EventSourcingError(f"{str(self._path)!r} is damaged: it has no {key}")
        return str(found[0])

    def _stored_epoch(self) -> int:
        epoch = self._meta("writer_epoch")
        if not epoch.isdecimal():
            raise EventSourcingError(
                f"{str(self._path)!r} is damaged: its writer_epoch is {epoch!r}"
            )
        return int(epoch)

    def _next_epoch(self) -> int:
        self._epoch = self._stored_epoch()
        with self._transaction() as db:
            db.execute(_NEXT_EPOCH)
        return self._stored_epoch()

    def recall(self, command_ids: Sequence[str]) -> dict[str, CommandRow]:
        """See `Journal.recall`."""
        rows = (self._connection.execute(_RECALL, (each,)).fetchone() for each in command_ids)
        return {row[0]: CommandRow(*row) for row in rows if row is not None}

    def read(self, after_seq: int, limit: int) -> list[Entry]:
        """See `Journal.read`."""
        return [Entry(*row) for row in self._connection.execute(_READ, (after_seq, limit))]

    def trial_balance(self, upto: int | None) -> dict[Book, dict[str, int]]:
        """See `Journal.trial_balance`; a row that was added up is not read again."""
        last = self._head.seq if upto is None else upto
        if last < self._added_up_to:
            self._balances, self._added_up_to = {book: {} for book in Book}, 0
        fold_balances(self._balances, self._connection.execute(_MOVED, (self._added_up_to, last)))
        self._added_up_to = last
        return {book: dict(accounts) for book, accounts in self._balances.items()}

    def trade_totals(
        self, agent_id: str | None, low: str, high: str, upto: int | None
    ) -> TradeTotals:
        """See `Journal.trade_totals`."""
        return trade_totals(self._connection, agent_id=agent_id, low=low, high=high, upto=upto)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `Journal.save_snapshot`."""
        own, place = snapshot, (snapshot.seq, snapshot.tick, snapshot.version)
        with self._transaction() as db:
            db.execute(_ADD_SNAPSHOT, (*place, own.state, own.state_hash, own.event_hash))
            db.execute(_DROP_SNAPSHOTS, (SNAPSHOTS_KEPT,))
        self._note(rows=len(own.state) // 400)

    def snapshots(self) -> list[Snapshot]:
        """See `Journal.snapshots`; what rotted, be it no text any more, is none."""
        kept = []
        for seq, tick, version, *texts in self._connection.execute(_SNAPSHOTS).fetchall():
            state, event_hash, state_hash = (text.decode(errors="replace") for text in texts)
            snapshot = Snapshot(seq, tick, version, state, event_hash)
            if snapshot.state_hash == state_hash:
                kept.append(snapshot)
        return kept

    def record(self, kind: str, data: str) -> None:
        """See `Journal.record`; `data` is JSON."""
        with self._transaction() as db:
            db.execute("INSERT INTO process_log (kind, data) VALUES (?, ?)", (kind, data))

    def finish(self) -> None:
        """Move everything from the -wal file into the database, empty it, and anchor the head."""
        if self._stopped or self._stored_epoch() != self._epoch:
            self._anchors.abandon()  # What lies there is unknown, or another writer's.
            return
        try:
            with self._unless_full():
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            with self._unless_full():
                self._anchors.close(self._head)

    def release(self) -> None:
        """Let go of the lock, when the connection is closed."""
        self._lock.release()
