"""Double entry: every movement of money is one transfer with both of its legs.

An imbalance cannot be expressed, so each book sums to exactly 0 after every event.  The balance of
an account is its credits minus its debits.  `transfers` reads them off an event alone: the ledger's
rows can always be derived again from the journal.

Real book: `endowment`, `reserve`, `pool:proving`, `pool:arena`, `agent:<id>`, `market` (the
counterparty of profit and loss) and `costs:fees|slippage|gas`.  Virtual book: `bank`, `population`,
`market`, `costs`.  Only the sources of money (`endowment`, `market`, `bank`) may be negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import NamedTuple

from arena.events import (
    AgentDemoted,
    AgentSpawned,
    ArenaOpened,
    CapitalAllocated,
    CapitalReturned,
    Event,
    PositionsReduced,
    Settlement,
    TickSettled,
)
from arena.exceptions import CapitalConservationError
from arena.ids import AgentId
from arena.orders import Fill
from arena.words import Book

ENDOWMENT = "endowment"
RESERVE = "reserve"
POOL_PROVING = "pool:proving"
POOL_ARENA = "pool:arena"
MARKET = "market"
FEES = "costs:fees"
SLIPPAGE = "costs:slippage"
GAS = "costs:gas"
BANK = "bank"
POPULATION = "population"
COSTS = "costs"

MAY_BE_NEGATIVE = frozenset({ENDOWMENT, MARKET, BANK})


class Transfer(NamedTuple):
    """One row of the ledger: `amount` micro-USD (> 0) leave `debit` and reach `credit`."""

    book: Book
    debit: str
    credit: str
    amount: int
    reason: str


def agent_account(agent: AgentId) -> str:
    """Return the name of an agent's account in the real book."""
    return f"agent:{agent}"


def transfers(event: Event) -> tuple[Transfer, ...]:
    """Return the ledger rows of `event`, in their order; most events move nothing."""
    rows: Iterable[Transfer] = ()
    match event:
        case CapitalAllocated():
            account = agent_account(event.agent_id)
            rows = [Transfer(Book.REAL, event.source, account, event.amount, event.reason)]
        case CapitalReturned():
            account = _holder(event.book, event.agent_id)
            rows = [Transfer(event.book, account, event.target, event.amount, event.reason)]
        case TickSettled():
            rows = [*_settle_real(event), *_settle_virtual(event.virtual)]
        case PositionsReduced():
            account = _holder(event.book, event.agent_id)
            rows = _costs(event.book, account, event.fills)
        case AgentSpawned() | AgentDemoted():
            grant = event.virtual_capital
            rows = [Transfer(Book.VIRTUAL, BANK, POPULATION, grant, "virtual_capital")]
        case ArenaOpened():
            rows = [
                Transfer(Book.REAL, ENDOWMENT, RESERVE, event.reserve, "opening"),
                Transfer(Book.REAL, ENDOWMENT, POOL_PROVING, event.proving, "opening"),
                Transfer(Book.REAL, ENDOWMENT, POOL_ARENA, event.arena, "opening"),
            ]
        case _:
            pass
    return tuple([row for row in rows if row.amount])


def _holder(book: Book, agent: AgentId) -> str:
    return agent_account(agent) if book is Book.REAL else POPULATION


def _costs(book: Book, account: str, fills: Iterable[Fill]) -> Iterable[Transfer]:
    fees = slippage = gas = 0
    for fill in fills:
        fees, slippage, gas = fees + fill.fee, slippage + fill.slippage, gas + fill.gas
    if book is Book.VIRTUAL:
        yield Transfer(book, account, COSTS, fees + slippage + gas, "costs")
    else:
        yield Transfer(book, account, FEES, fees, "fees")
        yield Transfer(book, account, SLIPPAGE, slippage, "slippage")
        yield Transfer(book, account, GAS, gas, "gas")


def _profit(book: Book, account: str, amount: int, reason: str) -> Transfer:
    debit, credit = (MARKET, account) if amount >= 0 else (account, MARKET)
    return Transfer(book, debit, credit, abs(amount), reason)


def _settle_real(event: TickSettled) -> Iterable[Transfer]:
    """One row of profit or loss for each agent, before its costs, then its costs by kind."""
    settled = event.real
    fills: dict[AgentId, list[Fill]] = {agent: [] for agent in settled.agents}
    for fill in event.fills:
        if fill.agent_id in fills:
            fills[fill.agent_id].append(fill)
    bad_debt = dict(settled.bad_debt)
    for agent, pnl, costs in zip(settled.agents, settled.pnl, settled.costs, strict=True):
        account = agent_account(agent)
        if agent in bad_debt:
            yield Transfer(Book.REAL, MARKET, account, bad_debt[agent], "bad_debt")
        yield _profit(Book.REAL, account, pnl + costs, "pnl")
        yield from _costs(Book.REAL, account, fills[agent])


def _settle_virtual(settled: Settlement) -> Iterable[Transfer]:
    """The whole population in one row of profit or loss, and one of costs."""
    costs = sum(settled.costs)
    bad_debt = sum(amount for _, amount in settled.bad_debt)
    yield Transfer(Book.VIRTUAL, MARKET, POPULATION, bad_debt, "bad_debt")
    yield _profit(Book.VIRTUAL, POPULATION, sum(settled.pnl) + costs, "pnl")
    yield Transfer(Book.VIRTUAL, POPULATION, COSTS, costs, "costs")


def post(balances: MutableMapping[str, int], row: Transfer) -> None:
    """Move one transfer's amount between two balances."""
    balances[row.debit] = balances.get(row.debit, 0) - row.amount
    balances[row.credit] = balances.get(row.credit, 0) + row.amount


def check_balances(balances: Mapping[str, int]) -> None:
    """Check one book: it sums to 0, and no account but a source of money is overdrawn.

    Raises:
        CapitalConservationError: It does not.
    """
    total = sum(balances.values())
    if total:
        raise CapitalConservationError("sum of the book", expected=0, found=total)
    for account, balance in balances.items():
        if balance < 0 and account not in MAY_BE_NEGATIVE:
            raise CapitalConservationError(
                f"account {account!r} is overdrawn", expected=0, found=balance
            )
