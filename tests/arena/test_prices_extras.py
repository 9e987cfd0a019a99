"""Options, pools, staking, venues, gas: each series looks as it was measured, or as it says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from arena.market import Floats, Market
from arena.prices import (
    GasParameters,
    OptionAsset,
    PoolParameters,
    VenueParameters,
    VolatilityParameters,
    simulate_gas,
    simulate_market,
    simulate_pool,
    simulate_venue_spread,
    simulate_volatility,
)
from arena.prices.record import read_log_returns
from arena.seed import Seed

PATHS, BARS, MONTH = 20, 2190, 30
BP = 1e-4


@pytest.fixture(scope="module")
def markets() -> list[Market]:
    return [simulate_market(BARS, Seed(n), universe="full") for n in range(PATHS)]


def acf(x: Floats, lag: int = 1) -> float:
    deviation = x - x.mean()
    return float((deviation[lag:] * deviation[:-lag]).sum() / (deviation**2).sum())


def medians(rows: list[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.median([row[name] for row in rows])) for name in rows[0]}


def describe_volatility(market: Market, asset: str) -> dict[str, float]:
    """What was implied at each close beside what was realised in the 30 days after it."""
    implied = market.column(f"{asset}.iv")
    squares = read_log_returns(market.column(f"{asset}.close")) ** 2
    realised = np.sqrt(365 * np.convolve(squares, np.ones(MONTH) / MONTH, "valid"))[1:]
    known = implied[: len(realised)]
    return {
        "median": float(np.median(implied)),
        "exceeds": float((known > realised).mean()),
        "premium": float(known.mean() / realised.mean()) - 1.0,
        "foresight": float(np.corrcoef(np.log(known), np.log(realised))[0, 1]),
        "memory": acf(np.log(implied)),
        "calm": float(np.quantile(implied, 0.01)),
        "storm": float(np.quantile(implied, 0.99)),
    }


@pytest.mark.parametrize(("asset", "level"), [("BTC", 0.64), ("ETH", 0.83)])
def test_implied_volatility_pays_its_seller_the_premium_that_was_assumed(
    markets: list[Market], asset: str, level: float
) -> None:
    found = medians([describe_volatility(market, asset) for market in markets])

    assert found["median"] == pytest.approx(level, abs=0.03)
    assert 0.60 < found["exceeds"] < 0.70  # On two days of three, not on all.
    assert 0.08 < found["premium"] < 0.14
    assert 0.1 < found["foresight"] < 0.4  # It knows a little of the month that comes.
    assert 0.95 < found["memory"] < 0.99
    assert found["calm"] > 0.35
    assert found["storm"] < 1.5


def test_implied_volatility_rises_with_the_day_that_shocks_and_forgets_it() -> None:
    asset, parameters = OptionAsset(name="BTC", volatility=0.7), VolatilityParameters()
    quiet = np.full(200, 0.03)
    shocked = quiet.copy()
    shocked[100] = -0.30

    before, after = (simulate_volatility(r, Seed(1), asset, parameters) for r in (quiet, shocked))
    rise = after / before

    assert (rise[:100] == 1.0).all()
    assert rise[100] > 1.3
    assert (np.diff(rise[100:]) < 0.0).all()
    assert rise[-1] == pytest.approx(1.0, abs=0.02)


def test_implied_volatility_stays_within_its_bounds() -> None:
    asset, parameters = OptionAsset(name="BTC", volatility=0.7), VolatilityParameters()

    for size in (1e-9, 0.5):
        implied = simulate_volatility(np.full(400, size), Seed(1), asset, parameters)
        assert implied.min() >= parameters.iv_min
        assert implied.max() <= parameters.iv_max


def describe_pool(market: Market) -> dict[str, float]:
    volume, locked = market.column("ETH-USDC.volume"), market.column("ETH-USDC.tvl")
    returns = read_log_returns(market.column("ETH.close"))
    fees = 0.003 * 365 * volume / locked
    return {
        "fees median": float(np.median(fees)),
        "fees mean": float(fees.mean()),
        "fees low": float(np.quantile(fees, 0.05)),
        "fees high": float(np.quantile(fees, 0.95)),
        "rebalancing": 365 * float(returns.var()) / 8.0,
        "with size": float(np.corrcoef(np.log(volume), np.abs(returns))[0, 1]),
        "with spot": float(np.corrcoef(np.log(volume), np.log(market.column("ETH.volume")))[0, 1]),
        "tvl": float(np.median(locked)),
        "tvl change": float(np.diff(np.log(locked)).std()),
    }


def test_a_pool_of_thirty_basis_points_pays_about_what_rebalancing_costs(
    markets: list[Market],
) -> None:
    found = medians([describe_pool(market) for market in markets])

    assert found["fees median"] == pytest.approx(0.082, abs=0.01)
    assert found["fees mean"] == pytest.approx(0.104, abs=0.01)
    assert found["fees low"] > 0.02
    assert found["fees high"] < 0.30
    assert 0.8 < found["fees mean"] / found["rebalancing"] < 1.5
    assert found["with size"] > 0.4
    assert found["with spot"] > 0.5
    assert found["tvl"] == pytest.approx(150e6, rel=0.15)
    assert found["tvl change"] < 0.04


def test_a_pool_does_without_a_volume_that_is_not_known() -> None:
    returns = np.full(50, 0.01)

    blind = simulate_pool(returns, np.full(50, np.nan), Seed(1), PoolParameters())
    steady = simulate_pool(returns, np.full(50, 5e9), Seed(1), PoolParameters())
    empty = simulate_pool(returns, np.zeros(50), Seed(1), PoolParameters())

    for one, two, three in zip(blind, steady, empty, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9)
        assert np.array_equal(one, three)


def test_a_pool_is_busier_on_a_busy_day_of_its_spot_market() -> None:
    returns, volume = np.full(50, 0.01), np.full(50, 5e9)
    busy = np.where(np.arange(50) == 20, 20e9, volume)

    (before, _), (after, _) = (
        simulate_pool(returns, v, Seed(1), PoolParameters()) for v in (volume, busy)
    )

    np.testing.assert_allclose(after[:20], before[:20], rtol=1e-12)
    assert after[20] / before[20] == pytest.approx(4.0**0.8)


@pytest.mark.parametrize(
    ("asset", "mean", "low", "high"), [("ETH", 0.0306, 0.018, 0.052), ("SOL", 0.07, 0.048, 0.10)]
)
def test_staking_pays_the_rate_that_was_measured_and_moves_slowly(
    markets: list[Market], asset: str, mean: float, low: float, high: float
) -> None:
    rates = np.array([market.column(f"{asset}.staking_apr") for market in markets])

    assert rates.mean() == pytest.approx(mean, rel=0.02)
    assert rates.min() > low
    assert rates.max() < high
    assert np.diff(np.log(rates), axis=1).std() < 0.02


def test_venues_differ_by_less_than_a_trade_costs(markets: list[Market]) -> None:
    spreads = np.array([market.column("BTC.venue_spread") for market in markets])

    assert spreads.std() == pytest.approx(1.5 * BP, rel=0.03)
    assert spreads.min() == pytest.approx(-9 * BP)
    assert spreads.max() == pytest.approx(6 * BP)
    assert abs(np.median([acf(row) for row in spreads])) < 0.02
    assert (np.abs(spreads) > 5 * BP).mean() < 0.02  # The record: 1.0 % of the time.


def test_funding_of_two_coins_is_dear_together(markets: list[Market]) -> None:
    ties = [
        np.corrcoef(market.column("BTC.funding"), market.column("ETH.funding"))[0, 1]
        for market in markets
    ]

    assert np.median(ties) == pytest.approx(0.63, abs=0.1)  # The record: .81, by the settlement.


def test_a_spread_remembers_as_much_as_it_is_told() -> None:
    spread = simulate_venue_spread(20_000, Seed(2), VenueParameters(phi=0.5))

    assert acf(spread) == pytest.approx(0.5, abs=0.03)
    assert spread.std() == pytest.approx(1.5 * BP, rel=0.05)


def test_gas_has_the_quantiles_of_its_record_and_forgets_within_a_day(
    markets: list[Market],
) -> None:
    gas = np.array([market.column("gas_gwei") for market in markets])

    assert np.median(gas) == pytest.approx(54.0, rel=0.03)
    assert np.quantile(gas, 0.95) == pytest.approx(296.0, rel=0.05)
    assert abs(np.median([acf(np.log(row)) for row in gas])) < 0.02


def test_gas_that_forgets_slowly_is_dear_for_weeks() -> None:
    slow = simulate_gas(20_000, Seed(3), GasParameters(minute_phi=0.9999))

    assert acf(np.log(slow)) == pytest.approx(0.9999**1440, abs=0.02)


def test_no_two_series_share_a_stream(markets: list[Market]) -> None:
    market = markets[0]
    noises = [
        np.diff(np.log(market.column(name)))
        for name in ("ETH-USDC.tvl", "ETH.staking_apr", "SOL.staking_apr", "gas_gwei", "aave.apr")
    ]

    apart = np.corrcoef(noises) - np.eye(len(noises))

    assert np.abs(apart).max() < 0.08
