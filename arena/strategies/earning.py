"""What pays for being held, alone or hedged by a short perpetual, and whether moving there pays.

Costs decide here.  A move is made only where what it gains within a horizon exceeds the round trip
of what is bought; what is held already is left only where keeping it costs more than leaving it.
A hedge whose sides have come apart, or whose margin is half gone, is put right at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arena.instruments import Instrument, Kind
from arena.market import MarketView
from arena.money import Money
from arena.strategies.reading import average, latest
from arena.strategies.strategy import HOLD, BookView, Decision

APART = 0.03
"""Sides of a hedge that differ by more than this share of equity are put right."""

REFILL = 0.1
"""A position that is further below its size than this share of equity is filled up, if it pays."""


@dataclass(frozen=True, slots=True)
class Earner:
    """Something that pays for being held.

    Attributes:
        long: What is held.
        short: The perpetual that is short in the same size, or None: then the price is borne.
    """

    long: Instrument
    short: Instrument | None = None

    @property
    def legs(self) -> tuple[Instrument, ...]:
        """What it is made of."""
        return (self.long,) if self.short is None else (self.long, self.short)

    def targets(self, weight: float) -> dict[str, float]:
        """Return the weights that hold it in the size `weight`."""
        if self.short is None:
            return {self.long.name: weight}
        return {self.long.name: weight, self.short.name: -weight}

    def weight(self, work_share: float, margin_share: float) -> float:
        """Return its size, a share of equity.

        Args:
            work_share: Share of equity that is put to work, in (0, 1].
            margin_share: Cash that is kept behind each dollar that is short; the initial margin at
                the least.
        """
        return work_share / (1.0 + self._kept(margin_share))

    def is_sound(self, weights: Mapping[str, float], margin_share: float) -> bool:
        """Return whether its sides are equal, and half of the margin is there at the least."""
        if self.short is None:
            return True
        held, sold = weights.get(self.long.name, 0.0), -weights.get(self.short.name, 0.0)
        whole = 1.0 - held >= self._kept(margin_share) / 2.0 * sold
        return whole and abs(held - sold) <= APART

    def round_trip(self, book: BookView, weight: float) -> float:
        """Return what moving in and out again costs, as a share of equity."""
        size = Money(round(book.equity * weight))
        return weight * sum(book.costs.round_trip(leg.kind, size) for leg in self.legs)

    def _kept(self, margin_share: float) -> float:
        return 0.0 if self.short is None else max(margin_share, self.short.backing)


def find_earners(
    instruments: Sequence[Instrument], kind: Kind, *, hedged: bool
) -> tuple[Earner, ...]:
    """Return every instrument of `kind`, in order of name; hedged: with each perpetual on its coin.

    What has no perpetual cannot be hedged and is left out then.
    """
    in_order = sorted(instruments, key=lambda each: each.name)
    held = [each for each in in_order if each.kind is kind]
    if not hedged:
        return tuple(Earner(each) for each in held)
    return tuple(
        Earner(each, perpetual)
        for each in held
        for perpetual in in_order
        if perpetual.kind is Kind.PERPETUAL
        and perpetual.underlying == (each.underlying or each.name)
    )


def funding_of(market: MarketView, perpetual: Instrument, bars: int) -> float:
    """Return what a short position received per bar, a fraction of notional; NaN if not known.

    The carry of the last `bars` bars over their closing marks.
    """
    paid = average(market, perpetual.column("carry"), bars)
    mark = average(market, perpetual.close_column, bars)
    return paid / mark if mark > 0.0 else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """How an agent moves between earners.

    Attributes:
        horizon_bars: For so many bars a yield is expected to last.
        edge_min: What must be left after costs, a fraction of the position; below 0 it may lose.
        work_share: Share of equity that is put to work.
        margin_share: Cash kept behind each dollar that is short.
    """

    horizon_bars: int
    edge_min: float
    work_share: float
    margin_share: float

    def decide(
        self, yields: Mapping[Earner, float], market: MarketView, book: BookView
    ) -> Decision:
        """Return the best earner's weights, none to leave what loses, or HOLD.

        Args:
            yields: Earner -> what it is expected to pay per bar, a fraction of the position; NaN
                where that is not known.  In a fixed order: the first of equals is taken.
            market: To see what has a price.
            book: What is held.
        """
        if book.equity <= 0 or not self._can_trade(yields, market, book):
            return HOLD
        known = {
            earner: rate
            for earner, rate in yields.items()
            if not math.isnan(rate) and _is_listed(earner, market)
        }
        held = self._held(yields, book)
        best = max(known, key=known.__getitem__) if known else None
        if best is not None and self._pays(best, known, held, book):
            return self._targets(best)
        return HOLD if held is None else self._keep(held, known, book)

    def _held(self, yields: Mapping[Earner, float], book: BookView) -> Earner | None:
        """Return the earner of which most is held, both sides counted."""
        sizes = {
            earner: sum(abs(book.weights.get(leg.name, 0.0)) for leg in earner.legs)
            for earner in yields
        }
        most = max(sizes, key=sizes.__getitem__) if sizes else None
        return most if most is not None and sizes[most] > 0.0 else None

    def _can_trade(
        self, yields: Mapping[Earner, float], market: MarketView, book: BookView
    ) -> bool:
        """Return whether everything that is held has a price: else an order would be refused."""
        legs = {leg for earner in yields for leg in earner.legs}
        held = [leg for leg in legs if book.weights.get(leg.name)]
        return not any(math.isnan(latest(market, leg.close_column)) for leg in held)

    def _pays(
        self, best: Earner, known: Mapping[Earner, float], held: Earner | None, book: BookView
    ) -> bool:
        """Return whether moving into `best`, or adding to it, gains more than it costs."""
        weight = self._size(best)
        has = 0.0 if held is None else book.weights.get(held.long.name, 0.0)
        added = weight
        if held == best:
            added = weight - has
            if added <= REFILL:
                return False
        gain = known[best] * weight - (known.get(held, 0.0) if held is not None else 0.0) * has
        cost = best.round_trip(book, added) + self.edge_min * added
        return gain * self.horizon_bars > cost

    def _keep(self, held: Earner, known: Mapping[Earner, float], book: BookView) -> Decision:
        """Leave what costs more than leaving it does; put right what is not sound, or not alone."""
        has = book.weights.get(held.long.name, 0.0)
        lost = -known.get(held, 0.0) * has * self.horizon_bars
        if lost > held.round_trip(book, has) / 2.0:
            return {}
        legs = {leg.name for leg in held.legs}
        alone = all(name in legs for name, weight in book.weights.items() if weight)
        if alone and held.is_sound(book.weights, self.margin_share):
            return HOLD
        return self._targets(held) if held in known else {}

    def _size(self, earner: Earner) -> float:
        return earner.weight(self.work_share, self.margin_share)

    def _targets(self, earner: Earner) -> Decision:
        return earner.targets(self._size(earner))


def _is_listed(earner: Earner, market: MarketView) -> bool:
    return not any(math.isnan(latest(market, leg.close_column)) for leg in earner.legs)
