"""Contracts are backed by capital that is not free, and the venue ends them in time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.venues import Session, simulated
from arena import commands as c
from arena.agents import Agent
from arena.bars import Bar
from arena.costs import CostModel
from arena.events import TickSettled
from arena.execution import Marks, Terms, sell_down, withdrawable
from arena.ids import AgentId
from arena.instruments import Instrument, Kind, Right
from arena.instruments.perpetual import liquidation_price
from arena.margin import backing, free_cash, liquidations, uncovered, wallet
from arena.money import MICRO, Money
from arena.orders import FillCause, Order, OrderRefusal
from arena.portfolio import Portfolio
from arena.state import Treasury
from arena.strategies import Decision, Quote, Quotes
from tests.arena.builders import QUIET, ask, command_id, opened, usd
from tests.arena.builders import an_experiment as experiment_with

COIN = Instrument("COIN", Kind.SPOT)
PERP = Instrument("PERP", Kind.PERPETUAL, underlying="COIN", leverage_max=5.0, maintenance=0.01)
PUT = Instrument("PUT", Kind.OPTION, underlying="COIN", right=Right.PUT)
CALL = Instrument("CALL", Kind.OPTION, underlying="COIN", right=Right.CALL)
SPREAD = Instrument("SPREAD", Kind.SPREAD, underlying="COIN", leverage_max=2.0)
ALL = {each.name: each for each in (COIN, PERP, PUT, CALL, SPREAD)}
BARS = {
    "COIN": Bar(100.0, 100.0),
    "PERP": Bar(100.0, 100.0),
    "PUT": Bar(3.0, 3.0, unit=90.0),
    "CALL": Bar(2.0, 2.0, unit=100.0),
    "SPREAD": Bar(-0.05, -0.05, unit=100.0),
}
MARKS = Marks(
    prices={name: bar.open for name, bar in BARS.items()},
    units={name: bar.unit for name, bar in BARS.items() if not math.isnan(bar.unit)},
)
FREE = CostModel(
    fee_bps=0.0,
    slippage_bps=0.0,
    gas=Money(0),
    maker_fee_bps=0.0,
    perpetual_fee_bps=0.0,
    option_fee_bps=0.0,
    liquidation_bps=0.0,
)
CHARGED = CostModel(fee_bps=10.0, slippage_bps=5.0, gas=usd(0.25))


def free(portfolio: Portfolio) -> Money:
    return free_cash(portfolio, MARKS.prices, MARKS.units, ALL)


def after(cash: float, **quantities: float) -> Portfolio:
    """Return the book of somebody who had `cash` dollars and traded for nothing."""
    paid = sum(usd(quantity * MARKS.prices[name]) for name, quantity in quantities.items())
    return Portfolio(Money(usd(cash) - paid), quantities)


class TestCapital:
    @pytest.mark.parametrize("quantity", [5.0, -5.0])
    def test_a_perpetual_ties_up_its_initial_margin_whichever_way_it_is_held(
        self, quantity: float
    ) -> None:
        book = after(1_000.0, PERP=quantity)

        assert wallet(book, MARKS.prices, ALL) == usd(1_000)
        assert backing(book, MARKS.prices, MARKS.units, ALL) == usd(100)
        assert free(book) == usd(900)

    def test_a_put_ties_up_its_strike(self) -> None:
        assert free(after(1_000.0, PUT=-2.0)) == usd(1_000 - 2 * 90)

    def test_a_call_ties_up_the_coin_and_no_cash(self) -> None:
        covered, naked = after(1_000.0, COIN=3.0, CALL=-3.0), after(1_000.0, COIN=3.0, CALL=-3.1)

        assert free(covered) == usd(700)
        assert not uncovered(covered, ALL)
        assert uncovered(naked, ALL)

    def test_equity_is_the_same_whatever_is_held_at_its_mark(self) -> None:
        book = after(1_000.0, COIN=2.0, PERP=-7.0, PUT=-1.0, CALL=-1.0, SPREAD=3.0)

        assert book.equity(MARKS.prices) == usd(1_000)

    def test_without_contracts_all_of_the_cash_is_free(self) -> None:
        assert free(after(1_000.0, COIN=4.0)) == usd(600)


class TestLiquidation:
    @pytest.mark.parametrize("quantity", [20.0, -20.0])
    def test_it_happens_at_the_price_that_the_formula_gives(self, quantity: float) -> None:
        book = after(500.0, PERP=quantity)
        bar = Bar(100.0, 100.0, high=140.0, low=60.0)

        (ended,) = liquidations(book, {"PERP": bar}, ALL)

        expected = liquidation_price(quantity, 100.0, 500.0, maintenance=0.01)
        assert ended.quantity == -quantity
        assert ended.price == pytest.approx(expected, rel=1e-12)

    def test_a_bar_that_does_not_reach_the_price_ends_nothing(self) -> None:
        assert liquidations(after(500.0, PERP=20.0), {"PERP": Bar(100, 76, 110, 76)}, ALL) == ()

    def test_beyond_it_at_the_open_the_open_is_the_price(self) -> None:
        (ended,) = liquidations(after(500.0, PERP=20.0), {"PERP": Bar(70, 80, 90, 60)}, ALL)

        assert ended.price == 70.0

    def test_coins_are_no_margin(self) -> None:
        book = after(1_000.0, COIN=8.0, PERP=-8.0)

        assert liquidations(book, {"PERP": Bar(100, 130, 130, 100)}, ALL)


def a_desk(costs: CostModel = FREE, **terms: float) -> tuple[Treasury, AgentId]:
    """Return a treasury with one agent of 10,000 virtual dollars."""
    experiment = experiment_with(
        agents=1, instruments=ALL, costs=replace(costs, **terms), rules=QUIET
    )
    treasury = opened(experiment)
    (agent,) = treasury.population()
    return treasury, agent.agent_id


def day(
    treasury: Treasury, decision: Decision | None, bars: Mapping[str, Bar]
) -> tuple[TickSettled, Agent]:
    """Execute one decision at a bar, as the desk does, and settle it."""
    (agent,) = treasury.population()
    session = Session(treasury, simulated(), treasury.tick + 1, bars)
    asyncio.run(session.trade(agent.agent_id, decision, []))
    session.liquidate()
    command = c.SettleTick(
        command_id=command_id(),
        tick=treasury.tick + 1,
        prices={name: (bar.open, bar.close) for name, bar in bars.items()},
        fills=tuple(session.fills),
        refused=tuple(session.refused),
        units={name: bar.unit for name, bar in bars.items() if not math.isnan(bar.unit)},
        carry={name: bar.carry for name, bar in bars.items() if bar.carry},
        expired=tuple(name for name, bar in bars.items() if bar.expires),
    )
    settled = next(event for event in ask(treasury, command) if isinstance(event, TickSettled))
    (agent,) = treasury.population()
    return settled, agent


class TestDays:
    def test_a_short_earns_what_the_price_falls_and_what_longs_pay(self) -> None:
        treasury, _ = a_desk()
        bar = Bar(100.0, 90.0, high=100.0, low=90.0, carry=0.5)

        settled, agent = day(treasury, {"PERP": -2.0}, {**BARS, "PERP": bar})

        assert settled.fills[0].quantity == -200.0
        assert agent.equity == usd(10_000 + 200 * 10 + 200 * 0.5)
        assert settled.carry == {"PERP": 0.5}

    def test_an_option_that_expires_is_cash_and_gone(self) -> None:
        treasury, _ = a_desk()
        day(treasury, {"PUT": -0.9}, BARS)

        last = replace_bar(BARS, "PUT", Bar(3.0, 10.0, unit=90.0, expires=True))
        settled, agent = day(treasury, None, last)

        assert settled.expired == ("PUT",)
        assert agent.portfolio.positions == {}
        assert agent.portfolio.cash == agent.equity == usd(10_000 - 100 * 7)

    def test_a_liquidation_ends_the_position_and_not_the_agent(self) -> None:
        treasury, _ = a_desk(CHARGED)
        bars = replace_bar(BARS, "PERP", Bar(100.0, 60.0, high=100.0, low=55.0))

        settled, agent = day(treasury, {"PERP": 4.0}, bars)

        assert [fill.cause for fill in settled.fills] == [FillCause.ORDER, FillCause.LIQUIDATION]
        assert agent.portfolio.positions == {}
        assert 0 < agent.equity < usd(500)
        assert agent.trading

    def test_the_venue_ends_what_a_paused_agent_holds_as_well(self) -> None:
        treasury, agent_id = a_desk(CHARGED)
        day(treasury, {"PERP": 4.0}, BARS)
        ask(treasury, c.PauseAgent(command_id=command_id(), agent_id=agent_id))
        bars = replace_bar(BARS, "PERP", Bar(100.0, 60.0, high=100.0, low=55.0))

        settled, agent = day(treasury, {"COIN": 0.1}, bars)

        assert [fill.cause for fill in settled.fills] == [FillCause.LIQUIDATION]
        assert {each.reason for each in settled.refused} == {OrderRefusal.AGENT_NOT_TRADING}
        assert (agent.portfolio.positions, agent.paused) == ({}, True)

    def test_a_loss_beyond_the_margin_is_bad_debt(self) -> None:
        treasury, agent_id = a_desk()
        day(treasury, {"PERP": 5.0}, BARS)
        gap = replace_bar(BARS, "PERP", Bar(70.0, 70.0, high=75.0, low=65.0))

        settled, agent = day(treasury, None, gap)

        assert settled.virtual.bad_debt == ((agent_id, pytest.approx(usd(5_000), abs=10)),)
        assert agent.equity == 0

    def test_a_position_is_turned_round_by_closing_it_first(self) -> None:
        treasury, _ = a_desk()
        day(treasury, {"PERP": 1.0}, BARS)

        settled, agent = day(treasury, {"PERP": -1.0}, BARS)

        assert [fill.quantity for fill in settled.fills] == [-100.0, pytest.approx(-100.0)]
        assert agent.portfolio.positions["PERP"] == pytest.approx(-100.0)

    def test_calls_are_written_on_no_more_coins_than_there_are(self) -> None:
        treasury, _ = a_desk(CHARGED)

        settled, agent = day(treasury, {"COIN": 1.0, "CALL": -1.0}, BARS)

        assert agent.portfolio.positions["CALL"] == -agent.portfolio.positions["COIN"]
        assert settled.refused == ()

    def test_coins_behind_a_call_are_not_sold(self) -> None:
        treasury, agent_id = a_desk()
        day(treasury, {"COIN": 0.5, "CALL": -0.5}, BARS)
        session = Session(treasury, simulated(), 9, BARS)
        order = session_order(agent_id, "COIN", -1.0)

        asyncio.run(session.trade(agent_id, None, [order]))

        assert [each.reason for each in session.refused] == [OrderRefusal.COLLATERAL_INSUFFICIENT]


def replace_bar(bars: Mapping[str, Bar], name: str, bar: Bar) -> dict[str, Bar]:
    return {**bars, name: bar}


def session_order(agent_id: AgentId, instrument: str, quantity: float) -> Order:
    return Order(order_id="by-hand", agent_id=agent_id, instrument=instrument, quantity=quantity)


class TestVolume:
    def test_a_trade_takes_no_more_than_its_share_of_the_bar(self) -> None:
        treasury, _ = a_desk(participation_max=0.01)
        thin = replace_bar(BARS, "COIN", Bar(100.0, 100.0, volume=100_000.0))

        settled, _ = day(treasury, {"COIN": 0.5}, thin)

        (fill,) = settled.fills
        assert (fill.quantity, fill.asked) == (pytest.approx(10.0), pytest.approx(50.0, abs=1e-3))

    def test_where_nobody_trades_nothing_is_filled(self) -> None:
        treasury, _ = a_desk(participation_max=0.01)
        dry = replace_bar(BARS, "COIN", Bar(100.0, 100.0, volume=0.0))

        settled, _ = day(treasury, {"COIN": 0.5}, dry)

        assert [each.reason for each in settled.refused] == [OrderRefusal.NO_LIQUIDITY]

    def test_a_larger_share_of_the_volume_moves_the_price_further(self) -> None:
        bar = Bar(100.0, 100.0, high=105.0, low=95.0, volume=1e6)
        costs = replace(FREE, impact=1.0)

        small, large = (costs.impact_of(usd(size), bar) for size in (1_000.0, 4_000.0))

        assert large == pytest.approx(2.0 * small)
        assert small == pytest.approx(bar.volatility * math.sqrt(0.001))


class TestQuotes:
    QUOTES = Quotes({"COIN": Quote(bid=0.01, ask=0.01, size=0.1)})

    def test_a_bid_that_the_bar_trades_through_is_bought_at_its_limit(self) -> None:
        treasury, _ = a_desk(CHARGED)
        bar = Bar(100.0, 99.5, high=100.5, low=98.9)

        settled, _ = day(treasury, self.QUOTES, replace_bar(BARS, "COIN", bar))

        (fill,) = settled.fills
        assert (fill.price, fill.cause) == (pytest.approx(99.0), FillCause.QUOTE)
        assert fill.quantity * fill.price == pytest.approx(1_000.0)
        assert (fill.slippage, fill.gas) == (0, 0)
        assert fill.fee == round(fill.quantity * fill.price * MICRO * 2.0 / 10_000)

    @pytest.mark.parametrize("low", [99.0, 99.5])
    def test_a_bar_that_only_touches_a_quote_does_not_fill_it(self, low: float) -> None:
        treasury, _ = a_desk()
        bar = Bar(100.0, 99.5, high=101.0, low=low)

        settled, _ = day(treasury, self.QUOTES, replace_bar(BARS, "COIN", bar))

        assert settled.fills == ()

    def test_what_is_sold_was_held_before_the_bar(self) -> None:
        treasury, _ = a_desk()
        wild = replace_bar(BARS, "COIN", Bar(100.0, 100.0, high=110.0, low=90.0))
        first, _ = day(treasury, self.QUOTES, wild)
        second, _ = day(treasury, self.QUOTES, wild)

        assert [fill.quantity > 0 for fill in first.fills] == [True]
        assert [fill.quantity > 0 for fill in second.fills] == [False, True]


weights = st.fixed_dictionaries(
    {},
    optional={
        "COIN": st.floats(0.0, 1.0),
        "PERP": st.floats(-5.0, 5.0),
        "PUT": st.floats(-1.0, 0.0),
        "SPREAD": st.floats(-2.0, 2.0),
    },
)


@settings(max_examples=100, deadline=None)
@given(st.lists(weights, min_size=1, max_size=4))
def test_whatever_is_wanted_no_trade_takes_what_backs_a_contract(
    wanted: list[dict[str, float]],
) -> None:
    treasury, _ = a_desk(CHARGED)
    for targets in wanted:
        _, agent = day(treasury, targets, BARS)

        assert free(agent.portfolio) >= 0
        assert agent.equity == agent.portfolio.equity(MARKS.prices)


@settings(max_examples=100, deadline=None)
@given(weights, st.floats(0.01, 1.2))
def test_what_leaves_a_book_on_margin_leaves_its_leverage_as_it_was(
    targets: dict[str, float], share: float
) -> None:
    treasury, agent_id = a_desk()
    terms = Terms(ALL, FREE)
    _, agent = day(treasury, targets, BARS)
    before = agent.portfolio
    amount = int(agent.equity * share)

    fills = sell_down(agent_id, before, amount, marks=MARKS, terms=terms, label="1-reduction")
    left = before.after(fills)

    assert withdrawable(left, marks=MARKS, terms=terms) >= min(amount, agent.equity) - 10
    if any(ALL[name].margined for name in before.positions) and share < 1.0:
        for name, quantity in before.positions.items():
            assert left.positions[name] == pytest.approx(
                quantity * (1.0 - share), rel=1e-3, abs=1e-6
            )
