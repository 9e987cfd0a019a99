"""Rows: what an entry adds to `capital_ledger` and `trades`.

Both tables can be derived from the events at any time, and here is the only place that does:
journals write what it returns, `verify` compares what it finds.  Lines count from 1 in each entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from actors.journal.port import CommandRow, TradeTotals
from arena.events import Event, PositionsReduced, TickSettled, TradingHalted
from arena.exceptions import EventSourcingError
from arena.ledger import Transfer, transfers
from arena.money import MONEY_MAX, to_money
from arena.orders import Fill, FillCause, RefusedOrder, TradeStatus
from arena.words import Book

_BOOKS = {book: book.value for book in Book}


class LedgerRow(NamedTuple):
    """`amount` micro-USD, in 1..10**15, left `debit_account` and reached `credit_account`."""

    event_seq: int
    line: int
    book: str
    debit_account: str
    credit_account: str
    amount: int
    reason: str


class TradeRow(NamedTuple):
    """A trade that happened (`success`), or one that did not (`failed`) and why.

    `quantity` is in units, `price` in USD per unit (None where there was none), costs in micro-USD.
    `asked` is the quantity of the order where less of it was filled, `cause` what made it happen,
    and `notional` what was traded, micro-USD, where that is not quantity x price.
    """

    seq: int
    line: int
    order_id: str
    agent_id: str
    instrument: str
    quantity: float
    price: float | None = None
    fee: int = 0
    slippage: int = 0
    gas: int = 0
    status: str = TradeStatus.SUCCESS.value
    reason: str | None = None
    asked: float | None = None
    cause: str = FillCause.ORDER.value
    notional: int | None = None

    @property
    def size(self) -> int:
        """What was traded, micro-USD; 0 where nothing was."""
        if self.notional is not None or self.price is None:
            return self.notional or 0
        return abs(to_money(self.quantity * self.price))


def plus(totals: TradeTotals, row: TradeRow) -> TradeTotals:
    """Return the totals with one trade more."""
    return TradeTotals(
        totals.total + 1,
        totals.successful + (row.status == TradeStatus.SUCCESS),
        totals.fees + row.fee,
        totals.slippage + row.slippage,
        totals.gas + row.gas,
        totals.notional + row.size,
    )


def ledger_rows(seq: int, event: Event) -> list[LedgerRow]:
    """Return the ledger rows of the event at `seq`.

    Raises:
        EventSourcingError: A row cannot be a movement of money: its amount is outside 1..10**15, or
            it leaves and reaches the same account.
    """
    moved = transfers(event)
    return [_ledger_row(seq, line, row) for line, row in enumerate(moved, 1)] if moved else []


def _ledger_row(seq: int, line: int, row: Transfer) -> LedgerRow:
    if not 0 < row.amount <= MONEY_MAX or row.debit == row.credit:
        raise EventSourcingError(
            f"{row.amount} micro-USD from {row.debit!r} to {row.credit!r} is no transfer", seq=seq
        )
    return LedgerRow(seq, line, _BOOKS[row.book], row.debit, row.credit, row.amount, row.reason)


def trade_rows(seq: int, event: Event) -> list[TradeRow]:
    """Return the trades of the event at `seq`: fills in their order, then what failed."""
    if isinstance(event, PositionsReduced):
        return [
            _filled(seq, line, fill, event.reason) for line, fill in enumerate(event.fills, start=1)
        ]
    if isinstance(event, TradingHalted):
        return [_failed(seq, line, order) for line, order in enumerate(event.cancelled, start=1)]
    if not isinstance(event, TickSettled):
        return []
    rows = [_filled(seq, line, fill, None) for line, fill in enumerate(event.fills, start=1)]
    first = len(rows) + 1
    return rows + [_failed(seq, line, order) for line, order in enumerate(event.refused, first)]


def _filled(seq: int, line: int, fill: Fill, reason: str | None) -> TradeRow:
    return TradeRow(
        seq=seq,
        line=line,
        order_id=fill.order_id,
        agent_id=fill.agent_id,
        instrument=fill.instrument,
        quantity=fill.quantity,
        price=fill.price,
        fee=fill.fee,
        slippage=fill.slippage,
        gas=fill.gas,
        reason=reason,
        asked=fill.asked,
        cause=fill.cause.value,
        notional=fill.notional,
    )


def _failed(seq: int, line: int, order: RefusedOrder) -> TradeRow:
    return TradeRow(
        seq=seq,
        line=line,
        order_id=order.order_id,
        agent_id=order.agent_id,
        instrument=order.instrument,
        quantity=order.quantity,
        status=TradeStatus.FAILED.value,
        reason=order.reason.value,
    )


def command_digest(row: CommandRow, last_hash: str) -> str:
    """Return what binds `row` to the chain, given the hash of the entry at its `last_seq`.

    Of the body it is bound that there is one; what it says has its own hash.
    """
    command_id, body_hash, first, last, body = row
    kept = "" if body is None else "+"
    return sha256(f"{body_hash}{kept}:{first}:{last}:{last_hash}:{command_id}".encode()).hexdigest()


def fold_balances(
    balances: dict[Book, dict[str, int]], moved: Iterable[tuple[str, str, str, int]]
) -> None:
    """Add (book, debit account, credit account, micro-USD) movements to `balances`."""
    for book, debit, credit, amount in moved:
        accounts = balances[Book(book)]
        accounts[debit] = accounts.get(debit, 0) - amount
        accounts[credit] = accounts.get(credit, 0) + amount
