"""`MemoryJournal`: a journal that keeps every promise but durability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.journal.chain import Entry, Head, check_follows, genesis_hash
from actors.journal.codec import canonical
from actors.journal.port import (
    SNAPSHOTS_KEPT,
    Batch,
    CommandRow,
    KnownCommandError,
    Snapshot,
    TradeTotals,
)
from actors.journal.rows import (
    LedgerRow,
    TradeRow,
    fold_balances,
    ledger_rows,
    plus,
    trade_rows,
)
from arena.exceptions import EventSourcingError
from arena.words import Book, Scalar


class MemoryJournal:
    """The rows of a run, in lists.

    Attributes:
        entries: The history.
        ledger: What it moved.
        trades: What it traded.
        commands: What was decided, by id.
        state: `arena_state`, without `as_of_seq`.
        process_log: (kind, canonical JSON) of what was recorded.
    """

    def __init__(self, manifest: str) -> None:
        self._head = Head(0, genesis_hash(manifest))
        self._closed = False
        self.entries: list[Entry] = []
        self.ledger: list[LedgerRow] = []
        self.trades: list[TradeRow] = []
        self.commands: dict[str, CommandRow] = {}
        self.state: dict[str, str] = {}
        self._snapshots: list[Snapshot] = []
        self.process_log: list[tuple[str, str]] = []

    async def append(self, batch: Batch) -> Head:
        """See `Journal.append`."""
        self._check_open()
        head = check_follows(self._head, batch.entries)
        known = [row.command_id for row in batch.commands if row.command_id in self.commands]
        if known:
            raise KnownCommandError(known)
        ledger, trades = [], []
        for entry, event in zip(batch.entries, batch.events, strict=True):
            ledger += ledger_rows(entry.seq, event)
            trades += trade_rows(entry.seq, event)
        self.entries += batch.entries
        self.ledger += ledger
        self.trades += trades
        self.commands |= {row.command_id: row for row in batch.commands}
        self.state |= batch.state
        self._head = head
        return head

    async def read(self, after_seq: int = 0, limit: int = 1000) -> list[Entry]:
        """See `Journal.read`."""
        self._check_open()
        return self.entries[after_seq : after_seq + limit]

    async def head(self) -> Head:
        """See `Journal.head`."""
        self._check_open()
        return self._head

    async def recall(self, command_ids: Sequence[str]) -> dict[str, CommandRow]:
        """See `Journal.recall`."""
        self._check_open()
        return {each: self.commands[each] for each in command_ids if each in self.commands}

    async def trial_balance(self, upto: int | None = None) -> dict[Book, dict[str, int]]:
        """See `Journal.trial_balance`."""
        self._check_open()
        balances: dict[Book, dict[str, int]] = {book: {} for book in Book}
        last = self._head.seq if upto is None else upto
        fold_balances(balances, (row[2:6] for row in self.ledger if row.event_seq <= last))
        return balances

    async def trade_totals(
        self,
        agent_id: str | None = None,
        low: str = "",
        high: str = "~",
        *,
        upto: int | None = None,
    ) -> TradeTotals:
        """See `Journal.trade_totals`."""
        self._check_open()
        last, totals = self._head.seq if upto is None else upto, TradeTotals()
        for row in self.trades:
            if row.seq <= last and low <= self.entries[row.seq - 1].timestamp < high:
                totals = plus(totals, row) if agent_id in {None, row.agent_id} else totals
        return totals

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `Journal.save_snapshot`."""
        self._check_open()
        others = [each for each in self._snapshots if each.seq != snapshot.seq]
        self._snapshots = [snapshot, *others][:SNAPSHOTS_KEPT]

    async def snapshots(self) -> list[Snapshot]:
        """See `Journal.snapshots`."""
        self._check_open()
        return list(self._snapshots)

    async def record(self, kind: str, data: Mapping[str, Scalar]) -> None:
        """See `Journal.record`."""
        self._check_open()
        self.process_log.append((kind, canonical(data)))

    async def close(self) -> None:
        """See `Journal.close`."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise EventSourcingError("the journal is closed")
