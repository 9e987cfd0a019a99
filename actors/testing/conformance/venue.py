"""`VenueConformance`: at most one order under an id, and it says what became of it.

class TestMyVenue(VenueConformance):
async def make_venue(self, folder: Path) -> Venue:
return MyVenue("sandbox")
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from actors.testing.conformance.running import on_its_loop
from actors.venues import Venue
from arena.bars import Bar
from arena.costs import CostModel
from arena.execution import execute, execute_quote
from arena.ids import AgentId
from arena.instruments import Instrument, Kind
from arena.orders import Fill, FillCause, Order

COIN = Instrument("COIN", Kind.SPOT)
BAR = Bar(100.0, 101.0, high=103.0, low=97.0, volume=1e9)
COSTS = CostModel()


def an_order(order_id: str = "one", quantity: float = 0.5) -> Order:
    """Return an order for the one instrument that there is."""
    return Order(
        order_id=order_id, agent_id=AgentId("ada"), instrument=COIN.name, quantity=quantity
    )


def expected(order: Order, limit: float | None = None) -> Fill:
    """Return what the arena computed before it sent the order."""
    if limit is not None:
        return execute_quote(order, price=limit, costs=COSTS)
    return execute(order, COIN, bar=BAR, costs=COSTS)


class VenueConformance:
    """What the courier and the desk rely on, where no call fails; see `actors.venues.port`."""

    async def make_venue(self, folder: Path) -> Venue:
        """Return a venue; each test has one of its own, and closes it if it has a `close`.

        Args:
            folder: Empty, and there for as long as the test runs.
        """
        raise NotImplementedError

    @pytest.mark.parametrize("quantity", [0.5, -0.25])
    @on_its_loop
    async def test_a_fill_is_of_its_order_and_of_no_more(
        self, venue: Venue, quantity: float
    ) -> None:
        order = an_order(quantity=quantity)

        fill = await venue.execute(order, limit=None, expected=expected(order))

        assert (fill.order_id, fill.agent_id, fill.instrument) == ("one", "ada", "COIN")
        assert fill.quantity * quantity > 0
        assert abs(fill.quantity) <= abs(quantity)
        assert fill.price > 0
        assert min(fill.fee, fill.slippage, fill.gas) >= 0

    @pytest.mark.parametrize(("quantity", "limit"), [(0.5, 98.0), (-0.5, 102.0)])
    @on_its_loop
    async def test_a_quote_is_filled_at_its_limit_or_better(
        self, venue: Venue, quantity: float, limit: float
    ) -> None:
        order = an_order(quantity=quantity)

        fill = await venue.execute(order, limit=limit, expected=expected(order, limit))

        assert fill.cause is FillCause.QUOTE
        assert (limit - fill.price) * quantity >= 0

    @on_its_loop
    async def test_what_was_executed_is_found_as_it_was(self, venue: Venue) -> None:
        order = an_order()

        fill = await venue.execute(order, limit=None, expected=expected(order))

        assert await venue.find("one") == fill

    @on_its_loop
    async def test_under_an_id_that_was_never_sent_nothing_is_found(self, venue: Venue) -> None:
        order = an_order()
        await venue.execute(order, limit=None, expected=expected(order))

        assert await venue.find("another") is None

    @on_its_loop
    async def test_under_a_known_id_nothing_more_is_executed(self, venue: Venue) -> None:
        order = an_order()
        fill = await venue.execute(order, limit=None, expected=expected(order))

        larger = replace(order, quantity=3.0)
        again = await venue.execute(larger, limit=None, expected=expected(larger))

        assert again == fill
        assert await venue.find("one") == fill

    @on_its_loop
    async def test_two_orders_are_two(self, venue: Venue) -> None:
        orders = [an_order("one"), an_order("two", -0.5)]

        for order in orders:
            await venue.execute(order, limit=None, expected=expected(order))

        found = [await venue.find(order.order_id) for order in orders]
        assert [fill.order_id for fill in found if fill is not None] == ["one", "two"]
