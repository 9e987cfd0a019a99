"""The synthetic market: a generator whose every path is labelled as what it is.

    regimes -> returns -> bars          simulate_regimes, simulate_returns, simulate_bars
                       -> MVRV          simulate_mvrv
    rates                               simulate_rates
    all of it                           simulate_market

Each is a pure function of what stands before it, a seed and frozen parameters, and draws only from
children of its own seed: a series that is added changes no other.
"""

from arena.prices.assets import BTC, ETH, SOL, AssetParameters, SpotParameters
from arena.prices.bars import Bars, simulate_bars
from arena.prices.mvrv import MvrvParameters, simulate_mvrv
from arena.prices.rates import (
    AAVE,
    CURVE,
    PENDLE,
    FixedTermPool,
    FloatingPool,
    RateParameters,
    simulate_rates,
)
from arena.prices.regimes import Regime, RegimeParameters, Regimes, simulate_regimes
from arena.prices.returns import Returns, simulate_returns
from arena.prices.synthetic import YEAR_2020, MarketParameters, simulate_market

__all__ = [
    "AAVE",
    "BTC",
    "CURVE",
    "ETH",
    "PENDLE",
    "SOL",
    "YEAR_2020",
    "AssetParameters",
    "Bars",
    "FixedTermPool",
    "FloatingPool",
    "MarketParameters",
    "MvrvParameters",
    "RateParameters",
    "Regime",
    "RegimeParameters",
    "Regimes",
    "Returns",
    "SpotParameters",
    "simulate_bars",
    "simulate_market",
    "simulate_mvrv",
    "simulate_rates",
    "simulate_regimes",
    "simulate_returns",
]
