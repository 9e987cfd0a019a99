"""The port of a venue.  Nothing shipped behind it can move real money."""

from __future__ import annotations

from typing import Protocol

from arena.bars import Bar
from arena.orders import Fill, Order


class Venue(Protocol):
    """A place that executes orders: at the open of a bar, or at a limit inside it."""

    async def execute(self, order: Order, *, bar: Bar) -> Fill:
        """Execute `order` at the open of `bar` and return its fill.

        Raises:
            ConnectionError: The venue cannot be reached, and nothing was executed.
        """
        ...

    async def execute_limit(self, order: Order, *, price: float) -> Fill:
        """Execute `order` at its limit, which the bar has traded through, and return its fill.

        Args:
            order: Already validated.
            price: The limit, USD per unit.

        Raises:
            ConnectionError: The venue cannot be reached, and nothing was executed.
        """
        ...
