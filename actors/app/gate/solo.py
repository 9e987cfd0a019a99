"""The books of one agent that is alone: its capital is fixed, and nobody else wants it.

The desk's own session executes what it decides, by the rules of a real run.  Nothing else happens:
no rule ends it, and one that has lost half is funded anew, with a book that is empty again.
"""

from __future__ import annotations

import math
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from actors.app.gate.worlds import World
from actors.venues import Session, simulated
from arena import commands as c
from arena.agents import Agent
from arena.bars import Bars
from arena.experiment import Endowment, Experiment, MarketFacts, Population
from arena.money import parse_usd
from arena.orders import Fill
from arena.portfolio import Portfolio
from arena.rules import RiskRules, Rules
from arena.strategies import Decision, Strategy
from arena.treasury import Treasury, decide_onto
from arena.words import Scalar

CAPITAL = parse_usd("10000.00")
"""What the agent has to trade with, micro-USD."""

REFUNDED_UNDER = CAPITAL // 2
"""With less than this it is funded anew, micro-USD."""


class Solo:
    """The books of one agent that is alone in its treasury."""

    def __init__(self, kind: type[Strategy], settings: Mapping[str, Scalar], world: World) -> None:
        self._courier = simulated()
        self._courier.unsure = False
        self.treasury = Treasury(_experiment(kind, world))
        decide_onto(self.treasury, c.OpenArena(command_id="open"))
        born = c.SpawnAgent(command_id="spawn", strategy=kind.name, parameters=settings)
        decide_onto(self.treasury, born)
        self._name = next(iter(self.treasury.agents))

    @property
    def agent(self) -> Agent:
        """The agent, as it is at the last close."""
        return self.treasury.agents[self._name]

    def trade(self, bars: Bars, decision: Decision) -> float:
        """Execute a decision at the opens of `bars`, and mark the book at their closes.

        Returns:
            Notional of all fills, as a share of the equity before.
        """
        treasury, agent = self.treasury, self.agent
        session = Session(treasury, self._courier, treasury.tick + 1, bars)
        _now(session.trade(self._name, decision, ()))
        session.liquidate()
        treasury.tick += 1
        treasury.marks.update({name: bar.close for name, bar in bars.items()})
        treasury.units.update({n: bar.unit for n, bar in bars.items() if not math.isnan(bar.unit)})
        portfolio = self._close(session.fills, bars)
        equity = portfolio.equity(treasury.marks)
        if equity < REFUNDED_UNDER:
            portfolio, equity = Portfolio(cash=CAPITAL), CAPITAL
        treasury.agents[self._name] = replace(agent, portfolio=portfolio, equity=equity)
        return sum(fill.size for fill in session.fills) / agent.equity

    def _close(self, fills: Sequence[Fill], bars: Bars) -> Portfolio:
        """Return what is held after the bar: its trades, what was paid, and what expired."""
        portfolio = self.agent.portfolio.after(fills)
        carry = {name: bar.carry for name, bar in bars.items() if bar.carry}
        expired = tuple(name for name, bar in bars.items() if bar.expires)
        return portfolio.carried(carry).settled(expired, self.treasury.marks)


def _experiment(kind: type[Strategy], world: World) -> Experiment:
    """Return an experiment in which nothing happens but one agent's trades."""
    market = world.market
    return Experiment(
        name="gate",
        seed=1,
        market=MarketFacts(
            source="gate",
            opens_at="",
            warmup=world.warmup,
            ticks=len(market) - world.warmup,
            periods_per_year=market.periods_per_year,
            badge="synthetic",
            series={},
        ),
        terms=world.terms,
        endowment=Endowment(virtual_capital=CAPITAL),
        population=Population(agents=0, mix={kind.name: 1}, baselines=()),
        rules=Rules(risk=RiskRules(kill=())),
        catalog={kind.name: kind},
    )


def _now(work: Coroutine[Any, Any, None]) -> None:
    """Run what never waits: the venue is a simulation, and no call of it fails."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("the venue of the gate waited for something")
