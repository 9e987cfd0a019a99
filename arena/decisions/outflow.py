"""Capital that must leave an agent: cash first, then sales pro rata at the close."""

from __future__ import annotations

from arena.agents import Agent
from arena.decisions.draft import Draft
from arena.events import CapitalReturned, PositionsReduced
from arena.exceptions import AgentError
from arena.execution import sell_down, withdrawable
from arena.ids import AgentId
from arena.ledger import BANK, POOL_ARENA, POOL_PROVING
from arena.money import Money
from arena.portfolio import unit_nav
from arena.words import Book, Layer

ORIGIN = {Layer.SIMULATION: BANK, Layer.PROVING: POOL_PROVING, Layer.ARENA: POOL_ARENA}
"""Where the capital of each layer comes from and returns to."""


def withdraw(
    draft: Draft,
    agent_id: AgentId,
    layer: Layer,
    *,
    amount: int | None,
    reason: str,
    because: int | None,
) -> Money:
    """Take `amount` micro-USD (None: everything) from an agent of `layer`; return what arrived."""
    book = Book.VIRTUAL if layer is Layer.SIMULATION else Book.REAL
    wanted = _holder(draft, agent_id).equity if amount is None else amount
    costs = _sell(draft, agent_id, book, amount=wanted, reason=reason, because=because)
    cash = withdrawable(
        _holder(draft, agent_id).portfolio,
        marks=draft.treasury.known(),
        terms=draft.treasury.experiment.terms,
    )
    arriving = Money(min(wanted - costs, cash) if amount is not None else cash)
    if arriving > 0:
        draft.emit(
            CapitalReturned(
                agent_id=agent_id, amount=arriving, book=book, target=ORIGIN[layer], reason=reason
            ),
            because,
        )
    return arriving


def flatten(draft: Draft, agent_id: AgentId, *, reason: str, because: int | None) -> None:
    """Turn everything an agent holds into cash that it keeps; its NAV bears the costs."""
    agent = _holder(draft, agent_id)
    _sell(draft, agent_id, agent.book, amount=agent.equity, reason=reason, because=because)


_KEEPS_CAPITAL = ("halt", "quarantine")


def _sell(
    draft: Draft,
    agent_id: AgentId,
    book: Book,
    *,
    amount: int,
    reason: str,
    because: int | None,
) -> Money:
    """Sell what `amount` needs, and return the costs."""
    treasury = draft.treasury
    agent = _holder(draft, agent_id)
    fills = sell_down(
        agent_id,
        agent.portfolio,
        amount,
        marks=treasury.known(),
        terms=treasury.experiment.terms,
        label=f"{treasury.tick}-{reason}",
    )
    if not fills:
        return Money(0)
    costs = Money(sum(fill.costs for fill in fills))
    nav = agent.nav
    if reason in _KEEPS_CAPITAL:
        nav = unit_nav(nav, pnl=-costs, capital_before=agent.equity)
    draft.emit(
        PositionsReduced(agent_id=agent_id, book=book, fills=fills, reason=reason, nav=nav), because
    )
    return costs


def _holder(draft: Draft, agent_id: AgentId) -> Agent:
    """Return the agent; it may have died a moment ago."""
    agent = draft.treasury.find(agent_id)
    if agent is None:
        raise AgentError(agent_id, "unknown", "capital cannot leave an agent that never was")
    return agent
