"""`Store`: a run's database, open for writing.  It is synchronous and belongs to one thread.

Every method is one visit: when it returns, no transaction is open, whatever went wrong.  What the
head is and how far the ledger was added up are known here alone, so that a caller who gave up
waiting cannot leave them behind the database.
"""

from __future__ import annotations

import sqlite3
from operator import attrgetter
from pathlib import Path

from actors.journal.chain import Entry, Head, check_follows
from actors.journal.files import connect_writer
from actors.journal.port import Batch, StorageError
from actors.journal.rows import fold_balances, ledger_rows, trade_rows
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
                        gas, status, reason)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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
_GENESIS = "SELECT 0, value FROM meta WHERE key = 'genesis'"
_MOVED = """
    SELECT book, debit_account, credit_account, sum(amount) FROM capital_ledger
    WHERE event_seq > ? GROUP BY book, debit_account, credit_account
"""

_columns = attrgetter(*Entry.__slots__)


class Store:
    """The rows of a run, on disk."""

    def __init__(self, path: Path) -> None:
        self._connection = connect_writer(path)
        self._balances: dict[Book, dict[str, int]] = {book: {} for book in Book}
        self._added_up_to = 0
        try:
            self._head = self._stored_head()
        except BaseException:
            self._connection.close()
            raise

    @property
    def connection(self) -> sqlite3.Connection:
        """The one connection that writes."""
        return self._connection

    def head(self) -> Head:
        """See `Journal.head`."""
        return self._head

    def append(self, batch: Batch) -> Head:
        """See `Journal.append`."""
        head = check_follows(self._head, batch.entries)
        pairs = list(zip(batch.entries, batch.events, strict=True))
        ledger = [row for entry, event in pairs for row in ledger_rows(entry.seq, event)]
        trades = [row for entry, event in pairs for row in trade_rows(entry.seq, event)]
        state = [(key, value, head.seq) for key, value in batch.state.items()]
        db = self._connection
        try:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(_ADD_EVENT, map(_columns, batch.entries))
            db.executemany(_ADD_LEDGER_ROW, ledger)
            db.executemany(_ADD_TRADE, trades)
            db.executemany(_SET_STATE, state)
            db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._refusal(error) from error
        except BaseException:
            self._roll_back()
            raise
        self._head = head
        return head

    def _refusal(self, error: sqlite3.Error) -> EventSourcingError | StorageError:
        definite = self._roll_back()
        if definite and isinstance(error, sqlite3.IntegrityError):
            return EventSourcingError(f"the database refused the batch: {error}")
        return StorageError(f"the batch was not written: {error}", definite=definite)

    def _roll_back(self) -> bool:
        """Undo what was begun; return whether the disk is known to be as it was."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return not self._connection.in_transaction and self._stored_head() == self._head
        except sqlite3.Error:
            return False

    def _stored_head(self) -> Head:
        found = self._connection.execute(_HEAD).fetchone()
        return Head(*(found or self._connection.execute(_GENESIS).fetchone()))

    def read(self, after_seq: int, limit: int) -> list[Entry]:
        """See `Journal.read`."""
        return [Entry(*row) for row in self._connection.execute(_READ, (after_seq, limit))]

    def trial_balance(self) -> dict[Book, dict[str, int]]:
        """See `Journal.trial_balance`; a row that was added up is not read again."""
        fold_balances(self._balances, self._connection.execute(_MOVED, (self._added_up_to,)))
        self._added_up_to = self._head.seq
        return {book: dict(accounts) for book, accounts in self._balances.items()}

    def record(self, kind: str, data: str) -> None:
        """See `Journal.record`; `data` is JSON."""
        self._connection.execute("INSERT INTO process_log (kind, data) VALUES (?, ?)", (kind, data))

    def checkpoint(self) -> None:
        """Move everything from the -wal file into the database, and empty it."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
