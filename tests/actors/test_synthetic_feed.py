"""The synthetic feed returns a whole market, in step with the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from actors.feeds.synthetic import load_synthetic
from arena.exceptions import ValidationError
from arena.market import Provenance
from arena.seed import Seed

START = date(2024, 3, 1)


def test_the_first_day_to_trade_follows_the_warm_up() -> None:
    market = load_synthetic(days=30, warmup_days=120, seed=Seed(1), start=START)

    assert len(market) == 150
    assert market.closes_at(120) == datetime(2024, 3, 1, tzinfo=UTC) + timedelta(days=1)


def test_the_same_seed_loads_the_same_market() -> None:
    one, two, other = (
        load_synthetic(days=30, warmup_days=0, seed=Seed(n), start=START) for n in (1, 1, 2)
    )

    assert one.sha256("BTC.close") == two.sha256("BTC.close") != other.sha256("BTC.close")


def test_a_loaded_market_says_that_it_is_synthetic() -> None:
    market = load_synthetic(days=1, warmup_days=0, seed=Seed(1), start=START)

    assert {series.provenance for series in market.series} == {Provenance.SYNTHETIC}


def test_a_market_without_a_day_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least 1"):
        load_synthetic(days=0, warmup_days=0, seed=Seed(1), start=START)


def test_the_full_universe_has_the_core_and_more() -> None:
    core, full = (
        load_synthetic(days=30, warmup_days=9, seed=Seed(1), start=START, universe=universe)
        for universe in ("core", "full")
    )

    assert all(full.sha256(name) == core.sha256(name) for name in core.columns)
    assert {"BTC.funding", "ETH.iv", "ETH-USDC.tvl", "MOON-24.expires"} <= set(full.columns)
