"""The arithmetic of trading: the way from targets to orders, fills, quotes, forced sales.

Pure functions over plain numbers.  Venues and engines call them; none of them has its own.
An order is filled at the open of the bar after the decision.  The price in a fill is the market's;
the fee, the slippage and the gas are separate amounts, each rounded to the micro-dollar by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from arena.bars import Bar, Bars
from arena.costs import BPS, CostModel
from arena.ids import AgentId
from arena.instruments import Instrument, Right
from arena.later import later
from arena.limits import TradingLimits
from arena.margin import Liquidation, free_cash
from arena.money import MICRO, Money, to_money
from arena.orders import Fill, FillCause, Order
from arena.portfolio import Portfolio

_SHAVE = 4
"""Micro-USD left out of a purchase with the last of the cash, for the roundings of its parts."""


def execute(order: Order, instrument: Instrument, *, bar: Bar, costs: CostModel) -> Fill:
    """Return the fill of `order` at the open of `bar`."""
    notional = Money(abs(to_money(order.quantity * bar.notional)))
    kind = instrument.kind
    impact = notional * costs.impact_of(notional, bar)
    return Fill(
        order_id=order.order_id,
        agent_id=order.agent_id,
        instrument=order.instrument,
        quantity=order.quantity,
        price=bar.open,
        fee=Money(round(notional * costs.venue_bps(kind, instrument.pool_fee_bps) / BPS)),
        slippage=Money(round(notional * costs.spread_bps(kind) / BPS + impact)),
        gas=Money(round(costs.fixed(kind) * bar.gas)),
        notional=None if math.isnan(bar.unit) else notional,
    )


def execute_quote(order: Order, *, price: float, costs: CostModel) -> Fill:
    """Return the fill of a limit order that the bar traded through, at its limit."""
    notional = abs(to_money(order.quantity * price))
    return Fill(
        order_id=order.order_id,
        agent_id=order.agent_id,
        instrument=order.instrument,
        quantity=order.quantity,
        price=price,
        fee=Money(round(notional * costs.maker_fee_bps / BPS)),
        slippage=Money(0),
        gas=Money(0),
        cause=FillCause.QUOTE,
    )


def execute_liquidation(
    ended: Liquidation, agent_id: AgentId, order_id: str, *, bar: Bar, costs: CostModel
) -> Fill:
    """Return the fill by which the venue ends a position; it keeps a part as its fee."""
    whole = math.isnan(bar.unit)
    notional = Money(abs(to_money(ended.quantity * (ended.price if whole else bar.unit))))
    return Fill(
        order_id=order_id,
        agent_id=agent_id,
        instrument=ended.instrument,
        quantity=ended.quantity,
        price=ended.price,
        fee=Money(round(notional * costs.liquidation_bps / BPS)),
        slippage=Money(0),
        gas=Money(0),
        cause=FillCause.LIQUIDATION,
        notional=None if whole else notional,
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a run trades.

    Attributes:
        instruments: Everything that can be traded, by name; traded in order of name.
        costs: What trading costs.
        trade_min: Differences under this share of equity are not traded.
        delay_bars: How many bars orders wait beyond the next open.
        limits: What every order is held to.
    """

    instruments: Mapping[str, Instrument]
    costs: CostModel
    trade_min: float = 0.005
    delay_bars: int = later(0)
    limits: TradingLimits = later(factory=TradingLimits)

    def __post_init__(self) -> None:
        """Put the instruments in order of name: equal terms trade alike, however they were made."""
        in_order = {name: self.instruments[name] for name in sorted(self.instruments)}
        object.__setattr__(self, "instruments", in_order)


class Wish(NamedTuple):
    """A difference between what is held and what is wanted.

    Attributes:
        instrument: Of what.
        amount: Notional, micro-USD; below 0 it is sold.
        unit: Notional of one unit, USD; NaN where the instrument has no bar.
    """

    instrument: Instrument
    amount: int
    unit: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What must be traded at the open, in two steps.

    Attributes:
        closings: What is given up, contracts first: it makes capital free.
        openings: What is taken on with the capital that is free then, contracts last.
    """

    closings: list[Wish] = field(default_factory=list)
    openings: list[Wish] = field(default_factory=list)


def plan_orders(
    portfolio: Portfolio,
    targets: Mapping[str, float],
    *,
    prices: Mapping[str, float],
    terms: Terms,
    units: Mapping[str, float] | None = None,
) -> Plan:
    """Return what must be traded at the open to hold `targets`.

    A weight is sized at the price at which it fills.  Instruments that `targets` leaves out are
    closed.  One that has no price is wanted all the same, at NaN, for the validators to refuse.

    Args:
        portfolio: Before the open.
        targets: Instrument -> weight of equity.
        prices: Instrument -> open, USD per unit; what is held has a price.
        terms: What can be traded, and from which difference on.
        units: Instrument -> notional of one unit, USD, where that is not the price.
    """
    equity, plan = max(portfolio.equity(prices), 0), Plan()
    units = units or {}
    for name, instrument in terms.instruments.items():
        weight, held = targets.get(name, 0.0), portfolio.positions.get(name, 0.0)
        if not (weight or held):
            continue
        unit = units.get(name, prices.get(name, math.nan))
        has = to_money(held * unit) if held else Money(0)
        amount = round(weight * equity) - has
        if not amount or abs(amount) < terms.trade_min * equity:
            continue
        if has * amount < 0:
            closing = amount if abs(amount) <= abs(has) else -has
            plan.closings.append(Wish(instrument, closing, unit))
            amount -= closing
        if amount:
            plan.openings.append(Wish(instrument, amount, unit))
    plan.closings.sort(key=lambda wish: not wish.instrument.margined)
    plan.openings.sort(key=lambda wish: wish.instrument.margined)
    return plan


def size_closing(portfolio: Portfolio, wish: Wish) -> float:
    """Return the units that give up a position, or a part of it: never more than are held."""
    held = portfolio.positions[wish.instrument.name]
    quantity = wish.amount / MICRO / wish.unit
    all_of_it = abs(wish.amount) >= abs(to_money(held * wish.unit))
    return -held if all_of_it or abs(quantity) >= abs(held) else quantity


def size_opening(portfolio: Portfolio, wish: Wish) -> float:
    """Return the units to take on; of calls, no more than there are coins behind them."""
    quantity = wish.amount / MICRO / wish.unit
    instrument = wish.instrument
    if instrument.right is not Right.CALL or instrument.underlying is None:
        return quantity
    coins = portfolio.positions.get(instrument.underlying, 0.0)
    return -max(min(-quantity, coins + portfolio.positions.get(instrument.name, 0.0)), 0.0)


def scale_openings(cash: Money, wishes: Sequence[Wish], costs: CostModel, bars: Bars) -> list[Wish]:
    """Return `wishes` cut back, all by the same share, to what `cash` backs, costs included."""
    fixed = needed = 0.0
    for wish in wishes:
        instrument, bar, size = wish.instrument, bars[wish.instrument.name], abs(wish.amount)
        rate = costs.rate(instrument.kind, instrument.pool_fee_bps)
        fixed += round(costs.fixed(instrument.kind) * bar.gas)
        needed += size * (instrument.backing + rate + costs.impact_of(Money(size), bar))
    budget = cash - fixed - _SHAVE * len(wishes)
    share = min(1.0, budget / needed) if needed > 0 else 0.0
    return [
        Wish(wish.instrument, int(wish.amount * share), wish.unit)
        for wish in wishes
        if abs(wish.amount) * share >= 1
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What everything was worth last.

    Attributes:
        prices: Instrument -> mark, USD per unit.
        units: Instrument -> notional of one unit, USD, where that is not the mark.
    """

    prices: Mapping[str, float]
    units: Mapping[str, float] = field(default_factory=dict)

    def unit(self, name: str) -> float:
        """Return the notional of one unit, USD."""
        return self.units.get(name, self.prices[name])

    def bar(self, name: str) -> Bar:
        """Return a bar of one instrument in which nothing happens."""
        mark = self.prices[name]
        return Bar(mark, mark, unit=self.units.get(name, math.nan))


def sell_down(
    agent_id: AgentId, portfolio: Portfolio, amount: int, *, marks: Marks, terms: Terms, label: str
) -> tuple[Fill, ...]:
    """Return the trades that make `amount` micro-USD free: cash first, then pro rata at the close.

    Where something is held on margin, all of it shrinks pro rata and no cash goes first: what stays
    keeps the leverage that it had.  Gas takes at most what its sale brings: a forced sale cannot
    put an agent into debt.

    Args:
        agent_id: Whose portfolio it is.
        portfolio: What is held.
        amount: How much must leave, costs included; the equity or more closes everything.
        marks: At the close.
        terms: Ordinary costs, borne by what leaves; the impact is not counted.
        label: First part of the order ids.
    """
    share = _share_to_sell(portfolio, amount, marks, terms)
    fills: list[Fill] = []
    held = [name for name in terms.instruments if name in portfolio.positions] if share else []
    for n, name in enumerate(held):
        quantity, price = portfolio.positions[name], marks.prices[name]
        order = Order(
            order_id=f"{label}-{agent_id}-{n}",
            agent_id=agent_id,
            instrument=name,
            quantity=-quantity * share,
        )
        instrument = terms.instruments[name]
        fill = execute(order, instrument, bar=marks.bar(name), costs=terms.costs)
        kept = to_money((quantity + order.quantity) * price)
        brought = Money(max(portfolio.value(name, price) - kept, 0))
        fills.append(fill if fill.gas <= brought else replace(fill, gas=brought))
    return tuple(fills)


def _share_to_sell(portfolio: Portfolio, amount: int, marks: Marks, terms: Terms) -> float:
    """Return which share of every position must go, in [0, 1]."""
    if any(terms.instruments[name].margined for name in portfolio.positions):
        equity = portfolio.equity(marks.prices)
        return min(1.0, amount / equity) if equity > 0 else 1.0
    short = amount - portfolio.cash
    invested = sum(portfolio.value(name, marks.prices[name]) for name in portfolio.positions)
    if short <= 0 and short < invested:
        return 0.0
    return min(1.0, short / invested) if invested > 0 else 1.0


def withdrawable(portfolio: Portfolio, *, marks: Marks, terms: Terms) -> Money:
    """Return the cash that can leave, micro-USD, >= 0."""
    free = free_cash(portfolio, marks.prices, marks.units, terms.instruments)
    return Money(max(free, 0))
