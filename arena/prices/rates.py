"""Lending rates: pools whose rate floats, and one whose rate is fixed until it matures.

A floating rate is a log Ornstein-Uhlenbeck process with t4 shocks on top of a slow factor that all
pools share: stable-coin rates rise and fall together over months and hardly ever on the same day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from arena.market import Floats
from arena.prices.recursion import autoregress_stationary, phi_of_half_life
from arena.seed import Seed

_NU = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatingPool:
    """A pool whose rate moves every day.

    Attributes:
        name: Of the instrument.
        apr_mean: Long-run mean rate, a fraction per year, > 0.
        half_life_days: Time in which half of a deviation of its own is gone, > 0.
        log_change_sd: Standard deviation of its own daily log change.
        loading: How much of the common factor it takes.
        apr_max: No rate is higher, a fraction per year.
    """

    name: str
    apr_mean: float
    half_life_days: float
    log_change_sd: float
    loading: float
    apr_max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedTermPool:
    """An assumption, not an estimate: no rate history of Pendle was found anywhere.

    A deposit buys the principal token of the running term and holds it to maturity, then rolls.
    The rate stands still for a term: the slow floating level at its start plus a premium.  Selling
    before maturity costs no more than at maturity here, which is kinder than the truth.

    Attributes:
        name: Of the instrument.
        apr_mean: Mean of the floating level that the term locks in, a fraction per year, > 0.
        term_days: From one maturity to the next, >= 1.
        premium_mean: Mean of what the term pays above it, a fraction per year.
        premium_sd: Standard deviation of the premium, drawn once a term.
        loading: How much of the common factor it takes.
        apr_max: No rate is higher, a fraction per year.
    """

    name: str
    apr_mean: float
    term_days: int
    premium_mean: float
    premium_sd: float
    loading: float
    apr_max: float


AAVE = FloatingPool(
    name="aave",
    apr_mean=0.0375,
    half_life_days=18.0,
    log_change_sd=0.056,
    loading=0.7,
    apr_max=1.0,
)
"""USDC on Ethereum, Aave v3, 2025-07 to 2026-02."""

CURVE = FloatingPool(
    name="curve",
    apr_mean=0.0415,
    half_life_days=1.0,
    log_change_sd=0.50,
    loading=0.3,
    apr_max=0.38,
)
"""crvUSD supplied on Ethereum, Aave v3, 2025-07 to 2026-02: the nearest that was measured."""

PENDLE = FixedTermPool(
    name="pendle",
    apr_mean=0.0375,
    term_days=90,
    premium_mean=0.01,
    premium_sd=0.005,
    loading=0.7,
    apr_max=1.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateParameters:
    """The pools and what they share.

    Attributes:
        floating: Pools whose rate floats.
        fixed: Pools whose rate is fixed for a term.
        factor_phi: Share of yesterday's common factor that remains (half-life 86 days).
        factor_sd: Long-run standard deviation of the common factor, log.
        apr_min: No rate is lower, a fraction per year, > 0.
    """

    floating: tuple[FloatingPool, ...] = (AAVE, CURVE)
    fixed: tuple[FixedTermPool, ...] = (PENDLE,)
    factor_phi: float = 0.992
    factor_sd: float = 0.30
    apr_min: float = 1e-4


def simulate_rates(
    bars: int, seed: Seed, parameters: RateParameters = RateParameters()
) -> dict[str, Floats]:
    """Return the lending rate in force during each day, by pool.

    Args:
        bars: Days, >= 0.
        seed: Drawn from under `factor` and one label for each pool.
        parameters: The pools and what they share.

    Returns:
        Fractions per year in [`apr_min`, the pool's `apr_max`], each of shape (bars,).
    """
    noise = seed.child("factor").generator().standard_normal(bars)
    factor = autoregress_stationary(noise, phi=parameters.factor_phi, sd=parameters.factor_sd)
    rates = {
        pool.name: _floating(pool, factor, seed.child("pool", pool.name), parameters)
        for pool in parameters.floating
    }
    for term_pool in parameters.fixed:
        pool_seed = seed.child("pool", term_pool.name)
        rates[term_pool.name] = _fixed(term_pool, factor, pool_seed, parameters)
    return rates


def _floating(pool: FloatingPool, factor: Floats, seed: Seed, parameters: RateParameters) -> Floats:
    """Return the rates of a floating pool, shape (bars,)."""
    phi = phi_of_half_life(pool.half_life_days)
    sd = pool.log_change_sd / math.sqrt(2.0 * (1.0 - phi))  # Of the level, given the changes.
    noise = seed.generator().standard_t(_NU, len(factor)) * math.sqrt((_NU - 2.0) / _NU)
    deviation = autoregress_stationary(noise, phi=phi, sd=sd) + pool.loading * factor
    variance = sd**2 + (pool.loading * parameters.factor_sd) ** 2
    # The mean of exp(x) exceeds exp(mean of x) by half the variance of x.
    rates = pool.apr_mean * np.exp(deviation - variance / 2.0)
    return np.clip(rates, parameters.apr_min, pool.apr_max)


def _fixed(pool: FixedTermPool, factor: Floats, seed: Seed, parameters: RateParameters) -> Floats:
    """Return the rates of a fixed-term pool: one step for each term, shape (bars,)."""
    starts = factor[:: pool.term_days]
    shocks = seed.generator().standard_normal(len(starts))
    variance = (pool.loading * parameters.factor_sd) ** 2
    forward = pool.apr_mean * np.exp(pool.loading * starts - variance / 2.0)
    fixed = forward + pool.premium_mean + pool.premium_sd * shocks
    rates = np.repeat(fixed, pool.term_days)[: len(factor)]
    return np.clip(rates, parameters.apr_min, pool.apr_max)
