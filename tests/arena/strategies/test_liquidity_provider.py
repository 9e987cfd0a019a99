"""A provider is in a pool while its fees exceed what arbitrage is expected to take."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.instruments import Instrument, Kind
from arena.instruments.ranges import concentration
from arena.market import restrict
from arena.prices import add_series
from arena.seed import Seed
from arena.strategies import HOLD, Decision, LiquidityProvider
from arena.words import Scalar
from tests.arena.strategies.arenas import (
    ETH,
    FULL,
    Columns,
    a_market,
    bars_of,
    check_answers,
    check_traded,
    check_unspoiled,
    full_market,
    needs_data,
    play,
    real_market,
)
from tests.arena.strategies.books import a_book, born, check_any_book, seen

LP = Instrument("ETH-USDC-LP", Kind.POOL, "uniswap", underlying="ETH", pool_fee_bps=30.0)
CL = Instrument("ETH-USDC-CL", Kind.POOL, "uniswap", underlying="ETH", pool_fee_bps=30.0, width=0.2)
OFFERED = [ETH, LP, CL]
seeds = st.integers(0, 2**32)


def a_pool(moves: list[float], turnover: float | list[float]) -> Columns:
    """Return an ether that moves by so many log returns, and its pool of 100 million dollars."""
    closes = 2_000.0 * np.exp(np.cumsum([0.0, *moves]))
    tvl = np.full(len(closes), 100e6)
    volume = np.broadcast_to(turnover, len(closes)) * tvl
    return {**bars_of("ETH", closes), "ETH-USDC.volume": volume, "ETH-USDC.tvl": tvl}


def swings(size: float, days: int) -> list[float]:
    """Return log returns up and down again: the price goes nowhere."""
    return [size if day % 2 else -size for day in range(days)]


def loss(size: float) -> float:
    """Return what a constant product loses to arbitrage in a year of such swings."""
    return size**2 * 365 / 8


def turnover_of(fee_apr: float) -> float:
    """Return the share of its value that a pool of 30 bps must trade in a day to pay so much."""
    return fee_apr / 365 / 0.003


class TestDecision:
    def ask(self, columns: Columns, *, held: float = 0.0, **parameters: Scalar) -> Decision:
        name = "ETH_USDC_CL" if parameters.get("range") == "narrow" else "ETH_USDC_LP"
        book = a_book(**{name: held}) if held else a_book()
        return born(LiquidityProvider, OFFERED, **parameters).decide(
            seen(columns, OFFERED), book, {}
        )

    @pytest.mark.parametrize(
        ("margin", "outside", "inside"),
        [(0.06, {LP.name: 0.8}, HOLD), (0.01, HOLD, HOLD), (-0.01, HOLD, HOLD), (-0.03, HOLD, {})],
    )
    def test_it_enters_above_one_margin_and_leaves_below_another(
        self, margin: float, outside: Decision, inside: Decision
    ) -> None:
        columns = a_pool(swings(0.03, 60), turnover_of(loss(0.03) + margin))

        assert self.ask(columns) == outside
        assert self.ask(columns, held=0.8) == inside

    @pytest.mark.parametrize(("horizon_days", "enters"), [(30, False), (90, True)])
    def test_it_enters_only_what_pays_for_the_way_in_and_out(
        self, horizon_days: int, enters: bool
    ) -> None:
        """0.35 % there and back, and gas: at 2.5 % a year that takes 53 days."""
        columns = a_pool(swings(0.01, 60), turnover_of(loss(0.01) + 0.025))

        found = self.ask(columns, horizon_days=horizon_days)

        assert found == ({LP.name: 0.8} if enters else HOLD)

    def test_a_narrow_range_earns_and_loses_as_many_times_as_much_as_it_is_concentrated(
        self,
    ) -> None:
        times = concentration(0.2)
        small, large = 0.1 / times - 0.005, 0.1 / times + 0.005

        for extra, found in ((small, HOLD), (large, {CL.name: 0.8})):
            columns = a_pool(swings(0.02, 60), turnover_of(loss(0.02) + extra))
            assert self.ask(columns, range="narrow", margin_in=0.1) == found

        assert times == pytest.approx(10.4, abs=0.05)

    def test_it_takes_the_best_pool_in_whatever_order_they_are_offered(self) -> None:
        rich = Instrument("ETH-USDC-100", Kind.POOL, "other", underlying="ETH", pool_fee_bps=100.0)
        view = seen(a_pool(swings(0.01, 60), 0.1), [*OFFERED, rich])

        for offered in ([*OFFERED, rich], [rich, *OFFERED]):
            provider = born(LiquidityProvider, offered)
            assert provider.decide(view, a_book(), {}) == {rich.name: 0.8}
            assert provider.decide(view, a_book(ETH_USDC_LP=0.8), {}) is HOLD

    def test_a_position_that_was_cut_by_force_is_filled_up_where_that_pays(self) -> None:
        dear = a_pool(swings(0.02, 60), turnover_of(loss(0.02) + 0.1))
        poor = a_pool(swings(0.02, 60), turnover_of(loss(0.02) + 0.001))

        assert self.ask(dear, held=0.3) == {LP.name: 0.8}
        assert self.ask(dear, held=0.41) is HOLD
        assert self.ask(poor, held=0.3) is HOLD

    @pytest.mark.parametrize("column", ["ETH.close", "ETH-USDC.volume"])
    def test_what_is_not_known_is_waited_for(self, column: str) -> None:
        columns = a_pool(swings(0.03, 60), turnover_of(loss(0.03) - 0.1))
        columns[column] = columns[column].copy()
        columns[column][-1] = math.nan

        assert self.ask(columns) is HOLD
        assert self.ask(columns, held=0.8) is HOLD

    def test_without_a_pool_or_capital_it_waits(self) -> None:
        view = seen(a_pool(swings(0.01, 60), 0.2), OFFERED)

        assert born(LiquidityProvider, [ETH]).decide(view, a_book(), {}) is HOLD
        assert born(LiquidityProvider, OFFERED).decide(view, a_book(0), {}) is HOLD
        assert born(LiquidityProvider, OFFERED).decide(view, a_book(), {}) == {LP.name: 0.8}


class TestMarkets:
    def test_where_the_price_swings_little_it_earns_the_fees(self) -> None:
        """Fees of 20 % a year for 300 days on 80 %, less the way in; the price goes nowhere."""
        columns = a_pool(swings(0.01, 330), turnover_of(0.2))

        found = play(LiquidityProvider, a_market(columns), OFFERED)

        check_traded(found)
        assert len(found.fills) == 1
        earned = 0.8 * math.expm1(0.2 * 301 / 365)
        assert found.navs[-1] - 1.0 == pytest.approx(earned - found.costs / 10_000, abs=0.006)

    def test_where_it_swings_much_it_stands_aside(self) -> None:
        columns = a_pool(swings(0.06, 330), turnover_of(0.1))

        found = play(LiquidityProvider, a_market(columns), OFFERED)

        assert found.fills == []
        assert found.navs[-1] == 1.0

    def test_when_a_storm_comes_it_leaves_and_has_lost(self) -> None:
        moves = [*swings(0.005, 120), *[-0.08, 0.02] * 30]
        columns = a_pool(moves, turnover_of(0.1))

        found = play(LiquidityProvider, a_market(columns), OFFERED)

        check_traded(found)
        assert max(found.navs) > 1.01
        assert found.navs[-1] < 0.9
        assert found.agent.portfolio.positions == {}

    def test_a_narrow_range_gains_more_in_a_calm_and_loses_what_does_not_come_back(self) -> None:
        """Down a third and up again: a share over all prices has lost nothing, a range has."""
        moves = [*swings(0.005, 60), *[-0.03] * 15, *[0.03] * 15]
        market = a_market(a_pool(moves, turnover_of(0.04)))

        full, narrow = (
            play(LiquidityProvider, market, OFFERED, range=which, margin_out=-0.2, margin_in=0.02)
            for which in ("full", "narrow")
        )

        for found in (full, narrow):
            check_traded(found)
        assert narrow.navs[30] > full.navs[30]
        assert full.navs[-1] > full.navs[30]
        assert narrow.navs[-1] < narrow.navs[30] - 0.02

    @pytest.mark.parametrize("which", ["full", "narrow"])
    def test_it_trades_on_the_synthetic_market(self, which: str) -> None:
        check_traded(play(LiquidityProvider, full_market(), [*FULL.values()], range=which))

    @needs_data
    @pytest.mark.parametrize("which", ["full", "narrow"])
    def test_it_trades_on_real_prices(self, which: str) -> None:
        """Real: prices and spot volume of ether.  Generated: volume and value of the pool."""
        market = add_series(restrict(real_market(), slice(500)), ["pools"], Seed(1))

        found = play(LiquidityProvider, market, OFFERED, range=which)

        check_traded(found)
        assert {fill.instrument for fill in found.fills} <= {LP.name, CL.name}


class TestAlways:
    @settings(max_examples=15, deadline=None)
    @given(seeds)
    def test_its_answers_are_valid_and_do_not_depend_on_order(self, seed: int) -> None:
        check_answers(LiquidityProvider, seed)

    @settings(max_examples=15, deadline=None)
    @given(seeds)
    def test_its_answers_are_valid_whatever_it_holds(self, seed: int) -> None:
        check_any_book(LiquidityProvider, seed)

    @settings(max_examples=15, deadline=None)
    @given(seeds, st.integers(0, 298))
    def test_its_answers_do_not_know_the_future(self, seed: int, row: int) -> None:
        check_unspoiled(LiquidityProvider, seed, row)
