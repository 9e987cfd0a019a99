"""What one agent holds, what it is worth, and how well it did: cash, positions, unit NAV.

An agent's equity is its cash plus the sum of its position values, each of them whole micro-USD, so
that a tick's profit is a difference of integers.  A position that is short is worth less than
nothing, and the cash holds what it was sold for; one on margin is paid for in full, and the cash
may then be below zero: `arena.margin` says how much of it is free.  The unit NAV starts at 1 and
moves only with profit: capital that comes or goes cannot look like performance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from arena.money import Money, to_money
from arena.orders import Fill


@dataclass(frozen=True, slots=True)
class Portfolio:
    """One agent's holdings.

    Attributes:
        cash: Micro-USD that earn nothing.
        positions: Instrument -> quantity in units, never 0; below 0 where it is held short.
    """

    cash: Money = Money(0)
    positions: Mapping[str, float] = field(default_factory=dict)

    def value(self, instrument: str, price: float) -> Money:
        """Return what the position in `instrument` is worth at `price` USD per unit."""
        return to_money(self.positions.get(instrument, 0.0) * price)

    def equity(self, prices: Mapping[str, float]) -> Money:
        """Return cash plus positions at `prices`, which names every instrument held."""
        return Money(self.cash + sum(self.value(name, prices[name]) for name in self.positions))

    def with_cash(self, change: int) -> Portfolio:
        """Return the portfolio after `change` micro-USD came in (or went out, negative)."""
        return Portfolio(Money(self.cash + change), self.positions)

    def after(self, fills: Iterable[Fill]) -> Portfolio:
        """Return the portfolio after `fills`: units came in for cash, and costs were paid."""
        cash, positions = self.cash, dict(self.positions)
        for fill in fills:
            before = positions.pop(fill.instrument, 0.0)
            quantity = before + fill.quantity
            if quantity:
                positions[fill.instrument] = quantity
            moved = to_money(quantity * fill.price) - to_money(before * fill.price)
            cash = Money(cash - moved - fill.costs)
        return Portfolio(cash, positions)

    def carried(self, carry: Mapping[str, float]) -> Portfolio:
        """Return the portfolio after each long unit paid, and each short one got, its carry.

        Args:
            carry: Instrument -> USD per unit; most have none.
        """
        paid = 0
        for name, quantity in self.positions.items():
            if name in carry:
                paid += to_money(quantity * carry[name])
        return self.with_cash(-paid) if paid else self

    def settled(self, names: Iterable[str], prices: Mapping[str, float]) -> Portfolio:
        """Return the portfolio after its positions in `names` became cash at `prices`."""
        ended = [name for name in names if name in self.positions]
        if not ended:
            return self
        brought = sum(self.value(name, prices[name]) for name in ended)
        left = {name: held for name, held in self.positions.items() if name not in ended}
        return Portfolio(Money(self.cash + brought), left)


def unit_nav(nav: float, *, pnl: int, capital_before: int) -> float:
    """Return the NAV after `pnl` was earned on `capital_before` micro-USD.

    Without capital there is no performance: the NAV stays.  It never falls below 0.

    Source:
        Unit-value accounting of funds; time-weighted return (GIPS).
    """
    if capital_before <= 0:
        return nav
    return max(nav * (1.0 + pnl / capital_before), 0.0)
