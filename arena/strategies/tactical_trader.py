"""Tactical-Trader: hold one asset while it is cheap or rising, and cash otherwise."""

from __future__ import annotations

import math

from arena.instruments import Kind
from arena.market import MarketView
from arena.strategies.strategy import HOLD, BookView, Choice, Decision, Memory, Number, Strategy

MVRV = "btc_mvrv"


class TacticalTrader(Strategy):
    """Buys what is undervalued, sells what is overheated, and follows the trend in between.

    Idea: MVRV (market value over realised value of bitcoin) tells how far holders are in profit.
    Watches: the MVRV ratio or its z-score - two different scales, chosen by `signal` - and the
    asset's close against its moving average of `trend_days`.
    Trades: in below `*_buy`, out above `*_sell`; in between, in above the average and out below it.
    A position is changed at most every `patience_days`.
    Risk: a market that stays cheap on its way to zero; whipsaws about the average.
    """

    name = "tactical-trader"
    family = "directional"
    needs_kind = Kind.SPOT
    needs = (MVRV,)
    ordered = (("ratio_buy", "ratio_sell"), ("zscore_buy", "zscore_sell"))
    parameters = (
        Choice(
            name="asset", default="BTC", options=("BTC", "ETH", "SOL"), doc="What it holds, or not."
        ),
        Choice(
            name="signal",
            default="ratio",
            options=("ratio", "zscore", "trend"),
            doc="What decides: the MVRV ratio, its z-score, or the trend alone.",
        ),
        Number(name="ratio_buy", default=1.0, low=0.6, high=1.8, doc="MVRV ratio of cheap."),
        Number(name="ratio_sell", default=2.6, low=1.5, high=4.0, doc="MVRV ratio of overheated."),
        Number(name="zscore_buy", default=-1.0, low=-3.0, high=0.5, doc="z-score of cheap."),
        Number(name="zscore_sell", default=2.0, low=0.5, high=6.0, doc="z-score of overheated."),
        Number(
            name="zscore_days",
            default=90,
            low=20,
            high=365,
            integer=True,
            doc="Days over which the z-score's mean and deviation are taken.",
        ),
        Number(
            name="trend_days",
            default=50,
            low=5,
            high=120,
            integer=True,
            doc="Length of the moving average.",
        ),
        Number(name="exposure", default=0.8, low=0.1, high=1.0, doc="Weight of the asset when in."),
        Number(
            name="patience_days",
            default=3,
            low=1,
            high=30,
            integer=True,
            doc="Least days between two changes of mind.",
        ),
    )

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        """Return the asset's weight, or HOLD while it is held already or a change is too early.

        What is held is read from the book: capital that comes or goes, and sales that were forced,
        cannot leave a wrong belief behind.  A position under half its weight is filled up again.
        """
        asset, exposure = self.word("asset"), self.number("exposure")
        close = market.last(f"{asset}.close")
        average = market.mean(f"{asset}.close", self.days("trend_days"))
        if math.isnan(close) or math.isnan(average):
            return HOLD
        wanted = self._value(market)
        if wanted is None:
            wanted = close > average
        weight = book.weights.get(asset, 0.0)
        settled = weight >= exposure / 2 if wanted else weight == 0.0
        early = market.now - memory.get("changed", -math.inf) < self.days("patience_days")
        if settled or early:
            return HOLD
        memory["changed"] = market.now
        return {asset: exposure} if wanted else {}

    def _value(self, market: MarketView) -> bool | None:
        """Return True for cheap, False for overheated, None where value has nothing to say."""
        signal = self.word("signal")
        level = math.nan
        if signal == "ratio":
            level = market.last(MVRV)
        elif signal == "zscore":
            days = self.days("zscore_days")
            deviation = market.deviation(MVRV, days)
            distance = market.last(MVRV) - market.mean(MVRV, days)
            level = distance / deviation if deviation > 0 else math.nan
        if math.isnan(level):
            return None
        if level < self.number(f"{signal}_buy"):
            return True
        return False if level > self.number(f"{signal}_sell") else None
