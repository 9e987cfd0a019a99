"""A managed position of concentrated liquidity: a range around the price that follows it.

Inside its range the position holds both coins and earns fees, more of them the narrower the range;
outside it holds one coin only and earns nothing.  Here somebody manages it, by one rule that every
holder knows: at the close of a bar that ended outside, the range is laid around the price anew, and
what must be swapped for that pays the pool's fee and slippage.

Simplified: fees are put back at each close; the time in range is the share of the bar's span
from low to high that lies in it; everybody else's liquidity is spread over all prices, so a share
of value w of a range earns the pool's yield times the concentration at its centre.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np

from arena.exceptions import ValidationError
from arena.instruments.pool import BPS, PoolMarks
from arena.market import Floats

Numbers: TypeAlias = Floats | float

SWAP_SLIPPAGE_BPS = 5.0
"""What a swap loses beside the pool's fee when a range is laid anew."""


class PriceBars(NamedTuple):
    """Prices of the coin in the dollars of the pool, each of shape (bars,)."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


def amounts_held(price: Numbers, low: float, high: float) -> tuple[Floats, Floats]:
    """Return the coins and the dollars in one unit of liquidity.

    Args:
        price: Dollars for a coin, > 0, any shape.
        low: Lower edge of the range, > 0.
        high: Upper edge, > `low`.

    Source:
        Uniswap v3 whitepaper (2021), 6.29 and 6.30: x = L (1/sqrt(P) - 1/sqrt(high)),
        y = L (sqrt(P) - sqrt(low)), with P no further than the edges.
    """
    root = np.sqrt(np.clip(price, low, high))
    return np.asarray(1.0 / root - 1.0 / math.sqrt(high)), np.asarray(root - math.sqrt(low))


def position_value(price: Numbers, low: float, high: float) -> Floats:
    """Return what one unit of liquidity in a range is worth, dollars, of the shape of `price`."""
    coins, dollars = amounts_held(price, low, high)
    return coins * price + dollars


def liquidity_of_coins(coins: float, price: float, low: float, high: float) -> float:
    """Return the liquidity that so many coins make, with the dollars that belong to them.

    Raises:
        ValidationError: The price is not below the upper edge: no coins belong there.
    """
    per_unit, _ = amounts_held(price, low, high)
    if per_unit <= 0.0:
        raise ValidationError("price", found=price, needed=f"under {high}")
    return coins / float(per_unit)


def edges(centre: float, width: float) -> tuple[float, float]:
    """Return the edges of a range, `width` below and above its centre.

    Raises:
        ValidationError: `width` is not in (0, 1).
    """
    if not 0.0 < width < 1.0:
        raise ValidationError("width", found=width, needed="above 0 and under 1")
    return centre * (1.0 - width), centre * (1.0 + width)


def concentration(width: float) -> float:
    """Return how much more liquidity a dollar is in a range than over all prices, at its centre.

    Source:
        From 6.29 and 6.30 of the Uniswap v3 whitepaper: 2 / (2 - sqrt(1 - w) - 1 / sqrt(1 + w)).
    """
    return 2.0 / float(position_value(1.0, *edges(1.0, width)))


def mark_range(prices: PriceBars, fees: Floats, *, width: float, swap_cost_bps: float) -> PoolMarks:
    """Return what a managed range is worth that began as one unit of liquidity.

    A bar in which anything is not known has no mark; the range stays where it was.

    Args:
        prices: The coin, in the dollars of the pool, > 0.
        fees: What the pool's traders paid in each bar, fraction of the pool's value, shape (bars,).
        width: Half the width of the range, fraction of its centre, in (0, 1).
        swap_cost_bps: Cost of what is swapped when the range is laid anew, basis points: the pool's
            fee and slippage.

    Returns:
        Marks after fees and swaps, and the fees of each bar as a fraction of the position.

    Raises:
        ValidationError: `width` is not in (0, 1).

    Source:
        `position_value`, `concentration`; the rule of management is this project's own.
    """
    known = np.isfinite(fees) & np.all(np.isfinite(np.stack(prices)), axis=0)
    bars = PriceBars(*(each[known] for each in prices))
    marks = _manage(bars, fees[known] * concentration(width), width, swap_cost_bps / BPS)
    opens, closes, earned = (np.full(len(fees), np.nan) for _ in marks)
    opens[known], closes[known], earned[known] = marks
    return PoolMarks(open=opens, close=closes, fees=earned)


def _manage(bars: PriceBars, inside: Floats, width: float, cost: float) -> PoolMarks:
    """Return the marks of a range over bars that are all known, one range after the other.

    Args:
        bars: Shape (bars,).
        inside: What the position earns in each bar if it is in range throughout, shape (bars,).
        width: Half the width of the range.
        cost: Of what is swapped, a fraction.
    """
    opens, closes, earned = (np.empty(len(inside)) for _ in range(3))
    start, units, centre = 0, 1.0, float(bars.open[0]) if len(inside) else 1.0
    while start < len(inside):
        low, high = edges(centre, width)
        outside = (bars.close[start:] < low) | (bars.close[start:] > high)
        left = bool(outside.any())
        rows = slice(start, start + int(np.argmax(outside)) + 1 if left else len(inside))
        earned[rows] = inside[rows] * _share_inside(bars.low[rows], bars.high[rows], low, high)
        growth = np.cumprod(1.0 + earned[rows], dtype=np.float64)
        before = np.concatenate((np.ones(1), growth))[:-1]
        opens[rows] = units * before * position_value(bars.open[rows], low, high)
        closes[rows] = units * growth * position_value(bars.close[rows], low, high)
        start = rows.stop
        if left:
            centre = float(bars.close[start - 1])
            closes[start - 1] *= 1.0 - cost * _swapped(width, below=centre < low)
            units = float(closes[start - 1] / position_value(centre, *edges(centre, width)))
    return PoolMarks(opens, closes, earned)


def _share_inside(lows: Floats, highs: Floats, low: float, high: float) -> Floats:
    """Return the share of each bar's span that lies in the range, in [0, 1]."""
    span = highs - lows
    common = np.minimum(highs, high) - np.maximum(lows, low)
    still = span <= 0.0  # A bar that never moved is inside, or it is not.
    share = np.clip(common / np.where(still, 1.0, span), 0.0, 1.0)
    return np.where(still, (common >= 0.0).astype(np.float64), share)


def _swapped(width: float, *, below: bool) -> float:
    """Return the share of a position that must be swapped to lay the range anew.

    Below its range it is all coins, and keeps as many of them as the new range holds; above it is
    all dollars.
    """
    low, high = edges(1.0, width)
    coins, dollars = amounts_held(1.0, low, high)
    share = float(coins / (coins + dollars))
    return 1.0 - share if below else share
