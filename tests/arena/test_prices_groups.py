"""Series in groups follow any daily market: simulated or recorded, listed late or full of holes."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.exceptions import ValidationError
from arena.market import DAY_S, Floats, Market, Provenance, Series, restrict
from arena.prices import (
    GROUPS,
    UNIVERSES,
    MarketParameters,
    SeriesParameters,
    StakedAsset,
    StakingParameters,
    add_series,
    simulate_market,
)
from arena.seed import Seed

BARS = 700
SPOT = ("BTC", "ETH", "SOL")
FOLLOWS = {
    "funding": ["BTC.close", "ETH.close"],
    "volatility": ["BTC.close", "ETH.close"],
    "pools": ["ETH.close", "ETH.volume"],
    "staking": ["ETH.close", "SOL.close"],
    "venues": ["BTC.close"],
    "moonshots": ["BTC.close"],
    "gas": [],
}
ASSUMED = ("volatility", "pools", "moonshots")
UNITS = {
    "funding": "1/day",
    "iv": "ratio",
    "tvl": "USD",
    "volume": "USD/day",
    "staking_apr": "1/year",
    "venue_spread": "ratio",
    "gas_gwei": "gwei",
    "expires": "flag",
} | dict.fromkeys(("open", "high", "low", "close"), "USD")
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "crypto" / "daily_ohlcv.csv"


@cache
def core() -> Market:
    return simulate_market(BARS, Seed(1))


@cache
def full() -> Market:
    return simulate_market(BARS, Seed(1), universe="full")


def a_market(columns: dict[str, Floats], bar_s: int = DAY_S) -> Market:
    rows = len(next(iter(columns.values())))
    return Market(
        opens_at=bar_s * np.arange(rows, dtype=np.int64),
        series=tuple(Series(name, "USD", Provenance.REAL) for name in columns),
        values=np.column_stack(list(columns.values())),
        bar_s=bar_s,
    )


def spot(holes: Floats | None = None) -> Market:
    """The simulated spot columns alone, with NaN on the rows where `holes` is true."""
    names = [name for name in core().columns if name.split(".")[0] in SPOT]
    columns = {name: core().column(name).copy() for name in names}
    for values in columns.values():
        if holes is not None:
            values[: len(holes)][holes] = np.nan
    return a_market(columns)


def added(market: Market, group: str) -> Floats:
    """The columns of `group`, shape (bars, columns)."""
    return np.column_stack([market.column(name) for name in GROUPS[group]])


def test_the_full_universe_begins_with_the_core_to_the_last_bit() -> None:
    names = list(core().columns)

    assert list(full().columns)[: len(names)] == names
    assert all(full().sha256(name) == core().sha256(name) for name in names)
    assert set(UNIVERSES["full"]) == set(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_adds_the_columns_that_it_names(group: str) -> None:
    market = add_series(core(), [group], Seed(1))

    assert list(market.columns) == [*core().columns, *GROUPS[group]]


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_the_same_whatever_else_is_asked_for(group: str) -> None:
    alone = add_series(core(), [group], Seed(1))

    for name in GROUPS[group]:
        assert alone.sha256(name) == full().sha256(name)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("rows", [1, 2, 91, 400])
def test_a_longer_market_begins_with_the_shorter_one(group: str, rows: int) -> None:
    short = add_series(restrict(core(), slice(0, rows)), [group], Seed(1))

    np.testing.assert_allclose(added(short, group), added(full(), group)[:rows], rtol=1e-12)


@pytest.mark.parametrize("group", GROUPS)
def test_what_comes_later_changes_no_row_before(group: str) -> None:
    values = core().values.copy()
    values[400:] *= 3.0
    changed = Market(opens_at=core().opens_at, series=core().series, values=values)

    after = added(add_series(changed, [group], Seed(1)), group)

    assert np.array_equal(after[:400], added(full(), group)[:400], equal_nan=True)


@pytest.mark.parametrize("group", GROUPS)
def test_another_seed_gives_another_series(group: str) -> None:
    other = add_series(core(), [group], Seed(2))

    # The seventeenth token and those after it may not be listed under either seed.
    assert not np.array_equal(added(other, group), added(full(), group), equal_nan=True)


@pytest.mark.parametrize(("group", "column"), [(g, c) for g, cs in FOLLOWS.items() for c in cs])
def test_a_missing_column_is_named(group: str, column: str) -> None:
    market = restrict(core(), slice(None), [name for name in core().columns if name != column])

    with pytest.raises(ValidationError, match=column):
        add_series(market, [group], Seed(1))


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_needs_no_column_but_those_it_follows(group: str) -> None:
    market = restrict(core(), slice(None), FOLLOWS[group])

    assert np.array_equal(
        added(add_series(market, [group], Seed(1)), group), added(full(), group), equal_nan=True
    )


@given(
    holes=st.lists(st.booleans(), min_size=1, max_size=60).map(np.array),
    group=st.sampled_from([group for group in GROUPS if group != "moonshots"]),
)
@settings(max_examples=60)
def test_there_is_no_value_before_the_price_is_known_and_one_on_every_row_after(
    holes: Floats, group: str
) -> None:
    market = restrict(spot(holes), slice(0, 80))

    values = added(add_series(market, [group], Seed(1)), group)

    listed = 0 if group == "gas" else int(np.isfinite(market.column("BTC.close")).argmax())
    assert np.isnan(values[:listed]).all()
    assert np.isfinite(values[listed:]).all()


def test_tokens_live_where_their_market_is_not_known() -> None:
    nowhere = a_market({"BTC.close": np.full(50, np.nan)})

    assert np.isfinite(add_series(nowhere, ["moonshots"], Seed(1)).column("MOON-01.close")).any()


def test_a_market_without_any_known_price_has_no_series_that_follow_one() -> None:
    nowhere = a_market(
        {f"{a}.{kind}": np.full(9, np.nan) for a in SPOT for kind in ("close", "volume")}
    )

    for group in ("funding", "volatility", "pools", "staking", "venues"):
        assert np.isnan(added(add_series(nowhere, [group], Seed(1)), group)).all()


def test_a_hole_in_the_price_is_a_day_without_news() -> None:
    closes = np.full(300, 100.0)
    closes[150:160] = np.nan
    whole = a_market({"BTC.close": np.full(300, 100.0), "ETH.close": np.full(300, 100.0)})
    holed = a_market({"BTC.close": closes, "ETH.close": np.full(300, 100.0)})

    for group in ("funding", "volatility"):
        one, two = (added(add_series(market, [group], Seed(3)), group) for market in (whole, holed))
        assert np.array_equal(one, two)


def test_a_record_comes_before_a_simulation() -> None:
    record = np.full(BARS, 0.0003)
    columns = {"BTC.close": core().column("BTC.close"), "ETH.close": core().column("ETH.close")}
    market = add_series(a_market(columns | {"BTC.funding": record}), ["funding"], Seed(1))

    provenance = {series.name: series.provenance for series in market.series}

    assert np.array_equal(market.column("BTC.funding"), record)
    assert provenance["BTC.funding"] is Provenance.REAL
    assert market.sha256("ETH.funding") == full().sha256("ETH.funding")


@pytest.mark.parametrize("group", GROUPS)
def test_every_series_says_whether_it_was_estimated_or_assumed(group: str) -> None:
    by_name = {series.name: series for series in full().series}

    for series in (by_name[name] for name in GROUPS[group]):
        assert series.provenance is Provenance.SYNTHETIC
        assert series.origin.startswith("synthetic")
        assert ("assumption" in series.origin) == (group in ASSUMED)
        assert ("estimated from" in series.origin) == (group not in ASSUMED)
        assert series.unit == UNITS[series.name.rpartition(".")[2]]


def test_parameters_change_their_own_group_and_no_other() -> None:
    sol = StakingParameters(
        assets=(StakedAsset(name="SOL", apr_mean=0.05, log_sd=0.1, half_life_days=9.0),)
    )
    series = SeriesParameters(staking=sol)

    market = simulate_market(
        BARS, Seed(1), universe="full", parameters=MarketParameters(series=series)
    )

    assert set(full().columns) - set(market.columns) == {"ETH.staking_apr"}
    changed = {n for n in market.columns if market.sha256(n) != full().sha256(n)}
    assert changed == {"SOL.staking_apr"}


def test_an_unknown_group_an_unknown_universe_and_bars_of_an_hour_are_refused() -> None:
    hourly = a_market({"BTC.close": np.ones(3)}, bar_s=3600)

    with pytest.raises(ValidationError, match="one of funding, volatility"):
        add_series(core(), ["options"], Seed(1))
    with pytest.raises(ValidationError, match="one of core, full"):
        simulate_market(3, Seed(1), universe="whole")
    with pytest.raises(ValidationError, match="daily bars"):
        add_series(hourly, ["gas"], Seed(1))


@cache
def record() -> Market:
    """BTC, ETH and SOL as they were, 2019-01 to 2023-06; SOL is listed in 2020-04."""
    if not REAL.exists():
        pytest.skip("the shared data folder is not here")
    rows: dict[str, dict[int, tuple[float, float]]] = {asset: {} for asset in SPOT}
    with REAL.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            day = int(datetime.fromisoformat(row["date"]).replace(tzinfo=UTC).timestamp()) // DAY_S
            rows[row["asset"]][day] = (float(row["close"]), float(row["volume_usd"]))
    first, last = min(rows["BTC"]), max(rows["BTC"])
    columns = {
        f"{asset}.{kind}": np.array(
            [days.get(day, (np.nan, np.nan))[i] for day in range(first, last + 1)]
        )
        for asset, days in rows.items()
        for i, kind in enumerate(("close", "volume"))
    }
    return a_market(columns)


@pytest.mark.parametrize("group", GROUPS)
def test_real_prices_can_be_given_every_group(group: str) -> None:
    market = add_series(record(), [group], Seed(7))

    values = added(market, group)

    assert len(market) == 1642
    if group == "staking":
        assert np.isfinite(values[:, 0]).all()
        assert np.isnan(values[:465, 1]).all()  # Before SOL: 2019-01-01 to 2020-04-09.
        assert np.isfinite(values[465:, 1]).all()
    elif group != "moonshots":
        assert np.isfinite(values).all()


@pytest.mark.parametrize("asset", ["BTC", "ETH"])
def test_funding_made_for_real_prices_is_dear_when_it_really_was(asset: str) -> None:
    market = record()
    settled: dict[int, list[float]] = {}
    with (REAL.parent / "funding_8h_binance.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["asset"] == asset:
                # What is settled at midnight belongs to the day that ends.
                second = datetime.fromisoformat(row["time_utc"]).timestamp() - 1
                settled.setdefault(int(second) // DAY_S, []).append(float(row["funding_rate"]))
    first = int(datetime(2019, 1, 1, tzinfo=UTC).timestamp()) // DAY_S
    whole = sorted(day - first for day, rates in settled.items() if len(rates) == 3)
    paid = np.array([sum(settled[day + first]) for day in whole])

    made = [
        add_series(market, ["funding"], Seed(n)).column(f"{asset}.funding")[whole]
        for n in range(20)
    ]

    # .58 and .60, from the prices alone; dearer than what was paid by a sixth to a quarter.
    assert np.median([np.corrcoef(column, paid)[0, 1] for column in made]) > 0.5
    assert np.median([column.mean() / paid.mean() for column in made]) == pytest.approx(
        1.2, abs=0.1
    )
