"""Equity is cash plus whole-numbered position values, and the NAV moves only with profit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.ids import AgentId
from arena.money import MICRO, Money, to_money
from arena.orders import Fill
from arena.portfolio import Portfolio, unit_nav
from tests.arena.builders import usd

prices = st.floats(1e-6, 1e6)
quantities = st.floats(1e-6, 1e4)


def a_fill(quantity: float, price: float, *, fee: int = 0, instrument: str = "COIN") -> Fill:
    return Fill(
        order_id="1",
        agent_id=AgentId("ada"),
        instrument=instrument,
        quantity=quantity,
        price=price,
        fee=Money(fee),
        slippage=Money(0),
        gas=Money(0),
    )


def test_a_position_is_worth_the_nearest_whole_micro_dollar_halves_to_even() -> None:
    book = Portfolio(positions={"COIN": 1.0})

    assert book.value("COIN", 0.0000005) == 0
    assert book.value("COIN", 0.0000015) == 2
    assert book.value("COIN", 0.0000025) == 2
    assert book.value("OTHER", 5.0) == 0


def test_equity_is_cash_and_each_position_rounded_by_itself() -> None:
    book = Portfolio(cash=Money(10), positions={"A": 1.0, "B": 1.0})

    assert book.equity({"A": 0.0000014, "B": 0.0000014}) == 12  # Together they would round to 3.


def test_a_purchase_turns_cash_into_a_position_and_pays_its_costs() -> None:
    book = Portfolio(cash=usd(100)).after([a_fill(0.5, 120.0, fee=7)])

    assert book == Portfolio(cash=Money(40 * MICRO - 7), positions={"COIN": 0.5})


def test_a_position_that_is_sold_whole_is_gone() -> None:
    book = Portfolio(cash=usd(1), positions={"COIN": 0.1})

    assert book.after([a_fill(-0.1, 10.0)]) == Portfolio(cash=usd(2), positions={})


@settings(max_examples=200)
@given(st.lists(st.tuples(quantities, st.booleans()), min_size=1, max_size=8), prices)
def test_trading_at_the_mark_costs_exactly_its_costs(
    trades: list[tuple[float, bool]], price: float
) -> None:
    before = Portfolio(cash=usd(1_000), positions={"COIN": 1.2345})

    fills = [a_fill(size if buys else -size, price, fee=3) for size, buys in trades]
    after = before.after(fills)

    assert after.equity({"COIN": price}) == before.equity({"COIN": price}) - 3 * len(fills)


@settings(max_examples=200)
@given(prices, prices, quantities)
def test_profit_over_a_tick_is_a_difference_of_whole_numbers(
    opened: float, closed: float, quantity: float
) -> None:
    before = Portfolio(cash=usd(10**9))

    after = before.after([a_fill(quantity, opened)])

    profit = after.equity({"COIN": closed}) - before.cash
    assert profit == to_money(quantity * closed) - to_money(quantity * opened)


def test_what_was_given_is_left_as_it_was() -> None:
    book = Portfolio(cash=usd(100), positions={"COIN": 1.0})

    book.after([a_fill(-1.0, 5.0)])
    book.with_cash(-50)

    assert book == Portfolio(cash=usd(100), positions={"COIN": 1.0})


def test_the_nav_grows_by_profit_over_capital() -> None:
    assert unit_nav(2.0, pnl=usd(10), capital_before=usd(100)) == pytest.approx(2.2)
    assert unit_nav(1.0, pnl=0, capital_before=usd(100)) == 1.0


def test_without_capital_there_is_no_performance() -> None:
    assert unit_nav(1.5, pnl=5, capital_before=0) == 1.5
    assert unit_nav(1.5, pnl=5, capital_before=-5) == 1.5


def test_a_nav_never_falls_below_zero() -> None:
    assert unit_nav(1.0, pnl=-usd(150), capital_before=usd(100)) == 0.0


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(-90, 90), st.integers(-50, 500)), min_size=1, max_size=20),
)
def test_capital_that_comes_or_goes_is_no_performance(days: list[tuple[int, int]]) -> None:
    """Two agents earn the same percentages; one of them is given and taken capital in between."""
    nav = lonely = 1.0
    capital = 100 * MICRO

    for percent, flow in days:
        nav = unit_nav(nav, pnl=capital * percent // 100, capital_before=capital)
        lonely = unit_nav(lonely, pnl=percent, capital_before=100)
        capital = max(capital + capital * percent // 100 + flow * MICRO, MICRO)

    assert math.isclose(nav, lonely, rel_tol=1e-4)
