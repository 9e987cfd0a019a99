"""The arithmetic of trading: costs, the way from targets to orders, forced sales.

Pure functions over plain numbers.  Venues and engines call them; none of them has its own.
An order is filled at the open of the bar after the decision.  The price in a fill is the market's;
the fee, the slippage and the gas are separate amounts, each rounded to the micro-dollar by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from arena.ids import AgentId
from arena.instruments import Instrument, Kind
from arena.money import MICRO, Money, to_money
from arena.orders import Fill, Order
from arena.portfolio import Portfolio

BPS = 10_000
_SHAVE = 4
"""Micro-USD left out of a purchase with the last of the cash, for the roundings of its parts."""


@dataclass(frozen=True, slots=True)
class CostModel:
    """What trading costs.

    Attributes:
        fee_bps: Venue's fee on spot, basis points of the notional, each way.
        slippage_bps: Half the spread plus impact on spot, basis points of the notional, each way.
        gas: One lending operation on a layer-2 chain, micro-USD.
    """

    fee_bps: float = 10.0
    slippage_bps: float = 5.0
    gas: Money = Money(250_000)

    def rate(self, kind: Kind) -> float:
        """Return the part of the notional that one trade costs, as a fraction."""
        return (self.fee_bps + self.slippage_bps) / BPS if kind is Kind.SPOT else 0.0

    def fixed(self, kind: Kind) -> Money:
        """Return what one trade costs whatever its size, micro-USD."""
        return self.gas if kind is Kind.LENDING else Money(0)

    def round_trip(self, kind: Kind, equity: Money) -> float:
        """Return the cost of moving `equity` in and out again, as a fraction of it."""
        return 2.0 * (self.rate(kind) + self.fixed(kind) / max(equity, 1))


def execute(order: Order, instrument: Instrument, *, price: float, costs: CostModel) -> Fill:
    """Return the fill of `order` at `price` USD per unit."""
    notional = abs(to_money(order.quantity * price))
    spot = instrument.kind is Kind.SPOT
    return Fill(
        order_id=order.order_id,
        agent_id=order.agent_id,
        instrument=order.instrument,
        quantity=order.quantity,
        price=price,
        fee=Money(round(notional * costs.fee_bps / BPS) if spot else 0),
        slippage=Money(round(notional * costs.slippage_bps / BPS) if spot else 0),
        gas=costs.fixed(instrument.kind),
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a run trades.

    Attributes:
        instruments: Everything that can be traded, by name; traded in order of name.
        costs: What trading costs.
        trade_min: Differences under this share of equity are not traded.
    """

    instruments: Mapping[str, Instrument]
    costs: CostModel
    trade_min: float = 0.005

    def __post_init__(self) -> None:
        """Put the instruments in order of name: equal terms trade alike, however they were made."""
        in_order = {name: self.instruments[name] for name in sorted(self.instruments)}
        object.__setattr__(self, "instruments", in_order)


@dataclass(frozen=True, slots=True)
class Wish:
    """A difference between what is held and what is wanted, in micro-USD at the open."""

    instrument: Instrument
    amount: int
    price: float


def plan_orders(
    portfolio: Portfolio,
    targets: Mapping[str, float],
    *,
    prices: Mapping[str, float],
    terms: Terms,
) -> list[Wish]:
    """Return what must be traded at the open to hold `targets`: sales first, then purchases.

    A weight is sized at the price at which it fills.  Instruments that `targets` leaves out are
    sold.  One that has no price is wanted all the same, at NaN, for the validators to refuse.

    Args:
        portfolio: Before the open.
        targets: Instrument -> weight of equity, each in [0, 1], together at most 1.
        prices: Instrument -> open, USD per unit; what is held has a price.
        terms: What can be traded, and from which difference on.
    """
    equity = portfolio.equity(prices)
    sales: list[Wish] = []
    purchases: list[Wish] = []
    for name, instrument in terms.instruments.items():
        weight, price = targets.get(name, 0.0), prices.get(name, float("nan"))
        held = portfolio.value(name, price) if name in portfolio.positions else Money(0)
        amount = round(weight * equity) - held
        if amount and abs(amount) >= terms.trade_min * equity:
            (sales if amount < 0 else purchases).append(Wish(instrument, amount, price))
    return [*sales, *purchases]


def size_sale(portfolio: Portfolio, wish: Wish) -> float:
    """Return the units to sell (negative), never more than are held."""
    held = portfolio.positions[wish.instrument.name]
    quantity = -wish.amount / MICRO / wish.price
    all_of_it = -wish.amount >= portfolio.value(wish.instrument.name, wish.price)
    return -held if all_of_it or quantity >= held else -quantity


def size_purchase(wish: Wish) -> float:
    """Return the units to buy."""
    return wish.amount / MICRO / wish.price


def scale_purchases(cash: Money, wishes: Sequence[Wish], costs: CostModel) -> list[Wish]:
    """Return `wishes` cut back, all by the same share, to what `cash` pays for, costs included."""
    fixed = sum(costs.fixed(wish.instrument.kind) for wish in wishes)
    needed = sum(wish.amount * (1.0 + costs.rate(wish.instrument.kind)) for wish in wishes)
    budget = cash - fixed - _SHAVE * len(wishes)
    share = min(1.0, budget / needed) if needed > 0 else 0.0
    return [
        Wish(wish.instrument, int(wish.amount * share), wish.price)
        for wish in wishes
        if wish.amount * share >= 1
    ]


def sell_down(
    agent_id: AgentId,
    portfolio: Portfolio,
    amount: int,
    *,
    prices: Mapping[str, float],
    terms: Terms,
    label: str,
) -> tuple[Fill, ...]:
    """Return the sales that make `amount` micro-USD liquid: cash first, then pro rata at the close.

    Gas takes at most what its sale brings: a forced sale cannot put an agent into debt.

    Args:
        agent_id: Whose portfolio it is.
        portfolio: What is held.
        amount: How much must leave, costs included; the equity or more sells everything.
        prices: Instrument -> close.
        terms: Ordinary costs, borne by what leaves.
        label: First part of the order ids.
    """
    short = amount - portfolio.cash
    invested = sum(portfolio.value(name, prices[name]) for name in portfolio.positions)
    if short <= 0 and short < invested:
        return ()
    share = min(1.0, short / invested) if invested > 0 else 1.0
    fills = []
    for n, name in enumerate(name for name in terms.instruments if name in portfolio.positions):
        held = portfolio.positions[name]
        order = Order(
            order_id=f"{label}-{agent_id}-{n}",
            agent_id=agent_id,
            instrument=name,
            quantity=-held * share,
        )
        fill = execute(order, terms.instruments[name], price=prices[name], costs=terms.costs)
        kept = to_money((held + order.quantity) * prices[name])
        brought = Money(portfolio.value(name, prices[name]) - kept)
        fills.append(fill if fill.gas <= brought else replace(fill, gas=brought))
    return tuple(fills)
