"""The audit of one run's money: its ledger rows and trades, against the events they came from.

A page of events is read and its rows are derived anew; as a rule they are the ones that are found,
and nothing more is done.  Only where they differ is row held against row, to say which.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeAlias

from actors.journal.codec import decode, encode
from actors.journal.decoders import Decoders
from actors.journal.findings import Findings, Row, Table
from actors.journal.rows import ledger_rows, trade_rows
from actors.journal.schema import NewerRunError
from actors.journal.trades import trade_columns
from actors.journal.upcasters import version_of
from actors.journal.walk import pages, uncollected
from arena.events import Event
from arena.exceptions import EventSourcingError
from arena.ledger import MAY_BE_NEGATIVE

_EVENTS = """
    SELECT seq, event_type, type_version, data
    FROM events WHERE seq > ? AND seq <= ? ORDER BY seq
"""
_LEDGER = """
    SELECT event_seq, line, book, debit_account, credit_account, amount, reason
    FROM capital_ledger WHERE event_seq > ? AND event_seq <= ? ORDER BY event_seq, line
"""
_TRADES = """
    SELECT {columns} FROM trades WHERE seq > ? AND seq <= ? ORDER BY seq, line
"""

Watch: TypeAlias = Callable[[int, Event | None], None]
"""Told of every entry in its order: its `seq` and its event, None where that cannot be read."""

Read: TypeAlias = tuple[int, Event | None]
Derive: TypeAlias = Callable[[int, Event], Sequence[Row]]

_UNDERIVABLE = (ArithmeticError, EventSourcingError, LookupError, ValueError)


class Audit:
    """One pass over the events, from the first on.

    Attributes:
        newer: What is wrong first, if that is an event which only a newer version understands.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        findings: Findings,
        watch: Watch | None = None,
        *,
        deep: bool = False,
    ) -> None:
        """Audit; with `deep`, also write every event anew and compare its bytes."""
        self.newer: NewerRunError | None = None
        self._db = connection
        self._findings = findings
        self._watch = watch
        self._deep = deep
        self._ledger = Table(connection, "capital_ledger", _LEDGER, findings)
        trades = _TRADES.format(columns=trade_columns(connection))
        self._trades = Table(connection, "trades", trades, findings)
        self._balances: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._overdrawn: set[tuple[str, str]] = set()
        self._decoders = Decoders()

    @property
    def balances(self) -> dict[str, dict[str, int]]:
        """What the rows add up to: book, then account."""
        return self._balances

    def run(self, upto: int) -> None:
        """Check the rows of every entry up to `upto`, and that there are no others.

        Raises:
            sqlite3.DatabaseError: The events cannot be read on.
        """
        with uncollected():
            for page in pages(self._db, _EVENTS, 0, upto):
                self._check(page)
        for table in (self._ledger, self._trades):
            for row in table.rest():
                self._extra(table, row)
        for book, accounts in self._balances.items():
            if total := sum(accounts.values()):
                self._findings.add(
                    None, "capital_ledger", f"book {book!r} sums to {total} micro-USD, not to 0"
                )

    def _check(self, page: Sequence[Row]) -> None:
        entries = self._read(page)
        if self._watch is not None:
            for seq, event in entries:
                self._watch(seq, event)
        if self._deep:
            self._write_anew(page, entries)
        upto = page[-1][0]
        self._post(self._compare(self._ledger, upto, entries, ledger_rows))
        self._compare(self._trades, upto, entries, trade_rows)

    def _read(self, page: Sequence[Row]) -> list[Read]:
        decoders = self._decoders
        try:
            return [(seq, decoders[kind, version](data)) for seq, kind, version, data in page]
        except (LookupError, TypeError, ValueError):  # Something is old, or rotten: one by one.
            return [(row[0], self._read_one(*row)) for row in page]

    def _read_one(
        self, seq: int, kind: bytes | None, version: int | None, data: bytes | None
    ) -> Event | None:
        if kind is None or version is None or data is None:
            self._findings.add(seq, "events", "event_type, type_version or data is empty")
            return None
        try:
            return decode(kind.decode(), int(version), data)
        except (AttributeError, EventSourcingError, TypeError, ValueError) as error:
            if isinstance(error, NewerRunError) and not self._findings.found:
                self.newer = NewerRunError(str(error), seq=seq)
            self._findings.add(seq, "events", str(error))
            return None

    def _write_anew(self, page: Sequence[Row], entries: Sequence[Read]) -> None:
        for (seq, kind, version, data), (_, event) in zip(page, entries, strict=True):
            today = event and version == version_of(kind.decode())
            if event and today and encode(event).encode() != data:
                self._findings.add(seq, "events", "data is not the one form that its event has")

    def _compare(
        self, table: Table, upto: int, entries: Sequence[Read], derive: Derive
    ) -> Sequence[Row]:
        """Return the rows that are found, held against the ones that should be there."""
        found = table.upto(upto)
        try:
            derived = [row for seq, event in entries if event for row in derive(seq, event)]
        except _UNDERIVABLE:
            derived = []
        if not (found == derived or table.broken):
            self._explain(table, found, entries, derive)
        return found

    def _explain(
        self, table: Table, found: Sequence[Row], entries: Sequence[Read], derive: Derive
    ) -> None:
        there = {row[:2]: row for row in found}
        unread = {seq for seq, event in entries if event is None}
        for seq, event in entries:
            try:
                expected = derive(seq, event) if event else ()
            except _UNDERIVABLE as error:
                self._findings.add(seq, "events", f"its rows cannot be derived: {error}")
                unread.add(seq)
                continue
            for row in expected:
                got = there.pop(row[:2], None)
                if got is None:
                    self._findings.add(seq, table.name, f"line {row[1]} is missing: {row[2:]}")
                elif got != row:
                    message = f"line {row[1]} was changed: {got[2:]}, should be {row[2:]}"
                    self._findings.add(seq, table.name, message)
        for row in there.values():
            if row[0] not in unread:
                self._extra(table, row)

    def _extra(self, table: Table, row: Row) -> None:
        seq = row[0] if isinstance(row[0], int) else None
        self._findings.add(seq, table.name, f"line {row[1]} comes from no event: {row[2:]}")

    def _post(self, rows: Sequence[Row]) -> None:
        """Move the money; no account but a source of it may be overdrawn after an event."""
        doubtful: list[tuple[int, str, str]] = []  # Of one event: the next row may make it good.
        for seq, _, book, debit, credit, amount, _ in rows:
            if type(amount) is not int:
                continue
            if doubtful and doubtful[-1][0] != seq:
                self._look_at(doubtful)
            accounts = self._balances[book]
            left = accounts.get(debit, 0) - amount
            accounts[debit] = left
            accounts[credit] = accounts.get(credit, 0) + amount
            if left < 0 and debit not in MAY_BE_NEGATIVE:
                doubtful.append((seq, book, debit))
        self._look_at(doubtful)

    def _look_at(self, doubtful: list[tuple[int, str, str]]) -> None:
        for seq, book, account in doubtful:
            balance = self._balances[book][account]
            if balance < 0 and (book, account) not in self._overdrawn:
                self._overdrawn.add((book, account))
                message = f"{book} account {account!r} is overdrawn: {balance} micro-USD"
                self._findings.add(seq, "capital_ledger", message)
        doubtful.clear()
