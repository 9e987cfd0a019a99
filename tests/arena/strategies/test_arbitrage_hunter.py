"""The hunter earns funding without the price, knows its costs, and mostly stands aside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.ids import AgentId
from arena.instruments import Kind, derive
from arena.market import Floats, MarketView
from arena.money import MICRO
from arena.seed import Seed
from arena.strategies import HOLD, ArbitrageHunter, BookView, Decision
from arena.words import Scalar
from tests.arena.builders import usd
from tests.arena.strategies.arenas import (
    BTC,
    COSTS,
    ETH,
    FULL,
    XVENUE,
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
    real_venues,
)
from tests.arena.strategies.books import check_any_book

PERP = perpetual("BTC")
DAYS = 90
ROUND_TRIP = COSTS.round_trip(Kind.SPOT, usd(1)) + COSTS.round_trip(Kind.PERPETUAL, usd(1))
FLAT = np.full(DAYS, 100.0)


def hunt(closes: Floats, funding: Floats | float, **parameters: Scalar) -> Played:
    """Return what cash-and-carry makes of one coin."""
    paid = np.broadcast_to(funding, closes.shape)
    market = a_market({**bars_of("BTC", closes), "BTC.funding": paid})
    return play(ArbitrageHunter, market, [BTC, PERP], **parameters)


def received(found: Played) -> float:
    """Return the funding that its short position received, USD."""
    short, total = 0.0, 0.0
    for tick in found.settled:
        for fill in tick.fills:
            short += fill.quantity if fill.instrument == PERP.name else 0.0
        total -= short * tick.carry.get(PERP.name, 0.0)
    return total


class TestCarry:
    def test_it_earns_the_funding_minus_the_costs_where_the_price_is_flat(self) -> None:
        found = hunt(FLAT, 0.0003)

        check_traded(found)
        assert len(found.fills) == 2
        size = found.fills[0].quantity
        assert found.fills[1].quantity == -size
        funding = size * 100.0 * 0.0003 * len(found.settled)
        gain = found.agent.nav - 1.0
        assert gain == pytest.approx((funding - found.costs) / 10_000.0, abs=1e-9)
        assert size * 100.0 == pytest.approx(10_000 / 1.5, abs=1e-4)

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_what_the_price_does_leaves_no_trace(self, seed: int) -> None:
        steps = np.random.default_rng(seed).normal(0.0, 0.03, DAYS)
        found = hunt(100.0 * np.exp(np.cumsum(steps)), 0.0004)

        check_traded(found)
        earned = (received(found) - found.costs) / 10_000.0
        assert found.agent.nav - 1.0 == pytest.approx(earned, abs=1e-6)
        assert earned > 0.005

    @pytest.mark.parametrize("funding", [0.0, -0.001, 0.0001])
    def test_it_stands_aside_where_funding_does_not_pay_for_the_round_trip(
        self, funding: float
    ) -> None:
        assert hunt(FLAT, funding).fills == []

    def test_funding_that_is_not_known_is_not_traded(self) -> None:
        assert hunt(FLAT, math.nan).fills == []

    @settings(max_examples=60, deadline=None)
    @given(st.floats(0.0, 0.002), st.integers(5, 90), st.floats(-60.0, 60.0))
    def test_it_enters_if_the_funding_of_the_horizon_exceeds_costs_and_edge(
        self, funding: float, horizon: int, edge: float
    ) -> None:
        left = funding * horizon - ROUND_TRIP - edge / 1e4

        answer = decide(funding, horizon_days=horizon, edge_min_bps=edge)

        if abs(left) > 1e-9:
            weight = 1.0 / 1.5
            assert answer == ({"BTC": weight, "BTC-PERP": -weight} if left > 0 else HOLD)

    def test_it_prefers_the_coin_whose_shorts_are_paid_more(self) -> None:
        funding = {"BTC.funding": np.full(DAYS, 0.0004), "ETH.funding": np.full(DAYS, 0.0006)}
        market = a_market({**bars_of("BTC", FLAT), **bars_of("ETH", FLAT), **funding})
        found = play(ArbitrageHunter, market, [BTC, ETH, PERP, perpetual("ETH")])

        check_traded(found)
        assert {fill.instrument for fill in found.fills} == {"ETH", "ETH-PERP"}

    def test_it_leaves_when_staying_costs_more_than_leaving(self) -> None:
        turned = np.where(np.arange(DAYS) < 60, 0.0004, -0.0004)
        mild = np.where(np.arange(DAYS) < 60, 0.0004, -0.00002)

        assert hunt(FLAT, turned).agent.portfolio.positions == {}
        assert len(hunt(FLAT, mild).agent.portfolio.positions) == 2

    def test_a_slow_rise_is_followed_before_the_margin_is_gone(self) -> None:
        found = hunt(100.0 * 1.03 ** np.arange(DAYS), 0.0004)

        check_traded(found)
        assert found.liquidations == []
        assert found.agent.nav > 1.0

    def test_a_leap_takes_the_margin_and_the_hedge_is_restored(self) -> None:
        leaps = np.where(np.arange(DAYS) < 50, 100.0, 170.0)
        found = hunt(leaps, 0.0004)

        check_traded(found)
        assert [fill.instrument for fill in found.liquidations] == ["BTC-PERP"]
        held = found.agent.portfolio.positions
        assert held["BTC"] == pytest.approx(-held["BTC-PERP"], rel=1e-3)
        assert found.agent.nav > 1.0  # The coin rose on, and nothing was short of it.

    def test_a_hedge_that_cannot_be_restored_is_given_up(self) -> None:
        """The perpetual was liquidated, and since then its funding is not known."""
        weights = {"BTC": 0.6}

        assert decide(math.nan, weights=weights, mark=100.0) == {}
        assert decide(0.0004, weights=weights) != HOLD
        assert decide(-0.00005, weights={"BTC": 0.6, "BTC-PERP": -0.6}) is HOLD

    def test_what_has_no_price_today_is_waited_for(self) -> None:
        weights = {"BTC": 0.6, "BTC-PERP": -0.6}

        assert decide(-0.01, weights=weights) == {}
        assert decide(-0.01, weights=weights, mark=math.nan) is HOLD

    def test_without_capital_it_does_nothing(self) -> None:
        assert decide(0.01, equity=0.0) is HOLD


def decide(
    funding: float,
    *,
    weights: dict[str, float] | None = None,
    equity: float = 10_000.0,
    mark: float | None = None,
    **parameters: Scalar,
) -> Decision:
    """Return one answer after forty days of the same funding."""
    paid = np.full(40, funding)
    columns = {**bars_of("BTC", np.full(40, 100.0)), "BTC.funding": paid}
    if mark is not None:
        for field in ("open", "close"):
            columns[f"BTC-PERP.{field}"] = np.append(np.full(39, 100.0), mark)
    market = derive(a_market(columns), {PERP.name: PERP})
    view = MarketView(market)
    view.reveal(market.values)
    book = BookView(AgentId("ada"), usd(equity), usd(equity), weights or {}, COSTS)
    given_all = {**ArbitrageHunter.defaults(), **parameters}
    return ArbitrageHunter(given_all, [PERP, BTC], Seed(1)).decide(view, book, {})


class TestSpread:
    @staticmethod
    def trade(spread: Floats, **parameters: Scalar) -> Played:
        market = a_market({**bars_of("BTC", FLAT), "BTC.venue_spread": spread})
        return play(ArbitrageHunter, market, [BTC, XVENUE], style="spread", **parameters)

    @pytest.mark.parametrize("side", [1.0, -1.0])
    def test_it_earns_the_way_back_of_a_spread_that_is_wide_enough(self, side: float) -> None:
        away = np.where((np.arange(DAYS) >= 50) & (np.arange(DAYS) < 53), 0.02 * side, 0.0)
        found = self.trade(away)

        check_traded(found)
        assert len(found.fills) == 2
        assert math.copysign(1.0, found.fills[0].quantity) == side
        size = abs(found.fills[0].quantity) * 100.0
        gain = (found.agent.nav - 1.0) * 10_000.0
        assert gain == pytest.approx(size * 0.02 - found.costs, abs=1e-4)
        assert found.agent.portfolio.positions == {}

    def test_it_stands_aside_where_the_way_back_does_not_pay_for_the_round_trip(self) -> None:
        away = np.where(np.arange(DAYS) % 20 == 10, 0.006, 0.0)

        assert self.trade(away).fills == []

    def test_who_ignores_the_costs_loses_them(self) -> None:
        away = np.random.default_rng(1).normal(0.0, 0.0005, DAYS)
        found = self.trade(away, edge_min_bps=-60.0)

        check_traded(found)
        assert found.agent.nav < 0.95


@pytest.mark.slow
class TestMarkets:
    def test_it_trades_on_the_synthetic_market(self) -> None:
        found = play(ArbitrageHunter, full_market(), [*FULL.values()])

        check_traded(found)
        assert found.agent.nav > 1.0

    def test_a_synthetic_spread_is_never_wide_enough(self) -> None:
        assert play(ArbitrageHunter, full_market(), [*FULL.values()], style="spread").fills == []

    @needs_data
    def test_it_earns_real_funding(self) -> None:
        """Real: prices of BTC and ETH, Binance's funding.  Assumed: marks (the spot bar), costs."""
        coins = [BTC, ETH, PERP, perpetual("ETH")]
        found = play(ArbitrageHunter, real_market(), coins)
        careless = play(ArbitrageHunter, real_market(), coins, edge_min_bps=-60.0)

        check_traded(found)
        assert 1.3 < found.agent.nav < 1.8
        assert found.agent.record.drawdown > -0.02
        assert 1.0 < careless.agent.nav < found.agent.nav

    @needs_data
    def test_no_real_spread_was_wide_enough(self) -> None:
        """Real: 8 h bars of BTC at Bybit, and OKX's closes in the same bars.  Assumed: costs."""
        market = real_venues()
        found = play(ArbitrageHunter, market, [BTC, XVENUE], style="spread")
        careless = play(ArbitrageHunter, market, [BTC, XVENUE], style="spread", edge_min_bps=-60.0)

        assert market.column("BTC.venue_spread").std() == pytest.approx(1.5e-4, rel=0.1)
        assert found.fills == []
        assert careless.agent.nav < 0.6

    def test_money_is_counted_in_whole_micro_dollars(self) -> None:
        found = hunt(FLAT, 0.0003)

        gained = found.agent.equity - 10_000 * MICRO
        assert gained == pytest.approx((received(found) - found.costs) * MICRO, abs=DAYS)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32))
def test_every_answer_is_one_in_a_market_full_of_holes(seed: int) -> None:
    check_answers(ArbitrageHunter, seed)
    check_any_book(ArbitrageHunter, seed)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32), st.integers(40, 280))
def test_what_comes_after_a_bar_changes_no_answer_up_to_it(seed: int, row: int) -> None:
    check_unspoiled(ArbitrageHunter, seed, row)
