"""Staking rates: slow log Ornstein-Uhlenbeck processes around the rates that were measured.

The ratio of a liquid staking token to its asset is taken to grow by exactly this rate.  The record
has a noise of 0.2 % a day around it and the world has seen tokens lose their peg: neither is here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from arena.market import Floats
from arena.prices.recursion import autoregress_stationary, phi_of_half_life
from arena.seed import Seed


@dataclass(frozen=True, slots=True, kw_only=True)
class StakedAsset:
    """An asset that can be staked.

    Attributes:
        name: Prefix of its columns.
        apr_mean: Long-run mean rate, a fraction per year, > 0.
        log_sd: Long-run standard deviation of the log of the rate.
        half_life_days: Time in which half of a deviation is gone, > 0.
    """

    name: str
    apr_mean: float
    log_sd: float
    half_life_days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StakingParameters:
    """The staked assets: the means are measured (WBETH, BNSOL), what moves them is assumed."""

    assets: tuple[StakedAsset, ...] = (
        StakedAsset(name="ETH", apr_mean=0.0306, log_sd=0.12, half_life_days=60.0),
        StakedAsset(name="SOL", apr_mean=0.070, log_sd=0.08, half_life_days=60.0),
    )


def simulate_staking(bars: int, seed: Seed, asset: StakedAsset) -> Floats:
    """Return the staking rate of `asset` in force during each day.

    Args:
        bars: Days, >= 0.
        seed: Drawn from under the asset's name.
        asset: Level, width and memory.

    Returns:
        Fractions per year, > 0, shape (bars,).
    """
    noise = seed.child(asset.name).generator().standard_normal(bars)
    phi = phi_of_half_life(asset.half_life_days)
    deviation = autoregress_stationary(noise, phi=phi, sd=asset.log_sd)
    # The mean of exp(x) exceeds exp(mean of x) by half the variance of x.
    rate: Floats = np.exp(math.log(asset.apr_mean) - asset.log_sd**2 / 2.0 + deviation)
    return rate
