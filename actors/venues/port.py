"""The port of a venue.  Nothing shipped behind it can move real money."""

from __future__ import annotations

from typing import Protocol

from arena.orders import Fill, Order


class Venue(Protocol):
    """A place that executes orders at the open of a bar."""

    async def execute(self, order: Order, *, price: float) -> Fill:
        """Execute `order` and return its fill.

        Args:
            order: Already validated.
            price: The bar's open, USD per unit.

        Raises:
            ConnectionError: The venue cannot be reached, and nothing was executed.
        """
        ...
