"""Concentrated liquidity, as the contract counts it: whole numbers, prices as sqrt(P) x 2^96.

Amounts that a provider is owed are rounded down, amounts that a provider or trader owes are rounded
up: the pool never pays a unit too much.  `arena.instruments.ranges` has the same in floats.

Source of all: Uniswap v3 whitepaper (2021), section 6; `TickMath`, `SqrtPriceMath`, `SwapMath` of
v3-core and `LiquidityAmounts` of v3-periphery.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from arena.exceptions import ValidationError

Q96 = 2**96
TICK_MAX = 887_272
FEE_UNITS = 1_000_000
"""A pool's fee is so many millionths of what is paid in."""

_ROOTS = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)
"""1.0001^(-2^i / 2) x 2^128, for each bit i of a tick."""


class Amounts(NamedTuple):
    """What a position holds, in each token's smallest unit."""

    amount0: int
    amount1: int


class SwapStep(NamedTuple):
    """One step of a swap, inside one range of liquidity.

    Attributes:
        sqrt_price: After the step, x 2^96.
        amount_in: What goes into the reserves.
        amount_out: What comes out of them.
        fee: What is paid on top of `amount_in`, in the same token.
    """

    sqrt_price: int
    amount_in: int
    amount_out: int
    fee: int


def sqrt_price_at_tick(tick: int) -> int:
    """Return sqrt(1.0001^tick) x 2^96, rounded up as the contract does.

    Raises:
        ValidationError: The tick is beyond +-887272.

    Source:
        `TickMath.getSqrtRatioAtTick`.
    """
    if abs(tick) > TICK_MAX:
        raise ValidationError("tick", found=tick, needed=f"within +-{TICK_MAX}")
    ratio = 2**128
    for bit, root in enumerate(_ROOTS):
        if abs(tick) >> bit & 1:
            ratio = ratio * root >> 128
    if tick > 0:
        ratio = (2**256 - 1) // ratio
    return _divide_up(ratio, 2**32)


def sqrt_price(amount1: int, amount0: int) -> int:
    """Return sqrt(amount1 / amount0) x 2^96, rounded down.

    Source:
        `encodePriceSqrt` of the tests of v3-core.
    """
    return math.isqrt(amount1 * 2**192 // amount0)


def liquidity_for_amounts(sqrt_now: int, sqrt_low: int, sqrt_high: int, amounts: Amounts) -> int:
    """Return the most liquidity that `amounts` give to a range, rounded down.

    Args:
        sqrt_now: Price of the pool, as sqrt(P) x 2^96.
        sqrt_low: Lower edge of the range.
        sqrt_high: Upper edge, > `sqrt_low`.
        amounts: What is there to give, each >= 0.

    Source:
        `LiquidityAmounts.getLiquidityForAmounts`.
    """
    if sqrt_now <= sqrt_low:
        return _liquidity0(sqrt_low, sqrt_high, amounts.amount0)
    if sqrt_now >= sqrt_high:
        return _liquidity1(sqrt_low, sqrt_high, amounts.amount1)
    return min(
        _liquidity0(sqrt_now, sqrt_high, amounts.amount0),
        _liquidity1(sqrt_low, sqrt_now, amounts.amount1),
    )


def amounts_for_liquidity(sqrt_now: int, sqrt_low: int, sqrt_high: int, liquidity: int) -> Amounts:
    """Return what a position in a range holds, rounded down.

    Args:
        sqrt_now: Price of the pool, as sqrt(P) x 2^96.
        sqrt_low: Lower edge of the range.
        sqrt_high: Upper edge, > `sqrt_low`.
        liquidity: Of the position, >= 0.

    Source:
        `LiquidityAmounts.getAmountsForLiquidity`.
    """
    inside = min(max(sqrt_now, sqrt_low), sqrt_high)
    return Amounts(
        amount0=(liquidity << 96) * (sqrt_high - inside) // sqrt_high // inside,
        amount1=liquidity * (inside - sqrt_low) // Q96,
    )


def swap_step(sqrt_now: int, sqrt_target: int, liquidity: int, amount: int, fee: int) -> SwapStep:
    """Return what swapping `amount` of the token that is paid in does, at most up to a price.

    Args:
        sqrt_now: Price before, as sqrt(P) x 2^96.
        sqrt_target: Price at which the step ends; below `sqrt_now` token 0 is paid in.
        liquidity: Between the two prices, > 0.
        amount: Paid in, fee included, >= 0.
        fee: Millionths of what is paid in.

    Source:
        `SwapMath.computeSwapStep`, exact input.
    """
    zero_for_one = sqrt_target <= sqrt_now
    net = amount * (FEE_UNITS - fee) // FEE_UNITS
    needed = _amount_in(sqrt_now, sqrt_target, liquidity, zero_for_one=zero_for_one)
    if net >= needed:
        after, paid, charged = sqrt_target, needed, _divide_up(needed * fee, FEE_UNITS - fee)
    else:
        after = _price_after(sqrt_now, liquidity, net, zero_for_one=zero_for_one)
        paid = _amount_in(sqrt_now, after, liquidity, zero_for_one=zero_for_one)
        charged = amount - paid  # What is left over is fee, too: the target was not reached.
    low, high = min(sqrt_now, after), max(sqrt_now, after)
    if zero_for_one:
        out = liquidity * (high - low) // Q96
    else:
        out = (liquidity << 96) * (high - low) // high // low
    return SwapStep(after, paid, out, charged)


def _amount_in(sqrt_now: int, sqrt_after: int, liquidity: int, *, zero_for_one: bool) -> int:
    """Return what must be paid in to move the price, rounded up."""
    low, high = min(sqrt_now, sqrt_after), max(sqrt_now, sqrt_after)
    if zero_for_one:
        return _divide_up(_divide_up((liquidity << 96) * (high - low), high), low)
    return _divide_up(liquidity * (high - low), Q96)


def _price_after(sqrt_now: int, liquidity: int, amount: int, *, zero_for_one: bool) -> int:
    """Return the price after `amount` was paid in, rounded against who pays."""
    if zero_for_one:
        scaled = liquidity << 96
        return _divide_up(scaled * sqrt_now, scaled + amount * sqrt_now)
    return sqrt_now + (amount << 96) // liquidity


def _liquidity0(sqrt_low: int, sqrt_high: int, amount0: int) -> int:
    return amount0 * (sqrt_low * sqrt_high // Q96) // (sqrt_high - sqrt_low)


def _liquidity1(sqrt_low: int, sqrt_high: int, amount1: int) -> int:
    return amount1 * Q96 // (sqrt_high - sqrt_low)


def _divide_up(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
