"""A simulation: every order is filled at once and whole, with the costs of the cost model.

It keeps nothing, and nothing of it outlives a tick: under an id that it is asked for, there never
was an order.
"""

from __future__ import annotations

from datetime import UTC, datetime

from actors.runtime import ManualClock
from actors.venues.courier import Courier
from arena.bars import Bar
from arena.execution import Terms, execute, execute_quote
from arena.orders import Fill, Order


def simulated(terms: Terms) -> Courier:
    """Return a courier to a simulated venue: it never fails, and no real time ever passes."""
    return Courier(SimulationVenue(terms), ManualClock(datetime(1970, 1, 1, tzinfo=UTC)))


class SimulationVenue:
    """Fills orders by the arithmetic of `arena.execution`, on the terms of the run."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    async def execute(self, order: Order, *, bar: Bar) -> Fill:
        """Return the fill of `order` at the open of `bar`."""
        instrument = self._terms.instruments[order.instrument]
        return execute(order, instrument, bar=bar, costs=self._terms.costs)

    async def execute_limit(self, order: Order, *, price: float) -> Fill:
        """Return the fill of `order` at its limit."""
        return execute_quote(order, price=price, costs=self._terms.costs)

    async def find(self, order_id: str) -> Fill | None:
        """Return None: what was not settled was not executed."""
        del order_id
        return None
