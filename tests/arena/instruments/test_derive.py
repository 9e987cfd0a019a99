"""What can be held is priced by what the market has recorded up to then, and by nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.exceptions import ValidationError
from arena.instruments import Instrument, Kind, Right, derive
from arena.instruments.ranges import concentration
from arena.market import DAY_S, Floats, Market, Provenance, Series, restrict
from arena.prices import simulate_market
from arena.seed import Seed

BARS = 400

PERP = Instrument("BTC-PERP", Kind.PERPETUAL, underlying="BTC", leverage_max=5, maintenance=0.01)
STAKED = Instrument("SOL-STAKED", Kind.STAKING, "jito", underlying="SOL")
SHARE = Instrument("ETH-USDC-LP", Kind.POOL, "uniswap", underlying="ETH", pool_fee_bps=30.0)
RANGE = replace(SHARE, name="ETH-USDC-CL", width=0.2)
PUT = Instrument("BTC-PUT90", Kind.OPTION, underlying="BTC", right=Right.PUT, moneyness=0.9)
CALL = replace(PUT, name="BTC-CALL110", right=Right.CALL, moneyness=1.1)
SPREAD = Instrument("BTC-XVENUE", Kind.SPREAD, underlying="BTC", leverage_max=5)
ALL = (PERP, STAKED, SHARE, RANGE, PUT, CALL, SPREAD)

FIELDS = {
    PERP: {
        "open": "USD",
        "high": "USD",
        "low": "USD",
        "close": "USD",
        "volume": "USD/day",
        "carry": "USD",
    },
    STAKED: {"open": "USD", "close": "USD", "apr": "1/year"},
    SHARE: {"open": "USD", "close": "USD", "fee_apr": "1/year"},
    RANGE: {"open": "USD", "close": "USD", "fee_apr": "1/year"},
    PUT: {
        "open": "USD",
        "close": "USD",
        "unit": "USD",
        "expires": "flag",
        "strike": "USD",
        "days_left": "days",
    },
    SPREAD: {"open": "USD", "close": "USD", "unit": "USD"},
}


def named(*instruments: Instrument) -> Mapping[str, Instrument]:
    return {each.name: each for each in instruments}


@cache
def base() -> Market:
    return simulate_market(BARS, Seed(7), universe="full")


@cache
def derived() -> Market:
    return derive(base(), named(*ALL))


def of(instrument: Instrument, field: str) -> Floats:
    return derived().column(instrument.column(field))


def a_market(bar_s: int = DAY_S, **columns: list[float]) -> Market:
    """Return a real market: `BTC_close` is the column `BTC.close`."""
    names = [name.replace("_", ".", 1) for name in columns]
    values = np.column_stack([np.array(each) for each in columns.values()])
    return Market(
        opens_at=bar_s * np.arange(len(values), dtype=np.int64),
        series=tuple(Series(name, "USD", Provenance.REAL, "a file") for name in names),
        values=values,
        bar_s=bar_s,
    )


@pytest.mark.parametrize("instrument", FIELDS, ids=lambda each: each.name)
def test_an_instrument_gains_the_columns_of_its_kind(instrument: Instrument) -> None:
    found = {
        series.name: series.unit
        for series in derive(base(), named(instrument)).series[len(base().series) :]
    }

    fields = FIELDS[instrument]
    assert found == {instrument.column(field): unit for field, unit in fields.items()}


def test_what_the_market_has_is_left_as_it_is() -> None:
    width = len(base().series)

    assert derived().series[:width] == base().series
    assert np.array_equal(derived().values[:, :width], base().values, equal_nan=True)
    assert derived().opens_at.tolist() == base().opens_at.tolist()


def test_deriving_twice_derives_nothing_more() -> None:
    assert derive(derived(), named(*ALL)) is derived()
    assert derive(base(), {}) is base()


def test_the_order_of_the_instruments_is_of_no_consequence() -> None:
    other = derive(base(), named(*reversed(ALL)))

    assert other.series == derived().series


@given(st.integers(1, BARS))
def test_a_market_that_ends_earlier_has_the_same_numbers_up_to_there(bars: int) -> None:
    short = derive(restrict(base(), slice(0, bars)), named(*ALL))

    assert short.values.tobytes() == derived().values[:bars].tobytes()


def test_every_bar_but_the_first_can_be_held_and_a_bar_has_both_its_marks() -> None:
    for instrument in ALL:
        opens, closes = of(instrument, "open"), of(instrument, "close")

        assert np.isfinite(opens[1:]).all()
        assert np.array_equal(np.isfinite(opens), np.isfinite(closes))


def test_a_perpetual_is_marked_as_its_underlying_and_pays_its_funding() -> None:
    spot = {field: base().column(f"BTC.{field}") for field in ("open", "close", "low", "volume")}

    for field, values in spot.items():
        assert of(PERP, field).tolist() == values.tolist()
    rate = of(PERP, "carry") / ((spot["open"] + spot["close"]) / 2)
    assert rate == pytest.approx(base().column("BTC.funding"), rel=1e-12)


def test_a_perpetual_with_marks_of_its_own_keeps_them_and_gains_its_carry() -> None:
    market = a_market(
        BTC_funding=[0.001, 0.001],
        **{"BTC-PERP_open": [100.0, 110.0], "BTC-PERP_close": [110.0, 120.0]},
    )

    found = derive(market, named(PERP))

    assert [series.name for series in found.series[3:]] == ["BTC-PERP.carry"]
    assert found.column("BTC-PERP.carry") == pytest.approx([0.105, 0.115])


def test_a_perpetual_whose_funding_is_not_known_has_no_bar() -> None:
    market = a_market(BTC_open=[1.0, 1.0], BTC_close=[1.0, 1.0], BTC_funding=[np.nan, 0.001])

    found = derive(market, named(PERP))

    assert np.isfinite(found.column("BTC-PERP.open")).tolist() == [False, True]
    assert np.isfinite(found.column("BTC-PERP.close")).tolist() == [False, True]
    assert "BTC-PERP.high" not in found.columns


def test_a_staked_coin_grows_against_the_coin_by_its_rate() -> None:
    coins = of(STAKED, "close") / base().column("SOL.close")

    assert of(STAKED, "apr").tolist() == base().column("SOL.staking_apr").tolist()
    assert np.diff(np.log(coins)).sum() * 365 / (BARS - 1) == pytest.approx(
        of(STAKED, "apr")[1:].mean(), rel=1e-3
    )


def test_a_share_of_a_pool_earns_the_fees_of_its_traders() -> None:
    paid = 0.003 * base().column("ETH-USDC.volume") / base().column("ETH-USDC.tvl")
    moved = base().column("ETH.close") / base().column("ETH.open")

    assert of(SHARE, "fee_apr") == pytest.approx(paid * 365)
    assert of(SHARE, "close") / of(SHARE, "open") == pytest.approx(np.sqrt(moved) * (1 + paid))


def test_a_range_earns_more_than_the_whole_while_it_is_in_range_and_at_times_nothing() -> None:
    ratio = of(RANGE, "fee_apr") / of(SHARE, "fee_apr")

    assert np.all((ratio >= 0) & (ratio <= concentration(0.2) * (1 + 1e-12)))
    assert np.median(ratio) == pytest.approx(concentration(0.2))
    assert ratio.min() < 5


@pytest.mark.parametrize("option", [PUT, CALL], ids=lambda each: each.name)
def test_an_option_is_rolled_each_month(option: Instrument) -> None:
    last = np.flatnonzero(of(option, "expires"))
    strike, spot = of(option, "strike"), base().column("BTC.close")

    assert last.tolist() == list(range(30, BARS, 30))
    assert strike[last[:-1] + 1] == pytest.approx(
        option.moneyness * base().column("BTC.open")[last[:-1] + 1]
    )
    gain = strike - spot if option is PUT else spot - strike
    assert of(option, "close")[last].tolist() == np.maximum(gain, 0.0)[last].tolist()


def test_a_put_counts_as_its_strike_and_a_call_as_its_coin() -> None:
    assert of(PUT, "unit")[1:].tolist() == of(PUT, "strike")[1:].tolist()
    assert of(CALL, "unit")[1:].tolist() == base().column("BTC.open")[1:].tolist()
    assert np.isnan([of(PUT, "unit")[0], of(CALL, "unit")[0], of(SPREAD, "unit")[0]]).all()


def test_a_spread_counts_as_its_coin_and_not_as_its_mark() -> None:
    assert of(SPREAD, "unit")[1:].tolist() == base().column("BTC.open")[1:].tolist()
    assert np.nanmax(np.abs(of(SPREAD, "open") / of(SPREAD, "unit"))) < 0.01


def test_what_is_made_from_synthetic_numbers_is_synthetic_and_says_of_which() -> None:
    series = {each.name: each for each in derived().series}

    assert {each.provenance for each in derived().series} == {Provenance.SYNTHETIC}
    assert series["BTC-XVENUE.open"].origin == (
        "derived from BTC.open, BTC.close, BTC.venue_spread"
    )


def test_what_is_made_from_real_numbers_is_estimated() -> None:
    market = a_market(BTC_open=[9.0, 9.0], BTC_close=[9.0, 9.0], BTC_venue_spread=[0.0, 0.0])
    mixed = replace(
        market,
        series=(*market.series[:2], replace(market.series[2], provenance=Provenance.SYNTHETIC)),
    )

    assert derive(market, named(SPREAD)).series[-1].provenance is Provenance.ESTIMATED
    assert derive(mixed, named(SPREAD)).series[-1].provenance is Provenance.SYNTHETIC


@pytest.mark.parametrize(
    ("instrument", "missing"),
    [
        (PERP, "BTC.funding"),
        (STAKED, "SOL.staking_apr"),
        (SHARE, "ETH-USDC.volume"),
        (SHARE, "ETH-USDC.tvl"),
        (RANGE, "ETH.high"),
        (PUT, "BTC.iv"),
        (SPREAD, "BTC.venue_spread"),
        (SPREAD, "BTC.open"),
    ],
)
def test_what_is_missing_is_named_with_who_misses_it(instrument: Instrument, missing: str) -> None:
    market = restrict(base(), slice(None), [name for name in base().columns if name != missing])

    with pytest.raises(ValidationError) as caught:
        derive(market, named(instrument))

    assert caught.value.field == instrument.name
    assert missing in str(caught.value)


@pytest.mark.parametrize(
    ("instrument", "needed"),
    [
        (replace(PERP, underlying=None), "BTC-PERP: found 'no underlying'"),
        (replace(PUT, right=None), "BTC-PUT90: found 'no right'"),
        (replace(RANGE, width=1.5), "width: found 1.5"),
        (replace(PUT, tenor_days=0), "tenor_days: found 0"),
    ],
)
def test_an_instrument_that_does_not_say_what_it_is_is_refused(
    instrument: Instrument, needed: str
) -> None:
    with pytest.raises(ValidationError, match=needed):
        derive(base(), named(instrument))


def test_coins_and_deposits_are_not_derived() -> None:
    coin, deposit = Instrument("DOGE", Kind.SPOT), Instrument("aave", Kind.LENDING, "aave")

    assert derive(base(), named(coin, deposit)) is base()


def test_the_fees_of_an_hour_are_those_of_an_hour() -> None:
    market = a_market(
        bar_s=3_600,
        ETH_open=[100.0],
        ETH_close=[100.0],
        **{"ETH-USDC_volume": [24e6], "ETH-USDC_tvl": [100e6]},
    )

    found = derive(market, named(SHARE))

    assert found.column("ETH-USDC-LP.close") == pytest.approx([20.0 * (1 + 3e-5)])
