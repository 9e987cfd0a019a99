"""What `verify` has to say: findings, bounded in number, and the report that holds them."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from actors.journal.chain import Head
from actors.journal.schema import DAMAGE

FINDINGS_MAX = 1000

Row: TypeAlias = tuple[Any, ...]


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
        notes: What is not as it could be, and no fault of the run's.
        balances: Book -> account -> what its rows add up to.
    """

    events: int
    head: Head
    findings: tuple[Finding, ...]
    omitted: int = 0
    notes: tuple[str, ...] = ()
    balances: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

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


class Table:
    """The rows of one table that belong to events, read in step with them.

    If SQLite fails in their midst, that is a finding and their end.

    Attributes:
        broken: Whether SQLite failed.
    """

    def __init__(
        self, connection: sqlite3.Connection, name: str, sql: str, findings: Findings
    ) -> None:
        """Read with `sql`: it takes the `seq` after which to begin, and the last one."""
        self.name = name
        self.broken = False
        self._connection = connection
        self._sql = sql
        self._findings = findings
        self._seq: float = -math.inf

    def upto(self, seq: float) -> list[Row]:
        """Return the next rows, up to those of the entry at `seq`."""
        after, self._seq = self._seq, seq
        return [] if self.broken else self._read((after, seq))

    def rest(self) -> list[Row]:
        """Return the rows of no entry: beyond the last one, or of something that is no number."""
        return self.upto(math.inf)

    def _read(self, bounds: tuple[float, float]) -> list[Row]:
        try:
            return fetch(self._connection, self._sql, bounds)
        except DAMAGE as error:
            self.broken = True
            self._findings.add(None, self.name, f"SQLite cannot read on: {error}")
            return []


def fetch(connection: sqlite3.Connection, sql: str, where: Sequence[object] = ()) -> list[Row]:
    """Return all rows; text that is damaged comes with a sign in its place.

    Raises:
        sqlite3.DatabaseError, UnicodeDecodeError: SQLite cannot read them (`DAMAGE`).
    """
    try:
        return connection.execute(sql, where).fetchall()
    except DAMAGE:
        connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        try:
            return connection.execute(sql, where).fetchall()
        finally:
            connection.text_factory = str
