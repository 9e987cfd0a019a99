"""The simulated venue: fills everything at the open, and charges fee, slippage and gas."""

from __future__ import annotations

from arena.execution import Terms, execute
from arena.orders import Fill, Order


class SimulationVenue:
    """Executes on paper, on the terms of the run."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    async def execute(self, order: Order, *, price: float) -> Fill:
        """Return the fill of `order` at `price` USD per unit."""
        instrument = self._terms.instruments[order.instrument]
        return execute(order, instrument, price=price, costs=self._terms.costs)
