"""A whole market from one seed: spot bars, lending rates, their indices, and BTC's MVRV.

That is the core universe; the full one has all of `GROUPS` behind it, and the same core.

Every series says that it is synthetic.  The regimes behind the prices are hindsight and stay out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from arena.exceptions import ValidationError
from arena.instruments import accrue_linear
from arena.market import DAY_S, Floats, Market, Provenance, Series
from arena.prices.assets import SpotParameters
from arena.prices.bars import Bars, simulate_bars
from arena.prices.groups import GROUPS, SeriesParameters, add_series
from arena.prices.mvrv import MvrvParameters, simulate_mvrv
from arena.prices.rates import RateParameters, simulate_rates
from arena.prices.regimes import RegimeParameters, simulate_regimes
from arena.prices.returns import DAYS_PER_YEAR, simulate_returns
from arena.seed import Seed

YEAR_2020 = 1_577_836_800
"""2020-01-01T00:00:00Z in Unix seconds."""

UNIVERSES: Mapping[str, tuple[str, ...]] = {"core": (), "full": tuple(GROUPS)}
"""Universe -> the groups of series that it has beside spot, lending and MVRV."""

_ORIGIN = "synthetic, made by arena.prices: no record of any market"
_ASSUMED = "synthetic, made by arena.prices: an assumption, no rate history was found to estimate"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketParameters:
    """The parameters of everything in a synthetic market.

    Attributes:
        regimes: How long bull, bear and sideways last.
        spot: The assets; the first of them carries the MVRV.
        mvrv: How realised cap follows the price.
        rates: The lending pools.
        series: The groups that the full universe adds.
    """

    regimes: RegimeParameters = field(default_factory=RegimeParameters)
    spot: SpotParameters = field(default_factory=SpotParameters)
    mvrv: MvrvParameters = field(default_factory=MvrvParameters)
    rates: RateParameters = field(default_factory=RateParameters)
    series: SeriesParameters = field(default_factory=SeriesParameters)


def simulate_market(
    bars: int,
    seed: Seed,
    *,
    opens_at: int = YEAR_2020,
    parameters: MarketParameters = MarketParameters(),
    universe: str = "core",
) -> Market:
    """Return a daily market of spot assets, lending pools and MVRV, and more in the full universe.

    Columns, in order: `<asset>.open .high .low .close` (USD) and `.volume` (USD/day);
    `<pool>.apr` (1/year), `.open` and `.close` (index, which opens at 1); `btc_mvrv` (ratio).
    MVRV is published a bar late: row t holds day t-1, and the first row is NaN.  The full universe
    has the columns of `GROUPS` behind them.

    Args:
        bars: Days, >= 1.
        seed: Split by label: no series shares a stream with another.
        opens_at: Unix seconds at which the first bar opens.
        parameters: What the market is like.
        universe: One of `UNIVERSES`: "core" or "full".

    Returns:
        A market of `bars` rows.  One with more bars begins with the same rows, and the full one
        with the columns of the core.

    Raises:
        ValidationError: `bars` is less than 1, or there is no such universe.

    Source:
        Estimates from BTC, ETH, SOL 2019-01 to 2023-06 and Aave v3 2025-07 to 2026-02; Pendle's
        rate is an assumption.
    """
    if bars < 1:
        raise ValidationError("bars", found=bars, needed="at least 1")
    if universe not in UNIVERSES:
        raise ValidationError("universe", found=universe, needed=f"one of {', '.join(UNIVERSES)}")
    core = _simulate_core(bars, seed, opens_at, parameters)
    return add_series(core, UNIVERSES[universe], seed, parameters.series)


def _simulate_core(bars: int, seed: Seed, opens_at: int, parameters: MarketParameters) -> Market:
    """Return the core universe."""
    regimes = simulate_regimes(bars, seed.child("regimes"), parameters.regimes)
    returns = simulate_returns(regimes, seed.child("returns"), parameters.spot)
    spot = simulate_bars(returns, seed.child("bars"), parameters.spot)
    mvrv = simulate_mvrv(returns.log_returns[:, 0], seed.child("mvrv"), parameters.mvrv)
    rates = simulate_rates(bars, seed.child("rates"), parameters.rates)
    assumed = {pool.name for pool in parameters.rates.fixed}
    columns: list[tuple[Series, Floats]] = []
    for name, asset_bars in spot.items():
        columns += _spot_columns(name, asset_bars)
    for name, apr in rates.items():
        columns += _lending_columns(name, apr, _ASSUMED if name in assumed else _ORIGIN)
    late = np.concatenate(([np.nan], mvrv[:-1]))
    columns.append((Series("btc_mvrv", "ratio", Provenance.SYNTHETIC, _ORIGIN), late))
    return Market(
        opens_at=opens_at + DAY_S * np.arange(bars, dtype=np.int64),
        series=tuple(series for series, _ in columns),
        values=np.column_stack([values for _, values in columns]),
        periods_per_year=DAYS_PER_YEAR,
    )


def _spot_columns(name: str, bars: Bars) -> list[tuple[Series, Floats]]:
    """Return the five columns of a spot asset."""
    fields = (
        ("open", "USD", bars.open),
        ("high", "USD", bars.high),
        ("low", "USD", bars.low),
        ("close", "USD", bars.close),
        ("volume", "USD/day", bars.volume),
    )
    return [
        (Series(f"{name}.{column}", unit, Provenance.SYNTHETIC, _ORIGIN), values)
        for column, unit, values in fields
    ]


def _lending_columns(name: str, apr: Floats, origin: str) -> list[tuple[Series, Floats]]:
    """Return the rate and the accrual index of a lending pool."""
    opens, closes = accrue_linear(apr, periods_per_year=DAYS_PER_YEAR)
    fields = (("apr", "1/year", apr), ("open", "index", opens), ("close", "index", closes))
    return [
        (Series(f"{name}.{column}", unit, Provenance.SYNTHETIC, origin), values)
        for column, unit, values in fields
    ]
