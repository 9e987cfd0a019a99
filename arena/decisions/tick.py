"""Settling a tick: every book marked at the close, then what must be looked at on every tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from arena.agents import Agent
from arena.commands import SettleTick
from arena.decisions.deaths import kill_by_rules
from arena.decisions.draft import Draft
from arena.decisions.outflow import flatten
from arena.events import (
    AgentQuarantined,
    OpeningsPaused,
    OpeningsResumed,
    Settlement,
    TickSettled,
    TradingHalted,
    TradingResumed,
)
from arena.execution import Marks
from arena.ids import AgentId
from arena.money import Money
from arena.orders import Fill, FillCause, OrderRefusal, RefusedOrder
from arena.portfolio import Portfolio, unit_nav
from arena.scoring import read_records, scores
from arena.state import Treasury
from arena.validators import misfit
from arena.words import ARENA_SCOPE, Layer, Refusal, Status


def settle_tick(draft: Draft, command: SettleTick) -> None:
    """Decide the close of a tick."""
    treasury = draft.treasury
    if command.tick != treasury.tick + 1:
        detail = f"tick {command.tick} after tick {treasury.tick}"
        draft.refuse("SettleTick", Refusal.TICK_OUT_OF_ORDER, detail=detail)
        return
    for failure in command.failures:
        draft.emit(failure)
    settled = draft.emit(_settlement(treasury, command))
    quarantine(draft, because=settled)
    kill_by_rules(draft, every_tick=True, because=settled)
    _watch_fund(draft, because=settled)


class _Close(NamedTuple):
    """One agent at the close.

    Attributes:
        agent: As it was before.
        pnl: Profit after costs, micro-USD.
        costs: Fees, slippage and gas, micro-USD.
        nav: Unit NAV.
        drawdown: Of the agent's record, this close included.
    """

    agent: Agent
    pnl: Money
    costs: Money
    nav: float
    drawdown: float


def _settlement(treasury: Treasury, command: SettleTick) -> TickSettled:
    marks = {**treasury.marks, **{name: close for name, (_, close) in command.prices.items()}}
    executed, late = _fitting(treasury, command)
    fills: dict[AgentId, list[Fill]] = {}
    for fill in executed:
        fills.setdefault(fill.agent_id, []).append(fill)
    agents = sorted(treasury.living(), key=lambda agent: agent.agent_id)
    closes = [
        _close(agent, fills.get(agent.agent_id, ()), marks, command.carry) for agent in agents
    ]
    rules = treasury.experiment.rules.records
    found = read_records(
        [((*c.agent.navs, c.nav), command.tick - c.agent.record.start) for c in closes],
        [c.drawdown for c in closes],
        periods_per_year=treasury.experiment.market.periods_per_year,
        rules=rules,
    )
    scored = list(zip(closes, scores(found, rules), strict=True))
    return TickSettled(
        tick=command.tick,
        prices=dict(command.prices),
        fills=executed,
        refused=late,
        real=_columns([one for one in scored if one[0].agent.layer is not Layer.SIMULATION]),
        virtual=_columns([one for one in scored if one[0].agent.layer is Layer.SIMULATION]),
        fund_nav=unit_nav(
            treasury.fund_nav,
            pnl=sum(max(c.pnl, -c.agent.equity) for c in closes if c.agent.layer is Layer.ARENA),
            capital_before=treasury.layer_capital(Layer.ARENA),
        ),
        units=dict(command.units),
        carry=dict(command.carry),
        expired=command.expired,
        held=command.held,
    )


def _fitting(
    treasury: Treasury, command: SettleTick
) -> tuple[tuple[Fill, ...], tuple[RefusedOrder, ...]]:
    """Return the fills that fit the books as they are now, and all orders that are refused.

    The desk executes on the treasury that it sees; an agent may have lost its position, its cash or
    its life to a command that was decided in between, or all trading may have been stopped.  An
    order that was pending then, and is so no more, has its outcome already and gets no second one.
    """
    books: dict[AgentId, Portfolio] = {}
    done = {each for each in command.submitted if each not in treasury.pending}
    executed, late = [], [each for each in command.refused if each.order_id not in done]
    opens = {name: opened for name, (opened, _) in command.prices.items()}
    marks = Marks(prices={**treasury.marks, **opens}, units={**treasury.units, **command.units})
    for fill in command.fills:
        if fill.order_id in done:
            continue
        agent = treasury.agents.get(fill.agent_id)
        reason: OrderRefusal | None = OrderRefusal.AGENT_NOT_TRADING
        if treasury.stop_mode and fill.cause is not FillCause.LIQUIDATION:
            reason = OrderRefusal.TRADING_HALTED
        elif agent is not None and (agent.trading or _is_closed(agent, fill)):
            book = books.get(fill.agent_id, agent.portfolio)
            after = book.after((fill,))
            reason = misfit(fill, book, after, marks=marks, terms=treasury.experiment.terms)
            if reason is OrderRefusal.CASH_INSUFFICIENT and fill.quantity <= 0:
                reason = None  # A sale that costs more than it brought is a loss, and a fact.
            if reason is None:
                books[fill.agent_id] = after
        if reason is None:
            executed.append(fill)
        else:
            late.append(
                RefusedOrder(
                    order_id=fill.order_id,
                    agent_id=fill.agent_id,
                    instrument=fill.instrument,
                    quantity=fill.quantity,
                    reason=reason,
                )
            )
    return tuple(executed), tuple(late)


def _is_closed(agent: Agent, fill: Fill) -> bool:
    """Return whether the venue closes what a paused agent holds: it asks nobody."""
    return agent.paused and fill.cause is FillCause.LIQUIDATION


def _close(
    agent: Agent, fills: Sequence[Fill], marks: Mapping[str, float], carry: Mapping[str, float]
) -> _Close:
    portfolio = agent.portfolio.after(fills) if fills else agent.portfolio
    if carry:
        portfolio = portfolio.carried(carry)
    pnl = Money(portfolio.equity(marks) - agent.equity)
    nav = unit_nav(agent.nav, pnl=pnl, capital_before=agent.equity)
    record = agent.record
    peak = max(record.peak, nav)
    drawdown = min(record.drawdown, nav / peak - 1.0) if peak > 0 else record.drawdown
    return _Close(agent, pnl, Money(sum(fill.costs for fill in fills)), nav, drawdown)


def _columns(scored: Sequence[tuple[_Close, float | None]]) -> Settlement:
    debts = [(c.agent.agent_id, Money(-(c.agent.equity + c.pnl))) for c, _ in scored]
    return Settlement(
        agents=tuple(c.agent.agent_id for c, _ in scored),
        pnl=tuple(c.pnl for c, _ in scored),
        costs=tuple(c.costs for c, _ in scored),
        nav=tuple(c.nav for c, _ in scored),
        fitness=tuple(fitness for _, fitness in scored),
        bad_debt=tuple(debt for debt in debts if debt[1] > 0),
    )


def quarantine(draft: Draft, *, because: int | None) -> None:
    """Stop agents that failed too often: they are flattened and wait for the next cycle.

    In an emergency stop nothing is sold: it waits for the end of that.
    """
    if draft.treasury.stop_mode:
        return
    risk = draft.treasury.experiment.rules.risk
    for agent in draft.treasury.population():
        if agent.status is Status.ALIVE and len(agent.failures) >= risk.failures_max:
            event = AgentQuarantined(
                agent_id=agent.agent_id,
                tick=draft.treasury.tick,
                failures=len(agent.failures),
            )
            flatten(draft, agent.agent_id, reason="quarantine", because=draft.emit(event, because))


def _watch_fund(draft: Draft, *, because: int) -> None:
    """Pause openings when the arena's fund has fallen far, halt it when it has fallen too far.

    The pause ends with the drawdown, the halt after the rest.  In an emergency stop neither begins.
    """
    treasury, risk = draft.treasury, draft.treasury.experiment.rules.risk
    since = treasury.halted.get(ARENA_SCOPE)
    if since is not None:
        if risk.halt_days is not None and treasury.tick - since >= risk.halt_days:
            draft.emit(
                TradingResumed(scope=ARENA_SCOPE, reason="rested", tick=treasury.tick), because
            )
        return
    if treasury.stop_mode:
        return
    peak = treasury.fund.peak
    drawdown = treasury.fund_nav / peak - 1.0 if peak > 0 else 0.0
    if drawdown < risk.halt_drawdown:
        halted = draft.emit(
            TradingHalted(
                scope=ARENA_SCOPE, reason="fund_drawdown", tick=treasury.tick, drawdown=drawdown
            ),
            because,
        )
        for agent in treasury.population(Layer.ARENA):
            flatten(draft, agent.agent_id, reason="halt", because=halted)
        return
    _watch_openings(draft, drawdown, because=because)


def _watch_openings(draft: Draft, drawdown: float, *, because: int) -> None:
    """Let the arena's agents only give up what they hold, as long as the fund is down so far."""
    treasury, bound = draft.treasury, draft.treasury.experiment.rules.risk.pause_drawdown
    paused, falls = ARENA_SCOPE in treasury.reduced, bound is not None and drawdown < bound
    if paused != falls:
        change = OpeningsPaused if falls else OpeningsResumed
        draft.emit(change(scope=ARENA_SCOPE, tick=treasury.tick, drawdown=drawdown), because)
