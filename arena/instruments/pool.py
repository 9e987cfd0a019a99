"""Pools of a constant product: x * y = k, over every price there is.

The contract's arithmetic on whole numbers; and what a share of such a pool is worth.  A share is
counted in units of liquidity, sqrt(x * y): one unit is worth 2 sqrt(P) USD, and the fees that stay
in the pool make it more units.  Against holding the two coins a move of the price loses, whichever
way it goes (impermanent loss); the fees are what that is suffered for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arena.exceptions import ValidationError
from arena.market import Floats

BPS = 10_000.0


class PoolMarks(NamedTuple):
    """One unit of liquidity, each of shape (bars,); NaN where there is no bar.

    Attributes:
        open: Mark at the open, USD.
        close: Mark at the close, USD.
        fees: What the fees of the bar added, fraction of what the share was worth.
    """

    open: Floats
    close: Floats
    fees: Floats


def amount_out(amount_in: int, reserve_in: int, reserve_out: int) -> int:
    """Return how much comes out for `amount_in`, after the fee of 0.3 %, rounded down.

    Raises:
        ValidationError: There is nothing to trade, or nothing to trade with.

    Source:
        Uniswap v2, `UniswapV2Library.getAmountOut`.
    """
    _check(amount_in, reserve_in, reserve_out)
    paid = amount_in * 997
    return paid * reserve_out // (reserve_in * 1000 + paid)


def amount_in(amount_out: int, reserve_in: int, reserve_out: int) -> int:
    """Return how much must be paid to get `amount_out`, fee included, rounded up.

    Raises:
        ValidationError: There is nothing to trade, or less in the pool than is asked for.

    Source:
        Uniswap v2, `UniswapV2Library.getAmountIn`.
    """
    _check(amount_out, reserve_in, reserve_out)
    if amount_out >= reserve_out:
        raise ValidationError("amount_out", found=amount_out, needed=f"under {reserve_out}")
    return reserve_in * amount_out * 1000 // ((reserve_out - amount_out) * 997) + 1


def impermanent_loss(ratio: Floats) -> Floats:
    """Return what a share lost against holding its two coins, without fees: in (-1, 0].

    Args:
        ratio: Price now over price at entry, > 0, any shape.

    Source:
        Pintail (2019), Uniswap: A Good Deal for Liquidity Providers?: 2 sqrt(k) / (1 + k) - 1.
    """
    return np.asarray(2.0 * np.sqrt(ratio) / (1.0 + ratio) - 1.0, dtype=np.float64)


def fee_yield(volume: Floats, tvl: Floats, *, fee_bps: float, days: float) -> Floats:
    """Return what a bar's traders paid, as a fraction of the pool's value, shape (bars,).

    Args:
        volume: Traded in the pool, USD a day, shape (bars,).
        tvl: The pool's value, USD, > 0, shape (bars,).
        fee_bps: What traders pay, basis points.
        days: Length of a bar.

    Source:
        Uniswap v2 whitepaper, section 2.4, with all of the fee for the providers: fees stay in the
        reserves.  To first order in fees, as long as they are small beside the reserves.
    """
    return fee_bps / BPS * volume * days / tvl


def mark_pool(opens: Floats, closes: Floats, fees: Floats) -> PoolMarks:
    """Return what one unit of liquidity is worth, with the fees of all bars before put back.

    A bar whose fees are not known has no mark and adds nothing.

    Args:
        opens: Price of the coin in the dollars of the pool at each open, shape (bars,).
        closes: The same at each close, shape (bars,).
        fees: Fees of each bar as a fraction of the pool's value, >= 0, shape (bars,).

    Source:
        x = L / sqrt(P) coins and y = L sqrt(P) dollars are worth 2 L sqrt(P); Uniswap v2
        whitepaper, section 2.4: fees grow sqrt(k).
    """
    known = np.isfinite(fees) & np.isfinite(opens) & np.isfinite(closes)
    units = np.cumprod(1.0 + np.where(known, fees, 0.0), dtype=np.float64)
    before = np.concatenate((np.ones(1), units))[: len(units)]
    return PoolMarks(
        open=np.where(known, 2.0 * np.sqrt(opens) * before, np.nan),
        close=np.where(known, 2.0 * np.sqrt(closes) * units, np.nan),
        fees=np.where(known, fees, np.nan),
    )


def _check(amount: int, reserve_in: int, reserve_out: int) -> None:
    if amount <= 0 or reserve_in <= 0 or reserve_out <= 0:
        found = (amount, reserve_in, reserve_out)
        raise ValidationError("amounts", found=found, needed="an amount and two reserves above 0")
