"""A market maker earns from a price that comes back, and loses to one that goes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.instruments import Instrument, Kind
from arena.market import Floats, MarketView, restrict
from arena.orders import FillCause
from arena.strategies import HOLD, Decision, MarketMaker, Memory, Quote, Quotes
from arena.words import Scalar
from tests.arena.strategies.arenas import (
    BTC,
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
    drawn,
    full_market,
    needs_data,
    play,
    poisoned,
    real_market,
)
from tests.arena.strategies.books import a_book, born, check_any_book, seen

seeds = st.integers(0, 2**32)


def swinging(days: int, *, daily: float = 0.01, span: float = 0.0) -> Columns:
    """Return a coin that goes up and down again, and within a day `span` beyond both ends."""
    closes = 100.0 * np.exp(daily * (np.arange(days) % 2))
    return widened(bars_of("BTC", closes), span)


def widened(columns: Columns, span: float) -> Columns:
    """Return the bars with highs and lows further out."""
    return {
        **columns,
        "BTC.high": columns["BTC.high"] * (1.0 + span),
        "BTC.low": columns["BTC.low"] * (1.0 - span),
    }


def drifting(up: float, down: float, days: int) -> Columns:
    """Return a coin that moves up and down by turns, straight from each open to each close."""
    moves = np.where(np.arange(days) % 2, up, down)
    return bars_of("BTC", 100.0 * np.exp(np.cumsum(moves)))


def quoted(found: Played) -> int:
    """Return how many of the trades were quotes that the market came to."""
    return sum(fill.cause is FillCause.QUOTE for fill in found.fills)


class TestDecision:
    def ask(
        self,
        columns: Mapping[str, Floats],
        *,
        memory: Memory | None = None,
        held: Mapping[str, float] = {},
        **parameters: Scalar,
    ) -> Decision:
        coins = [BTC, ETH, SOL]
        maker = born(MarketMaker, coins, **parameters)
        return maker.decide(seen(columns, coins), a_book(**held), {} if memory is None else memory)

    def quote(self, decision: Decision, coin: str = "BTC") -> Quote:
        assert isinstance(decision, Quotes)
        assert decision.by_instrument.keys() == {coin}
        return decision.by_instrument[coin]

    def test_its_quotes_lie_as_far_off_as_the_market_moves(self) -> None:
        calm, wild = (
            self.quote(self.ask(swinging(60, daily=daily), held={"BTC": 0.3}))
            for daily in (0.002, 0.02)
        )

        assert (calm.bid, calm.ask) == (0.003, 0.003)
        assert wild.bid == pytest.approx(0.6 * 0.02)
        assert wild.ask == pytest.approx(0.6 * 0.02)
        assert calm.size == wild.size == pytest.approx(0.25 * 0.3)

    def test_with_too_much_it_sells_sooner_and_buys_later(self) -> None:
        columns = swinging(60)
        much, right, little = (
            self.quote(self.ask(columns, held={"BTC": held})) for held in (0.4, 0.3, 0.2)
        )

        assert much.bid > right.bid > little.bid
        assert much.ask < right.ask < little.ask
        assert much.bid == pytest.approx(right.bid * (1 + 0.5 / 3))

    def test_it_buys_its_inventory_first_and_leaves_a_good_one_alone(self) -> None:
        columns = swinging(60)

        for held, targets in (
            ({}, {"BTC": 0.3}),
            ({"BTC": 0.14}, {"BTC": 0.3}),
            ({"BTC": 0.16}, HOLD),
            ({"BTC": 0.44}, HOLD),
            ({"BTC": 0.46}, {"BTC": 0.3}),
            ({"BTC": 0.3, "ETH": 0.1}, {"BTC": 0.3}),
        ):
            decision = self.ask(columns, held=held)
            assert isinstance(decision, Quotes)
            assert decision.targets == targets, held

    def test_a_bid_that_cannot_be_paid_is_withdrawn(self) -> None:
        quote = self.quote(self.ask(swinging(60), held={"BTC": 0.74}, inventory=0.5, size=0.5))

        assert quote.bid == 1.0
        assert quote.ask < 0.01

    def test_it_pauses_in_a_trend_and_sells_what_it_has(self) -> None:
        columns, memory = drifting(0.01, 0.008, 60), dict[str, object]()

        assert self.ask(columns, memory=memory, held={"BTC": 0.3}) == {}
        assert self.ask(columns, memory=memory) is HOLD
        assert memory == {"paused": True}

    def test_it_goes_on_only_when_the_trend_is_much_weaker(self) -> None:
        """A drift of 0.25 % a day at a volatility of 1 %: 1.1 volatilities in 20 days."""
        columns = drifting(0.0125, -0.0075, 60)

        assert isinstance(self.ask(columns, memory={"paused": False}), Quotes)
        assert self.ask(columns, memory={"paused": True}) is HOLD
        assert isinstance(self.ask(swinging(60), memory={"paused": True}), Quotes)

    def test_it_quotes_what_is_traded_most_unless_told(self) -> None:
        closes = 100.0 * np.exp(0.01 * (np.arange(60) % 2))
        volumes = {"BTC": 1e8, "ETH": 3e8, "SOL": 2e8}
        columns: Columns = {}
        for coin, volume in volumes.items():
            columns |= bars_of(coin, closes, volume=volume)
        token = Instrument("MOON-01", Kind.SPOT)
        young = {**bars_of("MOON-01", closes, volume=1e9), "MOON-01.expires": np.zeros(60)}

        assert self.quote(self.ask(columns), "ETH")
        assert self.quote(self.ask(columns, coin="SOL"), "SOL")
        for offered in ([BTC, ETH, SOL, token], [token, SOL, ETH, BTC]):
            view = seen({**columns, **young}, offered)
            assert self.quote(born(MarketMaker, offered).decide(view, a_book(), {}), "ETH")

    def test_what_is_not_known_or_not_offered_is_waited_for(self) -> None:
        late = swinging(60)
        late["BTC.close"] = np.append(late["BTC.close"][:-1], math.nan)
        flat = {name: each for name, each in swinging(60).items() if name != "BTC.high"}

        assert self.ask(late, held={"BTC": 0.3}) is HOLD
        assert self.ask(swinging(10)) is HOLD
        assert self.ask(flat) is HOLD
        assert self.ask(swinging(60), coin="SOL") is HOLD
        assert self.ask(swinging(60, daily=0.0)) is HOLD
        view = seen(swinging(60), [BTC])
        assert born(MarketMaker, [BTC]).decide(view, a_book(0), {}) is HOLD


class TestMarkets:
    def test_where_the_price_comes_back_it_earns_the_spread(self) -> None:
        """Every day reaches both quotes, 0.3 % off, with 7.5 % of equity each, less 2 bps each."""
        market = a_market(swinging(230, daily=0.004, span=0.02))

        found = play(MarketMaker, market, [BTC])

        check_traded(found)
        assert quoted(found) == len(found.fills) - 1 == 2 * 200
        a_day = 0.075 * 2 * (0.003 - 0.0002)
        assert found.navs[-1] - 1.0 == pytest.approx(200 * a_day, rel=0.15)

    def test_where_the_price_only_goes_it_loses(self) -> None:
        """Each bid is followed by a lower close: a drift that is too weak to be called a trend."""
        market = a_market(drifting(0.014, -0.022, 130))

        found = play(MarketMaker, market, [BTC])

        check_traded(found)
        assert quoted(found) > 20
        assert found.navs[-1] < 0.9

    def test_it_stands_aside_while_the_trend_is_strong(self) -> None:
        rising = play(MarketMaker, a_market(drifting(0.012, 0.008, 90)), [BTC])
        falling = play(MarketMaker, a_market(drifting(-0.012, -0.008, 90)), [BTC])

        assert rising.fills == falling.fills == []

    def test_a_crash_costs_it_less_than_its_inventory(self) -> None:
        calm, crash = [0.01, -0.01] * 35, [-0.08, -0.06] * 6
        closes = 100.0 * np.exp(np.cumsum([*calm, *crash]))

        found = play(MarketMaker, a_market(bars_of("BTC", closes)), [BTC])

        check_traded(found)
        assert found.agent.portfolio.positions == {}
        assert 1.0 - 0.3 * 0.57 < found.navs[-1] < 1.0

    @pytest.mark.parametrize("coin", ["most-traded", "ETH", "SOL"])
    def test_it_trades_on_the_synthetic_market(self, coin: str) -> None:
        found = play(MarketMaker, full_market(), [*FULL.values()], coin=coin)

        check_traded(found)
        assert quoted(found) > 20

    @needs_data
    @pytest.mark.parametrize("coin", ["most-traded", "ETH"])
    def test_it_trades_on_real_prices(self, coin: str) -> None:
        """Real: every input, daily bars of bitcoin and ether."""
        found = play(MarketMaker, restrict(real_market(), slice(500)), [BTC, ETH], coin=coin)

        check_traded(found)
        assert quoted(found) > 100


class TestAlways:
    @settings(max_examples=15, deadline=None)
    @given(seeds)
    def test_its_answers_are_valid_and_do_not_depend_on_order(self, seed: int) -> None:
        check_answers(MarketMaker, seed)

    @settings(max_examples=15, deadline=None)
    @given(seeds)
    def test_its_answers_are_valid_whatever_it_holds(self, seed: int) -> None:
        check_any_book(MarketMaker, seed)

    @settings(max_examples=15, deadline=None)
    @given(seeds, st.integers(0, 298))
    def test_its_answers_do_not_know_the_future(self, seed: int, row: int) -> None:
        check_unspoiled(MarketMaker, seed, row)

    @settings(max_examples=15, deadline=None)
    @given(seeds, st.integers(70, 298))
    def test_its_memory_does_not_know_the_future(self, seed: int, row: int) -> None:
        market, memories = full_market(), list[Memory]()
        for each in (restrict(market, slice(row + 1)), poisoned(market, row, seed)):
            maker, view, memory = drawn(MarketMaker, [*FULL.values()], seed), MarketView(each), {}
            for bar in range(row + 1):
                view.reveal(each.values[bar : bar + 1])
                maker.decide(view, a_book(), memory)
            memories.append(memory)

        assert memories[0] == memories[1]
        assert memories[0].keys() == {"paused"}
