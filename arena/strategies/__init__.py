"""The strategies that come with the arena: archetypes, one file each, and baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from arena.strategies.arbitrage_hunter import ArbitrageHunter
from arena.strategies.baselines import BuyAndHold, Cash, Random
from arena.strategies.checking import check_decision
from arena.strategies.defi_yield_farmer import DeFiYieldFarmer
from arena.strategies.derivatives_player import DerivativesPlayer
from arena.strategies.liquidity_provider import LiquidityProvider
from arena.strategies.market_maker import MarketMaker
from arena.strategies.moonshot_venture import MoonshotVenture
from arena.strategies.staking_agent import StakingAgent
from arena.strategies.strategy import (
    HOLD,
    BookView,
    Choice,
    Decision,
    Hold,
    Memory,
    Number,
    Parameter,
    Quote,
    Quotes,
    Strategy,
    Targets,
)
from arena.strategies.tactical_trader import TacticalTrader

Catalog: TypeAlias = Mapping[str, type[Strategy]]
"""Name -> strategy: what a run can choose from."""

BUILT_IN: Catalog = {
    strategy.name: strategy
    for strategy in (
        DeFiYieldFarmer,
        TacticalTrader,
        ArbitrageHunter,
        MoonshotVenture,
        StakingAgent,
        DerivativesPlayer,
        LiquidityProvider,
        MarketMaker,
        Cash,
        BuyAndHold,
        Random,
    )
}

__all__ = [
    "BUILT_IN",
    "HOLD",
    "ArbitrageHunter",
    "BookView",
    "BuyAndHold",
    "Cash",
    "Catalog",
    "Choice",
    "DeFiYieldFarmer",
    "Decision",
    "DerivativesPlayer",
    "Hold",
    "LiquidityProvider",
    "MarketMaker",
    "Memory",
    "MoonshotVenture",
    "Number",
    "Parameter",
    "Quote",
    "Quotes",
    "Random",
    "StakingAgent",
    "Strategy",
    "TacticalTrader",
    "Targets",
    "check_decision",
]
