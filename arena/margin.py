"""Margin is capital: how much of an agent's cash is free, and when a venue ends its positions.

A contract on margin is held at its full notional: the cash carries what it was bought with or sold
for, and may be below zero.  The wallet is the cash as if every such contract were closed at its
mark.  Part of the wallet stands behind contracts, the rest is free.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from arena.bars import Bars
from arena.instruments import Instrument, Kind, Right
from arena.money import MICRO, Money
from arena.portfolio import Portfolio

LIQUIDATED = frozenset({Kind.PERPETUAL, Kind.SPREAD})
"""What a venue closes when the margin does not suffice; written options are covered whole."""


def wallet(
    portfolio: Portfolio, prices: Mapping[str, float], instruments: Mapping[str, Instrument]
) -> Money:
    """Return the cash as if every contract were closed at `prices`, micro-USD."""
    contracts = [name for name in portfolio.positions if instruments[name].margined]
    return Money(portfolio.cash + sum(portfolio.value(name, prices[name]) for name in contracts))


def backing(
    portfolio: Portfolio,
    prices: Mapping[str, float],
    units: Mapping[str, float],
    instruments: Mapping[str, Instrument],
) -> Money:
    """Return what must stand behind the contracts: initial margins, and the strikes of puts.

    Args:
        portfolio: What is held.
        prices: Instrument -> mark, USD.
        units: Instrument -> notional of one unit, USD, where that is not the mark.
        instruments: Everything that can be traded.
    """
    total = 0
    for name, quantity in portfolio.positions.items():
        instrument = instruments[name]
        if instrument.margined:
            notional = abs(quantity) * units.get(name, prices[name])
            total += math.ceil(notional * instrument.backing * MICRO)
    return Money(total)


def free_cash(
    portfolio: Portfolio,
    prices: Mapping[str, float],
    units: Mapping[str, float],
    instruments: Mapping[str, Instrument],
) -> Money:
    """Return what can be spent or withdrawn; below 0 where margins are no longer whole."""
    for name in portfolio.positions:
        if instruments[name].margined:
            break
    else:
        return portfolio.cash
    held = wallet(portfolio, prices, instruments)
    return Money(held - backing(portfolio, prices, units, instruments))


def uncovered(portfolio: Portfolio, instruments: Mapping[str, Instrument]) -> bool:
    """Return whether a call was written on more coins than there are."""
    written: dict[str, float] = {}
    for name, quantity in portfolio.positions.items():
        instrument = instruments[name]
        if instrument.right is Right.CALL and instrument.underlying is not None:
            coin = instrument.underlying
            written[coin] = written.get(coin, 0.0) - quantity
    return any(calls > portfolio.positions.get(coin, 0.0) for coin, calls in written.items())


class Liquidation(NamedTuple):
    """A position that the venue ends within the bar, and the mark at which it does."""

    instrument: str
    quantity: float
    price: float


def liquidations(
    portfolio: Portfolio, bars: Bars, instruments: Mapping[str, Instrument]
) -> tuple[Liquidation, ...]:
    """Return what the venue closes within the bar because the margin no longer suffices.

    All positions are taken to their worst marks of the bar together, each in proportion, until the
    wallet is below the sum of the maintenance margins: there, or at the open where it is so at
    once, every position that has such a margin is closed.  That is harsher than the truth, in
    which they need not be worst at one moment.
    """
    margined = [name for name in portfolio.positions if instruments[name].margined]
    ended = [name for name in margined if instruments[name].kind in LIQUIDATED and name in bars]
    if not ended:
        return ()
    at_open = at_worst = portfolio.cash / MICRO
    for name in margined:
        quantity, instrument = portfolio.positions[name], instruments[name]
        if name in bars:
            kept, bar = abs(quantity) * instrument.maintenance, bars[name]
            opened, worst = bar.open, bar.worst(quantity)
            at_open += quantity * opened - kept * bar.notional
            at_worst += quantity * worst - kept * (worst if math.isnan(bar.unit) else bar.unit)
    if at_worst >= 0.0:
        return ()
    way = 0.0 if at_open <= 0.0 else at_open / (at_open - at_worst)
    found = []
    for name in sorted(ended):
        quantity, bar = portfolio.positions[name], bars[name]
        price = bar.open + way * (bar.worst(quantity) - bar.open)
        found.append(Liquidation(name, -quantity, price))
    return tuple(found)
