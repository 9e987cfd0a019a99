"""Every venue keeps the same promises, those that are simulated and those that fail in tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.testing.conformance import VenueConformance
from actors.testing.conformance.venue import an_order, expected
from actors.venues import SimulationVenue, Venue
from actors.venues.simulation import REMEMBERED
from tests.contracts.exchange import Exchange


class TestSimulationVenue(VenueConformance):
    async def make_venue(self, folder: Path) -> Venue:
        return SimulationVenue()

    @pytest.mark.asyncio
    async def test_it_fills_what_was_expected(self) -> None:
        order = an_order()

        fill = await SimulationVenue().execute(order, limit=None, expected=expected(order))

        assert fill == expected(order)

    @pytest.mark.asyncio
    async def test_it_remembers_as_many_as_can_wait_for_an_open_and_does_not_grow(self) -> None:
        venue = SimulationVenue()
        orders = [an_order(f"{number}") for number in range(3 * REMEMBERED)]
        for order in orders:
            await venue.execute(order, limit=None, expected=expected(order))

        assert await venue.find(orders[-REMEMBERED].order_id) is not None
        assert await venue.find(orders[0].order_id) is None


class TestExchange(VenueConformance):
    """The exchange that fails in tests is a venue too, as long as it does not fail."""

    async def make_venue(self, folder: Path) -> Venue:
        return Exchange(lambda: "fine", careful=True)
