"""Arbitrage-Hunter: earn a difference of prices without bearing a price, where costs leave any."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from arena.costs import BPS
from arena.instruments import Instrument, Kind
from arena.market import MarketView
from arena.seed import Seed
from arena.strategies.earning import Mover, find_earners, funding_of
from arena.strategies.reading import latest
from arena.strategies.strategy import HOLD, BookView, Choice, Decision, Memory, Number, Strategy
from arena.words import Scalar


class ArbitrageHunter(Strategy):
    """Holds a coin and shorts its perpetual, or trades one coin at two venues; mostly stands aside.

    Idea: longs of a perpetual pay shorts while they are greedy; who holds the coin and is short the
    contract is paid and bears no price (`carry`).  Two venues' prices of one coin part and come
    together again (`spread`).
    Watches: funding, averaged over `smoothing_days`; or how far the spread is from its own median
    over these days.
    Trades: in when the funding of `horizon_days`, or the way back of the spread, exceeds the round
    trip of both sides by `edge_min_bps`.  Out when funding is so far below 0 that keeping costs
    more than leaving, or when the spread is back at its median.
    Risk: a rise of the price takes the margin before the coin can be sold; funding turns; at 60
    basis points for a round trip, no spread between large venues has been wide enough.
    """

    name = "arbitrage-hunter"
    family = "arbitrage"
    needs_kind = Kind.PERPETUAL
    parameters = (
        Choice(
            name="style",
            default="carry",
            options=("carry", "spread"),
            doc="What it trades: a coin against its perpetual, or a coin across two venues.",
        ),
        Number(
            name="edge_min_bps",
            default=5.0,
            low=-60.0,
            high=60.0,
            doc="What must be left after costs, basis points of the position; below 0 it trades "
            "for less than its costs.",
        ),
        Number(
            name="horizon_days",
            default=30,
            low=5,
            high=90,
            integer=True,
            doc="How long the funding is expected to last.",
        ),
        Number(
            name="smoothing_days",
            default=7,
            low=2,
            high=30,
            integer=True,
            doc="Days over which funding is averaged, or the median of the spread is taken.",
        ),
        Number(
            name="margin_share",
            default=0.5,
            low=0.2,
            high=1.0,
            doc="Cash kept behind each dollar that is short, a fraction.",
        ),
    )

    def __init__(
        self, settings: Mapping[str, Scalar], instruments: Sequence[Instrument], seed: Seed
    ) -> None:
        """Make one agent's hunter."""
        super().__init__(settings, instruments, seed)
        self._smoothing = self.days("smoothing_days")
        self._edge = self.number("edge_min_bps") / BPS
        self._pairs = find_earners(instruments, Kind.SPOT, hedged=True)
        self._spreads = sorted(
            (each for each in instruments if each.kind is Kind.SPREAD), key=lambda each: each.name
        )
        self._mover = Mover(
            horizon_bars=self.days("horizon_days"),
            edge_min=self._edge,
            work_share=1.0,
            margin_share=self.number("margin_share"),
        )

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return the two sides' weights, none when it is over, or HOLD: mostly that."""
        del memory
        if self.word("style") == "spread":
            return self._trade_spread(market, book)
        yields = {
            pair: funding_of(market, pair.short, self._smoothing)
            for pair in self._pairs
            if pair.short is not None
        }
        return self._mover.decide(yields, market, book)

    def _trade_spread(self, market: MarketView, book: BookView) -> Decision:
        """Return the spread's weight, none when it has come back, or HOLD."""
        ways = {each: self._way_back(market, each) for each in self._spreads}
        held = [each for each in self._spreads if book.weights.get(each.name)]
        if held:
            way = ways[held[0]]  # NaN is not known: it waits.
            return {} if way * book.weights[held[0].name] <= 0.0 else HOLD
        known = [each for each, way in ways.items() if not math.isnan(way)]
        if not known or book.equity <= 0:
            return HOLD
        widest = max(known, key=lambda each: abs(ways[each]))
        cost = book.costs.round_trip(Kind.SPREAD, book.equity)
        if abs(ways[widest]) <= cost + self._edge:
            return HOLD
        weight = min(1.0 / (1.0 + self.number("margin_share")), widest.weight_high)
        return {widest.name: math.copysign(weight, ways[widest])}

    def _way_back(self, market: MarketView, spread: Instrument) -> float:
        """Return how far the mark is below its median, a fraction of the coin; NaN: not known.

        The median, since a few wide days must not look like the new normal when they are over.
        """
        unit = latest(market, spread.column("unit"))
        if not unit > 0.0 or spread.close_column not in market.columns:
            return math.nan
        marks = market.history(spread.close_column)[-self._smoothing :]
        return float(np.median(marks) - marks[-1]) / unit
