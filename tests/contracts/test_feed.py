"""Every market keeps what a feed promises, be it made, read, or drawn for a test."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from actors.feeds import CsvSource, assemble, read_csv
from actors.feeds.synthetic import load_synthetic
from actors.testing import crash, deposit, flat, from_table, gap, synthetic, trend
from actors.testing.conformance import FeedConformance
from arena.market import Market
from arena.seed import Seed

NOW = datetime(2026, 1, 1, tzinfo=UTC)

CSV = """date,open,high,low,close,rate
2024-01-01,100,120,90,110,0.05
2024-01-02,110,111,80,85,0.05
2024-01-04,85,90,85,90,0.04
"""


class TestSynthetic(FeedConformance):
    def make_market(self, folder: Path) -> Market:
        return synthetic(days=200).market


class TestFullUniverse(FeedConformance):
    def make_market(self, folder: Path) -> Market:
        start = date(2024, 1, 1)
        return load_synthetic(days=200, warmup_days=100, seed=Seed(1), start=start, universe="full")


class TestCsv(FeedConformance):
    def make_market(self, folder: Path) -> Market:
        path = folder / "prices.csv"
        path.write_text(CSV)
        prices = {f"BTC.{field}": field for field in ("open", "high", "low", "close")}
        common = {"path": path, "time_column": "date", "time_zone": "UTC", "gaps": "hold:1"}
        sources = [
            CsvSource(series=prices, **common),
            CsvSource(series={"aave.apr": "rate"}, unit="fraction", **common),
        ]
        start, end = date(2024, 1, 1), date(2024, 1, 4)
        return assemble(read_csv(sources, start=start, end=end, not_after=NOW))


class TestDrawn(FeedConformance):
    def make_market(self, folder: Path) -> Market:
        drawn = flat("A") + trend("B") + crash("C") + gap("D") + deposit("E")
        return drawn.market


class TestTable(FeedConformance):
    def make_market(self, folder: Path) -> Market:
        return from_table("BTC ETH aave.apr\n100 - 5%\n90 10 5%\n95 11 4%").market
