"""Whether an order may be executed: each check gives one reason, in a documented order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from arena.execution import CostModel, execute
from arena.instruments import Instrument
from arena.money import MICRO
from arena.orders import Order, OrderRefusal
from arena.portfolio import Portfolio


@dataclass(frozen=True, slots=True)
class TradingState:
    """What the desk knows when it checks an order.

    Attributes:
        portfolio: The agent's, after what was executed before in this tick.
        prices: Instrument -> open of the bar, USD per unit; no entry where there is no bar.
        instruments: Everything that can be traded, by name.
        costs: What trading costs.
        halted: Whether trading is halted for this agent.
        trading: Whether the agent is alive and not quarantined.
    """

    portfolio: Portfolio
    prices: Mapping[str, float]
    instruments: Mapping[str, Instrument]
    costs: CostModel
    halted: bool = False
    trading: bool = True


def check_order(order: Order, state: TradingState) -> OrderRefusal | None:
    """Return why `order` is refused, or None: the first reason in the order of `OrderRefusal`."""
    if state.halted:
        return OrderRefusal.TRADING_HALTED
    if not state.trading:
        return OrderRefusal.AGENT_NOT_TRADING
    if order.instrument not in state.instruments:
        return OrderRefusal.UNKNOWN_INSTRUMENT
    if order.instrument not in state.prices:
        return OrderRefusal.NOT_LISTED
    if not math.isfinite(order.quantity):
        return OrderRefusal.QUANTITY_NOT_FINITE
    if order.quantity == 0:
        return OrderRefusal.QUANTITY_IS_ZERO
    return _check_funds(order, state)


def _check_funds(order: Order, state: TradingState) -> OrderRefusal | None:
    """Nothing is sold short, and no order overdraws the cash."""
    if -order.quantity > state.portfolio.positions.get(order.instrument, 0.0):
        return OrderRefusal.POSITION_INSUFFICIENT
    instrument = state.instruments[order.instrument]
    price = state.prices[order.instrument]
    if order.quantity * price * MICRO > state.portfolio.cash + 2:  # Beyond any rounding.
        return OrderRefusal.CASH_INSUFFICIENT
    fill = execute(order, instrument, price=price, costs=state.costs)
    if state.portfolio.after((fill,)).cash < 0:
        return OrderRefusal.CASH_INSUFFICIENT
    return None
