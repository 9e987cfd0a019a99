"""The books of one agent that is alone: its capital is fixed, and nobody else wants it.

The desk's own session executes what it decides, and the treasury's own rules settle it, so the book
is that of a real run.  Nothing else happens: no rule ends it, and one that has lost half is funded
anew, with a book that is empty again.
"""

from __future__ import annotations

import math
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any

from actors.app.gate.tapes import Tape
from actors.app.gate.worlds import World
from actors.market_feed import find_places, gas_at, read_bars
from actors.venues import Session, simulated
from arena import commands as c
from arena.agents import Agent
from arena.bars import Bar
from arena.experiment import Endowment, Experiment, MarketFacts, Population
from arena.money import parse_usd
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
        self._terms = world.terms
        self._courier = simulated()
        self._courier.unsure = False
        self._places = find_places(world.market, world.terms.instruments)
        self.treasury = Treasury(_experiment(kind, world))
        self._ask(c.OpenArena(command_id="open"))
        self._ask(c.SpawnAgent(command_id="spawn", strategy=kind.name, parameters=settings))
        self._name = next(iter(self.treasury.agents))

    @property
    def agent(self) -> Agent:
        """The agent, as it is at the last close."""
        return self.treasury.agents[self._name]

    def trade(self, tape: Tape, row: int, decision: Decision) -> float:
        """Execute a decision at the open of `row`, settle its close; return what was traded.

        Returns:
            Notional of all fills, as a share of the equity before.
        """
        costs, equity = self._terms.costs, self.agent.equity
        bars = read_bars(tape.market, row, self._places, gas_at(tape.market, row, costs))
        session = Session(self.treasury, self._courier, self.treasury.tick + 1, bars)
        _now(session.trade(self._name, decision, ()))
        session.liquidate()
        self._ask(_settlement(session, self.treasury.tick + 1, bars))
        if self.agent.equity < REFUNDED_UNDER:
            fresh = replace(self.agent, portfolio=Portfolio(cash=CAPITAL), equity=CAPITAL)
            self.treasury.agents[self._name] = fresh
        return sum(fill.size for fill in session.fills) / equity

    def _ask(self, command: c.Command) -> None:
        decide_onto(self.treasury, command)


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


def _settlement(session: Session, tick: int, bars: Mapping[str, Bar]) -> c.SettleTick:
    return c.SettleTick(
        command_id=f"tick-{tick}",
        tick=tick,
        prices={name: (each.open, each.close) for name, each in bars.items()},
        fills=tuple(session.fills),
        refused=tuple(session.refused),
        units={name: each.unit for name, each in bars.items() if not math.isnan(each.unit)},
        carry={name: each.carry for name, each in bars.items() if each.carry},
        expired=tuple(name for name, each in bars.items() if each.expires),
    )


def _now(work: Coroutine[Any, Any, None]) -> None:
    """Run what never waits: the venue is a simulation, and no call of it fails."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("the venue of the gate waited for something")
