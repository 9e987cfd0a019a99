"""A bar as those who execute see it: what an instrument did from its open to its close."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

_PARKINSON = 2.0 * math.sqrt(math.log(2.0))
"""Range of log prices over their standard deviation, of a random walk."""


class Bar(NamedTuple):
    """One bar of one instrument.

    Attributes:
        open: Mark of one unit at the open, USD.
        close: Mark at the close.
        high: Highest mark; NaN where it is not known.
        low: Lowest mark; NaN where it is not known.
        volume: What everybody traded in the bar, USD; NaN where it is not known.
        unit: Notional of one unit at the open, USD; NaN where it is the open.
        carry: What one long unit pays over the bar, USD; below 0 it receives.
        expires: Whether positions are settled in cash at the close.
        held: Whether the bar was carried over a gap in the data.
        gas: The price of gas, relative to the one that costs were stated at.
    """

    open: float
    close: float
    high: float = math.nan
    low: float = math.nan
    volume: float = math.nan
    unit: float = math.nan
    carry: float = 0.0
    expires: bool = False
    held: bool = False
    gas: float = 1.0

    @property
    def notional(self) -> float:
        """USD that one unit counts for in weights, costs and limits."""
        return self.open if math.isnan(self.unit) else self.unit

    @property
    def volatility(self) -> float:
        """Standard deviation of the bar's log return, from its range; 0 where that is not known.

        Source:
            Parkinson (1980), The extreme value method for estimating the variance.
        """
        if not 0.0 < self.low <= self.high:
            return 0.0
        return math.log(self.high / self.low) / _PARKINSON

    def worst(self, quantity: float) -> float:
        """Return the mark at which `quantity` units were worth least within the bar."""
        ends = (self.open, self.close)
        if quantity < 0:
            return max(ends) if math.isnan(self.high) else max(self.high, *ends)
        return min(ends) if math.isnan(self.low) else min(self.low, *ends)


Bars: TypeAlias = Mapping[str, Bar]
"""Instrument -> its bar, for each one that has it."""


def flat(marks: Mapping[str, float], units: Mapping[str, float]) -> dict[str, Bar]:
    """Return bars in which nothing happens: the latest marks, to hold an order against."""
    return {name: Bar(mark, mark, unit=units.get(name, math.nan)) for name, mark in marks.items()}
