"""Daily log returns: regimes, stochastic volatility, shared fat tails and jumps.

    return = drift(regime) + volatility(regime) * exp(h) * shock + jumps + a little of yesterday's

`h` is an AR(1) that the assets mostly share; the shock is a t variable of variance 1 whose tail
they mostly share.  There is no leverage effect: the data showed none (GJR gamma insignificant).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from arena.market import Floats
from arena.prices.assets import SPOT, AssetParameters, SpotParameters
from arena.prices.recursion import autoregress, autoregress_stationary
from arena.prices.regimes import Regimes
from arena.seed import Seed

DAYS_PER_YEAR = 365


@dataclass(frozen=True, slots=True)
class Returns:
    """What the assets did, and the hindsight behind it.

    Attributes:
        regimes: Values of `Regime`, shape (bars,).  For tests, never for agents.
        volatility: Standard deviation of each day's shock, per day, shape (bars, assets).
        log_returns: From close to close, shape (bars, assets).
    """

    regimes: Regimes
    volatility: Floats
    log_returns: Floats


def simulate_returns(regimes: Regimes, seed: Seed, parameters: SpotParameters = SPOT) -> Returns:
    """Return the daily log returns of all assets under `regimes`.

    Args:
        regimes: The regime of each day, shape (bars,).
        seed: Drawn from under one label for each asset and each thing that they share.
        parameters: The assets and what ties them.

    Returns:
        Log returns in [`return_min`, `return_max`] and volatilities > 0, shape (bars, assets).

    Raises:
        numpy.linalg.LinAlgError: A correlation matrix is not positive definite.
    """
    assets = range(len(parameters.assets))
    volatility = np.column_stack([_volatility(i, regimes, seed, parameters) for i in assets])
    shocks = _correlated_shocks(regimes, seed, parameters)
    crashes = _crashes(len(regimes), seed, parameters)
    columns = []
    for i, asset in enumerate(parameters.assets):
        moves = np.array(asset.drift)[regimes] + volatility[:, i] * shocks[:, i]
        moves += asset.crash_beta * crashes + _own_jumps(len(regimes), seed, asset)
        columns.append(autoregress(moves, phi=parameters.autocorrelation))
    log_returns = np.clip(np.column_stack(columns), parameters.return_min, parameters.return_max)
    return Returns(regimes, volatility, log_returns)


def _volatility(i: int, regimes: Regimes, seed: Seed, parameters: SpotParameters) -> Floats:
    """Return the standard deviation of asset `i`'s shock on each day, shape (bars,)."""
    asset, loading = parameters.assets[i], parameters.volatility_loading
    shared = seed.child("volatility").generator().standard_normal(len(regimes))
    own = seed.child("volatility", asset.name).generator().standard_normal(len(regimes))
    noise = loading * shared + math.sqrt(1.0 - loading**2) * own
    deviation = autoregress_stationary(
        noise, phi=parameters.volatility_phi, sd=asset.log_volatility_sd
    )
    level: Floats = np.array(asset.volatility)[regimes] * np.exp(deviation)
    return level


def _correlated_shocks(regimes: Regimes, seed: Seed, parameters: SpotParameters) -> Floats:
    """Return t shocks of variance 1 with the correlation of each day's regime, (bars, assets)."""
    bars = len(regimes)
    normals = [
        seed.child("shock", asset.name).generator().standard_normal(bars)
        for asset in parameters.assets
    ]
    lower = np.linalg.cholesky(np.array(parameters.correlation))[regimes]
    together = seed.child("together").generator().random(bars) < parameters.tails_together
    shared = 2.0 * seed.child("tail").generator().standard_gamma(parameters.nu_common / 2.0, bars)
    shocks = []
    for i, asset in enumerate(parameters.assets):
        # Summed by hand, in order: an asset added later cannot change the last bit of this one.
        normal = sum((lower[:, i, j] * normals[j] for j in range(i + 1)), start=np.zeros(bars))
        chi2 = np.where(together, *_tails(shared, seed, asset, parameters.nu_common))
        shocks.append(normal * np.sqrt((asset.nu - 2.0) / chi2))
    return np.column_stack(shocks)


def _tails(
    shared: Floats, seed: Seed, asset: AssetParameters, nu_common: float
) -> tuple[Floats, Floats]:
    """Return two chi-square(nu) variables for each day: one that rests on `shared`, one apart.

    A chi-square with more degrees of freedom is a shared one plus an independent rest: the assets
    have fat days together, and each still has exactly its own t distribution.
    """
    bars = len(shared)
    rest = seed.child("tail", asset.name, "rest").generator()
    apart = seed.child("tail", asset.name, "apart").generator()
    joined = shared + 2.0 * rest.standard_gamma((asset.nu - nu_common) / 2.0, bars)
    return joined, 2.0 * apart.standard_gamma(asset.nu / 2.0, bars)


def _crashes(bars: int, seed: Seed, parameters: SpotParameters) -> Floats:
    """Return the jumps that all assets take, log returns, 0 on most days, shape (bars,)."""
    days = seed.child("crash-day").generator().random(bars)
    sizes = seed.child("crash-size").generator().standard_normal(bars)
    happens = days < parameters.crashes_per_year / DAYS_PER_YEAR
    return np.where(happens, parameters.crash_mean + parameters.crash_sd * sizes, 0.0)


def _own_jumps(bars: int, seed: Seed, asset: AssetParameters) -> Floats:
    """Return the jumps of one asset, log returns, 0 on most days, shape (bars,)."""
    days = seed.child("jump-day", asset.name).generator().random(bars)
    sizes = seed.child("jump-size", asset.name).generator().standard_normal(bars)
    return np.where(days < asset.jumps_per_year / DAYS_PER_YEAR, asset.jump_sd * sizes, 0.0)
