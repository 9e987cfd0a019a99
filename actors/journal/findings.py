"""What `verify` has to say: findings, bounded in number, and the report that holds them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from actors.journal.chain import Head
from actors.journal.schema import DAMAGE

FINDINGS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written.

    Attributes:
        seq: The entry at fault; None where no single one is.
        table: Where it was seen: a table, `schema` or `file`.
    """

    seq: int | None
    table: str
    message: str

    def __str__(self) -> str:
        where = self.table if self.seq is None else f"seq {self.seq}: {self.table}"
        return f"{where}: {self.message}"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The outcome of a verification.

    Attributes:
        events: How many entries were read.
        head: The last one of them; seq 0 and the manifest's hash where there was none.
        findings: In the order in which they were seen, at most `FINDINGS_MAX`.
        omitted: How many more there were.
    """

    events: int
    head: Head
    findings: tuple[Finding, ...]
    omitted: int = 0

    @property
    def ok(self) -> bool:
        """Whether the run is as it was written."""
        return not self.findings

    @property
    def first_bad_seq(self) -> int | None:
        """The lowest `seq` that any finding names."""
        return min((each.seq for each in self.findings if each.seq is not None), default=None)


@dataclass(slots=True)
class Findings:
    """A list of findings that cannot grow without end."""

    found: list[Finding] = field(default_factory=list)
    omitted: int = 0

    def add(self, seq: int | None, table: str, message: str) -> None:
        """Note a finding, or count it if there are too many."""
        if len(self.found) < FINDINGS_MAX:
            self.found.append(Finding(seq, table, message))
        else:
            self.omitted += 1


class Rows:
    """The rows of one query; if SQLite fails in their midst, that is a finding and their end.

    Attributes:
        broken: Whether SQLite failed.
    """

    def __init__(
        self, connection: sqlite3.Connection, table: str, sql: str, findings: Findings
    ) -> None:
        self.broken = False
        self.table = table
        self._findings = findings
        self._cursor = connection.cursor()
        self._next: tuple[Any, ...] | None = None
        try:
            self._cursor.execute(sql)
        except DAMAGE as error:
            self._break(error)
        else:
            self._advance()

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        while (row := self._next) is not None:
            yield row
            self._advance()

    def upto(self, seq: int) -> Sequence[tuple[Any, ...]]:
        """Take the next rows as long as their first column is at most `seq`."""
        row = self._next
        if row is None or row[0] > seq:
            return ()
        taken = []
        while row is not None and row[0] <= seq:
            taken.append(row)
            self._advance()
            row = self._next
        return taken

    def _advance(self) -> None:
        try:
            self._next = next(self._cursor, None)
        except DAMAGE as error:
            self._break(error)

    def _break(self, error: Exception) -> None:
        self.broken = True
        self._next = None
        self._findings.add(None, self.table, f"SQLite cannot read on: {error}")
