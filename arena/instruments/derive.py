"""From what a market records to what can be held: the columns of instruments, derived.

A market brings base series (`BTC.funding`, `ETH.iv`, `ETH-USDC.volume`, ...); an instrument is
priced by columns of its own (`BTC-PERP.open`, `.carry`, ...).  What the market has is left as it
is; what is missing is appended.  Row t is made from rows up to t, and nothing else: a market that
ends earlier has the same numbers up to there.

A derived column is synthetic if one of its inputs is, and otherwise estimated: it was recorded
nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np

from arena.exceptions import ValidationError
from arena.instruments.instrument import Instrument, Kind, Right
from arena.instruments.option import Terms, mark_option
from arena.instruments.perpetual import carry_of_bar
from arena.instruments.pool import PoolMarks, fee_yield, mark_pool
from arena.instruments.ranges import SWAP_SLIPPAGE_BPS, PriceBars, mark_range
from arena.instruments.spread import mark_spread
from arena.instruments.staking import mark_staked
from arena.market import DAY_S, Floats, Market, Provenance, Series

DOLLAR = "USDC"
"""The dollars in a pool: `<underlying>-USDC.volume` and `.tvl` are its base series."""


class Column(NamedTuple):
    """A derived column: its field, its unit, and its numbers, shape (bars,)."""

    field: str
    unit: str
    values: Floats


def derive(market: Market, instruments: Mapping[str, Instrument]) -> Market:
    """Return the market with the columns that price `instruments`.

    * perpetual: `.open .high .low .close .volume` of its underlying, where it has no marks of its
      own; `.carry` in any case.
    * staking: `.open .close`; and `.apr` for strategies.
    * pool: `.open .close`; and `.fee_apr`.
    * option: `.open .close .unit .expires`; and `.strike .days_left`.
    * spread: `.open .close .unit`.

    Spot and lending have prices and are not derived.  An instrument whose `.open` is there is left
    as it is, but for the carry of a perpetual.

    Args:
        market: With base series; not changed.
        instruments: Everything that can be traded, by name.

    Raises:
        ValidationError: A base series is missing, or the instrument does not say what it is made
            of; the message names both.
    """
    added: list[tuple[Series, Floats]] = []
    for name in sorted(instruments):
        added += _derive_one(market, instruments[name])
    if not added:
        return market
    return Market(
        opens_at=market.opens_at.copy(),
        series=(*market.series, *(series for series, _ in added)),
        values=np.column_stack([market.values, *(values for _, values in added)]),
        periods_per_year=market.periods_per_year,
        bar_s=market.bar_s,
    )


def _derive_one(market: Market, instrument: Instrument) -> Iterator[tuple[Series, Floats]]:
    """Yield the columns that the market lacks for one instrument."""
    make = _MAKERS.get(instrument.kind)
    if make is None or _is_priced(market, instrument):
        return
    base = _Base(market, instrument)
    columns = list(make(base))
    synthetic = any(series.provenance is Provenance.SYNTHETIC for series in base.read)
    provenance = Provenance.SYNTHETIC if synthetic else Provenance.ESTIMATED
    origin = f"derived from {', '.join(series.name for series in base.read)}"
    for field, unit, values in columns:
        name = instrument.column(field)
        if name not in market.columns:
            yield Series(name, unit, provenance, origin), values


def _is_priced(market: Market, instrument: Instrument) -> bool:
    """Return whether the market has all that prices an instrument."""
    needed = {"open", "carry"} if instrument.kind is Kind.PERPETUAL else {"open"}
    return all(instrument.column(field) in market.columns for field in needed)


class _Base:
    """The base series of one instrument; remembers which of them were read."""

    def __init__(self, market: Market, instrument: Instrument) -> None:
        self.market = market
        self.instrument = instrument
        self.read: list[Series] = []
        if instrument.underlying is None:
            raise ValidationError(instrument.name, found="no underlying", needed="the asset in it")
        self.underlying = instrument.underlying

    def column(self, name: str) -> Floats:
        """Return a column, contiguous."""
        if name not in self.market.columns:
            raise ValidationError(
                self.instrument.name,
                found=f"a market without {name}",
                needed=f"{name}: a {self.instrument.kind} instrument is derived from it",
            )
        self.read.append(self.market.series[self.market.columns[name]])
        return np.ascontiguousarray(self.market.column(name))

    def of(self, field: str) -> Floats:
        """Return a column of the underlying."""
        return self.column(f"{self.underlying}.{field}")

    def of_pool(self, field: str) -> Floats:
        """Return a column of the pool of the underlying and dollars."""
        return self.column(f"{self.underlying}-{DOLLAR}.{field}")


Make: TypeAlias = Callable[[_Base], Iterable[Column]]


def _perpetual(base: _Base) -> Iterator[Column]:
    """Mark a perpetual by its own bar, or else by the bar of its underlying."""
    own = base.instrument.open_column in base.market.columns
    prefix = base.instrument.name if own else base.underlying
    funding = base.of("funding")
    opens, closes = base.column(f"{prefix}.open"), base.column(f"{prefix}.close")
    yield Column("carry", "USD", carry_of_bar(funding, opens, closes))
    if own:
        return
    # A contract whose funding nobody knows cannot be held: it has no bar.
    known = np.isfinite(funding)
    for field in ("open", "high", "low", "close", "volume"):
        if f"{prefix}.{field}" in base.market.columns:
            unit = "USD/day" if field == "volume" else "USD"
            yield Column(field, unit, np.where(known, base.column(f"{prefix}.{field}"), np.nan))


def _staking(base: _Base) -> Iterator[Column]:
    apr = base.of("staking_apr")
    marks = mark_staked(
        base.of("open"), base.of("close"), apr, periods_per_year=base.market.periods_per_year
    )
    yield Column("open", "USD", marks.open)
    yield Column("close", "USD", marks.close)
    yield Column("apr", "1/year", apr)


def _pool(base: _Base) -> Iterator[Column]:
    instrument, market = base.instrument, base.market
    fees = fee_yield(
        base.of_pool("volume"),
        base.of_pool("tvl"),
        fee_bps=instrument.pool_fee_bps,
        days=market.bar_s / DAY_S,
    )
    marks = _pool_marks(base, fees)
    yield Column("open", "USD", marks.open)
    yield Column("close", "USD", marks.close)
    yield Column("fee_apr", "1/year", marks.fees * market.periods_per_year)


def _pool_marks(base: _Base, fees: Floats) -> PoolMarks:
    """Return the marks of a share of the full range, or of a managed range."""
    width = base.instrument.width
    if width is None:
        return mark_pool(base.of("open"), base.of("close"), fees)
    prices = PriceBars(*(base.of(field) for field in PriceBars._fields))
    cost = base.instrument.pool_fee_bps + SWAP_SLIPPAGE_BPS
    return mark_range(prices, fees, width=width, swap_cost_bps=cost)


def _option(base: _Base) -> Iterator[Column]:
    instrument = base.instrument
    if instrument.right is None:
        raise ValidationError(instrument.name, found="no right", needed="put or call")
    opens = base.of("open")
    marks = mark_option(
        Terms(instrument.right, instrument.moneyness, instrument.tenor_days),
        opens,
        base.of("close"),
        base.of("iv"),
        bar_s=base.market.bar_s,
    )
    covered = marks.strike if instrument.right is Right.PUT else opens
    yield Column("open", "USD", marks.open)
    yield Column("close", "USD", marks.close)
    yield Column("unit", "USD", np.where(np.isfinite(marks.open), covered, np.nan))
    yield Column("expires", "flag", marks.expires)
    yield Column("strike", "USD", marks.strike)
    yield Column("days_left", "days", marks.days_left)


def _spread(base: _Base) -> Iterator[Column]:
    opens = base.of("open")
    marks = mark_spread(opens, base.of("close"), base.of("venue_spread"))
    yield Column("open", "USD", marks.open)
    yield Column("close", "USD", marks.close)
    yield Column("unit", "USD", np.where(np.isfinite(marks.open), opens, np.nan))


_MAKERS: Mapping[Kind, Make] = {
    Kind.PERPETUAL: _perpetual,
    Kind.STAKING: _staking,
    Kind.POOL: _pool,
    Kind.OPTION: _option,
    Kind.SPREAD: _spread,
}
