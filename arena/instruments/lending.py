"""Lending: deposits and debts that accrue as the protocol's own contract says.

Two functions that are not each other: a deposit's index grows *linearly* between two updates, a
debt's grows *compounded*, by three terms of the binomial series.  On whole numbers (`RAY`) they
are the contract's arithmetic to the last digit; on arrays of floats they make the marks.

A deposit for a fixed term is a bond without a coupon: it is bought below one dollar and pays one at
maturity.  In between it is worth what the rate of the day makes of it, by its duration.
"""

from __future__ import annotations

import numpy as np

from arena.exceptions import ValidationError
from arena.market import Floats

RAY = 10**27
"""One, in the contract's whole numbers."""

YEAR_S = 365 * 86_400
"""A year of the contract: leap years are ignored."""


def accrue_linear(apr: Floats, *, periods_per_year: int) -> tuple[Floats, Floats]:
    """Return the opening and closing accrual index of a deposit, each of shape (bars,).

    Interest is linear inside a bar and compounds from bar to bar, as a protocol does that updates
    its index once a bar.  The index opens at 1.

    Args:
        apr: Supply rate in force during each bar, a fraction per year, shape (bars,).
        periods_per_year: Bars in a year.

    Source:
        Aave protocol, `MathUtils.calculateLinearInterest`: 1 + rate * dt / year.
    """
    closes = np.cumprod(1.0 + apr / periods_per_year, dtype=np.float64)
    opens = np.concatenate((np.ones(1), closes))[:-1]
    return opens, closes


def ray_mul(a: int, b: int) -> int:
    """Return a x b, both in ray, rounded half up.

    Source:
        Aave protocol, `WadRayMath.rayMul`.
    """
    return (a * b + RAY // 2) // RAY


def linear_interest(rate: int, elapsed_s: int) -> int:
    """Return the factor, in ray, by which a deposit grows between two updates.

    Args:
        rate: In ray per year, >= 0.
        elapsed_s: Seconds since the last update, >= 0.

    Source:
        Aave protocol v3, `MathUtils.calculateLinearInterest`.
    """
    return RAY + rate * elapsed_s // YEAR_S


def compounded_interest(rate: int, elapsed_s: int) -> int:
    """Return the factor, in ray, by which a debt grows between two updates.

    Three terms of (1 + rate / year)^seconds: a little less than compounding each second.

    Args:
        rate: In ray per year, >= 0.
        elapsed_s: Seconds since the last update, >= 0.

    Source:
        Aave protocol v3, `MathUtils.calculateCompoundedInterest`.
    """
    squared = ray_mul(rate, rate) // (YEAR_S * YEAR_S)
    cubed = ray_mul(squared, rate) // YEAR_S
    pairs = elapsed_s * max(elapsed_s - 1, 0)
    triples = pairs * max(elapsed_s - 2, 0)
    return RAY + rate * elapsed_s // YEAR_S + pairs * squared // 2 + triples * cubed // 6


def borrow_rate(
    utilisation: Floats, *, base: float, slope_low: float, slope_high: float, kink: float
) -> Floats:
    """Return the rate that borrowers pay: it rises slowly up to the kink, and steeply beyond.

    Args:
        utilisation: Borrowed over supplied, in [0, 1], any shape.
        base: Rate at which nothing is borrowed, a fraction per year.
        slope_low: What is added to it on the way to the kink, a fraction per year.
        slope_high: What is added on the way from there to 1, a fraction per year.
        kink: The utilisation that the protocol aims at, in (0, 1).

    Source:
        Aave protocol, `DefaultReserveInterestRateStrategy.calculateInterestRates`.
    """
    low = slope_low * np.minimum(utilisation, kink) / kink
    high = slope_high * np.maximum(utilisation - kink, 0.0) / (1.0 - kink)
    return base + low + high


def supply_rate(borrow: Floats, utilisation: Floats, *, reserve_factor: float) -> Floats:
    """Return the rate that suppliers earn: what borrowers pay, less the protocol's share.

    Args:
        borrow: Rate that borrowers pay, a fraction per year, any shape.
        utilisation: Borrowed over supplied, in [0, 1], same shape.
        reserve_factor: The protocol's share, in [0, 1].

    Source:
        Aave protocol, `DefaultReserveInterestRateStrategy.calculateInterestRates`.
    """
    return borrow * utilisation * (1.0 - reserve_factor)


def principal_price(implied_apy: Floats, years: Floats) -> Floats:
    """Return what the promise of one dollar at maturity costs.

    Args:
        implied_apy: The yield that the market asks, compounded yearly, > -1, any shape.
        years: Time to maturity, >= 0, same shape.

    Source:
        Pendle documentation, PT oracle: price = exp(-ln(1 + implied APY) * years to expiry).
    """
    return np.asarray((1.0 + implied_apy) ** -years, dtype=np.float64)


def modified_duration(implied_apy: Floats, years: Floats) -> Floats:
    """Return the share of the price that is lost for each 100 % by which the yield rises.

    Source:
        Hull, Options, Futures, and Other Derivatives, section 4.10: D / (1 + y), with D the time
        to maturity of a bond that pays no coupon.
    """
    return years / (1.0 + implied_apy)


def mark_fixed_term(
    implied_apy: Floats, *, term_bars: int, periods_per_year: int
) -> tuple[Floats, Floats]:
    """Return the opening and closing index of a fixed-term deposit that is rolled at maturity.

    Each term is bought at its first open, at the yield of the close before (the first term: at its
    own), and marked to market until it pays one dollar at its last close.  Whoever stays for a term
    earns the yield at which it was bought; whoever leaves earlier gains when yields have fallen.

    Args:
        implied_apy: The market's yield at each close for what is left of the term, compounded
            yearly, > -1, finite, shape (bars,).
        term_bars: Bars from one maturity to the next, >= 1.
        periods_per_year: Bars in a year.

    Returns:
        Two indices of shape (bars,); the first opens at 1.

    Raises:
        ValidationError: `term_bars` is less than 1.
    """
    if term_bars < 1:
        raise ValidationError("term_bars", found=term_bars, needed="at least 1")
    before = np.concatenate((implied_apy[:1], implied_apy))[:-1]
    age = np.arange(len(implied_apy)) % term_bars
    left = (term_bars - age) / periods_per_year
    opens = principal_price(before, left)
    closes = principal_price(implied_apy, (term_bars - age - 1) / periods_per_year)
    bought = opens[::term_bars]
    terms = np.cumprod(1.0 / bought, dtype=np.float64)
    units = np.repeat(terms, term_bars)[: len(implied_apy)]
    return opens * units, closes * units
