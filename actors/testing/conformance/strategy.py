"""`StrategyConformance`: a pure function of what it is handed, whatever it is handed.

class TestMine(StrategyConformance):
strategy = Breakout
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest

from actors.app.gate import CHECKS, GateReport, check_strategy
from actors.app.gate.worlds import the_quick_world, with_values
from arena.costs import CostModel
from arena.ids import AgentId
from arena.market import MarketView
from arena.money import MICRO, Money
from arena.seed import Seed
from arena.strategies import BookView, Strategy, check_decision
from arena.words import Scalar

_REPORTS: dict[type[StrategyConformance], GateReport] = {}


class StrategyConformance:
    """What every strategy promises; see `arena.strategies.strategy`, and `arena check`.

    Attributes:
        strategy: What is tested.
        settings: Values of some of its parameters; the defaults of the others.
        quick: Whether the gate may be the quick one, which sees less.
    """

    strategy: ClassVar[type[Strategy]]
    settings: ClassVar[Mapping[str, Scalar]] = {}
    quick: ClassVar[bool] = False

    @pytest.mark.parametrize("check", CHECKS)
    def test_it_passes_the_gate(self, check: str) -> None:
        (outcome,) = (each for each in _report(type(self)).checks if each.name == check)

        assert outcome.passed, f"{CHECKS[check]}\n{check}: {outcome.detail}"

    def test_what_it_declares_is_enough_to_be_born(self) -> None:
        kind = self.strategy

        kind.check_settings({**kind.defaults(), **self.settings})
        for parameter in kind.parameters:
            assert parameter.doc, f"parameter {parameter.name!r} says nothing of itself"

    def test_what_is_not_known_does_not_break_it(self) -> None:
        world = the_quick_world(Seed(1), self.strategy.needs)
        instruments = tuple(world.terms.instruments.values())
        places = {name: [place] for name, place in world.market.columns.items()}
        for name, hidden in [*places.items(), ("everything", [*world.market.columns.values()])]:
            values = world.market.values.copy()
            values[:, hidden] = np.nan
            view = MarketView(world.market)
            view.reveal(with_values(world.market, values).values)
            chosen = {**self.strategy.defaults(), **self.settings}
            strategy = self.strategy(chosen, instruments, Seed(1))

            decision = strategy.decide(view, a_book(), {})

            fault = check_decision(decision, instruments)
            assert fault is None, f"where {name!r} is not known: {fault}"


def a_book() -> BookView:
    """Return a book with nothing in it but cash."""
    cash = Money(10_000 * MICRO)
    return BookView(AgentId("g000-001"), cash, cash, {}, CostModel())


def _report(suite: type[StrategyConformance]) -> GateReport:
    """Return what the gate says: asked once, since every check is a test."""
    if suite not in _REPORTS:
        _REPORTS[suite] = check_strategy(suite.strategy, suite.settings, quick=suite.quick)
    return _REPORTS[suite]
