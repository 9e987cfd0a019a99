"""The simulated venue: fills everything at the open, and charges fee, slippage and gas."""

from __future__ import annotations

from arena.bars import Bar
from arena.execution import Terms, execute, execute_quote
from arena.orders import Fill, Order


class SimulationVenue:
    """Executes on paper, on the terms of the run."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    async def execute(self, order: Order, *, bar: Bar) -> Fill:
        """Return the fill of `order` at the open of `bar`."""
        instrument = self._terms.instruments[order.instrument]
        return execute(order, instrument, bar=bar, costs=self._terms.costs)

    async def execute_limit(self, order: Order, *, price: float) -> Fill:
        """Return the fill of `order` at its limit."""
        return execute_quote(order, price=price, costs=self._terms.costs)
