"""Staking-Agent: hold the staked coin that pays best, with its price or without it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from arena.instruments import Instrument, Kind
from arena.market import MarketView
from arena.seed import Seed
from arena.strategies.earning import Earner, Mover, find_earners, funding_of
from arena.strategies.reading import average
from arena.strategies.strategy import BookView, Choice, Decision, Memory, Number, Strategy
from arena.words import Scalar


class StakingAgent(Strategy):
    """Stakes one coin, and changes it only when that pays.

    Idea: a network pays those who stake its coin.  With `hedge = perpetual` the coin's price is
    sold by a short perpetual of the same size: what is left is the reward plus the funding.
    Watches: the staking rate of every staking token and, hedged, the funding of the perpetual on
    its coin, both averaged over `smoothing_days`.
    Trades: into the token that pays best when the gain of `horizon_days` exceeds the round trip.
    Hedged, it leaves when funding takes more than leaving costs, and restores a hedge whose sides
    have come apart or whose margin is half gone.
    Risk: unhedged, the price of the coin, which moves more in a day than staking pays in a year;
    hedged, a rise that takes the margin, and funding below 0.
    """

    name = "staking-agent"
    family = "staking"
    needs_kind = Kind.STAKING
    parameters = (
        Choice(
            name="hedge",
            default="none",
            options=("none", "perpetual"),
            doc="Whether the price of the coin is borne, or sold by a short perpetual.",
        ),
        Number(
            name="horizon_days",
            default=90,
            low=15,
            high=365,
            integer=True,
            doc="How long a rate is expected to last.",
        ),
        Number(
            name="smoothing_days",
            default=7,
            low=1,
            high=30,
            integer=True,
            doc="Days over which rates and funding are averaged.",
        ),
        Number(
            name="work_share",
            default=0.9,
            low=0.1,
            high=1.0,
            doc="Share of equity that is put to work, a fraction.",
        ),
        Number(
            name="margin_share",
            default=0.5,
            low=0.2,
            high=1.0,
            doc="Hedged: cash kept behind each dollar that is short, a fraction.",
        ),
    )

    def __init__(
        self, settings: Mapping[str, Scalar], instruments: Sequence[Instrument], seed: Seed
    ) -> None:
        """Make one agent's staker."""
        super().__init__(settings, instruments, seed)
        self._smoothing = self.days("smoothing_days")
        hedged = self.word("hedge") == "perpetual"
        self._earners = find_earners(instruments, Kind.STAKING, hedged=hedged)
        self._mover = Mover(
            horizon_bars=self.days("horizon_days"),
            edge_min=0.0,
            work_share=self.number("work_share"),
            margin_share=self.number("margin_share"),
        )

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return the weights of the token that pays best, or HOLD while moving costs more."""
        del memory
        yields = {earner: self._yield_of(earner, market) for earner in self._earners}
        return self._mover.decide(yields, market, book)

    def _yield_of(self, earner: Earner, market: MarketView) -> float:
        """Return what an earner pays per bar, a fraction of its size; NaN where not known."""
        reward = average(market, earner.long.rate_column, self._smoothing)
        reward /= market.periods_per_year
        if earner.short is None:
            return reward
        funding = funding_of(market, earner.short, self._smoothing)
        return reward + funding if not math.isnan(funding) else math.nan
