"""Market value to realised value of BTC: the price against what holders paid.

It is never drawn apart from the price: realised capitalisation follows the price slowly, and the
ratio moves with the day's return minus that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from arena.market import Floats
from arena.prices.recursion import autoregress, autoregress_stationary
from arena.seed import Seed


@dataclass(frozen=True, slots=True, kw_only=True)
class MvrvParameters:
    """The realised-cap recursion: d log RC = `intercept` + `slope` * log MVRV + e.

    Attributes:
        opens_at: The ratio before the first bar, > 0.
        intercept: Growth of realised cap per day at a ratio of 1, log.
        slope: How fast realised cap follows the price, per day; half-life log(2) / slope = 152 d.
        noise_sd: Long-run standard deviation of e, per day, log.
        noise_phi: Share of yesterday's e that remains.
        supply_growth: Growth of the number of coins per day, log.

    Source:
        Regression on Coin Metrics' realised cap of BTC, 2019-01 to 2023-06, R2 = 0.31.
    """

    opens_at: float = 1.2
    intercept: float = -0.00108
    slope: float = 0.00456
    noise_sd: float = 0.0026
    noise_phi: float = 0.52
    supply_growth: float = 0.00004


def simulate_mvrv(
    log_returns: Floats, seed: Seed, parameters: MvrvParameters = MvrvParameters()
) -> Floats:
    """Return MVRV at the end of each day.  It is known a day later: see `simulate_market`.

    Args:
        log_returns: Of BTC, per day, shape (bars,).
        seed: Drawn from under the label `noise`.
        parameters: The recursion.

    Returns:
        A ratio > 0, shape (bars,); about 0.75 to 2.9 on nine days of ten.
    """
    noise = seed.child("noise").generator().standard_normal(len(log_returns))
    surprise = autoregress_stationary(noise, phi=parameters.noise_phi, sd=parameters.noise_sd)
    moves = log_returns + parameters.supply_growth - parameters.intercept - surprise
    start = math.log(parameters.opens_at)
    ratio: Floats = np.exp(autoregress(moves, phi=1.0 - parameters.slope, start=start))
    return ratio
