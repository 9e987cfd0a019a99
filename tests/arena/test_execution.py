"""Targets become orders at the open, costs are exact, and nobody spends what they do not have.

The known answers were computed by another engine (SMA 10/30 on bitcoin, long or flat, fractional,
filled at the next open); where the market file is missing they are skipped.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.bars import Bar, flat
from arena.costs import CostModel
from arena.execution import (
    Marks,
    Terms,
    Wish,
    execute,
    plan_orders,
    scale_openings,
    sell_down,
    size_closing,
)
from arena.ids import AgentId
from arena.instruments import Kind
from arena.market import Floats
from arena.money import MICRO, Money
from arena.orders import Fill, Order
from arena.portfolio import Portfolio
from tests.arena.builders import FREE, lending, rebalance, spot, usd

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "crypto" / "daily_ohlcv.csv"

ADA = AgentId("ada")
COSTS = CostModel(fee_bps=10.0, slippage_bps=5.0, gas=usd(0.25))
BOTH = {**spot("A", "B"), **lending("aave", "curve")}


def an_order(quantity: float, instrument: str = "A") -> Order:
    return Order(order_id="1", agent_id=ADA, instrument=instrument, quantity=quantity)


class TestCosts:
    def test_spot_pays_fee_and_slippage_and_no_gas(self) -> None:
        fill = execute(an_order(2.0), BOTH["A"], bar=Bar(500.0, 500.0), costs=COSTS)

        assert (fill.fee, fill.slippage, fill.gas) == (usd(1), usd(0.5), 0)
        assert fill.price == 500.0

    def test_lending_pays_gas_only_whatever_the_size(self) -> None:
        for quantity in (1e-6, 1e6, -5.0):
            fill = execute(an_order(quantity, "aave"), BOTH["aave"], bar=Bar(1.0, 1.0), costs=COSTS)

            assert (fill.fee, fill.slippage, fill.gas) == (0, 0, usd(0.25))

    def test_each_cost_is_rounded_by_itself(self) -> None:
        costs = CostModel(fee_bps=4_000.0, slippage_bps=4_000.0, gas=Money(0))

        fill = execute(an_order(0.000001), BOTH["A"], bar=Bar(1.0, 1.0), costs=costs)

        assert (fill.fee, fill.slippage, fill.costs) == (0, 0, 0)  # Together 0.8: that would be 1.
        dearer = replace(costs, fee_bps=6_000.0)
        assert execute(an_order(0.000001), BOTH["A"], bar=Bar(1.0, 1.0), costs=dearer).fee == 1

    def test_a_sale_costs_what_the_purchase_did(self) -> None:
        bought = execute(an_order(1.7), BOTH["A"], bar=Bar(33.3, 33.3), costs=COSTS)
        sold = execute(an_order(-1.7), BOTH["A"], bar=Bar(33.3, 33.3), costs=COSTS)

        assert bought.costs == sold.costs > 0

    def test_a_round_trip_is_both_ways_and_gas_weighs_more_on_the_small(self) -> None:
        assert COSTS.round_trip(Kind.SPOT, usd(1_000)) == pytest.approx(0.003)
        assert COSTS.round_trip(Kind.LENDING, usd(1_000)) == pytest.approx(0.0005)
        assert COSTS.round_trip(Kind.LENDING, usd(100)) == pytest.approx(0.005)


def plan(
    portfolio: Portfolio, targets: dict[str, float], *, trade_min: float = 0.005, **opens: float
) -> list[tuple[str, int]]:
    terms = Terms(spot("A", "B"), COSTS, trade_min)
    prices = {"A": 10.0, "B": 20.0, **opens}
    made = plan_orders(portfolio, targets, prices=prices, terms=terms)
    return [(wish.instrument.name, wish.amount) for wish in (*made.closings, *made.openings)]


class TestPlanning:
    def test_a_weight_is_sized_on_equity_at_the_open(self) -> None:
        book = Portfolio(cash=usd(100), positions={"A": 10.0})

        assert plan(book, {"A": 0.75}) == [("A", usd(50))]  # 100 of 200 are held.
        assert plan(book, {"A": 0.75}, A=30.0) == []  # 300 of 400 are.

    def test_sales_come_first_then_purchases_each_in_the_order_of_trading(self) -> None:
        book = Portfolio(positions={"B": 5.0})

        assert plan(book, {"A": 1.0}) == [("B", usd(-100)), ("A", usd(100))]

    def test_what_the_targets_leave_out_is_sold(self) -> None:
        assert plan(Portfolio(positions={"A": 1.0, "B": 1.0}), {}) == [
            ("A", usd(-10)),
            ("B", usd(-20)),
        ]

    @pytest.mark.parametrize(("weight", "trades"), [(0.5049, 0), (0.505, 1), (0.495, 1)])
    def test_differences_under_the_minimum_are_not_traded(self, weight: float, trades: int) -> None:
        book = Portfolio(cash=usd(100), positions={"A": 10.0})

        assert len(plan(book, {"A": weight})) == trades

    def test_what_is_not_listed_is_wanted_all_the_same(self) -> None:
        terms = Terms(spot("A"), COSTS)

        made = plan_orders(Portfolio(cash=usd(10)), {"A": 1.0}, prices={}, terms=terms)

        (wish,) = made.openings

        assert wish.amount == usd(10)
        assert np.isnan(wish.unit)

    def test_an_empty_book_wants_nothing(self) -> None:
        assert plan(Portfolio(), {"A": 1.0}) == []


DOLLARS = flat(dict.fromkeys(BOTH, 1.0), {})


class TestSizing:
    def test_a_sale_never_exceeds_what_is_held(self) -> None:
        book = Portfolio(positions={"A": 0.1})

        assert size_closing(book, Wish(BOTH["A"], -usd(100), 10.0)) == -0.1
        assert size_closing(book, Wish(BOTH["A"], -usd(1), 10.0)) == -0.1
        assert size_closing(book, Wish(BOTH["A"], -usd(0.5), 10.0)) == pytest.approx(-0.05)

    def test_purchases_that_fit_are_left_alone(self) -> None:
        wishes = [Wish(BOTH["A"], usd(10), 1.0), Wish(BOTH["aave"], usd(20), 1.0)]

        assert scale_openings(usd(31), wishes, COSTS, DOLLARS) == wishes

    def test_purchases_that_do_not_are_cut_back_by_the_same_share(self) -> None:
        wishes = [Wish(BOTH["A"], usd(100), 1.0), Wish(BOTH["B"], usd(50), 1.0)]

        first, second = scale_openings(usd(75), wishes, FREE, DOLLARS)

        assert first.amount == pytest.approx(usd(50), abs=10)
        assert second.amount == pytest.approx(usd(25), abs=10)

    def test_nothing_is_bought_where_gas_takes_all(self) -> None:
        assert scale_openings(usd(0.2), [Wish(BOTH["aave"], usd(5), 1.0)], COSTS, DOLLARS) == []
        assert scale_openings(Money(0), [], COSTS, DOLLARS) == []


weights = st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4).filter(lambda w: sum(w) > 0)
opens = st.fixed_dictionaries({name: st.floats(1e-4, 1e5) for name in BOTH})
cost_models = st.builds(
    CostModel,
    fee_bps=st.floats(0.0, 300.0),
    slippage_bps=st.floats(0.0, 300.0),
    gas=st.integers(0, 5 * MICRO).map(Money),
)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 10**12), opens, cost_models, st.lists(weights, min_size=1, max_size=4))
def test_no_rebalancing_overdraws_the_cash(
    cash: int, prices: dict[str, float], costs: CostModel, changes: list[list[float]]
) -> None:
    portfolio = Portfolio(cash=Money(cash))
    terms = Terms(BOTH, costs, trade_min=0.0)

    for wanted in changes:
        whole = max(sum(wanted), 1.0)
        targets = {name: w / whole for name, w in zip(BOTH, wanted, strict=True)}
        before = portfolio.equity(prices)
        fills = rebalance(ADA, portfolio, targets, prices, terms)
        portfolio = portfolio.after(fills)

        assert portfolio.cash >= 0
        assert portfolio.equity(prices) == before - sum(fill.costs for fill in fills)


def sell(
    portfolio: Portfolio, amount: int, *, costs: CostModel = COSTS, **prices: float
) -> tuple[Portfolio, tuple[Fill, ...]]:
    known = {**dict.fromkeys(BOTH, 1.0), **prices}
    marks = Marks(prices=known)
    fills = sell_down(
        ADA, portfolio, amount, marks=marks, terms=Terms(BOTH, costs), label="1-death"
    )
    return portfolio.after(fills), fills


class TestForcedSales:
    def test_cash_goes_first(self) -> None:
        book = Portfolio(cash=usd(100), positions={"A": 100.0})

        assert sell(book, usd(100)) == (book, ())

    def test_then_everything_pro_rata(self) -> None:
        book = Portfolio(cash=usd(100), positions={"A": 100.0, "B": 300.0})

        after, fills = sell(book, usd(200), costs=FREE)

        assert [(fill.instrument, fill.quantity) for fill in fills] == [("A", -25.0), ("B", -75.0)]
        assert after.cash == usd(200)

    def test_sales_stand_in_the_order_of_trading_not_of_purchase(self) -> None:
        _, fills = sell(Portfolio(positions={"curve": 1.0, "B": 1.0, "A": 1.0}), usd(3))

        assert [fill.instrument for fill in fills] == ["A", "B", "curve"]

    def test_all_of_the_equity_leaves_no_dust_behind(self) -> None:
        dust = Portfolio(cash=usd(1), positions={"A": 1e-9})
        assert dust.equity({"A": 1.0}) == dust.cash

        after, _ = sell(dust, dust.equity({"A": 1.0}))

        assert after == Portfolio(cash=usd(1), positions={})

    def test_gas_takes_at_most_what_its_sale_brings(self) -> None:
        after, (fill,) = sell(Portfolio(positions={"aave": 0.1}), usd(0.1))

        assert fill.gas == usd(0.1)
        assert after == Portfolio(cash=Money(0), positions={})

    def test_what_a_sale_brings_is_what_the_position_loses(self) -> None:
        """Half of 1.4 micro-dollars rounds to 1, and so does the half that stays: it brings 0."""
        crumbs = Portfolio(positions={"aave": 1.0, "curve": 1.0})

        after, _ = sell(crumbs, 1, aave=1.4e-6, curve=1.4e-6)

        assert after.cash == 0


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 10**9),
    st.dictionaries(st.sampled_from([*BOTH]), st.floats(1e-9, 1e3), max_size=4),
    opens,
    cost_models,
    st.floats(0.0, 1.2),
)
def test_no_forced_sale_puts_an_agent_into_debt(
    cash: int,
    positions: dict[str, float],
    prices: dict[str, float],
    costs: CostModel,
    share: float,
) -> None:
    book = Portfolio(cash=Money(cash), positions=positions)
    equity = book.equity(prices)
    amount = round(equity * share)

    after, fills = sell(book, amount, costs=costs, **prices)

    assert after.cash >= 0
    assert after.equity(prices) == equity - sum(fill.costs for fill in fills)
    assert after.cash + sum(fill.costs for fill in fills) >= min(amount, equity) - len(positions)
    if amount >= equity:
        assert not after.positions


def bitcoin() -> tuple[Floats, Floats]:
    """Return the opens and closes of BTC from 2019-01-01 to 2023-06-30."""
    if not REAL.exists():
        pytest.skip(f"the market file {REAL.name} is not here")
    with REAL.open() as file:
        rows = [row for row in csv.DictReader(file) if row["asset"] == "BTC"]
    return (
        np.array([float(row["open"]) for row in rows]),
        np.array([float(row["close"]) for row in rows]),
    )


def backtest(targets: list[dict[str, float] | None], costs: CostModel) -> tuple[float, list[Fill]]:
    """Return the final equity in USD and the fills of 10,000 USD that follow `targets`.

    Args:
        targets: What is decided at each close, None to hold: it fills at the next open.
        costs: Of trading.
    """
    opened, closed = bitcoin()
    terms = Terms(spot("BTC"), costs, trade_min=0.0)
    portfolio, fills = Portfolio(cash=usd(10_000)), []
    for day, wanted in enumerate(targets[:-1], start=1):
        if wanted is not None:
            done = rebalance(ADA, portfolio, wanted, {"BTC": float(opened[day])}, terms)
            portfolio = portfolio.after(done)
            fills += done
    return portfolio.equity({"BTC": float(closed[-1])}) / MICRO, fills


def averages_crossed(closed: Floats) -> list[dict[str, float] | None]:
    """Return all of it while the mean of 10 days is above that of 30, and nothing below."""
    decided: list[dict[str, float] | None] = []
    before = None
    for day in range(len(closed)):
        above = day >= 29 and closed[day - 9 : day + 1].mean() > closed[day - 29 : day + 1].mean()
        decided.append(None if above == before else {"BTC": 1.0} if above else {})
        before = above
    return decided


@pytest.mark.parametrize(
    ("fee_bps", "known"), [(0.0, 69_983.566171), (10.0, 65_448.326518)], ids=["free", "0.1 %"]
)
def test_crossing_averages_on_bitcoin_earn_what_another_engine_says(
    fee_bps: float, known: float
) -> None:
    _, closed = bitcoin()
    costs = CostModel(fee_bps=fee_bps, slippage_bps=0.0, gas=Money(0))

    equity, fills = backtest(averages_crossed(closed), costs)

    assert len(fills) == 67
    assert equity == pytest.approx(known, rel=1e-8)


def test_buying_and_holding_bitcoin_earns_what_bitcoin_did() -> None:
    opened, closed = bitcoin()

    equity, fills = backtest([{"BTC": 1.0}, *[None] * (len(closed) - 1)], FREE)

    assert len(fills) == 1
    assert fills[0].price == opened[1]  # The open after the decision, not the close before it.
    assert equity == pytest.approx(10_000 * closed[-1] / opened[1], rel=1e-8)
