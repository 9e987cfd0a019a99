"""Implied volatility at the money, 30 days.  An assumption: no option data was found anywhere.

    log iv = log(forecast) + log(1 + premium) + w,        w an AR(1)

The forecast is the realised variance (exponentially weighted squared returns), drawn back towards
the long run as far as 30 days allow.  Whoever sells options earns the premium by construction, on
average: its size is a choice, and it decides what an option seller earns here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from arena.market import Floats
from arena.prices.record import average_variance
from arena.prices.recursion import autoregress_stationary, phi_of_half_life
from arena.seed import Seed


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionAsset:
    """An asset on which options are written.

    Attributes:
        name: Prefix of its columns.
        volatility: Long-run volatility of its returns, a fraction per square root of a year, > 0.
    """

    name: str
    volatility: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityParameters:
    """How implied volatility follows realised.  All of it is assumed but the long-run levels.

    Attributes:
        assets: On which options are written; volatilities of 2019-01 to 2023-06.
        memory: Weight of yesterday's mean of squared returns: RiskMetrics' 0.94.
        pull: Share of the log distance of realised from long-run variance that the market
            expects to last, on average over the next 30 days, in [0, 1].
        premium: By how much implied exceeds the forecast, a fraction.
        noise_sd: Long-run standard deviation of w, log.
        noise_half_life_days: Time in which half of w is gone, > 0.
        iv_min: None is lower, a fraction per square root of a year, > 0.
        iv_max: None is higher.
        periods_per_year: Days in a year.
    """

    assets: tuple[OptionAsset, ...] = (
        OptionAsset(name="BTC", volatility=0.703),
        OptionAsset(name="ETH", volatility=0.904),
    )
    memory: float = 0.94
    pull: float = 0.6
    premium: float = 0.05
    noise_sd: float = 0.10
    noise_half_life_days: float = 10.0
    iv_min: float = 0.15
    iv_max: float = 3.0
    periods_per_year: int = 365


def simulate_volatility(
    log_returns: Floats, seed: Seed, asset: OptionAsset, parameters: VolatilityParameters
) -> Floats:
    """Return the implied volatility of `asset` at each close.

    Args:
        log_returns: Of its spot, per day, shape (bars,); today's is known at today's close.
        seed: Drawn from under the asset's name.
        asset: Whose long-run volatility counts.
        parameters: Memory, premium and noise.

    Returns:
        Fractions per square root of a year in [`iv_min`, `iv_max`], shape (bars,).
    """
    long_run = asset.volatility**2 / parameters.periods_per_year
    realised = average_variance(log_returns, phi=parameters.memory, long_run=long_run)
    forecast = asset.volatility * np.exp(parameters.pull / 2.0 * np.log(realised / long_run))
    noise = seed.child(asset.name).generator().standard_normal(len(log_returns))
    phi = phi_of_half_life(parameters.noise_half_life_days)
    wander = autoregress_stationary(noise, phi=phi, sd=parameters.noise_sd)
    implied = forecast * np.exp(math.log1p(parameters.premium) + wander)
    return np.clip(implied, parameters.iv_min, parameters.iv_max)
