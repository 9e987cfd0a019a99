"""The spread between two venues for the same asset, at the close.

It is small, has fat tails and no memory of the day before: what there is to earn is far less than
what a trade costs.  It is the record that says so, once its bars are laid over one another by the
time at which they open; laid by their stamps they show a spread of 104 bp that was never there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from arena.market import Floats
from arena.prices.recursion import autoregress_stationary
from arena.seed import Seed


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueParameters:
    """The spread as an AR(1) with t shocks, a fraction of the price.

    Attributes:
        asset: Which is traded at both venues.
        spread_sd: Long-run standard deviation.
        phi: Share of yesterday's spread that remains; the record has 0.00, give or take 0.07.
        nu: Degrees of freedom of its shocks, > 2.
        spread_min: None is smaller: the record's own minimum, which is no law.
        spread_max: None is larger: the record's own maximum.

    Source:
        bybit against okx, BTC spot, 8-hourly closes of 2023-01 to 2023-06, 543 of them: sd 1.5 bp,
        -9.0 to 6.4 bp, kurtosis 6.6.
    """

    asset: str = "BTC"
    spread_sd: float = 0.00015
    phi: float = 0.0
    nu: float = 5.7
    spread_min: float = -0.0009
    spread_max: float = 0.0006


def simulate_venue_spread(bars: int, seed: Seed, parameters: VenueParameters) -> Floats:
    """Return the other venue's price / ours - 1 at each close.

    Args:
        bars: Days, >= 0.
        seed: Drawn from under the asset's name.
        parameters: Width, tails and bounds.

    Returns:
        Fractions in [`spread_min`, `spread_max`], shape (bars,).
    """
    shocks = seed.child(parameters.asset).generator().standard_t(parameters.nu, bars)
    noise = shocks * math.sqrt((parameters.nu - 2.0) / parameters.nu)
    spread = autoregress_stationary(noise, phi=parameters.phi, sd=parameters.spread_sd)
    return np.clip(spread, parameters.spread_min, parameters.spread_max)
