"""The audit of one run's money: its ledger rows and trades, against the events they came from."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from actors.journal.findings import Findings, Rows
from actors.journal.rows import ledger_rows, trade_rows
from arena.events import Event
from arena.exceptions import EventSourcingError
from arena.ledger import MAY_BE_NEGATIVE

_LEDGER = """
    SELECT coalesce(CAST(event_seq AS INTEGER), 0), line, book, debit_account, credit_account,
           amount, reason
    FROM capital_ledger ORDER BY event_seq, line
"""
_TRADES = """
    SELECT coalesce(CAST(seq AS INTEGER), 0), line, order_id, agent_id, instrument, quantity, price,
           fee, slippage, gas, status, reason
    FROM trades ORDER BY seq, line
"""
_SEQ_MAX = 2**63 - 1


class Audit:
    """Walks along with the events, from the first on."""

    def __init__(self, connection: sqlite3.Connection, findings: Findings) -> None:
        self._findings = findings
        self._ledger = Rows(connection, "capital_ledger", _LEDGER, findings)
        self._trades = Rows(connection, "trades", _TRADES, findings)
        self._balances: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._overdrawn: set[tuple[str, str]] = set()

    def check(self, seq: int, event: Event | None) -> None:
        """Compare the rows of the entry at `seq`; None is an event that could not be read."""
        ledger, trades = self._ledger.upto(seq), self._trades.upto(seq)
        if event is not None:
            try:
                expected = ledger_rows(seq, event), trade_rows(seq, event)
            except (ArithmeticError, EventSourcingError, LookupError, ValueError) as error:
                self._findings.add(seq, "events", f"its rows cannot be derived: {error}")
            else:
                self._compare(self._ledger, ledger, expected[0])
                self._compare(self._trades, trades, expected[1])
        if ledger:
            self._post(seq, [row for row in ledger if isinstance(row[5], int)])

    def finish(self) -> None:
        """Look at what is left when the events are over: rows without an event, and the sums."""
        for rows in (self._ledger, self._trades):
            for row in rows.upto(_SEQ_MAX):
                self._extra(rows.table, row)
        for book, accounts in self._balances.items():
            if total := sum(accounts.values()):
                self._findings.add(
                    None, "capital_ledger", f"book {book!r} sums to {total} micro-USD, not to 0"
                )

    def _compare(
        self,
        rows: Rows,
        found: Sequence[tuple[Any, ...]],
        expected: Sequence[tuple[Any, ...]],
    ) -> None:
        if not (found or expected) or found == expected or rows.broken:
            return
        there = {row[:2]: row for row in found}
        for row in expected:
            got = there.pop(row[:2], None)
            if got is None:
                self._findings.add(row[0], rows.table, f"line {row[1]} is missing: {row[2:]}")
            elif got != row:
                message = f"line {row[1]} was changed: {got[2:]}, should be {row[2:]}"
                self._findings.add(row[0], rows.table, message)
        for row in there.values():
            self._extra(rows.table, row)

    def _extra(self, table: str, row: tuple[Any, ...]) -> None:
        self._findings.add(row[0], table, f"line {row[1]} comes from no event: {row[2:]}")

    def _post(self, seq: int, ledger: Sequence[tuple[Any, ...]]) -> None:
        """Move the money; no account but a source of it may be overdrawn after an event."""
        for _, _, book, debit, credit, amount, _ in ledger:
            accounts = self._balances[book]
            accounts[debit] = accounts.get(debit, 0) - amount
            accounts[credit] = accounts.get(credit, 0) + amount
        for _, _, book, debit, _, _, _ in ledger:
            balance = self._balances[book][debit]
            if balance < 0 and debit not in MAY_BE_NEGATIVE:
                self._overdraw(seq, book, debit, balance)

    def _overdraw(self, seq: int, book: str, account: str, balance: int) -> None:
        if (book, account) not in self._overdrawn:
            self._overdrawn.add((book, account))
            message = f"{book} account {account!r} is overdrawn: {balance} micro-USD"
            self._findings.add(seq, "capital_ledger", message)
