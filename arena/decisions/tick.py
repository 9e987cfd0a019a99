"""Settling a tick: every book marked at the close, then what must be looked at on every tick."""

from __future__ import annotations

from dataclasses import dataclass

from arena.agents import Agent
from arena.commands import SettleTick
from arena.decisions.deaths import kill_by_rules
from arena.decisions.draft import Draft
from arena.decisions.outflow import flatten
from arena.events import (
    AgentQuarantined,
    Layer,
    Refusal,
    Settlement,
    Status,
    TickSettled,
    TradingHalted,
    TradingResumed,
)
from arena.ids import AgentId
from arena.money import Money
from arena.orders import Fill
from arena.portfolio import unit_nav
from arena.scoring import read_records, scores
from arena.state import Treasury

ARENA_SCOPE = "arena"


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


@dataclass(frozen=True, slots=True)
class _Row:
    """One agent at the close."""

    agent: Agent
    pnl: Money
    costs: Money
    nav: float
    fitness: float | None = None

    @property
    def drawdown(self) -> float:
        """Of the agent's record, this close included."""
        record = self.agent.record
        peak = max(record.peak, self.nav)
        return min(record.drawdown, self.nav / peak - 1.0) if peak > 0 else record.drawdown

    @property
    def bad_debt(self) -> Money:
        """What the loss went beyond the balance."""
        return Money(max(-(self.agent.equity + self.pnl), 0))


def _settlement(treasury: Treasury, command: SettleTick) -> TickSettled:
    marks = {**treasury.marks, **{name: close for name, (_, close) in command.prices.items()}}
    fills: dict[AgentId, list[Fill]] = {}
    for fill in command.fills:
        fills.setdefault(fill.agent_id, []).append(fill)
    agents = sorted(treasury.living(), key=lambda agent: agent.agent_id)
    rows = [_row(agent, fills.get(agent.agent_id, []), marks) for agent in agents]
    scored = _scored(treasury, rows, command.tick)
    return TickSettled(
        tick=command.tick,
        prices=dict(command.prices),
        fills=command.fills,
        refused=command.refused,
        real=_columns([row for row in scored if row.agent.layer is not Layer.SIMULATION]),
        virtual=_columns([row for row in scored if row.agent.layer is Layer.SIMULATION]),
        fund_nav=unit_nav(
            treasury.fund_nav,
            pnl=sum(row.pnl + row.bad_debt for row in rows if row.agent.layer is Layer.ARENA),
            capital_before=treasury.layer_capital(Layer.ARENA),
        ),
    )


def _row(agent: Agent, fills: list[Fill], marks: dict[str, float]) -> _Row:
    portfolio = agent.portfolio.after(fills) if fills else agent.portfolio
    pnl = Money(portfolio.equity(marks) - agent.equity)
    nav = unit_nav(agent.nav, pnl=pnl, capital_before=agent.equity)
    return _Row(agent, pnl, Money(sum(fill.costs for fill in fills)), nav)


def _scored(treasury: Treasury, rows: list[_Row], tick: int) -> list[_Row]:
    """Return the rows with the fitness that each agent has after this close."""
    rules = treasury.experiment.rules.records
    found = read_records(
        [((*row.agent.navs, row.nav), tick - row.agent.record.start) for row in rows],
        [row.drawdown for row in rows],
        periods_per_year=treasury.experiment.market.periods_per_year,
        rules=rules,
    )
    return [
        _Row(row.agent, row.pnl, row.costs, row.nav, fitness)
        for row, fitness in zip(rows, scores(found, rules), strict=True)
    ]


def _columns(rows: list[_Row]) -> Settlement:
    return Settlement(
        agents=tuple(row.agent.agent_id for row in rows),
        pnl=tuple(row.pnl for row in rows),
        costs=tuple(row.costs for row in rows),
        nav=tuple(row.nav for row in rows),
        fitness=tuple(row.fitness for row in rows),
        bad_debt=tuple((row.agent.agent_id, row.bad_debt) for row in rows if row.bad_debt),
    )


def quarantine(draft: Draft, *, because: int | None) -> None:
    """Stop agents that failed too often: they are flattened and wait for the next cycle."""
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
    """Halt the arena when its fund has fallen too far; let it go on after the rest."""
    treasury, risk = draft.treasury, draft.treasury.experiment.rules.risk
    since = treasury.halted.get(ARENA_SCOPE)
    if since is not None:
        if risk.halt_days is not None and treasury.tick - since >= risk.halt_days:
            draft.emit(
                TradingResumed(scope=ARENA_SCOPE, reason="rested", tick=treasury.tick), because
            )
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
