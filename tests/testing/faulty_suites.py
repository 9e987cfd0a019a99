"""What breaks a promise, held to the suite that has it: run by `test_conformance.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from actors.journal.chain import Head
from actors.journal.memory import MemoryJournal
from actors.journal.port import Batch, Journal, Snapshot
from actors.testing import synthetic
from actors.testing.conformance import (
    FeedConformance,
    JournalConformance,
    PolicyConformance,
    StrategyConformance,
    VenueConformance,
)
from actors.venues import Venue
from arena.exceptions import EventSourcingError
from arena.market import Market, Provenance
from arena.money import Money
from arena.orders import Fill, Order
from arena.policies import Candidate, Target, weigh_equal
from arena.rules import AllocationRules
from tests.testing.troupe import Broken, Peeking


class LenientJournal(MemoryJournal):
    """Takes what does not follow, and keeps the first half of what it refuses."""

    async def append(self, batch: Batch) -> Head:
        try:
            return await super().append(batch)
        except EventSourcingError:
            half = len(batch.entries) // 2
            self.entries += batch.entries[:half]
            raise

    async def snapshots(self) -> list[Snapshot]:
        return (await super().snapshots())[:1]


class TestLenientJournal(JournalConformance):
    async def make_journal(self, folder: Path) -> Journal:
        return LenientJournal(self.MANIFEST)


class DoubleVenue:
    """Executes twice what it is sent twice, and a little more than it was asked."""

    def __init__(self) -> None:
        self.fills: dict[str, Fill] = {}

    async def execute(self, order: Order, *, limit: float | None, expected: Fill) -> Fill:
        self.fills[order.order_id] = replace(expected, quantity=expected.quantity * 1.01)
        return self.fills[order.order_id]

    async def find(self, order_id: str) -> Fill | None:
        return self.fills.get(order_id)


class TestDoubleVenue(VenueConformance):
    async def make_venue(self, folder: Path) -> Venue:
        return DoubleVenue()


class TestGenerousPolicy(PolicyConformance):
    def weigh(
        self, candidates: Sequence[Candidate], amount: int, rules: AllocationRules
    ) -> list[Target]:
        """Give the first one a dollar more than there is."""
        first, *others = weigh_equal(candidates, amount, rules)
        return [replace(first, amount=Money(first.amount + 10**6)), *others]


class TestMoodyFeed(FeedConformance):
    seed = 0

    def make_market(self, folder: Path) -> Market:
        """Return another market each time, whose first column is of no origin and infinite."""
        TestMoodyFeed.seed += 1
        market = synthetic(days=20, seed=self.seed).market
        values = market.values.copy()
        values[3, 0] = float("inf")
        first = replace(market.series[0], origin="", provenance=Provenance.REAL)
        series = (first, *market.series[1:])
        return Market(opens_at=market.opens_at.copy(), series=series, values=values)


class TestPeeking(StrategyConformance):
    strategy: ClassVar = Peeking
    quick: ClassVar = True


class TestBroken(StrategyConformance):
    strategy: ClassVar = Broken
    quick: ClassVar = True
