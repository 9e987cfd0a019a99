"""What strategies read off a market: NaN wherever it is not known, or not there at all."""

from __future__ import annotations

import math

import numpy as np

from arena.market import MarketView


def latest(market: MarketView, column: str) -> float:
    """Return the latest value of a column; NaN where it is not known or there is no such column."""
    return market.last(column) if column in market.columns else math.nan


def average(market: MarketView, column: str, bars: int) -> float:
    """Return the mean of a column's last `bars` values; NaN where one of them is not known."""
    if column not in market.columns or market.now + 1 < bars:
        return math.nan
    return market.mean(column, bars)


def realised_volatility(market: MarketView, asset: str, bars: int) -> float:
    """Return the annualised volatility of an asset's last `bars` daily log returns, a fraction.

    Around 0 and not around their mean, which so few returns do not tell.  NaN where a close in the
    window is not known, or not above 0.

    Source:
        Definition of realised variance: the mean of squared log returns, times periods per year.
    """
    column = f"{asset}.close"
    if column not in market.columns or market.now < bars:
        return math.nan
    closes = market.history(column)[-bars - 1 :]
    if not closes.min() > 0.0:  # Of which NaN is one.
        return math.nan
    returns = np.diff(np.log(closes))
    variance = float(np.add.reduce(returns * returns)) / bars
    return math.sqrt(variance * market.periods_per_year)
