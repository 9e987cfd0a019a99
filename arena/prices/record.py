"""What the later series read of a spot price that may begin late and have holes.

A price that is not known has not moved: its log return is 0.  What follows from a price is not
known before the price is; once it is known, a hole in the record does not unlearn it.
"""

from __future__ import annotations

import numpy as np

from arena.market import Floats
from arena.prices.recursion import autoregress


def read_log_returns(closes: Floats) -> Floats:
    """Return log returns from known close to known close.

    Args:
        closes: USD, NaN where there is none, shape (bars,).

    Returns:
        Shape (bars,); 0 where no close is known, and on the first row that has one.
    """
    known = np.isfinite(closes)
    latest = np.maximum.accumulate(np.where(known, np.arange(len(closes)), 0))
    logs = np.log(closes[latest])  # NaN before the first known close.
    return np.nan_to_num(np.diff(logs, prepend=logs[:1]), nan=0.0)


def blank_unlisted(values: Floats, closes: Floats) -> Floats:
    """Return `values` with NaN before the first known close, both of shape (bars,)."""
    return np.where(np.logical_or.accumulate(np.isfinite(closes)), values, np.nan)


def average_variance(log_returns: Floats, *, phi: float, long_run: float) -> Floats:
    """Return the exponentially weighted mean of squared returns, today's included.

    Args:
        log_returns: Per day, shape (bars,).
        phi: Weight of yesterday's mean, in [0, 1).
        long_run: Where the mean stands before the first bar, variance per day, > 0.

    Returns:
        Variance per day, > 0 unless `phi` is 0, shape (bars,).

    Source:
        J.P. Morgan/Reuters, RiskMetrics Technical Document (4th ed., 1996), section 5.2.
    """
    return autoregress((1.0 - phi) * log_returns**2, phi=phi, start=long_run)
