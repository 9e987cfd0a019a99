"""Strategies to play with: one that behaves, and some that should not."""

from __future__ import annotations

from typing import ClassVar

from arena.market import MarketView
from arena.strategies import BookView, Decision, Memory, Number, Strategy


class Half(Strategy):
    """Holds half of its capital in bitcoin."""

    name = "half"
    family = "half"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 0.5}


class Part(Strategy):
    """Holds as much of its capital in bitcoin as it was told."""

    name = "part"
    family = "part"
    parameters = (Number(name="share", default=0.5, low=0.1, high=0.9, doc="Of its capital."),)

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": self.number("share")}


class Counter(Strategy):
    """Buys on every second day that it was asked, and keeps count in its memory."""

    name = "counter"
    family = "counter"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        memory["asked"] = memory.get("asked", 0) + 1
        return {"BTC": 0.5} if memory["asked"] % 2 else {}


class Forgetful(Strategy):
    """Keeps count on itself, where a crash takes it."""

    name = "forgetful"
    family = "forgetful"
    asked = 0

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        self.asked += 1
        return {"BTC": 0.5} if self.asked % 4 < 2 else {}


class Herd(Strategy):
    """Whoever of its class is asked first on a day buys, the others do not: a planted race."""

    name = "herd"
    family = "herd"
    first: ClassVar[dict[int, str]] = {}

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        Herd.first = {market.now: Herd.first.get(market.now, book.agent_id)}
        return {"BTC": 0.5} if Herd.first[market.now] == book.agent_id else {}


class Peeking(Strategy):
    """Finds the whole buffer behind what it was handed, and buys what will rise."""

    name = "peeking"
    family = "peeking"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        closes = market.history("BTC.close")
        whole = closes if closes.base is None else closes.base[market.columns["BTC.close"]]
        later = whole[min(market.now + 1, len(whole) - 1)]
        return {"BTC": 0.5} if later > closes[-1] else {}


class Broken(Strategy):
    """Never comes to an answer."""

    name = "broken"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        raise RuntimeError("never")
