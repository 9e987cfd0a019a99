"""Young tokens of which most die.  An assumption: no honest history of dead tokens was found.

    log return = drift + beta * market + volatility(age) * shock      while it lives
    log return = -collapse + volatility(age) * shock                  once it is abandoned

Life is exponential: abandonment is as likely on every day, whatever the price did.  A price that
grows at random until a random end has power-law winners (Reed 2001).  A token is delisted at the
first close that is at most 1 % of the price at which it was *listed* (its first open; not its peak:
who falls from 50 to 1 is still alive).  Dead tokens stay dead and no names are added.

Nothing here looks ahead: row t follows from draws and market returns up to t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from arena.market import Floats
from arena.prices.bars import Bars
from arena.prices.recursion import autoregress_stationary
from arena.seed import Seed

_SURPRISE_MEAN = 0.48
"""Mean of log(1 + |z|), z a shock of variance 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoonshotParameters:
    """The universe and the life of a token.  All of it is assumed.

    Attributes:
        tokens: How many there ever are, in 1..99.
        listed_before: How many of them are listed before the first bar: those that still live.
        age_mean_days: Their mean age, > 0.
        listing_gap_days: Mean time from one later listing to the next, > 0.
        market: The spot asset whose returns move them all.
        market_beta: How much of its log return they take.
        drift: Mean log return per day beside that.
        volatility_young: Standard deviation of the daily shock at listing, > 0.
        volatility_old: The same in old age, > 0.
        youth_days: Time in which all but 1/e of the difference is gone, > 0.
        nu: Degrees of freedom of the shocks, > 2.
        life_mean_days: Mean time until a token is abandoned, > 0.
        collapse: Log loss per day from then on, > 0.
        delisted_at: Share of the listing price at which it is delisted, in (0, 1).
        return_max: No log return is larger, either way.
        price_usd: Median price at listing, USD, > 0.
        price_log_sd: Standard deviation of its log.
        volume_usd: Median volume at the price of listing, USD a day, > 0.
        volume_elasticity: Log volume for one unit of log price against listing.
        volume_coupling: Log volume for one unit of log(1 + |shock|).
        volume_sd: Long-run standard deviation of what log volume does of its own.
        volume_phi: Share of yesterday's that remains.
        wick: Mean of log(high / max(open, close)) and of the low's, in daily volatilities.

    Source:
        Reed, The Pareto, Zipf and other power laws, Economics Letters 74 (2001): growth at random,
        ended at random.
    """

    tokens: int = 24
    listed_before: int = 8
    age_mean_days: float = 120.0
    listing_gap_days: float = 20.0
    market: str = "BTC"
    market_beta: float = 1.0
    drift: float = -0.002
    volatility_young: float = 0.13
    volatility_old: float = 0.05
    youth_days: float = 60.0
    nu: float = 4.0
    life_mean_days: float = 900.0
    collapse: float = 0.7
    delisted_at: float = 0.01
    return_max: float = 1.6
    price_usd: float = 0.10
    price_log_sd: float = 1.5
    volume_usd: float = 60_000.0
    volume_elasticity: float = 0.7
    volume_coupling: float = 1.0
    volume_sd: float = 0.7
    volume_phi: float = 0.8
    wick: float = 0.33


@dataclass(frozen=True, slots=True)
class Token:
    """One token's life.

    Attributes:
        bars: NaN before its listing and after its delisting.
        expires: 1 on its last bar, 0 on the others, NaN where it has none, shape (bars,).
    """

    bars: Bars
    expires: Floats


def name_tokens(parameters: MoonshotParameters) -> tuple[str, ...]:
    """Return the names of all tokens, listed or not: `MOON-01` and so on."""
    return tuple(f"MOON-{n:02d}" for n in range(1, parameters.tokens + 1))


def simulate_moonshots(
    market_returns: Floats, seed: Seed, parameters: MoonshotParameters
) -> dict[str, Token]:
    """Return every token that will ever be listed, in order of listing.

    Args:
        market_returns: Log returns of `parameters.market`, per day, 0 where not known, (bars,).
        seed: Drawn from under `listing` and one label for each token.
        parameters: The universe and the life of a token.

    Returns:
        For each name a life: while it lasts 0 < low <= open, close <= high, open = last close, and
        volume > 0.
    """
    gaps = seed.child("listing").generator().standard_exponential(parameters.tokens)
    gaps[: parameters.listed_before] = 0.0
    listings = np.ceil(parameters.listing_gap_days * np.cumsum(gaps)).astype(np.int64)
    names = name_tokens(parameters)
    return {
        name: _live(int(listing), market_returns, seed.child("token", name), parameters)
        for name, listing in zip(names, listings, strict=True)
    }


def _live(listing: int, market_returns: Floats, seed: Seed, p: MoonshotParameters) -> Token:
    """Return the life of a token that is listed at row `listing`, of its own seed."""
    days = np.arange(len(market_returns), dtype=np.float64) - listing
    shocks = seed.child("shock").generator().standard_t(p.nu, len(days))
    shocks *= math.sqrt((p.nu - 2.0) / p.nu)
    volatility = _volatility(days, listing, seed, p)
    life = math.ceil(p.life_mean_days * seed.child("life").generator().standard_exponential())
    trend = np.where(days < life, p.drift + p.market_beta * market_returns, -p.collapse)
    moves = np.clip(trend + volatility * shocks, -p.return_max, p.return_max)
    growth = np.cumsum(np.where(days >= 0, moves, 0.0))
    dead = growth <= math.log(p.delisted_at)
    gone = np.concatenate(([False], np.logical_or.accumulate(dead)))[:-1]
    alive = (days >= 0) & ~gone
    bars = _bars(np.where(alive, growth, np.nan), volatility, shocks, seed, p)
    return Token(bars, np.where(alive, dead, np.nan))


def _volatility(days: Floats, listing: int, seed: Seed, p: MoonshotParameters) -> Floats:
    """Return the standard deviation of each day's shock, shape (bars,)."""
    age_before = p.age_mean_days * seed.child("age").generator().standard_exponential()
    ages = np.maximum(days, 0.0) + (age_before if listing == 0 else 0.0)
    youth = np.exp(-ages / p.youth_days)
    volatility: Floats = p.volatility_old + (p.volatility_young - p.volatility_old) * youth
    return volatility


def _bars(
    growth: Floats, volatility: Floats, shocks: Floats, seed: Seed, p: MoonshotParameters
) -> Bars:
    """Return bars from log closes against the first open, NaN where the token is not listed."""
    listed_at = p.price_usd * math.exp(
        p.price_log_sd * seed.child("price").generator().standard_normal()
    )
    closes = listed_at * np.exp(growth)
    before = np.concatenate(([np.nan], closes[:-1]))
    opens = np.where(np.isfinite(closes) & ~np.isfinite(before), listed_at, before)
    opens = np.where(np.isfinite(closes), opens, np.nan)
    up = seed.child("high").generator().standard_exponential(len(growth))
    down = seed.child("low").generator().standard_exponential(len(growth))
    noise = seed.child("volume").generator().standard_normal(len(growth))
    own = autoregress_stationary(noise, phi=p.volume_phi, sd=p.volume_sd)
    sizes = np.log1p(np.abs(shocks)) - _SURPRISE_MEAN
    swing = p.volume_elasticity * growth + p.volume_coupling * sizes + own
    return Bars(
        open=opens,
        high=np.maximum(opens, closes) * np.exp(p.wick * volatility * up),
        low=np.minimum(opens, closes) * np.exp(-p.wick * volatility * down),
        close=closes,
        volume=p.volume_usd * np.exp(swing),
    )
