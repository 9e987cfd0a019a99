"""The one recursion that every series here is made of: a value remembers a part of the last one.

Random numbers are drawn in bulk before; only what truly depends on yesterday is a loop, over plain
floats.  Each stream is drawn in order of time, so a longer path begins with the shorter one.
"""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np

from arena.market import Floats


def autoregress(shocks: Floats, *, phi: float, start: float = 0.0) -> Floats:
    """Return y with y[t] = phi * y[t-1] + shocks[t] and y[-1] = `start`.

    Args:
        shocks: Any unit, shape (bars,).
        phi: Share of the last value that remains, in [-1, 1].
        start: The value before the first bar, in the unit of `shocks`.

    Returns:
        Shape (bars,), in the unit of `shocks`.
    """
    path = accumulate(shocks.tolist(), lambda last, shock: phi * last + shock, initial=start)
    return np.array(list(path)[1:], dtype=np.float64)


def autoregress_stationary(noise: Floats, *, phi: float, sd: float) -> Floats:
    """Return an AR(1) path that starts in its own long-run distribution.

    Args:
        noise: White noise of variance 1, shape (bars,).
        phi: Share of the last value that remains, in (-1, 1).
        sd: Long-run standard deviation of the path, >= 0.

    Returns:
        Shape (bars,), mean 0, standard deviation `sd` at every bar.
    """
    shocks = noise * (sd * math.sqrt(1.0 - phi * phi))
    shocks[:1] = noise[:1] * sd  # The first value has no past to remember.
    return autoregress(shocks, phi=phi)


def phi_of_half_life(half_life_days: float) -> float:
    """Return the share that remains after one day, in (0, 1), for a half-life in days, > 0."""
    return float(0.5 ** (1.0 / half_life_days))
