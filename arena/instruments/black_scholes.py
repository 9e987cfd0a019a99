"""Black-Scholes: what a European option is worth, and how that changes.

Vectorised over spot, strike, volatility and time; no dividend.  At expiry, and only there, a price
is the intrinsic value whatever the volatility, even where that is not known.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np

from arena.instruments.instrument import Right
from arena.market import Floats

Numbers: TypeAlias = Floats | float
"""One number, or many of a shape that fits the others'."""


class Greeks(NamedTuple):
    """How a price changes, each of the shape of what was asked.

    Attributes:
        delta: USD per USD of spot.
        gamma: Delta per USD of spot.
        vega: USD per 1.0 of volatility (not per point).
        theta: USD per year that passes.
        rho: USD per 1.0 of interest rate.
    """

    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats


def normal_cdf(x: Numbers) -> Floats:
    """Return the standard normal distribution function, exact in both tails; NaN stays NaN.

    Source:
        N(x) = erfc(-x / sqrt 2) / 2.
    """
    asked = np.asarray(x, dtype=np.float64)
    values = [math.erfc(-value / math.sqrt(2.0)) / 2.0 for value in asked.ravel().tolist()]
    return np.array(values, dtype=np.float64).reshape(asked.shape)


def intrinsic(right: Right, spot: Numbers, strike: Numbers) -> Floats:
    """Return what exercise brings at expiry: max(S - K, 0) for a call, max(K - S, 0) for a put."""
    gain = np.subtract(spot, strike) if right is Right.CALL else np.subtract(strike, spot)
    return np.maximum(gain, 0.0)


def price_option(
    right: Right,
    spot: Numbers,
    strike: Numbers,
    volatility: Numbers,
    years: Numbers,
    *,
    rate: float = 0.0,
) -> Floats:
    """Return the price of a European option.

    Args:
        right: Put or call.
        spot: Price of the underlying, USD, > 0.
        strike: USD, > 0.
        volatility: Annualised standard deviation of log returns, > 0.
        years: Time to expiry; at or below 0 the price is the intrinsic value.
        rate: Interest, compounded continuously, a fraction per year.

    Returns:
        USD, >= 0, of the shape that the arguments have together.

    Source:
        Black & Scholes (1973), The Pricing of Options and Corporate Liabilities; Hull, section
        15.8: c = S N(d1) - K e^(-rT) N(d2), p = K e^(-rT) N(-d2) - S N(-d1).
    """
    sign = 1.0 if right is Right.CALL else -1.0
    alive = np.greater(years, 0.0)
    left = np.where(alive, years, 1.0)
    d1, d2 = _distances(spot, strike, np.where(alive, volatility, 1.0), left, rate)
    today = np.multiply(strike, np.exp(-rate * left))
    price = sign * (spot * normal_cdf(sign * d1) - today * normal_cdf(sign * d2))
    # Far out of the money the difference of two products may end a rounding below nothing.
    return np.where(alive, np.maximum(price, 0.0), intrinsic(right, spot, strike))


def greeks(
    right: Right,
    spot: Numbers,
    strike: Numbers,
    volatility: Numbers,
    years: Numbers,
    *,
    rate: float = 0.0,
) -> Greeks:
    """Return the greeks of a European option that has not expired.

    Args:
        right: Put or call.
        spot: Price of the underlying, USD, > 0.
        strike: USD, > 0.
        volatility: Annualised standard deviation of log returns, > 0.
        years: Time to expiry, > 0.
        rate: Interest, compounded continuously, a fraction per year.

    Source:
        Hull, Options, Futures, and Other Derivatives, chapter 19.
    """
    sign = 1.0 if right is Right.CALL else -1.0
    d1, d2 = _distances(spot, strike, volatility, years, rate)
    density = np.exp(-d1 * d1 / 2.0) / math.sqrt(2.0 * math.pi)
    root = np.sqrt(years)
    today = np.multiply(strike, np.exp(np.multiply(-rate, years)))
    return Greeks(
        delta=sign * normal_cdf(sign * d1),
        gamma=np.asarray(density / (spot * volatility * root)),
        vega=np.asarray(spot * density * root),
        theta=np.asarray(
            -spot * density * volatility / (2.0 * root)
            - sign * rate * today * normal_cdf(sign * d2)
        ),
        rho=np.asarray(sign * today * years * normal_cdf(sign * d2)),
    )


def _distances(
    spot: Numbers, strike: Numbers, volatility: Numbers, years: Numbers, rate: float
) -> tuple[Floats, Floats]:
    """Return d1 and d2: how far the spot is above the strike, in standard deviations."""
    spread = np.multiply(volatility, np.sqrt(years))
    drift = (rate + np.square(volatility) / 2.0) * years
    d1 = (np.log(np.divide(spot, strike)) + drift) / spread
    return d1, d1 - spread
