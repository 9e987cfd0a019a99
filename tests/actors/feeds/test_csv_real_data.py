"""Real files load without a finding, and their known answers come out."""

from __future__ import annotations

import csv
import gzip
import hashlib
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from actors.feeds import CsvSource, DataError, assemble, badge, read_csv

DATA = Path(__file__).parents[3].parent / "shared" / "data"
OHLCV = DATA / "crypto" / "daily_ohlcv.csv"
ONCHAIN = DATA / "crypto" / "btc_onchain_daily.csv"
AAVE = DATA / "defi" / "aave_v3_daily.csv.gz"
NOW = datetime(2026, 11, 22, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not (DATA / "MANIFEST.csv").exists(), reason=f"the real data is not here: {DATA}"
)


def spot(asset: str) -> CsvSource:
    bar = {f"{asset}.{name}": name for name in ("open", "high", "low", "close")}
    return CsvSource(
        path=OHLCV,
        series=bar | {f"{asset}.volume": "volume_usd"},
        where={"asset": asset},
        time_column="date",
        time_zone="UTC",
    )


def mvrv() -> CsvSource:
    return CsvSource(
        path=ONCHAIN,
        series={"btc_mvrv": "mvrv"},
        time_column="date",
        time_zone="UTC",
        lag_bars=1,
    )


def aave(gaps: str = "hold:1", **where: str) -> CsvSource:
    return CsvSource(
        path=AAVE,
        series={"aave.apr": "supply_apr", "aave.index": "liquidity_index"},
        where=where,
        time_column="date",
        time_zone="UTC",
        unit="fraction",
        gaps=gaps,
    )


@pytest.mark.parametrize("path", [OHLCV, ONCHAIN, AAVE], ids=lambda path: path.name)
def test_the_files_are_the_ones_that_the_manifest_lists(path):
    with (DATA / "MANIFEST.csv").open() as manifest:
        hashes = {row["file"]: row["sha256"] for row in csv.DictReader(manifest)}

    name = path.relative_to(DATA).as_posix()

    assert hashlib.sha256(path.read_bytes()).hexdigest() == hashes[name]


def test_three_assets_and_a_lagged_ratio_load_without_a_finding():
    sources = [spot("BTC"), spot("ETH"), spot("SOL"), mvrv()]

    tables = read_csv(sources, start=date(2020, 4, 10), end=date(2023, 6, 30), not_after=NOW)
    market = assemble(tables)

    assert [table.notes for table in tables] == [()] * 4
    assert market.values.shape == (1177, 16)
    assert np.isfinite(market.values).all()
    assert badge(market) == "real"


def test_the_lagged_ratio_is_that_of_the_day_before():
    tables = read_csv([mvrv()], start=date(2020, 4, 10), end=date(2020, 4, 11), not_after=NOW)
    with ONCHAIN.open() as file:
        ratio = {row["date"]: float(row["mvrv"]) for row in csv.DictReader(file)}

    values = assemble(tables).column("btc_mvrv")

    assert values.tolist() == [ratio["2020-04-09"], ratio["2020-04-10"]]


def test_the_total_return_of_bitcoin_is_the_known_one():
    tables = read_csv([spot("BTC")], start=date(2019, 1, 1), end=date(2023, 6, 30), not_after=NOW)

    closes = assemble(tables).column("BTC.close")

    assert len(closes) - 1 == 1641
    assert closes[-1] / closes[0] - 1 == pytest.approx(6.9295156, abs=5e-8)


@pytest.mark.parametrize(
    ("asset", "sharpe", "drawdown"),
    [
        ("BTC", 1.01753016, -0.76634564),
        ("ETH", 1.11058347, -0.79351232),
        ("SOL", 1.3581827, -0.96272498),
    ],
)
def test_sharpe_and_drawdown_of_holding_are_the_known_ones(asset, sharpe, drawdown):
    tables = read_csv([spot(asset)], start=date(2019, 1, 1), end=date(2023, 6, 30), not_after=NOW)

    closes = assemble(tables).column(f"{asset}.close")
    closes = closes[np.isfinite(closes)]
    returns = closes[1:] / closes[:-1] - 1
    # The peak starts with the first return, as in the published figures.
    wealth = np.cumprod(1 + returns)

    assert returns.mean() / returns.std(ddof=1) * 365**0.5 == pytest.approx(sharpe, abs=5e-8)
    assert (wealth / np.maximum.accumulate(wealth)).min() - 1 == pytest.approx(drawdown, abs=5e-8)


def test_solana_is_not_known_before_it_was_listed():
    (table,) = read_csv([spot("SOL")], start=date(2019, 1, 1), end=date(2023, 6, 30), not_after=NOW)

    assert table.listed == date(2020, 4, 10)


def test_index_growth_agrees_with_rate_times_time():
    where = {"network": "ethereum", "symbol": "USDC"}
    days = {"start": date(2025, 7, 22), "end": date(2026, 2, 28)}

    (table,) = read_csv([aave(**where)], **days, not_after=NOW)
    market = assemble([table])
    growth = (market.column("aave.close") / market.column("aave.open") - 1).sum()

    assert growth == pytest.approx(0.0226851, abs=5e-8)
    assert _rate_times_time(**where) == pytest.approx(0.0226256, abs=5e-8)
    assert growth == pytest.approx(market.column("aave.apr").sum() / 365, rel=0.005)
    assert table.held == (date(2025, 7, 23), date(2026, 2, 15))


def test_the_missing_days_of_aave_are_refused_where_holding_was_not_allowed():
    source = aave("reject", network="ethereum", symbol="USDC")

    with pytest.raises(DataError) as caught:
        read_csv([source], start=date(2025, 7, 22), end=date(2026, 2, 28), not_after=NOW)

    assert [problem.found for problem in caught.value.problems] == ["2025-07-24", "2026-02-16"]


def test_the_two_tokens_called_usdc_on_arbitrum_cannot_be_taken_for_one():
    both = aave(network="arbitrum", symbol="USDC")
    native = aave(
        network="arbitrum",
        symbol="USDC",
        asset_address="0xaf88d065e77c8cc2239327c5edb3a432268e5831",
    )
    days = {"start": date(2025, 7, 22), "end": date(2026, 2, 28)}

    with pytest.raises(DataError, match="narrow it") as caught:
        read_csv([both], **days, not_after=NOW)
    (table,) = read_csv([native], **days, not_after=NOW)

    assert (caught.value.line, caught.value.found) == (662, "2025-07-22")
    assert len(table.held) == 2


def _rate_times_time(**where: str) -> float:
    """Return the sum of each rate times the years until the next on-chain update, left to right."""
    with gzip.open(AAVE, "rt") as file:
        rows = [row for row in csv.DictReader(file) if where.items() <= row.items()]
    updates = [datetime.fromisoformat(row["last_update_utc"]).timestamp() for row in rows]
    years = [(after - before) / (365 * 86_400) for before, after in pairwise(updates)]
    return sum(float(row["supply_apr"]) * dt for row, dt in zip(rows, years, strict=False))
