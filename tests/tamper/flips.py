"""Every byte of every row, changed one at a time, and what the code that verifies says to each.

A change is made in a copy in memory, judged, and rolled back.  Each row is judged by the code that
judges it in `arena verify`, and alone where that needs no other: one entry is walked after the one
before it, a row of money is held against its event.  `recorded_at` is not hashed and not flipped.
"""

from __future__ import annotations

import sqlite3
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from actors.app import proof
from actors.journal import beside
from actors.journal.audit import Audit
from actors.journal.chain import Head
from actors.journal.findings import Finding, Findings, Table, VerifyReport
from actors.journal.port import Snapshot
from actors.journal.rows import ledger_rows, trade_rows
from actors.journal.verify import verify_run
from actors.journal.walk import Walk
from arena.ids import RunId
from tests.tamper.life import Life, columns, rows

Row: TypeAlias = dict[str, Any]
Judge: TypeAlias = Callable[[Row, str], list[Finding]]
"""Says what is found after a column of a row was changed; it is given the row as it was."""

UNHASHED = {("events", "recorded_at")}


@dataclass(slots=True)
class Outcome:
    """How it went.

    Attributes:
        flips: Changes that were made, by table.
        missed: Those that nothing was found of.
        misplaced: Those that were found somewhere else.
        impossible: Two rows cannot have one key.
    """

    flips: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    impossible: int = 0


def flipped(value: Any) -> Iterator[Any]:
    """Yield `value` with one bit of each of its bytes changed; None has no bytes."""
    match value:
        case str():
            raw = value.encode()
        case int():
            raw = value.to_bytes(8, "big", signed=True)
        case float():
            raw = struct.pack(">d", value)
        case _:
            raw = b""
    for place in range(len(raw)):
        other = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        match value:
            case str():
                yield other
            case int():
                yield int.from_bytes(other, "big", signed=True)
            case _:
                yield struct.unpack(">d", other)[0]


class Tampering:
    """A copy of a life in memory, and those who judge it."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.db = life.copy()
        with closing(life.copy()) as connection:
            (name,) = connection.execute("SELECT value FROM meta WHERE key = 'run_id'").fetchone()
        self.run_id = RunId(name)
        self.last = life.treasury(life.heads[-1].seq)
        self.treasuries = {row["seq"]: life.treasury(row["seq"]) for row in self.rows("snapshots")}
        self.judges: dict[str, Judge] = {
            "events": self.judge_entry,
            "capital_ledger": self.judge_ledger,
            "trades": self.judge_trade,
            "commands": self.judge_answer,
            "snapshots": self.judge_snapshot,
            "arena_state": self.judge_state,
        }

    def rows(self, table: str) -> list[Row]:
        return rows(self.db, table)

    @contextmanager
    def changed(self, sql: str, values: tuple[object, ...] = ()) -> Iterator[None]:
        """Make a change, and undo it afterwards."""
        self.db.execute("SAVEPOINT change")
        try:
            self.db.execute(sql, values)
            yield
        finally:
            self.db.execute("ROLLBACK TO change")
            self.db.execute("RELEASE change")

    def flip_all(self, table: str, part: int = 0, parts: int = 1) -> Outcome:
        """Flip every byte of `table`, or one part of them."""
        outcome, number = Outcome(), 0
        key = [name for name, is_key in columns(self.db, table) if is_key]
        where = " AND ".join(f"{name} = ?" for name in key)
        for row in self.rows(table):
            place = tuple(row[name] for name in key)
            for column in row:
                if (table, column) in UNHASHED:
                    continue
                sql = f"UPDATE {table} SET {column} = {_written(row[column])} WHERE {where}"
                for value in flipped(row[column]):
                    number += 1
                    if number % parts == part:
                        self._flip(outcome, table, row, column, sql, (value, *place))
        return outcome

    def _flip(
        self,
        outcome: Outcome,
        table: str,
        row: Row,
        column: str,
        sql: str,
        values: tuple[object, ...],
    ) -> None:
        try:
            with self.changed(sql, values):
                found = self.judges[table](row, column)
        except sqlite3.IntegrityError:
            outcome.impossible += 1
            return
        outcome.flips[table] += 1
        what = f"{table}.{column} of {values[1:]} became {values[0]!r}"
        if not found:
            outcome.missed.append(what)
        elif not is_rightly_placed(table, row, found):
            outcome.misplaced.append(f"{what}: {[*map(str, found)]}")

    def judge_entry(self, row: Row, column: str) -> list[Finding]:
        seq, findings = row["seq"], Findings()
        upto = None if column == "seq" else seq
        Walk(self.db, findings, after=self.life.heads[seq - 1], run_id=self.run_id).run(upto)
        return findings.found

    def judge_ledger(self, row: Row, _: str) -> list[Finding]:
        return self._audited(row["event_seq"], lambda audit: audit._ledger, ledger_rows)

    def judge_trade(self, row: Row, _: str) -> list[Finding]:
        return self._audited(row["seq"], lambda audit: audit._trades, trade_rows)

    def _audited(self, seq: int, pick: Callable[[Audit], Table], derive: Any) -> list[Finding]:
        findings = Findings()
        audit = Audit(self.db, findings)
        table = pick(audit)
        table._seq = seq - 1
        audit._compare(table, seq, [(seq, self.life.entries[seq - 1][1])], derive)
        return findings.found

    def judge_answer(self, row: Row, column: str) -> list[Finding]:
        # The other columns alone are held against events.
        if column in {"body_hash", "digest", "body"}:
            sql = f"{beside._ANSWERS.format(body='commands.body')} WHERE commands.command_id = ?"
            (answer,) = self.db.execute(sql, (row["command_id"],))
            fault = beside._fault(answer, (self.life.heads[-1].seq, None))
            return [Finding(fault[0], "commands", fault[1])] if fault else []
        findings = Findings()
        beside.check_answers(self.db, findings)
        return findings.found

    def judge_snapshot(self, row: Row, column: str) -> list[Finding]:
        findings = Findings()
        beside.check_snapshots(self.db, findings)
        if column not in {"tick", "version"}:
            return findings.found
        (snapshot,) = (each for each in self.snapshots() if each.seq == row["seq"])
        return [*proof.compare_snapshot(snapshot, self.treasuries[row["seq"]])]

    def snapshots(self) -> list[Snapshot]:
        return self.life.reader(self.db).snapshots()

    def judge_state(self, _: Row, __: str) -> list[Finding]:
        return [*proof._compare_state(self.life.reader(self.db), self.last)]


def verified_after(
    life: Life, *statements: tuple[object, ...], receipts: tuple[Head, ...] = ()
) -> VerifyReport:
    """Return what the whole of `verify` says after (sql, value, ...), but for missing triggers."""
    with closing(life.copy()) as connection:
        for sql, *values in statements:
            connection.execute(str(sql), values)
        report = verify_run(life.reader(connection), receipts=receipts)
    findings = tuple(each for each in report.findings if each.table != "schema")
    return replace(report, findings=findings)


def is_rightly_placed(table: str, row: Row, found: list[Finding]) -> bool:
    """Say whether the first of `found` names the entry that `row` belongs to."""
    first = min((each.seq for each in found if each.seq is not None), default=None)
    match table:
        case "events" | "trades":
            return first == row["seq"]
        case "capital_ledger":
            return first == row["event_seq"]
        case "commands":
            return first is not None and row["first_seq"] <= first <= row["last_seq"] + 1
        case _:
            return {each.table for each in found} == {table}


def _written(value: Any) -> str:
    return "CAST(? AS TEXT)" if isinstance(value, str) else "?"
