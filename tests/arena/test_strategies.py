"""A strategy answers with valid weights or HOLD, and with the same ones to the same question."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.costs import CostModel
from arena.evolution import draw_parameters
from arena.exceptions import ValidationError
from arena.ids import AgentId
from arena.instruments import Instrument
from arena.market import DAY_S, Market, MarketView, Provenance, Series
from arena.money import Money
from arena.prices import simulate_market
from arena.seed import Seed
from arena.strategies import (
    BUILT_IN,
    HOLD,
    BookView,
    BuyAndHold,
    Cash,
    Choice,
    Decision,
    DeFiYieldFarmer,
    Memory,
    Number,
    Quotes,
    Random,
    Strategy,
    TacticalTrader,
    check_decision,
)
from arena.words import Scalar
from tests.arena.builders import Idle, lending, spot, usd

INSTRUMENTS = {**spot("BTC", "ETH", "SOL"), **lending("aave", "pendle", "curve")}
SYNTHETIC = simulate_market(300, Seed(11).child("market"))

built_in = st.sampled_from(sorted(BUILT_IN)).map(BUILT_IN.__getitem__)


def a_book(equity: float = 10_000, **weights: float) -> BookView:
    cash = usd(equity * (1.0 - sum(weights.values())))
    return BookView(AgentId("ada"), usd(equity), cash, weights, CostModel())


def a_strategy(
    kind: type[Strategy],
    *,
    seed: int = 1,
    instruments: Mapping[str, Instrument] = INSTRUMENTS,
    **parameters: Scalar,
) -> Strategy:
    chosen = {**kind.defaults(), **parameters}
    kind.check_settings(chosen)
    return kind(chosen, list(instruments.values()), Seed(seed))


def a_view(**columns: list[float]) -> MarketView:
    """Return the view at the last row of a market with these columns."""
    values = np.column_stack([*columns.values()])
    market = Market(
        opens_at=DAY_S * np.arange(len(values), dtype=np.int64),
        series=tuple(
            Series(name.replace("_", ".", 1), "USD", Provenance.SYNTHETIC)
            if name != "btc_mvrv"
            else Series(name, "ratio", Provenance.SYNTHETIC)
            for name in columns
        ),
        values=values,
    )
    view = MarketView(market)
    view.reveal(market.values)
    return view


def live(strategy: Strategy, *, bars: int = 300) -> list[Decision]:
    """Return a strategy's decisions on the synthetic market; its book follows its targets."""
    view, memory, book, decisions = MarketView(SYNTHETIC), {}, a_book(), []
    for day in range(bars):
        view.reveal(SYNTHETIC.values[day : day + 1])
        decision = strategy.decide(view, book, memory)
        targets = decision.targets if isinstance(decision, Quotes) else decision
        if targets is not HOLD:
            book = replace(book, weights={name: w for name, w in targets.items() if w})
        decisions.append(decision)
    return decisions


class TestAll:
    @settings(max_examples=40, deadline=None)
    @given(built_in, st.integers(0, 2**32))
    def test_every_answer_on_a_synthetic_market_is_valid(
        self, kind: type[Strategy], seed: int
    ) -> None:
        parameters = draw_parameters(kind, Seed(seed))
        strategy = kind(parameters, list(INSTRUMENTS.values()), Seed(seed))

        for decision in live(strategy):
            assert check_decision(decision, strategy.instruments) is None

    @settings(max_examples=20, deadline=None)
    @given(built_in, st.integers(0, 2**32))
    def test_the_same_question_has_the_same_answer(self, kind: type[Strategy], seed: int) -> None:
        parameters = draw_parameters(kind, Seed(seed))
        twins = [kind(parameters, list(INSTRUMENTS.values()), Seed(seed)) for _ in range(2)]
        view, memory, book = MarketView(SYNTHETIC), {}, a_book()

        for day in range(150):
            view.reveal(SYNTHETIC.values[day : day + 1])
            before, asked = copy.deepcopy(memory), copy.deepcopy(book)
            first = twins[0].decide(view, book, memory)
            assert twins[1].decide(view, book, before) == first
            assert before == memory
            assert book == asked
            assert twins[0].settings == parameters

    @pytest.mark.parametrize("kind", BUILT_IN.values(), ids=BUILT_IN)
    def test_what_is_declared_is_enough_to_be_born(self, kind: type[Strategy]) -> None:
        assert BUILT_IN[kind.name] is kind
        kind.check_settings(kind.defaults())
        assert all(parameter.doc for parameter in kind.parameters)

    def test_a_strategy_has_no_limit_of_capacity_unless_it_says_so(self) -> None:
        assert a_strategy(Cash).capacity(a_view(BTC_close=[1.0]), a_book()) is None


class TestFarmer:
    DAYS = 30

    def farm(self, rates: dict[str, float], book: BookView, **parameters: Scalar) -> Decision:
        farmer = a_strategy(DeFiYieldFarmer, instruments=lending(*rates), **parameters)
        view = a_view(**{f"{name}_apr": [rate] * self.DAYS for name, rate in rates.items()})
        return farmer.decide(view, book, {})

    def test_it_deposits_where_the_rate_is_best(self) -> None:
        rates = {"aave": 0.03, "pendle": 0.06, "curve": 0.05}

        assert self.farm(rates, a_book()) == {"pendle": 1.0}
        assert self.farm(rates, a_book(), markets=2) == {"pendle": 0.5, "curve": 0.5}

    def test_it_holds_what_is_best_already(self) -> None:
        assert self.farm({"aave": 0.03, "pendle": 0.06}, a_book(pendle=0.999)) is HOLD
        assert self.farm({"aave": 0.03}, a_book(aave=1.0)) is HOLD
        assert self.farm({"aave": 0.03}, a_book(10_000_000, aave=0.996)) is HOLD  # Not traded.

    @pytest.mark.parametrize(("gain", "moves"), [(0.0059, False), (0.0062, True)])
    def test_it_moves_only_when_the_gain_exceeds_the_round_trip(
        self, gain: float, moves: bool
    ) -> None:
        """0.5 USD of gas on 1,000 USD are earned back in 30 days at 0.608 % a year."""
        rates = {"aave": 0.03, "pendle": 0.03 + gain}

        decision = self.farm(rates, a_book(1_000, aave=1.0))

        assert decision == ({"pendle": 1.0} if moves else HOLD)

    def test_a_longer_horizon_moves_for_less(self) -> None:
        rates, book = {"aave": 0.03, "pendle": 0.035}, a_book(1_000, aave=1.0)

        assert self.farm(rates, book, horizon_days=30) is HOLD
        assert self.farm(rates, book, horizon_days=60) == {"pendle": 1.0}

    def test_it_pays_gas_for_each_operation_however_small(self) -> None:
        """Half and half became 52 to 48: 4 cents a month are not worth 50 cents of gas."""
        rates = {"aave": 0.03, "pendle": 0.08, "curve": 0.0}

        assert self.farm(rates, a_book(1_000, aave=0.52, pendle=0.48), markets=2) is HOLD

    def test_new_capital_is_deposited(self) -> None:
        assert self.farm({"aave": 0.03}, a_book(20_000, aave=0.25)) == {"aave": 1.0}

    def test_it_leaves_markets_alone_that_pay_too_little(self) -> None:
        assert self.farm({"aave": 0.004}, a_book()) is HOLD
        assert self.farm({"aave": 0.004}, a_book(), rate_min=0.0) == {"aave": 1.0}

    def test_a_rate_that_is_not_known_is_no_rate(self) -> None:
        assert self.farm({"aave": math.nan, "pendle": 0.03}, a_book()) == {"pendle": 1.0}
        assert self.farm({"aave": math.nan}, a_book()) is HOLD


IN: Decision = {"BTC": 0.8}
OUT: Decision = {}
RISING = [float(n) for n in range(1, 61)]
FALLING = RISING[::-1]


class TestTactician:
    """It answers `IN` or `OUT` when it changes its mind, and HOLD otherwise."""

    def decide(
        self,
        closes: list[float],
        mvrv: list[float],
        *,
        held: float = 0.0,
        memory: Memory | None = None,
        **parameters: Scalar,
    ) -> Decision:
        trader = a_strategy(TacticalTrader, **parameters)
        view = a_view(BTC_close=closes, btc_mvrv=mvrv)
        book = a_book(BTC=held) if held else a_book()
        return trader.decide(view, book, {} if memory is None else memory)

    @pytest.mark.parametrize("closes", [RISING, FALLING], ids=["rising", "falling"])
    def test_it_buys_what_is_cheap_and_sells_what_is_overheated(self, closes: list[float]) -> None:
        assert self.decide(closes, [0.9] * 60) == IN
        assert self.decide(closes, [3.0] * 60, held=0.8) == OUT
        assert self.decide(closes, [0.9] * 60, held=0.8) is HOLD
        assert self.decide(closes, [3.0] * 60) is HOLD

    def test_in_between_it_follows_the_trend(self) -> None:
        assert self.decide(RISING, [2.0] * 60) == IN
        assert self.decide(FALLING, [2.0] * 60, held=0.8) == OUT

    def test_the_trend_alone_looks_at_no_value(self) -> None:
        assert self.decide(RISING, [9.0] * 60, signal="trend") == IN
        assert self.decide(FALLING, [0.1] * 60, signal="trend", held=0.8) == OUT

    def test_a_z_score_is_another_scale_than_the_ratio(self) -> None:
        plunged, soared = [2.0, 2.1] * 29 + [2.0, 1.0], [2.0, 2.1] * 29 + [2.0, 3.0]

        assert self.decide(FALLING, plunged, signal="zscore") == IN
        assert self.decide(RISING, soared, signal="zscore", held=0.8) == OUT
        assert self.decide(RISING, [2.0] * 60, signal="zscore") == IN  # No deviation.

    def test_a_value_that_is_not_published_says_nothing(self) -> None:
        assert self.decide(RISING, [math.nan] * 60) == IN

    def test_an_asset_that_is_not_listed_yet_is_left_alone(self) -> None:
        assert self.decide([math.nan] * 60, [0.9] * 60) is HOLD
        assert self.decide([math.nan] * 20 + RISING, [0.9] * 80, trend_days=70) is HOLD

    def test_it_does_not_change_its_mind_before_its_patience_ends(self) -> None:
        memory: Memory = {}

        assert self.decide(RISING, [0.9] * 60, memory=memory) == IN
        later = [*RISING, 1.0, 1.0, 1.0]
        for days, answer in ((1, HOLD), (2, HOLD), (3, OUT)):
            closes = later[: 60 + days]
            found = self.decide(closes, [3.0] * len(closes), memory=memory, held=0.8)
            assert found == answer, days

    def test_what_it_holds_is_what_its_book_says(self) -> None:
        """Sold by force, or funded anew: it buys again, whatever it decided before."""
        memory: Memory = {}

        assert self.decide(RISING, [0.9] * 60, memory=memory) == IN
        closes = [*RISING, *[70.0] * 5]
        assert self.decide(closes, [0.9] * 65, memory=memory, held=0.8) is HOLD
        assert self.decide(closes, [0.9] * 65, memory=dict(memory), held=0.2) == IN
        assert self.decide(closes, [0.9] * 65, memory=dict(memory)) == IN
        assert self.decide(FALLING, [3.0] * 60, held=0.1) == OUT  # After a restart.

    @pytest.mark.parametrize("signal", ["ratio", "zscore", "trend"])
    def test_every_signal_trades_on_a_synthetic_market(self, signal: str) -> None:
        decisions = live(a_strategy(TacticalTrader, signal=signal))
        asked = [decision for decision in decisions if decision is not HOLD]

        assert IN in asked
        assert OUT in asked
        assert len(asked) < 100  # One answer in three days at the most.


class TestBaselines:
    def test_cash_holds_nothing(self) -> None:
        assert live(a_strategy(Cash), bars=5) == [{}] * 5

    def test_buy_and_hold_buys_once_what_is_listed_and_never_trades_again(self) -> None:
        view = a_view(BTC_close=[1.0], ETH_close=[1.0], SOL_close=[math.nan])
        holder, memory = a_strategy(BuyAndHold), dict[str, object]()

        assert holder.decide(view, a_book(), memory) == {"BTC": 0.5, "ETH": 0.5}
        assert holder.decide(view, a_book(), memory) is HOLD
        assert live(a_strategy(BuyAndHold))[1:] == [HOLD] * 299

    def test_buy_and_hold_waits_until_something_is_listed(self) -> None:
        view = a_view(BTC_close=[math.nan], ETH_close=[math.nan], SOL_close=[math.nan])

        assert a_strategy(BuyAndHold).decide(view, a_book(), {}) is HOLD

    def test_random_changes_its_mind_about_as_often_as_it_says(self) -> None:
        changes = [d for d in live(a_strategy(Random, change_probability=0.3)) if d is not HOLD]

        assert 60 < len(changes) < 120
        assert all(0 < sum(weights.values()) < 1 for weights in changes)
        assert live(a_strategy(Random, change_probability=0.0)) == [HOLD] * 300

    def test_dice_are_thrown_anew_for_each_seed(self) -> None:
        first, again, other = (live(a_strategy(Random, seed=n)) for n in (1, 1, 2))

        assert first == again
        assert first != other


class TestAnswers:
    @pytest.mark.parametrize(
        ("answer", "fault"),
        [
            (HOLD, None),
            ({}, None),
            ({"BTC": 1.0}, None),
            ({"BTC": 1}, None),
            ({"BTC": 0.5, "aave": np.float64(0.5)}, None),
            (dict.fromkeys(INSTRUMENTS, 1 / 6), None),
            (None, "answered NoneType"),
            ([("BTC", 1.0)], "answered list"),
            (0.5, "answered float"),
            ({"GOLD": 0.5}, "'GOLD'"),
            ({3: 0.5}, "wants 3"),
            ({"BTC": math.nan}, "is nan"),
            ({"BTC": math.inf}, "is inf"),
            ({"BTC": -1e-9}, "is -1e-09"),
            ({"BTC": True}, "is bool"),
            ({"BTC": "1"}, "is str"),
            ({"BTC": None}, "is NoneType"),
            ({"BTC": 10**400}, "needed 0 to 1"),
            ({"BTC": 0.6, "ETH": 0.5}, "sum to 1.1"),
        ],
    )
    def test_an_answer_is_accepted_or_its_fault_is_named(
        self, answer: object, fault: str | None
    ) -> None:
        found = check_decision(answer, list(INSTRUMENTS.values()))

        assert (found is None) == (fault is None)
        assert fault is None or fault in (found or "")


class TestDeclarations:
    COUNT = Number(name="count", default=3, low=1, high=5, integer=True)
    SHARE = Number(name="share", default=0.5, low=0.0, high=1.0)
    SIDE = Choice(name="side", default="long", options=("long", "flat"))

    @pytest.mark.parametrize("value", [0, 6, 2.0, True, "3", None, math.nan])
    def test_a_whole_number_out_of_bounds_or_of_another_type_is_refused(
        self, value: Scalar
    ) -> None:
        with pytest.raises(ValidationError, match="count"):
            self.COUNT.check(value)

    @pytest.mark.parametrize("value", [-0.1, 1.1, math.inf, math.nan, False])
    def test_a_number_out_of_bounds_is_refused(self, value: Scalar) -> None:
        with pytest.raises(ValidationError, match="share"):
            self.SHARE.check(value)

    def test_what_is_inside_is_accepted(self) -> None:
        for value in (1, 5):
            self.COUNT.check(value)
        for share in (0, 0.0, 1, 0.3):
            self.SHARE.check(share)
        self.SIDE.check("flat")

    def test_a_word_that_is_no_option_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="one of"):
            self.SIDE.check("short")

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"ratio_buy": 1.7, "ratio_sell": 1.6}, "ratio_buy"),
            ({"ratio_buy": 1.6, "ratio_sell": 1.6}, "ratio_buy"),
            ({"asset": "DOGE"}, "asset"),
            ({"colour": 1}, "colour"),
            ({"patience_days": 0}, "patience_days"),
        ],
    )
    def test_settings_are_refused_by_the_name_of_their_fault(
        self, change: dict[str, Scalar], named: str
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            TacticalTrader.check_settings({**TacticalTrader.defaults(), **change})

        assert caught.value.field == named

    def test_settings_that_are_incomplete_are_refused(self) -> None:
        incomplete = TacticalTrader.defaults()
        del incomplete["asset"]

        with pytest.raises(ValidationError, match="asset"):
            TacticalTrader.check_settings(incomplete)

    def test_a_strategy_that_decides_nothing_says_so(self) -> None:
        with pytest.raises(NotImplementedError):
            Strategy({}, [], Seed(1)).decide(a_view(BTC_close=[1.0]), a_book(), {})

        assert Idle({}, [], Seed(1)).decide(a_view(BTC_close=[1.0]), a_book(), {}) == {}

    def test_a_default_of_a_whole_number_is_whole(self) -> None:
        assert type(TacticalTrader.defaults()["trend_days"]) is int

    def test_money_of_a_book_is_what_was_put_in(self) -> None:
        assert a_book(100, BTC=0.25).cash == Money(75_000_000)


def test_a_strategy_that_forgot_to_decide_is_refused_where_it_is_written() -> None:
    with pytest.raises(TypeError, match="strategy 'silent' has no `decide`"):

        class Silent(Strategy):
            name = "silent"
            family = "silent"

    with pytest.raises(TypeError, match="strategy 'orphan' has no `family`"):

        class Orphan(Strategy):
            name = "orphan"

            def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
                return {}
