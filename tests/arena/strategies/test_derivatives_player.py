"""A player is paid for dear insurance, follows a trend either way, and covers all it writes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.instruments import Instrument, Kind, Right
from arena.instruments.black_scholes import price_option
from arena.market import Floats, restrict
from arena.prices import add_series
from arena.seed import Seed
from arena.strategies import HOLD, Decision, DerivativesPlayer
from arena.words import Scalar
from tests.arena.strategies.arenas import (
    BTC,
    ETH,
    FULL,
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
)
from tests.arena.strategies.books import a_book, born, check_any_book, seen

PUT = Instrument("BTC-PUT90", Kind.OPTION, underlying="BTC", right=Right.PUT, moneyness=0.9)
CALL = Instrument("BTC-CALL110", Kind.OPTION, underlying="BTC", right=Right.CALL, moneyness=1.1)
PERP = perpetual("BTC")
OFFERED = [BTC, PUT, CALL, PERP]
seeds = st.integers(0, 2**32)


def a_coin(
    closes: Floats, *, iv: float = 0.8, funding: float = 0.0003, coin: str = "BTC"
) -> Columns:
    """Return a coin with what its derivatives are made from; funding is per day."""
    return {
        **bars_of(coin, closes),
        f"{coin}.iv": np.full(len(closes), iv),
        f"{coin}.funding": np.full(len(closes), funding),
    }


def quiet(days: int, daily: float = 0.01) -> Floats:
    """Return closes that swing by so much and go nowhere: 0.01 is 19 % a year."""
    return 100.0 * np.exp(daily * (np.arange(days) % 2))


def going(daily: float, days: int) -> Floats:
    """Return closes with a trend, and a swing of 1 % about it."""
    return quiet(days) * np.exp(daily * np.arange(days))


def held_of(found: Played, name: str) -> list[float]:
    """Return how many units of `name` were held at each close, as its fills and expiries say."""
    held, units = [], 0.0
    for tick in found.settled:
        units += sum(fill.quantity for fill in tick.fills if fill.instrument == name)
        units = 0.0 if name in tick.expired else units
        held.append(units)
    return held


class TestOptions:
    def ask(
        self, columns: Mapping[str, Floats], held: Mapping[str, float] = {}, **changes: Scalar
    ) -> Decision:
        player = born(DerivativesPlayer, OFFERED, **changes)
        return player.decide(seen(columns, OFFERED), a_book(**held), {})

    @pytest.mark.parametrize(
        ("edge", "outside", "inside"),
        [(0.1, {PUT.name: -0.6}, HOLD), (0.05, HOLD, HOLD), (-0.2, HOLD, HOLD), (-0.4, HOLD, {})],
    )
    def test_it_writes_above_one_edge_and_buys_back_below_another(
        self, edge: float, outside: Decision, inside: Decision
    ) -> None:
        columns = a_coin(quiet(40, 0.03), iv=0.03 * math.sqrt(365) + edge)

        assert self.ask(columns) == outside
        assert self.ask(columns, {"BTC_PUT90": -0.6}) == inside

    def test_a_call_is_written_on_more_coins_than_it_needs(self) -> None:
        columns = a_coin(quiet(40))

        assert self.ask(columns, style="calls") == {"BTC": 0.6, CALL.name: pytest.approx(-0.59)}
        both = {"BTC": 0.6, "BTC_CALL110": -0.59}
        assert self.ask(columns, both, style="calls") is HOLD
        for part in ({"BTC": 0.6}, {"BTC_CALL110": -0.59}):
            again = self.ask(columns, part, style="calls")
            assert again == {"BTC": 0.6, CALL.name: pytest.approx(-0.59)}
        dull = a_coin(quiet(40), iv=0.2)
        assert self.ask(dull, {"BTC": 0.6}, style="calls") == {}

    def test_an_edge_that_does_not_pay_for_the_trade_is_left(self) -> None:
        """A put 10 % out of the money is worth next to nothing at 10 % and at 14 %."""
        columns = a_coin(quiet(40, 0.005), iv=0.14)

        assert self.ask(columns, edge_in=0.02) is HOLD
        assert self.ask(a_coin(quiet(40, 0.005), iv=0.4), edge_in=0.02) == {PUT.name: -0.6}

    @pytest.mark.parametrize(("bars", "writes"), [(21, True), (22, False), (30, False), (31, True)])
    def test_a_contract_that_expires_soon_is_not_written(self, bars: int, writes: bool) -> None:
        """Listed on the second bar, it has 10 days left after 21; its last bar is the 31st."""
        found = self.ask(a_coin(quiet(bars)), volatility_days=10)

        assert found == ({PUT.name: -0.6} if writes else HOLD)

    @pytest.mark.parametrize(
        ("held", "found"),
        [(0.25, {PUT.name: -0.6}), (0.35, HOLD), (0.7, HOLD), (0.8, {PUT.name: -0.6})],
    )
    def test_a_position_far_off_its_size_is_put_right(self, held: float, found: Decision) -> None:
        assert self.ask(a_coin(quiet(40)), {"BTC_PUT90": -held}) == found

    def test_it_writes_where_the_edge_is_largest(self) -> None:
        put = Instrument("ETH-PUT90", Kind.OPTION, underlying="ETH", right=Right.PUT, moneyness=0.9)
        columns = {**a_coin(quiet(40), iv=0.6), **a_coin(quiet(40), iv=0.8, coin="ETH")}

        for offered in ([BTC, ETH, PUT, put], [put, PUT, ETH, BTC]):
            view = seen(columns, offered)
            for coin, name in (("any", put.name), ("BTC", PUT.name), ("ETH", put.name)):
                player = born(DerivativesPlayer, offered, underlying=coin)
                assert player.decide(view, a_book(), {}) == {name: -0.6}
                assert player.decide(view, a_book(**{name.replace("-", "_"): -0.6}), {}) is HOLD

    @pytest.mark.parametrize("column", ["BTC.iv", "BTC.close"])
    def test_what_is_not_known_is_waited_for(self, column: str) -> None:
        columns = a_coin(quiet(40))
        columns[column] = np.append(columns[column][:-1], math.nan)

        for style in ("puts", "calls"):
            assert self.ask(columns, style=style) is HOLD
        assert self.ask(columns, {"BTC_PUT90": -0.6}) is HOLD
        assert self.ask(columns, {"BTC": 0.6, "BTC_CALL110": -0.59}, style="calls") is HOLD

    def test_without_anything_to_write_or_capital_it_waits(self) -> None:
        view = seen(a_coin(going(0.01, 60)), OFFERED)

        for style in ("puts", "calls", "trend", "mixed"):
            assert born(DerivativesPlayer, [BTC], style=style).decide(view, a_book(), {}) is HOLD
            broke = born(DerivativesPlayer, OFFERED, style=style).decide(view, a_book(0), {})
            assert broke is HOLD


class TestTrend:
    def ask(self, columns: Mapping[str, Floats], held: float = 0.0, **changes: Scalar) -> Decision:
        player = born(DerivativesPlayer, OFFERED, **{"style": "trend", **changes})
        book = a_book(BTC_PERP=held) if held else a_book()
        return player.decide(seen(columns, OFFERED), book, {})

    def size(self, decision: Decision) -> float:
        assert isinstance(decision, Mapping)
        assert decision.keys() == {PERP.name}
        return decision[PERP.name]

    def test_it_is_long_above_the_average_and_short_below(self) -> None:
        assert self.size(self.ask(a_coin(going(0.005, 90)))) > 0.0
        assert self.size(self.ask(a_coin(going(-0.005, 90)))) < 0.0
        assert self.ask(a_coin(quiet(90))) is HOLD

    def test_between_the_bands_it_keeps_what_it_has(self) -> None:
        flat = a_coin(quiet(90, 0.03), funding=0.0)
        right = 0.4 / (0.03 * math.sqrt(365))

        assert self.ask(flat, trend_band=0.05) is HOLD
        assert self.ask(flat, right, trend_band=0.05) is HOLD
        assert self.ask(flat, -right, trend_band=0.05) is HOLD
        assert self.size(self.ask(a_coin(going(-0.005, 90)), 1.0)) < 0.0

    def test_it_is_sized_by_volatility_up_to_its_leverage(self) -> None:
        wild = 100.0 * np.exp(0.01 * np.arange(90) + 0.04 * (np.arange(90) % 2))
        daily = np.diff(np.log(wild))[-20:]
        volatility = math.sqrt(float(np.mean(daily**2)) * 365)

        assert self.size(self.ask(a_coin(wild))) == pytest.approx(0.4 / volatility)
        assert self.size(self.ask(a_coin(going(0.002, 90)), leverage=1.2)) == 1.2
        assert self.ask(a_coin(wild), 0.4 / volatility * 1.25) is HOLD
        assert self.size(self.ask(a_coin(wild), 0.4 / volatility * 1.5)) < 0.4 / volatility * 1.1

    def test_funding_that_costs_too_much_keeps_it_out(self) -> None:
        """0.2 % a day are 73 % a year: longs pay it, shorts get it."""
        up, down = (a_coin(going(way, 90), funding=0.002) for way in (0.005, -0.005))

        assert self.ask(up) is HOLD
        assert self.size(self.ask(down)) < 0.0
        assert self.size(self.ask(up, funding_max=0.8)) > 0.0
        assert self.ask(up, 1.5, funding_max=0.4) is HOLD
        assert self.ask(up, 1.5, funding_max=0.3) == {}

    def test_the_stronger_trend_is_followed(self) -> None:
        offered = [BTC, ETH, PERP, perpetual("ETH")]
        columns = {**a_coin(going(0.004, 90)), **a_coin(going(-0.006, 90), coin="ETH")}

        for order in (offered, offered[::-1]):
            player = born(DerivativesPlayer, order, style="trend")
            found = player.decide(seen(columns, order), a_book(), {})
            assert isinstance(found, Mapping)
            assert [*found] == ["ETH-PERP"]

    @pytest.mark.parametrize("column", ["BTC.funding", "BTC.close"])
    def test_what_is_not_known_is_waited_for(self, column: str) -> None:
        columns = a_coin(going(0.005, 90))
        columns[column] = np.append(columns[column][:-1], math.nan)

        assert self.ask(columns) is HOLD
        assert self.ask(columns, -1.0) is HOLD

    def test_mixed_gives_half_of_the_capital_to_each(self) -> None:
        columns = a_coin(going(0.005, 70), iv=0.9)
        alone, both = (self.ask(columns, style=style) for style in ("trend", "mixed"))

        assert isinstance(both, Mapping)
        assert both == {PUT.name: -0.3, PERP.name: pytest.approx(self.size(alone) / 2)}


class TestMarkets:
    def test_where_implied_exceeds_realised_puts_earn_their_premiums(self) -> None:
        """30 days each at 60 % on 80 % of equity; the coin goes nowhere and none is exercised."""
        found = play(DerivativesPlayer, a_market(a_coin(quiet(211), iv=0.6)), OFFERED, exposure=0.8)

        check_traded(found)
        assert len(found.fills) == 6
        premium = float(price_option(Right.PUT, 100.0, 90.0, 0.6, 30 / 365)) / 90.0
        earned = (1.0 + 0.8 * (premium - 0.0008)) ** 6
        assert found.navs[-1] == pytest.approx(earned, rel=0.01)

    def test_where_it_does_not_it_stands_aside(self) -> None:
        for style in ("puts", "calls"):
            market = a_market(a_coin(quiet(120, 0.03), iv=0.5))
            assert play(DerivativesPlayer, market, OFFERED, style=style).fills == []

    def test_a_crash_costs_a_writer_of_puts_many_premiums(self) -> None:
        closes = np.concatenate([quiet(70), 100.0 * np.exp(-0.08 * np.arange(1, 11)), [45.0] * 20])

        market = a_market(a_coin(closes, iv=0.6))

        found = play(DerivativesPlayer, market, OFFERED, exposure=0.9)

        check_traded(found)
        assert max(found.navs) > 1.01
        assert found.navs[-1] < 0.8

    def test_covered_calls_earn_premiums_and_give_away_a_rise(self) -> None:
        calm = play(DerivativesPlayer, a_market(a_coin(quiet(211), iv=0.6)), OFFERED, style="calls")
        risen = play(
            DerivativesPlayer, a_market(a_coin(going(0.008, 211), iv=0.9)), OFFERED, style="calls"
        )

        assert calm.navs[-1] > 1.05
        assert risen.navs[-1] < 1.0 + 0.6 * math.expm1(0.008 * 180)
        for found in (calm, risen):
            check_traded(found)
            coins, calls = held_of(found, "BTC"), held_of(found, CALL.name)
            assert min(calls) < 0.0
            assert all(coin + call >= 0.0 for coin, call in zip(coins, calls, strict=True))

    @pytest.mark.parametrize("way", [0.004, -0.004])
    def test_a_trend_earns_either_way(self, way: float) -> None:
        market = a_market(a_coin(going(way, 200)))

        found = play(DerivativesPlayer, market, OFFERED, style="trend", warmup=60)

        check_traded(found)
        assert len(found.fills) < 6
        assert found.navs[-1] > 1.5

    def test_a_trend_that_turns_again_and_again_loses(self) -> None:
        """It is long after each jump, five days before the fall, and short after that."""
        jumps = 100.0 * np.exp(0.06 * np.sign(np.arange(130) % 10 - 4.5))
        market = a_market(a_coin(jumps))

        found = play(DerivativesPlayer, market, OFFERED, style="trend", trend_days=20)

        check_traded(found)
        assert len(found.fills) > 15
        assert found.navs[-1] < 0.7

    def test_a_margin_that_is_used_up_ends_the_position_and_not_the_run(self) -> None:
        closes = np.concatenate([going(0.004, 90), [80.0], 80.0 * quiet(30) / 100.0])

        found = play(
            DerivativesPlayer,
            a_market(a_coin(closes)),
            OFFERED,
            style="trend",
            leverage=3.0,
            volatility_target=1.0,
        )

        assert [fill.instrument for fill in found.liquidations] == [PERP.name]
        assert found.failures == []
        assert found.refused == []
        assert 0.0 <= found.navs[-1] < 0.4
        assert len(found.settled) == 91

    @pytest.mark.parametrize("style", ["puts", "calls", "trend", "mixed"])
    @pytest.mark.parametrize("seed", [11, 13])
    def test_it_trades_on_the_synthetic_market(self, style: str, seed: int) -> None:
        check_traded(play(DerivativesPlayer, full_market(300, seed), [*FULL.values()], style=style))

    @needs_data
    @pytest.mark.parametrize("style", ["puts", "calls", "trend", "mixed"])
    def test_it_trades_on_real_prices(self, style: str) -> None:
        """Real: prices and funding of bitcoin and ether.  Generated: implied volatility."""
        market = add_series(restrict(real_market(), slice(500)), ["volatility"], Seed(1))
        offered = [
            each for each in FULL.values() if (each.underlying or each.name) in {"BTC", "ETH"}
        ]
        traded = [each for each in offered if each.kind in {Kind.SPOT, Kind.OPTION, Kind.PERPETUAL}]

        check_traded(play(DerivativesPlayer, market, traded, style=style))


class TestAlways:
    @settings(max_examples=15, deadline=None)
    @given(seeds)
    def test_its_answers_are_valid_and_do_not_depend_on_order(self, seed: int) -> None:
        check_answers(DerivativesPlayer, seed)

    @settings(max_examples=15, deadline=None)
    @given(seeds)
    def test_its_answers_are_valid_whatever_it_holds(self, seed: int) -> None:
        check_any_book(DerivativesPlayer, seed)

    @settings(max_examples=15, deadline=None)
    @given(seeds, st.integers(0, 298))
    def test_its_answers_do_not_know_the_future(self, seed: int, row: int) -> None:
        check_unspoiled(DerivativesPlayer, seed, row)
