"""Every venue keeps the same promises: one order under an id, and it says what became of it.

Another venue is held to them by a subclass of `VenueConformance` with a fixture `venue` of its own.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.venues import SimulationVenue, Venue
from actors.venues.simulation import REMEMBERED
from arena.bars import Bar
from arena.costs import CostModel
from arena.execution import execute, execute_quote
from arena.ids import AgentId
from arena.instruments import Instrument, Kind
from arena.orders import Fill, FillCause, Order
from tests.contracts.exchange import Exchange

COIN = Instrument("COIN", Kind.SPOT)
BAR = Bar(100.0, 101.0, high=103.0, low=97.0, volume=1e9)
COSTS = CostModel()


def an_order(order_id: str = "one", quantity: float = 0.5) -> Order:
    return Order(
        order_id=order_id, agent_id=AgentId("ada"), instrument=COIN.name, quantity=quantity
    )


def expected(order: Order, limit: float | None = None) -> Fill:
    if limit is not None:
        return execute_quote(order, price=limit, costs=COSTS)
    return execute(order, COIN, bar=BAR, costs=COSTS)


@pytest.mark.asyncio
class VenueConformance:
    """What the courier and the desk rely on, where no call fails."""

    @pytest.mark.parametrize("quantity", [0.5, -0.25])
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
    async def test_a_quote_is_filled_at_its_limit_or_better(
        self, venue: Venue, quantity: float, limit: float
    ) -> None:
        order = an_order(quantity=quantity)

        fill = await venue.execute(order, limit=limit, expected=expected(order, limit))

        assert fill.cause is FillCause.QUOTE
        assert (limit - fill.price) * quantity >= 0

    async def test_what_was_executed_is_found_as_it_was(self, venue: Venue) -> None:
        order = an_order()

        fill = await venue.execute(order, limit=None, expected=expected(order))

        assert await venue.find("one") == fill

    async def test_under_an_id_that_was_never_sent_nothing_is_found(self, venue: Venue) -> None:
        order = an_order()
        await venue.execute(order, limit=None, expected=expected(order))

        assert await venue.find("another") is None

    async def test_under_a_known_id_nothing_more_is_executed(self, venue: Venue) -> None:
        order = an_order()
        fill = await venue.execute(order, limit=None, expected=expected(order))

        larger = replace(order, quantity=3.0)
        again = await venue.execute(larger, limit=None, expected=expected(larger))

        assert again == fill
        assert await venue.find("one") == fill

    async def test_two_orders_are_two(self, venue: Venue) -> None:
        orders = [an_order("one"), an_order("two", -0.5)]

        for order in orders:
            await venue.execute(order, limit=None, expected=expected(order))

        found = [await venue.find(order.order_id) for order in orders]
        assert [fill.order_id for fill in found if fill is not None] == ["one", "two"]


class TestSimulationVenue(VenueConformance):
    @pytest.fixture
    def venue(self) -> Venue:
        return SimulationVenue()

    async def test_it_fills_what_was_expected(self, venue: Venue) -> None:
        order = an_order()

        assert await venue.execute(order, limit=None, expected=expected(order)) == expected(order)

    async def test_it_remembers_as_many_as_can_wait_for_an_open_and_does_not_grow(
        self, venue: Venue
    ) -> None:
        orders = [an_order(f"{number}") for number in range(3 * REMEMBERED)]
        for order in orders:
            await venue.execute(order, limit=None, expected=expected(order))

        assert await venue.find(orders[-REMEMBERED].order_id) is not None
        assert await venue.find(orders[0].order_id) is None


class TestExchange(VenueConformance):
    """The exchange that fails in tests is a venue too, as long as it does not fail."""

    @pytest.fixture
    def venue(self) -> Venue:
        return Exchange(lambda: "fine", careful=True)
