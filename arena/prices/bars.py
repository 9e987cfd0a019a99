"""Open, high, low, close and volume, made from log returns.

A market that never sleeps opens where it closed: open = previous close.  The wicks are exponential
in units of the day's volatility; volume remembers itself and swells on days of large returns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from arena.market import Floats
from arena.prices.assets import SPOT, AssetParameters, SpotParameters
from arena.prices.recursion import autoregress_stationary
from arena.prices.returns import Returns
from arena.seed import Seed

_SURPRISE_MEAN = 0.48
_SURPRISE_SD = 0.33
"""Mean and standard deviation of log(1 + |z|), z a t variable of variance 1 with 4 to 5 degrees."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Daily bars of one asset, each field of shape (bars,).

    Attributes:
        open: The previous close, USD.
        high: The highest price of the day, USD.
        low: The lowest price of the day, USD.
        close: The last price of the day, USD.
        volume: USD a day.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def simulate_bars(
    returns: Returns, seed: Seed, parameters: SpotParameters = SPOT
) -> dict[str, Bars]:
    """Return daily bars by asset.

    Args:
        returns: Of the assets of `parameters`, in their order.
        seed: Drawn from under one label for each asset and field.
        parameters: Opening prices, wicks and volumes.

    Returns:
        For each asset 0 < low <= open, close <= high, and volume > 0.
    """
    return {
        asset.name: _bars(returns.log_returns[:, i], returns.volatility[:, i], seed, asset)
        for i, asset in enumerate(parameters.assets)
    }


def _bars(log_returns: Floats, volatility: Floats, seed: Seed, asset: AssetParameters) -> Bars:
    """Return the bars of one asset."""
    bars = len(log_returns)
    closes = asset.open_usd * np.exp(np.cumsum(log_returns))
    opens = np.concatenate(([asset.open_usd], closes))[:bars]
    up = seed.child("high", asset.name).generator().standard_exponential(bars)
    down = seed.child("low", asset.name).generator().standard_exponential(bars)
    return Bars(
        open=opens,
        high=np.maximum(opens, closes) * np.exp(asset.wick_high * volatility * up),
        low=np.minimum(opens, closes) * np.exp(-asset.wick_low * volatility * down),
        close=closes,
        volume=_volume(np.abs(log_returns) / volatility, seed, asset),
    )


def _volume(sizes: Floats, seed: Seed, asset: AssetParameters) -> Floats:
    """Return volume in USD a day; `sizes` are absolute returns in daily volatilities, (bars,)."""
    surprise = (np.log1p(sizes) - _SURPRISE_MEAN) / _SURPRISE_SD
    rest = seed.child("volume", asset.name).generator().standard_normal(len(sizes))
    noise = asset.volume_coupling * surprise + math.sqrt(1.0 - asset.volume_coupling**2) * rest
    deviation = autoregress_stationary(noise, phi=asset.volume_phi, sd=asset.volume_sd)
    volume: Floats = asset.volume_usd * np.exp(deviation)
    return volume
