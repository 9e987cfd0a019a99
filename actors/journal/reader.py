"""`JournalReader`: a run seen from outside, by commands that have no event loop.

It cannot write, and it holds no transaction between two pages of a thousand rows, so that a slow
reader never keeps a running arena from emptying its -wal file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from actors.journal.bodies import body_column
from actors.journal.chain import Entry, Head
from actors.journal.codec import decode
from actors.journal.decoders import Decoders
from actors.journal.files import connect_reader, database_path
from actors.journal.port import CommandRow, Snapshot, TradeTotals
from actors.journal.rows import LedgerRow, TradeRow
from actors.journal.schema import DAMAGE
from actors.journal.trades import trade_columns, trade_totals
from arena.events import Event
from arena.exceptions import EventSourcingError

PAGE = 1000
NEVER = datetime.min.replace(tzinfo=UTC)

_ENTRIES_UP = """
    SELECT seq, event_id, event_type, type_version, agent_id, timestamp, data, caused_by,
           command_id, prev_hash, hash
    FROM events
    WHERE seq > :position AND (:event_type IS NULL OR event_type = :event_type)
        AND (:agent_id IS NULL OR agent_id = :agent_id)
    ORDER BY seq LIMIT :page
"""
_ENTRIES_DOWN = """
    SELECT seq, event_id, event_type, type_version, agent_id, timestamp, data, caused_by,
           command_id, prev_hash, hash
    FROM events
    WHERE seq > :after_seq AND seq < :position
        AND (:event_type IS NULL OR event_type = :event_type)
        AND (:agent_id IS NULL OR agent_id = :agent_id)
    ORDER BY seq DESC LIMIT :page
"""
_FACTS = """
    SELECT seq, event_type, type_version, data
    FROM events WHERE seq > :position AND seq <= :upto ORDER BY seq LIMIT :page
"""
_TRANSFERS = """
    SELECT event_seq, line, book, debit_account, credit_account, amount, reason
    FROM capital_ledger
    WHERE (event_seq, line) > (:seq, :line) ORDER BY event_seq, line LIMIT :page
"""
_TRADES = """
    SELECT {columns} FROM trades
    WHERE (seq, line) > (:seq, :line) AND (:agent_id IS NULL OR agent_id = :agent_id)
        AND (:status IS NULL OR status = :status)
    ORDER BY seq, line LIMIT :page
"""
_LAST_TRADES = """
    SELECT {columns} FROM trades WHERE status = :status ORDER BY seq DESC, line DESC LIMIT :page
"""
_SNAPSHOTS = "SELECT seq, tick, version, state, event_hash FROM snapshots ORDER BY seq"
_COMMAND = """
    SELECT command_id, body_hash, first_seq, last_seq, {body}
    FROM commands WHERE command_id = :command_id
"""
_SEQ_MAX = 2**63 - 1


class ProcessRow(NamedTuple):
    """What happened to the process: `recorded_at` is the machine's clock, `data` is JSON."""

    id: int
    recorded_at: str
    kind: str
    data: str


class StateRow(NamedTuple):
    """One value of the latest state, and the entry after which it was written."""

    key: str
    value: str
    as_of_seq: int


def open_run(path: str | os.PathLike[str]) -> JournalReader:
    """Return a reader of the run in the folder, or the `run.db`, that `path` names.

    Raises:
        NotARunError: Nothing is there, or an empty or foreign file.
        NewerRunError: It was written by a newer version of arena.
        EventSourcingError: SQLite cannot read it.
    """
    database = database_path(path)
    return JournalReader(database, connect_reader(database))


class JournalReader:
    """Read-only access to one run.

    Every method raises `EventSourcingError` where the file is damaged.

    Attributes:
        path: The database.
        connection: For `verify`, which looks at what a reader takes for granted.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Use `open_run`."""
        self.path = path
        self.connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def meta(self) -> dict[str, str]:
        """Return how the run is run, with `manifest`, `genesis` and `run_id`."""
        return dict(self._rows("SELECT key, value FROM meta ORDER BY key"))

    def manifest(self) -> str:
        """Return what the run is, as canonical JSON."""
        return self._meta("manifest")

    def head(self) -> Head:
        """Return the last entry's place and hash: seq 0 and the manifest's hash at the start."""
        found = self._rows("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
        return Head(*found[0]) if found else Head(0, self._meta("genesis"))

    def written_at(self) -> datetime:
        """Return when the last entry was written, by the machine's clock; year 1 before any was."""
        found = self._rows("SELECT recorded_at FROM events ORDER BY seq DESC LIMIT 1")
        try:
            return datetime.fromisoformat(found[0][0]) if found else NEVER
        except ValueError as error:
            message = f"{str(self.path)!r} is damaged: {error}"
            raise EventSourcingError(message) from error

    def head_at(self, seq: int) -> Head | None:
        """Return the place and hash of the entry at `seq`; None where there is none."""
        found = self._rows("SELECT seq, hash FROM events WHERE seq = :seq", {"seq": seq})
        return Head(*found[0]) if found else None

    def entries(
        self,
        after_seq: int = 0,
        limit: int | None = None,
        *,
        event_type: str | None = None,
        agent_id: str | None = None,
        newest_first: bool = False,
    ) -> Iterator[Entry]:
        """Yield at most `limit` entries after `after_seq`, of one type and about one agent."""
        sql, position = (_ENTRIES_DOWN, _SEQ_MAX) if newest_first else (_ENTRIES_UP, after_seq)
        where = {
            "after_seq": after_seq,
            "position": position,
            "event_type": event_type,
            "agent_id": agent_id,
        }
        for row in self._pages(sql, where, _position, limit):
            yield Entry(*row)

    def events(self, after_seq: int = 0) -> Iterator[tuple[Entry, Event]]:
        """Yield every entry after `after_seq` with its event."""
        for entry in self.entries(after_seq):
            yield (
                entry,
                decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq),
            )

    def facts(self, after_seq: int = 0, upto: int | None = None) -> Iterator[tuple[int, Event]]:
        """Yield the events after `after_seq`, up to `upto`, each with its `seq` alone."""
        decoders = Decoders()
        where = {"position": after_seq, "upto": _SEQ_MAX if upto is None else upto}
        for seq, kind, version, data in self._pages(_FACTS, where, _position):
            try:
                event = decoders[kind, version](data)
            except (LookupError, ValueError):
                event = decode(kind, version, data, seq=seq)
            yield seq, event

    def transfers(self, after_seq: int = 0) -> Iterator[LedgerRow]:
        """Yield the ledger's rows of every entry after `after_seq`."""
        where = {"seq": after_seq, "line": _SEQ_MAX}
        for row in self._pages(_TRANSFERS, where, _place):
            yield LedgerRow(*row)

    def trades(
        self, after_seq: int = 0, *, agent_id: str | None = None, status: str | None = None
    ) -> Iterator[TradeRow]:
        """Yield the trades of every entry after `after_seq`, of one agent and one status."""
        where = {"seq": after_seq, "line": _SEQ_MAX, "agent_id": agent_id, "status": status}
        sql = _TRADES.format(columns=trade_columns(self.connection))
        for row in self._pages(sql, where, _place):
            yield TradeRow(*row)

    def last_trades(self, limit: int, *, status: str) -> list[TradeRow]:
        """Return the last `limit` trades of one status, the newest first."""
        sql = _LAST_TRADES.format(columns=trade_columns(self.connection))
        return [TradeRow(*row) for row in self._rows(sql, {"status": status, "page": limit})]

    def trade_totals(self, low: str = "") -> TradeTotals:
        """Return what the trades add up to that are stamped with `low` or a later instant."""
        try:
            return trade_totals(self.connection, low=low)
        except DAMAGE as error:
            raise EventSourcingError(f"{str(self.path)!r} is damaged: {error}") from error

    def state(self) -> dict[str, StateRow]:
        """Return the rows of `arena_state` by their keys."""
        rows = self._rows("SELECT key, value, as_of_seq FROM arena_state ORDER BY key")
        return {row[0]: StateRow(*row) for row in rows}

    def snapshots(self) -> list[Snapshot]:
        """Return the snapshots that are kept, spoiled ones too; a run of 0.1.0 has none."""
        has_any = "SELECT 1 FROM sqlite_schema WHERE name = 'snapshots'"
        return [Snapshot(*row) for row in self._rows(_SNAPSHOTS)] if self._rows(has_any) else []

    def command(self, command_id: str) -> CommandRow | None:
        """Return what is remembered of a command; a run of 0.1.0 remembers none."""
        has_any = "SELECT 1 FROM sqlite_schema WHERE name = 'commands'"
        if not self._rows(has_any):
            return None
        sql = _COMMAND.format(body=body_column(self.connection))
        found = self._rows(sql, {"command_id": command_id})
        return CommandRow(*found[0]) if found else None

    def process_log(self) -> list[ProcessRow]:
        """Return what happened to the process, oldest first."""
        rows = self._rows("SELECT id, recorded_at, kind, data FROM process_log ORDER BY id")
        return [ProcessRow(*row) for row in rows]

    def _meta(self, key: str) -> str:
        found = self._rows("SELECT value FROM meta WHERE key = :key", {"key": key})
        if not found:
            raise EventSourcingError(f"{str(self.path)!r} is damaged: it has no {key}")
        return str(found[0][0])

    def _pages(
        self,
        sql: str,
        where: Mapping[str, Any],
        after: Callable[[tuple[Any, ...]], Mapping[str, Any]],
        limit: int | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        left = _SEQ_MAX if limit is None else limit
        position: Mapping[str, Any] = {}
        while rows := self._rows(sql, {**where, **position, "page": min(PAGE, left)}):
            yield from rows
            left -= len(rows)
            position = after(rows[-1])

    def _rows(self, sql: str, where: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        try:
            return self.connection.execute(sql, where or {}).fetchall()
        except DAMAGE as error:
            raise EventSourcingError(f"{str(self.path)!r} is damaged: {error}") from error


def _position(row: tuple[Any, ...]) -> Mapping[str, Any]:
    return {"position": row[0]}


def _place(row: tuple[Any, ...]) -> Mapping[str, Any]:
    return {"seq": row[0], "line": row[1]}
