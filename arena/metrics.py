"""Metrics: what a record of returns or NAVs says about whoever made it.

* The last axis is time; leading axes are looked after together, and the answer has their shape.
* `returns` are fractions per period.  `navs` are >= 0 and begin with the one before any return.
* NaN is "not known": it stands on the left, before a record starts, and counts as nothing.
* An answer is NaN where there are too few returns: none, or one where a deviation is needed.
* Risk-free is 0; a deviation is of a sample (n - 1); `periods_per_year` is the market's calendar.
* `window` keeps only the last so many observations, None keeps all.

`records` is what the treasury asks on every tick, for all agents at once.  Every sum runs along one
contiguous row, so the bytes of a row depend neither on its neighbours nor on their number.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from arena.market import Floats

WINDOW = 90
"""Daily returns that count for fitness, Sharpe, volatility and win rate."""

OBSERVATIONS_MIN = 7
"""Returns below which a record says nothing yet."""

SHARPE_CAP = 6.0
"""Rules and ranks look no further: beyond it a lender wins by dividing by almost nothing."""

_ROUNDING = 2.0**-47
"""A deviation this small beside 1 + |mean| is the rounding of NAVs: the returns are all equal."""


class Records(NamedTuple):
    """What many records say, in columns of shape (agents,).

    Attributes:
        window_return: Growth over the window, a fraction >= -1, not annualised.
        sharpe: Annualised, inside +- the cap.
        max_drawdown: Of the whole record, in [-1, 0]; as it was given.
        volatility: Annualised, >= 0.
        win_rate: In [0, 1]; NaN also where no day was a gain or a loss.
        observations: Returns in the window; while they are too few, all but `max_drawdown` is NaN.
    """

    window_return: Floats
    sharpe: Floats
    max_drawdown: Floats
    volatility: Floats
    win_rate: Floats
    observations: npt.NDArray[np.int64]


def records(
    navs: Floats,
    drawdowns: Floats,
    *,
    periods_per_year: int,
    sharpe_cap: float | None = SHARPE_CAP,
    observations_min: int = OBSERVATIONS_MIN,
) -> Records:
    """Return what the record of each agent says.

    Args:
        navs: Closes, shape (agents, window + 1), the latest on the right, NaN before the record
            starts.  To compare bytes, compare answers from arrays of one width.
        drawdowns: Maximum drawdown of each whole record, which may outlast the window; (agents,).
        periods_per_year: Closes in a year.
        sharpe_cap: The Sharpe ratio is clipped to +- this; None clips nothing.
        observations_min: Returns below which a record is undefined, >= 2.
    """
    returns = returns_of(navs)
    count, mean, deviation = _moments(returns)
    agents, width = navs.shape
    columns = (
        _growth(navs[np.arange(agents), width - 1 - count], navs[:, -1]),
        _sharpe(mean, deviation, periods_per_year, sharpe_cap),
        deviation * math.sqrt(periods_per_year),
        win_rate(returns),
    )
    undefined = count < observations_min
    for column in columns:
        column[undefined] = np.nan
    window_return, sharpe, spread, wins = columns
    return Records(window_return, sharpe, drawdowns.copy(), spread, wins, count)


def returns_of(navs: Floats) -> Floats:
    """Return the returns between NAVs, one fewer; 0 once the NAV is 0: nothing is left to lose."""
    ruined = navs == 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        returns: Floats = navs[..., 1:] / navs[..., :-1]
    returns -= 1.0
    np.copyto(returns, 0.0, where=ruined[..., :-1])
    return returns


def navs_of(returns: Floats) -> Floats:
    """Return the NAVs that `returns` lead to from 1, one more; unknown returns leave it at 1."""
    steps = np.nan_to_num(1.0 + returns, nan=1.0)
    start = np.ones((*steps.shape[:-1], 1))
    return np.concatenate((start, np.cumprod(steps, axis=-1)), axis=-1)


def total_return(returns: Floats, *, window: int | None = None) -> Floats:
    """Return the compounded return, a fraction >= -1, not annualised."""
    kept = _last(returns, window)
    known = ~np.isnan(kept)
    total: Floats = np.multiply.reduce(np.where(known, 1.0 + kept, 1.0), axis=-1) - 1.0
    return np.where(known.any(axis=-1), total, np.nan)


def cagr(returns: Floats, periods_per_year: int, *, window: int | None = None) -> Floats:
    """Return the compound annual growth rate, a fraction >= -1."""
    count = _count(~np.isnan(_last(returns, window)))
    years = np.maximum(count, 1) / periods_per_year
    growth: Floats = (1.0 + total_return(returns, window=window)) ** (1.0 / years) - 1.0
    return growth


def volatility(returns: Floats, periods_per_year: int, *, window: int | None = None) -> Floats:
    """Return the annualised standard deviation, >= 0."""
    _, _, deviation = _moments(_last(returns, window))
    return deviation * math.sqrt(periods_per_year)


def sharpe_ratio(
    returns: Floats,
    periods_per_year: int,
    *,
    sharpe_cap: float | None = None,
    window: int | None = None,
) -> Floats:
    """Return mean / deviation, annualised; 0 where the deviation is 0; clipped to +- `sharpe_cap`.

    Source:
        W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management (1994).
    """
    _, mean, deviation = _moments(_last(returns, window))
    return _sharpe(mean, deviation, periods_per_year, sharpe_cap)


def downside_risk(returns: Floats, periods_per_year: int, *, window: int | None = None) -> Floats:
    """Return the annualised root mean square of the losses, gains counting as 0; >= 0."""
    kept = _last(returns, window)
    count = _count(~np.isnan(kept))
    losses = np.where(kept < 0.0, kept, 0.0)
    with np.errstate(invalid="ignore"):
        risk: Floats = np.sqrt(np.add.reduce(losses * losses, axis=-1) / count)
    return risk * math.sqrt(periods_per_year)


def sortino_ratio(returns: Floats, periods_per_year: int, *, window: int | None = None) -> Floats:
    """Return mean / downside risk, annualised; 0 where nothing was ever lost.

    Source:
        Sortino & Price, "Performance Measurement in a Downside Risk Framework" (1994), target 0.
    """
    _, mean, _ = _moments(_last(returns, window))
    risk = downside_risk(returns, periods_per_year, window=window)
    return _ratio(mean * periods_per_year, risk)


def max_drawdown(navs: Floats, *, window: int | None = None) -> Floats:
    """Return the deepest fall from a peak, in [-1, 0]; the first NAV is a peak too."""
    kept = _last(navs, window)
    with np.errstate(invalid="ignore"):
        falls = kept / np.fmax.accumulate(kept, axis=-1) - 1.0
    deepest: Floats = np.fmin.reduce(falls, axis=-1, initial=np.nan)
    return deepest


def calmar_ratio(returns: Floats, periods_per_year: int, *, window: int | None = None) -> Floats:
    """Return the compound annual growth rate / |max drawdown|; 0 where there was no drawdown."""
    kept = _last(returns, window)
    return _ratio(cagr(kept, periods_per_year), -max_drawdown(navs_of(kept)))


def win_rate(returns: Floats, *, window: int | None = None) -> Floats:
    """Return winning periods / periods that won or lost, in [0, 1]; NaN where there was neither."""
    kept = _last(returns, window)
    wins = _count(kept > 0.0)
    losses = _count(kept < 0.0)
    with np.errstate(invalid="ignore"):
        rate: Floats = wins / (wins + losses)
    return rate


def value_at_risk(returns: Floats, *, cutoff: float = 0.05, window: int | None = None) -> Floats:
    """Return the return at quantile `cutoff`, between two neighbours in a straight line."""
    ordered, place = _tail(returns, cutoff, window)
    low = np.floor(place)
    pair = np.stack((low, np.ceil(place)), axis=-1).astype(np.intp)
    values = np.take_along_axis(ordered, pair, axis=-1)
    value: Floats = values[..., 0] + (place - low) * (values[..., 1] - values[..., 0])
    return value


def expected_shortfall(
    returns: Floats, *, cutoff: float = 0.05, window: int | None = None
) -> Floats:
    """Return the mean of the worst returns (CVaR): those at or below quantile `cutoff`, >= 1."""
    ordered, place = _tail(returns, cutoff, window)
    worst = np.floor(place)[..., np.newaxis] >= np.arange(ordered.shape[-1])
    mean: Floats = np.add.reduce(np.where(worst, ordered, 0.0), axis=-1) / (np.floor(place) + 1.0)
    return mean


def kelly_bet(chance: float, *, odds: float = 1.0) -> float:
    """Return the share of capital to bet for the fastest growth; below 0 the bet is a bad one.

    Args:
        chance: Of winning, in [0, 1].
        odds: What is won for each dollar bet, > 0.

    Source:
        Kelly (1956), A new interpretation of information rate: p - (1 - p) / b.
    """
    return chance - (1.0 - chance) / odds


def kelly_leverage(drift: float, rate: float, volatility: float) -> float:
    """Return the share of capital to hold of a lognormal asset for the fastest growth.

    Args:
        drift: Expected return, a fraction per year.
        rate: What cash earns, a fraction per year.
        volatility: Standard deviation of the return per year, > 0.

    Source:
        Thorp (2006), The Kelly criterion in blackjack, sports betting and the stock market:
        (m - r) / s^2.
    """
    return (drift - rate) / volatility**2


def _last(observations: Floats, window: int | None) -> Floats:
    """Return the last `window` observations in rows that lie together in memory."""
    if window is not None and window < 1:
        raise ValueError(f"window must be at least 1, was {window}")
    kept = observations if window is None else np.asarray(observations)[..., -window:]
    return np.ascontiguousarray(kept, dtype=np.float64)


def _count(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return how many are true along the last axis."""
    # Rows are mostly short: a byte holds their count and is summed twice as fast.
    integer = np.uint8 if mask.shape[-1] < 256 else np.int64
    counts = np.add.reduce(mask.view(np.uint8), axis=-1, dtype=integer)
    count: npt.NDArray[np.int64] = counts.astype(np.int64)
    return count


def _moments(returns: Floats) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Return how many returns are known, their mean, and their sample deviation."""
    unknown = np.isnan(returns)
    count = returns.shape[-1] - _count(unknown)
    gaps = returns.copy(order="C")  # Whatever the layout was: each row is summed in one piece.
    np.copyto(gaps, 0.0, where=unknown)
    with np.errstate(invalid="ignore"):
        mean = np.add.reduce(gaps, axis=-1) / count
        gaps -= mean[..., np.newaxis]
        np.copyto(gaps, 0.0, where=unknown)
        gaps *= gaps
        deviation = np.sqrt(np.add.reduce(gaps, axis=-1) / np.maximum(count - 1, 0))
    return count, mean, np.where(deviation <= _ROUNDING * (1.0 + np.abs(mean)), 0.0, deviation)


def _sharpe(mean: Floats, deviation: Floats, periods_per_year: int, cap: float | None) -> Floats:
    """Return the annualised ratio of two moments, inside +- `cap`."""
    sharpe = _ratio(mean, deviation) * math.sqrt(periods_per_year)
    return sharpe if cap is None else np.minimum(np.maximum(sharpe, -cap), cap)


def _ratio(reward: Floats, risk: Floats) -> Floats:
    """Return reward / risk, and 0 where there is no risk."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(risk == 0.0, 0.0, reward / risk)


def _growth(first: Floats, last: Floats) -> Floats:
    """Return last / first - 1, and 0 where the first is 0 already."""
    with np.errstate(invalid="ignore"):
        return np.where(first == 0.0, 0.0, last / first - 1.0)


def _tail(returns: Floats, cutoff: float, window: int | None) -> tuple[Floats, Floats]:
    """Return the returns in order, unknown ones last, and the place of quantile `cutoff`."""
    ordered = np.sort(_last(returns, window), axis=-1)
    count = _count(~np.isnan(ordered))
    return ordered, np.maximum(count - 1, 0) * cutoff
