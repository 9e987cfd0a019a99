"""A listed option that is rolled: one contract after the other, under one name.

A contract is listed at an open, with a strike at a fixed distance from the spot of that instant.
It is marked each bar by Black-Scholes with the market's implied volatility, and settled in cash for
its intrinsic value at the close of its last bar.  The next one is listed at the open after that:
the mark jumps there, and nobody is hurt, since no position outlives an expiry.

Simplified: one volatility at the money for all strikes (no smile), no interest, settlement at the
close of a bar instead of a venue's average of half an hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from arena.exceptions import ValidationError
from arena.instruments.black_scholes import price_option
from arena.instruments.instrument import Right
from arena.market import DAY_S, Floats

YEAR_DAYS = 365.0
"""Days in a year of volatility: these markets never close."""

Flags: TypeAlias = npt.NDArray[np.bool_]


class Terms(NamedTuple):
    """What every contract of a rolled option has in common.

    Attributes:
        right: Put or call.
        moneyness: Strike over spot when listed, > 0.
        tenor_days: From listing to expiry; at least one bar.
    """

    right: Right
    moneyness: float
    tenor_days: float


class OptionMarks(NamedTuple):
    """A rolled option, each of shape (bars,); NaN in all of them where there is no bar.

    Attributes:
        open: Mark at the open, USD.
        close: Mark at the close, USD; on the last bar of a contract its intrinsic value.
        strike: Of the contract that is listed during the bar, USD.
        days_left: From the close to expiry; 0 on the last bar.
        expires: 1.0 on the last bar of a contract, else 0.0: never NaN.
    """

    open: Floats
    close: Floats
    strike: Floats
    days_left: Floats
    expires: Floats


class _Listing(NamedTuple):
    """A contract: the rows of its first bar, of its last if it has come, and where its rows end."""

    first: int
    last: int | None
    end: int


def mark_option(
    terms: Terms, opens: Floats, closes: Floats, volatility: Floats, *, bar_s: int = DAY_S
) -> OptionMarks:
    """Return the marks of one contract after the other.

    At an open the volatility is the one of the close before, the latest that anybody has seen: the
    first contract is listed on the second bar at the earliest.  A bar has all its marks or none; a
    contract whose last bar is missing is settled on the first bar after it.

    Args:
        terms: Right, strike and tenor.
        opens: The underlying at each open, USD, > 0, shape (bars,).
        closes: The underlying at each close, USD, > 0, shape (bars,).
        volatility: Implied volatility at each close, annualised, > 0, shape (bars,).
        bar_s: Length of a bar in seconds.

    Raises:
        ValidationError: The tenor is shorter than a bar.

    Source:
        Black-Scholes, see `price_option`.  Rolling is a convention of this project.
    """
    tenor = round(terms.tenor_days * DAY_S / bar_s)
    if tenor < 1:
        raise ValidationError("tenor_days", found=terms.tenor_days, needed="at least one bar")
    before = np.concatenate((np.full(1, np.nan), volatility))[: len(volatility)]
    bars = np.isfinite(opens) & np.isfinite(closes)
    seen, sees = np.isfinite(before), np.isfinite(volatility)
    strike, left = np.full(len(opens), np.nan), np.full(len(opens), np.nan)
    expires = np.zeros(len(opens))
    for first, last, end in _listings(bars & seen & sees, bars & seen, bars, tenor=tenor):
        strike[first:end] = terms.moneyness * opens[first]
        left[first:end] = tenor - np.arange(end - first)
        if last is not None:
            expires[last] = 1.0
    at_open, at_close = np.maximum(left, 0.0), np.maximum(left - 1.0, 0.0)
    # Where no time is left, the volatility no longer matters.
    known = bars & (seen | (at_open == 0.0)) & (sees | (at_close == 0.0)) & np.isfinite(strike)
    years = bar_s / DAY_S / YEAR_DAYS
    return OptionMarks(
        open=_where(known, price_option(terms.right, opens, strike, before, at_open * years)),
        close=_where(
            known, price_option(terms.right, closes, strike, volatility, at_close * years)
        ),
        strike=_where(known, strike),
        days_left=_where(known, at_close * (bar_s / DAY_S)),
        expires=expires,
    )


def _listings(live: Flags, settles: Flags, bars: Flags, *, tenor: int) -> Iterator[_Listing]:
    """Yield one contract after the other.

    Args:
        live: Where one can be listed.
        settles: Where one whose time has come can be settled.
        bars: Where one can be settled whose time is over.
        tenor: From the first to the last bar of a contract, bars.
    """
    row = 0
    while (first := _next(live, row)) is not None:
        due = first + tenor - 1
        last = due if due < len(bars) and settles[due] else _next(bars, due + 1)
        row = len(bars) if last is None else last + 1
        yield _Listing(first, last, row)


def _next(flags: Flags, row: int) -> int | None:
    """Return the first row at or after `row` whose flag is set."""
    rest = flags[row:]
    return row + int(np.argmax(rest)) if rest.any() else None


def _where(known: Flags, values: Floats) -> Floats:
    return np.where(known, values, np.nan)
