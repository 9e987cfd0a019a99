"""DeFi-Yield-Farmer: lend where it pays best, and move only when moving pays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from arena.instruments import Instrument, Kind
from arena.market import MarketView
from arena.seed import Seed
from arena.strategies.strategy import HOLD, BookView, Decision, Memory, Number, Strategy
from arena.words import Scalar

DAYS_PER_YEAR = 365

DRIFT = 0.005
"""A deposit that is off its target by less than this share of equity is left alone."""


class DeFiYieldFarmer(Strategy):
    """Deposits in the lending markets with the highest smoothed rate.

    Idea: rates differ between protocols for weeks; being in the better one earns the difference.
    Watches: the supply rate of every lending market, averaged over `smoothing_days`.
    Trades: into the best `markets` of them when the rate gained, earned for `horizon_days`, exceeds
    the round trip of the move.
    Risk: protocols fail; rates fall as soon as money arrives.
    """

    name = "defi-yield-farmer"
    family = "lending"
    needs_kind = Kind.LENDING
    parameters = (
        Number(
            name="horizon_days",
            default=30,
            low=10,
            high=60,
            integer=True,
            doc="How long a rate difference is expected to last.",
        ),
        Number(
            name="smoothing_days",
            default=7,
            low=1,
            high=30,
            integer=True,
            doc="Days over which a rate is averaged.",
        ),
        Number(
            name="markets",
            default=1,
            low=1,
            high=3,
            integer=True,
            doc="Between how many of the best markets the deposit is divided.",
        ),
        Number(
            name="rate_min",
            default=0.005,
            low=0.0,
            high=0.05,
            doc="Smoothed rate below which a market is left alone, a fraction per year.",
        ),
    )

    def __init__(
        self, settings: Mapping[str, Scalar], instruments: Sequence[Instrument], seed: Seed
    ) -> None:
        """Make one agent's farmer."""
        super().__init__(settings, instruments, seed)
        self._markets = [(i.name, i.rate_column) for i in instruments if i.kind is Kind.LENDING]
        self._smoothing = self.days("smoothing_days")
        self._count = self.days("markets")
        self._rate_min = self.number("rate_min")
        self._horizon = self.days("horizon_days") / DAYS_PER_YEAR

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return an equal deposit in each of the best markets, or HOLD while moving costs more."""
        del memory
        rates = {}
        for name, column in self._markets:
            rate = market.mean(column, self._smoothing)
            if not math.isnan(rate):
                rates[name] = rate
        ranked = sorted(rates, key=rates.__getitem__, reverse=True)
        best = [name for name in ranked[: self._count] if rates[name] >= self._rate_min]
        targets = {name: 1.0 / len(best) for name in best}
        gain = cost = 0.0
        for name, rate in rates.items():
            change = targets.get(name, 0.0) - book.weights.get(name, 0.0)
            if abs(change) >= DRIFT:
                gain += rate * change
                cost += book.costs.round_trip(Kind.LENDING, book.equity) / 2  # However small it is.
        return targets if gain * self._horizon > cost else HOLD
