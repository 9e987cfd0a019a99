"""Traps that real data sets were found to hold, each set with the real files, and what springs it.

Two tokens that are both called USDC are in `test_csv_real_data.py`.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actors.feeds import CsvSource, DataError, assemble, read_csv
from actors.feeds.gate import Gate
from actors.feeds.samples import Samples, read_samples

DATA = Path(__file__).parents[3].parent / "shared" / "data"
OHLCV = DATA / "crypto" / "daily_ohlcv.csv"
ONCHAIN = DATA / "crypto" / "btc_onchain_daily.csv"
FUNDING = DATA / "crypto" / "funding_8h_binance.csv"
VENUES = DATA / "crypto" / "perp_spot_8h.csv"
HOURLY = DATA / "crypto" / "perp_1h_okx.csv.gz"
AAVE = DATA / "defi" / "aave_v3_daily.csv.gz"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
GATE = Gate()

pytestmark = pytest.mark.skipif(
    not (DATA / "MANIFEST.csv").exists(), reason=f"the real data is not here: {DATA}"
)

BAR = {f"BTC.{name}": name for name in ("open", "high", "low", "close")}
Row = Mapping[str, str]


def rows_of(path: Path, **where: str) -> list[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return [row for row in csv.DictReader(file) if where.items() <= row.items()]


def write(path: Path, rows: Iterable[Row]) -> Path:
    rows = [*rows]
    with path.open("w") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def funding(path: Path = FUNDING, **arguments: Any) -> CsvSource:
    given = {
        "path": path,
        "series": {"BTC.funding": "funding_rate"},
        "where": {"asset": "BTC"},
        "time_column": "time_utc",
        "time_zone": "UTC",
        "unit": "fraction/settlement",
        "aggregate": "sum",
        "every_s": 28_800,
    }
    return CsvSource(**given | arguments)


def daily(source: CsvSource, start: str, end: str) -> np.ndarray:
    days = {"start": date.fromisoformat(start), "end": date.fromisoformat(end)}
    market = assemble(read_csv([source], **days, not_after=NOW))
    return market.values[:, 0]


def samples(path: Path, time_column: str = "date", **arguments: Any) -> Samples:
    given = {"series": BAR, "time_zone": "UTC", "time_column": time_column} | arguments
    return read_samples(CsvSource(path=path, **given), not_after=NOW)


def restamped(path: Path, change: Callable[[datetime], datetime], rows: Iterable[Row]) -> Path:
    """Write rows with other stamps, without an offset, as files have them."""
    return write(
        path,
        (
            {**row, "time_utc": f"{change(datetime.fromisoformat(row['time_utc'])):%Y-%m-%d %H:%M}"}
            for row in rows
        ),
    )


def test_what_was_paid_to_hold_a_perpetual_is_the_known_sum():
    days = daily(funding(), "2020-01-01", "2023-06-29")
    rates = [float(row["funding_rate"]) for row in rows_of(FUNDING, asset="BTC")]

    # The first settlement closes the day before, and the last day has only two of its three.
    assert days.sum() + rates[0] + sum(rates[-2:]) == pytest.approx(0.55603765, abs=5e-9)
    assert np.allclose(days, np.reshape(rates[1:-2], (-1, 3)).sum(axis=1), rtol=0, atol=1e-15)


def test_the_day_of_the_last_settlement_is_a_gap_since_it_lacks_one():
    with pytest.raises(DataError, match="a day has 3 rows, and some are missing"):
        daily(funding(), "2023-06-01", "2023-06-30")


def test_stamps_in_utc_plus_three_are_refused_or_read_with_their_zone(tmp_path):
    moscow = ZoneInfo("Europe/Moscow")
    rows = rows_of(FUNDING, asset="BTC")
    late = restamped(tmp_path / "late.csv", lambda at: at.astimezone(moscow), rows)

    with pytest.raises(DataError, match="a whole multiple of 28800 s after 00:00 UTC") as caught:
        daily(funding(late), "2020-01-01", "2023-06-29")
    read = daily(funding(late, time_zone="Europe/Moscow"), "2020-01-01", "2023-06-29")

    assert caught.value.found == "2020-01-01 03:00"
    assert np.array_equal(read, daily(funding(), "2020-01-01", "2023-06-29"))


def test_stamps_in_london_are_right_in_winter_and_refused_from_the_day_of_summer_time(tmp_path):
    london = ZoneInfo("Europe/London")
    rows = [row for row in rows_of(FUNDING, asset="BTC") if row["time_utc"] >= "2023"]
    local = restamped(tmp_path / "london.csv", lambda at: at.astimezone(london), rows)
    days = ("2023-01-01", "2023-06-29")

    with pytest.raises(DataError) as caught:
        daily(funding(local), *days)
    read = daily(funding(local, time_zone="Europe/London"), *days)

    assert caught.value.found == "2023-03-26 09:00"
    assert np.array_equal(read, daily(funding(), *days))


def test_the_hour_that_london_repeats_is_refused_and_not_guessed(tmp_path):
    london = ZoneInfo("Europe/London")
    rows = [row for row in rows_of(FUNDING, asset="BTC") if "2022-10" in row["time_utc"]]
    local = restamped(tmp_path / "london.csv", lambda at: at.astimezone(london), rows)

    with pytest.raises(DataError, match="this hour comes twice in Europe/London") as caught:
        daily(funding(local, time_zone="Europe/London"), "2022-10-02", "2022-10-30")

    assert caught.value.found == "2022-10-30 01:00"


def bars_of(venue: str, column: str, contract: str = "perp_usdt") -> Samples:
    where = {"venue": venue, "asset": "BTC", "contract": contract}
    return samples(VENUES, column, where=where)


def spread_bp(one: Samples, other: Samples) -> float:
    prices = [each.column("BTC.close") for each in (one, other)]
    _, rows, others = np.intersect1d(one.times, other.times, return_indices=True)
    return float(np.std(prices[0][rows] / prices[1][others] - 1, ddof=1)) * 1e4


def test_bars_that_open_four_hours_before_their_stamp_look_like_an_arbitrage():
    binance, bybit, okx = (bars_of(v, "time_utc", "spot") for v in ("binance", "bybit", "okx"))

    assert spread_bp(binance, bybit) == pytest.approx(105.4, abs=0.1)
    assert spread_bp(bybit, okx) == pytest.approx(1.52, abs=0.01)


@pytest.mark.parametrize("venue", ["bybit", "okx"])
def test_the_lag_scan_finds_the_four_hours_against_hourly_bars(venue):
    hourly = samples(HOURLY, "time_utc", where={"asset": "BTC"})

    (found,) = GATE.compare(bars_of(venue, "time_utc"), hourly)

    assert found.column == "open"
    assert "best when it is moved by -14400 s" in str(found.found)
    assert [*GATE.compare(bars_of("binance", "time_utc"), hourly)] == []
    assert [*GATE.compare(bars_of(venue, "bar_open_utc"), hourly)] == []


def eight_hours(venue: str, column: str) -> CsvSource:
    return CsvSource(
        path=VENUES,
        series=BAR,
        where={"venue": venue, "asset": "BTC", "contract": "perp_usdt"},
        time_column=column,
        time_zone="UTC",
        aggregate="ohlcv",
        every_s=28_800,
    )


def test_bars_that_lie_across_midnight_do_not_make_a_day():
    with pytest.raises(DataError) as caught:
        daily(eight_hours("okx", "bar_open_utc"), "2023-01-02", "2023-06-29")

    assert caught.value.found == "2022-12-31T20:00:00Z"


def test_three_bars_of_eight_hours_are_the_bar_of_24_hourly_ones():
    """Two venues: their opens and closes differ by a few basis points, a wrong hour by more."""
    days = {"start": date(2023, 1, 1), "end": date(2023, 6, 30), "not_after": NOW}
    hourly = CsvSource(
        path=HOURLY,
        series=BAR,
        where={"asset": "BTC"},
        time_column="time_utc",
        time_zone="UTC",
        aggregate="ohlcv",
        every_s=3_600,
    )

    (one,) = read_csv([eight_hours("binance", "time_utc")], **days)
    (other,) = read_csv([hourly], **days)

    assert {series.provenance.value for series in one.series} == {"resampled"}
    for i in (0, 3):
        assert np.std(one.values[1:, i] / other.values[1:, i]) * 1e4 < 3


def with_snapshots(tmp_path: Path, since: str) -> Path:
    """Write the real days of 2023, with closes that were taken at 13:00 from `since` on."""
    at_one = {
        row["time_utc"][:10]: float(row["open"])
        for row in rows_of(HOURLY, asset="BTC")
        if row["time_utc"][11:13] == "13"
    }
    rows = [row for row in rows_of(OHLCV, asset="BTC") if row["date"] >= "2023"]
    for row in rows:
        if row["date"] >= since:
            low, high, close = float(row["low"]), float(row["high"]), at_one[row["date"]]
            row["close"] = str(min(max(close, low), high))
    return write(tmp_path / "snapshots.csv", rows)


def test_snapshots_that_pose_as_closes_are_found_where_they_begin(tmp_path):
    (found,) = GATE.check(samples(with_snapshots(tmp_path, "2023-04-01")))

    assert "snapshots of the day" in found.needed
    assert "2023-03-25" < str(found.found)[:10] < "2023-04-15"


def test_snapshots_that_pose_as_closes_differ_from_a_second_source(tmp_path):
    path = with_snapshots(tmp_path, "2023-04-01")
    gate = Gate(apart_max=0.03)

    found = [*gate.compare(samples(path), samples(OHLCV, where={"asset": "BTC"}))]

    assert {problem.column for problem in found} == {"close"}
    assert {str(problem.found)[:7] for problem in found} == {"2023-04", "2023-05", "2023-06"}


def aave(path: Path = AAVE, **arguments: Any) -> Samples:
    where = {"network": "arbitrum", "asset_address": "0xaf88d065e77c8cc2239327c5edb3a432268e5831"}
    series = {"aave.apr": "supply_apr", "aave.index": "liquidity_index"}
    return samples(path, series=series, where=where, unit="fraction", **arguments)


def test_rates_drawn_around_a_slow_mean_are_told_from_real_ones():
    """As a set of "Aave Arbitrum" rates was; the slow mean here is that of the real ones."""
    real = aave()
    rates = real.column("aave.apr")
    slow = np.convolve(np.pad(rates, 15, mode="edge"), np.ones(31) / 31, mode="valid")
    found = []
    for seed in range(20):
        drawn = np.abs(slow + np.random.default_rng(seed).normal(0, 0.003, len(slow)))
        values = np.column_stack((drawn, real.column("aave.index")))
        found += [*GATE.check(replace(real, values=values))]

    assert len(rates) == 220  # Few for such a statistic: more rows leave less to chance.
    assert len(found) >= 15
    assert {problem.column for problem in found} == {"supply_apr"}
    assert [*GATE.check(real)] == []


def test_a_series_that_begins_before_its_market_existed_is_refused(tmp_path):
    """Aave v3 came to Arbitrum on 2022-03-16."""
    rows = rows_of(AAVE, network="arbitrum", symbol="DAI")
    early = [
        {**row, "date": str(date.fromisoformat(row["date"]) - timedelta(1_461))} for row in rows
    ]
    path = write(tmp_path / "early.csv", early)
    given = {
        "series": {"aave.apr": "supply_apr"}, "time_column": "date", "time_zone": "UTC",
        "unit": "fraction", "gaps": "hold:1", "not_before": date(2022, 3, 16),
    }  # fmt: skip

    with pytest.raises(DataError, match="there was nothing to quote before") as caught:
        daily(CsvSource(path=path, **given), "2021-08-01", "2021-12-31")

    assert caught.value.found == "2021-07-22"


def test_a_demonstration_with_a_round_price_is_not_the_bitcoin_of_that_day(tmp_path):
    """As a Parquet file in a package had it: 10,000 on 2016-01-01."""
    days = [date(2016, 1, 1) + timedelta(n) for n in range(500)]
    steps = np.random.default_rng(1).normal(0.001, 0.03, len(days))
    path = tmp_path / "demo.parquet"
    pq.write_table(pa.table({"date": days, "close": 10_000 * np.exp(np.cumsum(steps))}), path)
    close = {"BTC.close": "close"}

    demo = samples(path, series=close)
    found = [*GATE.compare(demo, samples(ONCHAIN, series={"BTC.close": "price_usd"}))]

    assert [*GATE.check(demo)] == []  # It looks real by itself.
    assert any("the same asset in the same unit" in problem.needed for problem in found)


@pytest.mark.parametrize("asset", ["BTC", "ETH", "SOL"])
def test_the_real_daily_bars_pass(asset):
    series = {f"{asset}.{name}": name for name in ("open", "high", "low", "close")}

    assert [*GATE.check(samples(OHLCV, series=series, where={"asset": asset}))] == []


def test_two_real_sources_of_one_price_agree_within_four_percent():
    close = {"BTC.close": "close"}
    bars = samples(OHLCV, series=close, where={"asset": "BTC"})
    onchain = samples(ONCHAIN, series={"BTC.close": "price_usd"})

    assert [*Gate(apart_max=0.04).compare(bars, onchain)] == []


def test_the_real_series_beside_prices_pass():
    bars = samples(HOURLY, "time_utc", where={"asset": "ETH"}, series={"ETH.close": "close"})
    ratio = samples(ONCHAIN, series={"btc_mvrv": "mvrv"})
    paid = read_samples(funding(), not_after=NOW)

    assert [[*GATE.check(each)] for each in (bars, ratio, paid)] == [[], [], []]
