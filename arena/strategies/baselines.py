"""The yardsticks: doing nothing, buying everything, and throwing dice.

Baselines stand outside the population: they trade virtual money under the same rules of execution,
and are never killed, mutated or seated.
"""

from __future__ import annotations

import math

from arena.instruments import Instrument, Kind
from arena.market import MarketView
from arena.strategies.strategy import HOLD, BookView, Decision, Memory, Number, Strategy


def _listed(instruments: tuple[Instrument, ...], market: MarketView) -> list[str]:
    """Return the coins that have a price, by name; a token that may end is no yardstick."""
    return [
        instrument.name
        for instrument in instruments
        if instrument.kind is Kind.SPOT
        and instrument.column("expires") not in market.columns
        and not math.isnan(market.last(instrument.close_column))
    ]


class Cash(Strategy):
    """Holds nothing: what every strategy must beat after its costs."""

    name = "cash"
    family = "baseline"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return no weights."""
        del market, book, memory
        return {}


class BuyAndHold(Strategy):
    """Buys an equal part of every coin listed at the start, and never trades again."""

    name = "buy-and-hold"
    family = "baseline"
    needs_kind = Kind.SPOT

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return equal weights once, then HOLD."""
        del book
        assets = _listed(self.instruments, market)
        if memory.get("bought") or not assets:
            return HOLD
        memory["bought"] = True
        return {name: 1.0 / len(assets) for name in assets}


class Random(Strategy):
    """Draws new weights now and then: what luck alone looks like.

    Risk: all of it.
    """

    name = "random"
    family = "baseline"
    needs_kind = Kind.SPOT
    parameters = (
        Number(
            name="change_probability",
            default=0.1,
            low=0.0,
            high=1.0,
            doc="Chance on each day that new weights are drawn.",
        ),
    )

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return weights uniform on the simplex of the assets and cash, on some days."""
        del book, memory
        generator = self.seed.child("decide", market.now).generator()
        assets = _listed(self.instruments, market)
        if not assets or generator.random() >= self.number("change_probability"):
            return HOLD
        weights = generator.dirichlet([1.0] * (len(assets) + 1))
        return {name: float(weight) for name, weight in zip(assets, weights, strict=False)}
