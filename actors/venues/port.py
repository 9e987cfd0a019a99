"""The port of a venue.  Nothing shipped behind it can move real money."""

from __future__ import annotations

from typing import Protocol

from arena.orders import Fill, Order


class OutcomeUnknownError(Exception):
    """An order may have been executed, and nobody knows.

    Attributes:
        order_id: Of the order.
    """

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id!r} may have been executed, and the venue does not say")
        self.order_id = order_id


class Venue(Protocol):
    """A place that executes orders: at the open of a bar, or at a limit inside it.

    The order's id is the key of every call: the venue executes at most one order under it, and
    `find` says what became of it.  How often to try again is not the venue's business: it says what
    it knows, at once, and the courier decides.
    """

    async def execute(self, order: Order, *, limit: float | None, expected: Fill) -> Fill:
        """Execute `order` and return its fill, which may be a part of it.

        Args:
            order: Already validated.
            limit: The price of a quote that the bar has traded through, USD per unit; None trades
                at the open.
            expected: The fill by the cost model.  A venue that can bound the price bounds it by
                this; a simulation has nothing better.

        Raises:
            ConnectionError: Nothing was executed, and nothing will be of this call.
            OutcomeUnknownError: It was sent, and nobody knows what became of it.
        """
        ...

    async def find(self, order_id: str) -> Fill | None:
        """Return the fill of the order that was sent under this id.

        None says that nothing was executed under it, and that a call which is still on its way
        will not be executed any more, or counts as one with the next call of that id.

        Raises:
            ConnectionError: The venue cannot be reached.
        """
        ...
