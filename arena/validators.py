"""Whether an order may be executed: each check gives one reason, in a documented order."""

from __future__ import annotations

import math
from dataclasses import dataclass

from arena.bars import Bars
from arena.execution import Marks, Terms, execute
from arena.instruments import Kind, Right
from arena.margin import free_cash, uncovered
from arena.money import MICRO, MONEY_MAX
from arena.orders import Fill, FillCause, Order, OrderRefusal
from arena.portfolio import Portfolio


@dataclass(frozen=True, slots=True)
class TradingState:
    """What the desk knows when it checks an order.

    Attributes:
        portfolio: The agent's, after what was executed before in this tick.
        bars: Instrument -> its bar; no entry where there is none.
        marks: What everything is worth at the open.
        terms: What can be traded, and what it costs.
        halted: Whether trading is halted for this agent.
        trading: Whether the agent is alive and not quarantined.
    """

    portfolio: Portfolio
    bars: Bars
    marks: Marks
    terms: Terms
    halted: bool = False
    trading: bool = True


def check_order(order: Order, state: TradingState) -> OrderRefusal | None:
    """Return why `order` is refused, or None: the first reason in the order of `OrderRefusal`."""
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
    return _check_funds(order, state)


def _check_funds(order: Order, state: TradingState) -> OrderRefusal | None:
    """Nothing is bought on credit, nothing sold that is not held, nothing written uncovered."""
    held = state.portfolio.positions.get(order.instrument, 0.0)
    instrument, bar = state.terms.instruments[order.instrument], state.bars[order.instrument]
    if not instrument.margined and -order.quantity > held:
        return OrderRefusal.POSITION_INSUFFICIENT
    most = MONEY_MAX if instrument.margined else state.portfolio.cash + 2  # Beyond any rounding.
    paid, size = order.quantity * bar.open * MICRO, abs(order.quantity * bar.notional) * MICRO
    if paid > most or size > MONEY_MAX:
        return OrderRefusal.CASH_INSUFFICIENT
    fill = execute(order, instrument, bar=bar, costs=state.terms.costs)
    after = state.portfolio.after((fill,))
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
    touches_coins = instrument.right is Right.CALL or instrument.kind is Kind.SPOT
    if touches_coins and uncovered(after, instruments) and not uncovered(before, instruments):
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
