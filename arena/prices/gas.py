"""The price of gas: a log Ornstein-Uhlenbeck process by the minute, looked at once a day.

One day of minutes is all the record there is.  What it remembers is gone after a day, so that the
closes are as good as independent here; weeks of dear gas, which the world has, are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from arena.market import Floats
from arena.prices.recursion import autoregress_stationary
from arena.seed import Seed

_MINUTES_PER_DAY = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class GasParameters:
    """The price of gas.

    Attributes:
        median_gwei: Median, gwei, > 0.
        log_sd: Standard deviation of its log: log(296 / 54) / 1.645, from the 95 % quantile.
        minute_phi: Share of a log deviation that remains a minute later.

    Source:
        1,440 minutes of 2023-08-14; the chain is not documented, the level fits Polygon.
    """

    median_gwei: float = 54.0
    log_sd: float = 1.034
    minute_phi: float = 0.993


def simulate_gas(bars: int, seed: Seed, parameters: GasParameters) -> Floats:
    """Return the price of gas at each close.

    Args:
        bars: Days, >= 0.
        seed: Drawn from under the label `gas`.
        parameters: Level, width and memory.

    Returns:
        Gwei, > 0, shape (bars,).
    """
    noise = seed.child("gas").generator().standard_normal(bars)
    phi = parameters.minute_phi**_MINUTES_PER_DAY
    deviation = autoregress_stationary(noise, phi=phi, sd=parameters.log_sd)
    price: Floats = parameters.median_gwei * np.exp(deviation)
    return price
