"""From tables to a market: spot prices as they are, deposits as an index that opens at 1."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from actors.feeds.align import Table, day_number
from arena.exceptions import ValidationError
from arena.instruments import accrue_linear
from arena.market import DAY_S, Floats, Market, Provenance, Series

PERIODS_PER_YEAR = 365
"""These markets never close."""

_MARKS = ("close", "index", "apr")
"""What the marks of an instrument are made from: the first of these that is there."""

Badge: TypeAlias = Literal["real", "synthetic", "mixed"]
Columns: TypeAlias = dict[str, tuple[Series, Floats]]


def assemble(tables: Sequence[Table]) -> Market:
    """Join tables that stand on the same days into one market.

    A deposit `<name>` becomes `<name>.open` and `<name>.close`, an index that opens at 1 on its
    first known bar:

    * from `<name>.index`, where a table has it: each bar closes at the index of its day and opens
      at the close before.  The first known bar accrues from the day before it, if the file has
      that day, and otherwise not at all.  `<name>.index` itself is not passed on.
    * else from `<name>.apr`, accrued linearly within a bar; such an index is `estimated`.

    Where a deposit has no bar, nothing accrues; an index catches up on the next bar that is there.
    Where bars of what can be traded were held, `<name>.held` says for each bar whether it was (1.0)
    or not (0.0).

    Raises:
        ValidationError: There is no table, days differ, or a column stands twice.
    """
    columns: Columns = {}
    for table in tables:
        if not np.array_equal(table.days, tables[0].days):
            raise ValidationError("tables", found=f"{table.file} on other days", needed="same days")
        for i, series in enumerate(table.series):
            _add(columns, series, table.values[:, i])
    if not columns:
        raise ValidationError("tables", found="none", needed="at least one")
    columns = _with_deposits(columns)
    given = {series.name for table in tables for series in table.series}
    for table in tables:
        _add_held(columns, table, given)
    return Market(
        opens_at=tables[0].days[1:] * DAY_S,
        series=tuple(series for series, _ in columns.values()),
        values=np.column_stack([values[1:] for _, values in columns.values()]),
        periods_per_year=PERIODS_PER_YEAR,
    )


def merge(markets: Sequence[Market]) -> Market:
    """Join markets that share the same bars: real prices and synthetic rates, say.

    Raises:
        ValidationError: There is no market, their bars differ, or a column stands twice.
    """
    if not markets:
        raise ValidationError("markets", found="none", needed="at least one")
    first, columns = markets[0], Columns()
    for market in markets:
        if not _same_bars(market, first):
            raise ValidationError(
                "markets", found="bars that differ", needed="the same bars in all"
            )
        for series in market.series:
            _add(columns, series, market.column(series.name))
    return Market(
        opens_at=first.opens_at.copy(),
        series=tuple(series for series, _ in columns.values()),
        values=np.column_stack([values for _, values in columns.values()]),
        periods_per_year=first.periods_per_year,
        bar_s=first.bar_s,
    )


def badge(market: Market) -> Badge:
    """Return `synthetic` if every column is, `real` if none is, else `mixed`.

    What was resampled or estimated was made from real numbers, and counts as real here.
    """
    synthetic = [series.provenance is Provenance.SYNTHETIC for series in market.series]
    if all(synthetic):
        return "synthetic"
    return "mixed" if any(synthetic) else "real"


def _add(columns: Columns, series: Series, values: Floats) -> None:
    if series.name in columns:
        places = f"{columns[series.name][0].origin} and {series.origin}"
        raise ValidationError("column", found=f"{series.name} in {places}", needed="it once")
    columns[series.name] = (series, values)


def _with_deposits(columns: Columns) -> Columns:
    """Return the columns with each `.index` replaced by prices, and each lone `.apr` accrued."""
    result: Columns = {}
    for name, (series, values) in columns.items():
        deposit, _, kind = name.rpartition(".")
        if kind == "index":
            _add_prices(result, deposit, series, _follow(values))
        else:
            _add(result, series, values)
            if kind == "apr" and not {f"{deposit}.index", f"{deposit}.close"} & set(columns):
                estimated = replace(series, provenance=_estimated(series.provenance))
                _add_prices(result, deposit, estimated, _accrue(values))
    return result


def _add_prices(
    result: Columns, deposit: str, origin: Series, prices: tuple[Floats, Floats]
) -> None:
    for kind, values in zip(("open", "close"), prices, strict=True):
        _add(result, replace(origin, name=f"{deposit}.{kind}", unit="index"), values)


def _add_held(columns: Columns, table: Table, given: Collection[str]) -> None:
    """Add `<name>.held` for each instrument whose marks are made from `table`, if it holds bars."""
    held = np.isin(table.days, [day_number(day) for day in table.held]).astype(np.float64)
    for series in table.series if table.held else ():
        if is_mark(series.name, given):
            _add(columns, replace(series, name=held_name(series.name), unit="flag"), held)


def is_mark(name: str, given: Collection[str]) -> bool:
    """Return whether the marks of its instrument are made from a column, of those `given`."""
    instrument, _, kind = name.rpartition(".")
    return kind == next((each for each in _MARKS if f"{instrument}.{each}" in given), None)


def held_name(name: str) -> str:
    """Return the column that says on which bars the instrument of `name` was held."""
    return f"{name.rpartition('.')[0]}.held"


def _estimated(provenance: Provenance) -> Provenance:
    return Provenance.ESTIMATED if provenance is Provenance.REAL else provenance


def _follow(index: Floats) -> tuple[Floats, Floats]:
    """Return opens and closes of a deposit that follows `index`; row 0 is before the first bar."""
    known = np.isfinite(index)
    first = int(np.flatnonzero(known)[0])
    closes: Floats = index / index[first]
    latest = np.maximum.accumulate(np.where(known, np.arange(len(index)), first))
    opens = np.concatenate((np.array([np.nan]), closes[latest[:-1]]))
    opens[~known] = np.nan
    opens[first] = 1.0
    return opens, closes


def _accrue(apr: Floats) -> tuple[Floats, Floats]:
    """Return opens and closes of a deposit that earns `apr`, from the first bar that knows it."""
    known = np.isfinite(apr[1:])
    first = 1 + int(np.flatnonzero(known)[0])
    opens, closes = np.full_like(apr, np.nan), np.full_like(apr, np.nan)
    paid = np.where(np.isfinite(apr), apr, 0.0)
    opens[first:], closes[first:] = accrue_linear(paid[first:], periods_per_year=PERIODS_PER_YEAR)
    for prices in (opens, closes):
        prices[1:][~known] = np.nan
    return opens, closes


def _same_bars(one: Market, other: Market) -> bool:
    return (
        np.array_equal(one.opens_at, other.opens_at)
        and one.bar_s == other.bar_s
        and one.periods_per_year == other.periods_per_year
    )
