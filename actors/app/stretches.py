"""A life in days of three regimes: sums that do not grow, however long it is."""

from __future__ import annotations

import math

from arena.prices.regimes import Regime

_ROUNDING = 1e-12
"""A deviation this small is the rounding of equal returns."""


class Stretch:
    """The days of one regime.

    Attributes:
        days: How many.
        growth: Product of 1 + return over them.
    """

    __slots__ = ("_mean", "_squares", "days", "growth")

    def __init__(self) -> None:
        self.days = 0
        self.growth = 1.0
        self._mean = self._squares = 0.0

    def add(self, change: float) -> None:
        """Count one day's return.

        Source:
            Welford, Note on a Method for Calculating Corrected Sums of Squares and Products,
            Technometrics 4(3), 1962.
        """
        self.days += 1
        self.growth *= 1.0 + change
        before = change - self._mean
        self._mean += before / self.days
        self._squares += before * (change - self._mean)

    def sharpe(self, periods_per_year: int) -> float | None:
        """Return mean / sample deviation, annualised; 0 without deviation, None under two days."""
        if self.days < 2:
            return None
        deviation = math.sqrt(self._squares / (self.days - 1))
        if deviation <= _ROUNDING * (1.0 + abs(self._mean)):
            return 0.0
        return self._mean / deviation * math.sqrt(periods_per_year)


class Life:
    """The unit NAV of one agent, day by day: capital that comes or goes is not in it.

    Attributes:
        strategy: What it was born with.
        baseline: Whether it stands outside the population.
        nav: The latest one that is known.
        stretches: One for each regime.
    """

    __slots__ = ("_before", "_regime", "baseline", "nav", "strategy", "stretches")

    def __init__(self, strategy: str, *, baseline: bool) -> None:
        self.strategy = strategy
        self.baseline = baseline
        self.nav = self._before = 1.0
        self._regime: int | None = None
        self.stretches = tuple(Stretch() for _ in Regime)

    def close(self, nav: float, regime: int) -> None:
        """Begin the accounts of a day of `regime` that closed at `nav`."""
        self.end()
        self.nav, self._regime = nav, regime

    def touch(self, nav: float) -> None:
        """Let the day that closed last end at `nav` instead: something was sold after its close."""
        self.nav = nav

    def end(self) -> None:
        """Count the day that closed last; then there is none until the next one closes."""
        if self._regime is not None:
            change = self.nav / self._before - 1.0 if self._before > 0.0 else 0.0
            self.stretches[self._regime].add(change)
            self._before, self._regime = self.nav, None
