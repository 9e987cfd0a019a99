"""Volume and value of an automated market maker's pool.  Assumptions: no pool history was found.

Volume follows the spot market's (against its own last months) and the size of the day's return;
value is a slow log Ornstein-Uhlenbeck process that neither flees nor follows.  The median turnover
is chosen so that a full-range position in a 0.3 % pool earns in fees about what it loses by
rebalancing (variance / 8, 10 % a year for ETH): providing liquidity is neither gift nor folly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from arena.market import Floats
from arena.prices.record import average_variance
from arena.prices.recursion import autoregress, autoregress_stationary, phi_of_half_life
from arena.seed import Seed

_SURPRISE_MEAN = 0.48
"""Mean of log(1 + |z|), z a return in its own volatilities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolParameters:
    """One pool of a spot asset and dollars.  All of it is assumed.

    Attributes:
        name: Prefix of its columns.
        asset: The spot asset in it.
        tvl_usd: Median value locked, USD, > 0.
        tvl_sd: Long-run standard deviation of its log.
        tvl_half_life_days: Time in which half of its deviation is gone, > 0.
        turnover: Median of volume / `tvl_usd`, per day, > 0.
        spot_coupling: Log volume for one of the spot market's, against its own mean.
        size_coupling: Log volume for one unit of log(1 + |return| / volatility).
        noise_sd: Long-run standard deviation of what log volume does of its own.
        noise_phi: Share of yesterday's noise that remains.
        spot_mean_half_life_days: Memory of the spot market's mean log volume, > 0.
        memory: Weight of yesterday's mean of squared returns.
        volatility: Daily volatility before the first bar, > 0.

    Source:
        Milionis, Moallemi, Roughgarden, Zhang, Automated Market Making and Loss-Versus-Rebalancing
        (2022): a full-range constant-product position loses variance / 8 to arbitrage.
    """

    name: str = "ETH-USDC"
    asset: str = "ETH"
    tvl_usd: float = 150e6
    tvl_sd: float = 0.35
    tvl_half_life_days: float = 120.0
    turnover: float = 0.075
    spot_coupling: float = 0.8
    size_coupling: float = 0.6
    noise_sd: float = 0.30
    noise_phi: float = 0.7
    spot_mean_half_life_days: float = 90.0
    memory: float = 0.94
    volatility: float = 0.047


def simulate_pool(
    log_returns: Floats, spot_volume: Floats, seed: Seed, parameters: PoolParameters
) -> tuple[Floats, Floats]:
    """Return what was traded in the pool on each day, and what was locked at its close.

    Args:
        log_returns: Of the spot asset, per day, shape (bars,).
        spot_volume: Of its spot market, any unit, NaN or 0 where not known, shape (bars,).
        seed: Drawn from under `volume` and `tvl`.
        parameters: Level, couplings and noise.

    Returns:
        USD a day, > 0, and USD, > 0, each of shape (bars,).
    """
    p = parameters
    noise = seed.child("volume", p.name).generator().standard_normal(len(log_returns))
    own = autoregress_stationary(noise, phi=p.noise_phi, sd=p.noise_sd)
    variance = average_variance(log_returns, phi=p.memory, long_run=p.volatility**2)
    expected = np.sqrt(np.concatenate(([p.volatility**2], variance))[:-1])
    size = np.log1p(np.abs(log_returns) / expected) - _SURPRISE_MEAN
    spot = _above_its_mean(spot_volume, phi_of_half_life(p.spot_mean_half_life_days))
    swing = p.spot_coupling * spot + p.size_coupling * size + own
    drift = seed.child("tvl", p.name).generator().standard_normal(len(log_returns))
    phi = phi_of_half_life(p.tvl_half_life_days)
    tvl = autoregress_stationary(drift, phi=phi, sd=p.tvl_sd)
    volume: Floats = p.turnover * p.tvl_usd * np.exp(swing)
    return volume, np.exp(math.log(p.tvl_usd) + tvl)


def _above_its_mean(volume: Floats, phi: float) -> Floats:
    """Return log volume less its exponentially weighted mean up to the day before; 0 if unknown."""
    known = np.isfinite(volume) & (volume > 0.0)
    if not known.any():
        return np.zeros(len(volume))
    logs = np.where(known, np.log(np.where(known, volume, 1.0)), np.nan)
    latest = np.maximum.accumulate(np.where(known, np.arange(len(volume)), int(known.argmax())))
    held = logs[latest]
    mean = autoregress((1.0 - phi) * held, phi=phi, start=float(held[0]))
    before = np.concatenate((held[:1], mean))[:-1]
    return np.where(known, held - before, 0.0)
