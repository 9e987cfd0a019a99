"""Funding rates of perpetuals, with the exchange's clamp.

    F = P + clamp(interest - P, -band, +band)        the exchange's formula, each 8 hours
    P = base + fast noise + heat * exp(u + k7 * R7 + k90 * R90)       a latent premium

R7 and R90 are the log returns of the last 7 and 90 days as they are known when the day opens; u is
slow and mostly shared.  While P is within the band of the interest rate, F is the interest rate to
the last digit: that atom, not the mean, is what funding looks like on most days.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from arena.instruments.perpetual import funding_rate
from arena.market import Floats
from arena.prices.recursion import autoregress_stationary
from arena.seed import Seed

SETTLEMENTS_PER_DAY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingParameters:
    """The clamp and the latent premium.  Rates are fractions of notional for 8 hours.

    Attributes:
        assets: Whose perpetuals pay funding.
        interest: Rate that is paid while the premium is near it.
        band: How far the premium may be from `interest` before the rate moves, > 0.
        cap: No rate is larger, either way.
        base: Premium of a market that nobody is heated about.
        noise_sd: Long-run standard deviation of the fast noise.
        noise_phi: Share of the fast noise that remains 8 hours later.
        noise_nu: Degrees of freedom of its t shocks, > 2.
        heat: Premium that leverage adds at exponent 0.
        heat_exponent_max: The exponent is never larger.
        heat_sd: Long-run standard deviation of u.
        heat_phi: Share of u that remains 8 hours later.
        heat_loading: Correlation of each asset's u with the one they share.
        pull_week: k7.
        pull_quarter: k90.

    Source:
        Binance USDT-margined BTC and ETH, 2020-01 to 2023-06, 3831 settlements.  It describes
        them and is a little too smooth: mean 1.45 and 1.81 bp in the record.
    """

    assets: tuple[str, ...] = ("BTC", "ETH")
    interest: float = 0.0001
    band: float = 0.0005
    cap: float = 0.003
    base: float = -0.000655
    noise_sd: float = 0.00005
    noise_phi: float = 0.357
    noise_nu: float = 4.0
    heat: float = 0.00037
    heat_exponent_max: float = 3.5
    heat_sd: float = 0.268
    heat_phi: float = 0.931
    heat_loading: float = 0.9
    pull_week: float = 0.428
    pull_quarter: float = 1.784


def simulate_funding(
    log_returns: Mapping[str, Floats], seed: Seed, parameters: FundingParameters
) -> dict[str, Floats]:
    """Return the funding rates that are settled 8, 16 and 24 hours after each day's open.

    Args:
        log_returns: Of the spot of each of `parameters.assets`, per day, shape (bars,).
        seed: Drawn from under `heat` and under one label for each asset.
        parameters: The clamp and the premium.

    Returns:
        By asset, fractions of notional in [-`cap`, `cap`], shape (bars, 3); longs pay what is
        positive.  What a day's bar pays is the sum of its row, known at its close.

    Source:
        Binance, Introduction to Binance Futures Funding Rates: F = P + clamp(I - P, +-0.05 %).
    """
    return {
        asset: clamp_premium(_premium(asset, log_returns[asset], seed, parameters), parameters)
        for asset in parameters.assets
    }


def clamp_premium(premium: Floats, parameters: FundingParameters) -> Floats:
    """Return the rate that an exchange settles for a premium, both fractions for 8 hours."""
    settled = funding_rate(premium, interest=parameters.interest, clamp=parameters.band)
    rate: Floats = np.clip(settled, -parameters.cap, parameters.cap)
    return rate


def _premium(asset: str, log_returns: Floats, seed: Seed, p: FundingParameters) -> Floats:
    """Return the latent premium, shape (bars, 3)."""
    settlements = SETTLEMENTS_PER_DAY * len(log_returns)
    shared = seed.child("heat").generator().standard_normal(settlements)
    own = seed.child("heat", asset).generator().standard_normal(settlements)
    mixed = p.heat_loading * shared + math.sqrt(1.0 - p.heat_loading**2) * own
    slow = autoregress_stationary(mixed, phi=p.heat_phi, sd=p.heat_sd)
    shocks = seed.child("noise", asset).generator().standard_t(p.noise_nu, settlements)
    shocks *= math.sqrt((p.noise_nu - 2.0) / p.noise_nu)
    fast = autoregress_stationary(shocks, phi=p.noise_phi, sd=p.noise_sd)
    trend = p.pull_week * _trailing(log_returns, 7) + p.pull_quarter * _trailing(log_returns, 90)
    exponent = slow + np.repeat(trend, SETTLEMENTS_PER_DAY)
    premium = p.base + fast + p.heat * np.exp(np.minimum(exponent, p.heat_exponent_max))
    return premium.reshape(-1, SETTLEMENTS_PER_DAY)


def _trailing(log_returns: Floats, days: int) -> Floats:
    """Return the log return of the last `days` (of all, where there are fewer) at each open."""
    at_open = np.concatenate(([0.0], np.cumsum(log_returns)))[: len(log_returns)]
    before = np.concatenate((np.zeros(days), at_open))[: len(log_returns)]
    trailing: Floats = at_open - before
    return trailing
