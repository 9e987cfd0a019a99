"""A market: bars x columns, with units and provenance; and the view of it that ends at now.

A column holds what is *known at the close of its row's bar*: a feature that is published late is
shifted before it gets here.  NaN means "not known" (not listed yet, not published yet).
An agent never holds a `Market`.  It holds a `MarketView`, whose arrays have received only the rows
up to now: there is no future behind them to reach for.
"""

from __future__ import annotations

import difflib
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from arena.exceptions import ValidationError

Floats: TypeAlias = npt.NDArray[np.float64]

DAY_S = 86_400


class Provenance(StrEnum):
    """Where the numbers of a series come from."""

    REAL = "real"
    RESAMPLED = "resampled"
    ESTIMATED = "estimated"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True)
class Series:
    """What one column means.

    Attributes:
        name: `<instrument>.<field>`, such as `BTC.close`, or a feature's name, such as `btc_mvrv`.
        unit: `USD`, `USD/day`, `index`, `1/year` (a rate as a fraction), `ratio`.
        provenance: Real, resampled, estimated or synthetic.
        origin: The file or generator it was made from, for people.
    """

    name: str
    unit: str
    provenance: Provenance
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Market:
    """Bars x columns.

    Attributes:
        opens_at: Unix seconds at which each bar opens, ascending, one `bar_s` apart.
        series: What each column means.
        values: float64, shape (bars, columns).
        periods_per_year: 365 for markets that never close, 252 for equities.
        bar_s: Length of a bar in seconds.
    """

    opens_at: npt.NDArray[np.int64]
    series: tuple[Series, ...]
    values: Floats
    periods_per_year: int = 365
    bar_s: int = DAY_S
    columns: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Check the shape and freeze the numbers.

        Raises:
            ValidationError: Shapes disagree, a name stands twice, or the bars are not in step.
        """
        if self.values.shape != (len(self.opens_at), len(self.series)):
            raise ValidationError(
                "market",
                found=self.values.shape,
                needed=f"({len(self.opens_at)}, {len(self.series)})",
            )
        columns = {series.name: i for i, series in enumerate(self.series)}
        if len(columns) != len(self.series):
            raise ValidationError("market", found="a column name twice", needed="unique names")
        if len(self.opens_at) > 1 and not np.all(np.diff(self.opens_at) == self.bar_s):
            raise ValidationError(
                "market", found="bars out of step", needed=f"one bar each {self.bar_s} s"
            )
        self.values.flags.writeable = False
        self.opens_at.flags.writeable = False
        object.__setattr__(self, "columns", columns)

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.opens_at)

    def column(self, name: str) -> Floats:
        """Return all rows of one column.

        Raises:
            ValidationError: There is no such column.
        """
        return self.values[:, find_column(self.columns, name)]

    def sha256(self, name: str) -> str:
        """Return the hash of one column's numbers: little-endian float64, in order of time."""
        return hashlib.sha256(self.column(name).astype("<f8").tobytes()).hexdigest()

    def opens_on(self, row: int) -> datetime:
        """Return the instant at which bar `row` opens."""
        return datetime.fromtimestamp(int(self.opens_at[row]), UTC)

    def closes_at(self, row: int) -> datetime:
        """Return the instant at which bar `row` closes: when its numbers are known."""
        return self.opens_on(row) + timedelta(seconds=self.bar_s)


def find_column(columns: Mapping[str, int], name: str) -> int:
    """Return the index of column `name`.

    Raises:
        ValidationError: There is no such column; the nearest name is offered.
    """
    try:
        return columns[name]
    except KeyError:
        near = difflib.get_close_matches(name, columns, n=1)
        hint = (
            f"one of the market's columns; did you mean {near[0]!r}?" if near else "a known column"
        )
        raise ValidationError("column", found=name, needed=hint) from None


class MarketView:
    """The market up to now, as an agent may see it.

    Arrays handed out are read-only, end at now, and rest on a buffer that is read-only too and has
    not been told the future: rows after now are NaN.

    Attributes:
        now: Row of the latest bar that has closed; -1 before the first.
    """

    __slots__ = (
        "_deviations",
        "_means",
        "_seen",
        "bar_s",
        "columns",
        "now",
        "opens_at",
        "periods_per_year",
    )

    def __init__(self, market: Market) -> None:
        self._seen: Floats = np.full(market.values.shape[::-1], np.nan)
        self._seen.flags.writeable = False
        self.columns = market.columns
        self.opens_at = market.opens_at
        self.periods_per_year = market.periods_per_year
        self.bar_s = market.bar_s
        self.now = -1
        self._means: dict[tuple[str, int], float] = {}
        self._deviations: dict[tuple[str, int], float] = {}

    def extend(self, market: Market) -> None:
        """Make room for the bars of a market that goes on where this one ends: only the feed may.

        Raises:
            ValidationError: It has other columns, or is shorter, or has other days.
        """
        bars = self._seen.shape[1]
        if market.columns != self.columns or not np.array_equal(
            market.opens_at[:bars], self.opens_at
        ):
            raise ValidationError(
                "market",
                found=f"{len(market)} bars of {len(market.columns)} columns",
                needed=f"the same {bars} bars of {len(self.columns)} columns, and more after them",
            )
        seen: Floats = np.full((len(self.columns), len(market)), np.nan)
        seen[:, :bars] = self._seen
        seen.flags.writeable = False
        self._seen, self.opens_at = seen, market.opens_at

    def reveal(self, values: Floats) -> None:
        """Append the rows `values`, shape (rows, columns): only the feed calls this."""
        start, self.now = self.now + 1, self.now + len(values)
        self._seen.flags.writeable = True
        self._seen[:, start : self.now + 1] = values.T
        self._means.clear()
        self._deviations.clear()
        self._seen.flags.writeable = False

    def history(self, name: str) -> Floats:
        """Return column `name` from the first bar to now, read-only, length `now + 1`.

        Raises:
            ValidationError: There is no such column.
        """
        array: Floats = self._seen[find_column(self.columns, name), : self.now + 1]
        return array

    def last(self, name: str) -> float:
        """Return the latest value of column `name`; NaN where it is not known.

        Raises:
            ValidationError: There is no such column.
        """
        return float(self._seen[find_column(self.columns, name), self.now])

    def mean(self, name: str, bars: int) -> float:
        """Return the mean of the last `bars` values of a column: computed once for all who ask.

        NaN where one of them is not known; the mean of all there are where there are fewer.
        """
        known = self._means.get((name, bars))
        if known is None:
            known = self._means[name, bars] = _mean(self.history(name)[-bars:])
        return known

    def deviation(self, name: str, bars: int) -> float:
        """Return the sample deviation (n - 1) of the last `bars` values; NaN under two of them."""
        known = self._deviations.get((name, bars))
        if known is None:
            known = self._deviations[name, bars] = _deviation(self.history(name)[-bars:])
        return known


def _mean(window: Floats) -> float:
    return float(np.add.reduce(window)) / len(window) if len(window) else math.nan


def _deviation(window: Floats) -> float:
    if len(window) < 2:
        return math.nan
    apart = window - _mean(window)
    return math.sqrt(float(np.add.reduce(apart * apart)) / (len(window) - 1))


def restrict(market: Market, rows: slice, names: Sequence[str] | None = None) -> Market:
    """Return `rows` of the market, and only the columns `names` where they are given.

    Raises:
        ValidationError: There is no such column.
    """
    names = list(market.columns) if names is None else names
    keep = [find_column(market.columns, name) for name in names]
    return Market(
        opens_at=market.opens_at[rows].copy(),
        series=tuple(market.series[i] for i in keep),
        values=market.values[rows][:, keep].copy(),
        periods_per_year=market.periods_per_year,
        bar_s=market.bar_s,
    )
