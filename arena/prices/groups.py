"""Series that a daily market can be given beside its spot bars, in groups, from one seed.

    funding volatility pools staking venues moonshots gas        GROUPS: name -> columns
    add_series                                                   any of them, on any daily market

The market may be simulated or a record: what is added follows its prices, is synthetic, and says
which of it was estimated and which was assumed.  A group draws from its own child of the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from arena.exceptions import ValidationError
from arena.market import DAY_S, Floats, Market, Provenance, Series
from arena.prices.funding import FundingParameters, simulate_funding
from arena.prices.gas import GasParameters, simulate_gas
from arena.prices.moonshots import MoonshotParameters, name_tokens, simulate_moonshots
from arena.prices.pools import PoolParameters, simulate_pool
from arena.prices.record import blank_unlisted, read_log_returns
from arena.prices.staking import StakingParameters, simulate_staking
from arena.prices.venues import VenueParameters, simulate_venue_spread
from arena.prices.volatility import VolatilityParameters, simulate_volatility
from arena.seed import Seed

_ESTIMATED = "synthetic, made by arena.prices: estimated from a record, no record of any market"
_ASSUMED = "synthetic, made by arena.prices: an assumption, no history was found to estimate"
_TOKEN_UNITS = {
    "open": "USD",
    "high": "USD",
    "low": "USD",
    "close": "USD",
    "volume": "USD/day",
    "expires": "flag",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesParameters:
    """The parameters of every group, under the name of the group."""

    funding: FundingParameters = field(default_factory=FundingParameters)
    volatility: VolatilityParameters = field(default_factory=VolatilityParameters)
    pools: PoolParameters = field(default_factory=PoolParameters)
    staking: StakingParameters = field(default_factory=StakingParameters)
    venues: VenueParameters = field(default_factory=VenueParameters)
    moonshots: MoonshotParameters = field(default_factory=MoonshotParameters)
    gas: GasParameters = field(default_factory=GasParameters)


Column: TypeAlias = tuple[Series, Floats]
Make: TypeAlias = Callable[[Market, Seed, SeriesParameters], Iterator[Column]]


def add_series(
    market: Market,
    groups: Sequence[str],
    seed: Seed,
    parameters: SeriesParameters = SeriesParameters(),
) -> Market:
    """Return `market` with the columns of `groups` behind its own.

    A column that the market has already stays as it is: a record comes before a simulation.

    Args:
        market: Daily; its closes may be NaN before an asset is listed and in holes.
        groups: Keys of `GROUPS`.
        seed: Each group draws from its child of the group's name, whatever else is asked for.
        parameters: What each group is like.

    Returns:
        The same rows; a market with more bars begins with the same rows.  A series that follows an
        asset is NaN before its first known close.  Units: `.funding` 1/day, `.iv` and
        `.venue_spread` ratio, `.staking_apr` 1/year, `.tvl` and prices USD, `.volume` USD/day,
        `gas_gwei` gwei, `.expires` flag (1.0 or 0.0).

    Raises:
        ValidationError: A group is not known, the market is not daily, or it lacks a column (its
            name is in the message) that a group follows.
    """
    if market.bar_s != DAY_S:
        raise ValidationError("market", found=f"bars of {market.bar_s} s", needed="daily bars")
    columns: list[Column] = []
    for group in dict.fromkeys(groups):
        if group not in _MAKERS:
            raise ValidationError("group", found=group, needed=f"one of {', '.join(_MAKERS)}")
        columns += _MAKERS[group](market, seed.child(group), parameters)
    new = [(series, values) for series, values in columns if series.name not in market.columns]
    return Market(
        opens_at=market.opens_at,
        series=(*market.series, *(series for series, _ in new)),
        values=np.column_stack([market.values, *(values for _, values in new)]),
        periods_per_year=market.periods_per_year,
        bar_s=market.bar_s,
    )


def _funding(market: Market, seed: Seed, parameters: SeriesParameters) -> Iterator[Column]:
    closes = {asset: market.column(f"{asset}.close") for asset in parameters.funding.assets}
    returns = {asset: read_log_returns(column) for asset, column in closes.items()}
    for asset, rates in simulate_funding(returns, seed, parameters.funding).items():
        paid = blank_unlisted(rates.sum(axis=1), closes[asset])
        yield _series(f"{asset}.funding", "1/day", _ESTIMATED), paid


def _volatility(market: Market, seed: Seed, parameters: SeriesParameters) -> Iterator[Column]:
    for asset in parameters.volatility.assets:
        closes = market.column(f"{asset.name}.close")
        returns = read_log_returns(closes)
        implied = simulate_volatility(returns, seed, asset, parameters.volatility)
        yield _series(f"{asset.name}.iv", "ratio", _ASSUMED), blank_unlisted(implied, closes)


def _pools(market: Market, seed: Seed, parameters: SeriesParameters) -> Iterator[Column]:
    pool = parameters.pools
    closes, traded = (market.column(f"{pool.asset}.{kind}") for kind in ("close", "volume"))
    volume, locked = simulate_pool(read_log_returns(closes), traded, seed, pool)
    yield _series(f"{pool.name}.volume", "USD/day", _ASSUMED), blank_unlisted(volume, closes)
    yield _series(f"{pool.name}.tvl", "USD", _ASSUMED), blank_unlisted(locked, closes)


def _staking(market: Market, seed: Seed, parameters: SeriesParameters) -> Iterator[Column]:
    for asset in parameters.staking.assets:
        closes = market.column(f"{asset.name}.close")
        rates = blank_unlisted(simulate_staking(len(market), seed, asset), closes)
        yield _series(f"{asset.name}.staking_apr", "1/year", _ESTIMATED), rates


def _venues(market: Market, seed: Seed, parameters: SeriesParameters) -> Iterator[Column]:
    asset = parameters.venues.asset
    spread = simulate_venue_spread(len(market), seed, parameters.venues)
    known = blank_unlisted(spread, market.column(f"{asset}.close"))
    yield _series(f"{asset}.venue_spread", "ratio", _ESTIMATED), known


def _moonshots(market: Market, seed: Seed, parameters: SeriesParameters) -> Iterator[Column]:
    returns = read_log_returns(market.column(f"{parameters.moonshots.market}.close"))
    for name, token in simulate_moonshots(returns, seed, parameters.moonshots).items():
        bars = token.bars
        fields = (bars.open, bars.high, bars.low, bars.close, bars.volume, token.expires)
        for (kind, unit), values in zip(_TOKEN_UNITS.items(), fields, strict=True):
            yield _series(f"{name}.{kind}", unit, _ASSUMED), values


def _gas(market: Market, seed: Seed, parameters: SeriesParameters) -> Iterator[Column]:
    yield (
        _series("gas_gwei", "gwei", _ESTIMATED),
        simulate_gas(len(market), seed, parameters.gas),
    )


def _series(name: str, unit: str, origin: str) -> Series:
    return Series(name, unit, Provenance.SYNTHETIC, origin)


_MAKERS: Mapping[str, Make] = {
    "funding": _funding,
    "volatility": _volatility,
    "pools": _pools,
    "staking": _staking,
    "venues": _venues,
    "moonshots": _moonshots,
    "gas": _gas,
}

GROUPS: Mapping[str, tuple[str, ...]] = {
    "funding": ("BTC.funding", "ETH.funding"),
    "volatility": ("BTC.iv", "ETH.iv"),
    "pools": ("ETH-USDC.volume", "ETH-USDC.tvl"),
    "staking": ("ETH.staking_apr", "SOL.staking_apr"),
    "venues": ("BTC.venue_spread",),
    "moonshots": tuple(
        f"{name}.{kind}" for name in name_tokens(MoonshotParameters()) for kind in _TOKEN_UNITS
    ),
    "gas": ("gas_gwei",),
}
"""The columns that each group adds, with the parameters as they are given."""
