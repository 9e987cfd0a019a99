"""The staker earns what staking pays, moves only when that pays, and can leave the price out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.ids import AgentId
from arena.instruments import Kind, derive
from arena.market import MarketView
from arena.prices import SeriesParameters, StakingParameters, add_series
from arena.seed import Seed
from arena.strategies import HOLD, BookView, Decision, StakingAgent
from arena.words import Scalar
from tests.arena.builders import usd
from tests.arena.strategies.arenas import (
    BTC,
    COSTS,
    ETH,
    FULL,
    SOL,
    Columns,
    Played,
    a_market,
    bars_of,
    check_answers,
    check_traded,
    check_unspoiled,
    full_market,
    needs_data,
    perpetual,
    play,
    real_market,
    staked,
)
from tests.arena.strategies.books import check_any_book

DAYS = 150
FLAT = np.full(DAYS, 100.0)
TOKENS = [staked("ETH"), staked("SOL")]
ROUND_TRIP = COSTS.round_trip(Kind.STAKING, usd(9_000))


def a_coin(coin: str, closes: np.ndarray, apr: float | np.ndarray, funding: float = 0.0) -> Columns:
    """Return the columns of a coin that can be staked."""
    return {
        **bars_of(coin, closes),
        f"{coin}.staking_apr": np.broadcast_to(apr, closes.shape),
        f"{coin}.funding": np.full(len(closes), funding),
    }


def stake(columns: Columns, **parameters: Scalar) -> Played:
    """Return what one staker makes of ETH and SOL."""
    offered = [ETH, SOL, *TOKENS, perpetual("ETH"), perpetual("SOL")]
    kept = [each for each in offered if f"{each.underlying or each.name}.open" in columns]
    return play(StakingAgent, a_market(columns), kept, **parameters)


class TestUnhedged:
    def test_it_earns_the_rate_minus_the_costs_where_the_price_is_flat(self) -> None:
        found = stake(a_coin("ETH", FLAT, 0.05))

        check_traded(found)
        assert len(found.fills) == 1
        paid = found.fills[0].quantity * found.fills[0].price
        growth = (1.0 + 0.05 / 365) ** len(found.settled) - 1.0
        assert found.agent.nav - 1.0 == pytest.approx(
            (paid * growth - found.costs) / 10_000.0, abs=1e-9
        )
        assert paid == pytest.approx(9_000.0, abs=1e-4)

    def test_it_bears_the_price(self) -> None:
        fall = stake(a_coin("ETH", 100.0 * 0.99 ** np.arange(DAYS), 0.05))

        assert fall.agent.nav < 0.5

    def test_it_stakes_what_pays_best(self) -> None:
        found = stake({**a_coin("ETH", FLAT, 0.03), **a_coin("SOL", FLAT, 0.07)})

        check_traded(found)
        assert [fill.instrument for fill in found.fills] == ["SOL-STAKED"]

    @settings(max_examples=60, deadline=None)
    @given(st.floats(0.0, 0.2), st.floats(0.0, 0.2), st.integers(15, 365))
    def test_it_moves_if_the_gain_of_the_horizon_exceeds_the_round_trip(
        self, old: float, new: float, horizon: int
    ) -> None:
        left = (new - old) * horizon / 365 - ROUND_TRIP

        answer = decide(old, new, weights={"ETH-STAKED": 0.9}, horizon_days=horizon)

        if abs(left) > 1e-9:
            assert answer == ({"SOL-STAKED": 0.9} if left > 0 else HOLD)

    def test_it_stays_aside_where_no_rate_pays_for_the_round_trip(self) -> None:
        assert stake(a_coin("ETH", FLAT, 0.002)).fills == []

    def test_capital_that_came_is_staked_and_capital_that_is_staked_stays(self) -> None:
        assert decide(0.05, 0.0, weights={"ETH-STAKED": 0.45}) == {"ETH-STAKED": 0.9}
        assert decide(0.05, 0.0, weights={"ETH-STAKED": 0.85}) is HOLD
        assert decide(0.05, 0.0, weights={"ETH-STAKED": 1.0}) is HOLD

    def test_a_rate_that_is_not_known_moves_nothing(self) -> None:
        assert decide(math.nan, math.nan) is HOLD
        assert decide(math.nan, math.nan, weights={"ETH-STAKED": 0.9}) is HOLD
        assert decide(math.nan, 0.07) == {"SOL-STAKED": 0.9}

    def test_without_capital_it_does_nothing(self) -> None:
        assert decide(0.05, 0.07, equity=0.0) is HOLD


class TestHedged:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_it_earns_reward_and_funding_and_not_the_price(self, seed: int) -> None:
        steps = np.random.default_rng(seed).normal(0.0, 0.02, DAYS)
        columns = a_coin("ETH", 100.0 * np.exp(np.cumsum(steps)), 0.08, funding=0.0003)
        found = stake(columns, hedge="perpetual", work_share=1.0)

        check_traded(found)
        assert {fill.instrument for fill in found.fills} == {"ETH-STAKED", "ETH-PERP"}
        a_day = 0.08 / 365 + 0.0003
        whole = a_day * len(found.settled) / 1.5 - found.costs / 10_000.0
        assert found.agent.nav - 1.0 == pytest.approx(whole, rel=0.25)

    def test_what_has_no_perpetual_cannot_be_hedged(self) -> None:
        columns = {**bars_of("SOL", FLAT), "SOL.staking_apr": np.full(DAYS, 0.07)}
        market = a_market(columns)

        assert play(StakingAgent, market, [SOL, staked("SOL")], hedge="perpetual").fills == []

    def test_it_leaves_when_funding_takes_more_than_leaving_costs(self) -> None:
        held = {"ETH-STAKED": 0.6, "ETH-PERP": -0.6}

        assert decide(0.03, 0.0, funding=-0.001, weights=held, hedge="perpetual") == {}
        assert decide(0.03, 0.0, funding=-0.0001, weights=held, hedge="perpetual") is HOLD

    def test_a_hedge_whose_margin_is_half_gone_is_made_smaller(self) -> None:
        thin = {"ETH-STAKED": 0.85, "ETH-PERP": -0.85}
        size = pytest.approx(0.6)

        answer = decide(0.08, 0.0, funding=0.0003, weights=thin, hedge="perpetual")

        assert isinstance(answer, dict)
        assert answer["ETH-STAKED"] == size
        assert -answer["ETH-PERP"] == size

    def test_a_short_side_that_was_liquidated_is_restored_or_the_whole_is_left(self) -> None:
        alone = {"ETH-STAKED": 0.6}

        restored = decide(0.08, 0.0, funding=0.0003, weights=alone, hedge="perpetual")

        assert isinstance(restored, dict)
        assert set(restored) == {"ETH-STAKED", "ETH-PERP"}
        assert decide(0.08, 0.0, funding=math.nan, weights=alone, hedge="perpetual") == {}


def decide(
    eth: float,
    sol: float,
    *,
    funding: float = 0.0,
    weights: dict[str, float] | None = None,
    equity: float = 10_000.0,
    **parameters: Scalar,
) -> Decision:
    """Return one answer after forty days of the same rates."""
    flat = np.full(40, 100.0)
    perp = perpetual("ETH")
    columns = {**a_coin("ETH", flat, eth, funding), **a_coin("SOL", flat, sol)}
    # Marked on its own, the token keeps its price on days whose rate is not known.
    for each in (*TOKENS, perp):
        columns |= {each.open_column: flat, each.close_column: flat}
    columns |= {f"{coin}-STAKED.apr": columns[f"{coin}.staking_apr"] for coin in ("ETH", "SOL")}
    market = derive(a_market(columns), {perp.name: perp})
    view = MarketView(market)
    view.reveal(market.values)
    book = BookView(AgentId("ada"), usd(equity), usd(equity), weights or {}, COSTS)
    given_all = {**StakingAgent.defaults(), **parameters}
    return StakingAgent(given_all, [*TOKENS, perp], Seed(1)).decide(view, book, {})


@pytest.mark.slow
class TestMarkets:
    @pytest.mark.parametrize("hedge", ["none", "perpetual"])
    def test_it_trades_on_the_synthetic_market(self, hedge: str) -> None:
        found = play(StakingAgent, full_market(), [*FULL.values()], hedge=hedge)

        check_traded(found)
        assert hedge == "none" or found.agent.nav > 1.0

    @needs_data
    def test_hedged_it_earns_on_real_prices_and_funding(self) -> None:
        """Real: prices of BTC and ETH, Binance's funding.  Generated: the staking rate of ETH."""
        ether = StakingParameters(assets=StakingParameters().assets[:1])
        rates = add_series(real_market(), ["staking"], Seed(5), SeriesParameters(staking=ether))
        offered = [BTC, ETH, staked("ETH"), perpetual("ETH")]
        hedged = play(StakingAgent, rates, offered, hedge="perpetual")
        borne = play(StakingAgent, rates, offered)

        check_traded(hedged)
        check_traded(borne)
        assert 1.3 < hedged.agent.nav < 2.0
        assert hedged.agent.record.drawdown > -0.05
        assert borne.agent.record.drawdown < -0.6


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32))
def test_every_answer_is_one_in_a_market_full_of_holes(seed: int) -> None:
    check_answers(StakingAgent, seed)
    check_any_book(StakingAgent, seed)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32), st.integers(40, 280))
def test_what_comes_after_a_bar_changes_no_answer_up_to_it(seed: int, row: int) -> None:
    check_unspoiled(StakingAgent, seed, row)
