"""The synthetic market: a generator whose every path is labelled as what it is.

    regimes -> returns -> bars          simulate_regimes, simulate_returns, simulate_bars
                       -> MVRV          simulate_mvrv
    rates                               simulate_rates
    core or full universe               simulate_market
    more series on any daily market     add_series, GROUPS

Each is a pure function of what stands before it, a seed and frozen parameters, and draws only from
children of its own seed: a series that is added changes no other.
"""

from arena.prices.assets import BTC, ETH, SOL, AssetParameters, SpotParameters
from arena.prices.bars import Bars, simulate_bars
from arena.prices.funding import FundingParameters, clamp_premium, simulate_funding
from arena.prices.gas import GasParameters, simulate_gas
from arena.prices.groups import GROUPS, SeriesParameters, add_series
from arena.prices.moonshots import MoonshotParameters, Token, simulate_moonshots
from arena.prices.mvrv import MvrvParameters, simulate_mvrv
from arena.prices.pools import PoolParameters, simulate_pool
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
from arena.prices.staking import StakedAsset, StakingParameters, simulate_staking
from arena.prices.synthetic import UNIVERSES, YEAR_2020, MarketParameters, simulate_market
from arena.prices.venues import VenueParameters, simulate_venue_spread
from arena.prices.volatility import OptionAsset, VolatilityParameters, simulate_volatility

__all__ = [
    "AAVE",
    "BTC",
    "CURVE",
    "ETH",
    "GROUPS",
    "PENDLE",
    "SOL",
    "UNIVERSES",
    "YEAR_2020",
    "AssetParameters",
    "Bars",
    "FixedTermPool",
    "FloatingPool",
    "FundingParameters",
    "GasParameters",
    "MarketParameters",
    "MoonshotParameters",
    "MvrvParameters",
    "OptionAsset",
    "PoolParameters",
    "RateParameters",
    "Regime",
    "RegimeParameters",
    "Regimes",
    "Returns",
    "SeriesParameters",
    "SpotParameters",
    "StakedAsset",
    "StakingParameters",
    "Token",
    "VenueParameters",
    "VolatilityParameters",
    "add_series",
    "clamp_premium",
    "simulate_bars",
    "simulate_funding",
    "simulate_gas",
    "simulate_market",
    "simulate_moonshots",
    "simulate_mvrv",
    "simulate_pool",
    "simulate_rates",
    "simulate_regimes",
    "simulate_returns",
    "simulate_staking",
    "simulate_venue_spread",
    "simulate_volatility",
]
