"""What an agent earns is what the market paid it, less what it paid: no more, and no less."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.app.arena import Arena
from actors.app.markets import build_experiment, build_market
from actors.app.settings import load_settings, make_settings
from arena.agents import Agent
from arena.experiment import Experiment
from arena.market import Market
from arena.money import MICRO

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
LENDING = ROOT / "config" / "real-lending.toml"
DATA = ROOT.parent / "shared" / "data" / "defi" / "aave_v3_daily.csv.gz"


def final(experiment: Experiment, market: Market) -> dict[str, Agent]:
    """Return every agent that is alive at the end, by strategy or by id."""

    async def run() -> dict[str, Agent]:
        async with Arena(experiment, market) as arena:
            await arena.backtest()
            agents = [*arena.treasury.living()]
        return {agent.agent_id: agent for agent in agents}

    return asyncio.run(run())


def a_market(tables: dict[str, Any]) -> tuple[Experiment, Market]:
    settings = make_settings(tables)
    loaded = build_market(settings, Path(), now=NOW)
    return build_experiment(settings, loaded), loaded.market


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_buys_and_holds_has_the_ratio_of_prices_less_the_cost_of_entry(seed: int) -> None:
    experiment, market = a_market(
        {
            "run": {"seed": seed, "days": 90},
            "instruments": [{"name": "BTC", "kind": "spot"}],
            "costs": {"impact": 0, "fee_bps": 10, "slippage_bps": 5},
            "population": {"agents": 1, "mix": {"random": 1}, "baselines": ["buy-and-hold"]},
        }
    )
    first, last = market.column("BTC.open")[120], market.column("BTC.close")[-1]

    holder = final(experiment, market)["baseline-buy-and-hold"]

    assert holder.nav == pytest.approx(last / first / 1.0015, rel=1e-9)


def test_a_lender_earns_the_rates_of_its_market_less_its_gas() -> None:
    """Synthetic: one deposit, so that there is nothing to choose."""
    experiment, market = a_market(
        {
            "run": {"seed": 5, "days": 180},
            "instruments": [{"name": "aave", "kind": "lending"}],
            "population": {"agents": 1, "mix": {"cash": 1}, "baselines": ["defi-yield-farmer"]},
        }
    )

    lender = final(experiment, market)["baseline-defi-yield-farmer"]

    assert lender.trades >= 1
    assert lender.nav - 1.0 == pytest.approx(paid(market, "aave", 120, lender), rel=0.01)


@pytest.mark.skipif(not DATA.exists(), reason="the market data is not here")
@pytest.mark.parametrize("deposit", ["usdc", "usdt", "dai"])
def test_a_lender_on_the_real_index_earns_what_the_real_rates_say(deposit: str) -> None:
    """Real: Aave v3 on Ethereum, rates and liquidity indices of 208 days, nothing made up.

    Deposits follow the index; the rate series is another column of the same record.
    """
    settings = load_settings(
        LENDING,
        [
            "population.agents=1",
            "population.mix={cash=1}",
            'population.baselines=["defi-yield-farmer"]',
            f'instruments=[{{name="{deposit}", kind="lending", protocol="aave"}}]',
        ],
    )
    loaded = build_market(settings, LENDING.parent, now=NOW)
    experiment, market = build_experiment(settings, loaded), loaded.market

    lender = final(experiment, market)["baseline-defi-yield-farmer"]

    expected = paid(market, deposit, loaded.warmup, lender)
    assert lender.nav - 1.0 == pytest.approx(expected, rel=0.1)


def paid(market: Market, deposit: str, warmup: int, lender: Agent) -> float:
    """Return what the rate series says that a deposit earns, less what the lender paid."""
    rates = market.column(f"{deposit}.apr")[warmup:]
    return float(np.prod(1.0 + rates / 365)) - 1.0 - lender.costs / MICRO / 10_000.0
