"""Whether an order may be executed: each check gives one reason, in a documented order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from arena.bars import Bars
from arena.execution import Marks, Terms, execute, execute_quote
from arena.instruments import Kind, Right
from arena.limits import NO_LIMITS, ProtocolLimit, TradingLimits
from arena.margin import free_cash, uncovered
from arena.money import MICRO, MONEY_MAX
from arena.orders import Fill, FillCause, Order, OrderRefusal
from arena.portfolio import Portfolio

BPS = 10_000

_ANY = ProtocolLimit()


@dataclass(slots=True)
class TradingState:
    """What the desk knows when it checks an order: kept up as one agent trades through a bar.

    Attributes:
        portfolio: The agent's, after what was executed before in this tick.
        bars: Instrument -> its bar; no entry where there is none.
        marks: What everything is worth at the open.
        terms: What can be traded, and what it costs.
        limits: What every order is held to.
        halted: Whether trading is halted for this agent.
        trading: Whether the agent is alive and not quarantined.
        reduce_only: Whether it may only give up what it holds.
        trades: How many of its orders were executed this day.
        room: Protocol -> micro-USD that may still be placed in it; None where nothing bounds that.
        expected: The fill that the last order that passed would have, and the book after it.
    """

    portfolio: Portfolio
    bars: Bars
    marks: Marks
    terms: Terms
    limits: TradingLimits = NO_LIMITS
    halted: bool = False
    trading: bool = True
    reduce_only: bool = False
    trades: int = 0
    room: Mapping[str, int] | None = None
    expected: tuple[Fill, Portfolio] | None = None


def check_order(
    order: Order, state: TradingState, limit: float | None = None
) -> OrderRefusal | None:
    """Return why `order` is refused, or None: the first reason in the order of `OrderRefusal`.

    Args:
        order: What somebody wants.
        state: What it is checked against.
        limit: The price of a quote, USD per unit; None trades at the open.
    """
    if state.halted:
        return OrderRefusal.TRADING_HALTED
    if not state.trading:
        return OrderRefusal.AGENT_NOT_TRADING
    if order.instrument not in state.terms.instruments:
        return OrderRefusal.UNKNOWN_INSTRUMENT
    if order.instrument not in state.bars:
        return OrderRefusal.NOT_LISTED
    if not math.isfinite(order.quantity):
        return OrderRefusal.QUANTITY_NOT_FINITE
    if order.quantity == 0:
        return OrderRefusal.QUANTITY_IS_ZERO
    return _check_limits(order, state, limit)


def _check_limits(order: Order, state: TradingState, limit: float | None) -> OrderRefusal | None:
    """Hold an order against the limits, where there are any, and against the book."""
    fill = None if _is_too_large(order, state) else expected_fill(order, state, limit)
    held = state.portfolio.positions.get(order.instrument, 0.0)
    gives_up = held * order.quantity < 0 and abs(order.quantity) <= abs(held)
    bounded = state.limits is not NO_LIMITS or state.reduce_only
    refusal = None
    if bounded:
        refusal = None if gives_up else _check_opening(order, state)
        refusal = refusal or _check_size(order, state, gives_up=gives_up)
        refusal = refusal or _check_price(fill, state.limits)
    if refusal is not None:
        return refusal
    if -order.quantity > held and not state.terms.instruments[order.instrument].margined:
        return OrderRefusal.POSITION_INSUFFICIENT
    if not gives_up and (bounded or state.room is not None):
        refusal = _check_room(order, state)
    return refusal or _check_funds(order, state, fill)


def expected_fill(order: Order, state: TradingState, limit: float | None) -> Fill:
    """Return the fill that an order would have by the cost model.

    Args:
        order: Of an instrument that has a bar, and no larger than money can be.
        state: The bars, and the terms.
        limit: The price of a quote, USD per unit; None trades at the open.
    """
    if limit is not None:
        return execute_quote(order, price=limit, costs=state.terms.costs)
    instrument, bar = state.terms.instruments[order.instrument], state.bars[order.instrument]
    return execute(order, instrument, bar=bar, costs=state.terms.costs)


def _is_too_large(order: Order, state: TradingState) -> bool:
    return abs(order.quantity * state.bars[order.instrument].notional) * MICRO > MONEY_MAX


def _check_opening(order: Order, state: TradingState) -> OrderRefusal | None:
    """Return why nothing, or nothing more, can be taken on."""
    limits, protocol = state.limits, state.terms.instruments[order.instrument].protocol
    if protocol is not None and not limits.protocols.get(protocol, _ANY).enabled:
        return OrderRefusal.PROTOCOL_DISABLED
    if state.reduce_only:
        return OrderRefusal.REDUCE_ONLY
    if limits.trades_per_day is not None and state.trades >= limits.trades_per_day:
        return OrderRefusal.DAILY_TRADES_EXCEEDED
    return None


def _check_size(order: Order, state: TradingState, *, gives_up: bool) -> OrderRefusal | None:
    """Return why nothing of that size can be traded."""
    limits, bar = state.limits, state.bars[order.instrument]
    size = abs(order.quantity * bar.notional) * MICRO
    if limits.trade_min is not None and size < limits.trade_min:
        whole = order.quantity == -state.portfolio.positions.get(order.instrument, 0.0)
        if not whole:
            return OrderRefusal.TRADE_TOO_SMALL
    if limits.trade_max is not None and size > limits.trade_max and not gives_up:
        return OrderRefusal.TRADE_TOO_LARGE
    return None


def _check_price(fill: Fill | None, limits: TradingLimits) -> OrderRefusal | None:
    """Return why the trade would be too dear."""
    bound = limits.slippage_bps_max
    if fill is None:
        return None
    if bound is not None and fill.slippage > fill.size * bound / BPS + 1:  # Beyond any rounding.
        return OrderRefusal.SLIPPAGE_TOO_HIGH
    if limits.gas_max is not None and fill.gas > limits.gas_max:
        return OrderRefusal.GAS_TOO_HIGH
    return None


def _check_room(order: Order, state: TradingState) -> OrderRefusal | None:
    """Return why there would be too much of one thing, or in one place."""
    name, bar = order.instrument, state.bars[order.instrument]
    most = state.limits.positions.get(name)
    after = abs(state.portfolio.positions.get(name, 0.0) + order.quantity) * bar.notional * MICRO
    if most is not None and after > most + 1:
        return OrderRefusal.POSITION_LIMIT
    protocol = state.terms.instruments[name].protocol
    if state.room is None or protocol is None:
        return None
    placed = order.quantity * bar.open * MICRO
    return OrderRefusal.PROTOCOL_LIMIT if placed > max(state.room[protocol], 0) + 1 else None


def _check_funds(order: Order, state: TradingState, fill: Fill | None) -> OrderRefusal | None:
    """Nothing is bought on credit, nothing written uncovered."""
    instrument, bar = state.terms.instruments[order.instrument], state.bars[order.instrument]
    most = MONEY_MAX if instrument.margined else state.portfolio.cash + 2  # Beyond any rounding.
    if fill is None or order.quantity * bar.open * MICRO > most:
        return OrderRefusal.CASH_INSUFFICIENT
    after = state.portfolio.after((fill,))
    state.expected = fill, after
    return misfit(fill, state.portfolio, after, marks=state.marks, terms=state.terms)


def misfit(
    fill: Fill, before: Portfolio, after: Portfolio, *, marks: Marks, terms: Terms
) -> OrderRefusal | None:
    """Return why a fill cannot be in a book that was `before` and would be `after`, or None.

    Args:
        fill: The trade.
        before: The book before it.
        after: The book after it.
        marks: What everything is worth when it happens.
        terms: What can be traded.
    """
    instruments, quantity = terms.instruments, after.positions.get(fill.instrument, 0.0)
    if fill.instrument not in instruments:
        return OrderRefusal.UNKNOWN_INSTRUMENT
    instrument = instruments[fill.instrument]
    if _on_the_wrong_side(instrument.kind, quantity):
        return OrderRefusal.POSITION_INSUFFICIENT
    if fill.cause is FillCause.LIQUIDATION:
        return None
    sells_coins = instrument.kind is Kind.SPOT and fill.quantity < 0
    if (
        (sells_coins or instrument.right is Right.CALL)
        and uncovered(after, instruments)
        and not uncovered(before, instruments)
    ):
        return OrderRefusal.COLLATERAL_INSUFFICIENT
    free = free_cash(after, marks.prices, marks.units, instruments)
    if free < 0 and free < free_cash(before, marks.prices, marks.units, instruments):
        if instrument.margined:
            return OrderRefusal.COLLATERAL_INSUFFICIENT
        return OrderRefusal.CASH_INSUFFICIENT
    return None


def _on_the_wrong_side(kind: Kind, quantity: float) -> bool:
    """Return whether a position is one that its kind does not have."""
    if kind is Kind.OPTION:
        return quantity > 0.0
    return quantity < 0.0 and kind not in {Kind.PERPETUAL, Kind.SPREAD}
