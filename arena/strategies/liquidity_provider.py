"""Liquidity-Provider: be in a pool while its fees pay for what arbitrage takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from arena.instruments import Instrument, Kind
from arena.instruments.ranges import concentration
from arena.market import MarketView
from arena.seed import Seed
from arena.strategies.reading import average, realised_volatility
from arena.strategies.strategy import HOLD, BookView, Choice, Decision, Memory, Number, Strategy
from arena.words import Scalar

DAYS_PER_YEAR = 365


class LiquidityProvider(Strategy):
    """Provides liquidity to a pool while it is paid more than it is expected to lose.

    Idea: a pool's traders pay fees; those who know the price better than the pool take some of it
    back (loss versus rebalancing): volatility^2 / 8 a year over the full range, and as many times
    that as a narrow range is concentrated.  What is left is a wage, and it is not always above 0.
    Watches: the pool's fee yield, averaged over `smoothing_days`, and the realised volatility of
    its coin over `volatility_days`.
    Trades: in when yield - loss is at least `margin_in` and, earned for `horizon_days`, exceeds the
    round trip; out when it is below `margin_out`.  In between, whoever is in stays in.
    Risk: half of a share is the coin itself, and falls with it; volatility comes faster than its
    average; a narrow range multiplies both sides, and is laid anew at a cost.

    Source:
        Milionis, Moallemi, Roughgarden, Zhang, Automated Market Making and Loss-Versus-Rebalancing
        (2022): sigma^2 / 8 for a constant product.
    """

    name = "liquidity-provider"
    family = "liquidity"
    needs_kind = Kind.POOL
    ordered = (("margin_out", "margin_in"),)
    parameters = (
        Choice(
            name="range",
            default="full",
            options=("full", "narrow"),
            doc="Which pools it enters: those over all prices, or those of a concentrated range.",
        ),
        Number(name="exposure", default=0.8, low=0.1, high=1.0, doc="Weight of the pool when in."),
        Number(
            name="margin_in",
            default=0.02,
            low=0.0,
            high=0.2,
            doc="Yield above the expected loss from which on it enters, a fraction per year.",
        ),
        Number(
            name="margin_out",
            default=-0.02,
            low=-0.2,
            high=0.05,
            doc="Yield above the expected loss under which it leaves, a fraction per year.",
        ),
        Number(
            name="smoothing_days",
            default=7,
            low=1,
            high=30,
            integer=True,
            doc="Days over which the fee yield is averaged.",
        ),
        Number(
            name="volatility_days",
            default=20,
            low=5,
            high=60,
            integer=True,
            doc="Days over which volatility is measured.",
        ),
        Number(
            name="horizon_days",
            default=60,
            low=10,
            high=180,
            integer=True,
            doc="How long yield and loss are expected to last, to pay for the round trip.",
        ),
    )

    def __init__(
        self, settings: Mapping[str, Scalar], instruments: Sequence[Instrument], seed: Seed
    ) -> None:
        """Make one agent's provider."""
        super().__init__(settings, instruments, seed)
        narrow = self.word("range") == "narrow"
        self._pools = {
            pool.name: pool
            for pool in sorted(instruments, key=lambda each: each.name)
            if pool.kind is Kind.POOL and (pool.width is not None) == narrow
        }
        self._loss = {
            name: (1.0 if pool.width is None else concentration(pool.width)) / 8.0
            for name, pool in self._pools.items()
        }
        self._horizon = self.days("horizon_days") / DAYS_PER_YEAR

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return the weight of the best pool, nothing where none is worth it, or HOLD."""
        del memory
        if book.equity <= 0:
            return HOLD
        wages = {name: self._wage(market, pool) for name, pool in self._pools.items()}
        held = [name for name in self._pools if book.weights.get(name, 0.0) > 0.0]
        if any(math.isnan(wages[name]) for name in held):
            return HOLD  # Nobody leaves a pool because a number is late.
        kept = [name for name in held if wages[name] >= self.number("margin_out")]
        worth = [name for name, wage in wages.items() if self._pays(wage, name, book)]
        if not kept and not worth:
            return {} if held else HOLD
        best = max(kept or worth, key=wages.__getitem__)
        exposure = self.number("exposure")
        settled = held == [best] and book.weights[best] >= exposure / 2
        if settled or (held == [best] and best not in worth):
            return HOLD
        return {best: exposure}

    def _wage(self, market: MarketView, pool: Instrument) -> float:
        """Return fee yield less expected loss, a fraction per year; NaN where it is not known."""
        fees = average(market, pool.column("fee_apr"), self.days("smoothing_days"))
        coin = pool.underlying or ""
        volatility = realised_volatility(market, coin, self.days("volatility_days"))
        return fees - self._loss[pool.name] * volatility**2

    def _pays(self, wage: float, name: str, book: BookView) -> bool:
        """Return whether a pool is worth the way in and out again; not where its wage is NaN."""
        costs, fee = book.costs, self._pools[name].pool_fee_bps
        invested = max(book.equity * self.number("exposure"), 1.0)
        trade = costs.rate(Kind.POOL, fee) + costs.fixed(Kind.POOL) / invested
        return wage >= self.number("margin_in") and wage * self._horizon > 2.0 * trade
