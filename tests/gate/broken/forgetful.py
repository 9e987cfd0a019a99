"""Strategies that keep their state where it does not belong, or that depend on the process."""

from __future__ import annotations

from typing import ClassVar

from arena.market import MarketView
from arena.strategies import HOLD, BookView, Decision, Memory, Strategy


class RemembersOnItself(Strategy):
    """Counts the days on itself: a resumed run would begin to count anew."""

    name = "remembers-on-itself"
    family = "broken"
    _days = 0

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        self._days += 1
        return {"BTC": 0.8} if self._days % 10 < 5 else {}


class RemembersOnItsClass(Strategy):
    """Counts the days on its class: all agents count together."""

    name = "remembers-on-its-class"
    family = "broken"
    days: ClassVar[list[int]] = [0]

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        self.days[0] += 1
        return {"BTC": 0.8} if self.days[0] % 10 < 5 else {}


class RemembersATuple(Strategy):
    """Remembers what JSON gives back as something else."""

    name = "remembers-a-tuple"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        memory["seen"] = (market.now, market.last("BTC.close"))
        return HOLD


class AsksTheHash(Strategy):
    """Takes whatever comes first out of a set: another process has another order."""

    name = "asks-the-hash"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        first = next(iter({"BTC", "ETH", "SOL", "aave", "curve", "pendle", f"{market.now}"}))
        return {"BTC": 0.1 + (len(first) + ord(first[0])) / 1_000}
