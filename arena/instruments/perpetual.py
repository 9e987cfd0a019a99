"""Perpetual futures: funding, margin, and the price at which a position is liquidated.

A contract follows its index because one side pays the other at fixed instants: longs pay shorts
when the rate is positive.  Only who holds a position at that instant pays or receives.  A position
that is opened at the open of a bar has missed the settlement that falls on this very instant: it
belongs to the bar that closed there.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from arena.exceptions import ValidationError
from arena.market import Floats

INTEREST = 1e-4
"""The exchange's interest rate, fraction of notional per 8 hours."""

CLAMP = 5e-4
"""By so much interest may pull the rate away from the premium, per 8 hours."""


def funding_rate(premium: Floats, *, interest: float = INTEREST, clamp: float = CLAMP) -> Floats:
    """Return the rate of a settlement, F = P + clamp(I - P, -c, +c), any shape.

    While the premium is within `clamp` of the interest rate the answer is the interest rate, to the
    last bit: hence the many settlements at exactly 1 basis point.

    Args:
        premium: Average premium of the contract over its index, a fraction of notional.
        interest: I, a fraction of notional.
        clamp: c, a fraction of notional, >= 0.

    Source:
        Binance, "Introduction to Binance Futures Funding Rates": funding rate = average premium
        index + clamp(interest rate - premium index, 0.05 %, -0.05 %).
    """
    rate: Floats = np.clip(interest, premium - clamp, premium + clamp)
    return rate


def funding_payment(quantity: float, mark: float, rate: float) -> float:
    """Return the USD that a position pays at a settlement; negative is what it receives.

    Args:
        quantity: Contracts, signed: a short position is negative.
        mark: Mark price at the instant of settlement, USD.
        rate: Fraction of notional; positive means that longs pay shorts.

    Source:
        Binance, "Introduction to Binance Futures Funding Rates": funding amount = nominal value of
        positions at mark price x funding rate.
    """
    return quantity * mark * rate


def sum_settlements(
    settled_at: npt.NDArray[np.int64],
    rates: Floats,
    opens_at: npt.NDArray[np.int64],
    *,
    bar_s: int,
) -> Floats:
    """Return the sum of the rates that whoever held a position through a bar has paid.

    A settlement belongs to the bar with open < instant <= close: the one at midnight ends a day.
    Venues stamp some milliseconds late; give whole seconds, rounded down.

    Args:
        settled_at: Instants in Unix seconds, ascending, shape (settlements,).
        rates: Fraction of notional at each, shape (settlements,).
        opens_at: Unix seconds at which each bar opens, ascending, shape (bars,).
        bar_s: Length of a bar in seconds.

    Returns:
        Shape (bars,); NaN for a bar in which nothing was settled: it is not known, not free.

    Raises:
        ValidationError: Instants do not ascend, or are not as many as the rates.
    """
    if len(settled_at) != len(rates) or np.any(np.diff(settled_at) <= 0):
        raise ValidationError(
            "settlements", found="instants out of order", needed="one rate for each, ascending"
        )
    row = np.searchsorted(opens_at, settled_at, side="left") - 1
    inside = row >= 0
    inside[inside] = settled_at[inside] <= opens_at[row[inside]] + bar_s
    sums, counts = np.zeros(len(opens_at)), np.zeros(len(opens_at), dtype=np.int64)
    np.add.at(sums, row[inside], rates[inside])
    np.add.at(counts, row[inside], 1)
    return np.where(counts > 0, sums, np.nan)


def compound_short(rates: Floats) -> float:
    """Return the growth of capital that is short once its own size and collects every funding.

    The price is left out: it is what a hedged position of constant leverage 1 earns.

    Args:
        rates: Fraction of notional at each settlement, shape (settlements,).

    Source:
        Definition: the product of (1 + rate), minus 1.
    """
    return float(np.prod(1.0 + rates) - 1.0)


def carry_of_bar(funding: Floats, opens: Floats, closes: Floats) -> Floats:
    """Return the USD that one long contract pays over each bar, shape (bars,).

    The sum of the bar's rates times the mean of its opening and closing mark.  The contract pays
    each rate on the mark of its own instant, which a bar no longer tells: the difference is at most
    each rate times how far the mark then was from the mean.

    Args:
        funding: Sum of the rates settled in each bar, fraction of notional, shape (bars,).
        opens: Mark at each open, USD, shape (bars,).
        closes: Mark at each close, USD, shape (bars,).

    Source:
        `funding_payment` for one contract, with the mean mark.
    """
    return funding * (opens + closes) / 2.0


def initial_margin(notional: float, *, leverage_max: float) -> float:
    """Return the capital that opening needs: notional / leverage, USD.

    Source:
        Binance, "Leverage and Margin of USDT-M Futures": initial margin = notional / leverage.
    """
    return abs(notional) / leverage_max


def maintenance_margin(notional: float, *, maintenance: float) -> float:
    """Return the capital under which a position is liquidated: notional x rate, USD.

    Source:
        Binance, "Leverage and Margin of USDT-M Futures": maintenance margin = notional x rate (the
        first tier; larger positions are charged more there, and not here).
    """
    return abs(notional) * maintenance


def liquidation_price(quantity: float, entry: float, margin: float, *, maintenance: float) -> float:
    """Return the mark at which what is left of the margin equals the maintenance margin.

    It solves margin + quantity x (P - entry) = maintenance x |quantity| x P.

    Args:
        quantity: Contracts, signed, not 0.
        entry: Mark at which they were opened, USD, > 0.
        margin: Capital behind this position alone, USD.
        maintenance: Fraction of notional, in [0, 1).

    Returns:
        USD; 0 where no price above 0 liquidates (a long position that owes nothing).

    Raises:
        ValidationError: There is no position.

    Source:
        Binance, "How to Calculate Liquidation Price of USDT-M Futures Contracts", for one position
        on isolated margin and without fees.
    """
    if quantity == 0.0 or not math.isfinite(quantity):
        raise ValidationError("quantity", found=quantity, needed="a position: finite and not 0")
    owed = quantity * entry - margin
    return max(owed / (quantity - maintenance * abs(quantity)), 0.0)
