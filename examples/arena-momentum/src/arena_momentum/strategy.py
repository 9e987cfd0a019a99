"""Momentum: hold what rose most."""

from __future__ import annotations

import numpy as np

from arena.instruments import Kind
from arena.market import MarketView
from arena.strategies import HOLD, BookView, Decision, Memory, Number, Strategy


class Momentum(Strategy):
    """Holds the coins that rose most, in equal parts, and nothing while none of them rises.

    Idea: the strongest of the last months stay the strongest for some weeks.
    Watches: the closes of every coin.
    Trades: coins, once in `hold_days`.
    Risk: a market that turns; it then holds what falls first.

    Source:
        Jegadeesh & Titman, Returns to Buying Winners and Selling Losers, Journal of Finance 48(1),
        1993.
    """

    name = "momentum"
    family = "momentum"
    needs_kind = Kind.SPOT
    parameters = (
        Number(name="look_days", default=60, low=10, high=250, integer=True, doc="Days of rise."),
        Number(name="hold_days", default=20, low=1, high=60, integer=True, doc="Days to hold."),
        Number(name="coins", default=2, low=1, high=5, integer=True, doc="How many it holds."),
    )

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return the strongest coins with equal weights, once in `hold_days`; HOLD in between."""
        del book
        if market.now < memory.get("next", 0):
            return HOLD
        rises = {name: self._rise(market, name) for name in self._coins()}
        strongest = sorted(rises, key=lambda name: (-rises[name], name))[: self.days("coins")]
        memory["next"] = market.now + self.days("hold_days")
        return {name: 0.95 / self.days("coins") for name in strongest if rises[name] > 0.0}

    def _coins(self) -> list[str]:
        return [each.name for each in self.instruments if each.kind is Kind.SPOT]

    def _rise(self, market: MarketView, name: str) -> float:
        """Return by how much a coin rose, a fraction; 0 where that is not known."""
        closes = market.history(f"{name}.close")[-self.days("look_days") - 1 :]
        known = closes[np.isfinite(closes)]
        if len(known) <= self.days("look_days"):
            return 0.0
        return float(known[-1] / known[0] - 1.0)
