"""A simulation: every order is filled at once, whole, and as the cost model expects.

What it fills has no effect but through the journal.  It remembers the latest orders, so that it
keeps the promises of the port: a known id is filled no second time.
"""

from __future__ import annotations

from datetime import UTC, datetime

from actors.runtime import ManualClock
from actors.venues.courier import Courier
from arena.orders import Fill, Order

REMEMBERED = 10_000
"""How many orders are remembered at least: more than wait for one open."""


def simulated() -> Courier:
    """Return a courier to a simulated venue: it never fails, and no real time ever passes."""
    return Courier(SimulationVenue(), ManualClock(datetime(1970, 1, 1, tzinfo=UTC)))


class SimulationVenue:
    """Fills orders as `arena.execution` says that they would be."""

    def __init__(self) -> None:
        self._latest: dict[str, Fill] = {}
        self._before: dict[str, Fill] = {}

    async def execute(self, order: Order, *, limit: float | None, expected: Fill) -> Fill:
        """Return what was expected; of a known id, what was filled."""
        del limit
        known = self._latest.get(order.order_id) or self._before.get(order.order_id)
        if known is not None:
            return known
        if len(self._latest) >= REMEMBERED:
            self._latest, self._before = {}, self._latest
        self._latest[order.order_id] = expected
        return expected

    async def find(self, order_id: str) -> Fill | None:
        """Return what was filled; None where nothing was, or long ago."""
        return self._latest.get(order_id) or self._before.get(order_id)
